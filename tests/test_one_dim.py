"""One dimension: the optimum, against exact arithmetic over all splits, and the functions of the package of the same import name."""
from fractions import Fraction
import itertools

import numpy as np
import pytest

import checks
import ckmeans
from ckmeans import KMeans
from ckmeans._native import Sorted


def exact_cost(values, weights):
    total = sum(weights)
    mean = sum(v * w for v, w in zip(values, weights)) / total
    return sum(w * (v - mean) ** 2 for v, w in zip(values, weights))


def brute_force(values, weights, k):
    """The least cost of any split of sorted values into k intervals, and the cost of each interval."""
    n = len(values)
    values = [Fraction(v) for v in values.tolist()]
    weights = [Fraction(1)] * n if weights is None else [Fraction(w) for w in weights.tolist()]
    cost = {(i, j): exact_cost(values[i:j], weights[i:j]) for i in range(n) for j in range(i + 1, n + 1)}
    splits = ((0, *cuts, n) for cuts in itertools.combinations(range(1, n), k - 1))
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
            if least and kind not in ("huge", "tiny"):      # there the squares leave the range of float64
                assert abs(Fraction(problem.statistics(bounds)[1].sum()) - least) <= least * Fraction(1, 10**14)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["normal", "lognormal", "two scales", "far from 0"])
