"""Distances of rows that are mostly zero: the same bits from CSR rows as from dense ones, and as
accurate as float64 can be.
"""

import math
from fractions import Fraction

import numpy as np
import oracle
import oracle_cosine
import pytest
from checks import run_python
from hypothesis import given, settings
from hypothesis import strategies as st

import ckmeans
from ckmeans import KMeans
from ckmeans._input.checks import as_matrix
from ckmeans._input.sparse import sparse_rows
from ckmeans._native import engine

sparse = pytest.importorskip("scipy.sparse")

VALUES = ["normal", "counts", "huge", "tiny", "mixed", "subnormal"]


def some_values(rng, kind, size):
    x = rng.normal(size=size)
    if kind == "counts":
        return np.rint(np.abs(x) * 3) + 1
    if kind == "huge":
        return x * 1e120
    if kind == "tiny":
        return x * 1e-155
    if kind == "mixed":
        return x * 10.0 ** rng.uniform(-20, 20, size=size)
    return x * 5e-323 if kind == "subnormal" else x


def thin_problem(seed, kind, dtype, d, k, n=30):
    """Rows with up to d / 6 values, some of which are empty, equal, or near a center."""
    rng = np.random.default_rng(seed)
    X = np.zeros((n, d))
    for x in X:
        columns = rng.choice(d, rng.integers(d // 6 + 1), replace=False)
        x[columns] = some_values(rng, kind, len(columns))
    X[1], X[2] = 0, X[0]
    centers = np.where(rng.random((k, d)) < rng.random((k, 1)), some_values(rng, kind, (k, d)), 0)
    some = rng.integers(k, size=k // 2)
    with np.errstate(under="ignore"):
        centers[some] = X[rng.integers(n, size=len(some))] * (
            1 + rng.choice([0, 1e-12, 1e-4, 0.1], size=(len(some), 1))
        )
        if dtype == np.float32:
            X = (
                X.astype(np.float16) if kind in ("huge", "tiny", "subnormal") else X
            )  # outside the range of float32
        return X.astype(dtype), np.ascontiguousarray(
            centers.astype(dtype) if dtype == np.float64 else centers.astype(np.float32), float
        )


def with_stored_zeros(X, seed):
    """X as CSR with some zeros stored."""
    rng = np.random.default_rng(seed)
    kept = (X != 0) | (rng.random(X.shape) < 0.05)
    S = sparse.csr_matrix(kept.astype(X.dtype))
    S.data[:] = X[kept]
    return S


def distances(X, centers, n_threads=1, unit=False):
    array, _ = as_matrix(X, sparse=True)
    return engine.Data(array, None, n_threads, False, False, unit=unit).distances(centers)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(VALUES),
    st.sampled_from([np.float64, np.float32]),
    st.sampled_from([63, 64, 65, 200]),
    st.sampled_from([1, 2, 5, 8, 9, 17, 33]),
    st.booleans(),
)
@settings(max_examples=25)
def test_csr_rows_have_the_bits_of_dense_rows_and_of_the_oracle(seed, kind, dtype, d, k, unit):
    if unit and kind in ("huge", "tiny", "subnormal"):
        kind = "normal"
    with np.errstate(all="ignore"):
        X, centers = thin_problem(seed, kind, dtype, d, k)
        X = np.nan_to_num(X, posinf=0, neginf=0)
        centers = np.nan_to_num(centers, posinf=0, neginf=0)
        expected = (oracle_cosine if unit else oracle).distances(X, centers)
    for n_threads in (1, 3):
        for rows in (X, np.asfortranarray(X), sparse.csr_matrix(X), with_stored_zeros(X, seed)):
            found = distances(rows, centers, n_threads, unit)
            assert found.dtype == expected.dtype and np.array_equal(found, expected)
    for few in (X[:1], sparse.csr_matrix(X[:1]), X[:3], sparse.csr_matrix(X[:3])):
        assert np.array_equal(distances(few, centers, 1, unit), expected[: few.shape[0]])


def test_distances_are_within_an_ulp_of_the_truth():
    X, centers = thin_problem(0, "mixed", np.float64, 400, 9, n=20)
    centers = np.abs(centers) + 1e-3  # none near a row
    for x, row in zip(
        X[oracle.is_thin(X)], distances(sparse.csr_matrix(X[oracle.is_thin(X)]), centers)
    ):
        for center, shown in zip(centers, row):
            square = sum(
                (Fraction(a) - Fraction(b)) ** 2 for a, b in zip(x.tolist(), center.tolist())
            )
            assert (
                Fraction(np.nextafter(shown, 0)) ** 2
                < square
                < Fraction(np.nextafter(shown, math.inf)) ** 2
            )


def test_rows_are_thin_by_what_they_hold():
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(20, 200))
    X = np.zeros((40, 200))
    for x, count in zip(X, np.repeat([25, 26], 20)):  # an eighth is not zero, and one more
        x[rng.choice(200, count, replace=False)] = rng.normal(size=count)
    ordered = np.sqrt(oracle.sq_distances(X, centers))
    for rows in (X, sparse.csr_matrix(X), with_stored_zeros(X, 0)):
        found = distances(rows, centers)
        assert np.array_equal(found[20:], ordered[20:])
        assert not np.array_equal(found[:20], ordered[:20])
        np.testing.assert_allclose(found[:20], ordered[:20], rtol=1e-14)


def test_a_row_that_is_a_center_is_at_no_distance():
    rng = np.random.default_rng(0)
    for scale in (1e-160, 1e-5, 1, 1e130):
        X = np.where(rng.random((50, 300)) < 0.05, rng.normal(size=(50, 300)) * scale, 0)
        for rows in (X, sparse.csr_matrix(X)):
            assert (distances(rows, X)[np.arange(50), np.arange(50)] == 0).all()


def test_large_transforms_equal_the_dense_ones():
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32):
        S = sparse.random(3000, 700, density=0.08, random_state=0, format="csr", dtype=dtype)
        for metric in ("euclidean", "cosine"):
            model = KMeans(
                40, init=S[:40].toarray() + dtype(0.1), max_iter=1, metric=metric, n_threads=2
            ).fit(S)
            assert np.array_equal(model.transform(S), model.transform(S.toarray()))
            some = rng.permutation(3000)[:77]
            assert np.array_equal(model.transform(S[some]), model.transform(S)[some])


