"""Choosing k: the criteria's values, their results on known data, and the messages if there is
nothing to find.
"""

import math
import signal
import warnings

import numpy as np
import pytest
from real_data import real

from ckmeans import KMeans, metrics, select, select_k
from ckmeans._choosing_k import criteria, suggestion

rng = np.random.default_rng(0)


def blobs(k, n=100, d=2, seed=0, apart=12.0):
    rng = np.random.default_rng(seed)
    centers = apart * np.array([[j % 4, j // 4] + [0] * (d - 2) for j in range(k)], dtype=float)
    return (centers[:, np.newaxis] + rng.normal(size=(k, n, d))).reshape(-1, d)


@pytest.fixture(scope="module")
def found():
    return select_k(blobs(3), range(1, 7), random_state=0)


# ------------------------------------------------------------------------------------------------ k


@pytest.mark.parametrize(
    "name, ks, k",
    [
        ("xclara", range(1, 11), 3),
        ("ruspini", range(1, 11), 4),
        ("s1", range(2, 21), 15),
        ("a3", range(44, 57, 2), 50),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_known_data(name, ks, k, seed):
    criteria = (
        "all" if len(ks) < 11 else ["silhouette", "davies_bouldin", "calinski_harabasz", "bic"]
    )
    result = select_k(real(name), ks, random_state=seed, criteria=criteria)
    assert result.suggested_k == k and f"k = {k}: " in result.suggestion
    assert result.model is result.models[k]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "make",
    [
        lambda rng: rng.random((300, 2)),
        lambda rng: rng.random((60, 2)),
        lambda rng: rng.random((300, 1)),
        lambda rng: rng.random((1000, 8)) * 10.0 ** np.arange(8),
        lambda rng: rng.random((400, 2)) @ [[5.0, 4.0], [0.0, 0.4]],
        lambda rng: rng.normal(size=(500, 3)),
    ],
    ids=["square", "few", "line", "scales", "slanted", "one cloud"],
)
def test_no_structure_is_not_invented(make, seed):
    result = select_k(make(np.random.default_rng(seed)), range(1, 9), random_state=seed)
    assert result.suggested_k is None and result.model is None
    assert result.suggestion.startswith("No clear structure")


NOISE = {
    "exponential": lambda rng: rng.exponential(size=(300, 2)),
    "log-normal": lambda rng: rng.lognormal(size=(300, 1)),
    "correlated log-normal": lambda rng: np.exp(
        rng.normal(size=(300, 3)) @ [[1.0, 0.5, 0.2], [0.0, 0.7, 0.3], [0.0, 0.0, 0.5]]
    ),
    "Pareto": lambda rng: rng.pareto(1.5, size=(300, 2)),
    "chi-square": lambda rng: rng.chisquare(1, size=(200, 5)),
    "heavy tails": lambda rng: rng.standard_t(1, size=(300, 2)),
    "bits": lambda rng: rng.integers(2, size=(300, 8)),
    "rare bits": lambda rng: rng.random((300, 20)) < 0.2,
    "two dice": lambda rng: rng.integers(1, 7, size=(300, 2)),
    "a die": lambda rng: rng.integers(1, 7, size=(300, 1)),
    "answers": lambda rng: rng.integers(1, 6, size=(200, 6)),
    "counts": lambda rng: rng.poisson(3, size=(300, 2)),
    "whole numbers": lambda rng: rng.integers(0, 20, size=(300, 3)),
    "mixed": lambda rng: np.column_stack(
        [
            rng.integers(2, size=300),
            rng.normal(size=300),
            rng.poisson(2, 300),
            rng.exponential(size=300),
        ]
    ),
    "many zeros": lambda rng: rng.exponential(size=(300, 3)) * (rng.random((300, 3)) < 0.6),
    "sphere": lambda rng: (lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True))(
        rng.normal(size=(300, 3))
    ),
    "elongated": lambda rng: rng.normal(size=(300, 4)) * [20, 5, 1, 0.2],
    "wide": lambda rng: rng.normal(size=(60, 50)),
    "few": lambda rng: rng.normal(size=(40, 2)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NOISE)
def test_nor_in_skewed_discrete_and_heavy_tailed_data(name, seed):
    X = NOISE[name](np.random.default_rng(seed))
    result = select_k(
        X,
        random_state=seed,
        criteria=["elbow", "silhouette", "calinski_harabasz", "bic", "gap"],
        n_refs=3,
    )
    assert result.suggested_k is None and result.model is None
    assert (
        "not well separated (between neighboring clusters, rows are" in result.suggestion
        or "no criterion" in result.suggestion
    )


def around(centers, n, spread, rng):
    """n rows, in turn around each center."""
    centers = np.asarray(centers, dtype=float)
    which = np.arange(n) % len(centers)
    return centers[which] + np.broadcast_to(spread, len(centers))[which][
        :, np.newaxis
    ] * rng.normal(size=(n, centers.shape[1]))


CLUSTERS = {
    "two in one column among noise": (
        2,
        lambda rng: np.column_stack(
            [8.0 * (np.arange(300) % 2) + rng.normal(size=300), rng.normal(size=(300, 5))]
        ),
    ),
    "three in one column among uniform noise": (
        3,
        lambda rng: np.column_stack(
            [6.0 * (np.arange(300) % 3) + rng.normal(size=300), 3 * rng.random((300, 3))]
        ),
    ),
    "one column": (4, lambda rng: around([[0], [6], [12], [20]], 200, 1.0, rng)),
    "grid": (
        9,
        lambda rng: around([(6 * i, 6 * j) for i in range(3) for j in range(3)], 450, 1.0, rng),
    ),
    "other spreads": (3, lambda rng: around([(0, 0), (10, 0), (5, 14)], 300, [0.3, 1, 2.5], rng)),
    "unbalanced": (
        3,
        lambda rng: (
            np.array([[0, 0], [9, 0], [0, 9]])[rng.choice(3, 400, p=[0.8, 0.12, 0.08])]
            + rng.normal(size=(400, 2))
        ),
    ),
    "rounded": (3, lambda rng: np.round(around([(0, 0), (8, 0), (4, 8)], 300, 1.0, rng))),
    "skewed": (
        3,
        lambda rng: (
            around([(0, 0), (10, 0), (0, 10)], 300, 0.0, rng) + rng.lognormal(0, 0.5, size=(300, 2))
        ),
    ),
    "squares": (
        4,
        lambda rng: around([(0, 0), (2, 0), (0, 2), (2, 2)], 400, 0.0, rng) + rng.random((400, 2)),
    ),
    "many features": (4, lambda rng: around(rng.normal(size=(4, 30)) * 2.0, 300, 1.0, rng)),
    "few rows": (3, lambda rng: around([(0, 0), (9, 0), (4, 8)], 36, 1.0, rng)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", CLUSTERS)
def test_clusters_of_many_kinds_are_found(name, seed):
    k, make = CLUSTERS[name]
    result = select_k(make(np.random.default_rng(seed)), random_state=seed)
    assert result.suggested_k == k and "well separated" in result.suggestion


def test_iris_has_two_clusters_that_do_not_overlap():
    datasets = pytest.importorskip("sklearn.datasets")
    assert select_k(datasets.load_iris().data, random_state=0).suggested_k == 2


def test_neither_unit_nor_place_matter():
    X, noise = blobs(3, n=50), rng.exponential(size=(200, 2))
    for scale, shift in (1e-60, 0.0), (1e60, 0.0), (1.0, 1e6), (2.0**-20, 0.0):
        assert select_k(X * scale + shift, range(1, 7), random_state=0).suggested_k == 3
        assert select_k(noise * scale + shift, range(1, 7), random_state=0).suggested_k is None


def test_clouds_that_touch():
    X = np.concatenate(
        [rng.normal(size=(300, 2)) + center for center in ([0, 0], [4, 0], [2, 3.5])]
    )
    assert select_k(X, random_state=0).suggested_k == 3


# ------------------------------------------------------------------------------------------------ t


def test_the_table_holds_what_the_models_have(found):
    X, table = blobs(3), found.table
    assert list(table) == [
        "k",
        "inertia",
        "elbow",
        "silhouette",
        "simplified_silhouette",
        "calinski_harabasz",
        "davies_bouldin",
        "bic",
        "gap",
        "gap_se",
        "stability",
    ]
    for i, k in enumerate(range(1, 7)):
        model = found.models[k]
        assert (table["k"][i], table["inertia"][i]) == (k, model.inertia_)
        assert np.array_equal(model.predict(X), model.labels_) and model.inertia_ == -model.score(X)
        if k == 1:
            assert all(
                math.isnan(table[name][0])
                for name in ("silhouette", "calinski_harabasz", "davies_bouldin", "stability")
            )
            continue
        assert table["silhouette"][i] == metrics.silhouette_score(X, model.labels_)
        assert table["simplified_silhouette"][i] == metrics.simplified_silhouette_score(
            X, model.cluster_centers_
        )
        for name in "calinski_harabasz", "davies_bouldin":
            assert table[name][i] == getattr(metrics, f"{name}_score")(X, model.labels_)


def test_bic_is_the_likelihood_of_round_gaussians(found):
    X, k = blobs(3), 3
    model, (n, d) = found.models[k], X.shape
    variance = model.inertia_ / (d * (n - k))
    own = ((X - model.cluster_centers_[model.labels_]) ** 2).sum(axis=1)
    density = (
        np.log(model.counts_[model.labels_] / n)
        - d / 2 * np.log(2 * np.pi * variance)
        - own / (2 * variance)
    )
    assert found.table["bic"][k - 1] == pytest.approx(
        -2 * density.sum() + k * (d + 1) * np.log(n), rel=1e-12
    )


def test_the_elbow_is_kneedles():
    class Path:
        ks, inertias = [1, 2, 3, 4, 5], np.array([100.0, 20.0, 10.0, 5.0, 0.0])

    assert criteria.elbow(Path).tolist() == pytest.approx([0, 0.55, 0.4, 0.2, 0])


def test_rules():
    ks, nan = np.array([1, 2, 3, 4]), math.nan
    assert (
        criteria.highest(ks, np.array([nan, 1, 3, 3])) == 3
        and criteria.lowest(ks, np.array([nan, 1, 3, 1])) == 2
    )
    assert criteria.highest(ks, np.full(4, nan)) is None
    assert (
        criteria.smallest_within_error(ks, np.array([0.1, 0.9, 1.0, 0.5]), np.array([0, 0, 0.2, 0]))
        == 2
    )
    assert criteria.smallest_within_error(ks, np.array([0.1, 0.9, 1.0, 0.5]), np.zeros(4)) == 3
    assert criteria.largest_of_highest(ks, np.array([nan, 1.0, 0.995, 0.9])) == 3


def test_gap_is_near_zero_on_data_like_its_references():
    X = np.random.default_rng(5).random((400, 2))
    result = select_k(X, [1, 2, 4], criteria="gap", random_state=0)
    assert np.abs(result.table["gap"]).max() < 0.1 and (result.table["gap_se"] > 0).all()


# ------------------------------------------------------------------------------------------------ t


def test_the_path_costs_less_than_half_and_ends_no_higher():
    X = blobs(12, n=300, d=8, apart=3.0).astype(np.float32)

    def work(models):
        """Iterations times centers: the cost of a fit, independent of the load of the machine."""
        return sum(
            run.n_iter * len(model.cluster_centers_) for model in models for run in model.runs_
        )

    result = select_k(X, range(1, 21), criteria="elbow", random_state=0)
    models = [KMeans(k, random_state=0).fit(X) for k in range(1, 21)]
    separate = [model.inertia_ for model in models]
    assert work(result.models.values()) < 0.5 * work(models)
    assert (result.table["inertia"] <= np.array(separate) * 1.03).all()
    assert result.table["inertia"].sum() <= 1.002 * sum(separate)


@pytest.mark.parametrize("empty", [[], (), set(), {}, iter([])], ids=lambda one: type(one).__name__)
def test_without_a_criterion_nothing_could_be_suggested(empty):
    with pytest.raises(ValueError, match="criteria is empty, .* pass 'all', or some of 'elbow'"):
        select_k(blobs(3), range(1, 4), criteria=empty)


def test_results_depend_on_the_seed_only():
    X = np.asfortranarray(blobs(5, n=60, d=3, apart=4.0))
    tables = [
        select_k(x, range(1, 8), random_state=7, n_threads=threads).table
        for x, threads in ((X, 1), (X, 2), (np.ascontiguousarray(X), 3))
    ]
    for table in tables[1:]:
        for name, column in tables[0].items():
            assert np.array_equal(column, table[name], equal_nan=True), name
    other = select_k(X, range(1, 8), random_state=8).table
    assert not np.array_equal(other["gap"], tables[0]["gap"])


def test_k_may_leap_and_repeat():
    result = select_k(blobs(4), [9, 2, 4, 4], criteria=["silhouette"], random_state=0)
    assert result.k_range.tolist() == [2, 4, 9] and result.suggested_k == 4
    assert [len(model.cluster_centers_) for model in result.models.values()] == [2, 4, 9]


def test_weights_and_weightless_rows():
    X = blobs(4)
    weights = np.ones(len(X))
    weights[:50] = 0
    kept = select_k(
        X[50:], range(2, 7), random_state=0, criteria=["calinski_harabasz", "bic", "davies_bouldin"]
    )
    weighted = select_k(X, range(2, 7), random_state=0, sample_weight=weights)
    assert weighted.suggested_k == kept.suggested_k == 4
    for name in "calinski_harabasz", "bic", "davies_bouldin":
        assert weighted.table[name][2] == pytest.approx(kept.table[name][2], rel=1e-9)


def same_tables(a, b, skip=()):
    return all(
        np.allclose(column, b[name], rtol=1e-9, atol=1e-12, equal_nan=True)
        for name, column in a.items()
        if name not in skip
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "make",
    [
        lambda rng, n: rng.random(n),
        lambda rng, n: rng.integers(1, 5, n),
        lambda rng, n: rng.integers(0, 3, n),
        lambda rng, n: 10.0 ** rng.uniform(-6, 6, n),
        lambda rng, n: np.full(n, 3),
    ],
    ids=["fractions", "whole", "some zero", "decades", "equal"],
)
def test_only_ratios_of_weights_matter(make, seed):
    rng = np.random.default_rng(seed)
    X = blobs(3, n=40, seed=seed)
    weights = make(rng, len(X)).astype(float)
    found = select_k(
        X, range(1, 7), random_state=seed, sample_weight=weights, n_refs=2, n_resamples=2
    )
    for factor in 1 / weights.sum(), 2.0**-30, 1000.0:
        other = select_k(
            X,
            range(1, 7),
            random_state=seed,
            sample_weight=weights * factor,
            n_refs=2,
            n_resamples=2,
        )
        assert (
            same_tables(found.table, other.table, skip=["inertia"])
            and other.suggestion == found.suggestion
        )
        assert np.allclose(other.table["inertia"], found.table["inertia"] * factor)
    known = found.table["calinski_harabasz"][1:]
    assert (known > 0).all() and np.isfinite(known).all() and np.isfinite(found.table["bic"]).all()
    if make(rng, 2).tolist() == [3, 3]:
        assert same_tables(
            found.table,
            select_k(X, range(1, 7), random_state=seed, n_refs=2, n_resamples=2).table,
            skip=["inertia"],
        )


def test_large_data_is_sampled_for_the_slow_criteria():
    X = blobs(4, n=400)
    result = select_k(X, range(2, 6), random_state=0, sample_size=200)
    assert result.sample_size == 200 and result.suggested_k == 4
    assert result.table["inertia"][0] == result.models[2].inertia_ == -result.models[2].score(X)


def test_few_distinct_rows():
    X = np.repeat([[0.0], [1.0], [5.0]], 4, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = select_k(X, range(1, 7), random_state=0)
    assert result.table["inertia"][2:].tolist() == [0.0] * 4 and list(result.models) == [1, 2, 3]
    for name in result.best_k:
        assert np.isnan(result.table[name][3:]).all() and not math.isnan(result.table[name][2])
    assert result.notes[-1] == "Not judged: k = 4 to 6, for there are 3 distinct rows."
    assert result.notes[-1] in str(result) and result.notes[-1] in result._repr_html_()


@pytest.mark.parametrize(
    "points",
    [
        [[0.0], [1.0], [5.0]],
        [[0.0], [1.0], [2.0]],
        [[0.1, 0.7], [0.3, 0.2], [1e9, 4.0]],
        [[-0.0, 1.0], [0.0, 2.0], [0.0, 7.0]],
        [[0.0], [1.0]],
        [[0, 0], [0, 1], [1, 0], [1, 1.0]],
        np.random.default_rng(0).normal(size=(5, 2)),
        np.random.default_rng(1).integers(0, 100, size=(9, 3)).astype(float),
        np.random.default_rng(2).normal(size=(7, 40)) * 1e-30,
    ],
    ids=["gap", "even", "huge", "zeros", "two", "square", "five", "nine", "tiny"],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
def test_repeated_points_are_the_clusters(points, dtype, weighted):
    k = len(points)
    X = np.repeat(np.asarray(points, dtype=dtype), 25, axis=0)
    X, weights = X[rng.permutation(len(X))], rng.random(len(X)) + 0.1 if weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = select_k(X, random_state=0, sample_weight=weights)
    assert result.suggested_k == k and "each is one distinct row, repeated" in result.suggestion
    assert sum(best == k for best in result.best_k.values()) >= 6 and len(result.models) == k
    assert "nan" not in str(result).lower() and "nan" not in result._repr_html_().lower()
    assert set(result.lines()[-1].split()[2:]) == {"-"}


@pytest.mark.parametrize("n, d, value", [(75, 2, 1.0), (5, 1, -3.5), (1, 3, 0.0), (40, 1, 1e100)])
def test_equal_rows_are_one_cluster(n, d, value):
    X = np.full((n, d), value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result, above = (
            select_k(X, range(1, min(n, 6) + 1), random_state=0),
            select_k(X, [min(n, 2)], random_state=0),
        )
    assert result.suggested_k == 1 and result.suggestion == f"k = 1: all {n} rows are equal."
    assert result.model.cluster_centers_.tolist() == [[value] * d]
    if n > 1:
        assert above.suggested_k is None and above.suggestion.startswith(
            f"No clusters: all {n} rows are equal."
        )
        assert "Not judged: k = 2, for all rows are equal." in str(above)
    assert "nan" not in (str(result) + str(above)).lower()


def test_no_k_that_could_be_judged():
    result = select_k(np.repeat([[0.0], [1.0], [5.0]], 9, axis=0), range(4, 7), random_state=0)
    assert (result.suggested_k, result.models) == (None, {})
    assert (
        result.suggestion
        == "No k can be judged: there are 3 distinct rows, and k_range begins at 4."
    )
    assert all(best is None for best in result.best_k.values()) and "nan" not in str(result).lower()


def test_rows_of_weight_0_are_no_distinct_rows():
    X = np.concatenate([np.repeat([[0.0, 1.0], [4.0, 4.0]], 20, axis=0), rng.normal(size=(30, 2))])
    result = select_k(X, range(1, 5), random_state=0, sample_weight=np.repeat([1.0, 0.0], [40, 30]))
    assert result.suggested_k == 2 and "k = 3, 4, for there are 2 distinct rows" in str(result)


@pytest.mark.parametrize("n", [2, 3, 4, 7, 12])
@pytest.mark.parametrize("d", [1, 3])
def test_as_many_clusters_as_rows(n, d):
    """Every criterion has a value or a reason, and the trivial clustering is not suggested."""
    X = np.random.default_rng(n).normal(size=(n, d))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = select_k(X, range(1, n + 1), random_state=0)
    assert result.suggested_k not in (1, n) and "nan" not in str(result).lower()
    for name in result.best_k:
        missing = result.k_range[np.isnan(result.table[name])]
        said = " ".join(note for note in result.notes if criteria.HEADS.get(name, name) in note)
        assert len(missing) == 0 or f"k = {missing[0]}" in said
        assert np.isnan(result.table[name][-1]) or name == "elbow"


# ------------------------------------------------------------------------------------ full effort


def scattered(seed, k=12, n=30):
    """Clusters on which the search for [4, k] often ends in a worse optimum than a fit of k."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 40, size=(k, 2))[np.arange(k * n) % k] + 0.5 * rng.normal(size=(k * n, 2))


@pytest.mark.parametrize("seed", [0, 1, 4, 5, 9, 11])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_suggestion_is_as_good_as_a_fit_of_its_own(seed, dtype):
    X = scattered(seed).astype(dtype)
    result = select_k(X, [4, 12], criteria=["silhouette", "davies_bouldin"], random_state=seed)
    alone = KMeans(12, random_state=seed).fit(X)
    assert result.suggested_k == 12 and result.model.inertia_ <= alone.inertia_
    model = result.model
    assert result.table["inertia"][1] == model.inertia_ and np.array_equal(
        model.predict(X), model.labels_
    )
    assert result.table["silhouette"][1] == metrics.silhouette_score(X, model.labels_)
    assert result.table["davies_bouldin"][1] == metrics.davies_bouldin_score(X, model.labels_)


@pytest.mark.parametrize(
    "make",
    [lambda: 0, lambda: np.random.RandomState(5), lambda: np.random.default_rng(5)],
    ids=["int", "RandomState", "Generator"],
)
@pytest.mark.parametrize("params", [{}, {"n_init": 4}, {"max_iter": 2}, {"sample_weight": True}])
@pytest.mark.parametrize("seed", [0, 5])
def test_with_any_kind_of_seed(make, params, seed):
    X = scattered(seed)
    params = dict(params)
    weights = (
        np.random.default_rng(0).uniform(0.5, 1, len(X))
        if params.pop("sample_weight", None)
        else None
    )
    result = select_k(
        X,
        [4, 12],
        random_state=make(),
        sample_weight=weights,
        criteria=["silhouette", "bic"],
        **params,
    )
    assert result.suggested_k == 12
    alone = KMeans(12, random_state=make(), **params).fit(X, sample_weight=weights)
    assert result.model.inertia_ <= alone.inertia_


def test_data_and_names_come_through():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(blobs(3), columns=["a", "b"])
    before = frame.copy()
    result = select_k(frame, [2, 3], criteria="silhouette", random_state=0)
    assert list(result.models[3].feature_names_in_) == ["a", "b"] and frame.equals(before)
    table = result.to_pandas()
    assert table.index.name == "k" and table.loc[3, "silhouette"] == result.table["silhouette"][1]


# ------------------------------------------------------------------------------------------------ h


def test_printed(found):
    lines = str(found).splitlines()
    assert lines[0].split() == [
        "k",
        "inertia",
        "elbow",
        "silhouette",
        "simplified",
        "C-H",
        "D-B",
        "bic",
        "gap",
        "gap_se",
        "stability",
    ]
    assert len({len(line.rstrip("*")) for line in lines[2:7]}) == 1 and lines[3].count("*") == sum(
        k == 3 for k in found.best_k.values()
    )
    assert lines[1].split()[3] == "-" and lines[-1] == found.suggestion
    assert max(map(len, found.lines(50))) <= 50
    assert repr(found) == "<KSelection of k = 1 to 6: suggested 3>"
    page = found._repr_html_()
    assert (
        page.count("<tr>") == 7
        and page.count("font-weight:bold") == 11
        and found.suggestion in page
    )


@pytest.mark.parametrize(
    "params, error, message",
    [
        (
            {"k_range": 5},
            TypeError,
            r"k_range must be an iterable of integers such as range\(2, "
            r"13\), got 5",
        ),
        ({"k_range": []}, ValueError, "k_range is empty"),
        ({"k_range": [0, 1]}, ValueError, "at least 1, got 0"),
        ({"k_range": [2.5]}, TypeError, "2.5"),
        ({"k_range": [2, 99]}, ValueError, "n_samples=30 should be >= n_clusters=99"),
        (
            {"criteria": ["elbows"]},
            ValueError,
            "criteria must be one of 'elbow', 'silhouette'.*got 'elbows'",
        ),
        ({"criteria": [3]}, TypeError, "criteria must be one of"),
        ({"n_refs": 1}, ValueError, "n_refs must be an integer of at least 2, got 1"),
        ({"n_resamples": 0}, ValueError, "n_resamples"),
        (
            {"sample_size": 3},
            ValueError,
            "sample_size must be None or an integer of at least 10, for k up to 3",
        ),
        ({"random_state": "x"}, TypeError, "random_state"),
        ({"n_init": 0}, ValueError, "n_init"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"sample_weight": [1]}, ValueError, "one weight per row"),
    ],
)
def test_errors(params, error, message):
    with pytest.raises(error, match=message):
        select_k(np.arange(30.0).reshape(-1, 1), **{"k_range": [2, 3], **params})


# -- interrupts ------------------------------------------------------------------------------------


class Alarm(Exception):
    """An exception that a user's signal handler raises."""


def count_and_raise(monkeypatch, owner, name, at, end):
    """Let the call number `at` of a function raise."""
    original, calls = getattr(owner, name), []

    def replaced(*args, **kwargs):
        calls.append(args)
        if len(calls) == at:
            raise end
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, replaced)


def ended(X, end, **params):
    with pytest.raises(type(end)) as caught:
        select_k(X, range(1, 6), random_state=0, **params)
    assert caught.value is end
    return getattr(end, "partial", None)


def agrees(partial, whole):
    """A partial selection has the values of the whole one; the inertia of a fit that could still
    have improved may be higher.
    """
    assert partial.suggested_k is None and partial.model is None
    assert "Interrupted" in str(partial) and "Interrupted" in partial._repr_html_()
    assert len(partial.lines()) == 1 + len(partial.k_range)
    for k, model in partial.models.items():
        assert model.inertia_ == -model.score(WHERE) and model.inertia_ >= whole.models[k].inertia_
        assert partial.table["inertia"][list(partial.k_range).index(k)] == model.inertia_
    for name, best in partial.best_k.items():
        assert best == whole.best_k[name]
        assert np.array_equal(partial.table[name], whole.table[name], equal_nan=True)
    assert set(partial.table) <= set(whole.table)


WHERE = blobs(3, n=40)
WHOLE = select_k(WHERE, range(1, 6), random_state=0)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Alarm, MemoryError, SystemExit])
@pytest.mark.parametrize("run", [1, 2, 6, 13, 15])
def test_what_was_fitted_survives_an_interrupt(monkeypatch, kind, run):
    from ckmeans._estimators.restarts import Solver

    end = kind("the end")
    count_and_raise(monkeypatch, Solver, "run", run, end)
    partial = ended(WHERE, end)
    monkeypatch.undo()
    if run == 1:
        assert partial is None
        return
    # One run for k = 1, three for each further k, then one for each on the way back.
    assert list(partial.models) == list(range(1, min(5, 2 + (run - 3) // 3) + 1))
    assert all(model.stop_reason_ == "interrupted" for model in partial.models.values())
    assert partial.best_k == {} and set(partial.table) == {"k", "inertia"}
    agrees(partial, WHOLE)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Alarm, MemoryError])
@pytest.mark.parametrize("name", list(select.CRITERIA))
def test_what_was_judged_survives_an_interrupt(monkeypatch, kind, name):
    end, before = kind("the end"), list(select.CRITERIA)

    def compute(path):
        raise end

    changed = select.CRITERIA[name]._replace(compute=compute)
    monkeypatch.setitem(select.CRITERIA, name, changed)
    partial = ended(WHERE, end)
    monkeypatch.undo()
    assert list(partial.best_k) == before[: before.index(name)]
    assert list(partial.models) == list(range(1, 6))
    agrees(partial, WHOLE)


@pytest.mark.parametrize("name", ["fit", "separation"])
def test_a_complete_table_survives_an_interrupt(monkeypatch, name):
    end = KeyboardInterrupt()
    count_and_raise(monkeypatch, KMeans if name == "fit" else suggestion, name, 1, end)
    partial = ended(WHERE, end)
    monkeypatch.undo()
    assert list(partial.best_k) == list(select.CRITERIA)
    agrees(partial, WHOLE)
    if hasattr(end, "__notes__"):
        assert "partial" in end.__notes__[0]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="signals of POSIX")
def test_an_alarm_at_any_moment(monkeypatch):
    def ring(number, frame):
        raise Alarm

    before, rings = signal.signal(signal.SIGALRM, ring), 0
    try:
        for seconds in np.geomspace(1e-4, 0.5, 12).tolist():
            try:
                signal.setitimer(signal.ITIMER_REAL, seconds)
                select_k(WHERE, range(1, 6), random_state=0)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Exception as end:  # NumPy may replace it by its own exception
                rings += 1
                if hasattr(end, "partial"):
                    agrees(end.partial, WHOLE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rings


def test_the_command_prints_what_it_has(monkeypatch, tmp_path, capsys):
    from ckmeans.cli import main

    np.save(tmp_path / "x.npy", WHERE)

    def compute(path):
        raise KeyboardInterrupt

    changed = select.CRITERIA["gap"]._replace(compute=compute)
    monkeypatch.setitem(select.CRITERIA, "gap", changed)
    assert main(["fit", str(tmp_path / "x.npy"), "-k", "1:5", "--json"]) == 130
    said = capsys.readouterr()
    assert said.out == "" and said.err.endswith("ckmeans: interrupted\n")
    assert "silhouette" in said.err and "Criteria that were computed: elbow" in said.err


@pytest.mark.parametrize("scale", ["standard", "robust"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
def test_scaled_columns(scale, dtype, weighted):
    """Judged as scaled rows are; the models are those of `KMeans(scale=)`, in the units of X."""
    rng = np.random.default_rng(0)
    middles = [0, 0], [9, 0], [0, 9]
    X = np.concatenate([rng.normal(c, 1, (40, 2)) for c in middles]) * [1, 1e4]
    X = X.astype(dtype)
    weights = rng.integers(1, 4, len(X)).astype(float) if weighted else None
    before = X.copy()
    criteria = ["silhouette", "bic"]
    options = {"criteria": criteria, "random_state": 0, "sample_weight": weights}
    found = select_k(X, range(1, 6), scale=scale, **options)
    assert found.suggested_k == 3 and found.scale == scale
    alone = KMeans(3, scale=scale, random_state=0).fit(X, sample_weight=weights)
    assert found.model.inertia_ <= alone.inertia_
    plain = select_k(X.astype(float) / alone.scale_, range(1, 6), **options)
    assert plain.scale is None
    for name in plain.table:
        rounded = 1e-5 if name == "inertia" else 0
        assert np.allclose(
            plain.table[name], found.table[name], rtol=rounded, atol=0, equal_nan=True
        )
    assert found.table["inertia"].tolist() == [each.inertia_ for each in found.models.values()]
    for k, model in found.models.items():
        assert model.get_params()["scale"] == scale
        assert np.array_equal(model.scale_, alone.scale_)
        assert np.array_equal(model.labels_, model.predict(X))
        assert np.array_equal(model.counts_, np.bincount(model.labels_, minlength=k))
        assert model.cluster_centers_.dtype == dtype
        assert np.isclose(model.inertia_, plain.models[k].inertia_, rtol=1e-5)
        assert model.inertia_ == pytest.approx(-model.score(X, sample_weight=weights))
    assert np.array_equal(X, before)


def test_scaled_columns_keep_their_names():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(c, 1, (30, 2)) for c in (0, 9)]) * [1, 1e4]
    table = pandas.DataFrame(X, columns=["a", "b"])
    found = select_k(table, range(1, 4), criteria=["silhouette"], random_state=0, scale="standard")
    for model in found.models.values():
        assert model.feature_names_in_.tolist() == ["a", "b"]
        assert np.array_equal(model.predict(table), model.labels_)


@pytest.mark.parametrize("scale", ["minmax", 3, True])
def test_scales_that_are_none(scale):
    with pytest.raises((TypeError, ValueError), match="scale"):
        select_k(np.arange(20.0).reshape(-1, 1), range(1, 3), scale=scale)


@pytest.mark.parametrize("criteria", [None, 5, 2.5, True, len])
def test_criteria_that_are_no_names(criteria):
    with pytest.raises(TypeError, match="criteria must be 'all', a name or a list of names, got"):
        select_k(blobs(2, n=5), [1, 2], criteria=criteria)
