"""The configuration that the package runs with: instruction set, threads, build."""

import os
import platform
from functools import cache

from .. import _native
from .parameters import check_threads

__version__ = "0.1.0"


@cache
def cpu_count() -> int:
    """CPUs that this process may use: its affinity mask, and a container's quota where there is
    one.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        count = min(count, max(1, -(-int(quota) // int(period))))
    except (OSError, ValueError):  # no such file, or no limit: "max 100000"
        pass
    return count


def thread_count(n_threads: int | None) -> int:
    """The number of threads that `n_threads` stands for: None means one for each CPU that this
    process may use; larger numbers are limited.
    """
    if n_threads is None:
        return cpu_count()
    if type(n_threads) is int and 0 < n_threads <= _native.engine.MOST_THREADS:
        return n_threads
    check_threads(n_threads)
    return min(int(n_threads), _native.engine.MOST_THREADS)


def memory_is_short(needed: int) -> bool:
    """Whether `needed` bytes are more than half of the available memory; False if unknown."""
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return needed > int(line.split()[1]) * 1024 // 2
    except OSError:
        pass
    return False


def show_config() -> None:
    """Print version, instruction sets, threads and build flags.

    Examples
    --------
    >>> import ckmeans
    >>> ckmeans.show_config()  # doctest: +ELLIPSIS
    ckmeans ...
    """
    import numpy

    native = _native.engine
    available, built = ", ".join(_native.available), ", ".join(native.BUILT)
    print(f"""ckmeans {__version__}
  instruction set   {_native.isa} (available: {available}; built: {built})
  threads           {cpu_count()}
  build flags       {native.FLAGS}
  python            {platform.python_version()} on {platform.system()} {platform.machine()}
  numpy             {numpy.__version__}""")
