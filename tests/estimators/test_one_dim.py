"""One dimension: the optimum, against exact arithmetic over all splits, and the functions of the
package of the same import name.
"""

import datetime
import decimal
import itertools
from fractions import Fraction

import checks
import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ckmeans
from ckmeans import KMeans
from ckmeans._native import Sorted


def brute_force(values, weights, k):
    """The least cost of any split of sorted values into k intervals, and the cost of each
    interval.
    """
    cost = oracle.interval_costs(values, weights)
    splits = (
        (0, *cuts, len(values)) for cuts in itertools.combinations(range(1, len(values)), k - 1)
    )
    return min(sum(cost[pair] for pair in itertools.pairwise(split)) for split in splits), cost


KINDS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "ties": lambda rng, n: rng.integers(0, 6, n).astype(float),
    "far from 0": lambda rng, n: rng.normal(size=n) * 1e-6 + 1e9,
    "wide": lambda rng, n: rng.normal(size=n) * 10.0 ** rng.integers(-8, 8, n),
    "one far away": lambda rng, n: np.append(rng.normal(size=n - 1) * 1e-3, 1e8),
    "huge": lambda rng, n: rng.normal(size=n) * 1e300,
    "tiny": lambda rng, n: rng.normal(size=n) * 1e-300,
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_splits_cost_the_least_possible(kind, weighted):
    rng = np.random.default_rng(1)
    for _ in range(25):
        n = int(rng.integers(1, 9))
        values = np.sort(KINDS[kind](rng, n))
        weights = rng.random(n) * 10.0 ** rng.integers(-3, 3, n) if weighted else None
        problem = Sorted(values, weights)
        together = problem.splits(1, problem.n_distinct)
        for k in range(1, problem.n_distinct + 1):
            bounds = problem.split(k)
            assert np.array_equal(bounds, together[k - 1])
            least, cost = brute_force(values, weights, k)
            assert sum(cost[pair] for pair in itertools.pairwise(bounds.tolist())) == least
            assert all(values[b] != values[b - 1] for b in bounds[1:-1].tolist())
            if least and kind not in (
                "huge",
                "tiny",
            ):  # whose squares leave the range of float64
                assert abs(
                    Fraction(problem.statistics(bounds)[1].sum()) - least
                ) <= least * Fraction(1, 10**14)


