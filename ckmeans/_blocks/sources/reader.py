"""A thread that reads the next blocks while others are worked on."""

import queue
import threading
import weakref

import numpy as np

#: If two blocks take more bytes than this together, the next one is only read when the one before
#: it is done.
IN_FLIGHT = 64 << 20


class Reader:
    """An iterator of blocks that a thread produces: up to two ahead, or none if they are large.

    However the iteration is interrupted, the thread ends: when there are no more items, when
    `close` is called, and when this object is no longer referenced. It never waits for longer than
    a fraction of a second, and only on queues whose operations are atomic: an interrupt cannot
    leave a lock locked, as it can with `threading.Condition`.

    Parameters
    ----------
    items : generator of pairs (array, weights or None)
        Started, run and closed in the thread.
    """

    def __init__(self, items):
        self.shared, self.given = _Shared(), False
        self.thread = threading.Thread(
            target=_read,
            args=(items, self.shared, weakref.ref(self)),
            name="ckmeans-reader",
            daemon=True,
        )

    def start(self):
        """Start reading. The caller must already have made sure that `close` will be called."""
        start_thread(self.thread)

    def __iter__(self):
        return self

    def __next__(self):
        if self.given:
            self.shared.done.put(True)
        while True:
            try:
                item, error = self.shared.ready.get(timeout=1.0)
                break
            except queue.Empty:
                if not self.thread.is_alive() and self.shared.ready.empty():
                    raise RuntimeError(
                        "the thread that reads rows is gone, as it is in a process "
                        "that was forked during a pass: begin "
                        "the fit there."
                    ) from None
        if error is not None:
            raise error
        if item is None:
            raise StopIteration
        self.given = True
        return item

    def close(self):
        """End the thread; returns when the block that it is reading has been read."""
        self.shared.closed = True
        self.shared.done.put(True)  # wakes the thread at once
        if self.thread.ident is not None and self.thread is not threading.current_thread():
            self.thread.join()


def start_thread(thread):
    """Start a thread. What a signal handler raises meanwhile is raised as it is.

    If it comes when the thread has begun, `Thread.start` fails to forget the thread a second time,
    and raises a KeyError in its place.
    """
    raised = None
    try:
        thread.start()
    except KeyError as error:
        raised = error.__context__ or error
    if raised is not None:
        raise raised


class _Shared:
    """The data that a `Reader` and its thread exchange.

    Attributes
    ----------
    ready : queue of ((array, weights or None) or None, error or None)
        Blocks that were read; at the end a None and the error that ended the reading, if any.
    done : queue
        One entry for each block that was worked on.
    closed : bool
        Whether the thread is to end.
    """

    def __init__(self):
        self.ready: queue.SimpleQueue = queue.SimpleQueue()
        self.done: queue.SimpleQueue = queue.SimpleQueue()
        self.closed = False


def _read(items, shared, owner):
    """Run in a reader's thread."""
    given = done = 0
    error = None
    try:
        for item in items:
            room = 1 if 2 * _held(item[0]) > IN_FLIGHT else 3
            shared.ready.put((item, None))
            del item
            given += 1
            while given - done >= room and not shared.closed and owner() is not None:
                try:
                    shared.done.get(timeout=0.2)
                    done += 1
                except queue.Empty:
                    pass
            if shared.closed or owner() is None:
                break
    except BaseException as raised:  # raised again in `Reader.__next__`
        error = raised
    finally:
        shared.ready.put((None, error))
        del error
        items.close()  # closes open files here, rather than when the generator is garbage-collected


def _held(array):
    """Bytes that stay in memory as long as this array does."""
    owner = array.base if isinstance(array.base, np.ndarray) else array
    return owner.nbytes if owner.flags.owndata else array.nbytes
