"""Distances of rows of many features, which are summed part by part, to the last bit."""

import numpy as np
import oracle
import oracle_gaps
import oracle_manhattan
import pytest

from ckmeans import KMeans, _native
from ckmeans._native import instruction_sets

#: About the features of a part, and the vectors and blocks of centers.
WIDTHS = [1, 7, 63, 64, 65, 127, 128, 129, 256, 257, 300, 769]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 5e-324, -2e-310, 1e-160, 1e130, -3e129, 0.1]


@pytest.fixture(params=_native.available)
def isa(request):
    before = instruction_sets.isa
    instruction_sets.use(request.param)
    yield request.param
    instruction_sets.use(before)


def rows_of(n, d, dtype, special, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    if special:
        X = np.where(rng.random((n, d)) < 0.3, X, rng.choice(SPECIAL, size=(n, d)))
        if dtype == "float32":
            X = np.clip(X, -1e15, 1e15)
    return X.astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("k", [1, 8, 9, 16, 41])
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_transform_is_the_definition(isa, k, special, dtype):
    for seed, d in enumerate(WIDTHS):
        n = [1, 5, 17, 63, 64, 66][seed % 6]
        X = rows_of(n, d, dtype, special, seed)
        centers = rows_of(k, d, dtype, special, 100 + seed)
        model = KMeans(k, init=centers, n_init=1, max_iter=1).fit(centers)
        wanted = oracle.distances(X, model.cluster_centers_)
        assert np.array_equal(model.transform(X), wanted), (d, n)


def test_thin_rows_among_others(isa):
    """Groups of rows that are all thin are left to another kernel."""
    X = rows_of(12, 150, "float64", False, 0)
    X[[0, 4, 5, 6, 7, 9], 3:] = 0
    model = KMeans(3, init=X[1:4], n_init=1, max_iter=1).fit(X[1:4])
    assert np.array_equal(model.transform(X), oracle.distances(X, model.cluster_centers_))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("d", [1, 9, 64, 130])
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_other_metrics(isa, d, dtype):
    X = rows_of(70, d, dtype, False, d)
    model = KMeans(9, init=X[:9], n_init=1, max_iter=1, metric="manhattan").fit(X)
    wanted = oracle_manhattan.distances(X, model.cluster_centers_).astype(dtype)
    assert np.array_equal(model.transform(X), wanted)
    X[np.random.default_rng(d).random(X.shape) < 0.2] = np.nan
    X[:, 0] = 1
    model = KMeans(3, init=np.nan_to_num(X[:3]), n_init=1, max_iter=1, missing="ignore").fit(X)
    there = (~np.isnan(X)).sum(axis=1)[:, None]
    wanted = np.sqrt(oracle_gaps.sq_distances(X, model.cluster_centers_) * (d / there))
    np.testing.assert_allclose(
        model.transform(X), wanted, rtol=2e-7 if dtype == "float32" else 1e-15
    )


@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("d", [1, 7, 8, 9, 16, 65])
def test_sums_of_rows_are_exact(isa, d, parts):
    """Rows are added to the sums in vectors, whatever number of parts these have."""
    rng = np.random.default_rng(d)
    X = rng.integers(-9, 9, size=(90, d)) * 1.0
    if parts > 1:
        X = rng.normal(size=X.shape) * 10.0 ** rng.integers(0, 4 * parts, size=X.shape)
    weights = None if parts == 1 else rng.random(90)
    model = KMeans(3, init=X[:3], n_init=1, max_iter=4, tol=0).fit(X, sample_weight=weights)
    found = oracle.lloyd(X, X[:3], weights, max_iter=4, tol=0)
    assert np.array_equal(model.cluster_centers_, found.centers)
    assert np.array_equal(model.labels_, found.labels) and model.inertia_ == found.inertia
