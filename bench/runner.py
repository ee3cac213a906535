"""Starts one worker process per peer and asks them in turn: A B C, A B C.

Every sample is one round over the peers, and a cell's figure is the median of its rounds: if the
machine slows down for a while, all peers are affected equally. Data is generated here and passed in
files, outside of every timing.
"""

import json
import os
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench import data
from bench.peers import PEERS
from bench.tasks import TASKS, tolerance

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
MAX_ITER = 300  # the default of ckmeans and scikit-learn
FIXED_ITER = 20  # when no peer can tell how many iterations it takes to converge
PILOT_ITER = 1, 3
PAUSE = 0.005  # between two peers


@dataclass(frozen=True)
class Settings:
    """How long and how often to measure."""

    threads: int
    repeat: int = 5  # rounds
    min_time: float = 0.05  # seconds: a faster call is made several times in a round
    budget: float = 3.0  # seconds for one peer in one cell; after that there are no further rounds
    limit: float = (
        30.0  # seconds: a peer that would need longer for one call is left out of the cell
    )
    deadline: float = None  # seconds: no further cell is begun after this
    # whether other libraries are measured beside our own algorithms, on the page that compares
    # those
    rivals: bool = True


@dataclass
class Result:
    """The result of one peer in one cell."""

    cell: data.Cell
    peer: str
    samples: list = field(default_factory=list)  # one per round: seconds, or bytes for memory
    n_iter: int = None
    value: float = None  # inertia, or the sum of distances for transform
    share: float = None  # of the distances from all rows to all centers, the part that was computed
    agrees: bool = True  # whether `value` is that of the first peer
    note: str = ""  # why there are no samples

    @property
    def median(self):
        return statistics.median(self.samples) if self.samples else None


class WorkerError(RuntimeError):
    """A worker that ended, or took too long."""


class Worker:
    """A process that drives one peer, kept until it is closed.

    It is stopped while it has no request: threads of some peers spin for up to 200 ms after their
    work is done, and would take CPU time from the next peer.
    """

    def __init__(self, name, threads):
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
        self.name = name
        self._complaints = tempfile.TemporaryFile("w+", errors="replace")
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            env=environment,
        )
        # Pipes cannot be waited for with a time limit everywhere; queues can.
        self._answers = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
        self._answers.put(None)

    def _signal(self, name):
        if hasattr(signal, name):  # (Windows has none of them, only the pauses)
            self._process.send_signal(getattr(signal, name))

    def ask(self, request, timeout=600):
        self._signal("SIGCONT")
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended; the missing answer is reported
        return self.answer(timeout)

    def answer(self, timeout):
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            self._process.kill()
            raise WorkerError(f"no answer within {timeout:g} s") from None
        if answer is None:
            self._complaints.seek(0)
            last = "".join(
                f": {line}" for line in self._complaints.read().strip().splitlines()[-1:]
            )
            raise WorkerError(f"ended with code {self._process.wait()}{last}")
        self._signal("SIGSTOP")
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self):
        self._signal("SIGCONT")
        self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._complaints.close()


