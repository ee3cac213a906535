"""Choosing k: the criteria's values, what they find on known data, and what is said where there is nothing to find."""

import math
import warnings

import numpy as np
import pytest
from real_data import real

import ckmeans
from ckmeans import KMeans, metrics, select, select_k

rng = np.random.default_rng(0)


def blobs(k, n=100, d=2, seed=0, apart=12.0):
    rng = np.random.default_rng(seed)
    centers = apart * np.array([[j % 4, j // 4] + [0] * (d - 2) for j in range(k)], dtype=float)
    return (centers[:, np.newaxis] + rng.normal(size=(k, n, d))).reshape(-1, d)


@pytest.fixture(scope="module")
def found():
    return select_k(blobs(3), range(1, 7), random_state=0)


# ------------------------------------------------------------------------------------------------ known data


@pytest.mark.parametrize(
    "name, ks, k", [("xclara", range(1, 11), 3), ("ruspini", range(1, 11), 4), ("s1", range(2, 21), 15), ("a3", range(44, 57, 2), 50)]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_known_data(name, ks, k, seed):
    criteria = "all" if len(ks) < 11 else ["silhouette", "davies_bouldin", "calinski_harabasz", "bic"]
    result = select_k(real(name), ks, random_state=seed, criteria=criteria)
    assert result.suggested_k == k and f"k = {k}: " in result.suggestion
    assert result.model is result.models[k]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [
    lambda rng: rng.random((300, 2)),
    lambda rng: rng.random((60, 2)),
    lambda rng: rng.random((300, 1)),
    lambda rng: rng.random((1000, 8)) * 10.0 ** np.arange(8),
    lambda rng: rng.random((400, 2)) @ [[5.0, 4.0], [0.0, 0.4]],
    lambda rng: rng.normal(size=(500, 3)),
], ids=["square", "few", "line", "scales", "slanted", "one cloud"])  # fmt: skip
def test_no_structure_is_not_invented(make, seed):
    result = select_k(make(np.random.default_rng(seed)), range(1, 9), random_state=seed)
    assert result.suggested_k is None and result.model is None
    assert result.suggestion.startswith("No clear structure")


def test_clouds_that_touch():
    X = np.concatenate([rng.normal(size=(300, 2)) + center for center in ([0, 0], [4, 0], [2, 3.5])])
    assert select_k(X, random_state=0).suggested_k == 3


# ------------------------------------------------------------------------------------------------ the values


def test_the_table_holds_what_the_models_have(found):
    X, table = blobs(3), found.table
    assert list(table) == ["k", "inertia", "elbow", "silhouette", "simplified_silhouette", "calinski_harabasz", "davies_bouldin", "bic",
                           "gap", "gap_se", "stability"]  # fmt: skip
    for i, k in enumerate(range(1, 7)):
        model = found.models[k]
        assert (table["k"][i], table["inertia"][i]) == (k, model.inertia_)
        assert np.array_equal(model.predict(X), model.labels_) and model.inertia_ == -model.score(X)
        if k == 1:
            assert all(math.isnan(table[name][0]) for name in ("silhouette", "calinski_harabasz", "davies_bouldin", "stability"))
            continue
        assert table["silhouette"][i] == metrics.silhouette_score(X, model.labels_)
        assert table["simplified_silhouette"][i] == metrics.simplified_silhouette_score(X, model.cluster_centers_)
        for name in "calinski_harabasz", "davies_bouldin":
            assert table[name][i] == getattr(metrics, f"{name}_score")(X, model.labels_)


def test_bic_is_the_likelihood_of_round_gaussians(found):
    X, k = blobs(3), 3
    model, (n, d) = found.models[k], X.shape
    variance = model.inertia_ / (d * (n - k))
    own = ((X - model.cluster_centers_[model.labels_]) ** 2).sum(axis=1)
    density = np.log(model.counts_[model.labels_] / n) - d / 2 * np.log(2 * np.pi * variance) - own / (2 * variance)
    assert found.table["bic"][k - 1] == pytest.approx(-2 * density.sum() + k * (d + 1) * np.log(n), rel=1e-12)


def test_the_elbow_is_kneedles():
    class Path:
        ks, inertias = [1, 2, 3, 4, 5], np.array([100.0, 20.0, 10.0, 5.0, 0.0])

    assert select.elbow(Path).tolist() == pytest.approx([0, 0.55, 0.4, 0.2, 0])


def test_rules():
    ks, nan = np.array([1, 2, 3, 4]), math.nan
    assert select.highest(ks, np.array([nan, 1, 3, 3])) == 3 and select.lowest(ks, np.array([nan, 1, 3, 1])) == 2
    assert select.highest(ks, np.full(4, nan)) is None
    assert select.smallest_within_error(ks, np.array([0.1, 0.9, 1.0, 0.5]), np.array([0, 0, 0.2, 0])) == 2
    assert select.smallest_within_error(ks, np.array([0.1, 0.9, 1.0, 0.5]), np.zeros(4)) == 3
    assert select.largest_of_highest(ks, np.array([nan, 1.0, 0.995, 0.9])) == 3


def test_gap_is_near_zero_on_data_like_its_references():
    X = np.random.default_rng(5).random((400, 2))
    result = select_k(X, [1, 2, 4], criteria="gap", random_state=0)
    assert np.abs(result.table["gap"]).max() < 0.1 and (result.table["gap_se"] > 0).all()


# ------------------------------------------------------------------------------------------------ the path


def test_the_path_costs_less_than_half_and_ends_no_higher():
    X = blobs(12, n=300, d=8, apart=3.0).astype(np.float32)

    def work(models):
        """Iterations by centers: what a fit costs, whatever else the machine is doing."""
        return sum(run.n_iter * len(model.cluster_centers_) for model in models for run in model.runs_)

    result = select_k(X, range(1, 21), criteria=[], random_state=0)
    models = [KMeans(k, random_state=0).fit(X) for k in range(1, 21)]
    separate = [model.inertia_ for model in models]
    assert work(result.models.values()) < 0.5 * work(models)
    assert (result.table["inertia"] <= np.array(separate) * 1.03).all()
    assert result.table["inertia"].sum() <= 1.002 * sum(separate)


def test_results_depend_on_the_seed_only():
    X = np.asfortranarray(blobs(5, n=60, d=3, apart=4.0))
    tables = [select_k(x, range(1, 8), random_state=7, n_threads=threads).table
              for x, threads in ((X, 1), (X, 2), (np.ascontiguousarray(X), 3))]  # fmt: skip
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
    kept = select_k(X[50:], range(2, 7), random_state=0, criteria=["calinski_harabasz", "bic", "davies_bouldin"])
    weighted = select_k(X, range(2, 7), random_state=0, sample_weight=weights)
    assert weighted.suggested_k == kept.suggested_k == 4
    for name in "calinski_harabasz", "bic", "davies_bouldin":
        assert weighted.table[name][2] == pytest.approx(kept.table[name][2], rel=1e-9)


def test_large_data_is_sampled_for_the_slow_criteria():
    X = blobs(4, n=400)
    result = select_k(X, range(2, 6), random_state=0, sample_size=200)
    assert result.sample_size == 200 and result.suggested_k == 4
    assert result.table["inertia"][0] == result.models[2].inertia_ == -result.models[2].score(X)


def test_few_distinct_rows():
    X = np.repeat([[0.0], [1.0], [5.0]], 4, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        result = select_k(X, range(1, 7), random_state=0)
    assert result.table["inertia"][2:].tolist() == [0.0] * 4
    assert math.isnan(result.table["gap"][4]) and math.isnan(result.table["bic"][4])


def test_data_and_names_come_through():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(blobs(3), columns=["a", "b"])
    before = frame.copy()
    result = select_k(frame, [2, 3], criteria="silhouette", random_state=0)
    assert list(result.models[3].feature_names_in_) == ["a", "b"] and frame.equals(before)
    table = result.to_pandas()
    assert table.index.name == "k" and table.loc[3, "silhouette"] == result.table["silhouette"][1]


# ------------------------------------------------------------------------------------------------ how it looks


def test_printed(found):
    lines = str(found).splitlines()
    assert lines[0].split() == ["k", "inertia", "elbow", "silhouette", "simplified", "C-H", "D-B", "bic", "gap", "gap_se", "stability"]
    assert len({len(line.rstrip('*')) for line in lines[2:7]}) == 1 and lines[3].count("*") == sum(k == 3 for k in found.best_k.values())
    assert lines[1].split()[3] == "-" and lines[-1] == found.suggestion
    assert max(map(len, found.lines(50))) <= 50
    assert repr(found) == "<KSelection of k = 1 to 6: suggested 3>"
    page = found._repr_html_()
    assert page.count("<tr>") == 7 and page.count("font-weight:bold") == 11 and found.suggestion in page


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({"k_range": 5}, TypeError, r"k_range must be an iterable of integers such as range\(2, 13\), got 5"),
        ({"k_range": []}, ValueError, "k_range is empty"),
        ({"k_range": [0, 1]}, ValueError, "at least 1, got 0"),
        ({"k_range": [2.5]}, TypeError, "2.5"),
        ({"k_range": [2, 99]}, ValueError, "n_samples=30 should be >= n_clusters=99"),
        ({"criteria": ["elbows"]}, ValueError, "criteria must be one of 'elbow', 'silhouette'.*got 'elbows'"),
        ({"criteria": [3]}, TypeError, "criteria must be one of"),
        ({"n_refs": 1}, ValueError, "n_refs must be an integer of at least 2, got 1"),
        ({"n_resamples": 0}, ValueError, "n_resamples"),
        ({"sample_size": 3}, ValueError, "sample_size must be None or an integer of at least 10, for k up to 3"),
        ({"random_state": "x"}, TypeError, "random_state"),
        ({"n_init": 0}, ValueError, "n_init"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"sample_weight": [1]}, ValueError, "one weight per row"),
    ],
)
def test_errors(params, error, message):
    with pytest.raises(error, match=message):
        select_k(np.arange(30.0).reshape(-1, 1), **{"k_range": [2, 3], **params})
