"""BisectingKMeans: a tree of splits, each of them k-means with two clusters."""

import json

import numpy as np
import pytest

import ckmeans
from ckmeans import BisectingKMeans, KMeans


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(12, 4))[rng.integers(12, size=2000)] * 5 + rng.normal(size=(2000, 4))


def walk(model, x):
    """The label of one row, from the attributes."""
    node = 0
    while True:
        sides = ((x.astype(np.float64) - model.tree_centers_[node]) ** 2).sum(axis=1)
        node = int(model.tree_children_[node, int(sides[1] < sides[0])])
        if node < 0:
            return ~node


@pytest.mark.parametrize("strategy", ["biggest_inertia", "largest_cluster"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_fit(X, strategy, dtype, weighted):
    rows = X.astype(dtype)
    weights = np.random.default_rng(1).integers(0, 3, size=len(X)) if weighted else None
    model = BisectingKMeans(9, random_state=0, bisecting_strategy=strategy).fit(
        rows, sample_weight=weights
    )
    assert np.array_equal(model.predict(rows), model.labels_)
    assert [walk(model, x) for x in rows[:200]] == model.labels_[:200].tolist()
    assert model.cluster_centers_.dtype == dtype and model.cluster_centers_.shape == (9, 4)
    assert np.array_equal(np.bincount(model.labels_), model.counts_)
    distances = (
        (rows.astype(float) - model.cluster_centers_.astype(float)[model.labels_]) ** 2
    ).sum(axis=1)
    assert model.inertia_ == pytest.approx(
        (distances * (1 if weights is None else weights)).sum(), rel=1e-9
    )
    assert -model.score(rows, sample_weight=weights) == model.inertia_
    w = np.ones(len(X)) if weights is None else weights
    for j in range(9):
        mean = np.average(
            rows[model.labels_ == j].astype(float), axis=0, weights=w[model.labels_ == j]
        )
        assert np.allclose(model.cluster_centers_[j], mean, atol=0.05)  # up to tol


def test_two_clusters_are_those_of_k_means(X):
    model = BisectingKMeans(2, init="k-means++", random_state=0, tol=0.0).fit(X)
    inertias = {
        KMeans(2, n_init=1, random_state=seed, tol=0.0).fit(X).inertia_ for seed in range(30)
    }
    assert model.inertia_ in inertias


def test_what_is_split_next(X):
    for strategy, score in (
        ("biggest_inertia", lambda rows: ((rows - rows.mean(axis=0)) ** 2).sum()),
        ("largest_cluster", len),
    ):
        models = [
            BisectingKMeans(k, random_state=0, tol=0.0, bisecting_strategy=strategy).fit(X)
            for k in range(2, 8)
        ]
        for fewer, more in zip(models, models[1:]):
            parts = {frozenset(np.flatnonzero(more.labels_ == j)) for j in range(len(more.counts_))}
            (split,) = [
                j
                for j in range(len(fewer.counts_))
                if frozenset(np.flatnonzero(fewer.labels_ == j)) not in parts
            ]
            scores = [score(X[fewer.labels_ == j]) for j in range(len(fewer.counts_))]
            assert scores[split] == pytest.approx(max(scores))


def test_near_scikit_learns(X):
    theirs = pytest.importorskip("sklearn.cluster").BisectingKMeans
    ours = [BisectingKMeans(12, random_state=seed).fit(X).inertia_ for seed in range(7)]
    reference = [theirs(12, random_state=seed).fit(X).inertia_ for seed in range(7)]
    assert 0.9 < np.median(ours) / np.median(reference) < 1.1


@pytest.mark.parametrize("n_threads", [1, 3])
def test_threads_and_layouts_change_nothing(X, n_threads):
    big = np.tile(X, (8, 1)) + np.random.default_rng(0).normal(size=(16_000, 4))
    expected = BisectingKMeans(6, random_state=1).fit(big)
    model = BisectingKMeans(6, random_state=1, n_threads=n_threads, copy_x=False).fit(
        np.asfortranarray(big)
    )
    assert np.array_equal(model.labels_, expected.labels_)
    assert model.cluster_centers_.tobytes() == expected.cluster_centers_.tobytes()
    assert model.inertia_ == expected.inertia_


def test_few_distinct_rows():
    rows = np.repeat([[0.0, 1.0], [5.0, 5.0]], 10, axis=0)
    with pytest.warns(
        ckmeans.ConvergenceWarning, match=r"\(2\) found smaller than n_clusters \(4\)"
    ):
        model = BisectingKMeans(4, random_state=0).fit(rows)
    assert model.inertia_ == 0 and model.cluster_centers_.shape == (4, 2)
    assert np.array_equal(model.predict(rows), model.labels_)
    assert sorted(model.counts_) == [0, 0, 10, 10]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_as_many_clusters_as_rows(k):
    rows = np.random.default_rng(k).normal(size=(k, 3))
    model = BisectingKMeans(k, random_state=0, max_iter=1).fit(rows)
    assert np.array_equal(model.predict(rows), model.labels_)
    assert sorted(model.labels_) == list(range(k))


def test_saved_trees(X, tmp_path):
    path = tmp_path / "m.npz"
    model = BisectingKMeans(6, random_state=0).fit(X)
    model.save(path)
    again = ckmeans.load(path)
    assert np.array_equal(again.predict(X), model.labels_) and again.score(X) == model.score(X)
    assert again.get_params() == model.get_params()
    BisectingKMeans(1).fit(X).save(tmp_path / "one.npz")
    assert not ckmeans.load(tmp_path / "one.npz").predict(X).any()

    with np.load(path) as archive:
        members = dict(archive)
    for row, side, child in (
        (1, 0, 0),
        (0, 0, 0),
        (2, 1, 77),
        (4, 1, -100),
        (0, 1, -1),
    ):  # cycles, and leaves that do not exist
        children = members["tree_children_"].copy()
        children[row, side] = child
        np.savez(path, **{**members, "tree_children_": children})
        with pytest.raises(ckmeans._estimators.model_files.ModelFileError, match="not form a tree"):
            ckmeans.load(path)
    header = json.loads(members["ckmeans"].item())
    assert header["class"] == "BisectingKMeans"
    np.savez(path, **{name: array for name, array in members.items() if name != "tree_children_"})
    with pytest.raises(ckmeans._estimators.model_files.ModelFileError):
        ckmeans.load(path)


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({"bisecting_strategy": "largest"}, ValueError, "'biggest_inertia', 'largest_cluster'"),
        ({"algorithm": "auto"}, ValueError, "'lloyd'"),
        ({"init": np.zeros((2, 4))}, TypeError, "centers of its own"),
        ({"init": "kmeans++"}, ValueError, "k-means"),
        ({"n_init": "auto"}, TypeError, "n_init"),
        ({"n_clusters": 0}, ValueError, "n_clusters"),
        ({"tol": "x"}, TypeError, "tol"),
    ],
)
def test_bad_parameters(X, params, error, message):
    with pytest.raises(error, match=message):
        BisectingKMeans(**params).fit(X)
