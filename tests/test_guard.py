"""The filter may only discard: its bound holds where it is hardest, and the test for that can fail."""
import numpy as np
import pytest

import oracle
from ckmeans import KMeans
from ckmeans._native import engine


def near_ties(rng, d, n=4000):
    """Rows within rounding errors of the plane between two centers."""
    a, b = rng.normal(size=(2, d)) + rng.normal(size=d) * 10
    along = rng.normal(size=(n, d))
    normal = (b - a) / np.linalg.norm(b - a)
    along -= (along @ normal)[:, None] * normal
    return (a + b) / 2 + along + (rng.normal(size=n) * 10.0 ** rng.uniform(-9, -4, size=n))[:, None] * normal, np.array([a, b])


def wrong_labels(rounds, seed=0):
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(rounds):
        X, centers = near_ties(rng, int(rng.integers(1, 200)))
        data = engine.Data(X, None, 1, False)
        wrong += int((data.assign(centers) != oracle.assign(X, centers)[0]).sum())
    return wrong


def test_near_ties_are_decided_right():
    assert wrong_labels(40) == 0


def test_a_weaker_bound_would_be_noticed():
    engine.scale_guard(0.01)
    try:
        assert wrong_labels(40) > 0
    finally:
        engine.scale_guard(1)


def wrong_along_axes(rounds, seed=0):
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(rounds):
        X, centers = near_ties(rng, int(rng.integers(8, 200)), 1000)
        run = engine.Run(engine.Data(X, None, 1, True), centers.copy(), 1, 0.0, "projected")
        run.iterate()
        wrong += int((run.labels() != oracle.assign(X, centers)[0]).sum())
    return wrong


def test_near_ties_along_axes_are_decided_right():
    assert wrong_along_axes(20) == 0


def test_a_weaker_bound_along_axes_would_be_noticed():
    engine.scale_guard(1e-9)
    try:
        assert wrong_along_axes(20) > 0
    finally:
        engine.scale_guard(1)


def all_tied(n, d, dtype=np.float64):
    """Rows that are equally far from all centers: nothing can be discarded."""
    X = np.zeros((n, d), dtype)
    X[:, -1] = np.random.default_rng(0).normal(size=n)
    centers = np.zeros((2 * (d - 1), d), dtype)
    centers[np.arange(2 * (d - 1)), np.arange(2 * (d - 1)) // 2] = np.where(np.arange(2 * (d - 1)) % 2, 1, -1)
    return X, centers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("algorithm", ["lloyd", "auto"])
def test_all_rows_tied(dtype, algorithm):
    X, centers = all_tied(5000, 9, dtype)
    model = KMeans(16, init=centers, max_iter=1, algorithm=algorithm).fit(X)
    step = oracle.lloyd(X, centers, max_iter=1)
    assert np.array_equal(model.labels_, step.labels)
    assert np.array_equal(model.cluster_centers_, step.centers)


def test_huge_offset_and_equal_rows():
    rng = np.random.default_rng(0)
    X = 1e12 + rng.normal(size=(3000, 5))
    result = oracle.lloyd(X, X[:7], max_iter=5)
    model = KMeans(7, init=X[:7], max_iter=5).fit(X)
    assert np.array_equal(model.labels_, result.labels) and model.inertia_ == result.inertia
    same = KMeans(1, init=np.full((1, 3), 0.1)).fit(np.full((500, 3), 0.1))
    assert same.inertia_ == 0 and (same.labels_ == 0).all()


def test_counters():
    X = np.random.default_rng(0).normal(size=(10_000, 8))
    run = engine.Run(engine.Data(X, None, 2, True), X[:20].copy(), 5, 0.0, "lloyd")
    run.finish()
    work = run.counters()
    assert work["filtered"] == 10_000 * 20 * (run.n_iter + 1)       # and the last assignment
    assert 0 < work["decided"] < 0.01 * 10_000 * run.n_iter
    assert work["exact"] == 20 * work["decided"]
