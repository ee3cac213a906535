"""k-means-- against plain NumPy, and what a fit with outliers promises."""

import warnings

import numpy as np
import pytest
from checks import assert_same
from hypothesis import given
from hypothesis import strategies as st
from rules_data import blobs

import ckmeans
from ckmeans import KMeans, match
from ckmeans._estimators.model_files import save


def by_definition(X, centers, count, weights=None):
    """Labels and centers of k-means--, in plain NumPy; rows must differ in their scores."""
    weights = np.ones(len(X)) if weights is None else weights
    labels = None
    for _ in range(300):
        sq = ((X[:, None] - centers) ** 2).sum(axis=2)
        fresh = sq.argmin(axis=1)
        score = np.where(weights > 0, weights * sq.min(axis=1), -1)
        fresh[np.argsort(-score)[:count]] = -1
        if labels is not None and np.array_equal(fresh, labels):
            return labels, centers
        labels = fresh
        centers = np.array(
            [
                np.average(X[labels == j], axis=0, weights=weights[labels == j])
                for j in range(len(centers))
            ]
        )
    raise AssertionError("it does not end")


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from(["lloyd", "yinyang", "boxes"]))
def test_a_fit_is_that_of_the_definition(seed, weighted, algorithm):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, 2))
    weights = rng.integers(0, 4, size=200).astype(float) if weighted else None
    centers = X[:4]
    if weighted:
        weights[:4] = 1
    model = KMeans(4, init=centers, n_outliers=20, tol=0, algorithm=algorithm)
    model.fit(X, sample_weight=weights)
    labels, centers = by_definition(X, centers, 20, weights)
    assert np.array_equal(model.labels_, labels)
    assert np.allclose(model.cluster_centers_, centers, rtol=0, atol=1e-12)
    kept = labels >= 0
    assert np.array_equal(model.counts_, np.bincount(labels[kept], minlength=4))
    w = np.ones(200) if weights is None else weights
    sq = ((X[kept] - model.cluster_centers_[labels[kept]]) ** 2).sum(axis=1)
    assert model.inertia_ == pytest.approx((w[kept] * sq).sum())


@pytest.mark.parametrize("seed", range(3))
def test_planted_far_rows_change_nothing(seed):
    rng = np.random.default_rng(seed)
    X = blobs(1900, 4, 5, seed)
    far = 300 * rng.normal(size=(100, 4))
    alone = KMeans(5, random_state=seed).fit(X)
    model = KMeans(5, random_state=seed, n_outliers=0.05, label_order=alone.cluster_centers_)
    model.fit(np.vstack([X, far]))
    assert (model.labels_[1900:] == -1).all() and (model.labels_[:1900] >= 0).all()
    assert np.allclose(model.cluster_centers_, alone.cluster_centers_, atol=0.05)


def test_no_outliers_is_a_plain_fit():
    X = blobs()
    plain, none = (KMeans(4, init=X[:4], n_outliers=each).fit(X) for each in (None, 0))
    assert np.array_equal(plain.labels_, none.labels_)
    assert np.array_equal(plain.cluster_centers_, none.cluster_centers_)
    assert plain.inertia_ == none.inertia_


@pytest.mark.parametrize("kind", ["normal", "grid"])
def test_threads_algorithms_and_sparse_rows_give_the_same_bits(kind):
    sparse = pytest.importorskip("scipy.sparse")
    X = blobs(3000, 6, 4, kind=kind)
    fits = [
        KMeans(4, init=X[:4], n_outliers=100, n_threads=threads, algorithm=algorithm).fit(rows)
        for rows, threads, algorithm in (
            (X, 1, "lloyd"),
            (X, 4, "yinyang"),
            (X, 2, "boxes"),
            (np.asfortranarray(X), 2, "auto"),
            (sparse.csr_array(X), 3, "auto"),
        )
    ]
    for other in fits[1:]:
        assert_same(fits[0], other)


@pytest.mark.parametrize("kind", ["normal", "grid"])
def test_the_order_of_rows_is_no_matter(kind):
    X = np.unique(blobs(600, 3, kind=kind), axis=0)
    order = np.random.default_rng(0).permutation(len(X))
    for more in ({"init": X[:4]}, {"random_state": 3, "n_init": 2}):
        fits = [KMeans(4, n_outliers=30, **more).fit(rows) for rows in (X, X[order])]
        assert np.array_equal(fits[0].labels_[order], fits[1].labels_)
        assert np.array_equal(fits[0].cluster_centers_, fits[1].cluster_centers_)


