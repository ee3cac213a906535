"""The environment of a measurement: CPU, threads, versions."""

import datetime
import os
import platform
import subprocess
import sys
import time
from importlib import metadata


def cpu_name():
    """The CPU's name, if the system reports it."""
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith(("model name", "Model")):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    if sys.platform == "darwin":
        asked = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True
        )
        if asked.stdout.strip():
            return asked.stdout.strip()
    return platform.processor() or platform.machine()


def cpu_count():
    """How many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Neighbors:
    """Measures how much CPU time other processes take (on Linux only).

    Times on a busy machine depend on the scheduler: libraries whose threads wait for each other
    lose most.
    """

    def __init__(self):
        self._start = self._clocks()

    @staticmethod
    def _clocks():
        """Seconds: by the wall, of all processes on all CPUs, of this one and the children it
        waited for.
        """
        try:
            with open("/proc/stat") as lines:
                user, nice, system, _, _, irq, softirq, steal = map(
                    int, lines.readline().split()[1:9]
                )
        except (OSError, ValueError):
            return None
        ticks = os.sysconf("SC_CLK_TCK")
        return (
            time.monotonic(),
            (user + nice + system + irq + softirq + steal) / ticks,
            sum(os.times()[:4]),
        )

    def cpus_taken(self):
        """How many CPUs other processes kept busy on average since the start; call it after the
        workers have ended.
        """
        if self._start is None:
            return None
        wall, every, own = (now - then for now, then in zip(self._clocks(), self._start))
        return max(0.0, round((every - own) / wall, 2))


def taken_now(seconds=1.0):
    """How many CPUs other processes keep busy at this moment, or None if that is not known."""
    neighbors = Neighbors()
    time.sleep(seconds)
    return neighbors.cpus_taken()


def version(distribution):
    """The version of an installed package."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"


def describe(threads):
    """The facts at the head of every report."""
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        "cpus": cpu_count(),
        "threads": threads,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": version("numpy"),
    }
