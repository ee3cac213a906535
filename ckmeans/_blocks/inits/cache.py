"""Hashes and distances that a process keeps from pass to pass."""

from threading import RLock

#: Bytes that the cache of a process may take.
CACHE_LIMIT = 96 << 20


class Cache:
    """Arrays by (fit, what, block). All of them can be computed again, so an entry may be missing:
    because there is no room, or because another process has worked on the block before.
    """

    def __init__(self):
        # Reentrant: a signal handler may run another fit while this thread holds the lock.
        self.held, self.lock = {}, RLock()

    def get(self, key):
        return self.held.get(key)

    def put(self, key, value, array):
        with self.lock:
            if key not in self.held and array.nbytes + self.size() > CACHE_LIMIT:
                # Entries of other fits are removed first: those fits have ended, or compute them
                # again.
                for other in [other for other in list(self.held) if other[0] != key[0]]:
                    self.held.pop(other, None)
                if array.nbytes + self.size() > CACHE_LIMIT:
                    return
            self.held[key] = value, array

    def size(self):
        return sum(kept.nbytes for _, kept in list(self.held.values()))

    def drop(self, fit):
        with self.lock:
            for key in [key for key in list(self.held) if key[0] == fit]:
                self.held.pop(key, None)


cache = Cache()
