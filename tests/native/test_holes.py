"""Rows that are hard for a filter: it still discards nearly all centers, as counters show, and the
results are those of the definition.
"""

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from ckmeans import KMeans
from ckmeans._input.sparse import sparse_rows
from ckmeans._native import engine

N, K = 4000, 60


def groups(rng, d, dtype=np.float64):
    rows = 3 * rng.standard_normal((40, d))[rng.integers(40, size=N)]
    return (rows + rng.standard_normal((N, d))).astype(dtype)


def work(X, algorithm="lloyd", passes=4, k=K):
    """Row-center pairs that were compared exactly or once more, per row and pass, and the run."""
    if sparse.issparse(X):
        data = engine.Data(sparse_rows(X, "X", lambda values, _: values), None, 1, True)
        centers = X[-k:].toarray().astype(float)
    else:
        data, centers = engine.Data(X, None, 1, True), X[-k:].astype(float)
    run = engine.Run(data, np.ascontiguousarray(centers), 10**6, 0.0, algorithm)
    for _ in range(passes):
        run.iterate()
    return run.counters()["exact"] / X.shape[0] / passes, run


def check(X, run):
    """The labels are those of the definition, to the centers of the pass after it."""
    centers = run.centers()
    dense = X.toarray() if sparse.issparse(X) else X
    rows = sparse_rows(X, "X", lambda values, _: values) if sparse.issparse(X) else X
    labels = engine.Data(rows, None, 1, False).assign(centers)
    assert np.array_equal(labels, oracle.assign(dense.astype(float), centers)[0])