VALUES = {
    **KINDS,
    "60 decades": lambda rng, n: rng.normal(size=n) * 10.0 ** rng.integers(-30, 30, n),
    "600 decades": lambda rng, n: rng.normal(size=n) * 10.0 ** rng.uniform(-300, 300, n),
    "one at 1e100": lambda rng, n: np.append(rng.normal(size=n - 1), 1e100),
    "two scales": lambda rng, n: np.append(
        3 + rng.normal(size=n // 2) * 1e-12, rng.normal(size=n - n // 2) * 1e-3
    ),
    "the smallest": lambda rng, n: 5e-324 * rng.integers(0, 1000, n),
    "the whole range": lambda rng, n: rng.uniform(-1, 1, n) * 1.7e308,
}
WEIGHTS = {
    "none": lambda rng, n: None,
    "16 decades": lambda rng, n: 10.0 ** rng.uniform(-8, 8, n),
    "40 decades": lambda rng, n: 10.0 ** rng.uniform(-20, 20, n),
    "550 decades": lambda rng, n: 10.0 ** rng.uniform(-300, 250, n),
    "1 and 1e-40": lambda rng, n: np.where(rng.random(n) < 0.5, 1.0, 1e-40),
    "steps of 1e40": lambda rng, n: 10.0 ** (40 * rng.integers(-4, 1, n)),
    "ascending": lambda rng, n: np.sort(10.0 ** rng.uniform(-30, 30, n)),
    "subnormal": lambda rng, n: 5e-324 * rng.integers(1, 9, n),
}


@settings(deadline=None)
@given(
    st.sampled_from(sorted(VALUES)),
    st.sampled_from(sorted(WEIGHTS)),
    st.integers(1, 14),
    st.integers(0, 2**32),
)
def test_any_weights_and_values_are_split_at_the_least_cost(values, weights, n, seed):
    rng = np.random.default_rng(seed)
    values = np.sort(VALUES[values](rng, n))
    weights = WEIGHTS[weights](rng, n)
    problem = Sorted(values, weights)
    cost = oracle.interval_costs(values, weights)
    least = oracle.least_costs(cost, n)
    together = problem.splits(1, problem.n_distinct)
    for k in range(1, problem.n_distinct + 1):
        for bounds in (problem.split(k), together[k - 1]):
            assert (
                len(bounds) == k + 1
                and bounds[0] == 0
                and bounds[k] == n
                and np.all(np.diff(bounds) > 0)
            )
            assert sum(cost[pair] for pair in itertools.pairwise(bounds.tolist())) <= least[
                k - 1
            ] * (1 + Fraction(1, 10**14))
        means, squares, _ = problem.statistics(bounds)
        assert not np.isnan(squares).any()
        assert np.all((values[bounds[:-1]] <= means) & (means <= values[bounds[1:] - 1]))


@pytest.mark.parametrize("decades", [8, 20, 60, 140])
def test_weights_over_many_decades_on_more_values(decades):
    rng = np.random.default_rng(decades)
    n = 260
    values = np.sort(rng.normal(size=n))
    weights = 10.0 ** rng.uniform(-decades, decades, n)
    cost = np.full((n + 1, n + 1), np.inf, np.longdouble)
    for (i, j), exact in oracle.interval_costs(values, weights).items():
        high = float(exact)
        cost[i, j] = np.longdouble(high) + np.longdouble(float(exact - Fraction(high)))
    problem = Sorted(values, weights)
    row = cost[0]
    for k in range(2, 121):
        row = np.array([(row[:j] + cost[:j, j]).min(initial=np.inf) for j in range(n + 1)])
        bounds = problem.split(k)
        assert sum(cost[pair] for pair in itertools.pairwise(bounds.tolist())) <= row[n] * (
            1 + 1e-14
        )


@pytest.mark.parametrize("kind", ["weights", "one far away"])
def test_threads_merge_alike(kind):
    rng = np.random.default_rng(11)
    n = 50000  # large enough for threads, and small for windows
    values = np.sort(rng.normal(size=n))
    weights = None
    if kind == "weights":  # so few are heavy that the cost of the others is negligible
        weights = 10.0 ** rng.uniform(-10, -9, n)
        weights[rng.integers(n, size=3)] = 1e30
    else:
        values[-1] = 1e60
    alone = Sorted(values, weights, 1).split(5)
    assert not np.array_equal(
        alone, Sorted(values, weights, 1).split_by_sums(5)
    )  # prefix sums would not be accurate enough
    for n_threads in (2, 3):
        assert np.array_equal(alone, Sorted(values, weights, n_threads).split(5))


@pytest.mark.parametrize(
    "weights",
    [
        [1, 1e-30, 1e-60, 1, 1e-30],
        [1, 1e-160, 1e-300, 1, 1e-30],
        [1e-300, 1e-300, 1e-301, 1, 1],
        [1e130, 1e-150, 1e-160, 1e-150, 1e130],
    ],
)
def test_the_estimator_takes_weights_over_many_decades(weights):
    X = np.arange(1.0, 6.0)[:, None]
    cost = oracle.interval_costs(X[:, 0], np.array(weights))
    least = oracle.least_costs(cost, 5)
    for k in range(1, 6):
        for _ in range(3):  # it once depended on uninitialized memory
            model = KMeans(k).fit(X, sample_weight=weights)
            ends = np.flatnonzero(np.diff(model.labels_, prepend=-1, append=-1)).tolist()
            assert len(ends) == k + 1
            assert sum(cost[pair] for pair in itertools.pairwise(ends)) <= least[k - 1] * (
                1 + Fraction(1, 10**14)
            )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["normal", "lognormal", "two scales", "far from 0"])
