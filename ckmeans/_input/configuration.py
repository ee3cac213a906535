"""What the package runs on: instruction set, threads, build."""

import os
import platform
from functools import cache

from .. import _native
from . import checks as check

__version__ = "0.1.0"


@cache
def cpu_count():
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


def thread_count(n_threads):
    """Threads that `n_threads` stands for, checked: None for one on each CPU, and no more than make
    sense on this machine.
    """
    if n_threads is None:
        return cpu_count()
    check.check_threads(n_threads)
    return min(int(n_threads), _native.engine.MOST_THREADS)


def memory_is_short(needed):
    """Whether `needed` bytes are more than half of the memory that is available; False where that
    is not known.
    """
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return needed > int(line.split()[1]) * 1024 // 2
    except OSError:
        pass
    return False


def show_config():
    """Print version, instruction sets, threads and build flags.

    Examples
    --------
    >>> import ckmeans
    >>> ckmeans.show_config()  # doctest: +ELLIPSIS
    ckmeans ...
    """
    import numpy

    native = _native.engine
    print(f"""ckmeans {__version__}
  instruction set   {_native.isa} (available: {", ".join(_native.available)}; built: {", ".join(native.BUILT)})
  threads           {cpu_count()}
  build flags       {native.FLAGS}
  python            {platform.python_version()} on {platform.system()} {platform.machine()}
  numpy             {numpy.__version__}""")
