"""Further inits: good starts, correct with weights and with too few rows."""

import checks
import numpy as np
import pytest

from ckmeans import KMeans
from ckmeans._estimators.kmeans import open_data
from ckmeans._inits import DETERMINISTIC, INITS
from ckmeans._inits.kmeans_parallel import Nearest

FURTHER = ("k-means||", "sampled-k-means++", "variance-partition")


def centers_of(name, X, k, weights=None, seed=0, n_threads=1):
    return INITS[name](open_data(X, None, weights, n_threads), k, np.random.RandomState(seed))


@pytest.mark.parametrize("name", FURTHER)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
@pytest.mark.parametrize("n, d, k", [(500, 3, 20), (60, 1, 60), (30, 5, 1), (4000, 2, 300)])
def test_k_different_centers_within_the_data(name, dtype, n, d, k):
    X = np.unique((np.random.default_rng(0).random((4 * n, d)) * 250).astype(dtype), axis=0)[:n]
    k = min(k, len(X))
    centers = centers_of(name, X, k)
    assert centers.shape == (k, d) and centers.dtype == np.float64
    assert len(np.unique(centers, axis=0)) == k
    assert (centers >= X.min(axis=0)).all() and (centers <= X.max(axis=0)).all()


@pytest.mark.parametrize("name", FURTHER)
def test_far_better_than_random_rows(name):
    rng = np.random.default_rng(1)
    X = rng.uniform(-50, 50, (40, 3))[rng.integers(40, size=4000)] + rng.normal(size=(4000, 3))
    data = open_data(X, None, None, 1)

    def potential(init):
        centers = np.ascontiguousarray(INITS[init](data, 40, np.random.RandomState(0)))
        return data.inertia(centers, data.assign(centers))

    assert potential(name) < 0.2 * potential("random")


@pytest.mark.parametrize("name", FURTHER)
def test_rows_without_weight_have_no_say(name):
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.normal(size=(200, 2)), 1000 + rng.normal(size=(50, 2))])
    weights = np.concatenate([rng.random(200) + 0.1, np.zeros(50)])
    assert np.abs(centers_of(name, X, 10, weights)).max() < 100


@pytest.mark.parametrize("name", FURTHER)
def test_too_few_distinct_rows(name):
    centers = centers_of(name, np.array([[1.0, 2], [1, 2], [3, 4]]), 3)
    assert centers.shape == (3, 2) and {tuple(row) for row in centers.tolist()} == {
        (1.0, 2.0),
        (3.0, 4.0),
    }


@pytest.mark.parametrize("name", FURTHER)
def test_repeatable_whatever_the_threads(name):
    X = np.random.default_rng(3).normal(size=(5000, 4))
    models = [
        KMeans(9, init=name, n_init=2, random_state=1, n_threads=threads).fit(X)
        for threads in (1, 3)
    ]
    checks.assert_same(*models)
    assert len(models[0].runs_) == (1 if name in DETERMINISTIC else 2)


@pytest.mark.parametrize("kind", ["distinct", "ties", "repeated", "zeros"])
def test_the_nearest_of_rows_that_are_added_is_that_of_all(kind):
    """k-means|| compares rows with those of a new round only; ties are decided as if all of them,
    in their order, had been there.
    """
    rng = np.random.default_rng(3)
    X = {
        "distinct": rng.normal(size=(900, 6)),
        "ties": rng.integers(0, 4, (900, 3)).astype(float),
        "repeated": rng.normal(size=(30, 4))[rng.integers(30, size=900)],
        "zeros": np.where(rng.random((900, 4)) < 0.5, -0.0, rng.integers(-1, 2, (900, 4))),
    }[kind]
    for seed in range(5):
        data = open_data(X, None, None, 2)
        found, positions = Nearest(data), np.random.default_rng(seed).permutation(900)[:120]
        for drawn in np.split(positions, [1, 30, 90]):
            found.add(drawn)
        rows, labels = found.candidates()
        np.testing.assert_array_equal(rows, np.unique(X[positions] + 0.0, axis=0))
        wanted = ((X[:, None] - rows) ** 2).sum(axis=2)
        np.testing.assert_array_equal(labels, data.assign(rows))
        np.testing.assert_array_equal(found.sq_distances, data.squares(rows, labels))
        np.testing.assert_allclose(found.sq_distances, wanted.min(axis=1), atol=1e-12)
        assert found.ties or kind == "distinct"