def test_windows_lose_nothing(kind, weighted):
    rng = np.random.default_rng(2)
    n = 70000  # large enough for windows, which `layers` does not use
    values = np.sort(
        {
            "normal": lambda: rng.normal(size=n),
            "lognormal": lambda: rng.lognormal(0, 3, n),
            "two scales": lambda: np.concatenate(
                [rng.normal(size=n // 2), 1e6 + rng.normal(size=n // 2 + 40) * 1e-3]
            ),
            "far from 0": lambda: rng.normal(size=n) + 1e6,
        }[kind]()
    )
    weights = rng.random(len(values)) + 1e-3 if weighted else None
    problem = Sorted(values, weights, 2)
    assert problem.n_distinct >= 1 << 16
    least = problem.layers(11)[:, -1]
    for k in (3, 5, 10):
        bounds = problem.split(k)
        assert problem.statistics(bounds)[1].sum() == pytest.approx(least[k], rel=1e-13)
        assert np.array_equal(bounds, Sorted(values, weights, 1).split(k))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["normal", "lognormal", "grid", "integers", "far from 0"])
def test_a_price_for_each_cluster_finds_what_the_layers_find(kind, weighted):
    rng = np.random.default_rng(10)
    values = np.sort(
        {
            "normal": lambda: rng.normal(size=900),
            "lognormal": lambda: rng.lognormal(0, 3, 900),
            "grid": lambda: np.arange(900.0),
            "integers": lambda: rng.integers(600, size=2000) * 1.0,
            "far from 0": lambda: rng.normal(size=900) + 1e9,
        }[kind]()
    )
    problem = Sorted(values, rng.random(len(values)) + 1e-3 if weighted else None)
    priced = 0
    for k in (2, 3, 7, 16, 60, 101):
        wanted = problem.split_within(k, *problem.windows(k))
        ends = problem.ends(
            k
        )  # None: no price gives k clusters, as where many splits are equally good
        assert ends is not None or kind in ("grid", "integers")
        found = (
            [problem.split(k)] if ends is None else [problem.split(k), problem.split_at(k, *ends)]
        )
        for bounds in found:
            assert problem.statistics(bounds)[1].sum() == pytest.approx(
                problem.statistics(wanted)[1].sum(), rel=1e-12
            )
        priced += ends is not None
    assert priced >= 2


def test_halving_finds_what_the_table_finds():
    values = np.sort(np.random.default_rng(3).normal(size=5000))
    problem = Sorted(values, None)  # 5000 * 4000 entries: too many for a table
    bounds = problem.split_within(4000, *problem.windows(4000))
    assert np.all(np.diff(bounds) > 0) and bounds[-1] == 5000
    assert problem.statistics(bounds)[1].sum() == pytest.approx(
        problem.layers(4001)[4000, -1], rel=1e-12
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
@pytest.mark.parametrize("weighted", [False, True])
def test_one_column_is_solved(dtype, weighted):
    rng = np.random.default_rng(4)
    for n in (1, 2, 9):
        X = (rng.normal(size=(n, 1)) * 100).astype(dtype)
        weights = np.append(rng.random(n - 1), 0.5) if weighted else None
        for k in range(1, n + 1):
            if len(np.unique(X)) < k:
                continue
            model = KMeans(k).fit(X, sample_weight=weights)
            order = np.argsort(X[:, 0], kind="stable")
            least, _ = brute_force(
                X[order, 0].astype(float), None if weights is None else weights[order], k
            )
            assert model.inertia_ == pytest.approx(
                float(least), rel=1e-6 if dtype == np.float32 else 1e-12, abs=1e-9
            )
            assert np.array_equal(model.labels_, model.predict(X))
            assert len(model.runs_) == 1 and model.runs_[0].seed is None and model.converged_


def test_rows_without_weight_have_no_say():
    model = KMeans(2).fit([[0.0], [1.0], [50.0], [9.0]], sample_weight=[1, 1, 0, 1])
    assert model.cluster_centers_.ravel().tolist() == [0.5, 9.0]
    assert model.labels_.tolist() == [0, 0, 1, 1]


def test_fewer_distinct_values_than_clusters():
    with pytest.warns(ckmeans.ConvergenceWarning):
        model = KMeans(3).fit([[1.0], [1.0], [2.0]])
    assert model.inertia_ == 0


def test_the_optimum_is_the_default_for_one_column():
    assert KMeans().get_params()["init"] == "auto"
    X = np.random.default_rng(6).normal(size=(60, 1))
    wanted = (
        Sorted(np.sort(X[:, 0]), None).statistics(Sorted(np.sort(X[:, 0]), None).split(4))[1].sum()
    )
    model = KMeans(4, n_init=7, tol=0, random_state=0).fit(X)
    assert model.inertia_ == pytest.approx(wanted, rel=1e-12)
    assert (
        [run.seed for run in model.runs_] == [None] and model.converged_ and model.n_iter_ <= 2
    )  # the second confirms the first
    assert np.all(np.diff(model.cluster_centers_[:, 0]) > 0)
    for seed in range(3):  # nothing is drawn, and nothing is better
        for refine in (None, "auto", "best"):
            checks.assert_same(model, KMeans(4, tol=0, random_state=seed, refine=refine).fit(X))
    checks.assert_same(model, KMeans(4, tol=0, init="optimal").fit(X))
    assert np.array_equal(ckmeans.k_means(X, 4)[1], model.labels_)
    assert len(KMeans(4, random_state=0).fit(np.hstack([X, X])).runs_) == 5


def test_watching_the_optimum():
    X = np.random.default_rng(7).normal(size=(60, 1))
    (_, *states), seen = KMeans(4, tol=0).iter_fit(X), []
    model = KMeans(4, tol=0, history=True, callback=seen.append).fit(X)
    assert (
        [state.n_changed for state in states]
        == [60, 0][: model.n_iter_]
        == [each.n_changed for each in model.history_[0]]
    )
    assert [state.inertia for state in states] == pytest.approx(
        [model.inertia_] * model.n_iter_, rel=1e-12
    )
    assert [(state.run, state.n_runs, state.seed) for state in seen] == [
        (0, 1, None)
    ] * model.n_iter_
    assert KMeans(4, max_time=1e-9).fit(X).inertia_ == pytest.approx(model.inertia_, rel=1e-12)


def test_a_range_of_k_starts_at_the_optima():
    X = np.random.default_rng(8).normal(size=(80, 1))
    found = ckmeans.select_k(X, range(1, 7), criteria=["elbow"], random_state=0)
    for k, model in found.models.items():
        assert model.inertia_ == pytest.approx(KMeans(k).fit(X).inertia_, rel=1e-12)


def test_a_given_init_is_kept():
    X = np.random.default_rng(5).normal(size=(50, 1))
    assert len(KMeans(5, init="k-means++", random_state=0).fit(X).runs_) == 10
    assert KMeans(2, init=[[0.0], [1.0]]).fit(X).n_iter_ > 1


def test_optimal_is_for_one_column():
    with pytest.raises(ValueError, match="one column, got 2"):
        KMeans(2, init="optimal").fit(np.eye(2))


# ---- the functions -------------------------------------------------------------------------------


def test_clusters_are_views_of_one_sorted_copy():
    data = np.array([12.0, 1, 2, 3, 10, 11])
    before = data.copy()
    clusters = ckmeans.ckmeans(data, 2)
    assert [c.tolist() for c in clusters] == [[1, 2, 3], [10, 11, 12]]
    assert clusters[0].base is clusters[1].base is not None
    assert np.array_equal(data, before)


def test_one_cluster_for_each_distinct_value_at_most():
    assert [c.tolist() for c in ckmeans.ckmeans([1, 1, 2], 3)] == [[1, 1], [2]]
    assert ckmeans.breaks([1, 1, 1], 2).tolist() == []


@pytest.mark.parametrize("inner", [ckmeans.ckmeans, ckmeans.breaks])
@pytest.mark.parametrize(
    "data, k, error, message",
    [
        ([1, 2], 0, ckmeans.CkmeansError, "k must be at least 1, not 0"),
        ([1, 2], -1, ckmeans.CkmeansError, "k must be at least 1, not -1"),
        ([1, 2], 3, ckmeans.CkmeansError, "only 2 values"),
        ([], 1, ckmeans.CkmeansError, "only 0 values"),
        ([1, np.nan], 1, ckmeans.CkmeansError, "NaN"),
        ([1, None], 1, ckmeans.CkmeansError, "NaN"),
        ([[1, 2]], 1, TypeError, "one-dimensional"),
        ([1, 2], 1.5, TypeError, "integer"),
        (["a"], 1, ValueError, "text"),
    ],
)
def test_errors(inner, data, k, error, message):
    with pytest.raises(error, match=message):
        inner(data, k)


FUNCTIONS = [
    lambda data: ckmeans.ckmeans(data, 2),
    lambda data: ckmeans.breaks(data, 2),
    ckmeans.ckmeans_optimal,
]


@pytest.mark.parametrize("inner", FUNCTIONS)
@pytest.mark.parametrize(
    "data, error",
    [
        (np.ma.array([1.0, 2.0, 99.0], mask=[False, False, True]), ValueError),
        (np.array([1j, 2, 3]), ValueError),
        ([1j, 2.0], ValueError),
        (np.array(["2020-01-01", "2021-01-01"], "M8[D]"), TypeError),
        (np.array([1, 2], "m8[s]"), TypeError),
        ([datetime.datetime(2020, 1, 1), datetime.datetime(2021, 1, 1)], TypeError),
        (["1", "2"], ValueError),
        (np.array(["1", "2"]), ValueError),
        (np.array([1, "x"], dtype=object), ValueError),
        (np.zeros(2, [("a", "f8")]), TypeError),
        ([10**400, 1], ValueError),
        ([object(), 1], TypeError),
    ],
)
def test_what_a_fit_refuses_is_refused_in_the_same_words(inner, data, error):
    with pytest.raises(error) as refused:
        inner(data)
    with pytest.raises(error) as wanted:
        KMeans(2).fit(
            np.ma.reshape(data, (-1, 1))
            if isinstance(data, np.ndarray)
            else [[value] for value in data]
        )
    words = (
        str(wanted.value).replace("X", "data").replace("[2, 0]", "[2]").replace(", column 0", "")
    )
    assert str(refused.value) == words


@pytest.mark.parametrize("inner", FUNCTIONS)
def test_columns_of_tables(inner):
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    polars, sparse = pytest.importorskip("polars"), pytest.importorskip("scipy.sparse")
    wanted = inner([1.0, 2.0, 9.0])
    for data in (
        pandas.Series([1, 2, 9], index=[5, 5, 5]),
        pandas.Series([1, 2, 9], dtype="Int64"),
        polars.Series([1, 2, 9]),
        pyarrow.chunked_array([[1, 2], [9]]),
        [decimal.Decimal(1), 2, 9.0],
        np.ma.array([1, 2, 9]),
        np.array([1, 2, 9], ">i4"),
    ):
        found = inner(data)
        assert repr(found) == repr(wanted)
    missing = [
        pandas.Series([1, None], dtype="Int64"),
        polars.Series([1, None]),
        pyarrow.array([1, None]),
    ]
    for data in missing:
        with pytest.raises(ValueError, match="1 missing value.*row 1"):
            inner(data)
    with pytest.raises(TypeError, match="not a number, at row 0"):
        inner(pandas.Series(pandas.to_datetime(["2020", "2021"]).tz_localize("UTC")))
    with pytest.raises(TypeError, match="toarray"):
        inner(sparse.csr_array(np.eye(2)))
    for data in (np.eye(2), pandas.DataFrame({"a": [1, 2]}), 3.0):
        with pytest.raises(TypeError, match="one-dimensional"):
            inner(data)


def test_truth_values_are_numbers():
    assert [c.tolist() for c in ckmeans.ckmeans([True, False, True], 2)] == [[0], [1, 1]]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1, 2], 5, 3), "only 2 distinct values"),
        (([1, 2], 2, 1), "less than or equal to k_max"),
        (([1, 1, 2], 3), "only 2 distinct values"),
        (([1, 2], 0), "k_min must be at least 1"),
        (([1, 2], 1, -1), "k_max must be at least 1"),
    ],
)
def test_errors_of_the_search_for_k(arguments, message):
    with pytest.raises(ckmeans.CkmeansError, match=message):
        ckmeans.ckmeans_optimal(*arguments)
    assert issubclass(ckmeans.CkmeansError, ValueError)