def test_a_share_is_of_the_rows_with_weight():
    X = blobs(200)
    model = KMeans(3, n_outliers=0.1, random_state=0).fit(X)
    assert (model.labels_ == -1).sum() == 20
    weights = np.r_[np.ones(100), np.zeros(100)]
    model = KMeans(3, n_outliers=0.1, random_state=0).fit(X, sample_weight=weights)
    assert (model.labels_[:100] == -1).sum() == 10 and (model.labels_[100:] >= 0).all()


@given(st.integers(0, 10**6), st.sampled_from(["euclidean", "cosine"]))
def test_rows_without_weight_are_never_left_out(seed, metric):
    """Not even where all rows coincide with centers."""
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 3, size=(30, 2)).astype(rng.choice(["f4", "f8"]))
    weights = rng.integers(0, 2, size=30).astype(float)
    weights[:9] = 1
    model = KMeans(3, n_outliers=4, n_init=2, random_state=seed, metric=metric)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        model.fit(X, sample_weight=weights)
    out = model.labels_ == -1
    assert out.sum() == 4 and (weights[out] == 1).all()
    assert np.array_equal(model.labels_[~out], model.predict(X)[~out])


def test_rows_without_a_direction_are_none_that_could_be_left_out():
    X = np.zeros((50, 2))
    X[:10] = np.random.default_rng(0).normal(size=(10, 2))
    with pytest.raises(ValueError, match="leaves 0 of 10 rows with weight and a direction to 2"):
        KMeans(2, n_outliers=20, metric="cosine").fit(X)
    labels = KMeans(2, n_outliers=0.3, metric="cosine", random_state=0).fit(X).labels_
    assert (labels[:10] == -1).sum() == 3 and (labels[10:] == 0).all()


def test_cosine_and_rows_without_direction():
    X = blobs(300, 4)
    X[7] = 0
    model = KMeans(3, metric="cosine", n_outliers=15, random_state=0).fit(X)
    assert (model.labels_ == -1).sum() == 15 and model.labels_[7] == 0


def test_what_is_done_with_such_a_model(tmp_path):
    X = blobs()
    model = KMeans(4, n_outliers=20, random_state=0).fit(X)
    assert (model.predict(X) >= 0).all()
    ordered = KMeans(4, n_outliers=20, random_state=0, label_order="size").fit(X)
    assert np.array_equal(ordered.labels_ == -1, model.labels_ == -1)
    found = match(ordered, model, same_rows=True)
    assert found.table.sum() == 380 and len(found.changed) == 0
    save(model, tmp_path / "model.npz", labels=True)
    assert np.array_equal(ckmeans.load(tmp_path / "model.npz").labels_, model.labels_)
    pytest.importorskip("matplotlib").use("Agg")
    from ckmeans import plot

    for draw in (plot.clusters, plot.pairs, plot.projection, plot.silhouette, plot.overview):
        draw(model, X, labels=model.labels_)


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"n_outliers": -1}, ValueError, "got -1"),
        ({"n_outliers": 1.0}, ValueError, "as int"),
        ({"n_outliers": "few"}, TypeError, "a share"),
        ({"n_outliers": True}, TypeError, "a share"),
        ({"n_outliers": 397}, ValueError, "leaves 3 of 400 rows to 4 clusters"),
        ({"n_outliers": 5, "refine": "swap"}, ValueError, "goes with"),
    ],
)
def test_what_cannot_be_is_an_error_before_any_work(params, error, words):
    def init(*_, **__):
        raise AssertionError("the fit has begun")

    with pytest.raises(error, match=words):
        KMeans(4, init=init, **params).fit(blobs())


def test_the_command(tmp_path, capsys):
    from ckmeans.cli import main

    X = np.vstack([blobs(60, 2, 2), [[99.0, 99.0], [-99.0, 90.0]]])
    np.savetxt(tmp_path / "rows.csv", X, delimiter=",", header="x,y", comments="")
    data, labels = str(tmp_path / "rows.csv"), tmp_path / "labels.csv"
    assert main(["fit", data, "-k", "2", "--outliers", "2", "--labels", str(labels)]) in (0, None)
    assert "2, label -1" in capsys.readouterr().out
    assert labels.read_text().split()[-2:] == ["-1", "-1"]
    assert main(["fit", data, "-k", "2", "--size-max", "31"]) in (0, None)
    assert capsys.readouterr().out.count("  31  ") == 2
    assert main(["fit", data, "-k", "2", "--outliers", "1.5"]) == 2
    assert main(["fit", data, "-k", "2:4", "--size-max", "40"]) == 2