def test_bits_do_not_depend_on_the_instruction_set():
    source = """
import numpy as np, hashlib
from native.test_thin import VALUES, distances, thin_problem
done = hashlib.sha256()
for kind in VALUES:
    with np.errstate(all="ignore"):
        X, centers = thin_problem(1, kind, np.float64, 300, 21)
        done.update(distances(X, centers).tobytes())
print(done.hexdigest())
"""
    assert len({run_python(source, CKMEANS_ISA=isa) for isa in ckmeans._native.available}) == 1


def test_a_weaker_bound_of_float32_distances_would_be_noticed():
    rng = np.random.default_rng(0)
    centers = (
        np.where(rng.random((40, 400)) < 0.1, rng.normal(size=(40, 400)), 0)
        .astype(np.float32)
        .astype(float)
    )
    X = (centers[rng.integers(40, size=3000)] * (1 + 1e-4 * rng.normal(size=(3000, 400)))).astype(
        np.float32
    )
    expected = oracle.distances(X, centers)
    assert np.array_equal(distances(sparse.csr_matrix(X), centers), expected)
    engine.scale_guard(1e-4)
    try:
        found = distances(sparse.csr_matrix(X), centers)
    finally:
        engine.scale_guard(1)
    assert (found != expected).any()


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf, 1e141])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_values_that_cannot_be_used_are_named(bad, metric):
    if metric == "cosine" and bad == 1e141:
        bad = 1e305
    rng = np.random.default_rng(0)
    X = np.where(rng.random((40, 100)) < 0.1, 1.0, 0)
    X[:, 0] = 1
    model = KMeans(3, init=X[:3], metric=metric).fit(X)
    X[17, 5] = bad
    for rows in (X, sparse.csr_matrix(X), X[17:18], sparse.csr_matrix(X[17:18])):
        with pytest.raises(ValueError, match=f"row {17 if rows.shape[0] > 1 else 0}, column 5"):
            model.transform(rows)


# -- sums in the order of the features, of which a walk leaves most out ----------------------------


def walks(kind, dtype, seed, n=150, d=900):
    """Rows of which few features are not zero, labels, and centers that are not zero in many."""
    rng = np.random.default_rng(seed)
    X = np.zeros((n, d))
    for x in X:
        columns = rng.choice(d, rng.integers(d // 9), replace=False)
        x[columns] = some_values(
            rng, "normal" if kind in ("halfway", "powers") else kind, len(columns)
        )
    X[3], X[4] = 0, X[5]
    centers = some_values(rng, kind, (3, d))
    if kind == "halfway":  # squares that end one bit below the grid of many sums
        centers = rng.integers(-(2**27), 2**27, size=(3, d)) / 2.0**27
    elif kind == "powers":
        X, centers = (
            np.sign(X) * 2.0 ** rng.integers(-3, 4, X.shape),
            2.0 ** rng.integers(-30, 3, (3, d)),
        )
    centers[1, rng.random(d) < 0.8] = 0
    centers[2] = X[5]
    labels = rng.choice(3, n, p=[0.4, 0.4, 0.2]).astype(np.int32)
    return X.astype(dtype), centers.astype(dtype).astype(float), labels


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", [*VALUES, "halfway", "powers"])
def test_squares_and_inertia_of_sparse_rows_are_sums_in_order(kind, dtype):
    if dtype == np.float32 and kind in ("huge", "tiny", "subnormal"):
        kind = "normal"  # outside the range of float32
    for seed in range(3):
        X, centers, labels = walks(kind, dtype, seed)
        expected = oracle.sq_distances(X, centers)[np.arange(len(X)), labels]
        assert len(set(labels)) == 3
        for rows in (sparse.csr_matrix(X), with_stored_zeros(X, seed)):
            for n_threads in (1, 2):
                data = engine.Data(
                    sparse_rows(rows, "X", lambda values, name: values), None, n_threads, False
                )
                assert np.array_equal(data.squares(centers, labels), expected)
                assert data.inertia(centers, labels) == oracle.inertia(expected)


def test_halfway_cases_are_met():
    X, centers, labels = walks("halfway", np.float64, 0)
    own = (X - centers[labels]) ** 2
    sums = np.cumsum(own, axis=1)
    grid = np.spacing(sums[:, :-1])
    with np.errstate(all="ignore"):
        assert (own[:, 1:] / grid % 1 == 0.5).sum() > 1000