@pytest.mark.parametrize(
    "data, k, expected",
    [
        # What version 1.2.0 of the package of that name returns.
        ([1, 2, 3, 10, 11, 12], 2, [10]),
        ([1.234, 1.235, 1.3, 5.6789, 5.7], 2, [3]),
        ([-3, -2, -1, 1, 2, 3], 2, [0]),
        ([100, 101, 102, 1000, 1001, 5000, 5001], 3, [1000, 3000]),
        ([0.1, 0.2, 0.30001, 0.30002], 2, [0.3]),
        ([1, 4], 2, [3]),
        ([2, 5], 2, [4]),
        ([-4, -1], 2, [-3]),
        ([0.1, 0.4], 2, [0.3]),
        ([1e-9, 3e-9], 2, [2e-9]),
        ([0.3, 0.30000000000000004], 2, [0.30000000000000004]),
        ([-1, 0], 2, [0]),
        ([123.456, 123.789], 2, [123.6]),
        ([1e22, 3e22], 2, [2e22]),
    ],
)
def test_breaks(data, k, expected):
    assert ckmeans.breaks(data, k).tolist() == expected


def test_breaks_lie_between_the_clusters():
    rng = np.random.default_rng(6)
    for scale in 10.0 ** np.arange(-300, 300, 25):
        data = rng.normal(size=20) * scale
        clusters, breaks = ckmeans.ckmeans(data, 20), ckmeans.breaks(data, 20)
        assert all(a[-1] < b <= c[0] for a, b, c in zip(clusters, breaks, clusters[1:]))


