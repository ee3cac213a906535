"""Objects that many threads share: rows, weights, parameters and fitted models. Without the
interpreter's lock, too.
"""

import copy
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from checks import PATIENCE, assert_same, run_python

import ckmeans
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans, metrics

THREADS = 8


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4000, 5)) + 4 * rng.integers(3, size=(4000, 1)), rng.exponential(
        size=4000
    )


def at_once(*jobs):
    """Do each job in its own thread, all at the same time; returns their results."""
    ready = threading.Barrier(len(jobs))

    def begin(job):
        ready.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(begin, job) for job in jobs]]


@pytest.mark.skipif(
    not hasattr(sys, "_is_gil_enabled"),
    reason="only interpreters from 3.13 on can do without the lock",
)
def test_importing_everything_leaves_the_lock_as_it_was():
    output = run_python("""
import sys
import numpy
before = sys._is_gil_enabled()
import ckmeans, ckmeans.metrics, ckmeans._estimators.one_dim, ckmeans._refine
ckmeans.KMeans(2, refine="best").fit([[0.0], [1.0], [5.0]])
print(before == sys._is_gil_enabled())
""")
    assert output.strip() == "True"


@pytest.mark.parametrize(
    "make",
    [
        lambda i: KMeans(5, n_init=2, random_state=i % 3, n_threads=1 + i % 3),
        lambda i: KMeans(
            5,
            n_init=1,
            random_state=i % 3,
            algorithm="boxes",
            init="k-means||",
            refine="swap" if i % 2 else None,
        ),
        lambda i: MiniBatchKMeans(5, random_state=i % 3, batch_size=200, max_iter=3),
        lambda i: BisectingKMeans(5, random_state=i % 3),
    ],
    ids=["lloyd", "boxes", "batches", "bisecting"],
)
def test_fits_share_rows_and_weights(make, rows):
    X, weights = rows
    before = X.copy(), weights.copy()
    alone = [make(i).fit(X, sample_weight=weights) for i in range(THREADS)]
    together = at_once(*(lambda i=i: make(i).fit(X, sample_weight=weights) for i in range(THREADS)))
    for one, other in zip(alone, together):
        assert np.array_equal(one.labels_, other.labels_) and one.inertia_ == other.inertia_
        assert one.cluster_centers_.tobytes() == other.cluster_centers_.tobytes()
    assert np.array_equal(X, before[0]) and np.array_equal(weights, before[1])


def test_a_fitted_model_serves_many_threads(rows):
    X, weights = rows
    model = KMeans(5, n_init=1, random_state=0).fit(X)
    tree = BisectingKMeans(5, random_state=0).fit(X)

    def use():
        for _ in range(5):
            assert np.array_equal(model.predict(X), model.labels_)
            assert np.array_equal(tree.predict(X), tree.labels_)
            assert model.transform(X[:50]).shape == (50, 5) and model.score(X) == -model.inertia_
            assert np.array_equal(
                pickle.loads(pickle.dumps(model)).cluster_centers_, model.cluster_centers_
            )
            assert np.array_equal(copy.deepcopy(model).labels_, model.labels_)
            (
                repr(model),
                model.get_params(),
                model.get_feature_names_out(),
                ckmeans.match(model, tree, X),
            )
        return True

    assert all(at_once(*[use] * THREADS))


def test_functions_share_rows(rows):
    X, weights = rows
    labels = KMeans(3, n_init=1, random_state=0).fit(X).labels_

    def use():
        return (
            metrics.silhouette_samples(X[:800], labels[:800], n_threads=2).tobytes(),
            ckmeans.breaks(X[:, 0], 4).tobytes(),
            ckmeans.kmeans_plusplus(X, 9, random_state=0, sample_weight=weights)[0].tobytes(),
            ckmeans.select_k(
                X[:300], range(1, 4), criteria=["bic", "elbow"], random_state=0, n_refs=2
            ).suggestion,
        )

    assert len(set(at_once(*[use] * THREADS))) == 1


def test_one_estimator_fitted_by_several_threads_at_once_is_no_crash(rows):
    """Which results stay is not defined; the next fit is correct."""
    X, _ = rows
    model, stream = KMeans(4, n_init=1, random_state=0), MiniBatchKMeans(4, random_state=0)
    stream.partial_fit(X)
    at_once(*[lambda: model.fit(X).predict(X)] * 4, *[lambda: stream.partial_fit(X[:500])] * 4)
    assert_same(model.fit(X), KMeans(4, n_init=1, random_state=0).fit(X))
    assert np.isfinite(stream.cluster_centers_).all() and stream.predict(X).max() < 4


def test_rows_that_change_under_a_fit_are_no_crash():
    """The result is meaningless, but memory stays intact, and errors are readable."""
    X = np.random.default_rng(0).normal(size=(20_000, 3))
    done = threading.Event()

    def disturb():
        rng = np.random.default_rng(1)
        while not done.is_set():
            X[rng.integers(len(X), size=2000)] = rng.normal(size=(2000, 3)) * 10.0 ** rng.integers(
                -5, 6
            )

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        for seed in range(12):
            for model in (
                KMeans(
                    7,
                    n_init=1,
                    random_state=seed,
                    max_iter=5,
                    algorithm=("lloyd", "boxes")[seed % 2],
                ),
                MiniBatchKMeans(7, random_state=seed, max_iter=1),
            ):
                try:
                    assert model.fit(X).labels_.max() < 7
                except (ValueError, RuntimeError) as error:
                    assert str(error)
    finally:
        done.set()
        disturber.join()