class Runner:
    """Holds the workers of a run; use it in a ``with`` statement.

    Parameters
    ----------
    names : list of str
        Keys of ``peers.PEERS``. The first that is there is what the others are compared with.
    settings : Settings
    """

    def __init__(self, names, settings):
        self.settings = settings
        self.about, self.missing, self._workers = {}, [], {}
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        try:
            for name in names:
                self._start(name)
        except BaseException:
            self.__exit__()
            raise
        self.names = list(self._workers)

    def _start(self, name):
        peer = PEERS[name]
        remedy = "pip install ." if name == "ckmeans" else f"pip install {peer.distribution}"
        if not peer.installed:
            self.missing.append(f"{name}: not installed ({remedy})")
            return
        worker = Worker(name, self.settings.threads)
        try:
            self.about[name] = worker.answer(timeout=120)
        except RuntimeError as error:
            self.missing.append(f"{name}: cannot be used, {error} ({remedy})")
            worker.close()
        else:
            self._workers[name] = worker

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for worker in self._workers.values():
            worker.close()
        self._folder.cleanup()

    def run(self, cell, sources):
        """Measure one cell with every peer that can do it; a list of results, the first peer's
        first.
        """
        X = data.make(cell, sources)
        paths = [str(Path(self._folder.name, f"{which}.npy")) for which in ("rows", "centers")]
        for path, array in zip(paths, (X, data.first_centers(X, cell.k))):
            np.save(path, array)
        del X, array
        names = [
            name
            for name in self.names
            if cell.task in PEERS[name].tasks
            and (
                self.settings.rivals or cell.task != "algorithms" or PEERS[name].module == "ckmeans"
            )
        ]
        able = [name for name in names if cell.dtype in PEERS[name].dtypes]
        results = {
            name: Result(cell, name, note="" if name in able else f"no {cell.dtype}")
            for name in names
        }
        measure = self._memory if cell.task == "memory" else self._times
        measure(cell, paths, {name: results[name] for name in able})
        judge(results.values())
        return list(results.values())

    def _times(self, cell, paths, results):
        request = {
            "task": cell.task,
            "k": cell.k,
            "n_init": cell.n_init,
            "min_time": self.settings.min_time,
            "n_iter": MAX_ITER,
            "finish": True,
            "check": False,
            "calls": 0,
        }
        live = [name for name in results if self._try(results[name], {"load": paths}) is not None]
        if TASKS[cell.task].iterates:
            request.update(self._iterations(request, live, results))
        live = [name for name in live if self._pilot(results[name], request)]
        spent = dict.fromkeys(live, 0.0)
        for turn in range(self.settings.repeat):
            for name in live:
                if results[name].note or (turn and spent[name] > self.settings.budget):
                    continue
                time.sleep(PAUSE)
                # The first round also checks the results; its samples are valid, as the check comes
                # after the timing.
                answer = self._try(results[name], {**request, "check": turn == 0, "calls": turn})
                if answer:
                    spent[name] += sum(answer["samples"])
                    results[name].samples.append(statistics.median(answer["samples"]))
                    if turn == 0:
                        results[name].n_iter, results[name].value = (
                            answer["n_iter"],
                            answer["value"],
                        )
                        results[name].share = answer["share"]

    def _iterations(self, request, live, results):
        """The number of iterations for all peers: that of the first peer with a test of
        convergence.
        """
        for name in live:
            if PEERS[name].driver.converges:
                answer = self._try(results[name], {**request, "min_time": 0, "check": True})
                if answer:
                    # A peer that stopped at the limit has made one more assignment.
                    return {"n_iter": answer["n_iter"], "finish": answer["n_iter"] == MAX_ITER}
        return {"n_iter": FIXED_ITER, "finish": True}

    def _pilot(self, result, request):
        """Warm up, and find out whether the peer can do the cell within the limit."""
        # For a long fit, two short ones are enough to compute the cost of an iteration and the cost
        # before the first one.
        few, more = PILOT_ITER
        short = request["task"] == "fit" and request["n_iter"] > more
        seconds = []
        for n_iter in (few, more) if short else (request["n_iter"],):
            answer = self._try(result, {**request, "min_time": 0, "n_iter": n_iter})
            if answer is None:
                return False
            seconds.append(answer["samples"][0])
        expected = seconds[-1]
        if short:
            expected += max(0, seconds[1] - seconds[0]) / (more - few) * (request["n_iter"] - more)
        if expected > self.settings.limit:
            result.note = f"left out: about {expected:.0f} s"
        return not result.note

    def _memory(self, cell, paths, results):
        request = {
            "task": cell.task,
            "k": cell.k,
            "n_init": 1,
            "n_iter": 0,
            "finish": True,
            "check": True,
        }
        for name, result in results.items():
            worker = Worker(name, self.settings.threads)
            try:
                worker.answer(timeout=120)
                worker.ask({"load": paths})
                answer = worker.ask(request)
                result.samples, result.n_iter = answer["samples"], answer["n_iter"]
                result.value = answer["value"]
            except RuntimeError as error:
                result.note = f"failed: {error}"
            finally:
                worker.close()

    def _try(self, result, request):
        """The worker's answer, or None and a note in the result. A worker that has ended is
        replaced.
        """
        worker = self._workers[result.peer]
        try:
            return worker.ask(request)
        except WorkerError as error:
            result.note = f"failed: {error}"
            worker.close()
            worker = self._workers[result.peer] = Worker(result.peer, self.settings.threads)
            worker.answer(timeout=120)
        except RuntimeError as error:
            result.note = f"failed: {error}"
        return None


def judge(results):
    """Mark the results whose value is not that of the first peer: their times do not count."""
    done = [result for result in results if result.value is not None]
    for result in done:
        first = done[0]
        if TASKS[result.cell.task].same:
            allowed = tolerance(result.cell.dtype) * abs(first.value)
            result.agrees = abs(result.value - first.value) <= allowed
