"""Running a problem and comparing results, for all test files."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import oracle
import pytest

import ckmeans

#: Where child processes start: from the top of a checkout they would import its sources, which are
#: not compiled.
HERE = os.path.dirname(os.path.abspath(__file__))

#: Seconds after which a call is considered to hang: far more than any call needs, since a busy
#: machine may be slow.
PATIENCE = 600


def fit(problem, **params):
    """The estimator fitted to a problem of ``strategies.problems``, without the warning about few
    distinct rows.
    """
    model = ckmeans.KMeans(
        problem.k,
        **{"init": problem.init, "tol": problem.tol, "max_iter": problem.max_iter, **params},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        return model.fit(problem.X, sample_weight=problem.weights)


def expected(problem):
    return oracle.lloyd(
        problem.X, problem.init, problem.weights, max_iter=problem.max_iter, tol=problem.tol
    )


def assert_agrees(model, result):
    """A fitted model holds exactly what the oracle found."""
    assert np.array_equal(model.labels_, result.labels)
    assert np.array_equal(model.cluster_centers_, result.centers)
    assert model.cluster_centers_.dtype == result.centers.dtype
    assert model.inertia_ == result.inertia
    assert (model.n_iter_, model.stop_reason_) == (result.n_iter, result.stop_reason)
    assert model.converged_ == (result.stop_reason != "max_iter")
    assert np.array_equal(model.counts_, np.bincount(result.labels, minlength=len(result.centers)))


def assert_same(one, other):
    """Two fitted models are equal to the last bit."""
    assert np.array_equal(one.labels_, other.labels_)
    assert one.cluster_centers_.tobytes() == other.cluster_centers_.tobytes()
    assert one.inertia_ == other.inertia_
    assert (one.n_iter_, one.stop_reason_) == (other.n_iter_, other.stop_reason_)
    assert np.array_equal(one.counts_, other.counts_)


def run_python(source, **environment):
    """Standard output of source, run in a new interpreter with additional environment variables."""
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=HERE,
        env=subprocess_environment(**environment),
    )
    if done.returncode:
        raise AssertionError(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


#: Of child processes whose memory is measured: what else would depend on the number of CPUs and on
#: how pages are handed out.
STEADY_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "2",
}


class Interruption(threading.Thread):
    """A Ctrl-C for this process once it has used some CPU time, which depends less on a busy
    machine than clock time does.

    >>> interruption = Interruption()
    >>> try:
    ...     long()
    ... except KeyboardInterrupt:
    ...     print(interruption.went_on(n_threads=2))
    """

    def __init__(self, after=0.3):
        super().__init__(daemon=True)
        self.sent = None
        self.when = time.process_time() + after
        self.start()

    def run(self):
        while time.process_time() < self.when:
            time.sleep(0.01)
        self.sent = time.process_time()
        signal.raise_signal(signal.SIGINT)

    def went_on(self, n_threads):
        """Seconds of each thread's CPU that were still spent after it."""
        return (time.process_time() - self.sent) / (n_threads or os.cpu_count())


def assert_same_output_with_every_instruction_set(program):
    """A program's output, such as a hash of results, does not depend on the instruction set."""
    found = {isa: run_python(program, CKMEANS_ISA=isa) for isa in ckmeans._native.available}
    assert len(set(found.values())) == 1, found


def failed_estimator_checks(model):
    """(name, exception) of scikit-learn's checks of an estimator that fail; skips the test where
    it has none.
    """
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = checks.check_estimator(model, on_fail=None, on_skip=None)
    return [
        (result["check_name"], result["exception"])
        for result in results
        if result["status"] == "failed"
    ]


def subprocess_environment(**more):
    """The environment for a child process that must import this same package."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(ckmeans.__file__)))
    path = os.pathsep.join([package, HERE, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**os.environ, "PYTHONPATH": path, **more}