def test_windows_lose_nothing(kind, weighted):
    rng = np.random.default_rng(2)
    n = 70000                                # large enough for windows, which `layers` does not use
    values = np.sort({
        "normal": lambda: rng.normal(size=n),
        "lognormal": lambda: rng.lognormal(0, 3, n),
        "two scales": lambda: np.concatenate([rng.normal(size=n // 2), 1e6 + rng.normal(size=n // 2 + 40) * 1e-3]),
        "far from 0": lambda: rng.normal(size=n) + 1e6,
    }[kind]())
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
    values = np.sort({
        "normal": lambda: rng.normal(size=900),
        "lognormal": lambda: rng.lognormal(0, 3, 900),
        "grid": lambda: np.arange(900.0),
        "integers": lambda: rng.integers(600, size=2000) * 1.0,
        "far from 0": lambda: rng.normal(size=900) + 1e9,
    }[kind]())
    problem = Sorted(values, rng.random(len(values)) + 1e-3 if weighted else None)
    priced = 0
    for k in (2, 3, 7, 16, 60, 101):
        wanted = problem.split_within(k, *problem.windows(k))
        ends = problem.ends(k)               # None: no price gives k clusters, as where many splits are equally good
        assert ends is not None or kind in ("grid", "integers")
        found = [problem.split(k)] if ends is None else [problem.split(k), problem.split_at(k, ends)]
        for bounds in found:
            assert problem.statistics(bounds)[1].sum() == pytest.approx(problem.statistics(wanted)[1].sum(), rel=1e-12)
        priced += ends is not None
    assert priced >= 2


def test_halving_finds_what_the_table_finds():
    values = np.sort(np.random.default_rng(3).normal(size=5000))
    problem = Sorted(values, None)           # 5000 * 4000 entries: too many for a table
    bounds = problem.split_within(4000, *problem.windows(4000))
    assert np.all(np.diff(bounds) > 0) and bounds[-1] == 5000
    assert problem.statistics(bounds)[1].sum() == pytest.approx(problem.layers(4001)[4000, -1], rel=1e-12)


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
            least, _ = brute_force(X[order, 0].astype(float), None if weights is None else weights[order], k)
            assert model.inertia_ == pytest.approx(float(least), rel=1e-6 if dtype == np.float32 else 1e-12, abs=1e-9)
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
    wanted = Sorted(np.sort(X[:, 0]), None).statistics(Sorted(np.sort(X[:, 0]), None).split(4))[1].sum()
    model = KMeans(4, n_init=7, tol=0, random_state=0).fit(X)
    assert model.inertia_ == pytest.approx(wanted, rel=1e-12)
    assert [run.seed for run in model.runs_] == [None] and model.converged_ and model.n_iter_ <= 2     # the second sees that all stays
    assert np.all(np.diff(model.cluster_centers_[:, 0]) > 0)
    for seed in range(3):                    # nothing is drawn, and nothing is better
        for refine in (None, "auto", "best"):
            checks.assert_same(model, KMeans(4, tol=0, random_state=seed, refine=refine).fit(X))
    checks.assert_same(model, KMeans(4, tol=0, init="optimal").fit(X))
    assert np.array_equal(ckmeans.k_means(X, 4)[1], model.labels_)
    assert len(KMeans(4, random_state=0).fit(np.hstack([X, X])).runs_) == 10


def test_watching_the_optimum():
    X = np.random.default_rng(7).normal(size=(60, 1))
    states, seen = list(KMeans(4, tol=0).iter_fit(X)), []
    model = KMeans(4, tol=0, history=True, callback=seen.append).fit(X)
    assert [state.n_changed for state in states] == [60, 0][:model.n_iter_] == [each.n_changed for each in model.history_[0]]
    assert [state.inertia for state in states] == pytest.approx([model.inertia_] * model.n_iter_, rel=1e-12)
    assert [(state.run, state.n_runs, state.seed) for state in seen] == [(0, 1, None)] * model.n_iter_
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


# ---- the functions ---------------------------------------------------------------------------------------------------------------


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
@pytest.mark.parametrize("data, k, error, message", [
    ([1, 2], 0, ckmeans.CkmeansError, "k must be at least 1, not 0"),
    ([1, 2], -1, ckmeans.CkmeansError, "k must be at least 1, not -1"),
    ([1, 2], 3, ckmeans.CkmeansError, "only 2 values"),
    ([], 1, ckmeans.CkmeansError, "only 0 values"),
    ([1, np.nan], 1, ckmeans.CkmeansError, "NaN"),
    ([1, None], 1, ckmeans.CkmeansError, "NaN"),
    ([[1, 2]], 1, TypeError, "one-dimensional"),
    ([1, 2], 1.5, TypeError, "integer"),
    (["a"], 1, ValueError, "'a'"),
])
def test_errors(inner, data, k, error, message):
    with pytest.raises(error, match=message):
        inner(data, k)


@pytest.mark.parametrize("arguments, message", [
    (([1, 2], 5, 3), "only 2 distinct values"),
    (([1, 2], 2, 1), "less than or equal to k_max"),
    (([1, 1, 2], 3), "only 2 distinct values"),
    (([1, 2], 0), "k_min must be at least 1"),
    (([1, 2], 1, -1), "k_max must be at least 1"),
])
def test_errors_of_the_search_for_k(arguments, message):
    with pytest.raises(ckmeans.CkmeansError, match=message):
        ckmeans.ckmeans_optimal(*arguments)
    assert issubclass(ckmeans.CkmeansError, ValueError)


@pytest.mark.parametrize("data, k, expected", [
    # What version 1.2.0 of the package of that name returns.
    ([1, 2, 3, 10, 11, 12], 2, [10]),
    ([1.234, 1.235, 1.3, 5.6789, 5.7], 2, [3]),
    ([-3, -2, -1, 1, 2, 3], 2, [0]),
    ([100, 101, 102, 1000, 1001, 5000, 5001], 3, [1000, 3000]),
    ([0.1, 0.2, 0.30001, 0.30002], 2, [0.3]),
    ([1, 4], 2, [3]), ([2, 5], 2, [4]), ([-4, -1], 2, [-3]), ([0.1, 0.4], 2, [0.3]), ([1e-9, 3e-9], 2, [2e-9]),
    ([0.3, 0.30000000000000004], 2, [0.30000000000000004]), ([-1, 0], 2, [0]), ([123.456, 123.789], 2, [123.6]),
    ([1e22, 3e22], 2, [2e22]),
])
def test_breaks(data, k, expected):
    assert ckmeans.breaks(data, k).tolist() == expected


def test_breaks_lie_between_the_clusters():
    rng = np.random.default_rng(6)
    for scale in 10.0 ** np.arange(-300, 300, 25):
        data = rng.normal(size=20) * scale
        clusters, breaks = ckmeans.ckmeans(data, 20), ckmeans.breaks(data, 20)
        assert all(a[-1] < b <= c[0] for a, b, c in zip(clusters, breaks, clusters[1:]))


def test_infinite_values():
    inf = np.inf
    assert [c.tolist() for c in ckmeans.ckmeans([1, 2, inf], 2)] == [[1], [2, inf]]
    assert [c.tolist() for c in ckmeans.ckmeans([-inf, 1, 2, inf], 3)] == [[-inf], [1], [2, inf]]
    assert [c.tolist() for c in ckmeans.ckmeans([inf, -inf], 2)] == [[-inf], [inf]]
    result = ckmeans.ckmeans_optimal([1, 2, 3, 9, inf, inf])
    assert result.k == 1 and result.sizes.tolist() == [6] and np.isnan(result.bic).all() and len(result.ks) == 5


def test_search_for_k():
    # What version 1.2.0 of the package of that name returns.
    result = ckmeans.ckmeans_optimal([1, 1, 2, 2, 7, 7, 7.5, 9, 9, 30])
    assert result.k == 5
    assert result.sizes.tolist() == [2, 2, 3, 2, 1]
    assert result.centers == pytest.approx([1, 2, 21.5 / 3, 9, 30])
    assert result.withinss == pytest.approx([0, 0, 1 / 6, 0, 0])
    assert result.bic == pytest.approx([74.87673226, 72.61016307, 64.48804168, 62.93087883, 62.46335004, 67.1018098], abs=1e-8)
    assert ckmeans.ckmeans_optimal([1, 1, 1, 2]).bic == pytest.approx([7.57891954, 7.83225863], abs=1e-8)
    assert ckmeans.ckmeans_optimal([1, 1, 1, 1]).bic.tolist() == [0]
    assert ckmeans.ckmeans_optimal([1, 2, 3, 10, 11, 12], k_min=2, k_max=3).ks.tolist() == [2, 3]


@pytest.mark.parametrize("offset", [1e6, 1e9, 1e12])
def test_an_offset_costs_no_digits(offset):
    step = 2.0**-10
    data = np.sort(np.round(np.random.default_rng(7).normal(size=500) / step)) * step     # exact after the shift, too
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
        terms.append(np.log(np.longdouble(len(cluster)) / len(x) / np.sqrt(2 * np.pi * variance)) - (x - mean) ** 2 / (2 * variance))
    top = np.max(terms, axis=0)
    likelihoods = top + np.log(np.exp(terms - top).sum(axis=0))
    return -2 * likelihoods.sum() + (3 * len(clusters) - 1) * np.log(np.longdouble(len(x)))


@pytest.mark.parametrize("offset", [0, 1e6])
@pytest.mark.parametrize("kind", ["normal", "far apart", "tails"])
def test_the_criterion_is_that_of_a_mixture(kind, offset):
    rng = np.random.default_rng(9)
    data = offset + {
        "normal": lambda: rng.normal(size=3001),
        "far apart": lambda: np.concatenate([rng.normal(size=300) * 1e-4, 5e3 + rng.normal(size=3000)]),
        "tails": lambda: rng.lognormal(0, 1, 3001),
    }[kind]()
    found = ckmeans.ckmeans_optimal(data, 1, 8)
    splits = {k: ckmeans.ckmeans(data, k) for k in found.ks.tolist()}
    wanted = {k: float(mixture_bic(clusters)) for k, clusters in splits.items() if min(map(len, clusters)) > 1}
    assert len(wanted) >= 2 and [found.bic[k - 1] for k in wanted] == pytest.approx(list(wanted.values()), rel=1e-12)


@pytest.mark.parametrize("exponent", [-660, -300, 300, 660])
def test_weights_of_any_size(exponent):
    """Only their ratios matter."""
    rng = np.random.default_rng(0)
    X = 1000 + rng.normal(size=(1500, 1))
    weights = rng.exponential(size=1500) * (rng.random(1500) < 0.9)
    one = KMeans(17).fit(X, sample_weight=weights)
    other = KMeans(17).fit(X, sample_weight=np.ldexp(weights, exponent))
    assert np.array_equal(one.labels_, other.labels_)
    assert np.array_equal(one.cluster_centers_, other.cluster_centers_)
