"""Fits in several Python threads, after a fork, and interrupted by Ctrl-C."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from checks import PATIENCE, assert_same, run_python

from ckmeans import KMeans


def data(n, d, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(7, d))[rng.integers(7, size=n)] * 5 + rng.normal(size=(n, d))


# ---- several fits at once


@pytest.mark.parametrize("n_threads", [1, 2, None])
def test_concurrent_fits(n_threads):
    sets = [data(n, 3, n) for n in (200, 5_000, 30_000)]

    def fit(task):
        model = KMeans(6, n_init=2, random_state=task % 5, max_iter=20, n_threads=n_threads)
        return model.fit(sets[task % len(sets)])

    tasks = range(24)
    alone = [fit(task) for task in tasks]
    with ThreadPoolExecutor(6) as pool:
        for one, other in zip(alone, pool.map(fit, tasks)):
            assert_same(one, other)


def test_concurrent_use_of_one_model():
    X = data(40_000, 4, 0)
    model = KMeans(9, n_init=1, random_state=0).fit(X)
    distances = model.transform(X)
    with ThreadPoolExecutor(6) as pool:
        for labels in pool.map(lambda _: model.predict(X), range(12)):
            assert np.array_equal(labels, model.labels_)
        for again in pool.map(lambda _: model.transform(X), range(6)):
            assert np.array_equal(again, distances)


def test_other_threads_run_during_a_call():
    """The interpreter's lock is released: Python code runs during the second that this takes."""
    X = np.random.default_rng(1).random((200_000, 8), dtype=np.float32)
    model = KMeans(20_000, init=X[:20_000], max_iter=1, n_threads=1).fit(X[:20_000])
    rounds = tries = 0
    with ThreadPoolExecutor(1) as pool:
        while (
            rounds <= 10 and tries < 20
        ):  # on a busy machine this thread may not run for some time
            rounds, tries = 0, tries + 1
            call = pool.submit(model.predict, X)
            while not call.done():
                time.sleep(0.001)
                rounds += 1
            call.result()
    assert rounds > 10


# ---- fork


FORK = """
import os, signal, sys, threading
import numpy as np
from ckmeans import KMeans
from native.test_threads import data

X = data(40_000, 4, 0)
def fit():
    return KMeans(9, n_init=1, random_state=0, n_threads=2).fit(X)

expected = fit()
{before}
children = []
for _ in range(3):
    pid = os.fork()
    if not pid:
        signal.alarm({patience})  # a child that hangs ends here
        here = fit()
        same = np.array_equal(here.labels_, expected.labels_) and here.inertia_ == expected.inertia_
        os._exit(0 if same else 1)
    children.append(pid)
codes = [os.waitpid(pid, 0)[1] for pid in children]
{after}
assert fit().inertia_ == expected.inertia_
print(codes)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("busy", [False, True], ids=["after a fit", "during a fit"])
def test_fit_in_a_forked_child(busy):
    before = after = ""
    if busy:
        before = """
stop = threading.Event()
def keep_fitting():
    while not stop.is_set():
        fit()
fitting = threading.Thread(target=keep_fitting)
fitting.start()
"""
        after = "stop.set(); fitting.join()"
    output = run_python(
        FORK.format(before=before, after=after, patience=PATIENCE // 2), PYTHONWARNINGS="ignore"
    )
    assert output.split("\n")[0] == "[0, 0, 0]"


# ---- Ctrl-C


INTERRUPTED = """
import numpy as np
from checks import Interruption
from ckmeans import KMeans, kmeans_plusplus
rng = np.random.default_rng(0)
X = rng.random((1_000_000, 8), dtype=np.float32)
model = KMeans(200, init=X[:200], tol=0.0, max_iter=100_000, n_threads={n_threads})
many = KMeans(20_000, init=X[:20_000], max_iter=1, n_threads={n_threads}).fit(X[:20_000])
small = KMeans(5, n_init=1, random_state=0).fit(X[:500])
interruption = Interruption()
try:
    while True:
        {call}
except KeyboardInterrupt:
    print(interruption.went_on({n_threads}))
# All goes on as if nothing had happened, with the same estimator too.
assert np.array_equal(KMeans(5, n_init=1, random_state=0).fit(X[:500]).labels_, small.labels_)
same = KMeans(200, init=X[:200], max_iter=2).fit(X[:40_000])
assert np.array_equal(model.set_params(max_iter=2, tol=1e-4).fit(X[:40_000]).labels_, same.labels_)
assert np.array_equal(model.predict(X[:40_000]), same.labels_)
"""

CALLS = {
    "fit": "model.fit(X)",
    "fit float64": "model.fit(X.astype(float))",
    "fit strided": "model.fit(np.asfortranarray(X))",
    "iter_fit": "list(model.iter_fit(X))",
    "k-means++": "kmeans_plusplus(X, 5000, random_state=0)",
    "k-means++ in a fit": "KMeans(5000, random_state=0, n_threads={n_threads}).fit(X)",
    "predict": "many.predict(X)",
    "small fits": "KMeans(8, init='random', n_init=1_000_000, random_state=0).fit(X[:200])",
}


@pytest.mark.parametrize(
    "name, n_threads",
    [*((name, None) for name in CALLS), ("fit", 1), ("predict", 1), ("k-means++", 1)],
)
def test_interrupt(name, n_threads):
    call = CALLS[name].format(n_threads=n_threads)
    went_on = run_python(INTERRUPTED.format(call=call, n_threads=n_threads))
    assert float(went_on) < 1.0  # 0.1 seen; each of these calls takes seconds
