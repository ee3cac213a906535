"""The process around one peer: ``python worker.py PEER THREADS``.

Requests are lines of JSON on standard input, answers are lines of JSON on the original standard
output. It is run as a file, so that the checkout is not the first entry of Python's path.
"""

import gc
import json
import os
import signal
import sys
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEMORY_ITERATIONS = 5


def find_packages():
    """Let the worker import `bench`, and ckmeans from the checkout if built there, else the
    installed one.
    """
    root = HERE.parent
    sys.path = [place for place in sys.path if Path(place or ".").resolve() not in (HERE, root)]
    built = any(entry.suffix in (".so", ".pyd") for entry in root.glob("ckmeans/_native/*"))
    sys.path.insert(0 if built else len(sys.path), str(root))


def answer_requests(name, threads, requests, reply):
    import numpy as np

    from bench.machine import version
    from bench.peers import PEERS

    peer = PEERS[name]
    try:
        driver = peer.driver(threads)
    except Exception as error:
        reply({"error": f"{type(error).__name__}: {error}"})
        return
    _limit_pools(threads)
    reply(
        {
            "distribution": peer.distribution,
            "version": version(peer.distribution),
            "pools": _pools(),
            **driver.about(),
        }
    )

    X = centers = None
    for line in requests:
        request = json.loads(line)
        try:
            if "load" in request:
                X = centers = None
                X, centers = (np.load(path) for path in request["load"])
                reply({})
            else:
                reply(_measure(driver, X, centers, request))
        except Exception as error:
            reply({"error": f"{type(error).__name__}: {error}"})


def _limit_pools(threads):
    """Set the number of threads of pools that do not read it from the environment."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return
    threadpool_limits(threads)


def _pools():
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    return [f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpool_info()]


def _measure(driver, X, centers, request):
    from bench.tasks import TASKS, Job

    task = TASKS[request["task"]]
    job = Job(X, centers, *(request[key] for key in ("k", "n_init", "n_iter", "finish")))
    if request["task"] == "memory":
        measure = _peak
        job = job._replace(n_iter=MEMORY_ITERATIONS, finish=True)
        driver.fit(
            X[: 8 * job.k], centers, 1, True
        )  # starts threads and does all work that is done only once
    else:
        measure = _time
    samples, result = measure(task.timed(driver, job), request)
    answer = {"samples": samples}
    if request["check"]:
        answer["n_iter"], answer["value"] = task.outcome(driver, job, result)
        answer["share"] = task.share(driver, job, result) if task.share else None
    return answer


def _time(call, request):
    """Seconds of each of the calls that fit into `min_time`, at least one, and the last result."""
    samples, total = [], 0.0
    gc.collect()
    gc.disable()
    try:
        while not samples or total < request["min_time"]:
            result = None  # the old result is freed outside of the timing
            i = request["calls"] + len(samples)
            start = time.perf_counter()
            result = call(i)
            samples.append(time.perf_counter() - start)
            total += samples[-1]
    finally:
        gc.enable()
    return samples, result


def _peak(call, request):
    """Peak of the resident memory that the call added, in bytes; for a fresh process."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the old peak
        before, peak = _status("VmRSS"), "VmHWM"
        result = call(0)
        return [_status(peak) - before], result
    except OSError:
        pass
    import resource  # no such module on Windows: the error says so

    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = call(0)
    return [(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit], result


def _status(key):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return 1024 * int(line.split()[1])
    raise OSError(f"no {key} in /proc/self/status")


def main():
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the parent, which then ends its workers
    warnings.simplefilter("ignore")
    # Libraries may print: their output goes to standard error, not between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    find_packages()
    answer_requests(sys.argv[1], int(sys.argv[2]), sys.stdin, reply)


if __name__ == "__main__":
    main()