@pytest.mark.parametrize("exponent", [-1060, -1000, -600, -310, 310, 600, 1000, 1019])
def test_no_scale_is_too_small_or_too_large(exponent):
    data = np.array([1.0, 2, 3, 10, 11, 12])
    scaled = np.ldexp(data, exponent)
    (limit,) = ckmeans.breaks(scaled, 2)
    assert scaled[2] < limit <= scaled[3]
    here, there = ckmeans.ckmeans_optimal(data), ckmeans.ckmeans_optimal(scaled)
    assert there.k == here.k == 2 and there.sizes.tolist() == [3, 3]
    assert np.array_equal(there.centers, np.ldexp(here.centers, exponent))
    # Densities are those of the other unit.
    assert there.bic - 2 * len(data) * exponent * np.log(2) == pytest.approx(here.bic, abs=1e-8)


@pytest.mark.parametrize(
    "data, expected",
    [
        (np.array([1, 2, 3, 10, 11, 12]) * 1e-320, 6e-320),
        (np.array([1.0, 1.7]) * 1e308, 1.3e308),
        (np.array([5e-324, 1e-323]), 1e-323),
    ],
)
def test_breaks_at_the_ends_of_the_range(data, expected):
    assert ckmeans.breaks(data, 2).tolist() == [expected]