@settings(max_examples=25)
@given(
    place=st.one_of(st.sampled_from([0, 1, 62, 63, 64, N - 1]), st.integers(0, N - 1)),
    count=st.integers(1, 20),
    times=st.sampled_from([1e3, 1e4, 1e5, 1e8, 1e12]),
    d=st.sampled_from([3, 16, 40, 100, 130]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 10),
)
def test_far_rows_at_any_place_spoil_nothing(place, count, times, d, dtype, seed):
    rng = np.random.default_rng(seed)
    X = groups(rng, d, dtype)
    plain, _ = work(X)
    places = (place + np.arange(count) * (N // 20)) % (N - K)
    X[places] = times * rng.standard_normal((count, d))
    pairs, run = work(X)
    assert pairs <= 2 * plain + 1.5 * K * count / N + 0.5
    check(X, run)


@pytest.mark.parametrize("value", [-9999, -999999, 1e6, 1e9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [32, 100])
@pytest.mark.parametrize("order", ["as drawn", "sentinels first"])
def test_missing_values_spoil_their_own_rows_only(value, dtype, d, order):
    rng = np.random.default_rng(1)
    X = groups(rng, d, dtype)
    missing = rng.random((N, 3)) < 0.03
    X[:, :3][missing] = value
    if order == "sentinels first":
        X = X[np.argsort(~missing.any(axis=1), kind="stable")]
        X = np.concatenate([X[:-K], X[rng.permutation(N - K)[:K]]])
    # For a row with such a value any center that also has it may be left.
    pairs, run = work(X)
    assert pairs < 0.15 * K
    check(X, run)


@settings(max_examples=25)
@given(
    value=st.sampled_from([-3.4e38, 1e30, -1e36, 1e25, 1e100, -1e139]),
    share=st.sampled_from([0.001, 0.03, 0.1]),
    columns=st.integers(1, 4),
    d=st.sampled_from([3, 16, 40, 130]),
    seed=st.integers(0, 10),
)
def test_huge_values_spoil_their_own_rows_only(value, share, columns, d, seed):
    rng = np.random.default_rng(seed)
    X = groups(rng, d, np.float32 if abs(value) < 1e39 else np.float64)
    plain, _ = work(X)
    missing = rng.random((N, min(columns, d))) < share
    missing[-K:][: K // 2] = False  # (without any center amid the rows nothing is gained)
    X[:, : missing.shape[1]][missing] = value
    with np.errstate(over="ignore", invalid="ignore"):
        pairs, run = work(X)
        assert pairs <= 2 * plain + 1.5 * K * missing.any(axis=1).mean() + 0.5
        check(X, run)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("large", [1e3, 1e6, 3e4])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("d", [64, 130])
def test_a_few_large_features_spoil_the_first_pass_only(dtype, large, count, d):
    rng = np.random.default_rng(6)
    X = groups(rng, d, dtype)
    X[:, :count] = large * rng.choice([-1, 1], (N, count))
    run = engine.Run(engine.Data(X, None, 1, True), X[-K:].astype(float), 10**6, 0.0, "bytes")
    pairs = []
    for _ in range(4):
        run.iterate()
        pairs.append(run.counters()["exact"] / N)
    assert np.diff(pairs)[-1] < 5
    check(X, run)


@pytest.mark.parametrize("period", [7, 32, 64, 100, 128])
def test_channels_in_turn_are_rows_in_any_order(period):
    rng = np.random.default_rng(2)
    X = (4 * rng.standard_normal((period, 64)))[np.arange(N) % period]
    X += rng.standard_normal((N, 64))
    mixed = np.concatenate([X[: N - K][rng.permutation(N - K)], X[N - K :]])
    for algorithm in ("lloyd", "auto"):
        pairs, run = work(X, algorithm)
        assert pairs <= work(mixed, algorithm)[0] + 0.5
        check(X, run)


@pytest.fixture
def as_users_have_it():
    engine.insist(False)
    yield
    engine.insist(True)


@pytest.mark.parametrize("algorithm", ["auto", "projected", "yinyang", "boxes"])
@pytest.mark.parametrize("d", [8, 60, 200])
def test_what_does_not_help_is_left_alone(as_users_have_it, algorithm, d):
    X = np.random.default_rng(3).standard_normal((6000, d))
    lloyd = engine.Run(engine.Data(X, None, 1, True), X[:100].copy(), 8, 0.0, "lloyd")
    run = engine.Run(engine.Data(X, None, 1, True), X[:100].copy(), 8, 0.0, algorithm)
    lloyd.finish()
    run.finish()
    counted, least = run.counters(), lloyd.counters()
    assert counted["filtered"] <= 1.05 * least["filtered"]
    assert counted["exact"] <= least["exact"] + 2 * len(X) * run.n_iter
    assert np.array_equal(run.centers(), lloyd.centers())


def one_hot(rng, d=3000, ones=8, n=1500):
    X = sparse.random(n, d, density=ones / d, format="csr", random_state=int(rng.integers(99)))
    X.data[:] = 1
    return X


COLUMNS = {
    "a year": lambda rng, n: rng.integers(1950, 2025, n),
    "years, some missing": lambda rng, n: rng.integers(1950, 2025, n) * (rng.random(n) < 0.8),
    "a timestamp": lambda rng, n: rng.integers(1_500_000_000, 1_700_000_000, n),
    "a constant": lambda rng, n: np.full(n, 1000),
    "a negative one": lambda rng, n: np.full(n, -1000),
    "fractions": lambda rng, n: 1000 + rng.random(n),
    "three": lambda rng, n: np.stack(
        [rng.integers(1950, 2025, n), np.full(n, -7), 1e6 + rng.random(n)], axis=1
    ),
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dense_columns_of_sparse_rows(column, last, dtype):
    rng = np.random.default_rng(4)
    X = one_hot(rng)
    dense = sparse.csr_matrix(COLUMNS[column](rng, X.shape[0]).reshape(X.shape[0], -1))
    X = sparse.hstack([X, dense] if last else [dense, X]).tocsr().astype(dtype)
    X.sort_indices()
    k = 20
    model = KMeans(k, init=X[:k].toarray(), n_init=1, max_iter=4, tol=0, n_threads=2).fit(X)
    whole = KMeans(k, init=X[:k].toarray(), n_init=1, max_iter=4, tol=0).fit(X.toarray())
    assert np.array_equal(model.labels_, whole.labels_)
    assert np.array_equal(model.cluster_centers_, whole.cluster_centers_)
    assert np.array_equal(model.predict(X), whole.labels_)
    # (In the first pass rows without a common column are equally far from many centers: all whole
    # numbers, of which float64 scores tell.)
    pairs, run = work(X, k=k)
    assert pairs < 0.75 * k
    check(X, run)


@settings(max_examples=60)
@given(
    n=st.integers(2, 60),
    d=st.integers(1, 12),
    k=st.integers(1, 8),
    whole=st.booleans(),
    shift=st.sampled_from([0.0, 1.0, 1e3, 1e9, 1e15, -3e5, 0.1]),
    seed=st.integers(0, 2**32 - 1),
)
def test_sparse_rows_are_labelled_by_the_definition(n, d, k, whole, shift, seed):
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((n, d)) < 0.5, rng.integers(-3, 4, (n, d)), 0).astype(float)
    if not whole:
        X *= rng.choice([0.1, 1.0, 1 / 3], (n, d))
    X[:, 0] += shift
    centers = X[rng.integers(n, size=k)]
    if rng.random() < 0.5:
        centers = (centers + X[rng.integers(n, size=k)]) / 2
    rows = sparse_rows(sparse.csr_matrix(X), "X", lambda values, _: values)
    wanted = oracle.assign(X, centers)[0]
    assert np.array_equal(engine.Data(rows, None, 1, False).assign(centers), wanted)
    run = engine.Run(engine.Data(rows, None, 1, True), centers.copy(), 1, 0.0, "lloyd")
    run.iterate()
    assert np.array_equal(run.labels(), wanted)


def test_places_that_are_drawn_follow_no_order():
    for n in (1, 2, 63, 64, 1000, 65_536):
        drawn = engine.drawn_places(n, 512)
        assert drawn.min() >= 0 and drawn.max() < n
        for period in (2, 8, 64):
            if n >= 1000:
                share = np.bincount(drawn % period, minlength=period) / 512
                assert share.max() < 1 / period + 0.1


@pytest.mark.parametrize("d", [16, 128, 257, 768, 1000])
@pytest.mark.parametrize("k", [3, 16, 100])
def test_transform_of_float32_rows_is_the_definition(d, k):
    rng = np.random.default_rng(d)
    X = (rng.standard_normal((150, d)) + 100 * rng.random(d)).astype(np.float32)
    centers = X[:k].astype(float) + 1e-3 * rng.standard_normal((k, d))
    centers[0] = X[5]
    square = np.zeros((150, k))
    for f in range(d):
        step = X[:, f].astype(float)[:, None] - centers[:, f]
        square += step * step
    assert np.array_equal(
        engine.Data(X, None, 2, False).distances(centers), np.sqrt(square).astype(np.float32)
    )


@pytest.mark.parametrize("values", ["exponential", "log-normal", "Cauchy", "even"])
def test_many_clusters_of_one_dimension_by_windows(values):
    rng = np.random.default_rng(5)
    made = {
        "exponential": np.exp(np.linspace(0, 30, 3000)),
        "log-normal": np.exp(2 * rng.standard_normal(3000)),
        "Cauchy": rng.standard_cauchy(3000),
        "even": np.linspace(0, 1, 3000),
    }[values]
    from ckmeans._native import Sorted

    problem = Sorted(np.sort(made), None)
    for k in (20, 97, 400, 700):
        ends = problem.ends(k)
        if ends is not None:
            found = problem.statistics(problem.split_at(k, *ends))[1].sum()
            wanted = problem.statistics(problem.split_within(k, *problem.windows(k)))[1].sum()
            assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("shape", [0.5, 0.7])
def test_heavy_tails_are_split_at_a_few_places(shape):
    """Costs far below the whole are compared accurately, but not those of all ranges."""
    from ckmeans._native import Sorted

    values = np.sort(np.random.default_rng(7).pareto(shape, 30_000))
    problem, k = Sorted(values, None), 200
    split = problem.split_by_sums(k)
    ends, fewest, most = problem.sure_ends(k, split)
    assert len(ends) < len(values) / 3
    assert np.isin(split, ends).all()
    better = problem.improved(split.copy())
    assert np.isin(better, ends).all()
    least = problem.statistics(better)[1].sum()
    assert least <= problem.statistics(split)[1].sum() * (1 + 1e-12)
    moved = better.copy()
    for at in range(1, k, 7):
        for step in (-1, 1):
            moved[at] += step
            if moved[at - 1] < moved[at] < moved[at + 1]:
                assert problem.statistics(moved)[1].sum() >= least * (1 - 1e-12)
            moved[at] = better[at]