def test_infinite_values():
    inf = np.inf
    assert [c.tolist() for c in ckmeans.ckmeans([1, 2, inf], 2)] == [[1], [2, inf]]
    assert [c.tolist() for c in ckmeans.ckmeans([-inf, 1, 2, inf], 3)] == [[-inf], [1], [2, inf]]
    assert [c.tolist() for c in ckmeans.ckmeans([inf, -inf], 2)] == [[-inf], [inf]]
    result = ckmeans.ckmeans_optimal([1, 2, 3, 9, inf, inf])
    assert (
        result.k == 1
        and result.sizes.tolist() == [6]
        and np.isnan(result.bic).all()
        and len(result.ks) == 5
    )


def test_search_for_k():
    # What version 1.2.0 of the package of that name returns.
    result = ckmeans.ckmeans_optimal([1, 1, 2, 2, 7, 7, 7.5, 9, 9, 30])
    assert result.k == 5
    assert result.sizes.tolist() == [2, 2, 3, 2, 1]
    assert result.centers == pytest.approx([1, 2, 21.5 / 3, 9, 30])
    assert result.withinss == pytest.approx([0, 0, 1 / 6, 0, 0])
    assert result.bic == pytest.approx(
        [74.87673226, 72.61016307, 64.48804168, 62.93087883, 62.46335004, 67.1018098], abs=1e-8
    )
    assert ckmeans.ckmeans_optimal([1, 1, 1, 2]).bic == pytest.approx(
        [7.57891954, 7.83225863], abs=1e-8
    )
    assert ckmeans.ckmeans_optimal([1, 1, 1, 1]).bic.tolist() == [0]
    assert ckmeans.ckmeans_optimal([1, 2, 3, 10, 11, 12], k_min=2, k_max=3).ks.tolist() == [2, 3]


@pytest.mark.parametrize("offset", [1e6, 1e9, 1e12])
def test_an_offset_costs_no_digits(offset):
    step = 2.0**-10
    data = (
        np.sort(np.round(np.random.default_rng(7).normal(size=500) / step)) * step
    )  # exact after the shift, too
    here, there = ckmeans.ckmeans_optimal(data), ckmeans.ckmeans_optimal(data + offset)
    assert np.array_equal(here.withinss, there.withinss)
    assert np.array_equal(here.sizes, there.sizes)
    assert there.bic == pytest.approx(here.bic, rel=1e-6)


def mixture_bic(clusters):
    """The criterion in extended precision, from its definition; clusters of two values or more."""
    x = np.sort(np.concatenate(clusters)).astype(np.longdouble)
    terms = []
    for cluster in clusters:
        cluster = cluster.astype(np.longdouble)
        mean, variance = cluster.mean(), cluster.var(ddof=1)
        terms.append(
            np.log(np.longdouble(len(cluster)) / len(x) / np.sqrt(2 * np.pi * variance))
            - (x - mean) ** 2 / (2 * variance)
        )
    top = np.max(terms, axis=0)
    likelihoods = top + np.log(np.exp(terms - top).sum(axis=0))
    return -2 * likelihoods.sum() + (3 * len(clusters) - 1) * np.log(np.longdouble(len(x)))


@pytest.mark.parametrize("offset", [0, 1e6])
@pytest.mark.parametrize("kind", ["normal", "far apart", "tails"])
def test_the_criterion_is_that_of_a_mixture(kind, offset):
    rng = np.random.default_rng(9)
    data = (
        offset
        + {
            "normal": lambda: rng.normal(size=3001),
            "far apart": lambda: np.concatenate(
                [rng.normal(size=300) * 1e-4, 5e3 + rng.normal(size=3000)]
            ),
            "tails": lambda: rng.lognormal(0, 1, 3001),
        }[kind]()
    )
    found = ckmeans.ckmeans_optimal(data, 1, 8)
    splits = {k: ckmeans.ckmeans(data, k) for k in found.ks.tolist()}
    wanted = {
        k: float(mixture_bic(clusters))
        for k, clusters in splits.items()
        if min(map(len, clusters)) > 1
    }
    assert len(wanted) >= 2 and [found.bic[k - 1] for k in wanted] == pytest.approx(
        list(wanted.values()), rel=1e-12
    )


@pytest.mark.parametrize("exponent", [-660, -300, 300, 660])
def test_weights_of_any_size(exponent):
    """Only the ratios of weights matter."""
    rng = np.random.default_rng(0)
    X = 1000 + rng.normal(size=(1500, 1))
    weights = rng.exponential(size=1500) * (rng.random(1500) < 0.9)
    one = KMeans(17).fit(X, sample_weight=weights)
    other = KMeans(17).fit(X, sample_weight=np.ldexp(weights, exponent))
    assert np.array_equal(one.labels_, other.labels_)
    assert np.array_equal(one.cluster_centers_, other.cluster_centers_)
