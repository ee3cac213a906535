"""`predict` of a few rows of a plain array, which takes a shorter way (`label_few`)."""

import warnings

import numpy as np
import oracle
import pytest

import ckmeans
from ckmeans import KMeans, MiniBatchKMeans
from ckmeans._estimators import base
from ckmeans._native.engine import Data, label_few

LIMIT = 1e140


def problem(n, d, k, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)), random.normal(size=(k, d))


@pytest.mark.parametrize("of_rows", [np.float32, np.float64])
@pytest.mark.parametrize("of_centers", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d", "k"), [(1, 1, 1), (1, 4, 3), (3, 64, 100), (15, 7, 40)])
def test_labels_are_those_of_many_rows(n, d, k, of_rows, of_centers):
    X, centers = problem(n, d, k)
    X, centers = X.astype(of_rows), centers.astype(of_centers)
    labels = label_few(X, centers, d, LIMIT)
    wide = centers.astype(np.float64)
    assert labels.dtype == np.int32 and labels.shape == (n,)
    assert np.array_equal(labels, Data(X, None, 1, False).assign(wide))
    assert np.array_equal(labels, oracle.sq_distances(X, wide).argmin(axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 15])
def test_the_lowest_of_equally_near_centers(n, dtype):
    centers = np.array([[2.0, 0], [0, 0], [2, 0], [0, 0]])
    assert label_few(np.full((n, 2), [1, 0], dtype), centers, 2, LIMIT).tolist() == [0] * n
    assert label_few(np.full((n, 2), [0, 0], dtype), centers, 2, LIMIT).tolist() == [1] * n


def test_predict_takes_the_shorter_way(monkeypatch):
    X, _ = problem(100, 5, 3)
    taken = []

    def counted(*args):
        taken.append(label_few(*args))
        return taken[-1]

    monkeypatch.setattr(base, "label_few", counted)
    for kind in KMeans, MiniBatchKMeans:
        for threads in None, 1, 2:
            model = kind(3, random_state=0, n_threads=threads).fit(X)
            labels = model.predict(X)
            for rows in slice(0, 1), slice(7, 22):
                assert np.array_equal(model.predict(X[rows]), labels[rows])
                assert taken.pop() is not None
    for model in (
        KMeans(3, metric="cosine"),
        KMeans(3, metric="manhattan"),
        KMeans(3, missing="ignore"),
        KMeans(3, scale="standard"),
    ):
        taken.clear()
        labels = model.set_params(random_state=0).fit(X).predict(X)
        assert np.array_equal(model.predict(X[:2]), labels[:2]) and not taken


def test_what_is_looked_at_again():
    X, centers = problem(4, 6, 3)
    plain = dict(X=X, centers=centers, features=6)
    for change in (
        dict(X=X[:, ::2], features=3),
        dict(X=np.asfortranarray(X)),
        dict(X=X.astype(np.int32)),
        dict(X=X.astype(">f8")),
        dict(X=X.astype(np.float16)),
        dict(X=X[0]),
        dict(X=X[:0]),
        dict(X=X.tolist()),
        dict(X=np.ma.array(X)),
        dict(X=np.zeros((16, 6))),
        dict(X=np.where(X == X[2, 3], np.nan, X)),
        dict(X=np.where(X == X[2, 3], np.inf, X).astype(np.float32)),
        dict(X=np.where(X == X[2, 3], 1e101, X)),
        dict(centers=None),
        dict(centers=centers[0]),
        dict(centers=centers[:0]),
        dict(centers=centers[:, :5]),
        dict(centers=np.asfortranarray(centers)),
        dict(centers=np.where(centers == centers[2, 5], np.nan, centers)),
        dict(centers=np.where(centers == centers[2, 5], -np.inf, centers)),
        dict(centers=np.where(centers == centers[2, 5], np.nan, centers).astype(np.float32)),
        dict(centers=np.where(centers == centers[2, 5], 1e141, centers)),
        dict(centers=np.zeros((70000, 6))),
        dict(features=5),
        dict(features=None),
        dict(features=np.arange(3)),
        dict(features=True),
    ):
        assert label_few(*{**plain, **change}.values(), LIMIT) is None, change
    assert label_few(*plain.values(), LIMIT) is not None


def test_errors_are_those_of_many_rows():
    X, _ = problem(60, 3, 3)

    def told(model, rows):
        with pytest.raises((ValueError, TypeError)) as error:
            model.predict(rows)
        return type(error.value), str(error.value).replace("row 0", "row")

    bad = X[:1].copy()
    bad[0, 1] = np.nan
    fitted = KMeans(3, random_state=0).fit(X)
    many = np.repeat(bad, 40, axis=0)
    assert told(fitted, bad) == told(fitted, many)
    assert told(fitted, bad[:, :2]) == told(fitted, many[:, :2])
    for name, value in (
        ("n_threads", 0),
        ("n_threads", True),
        ("n_threads", 1.5),
        ("metric", "euclid"),
        ("metric", np.array(["euclidean", "cosine"])),
        ("missing", "drop"),
        ("cluster_centers_", fitted.cluster_centers_ * np.nan),
        ("cluster_centers_", fitted.cluster_centers_[:, :2]),
        ("n_features_in_", 4),
    ):
        model = KMeans(3, random_state=0).fit(X)
        setattr(model, name, value)
        assert told(model, X[:1]) == told(model, X), name
    with pytest.raises(ckmeans.NotFittedError):
        KMeans(3).predict(X[:1])


def test_names_are_asked_for():
    X, _ = problem(30, 2, 3)
    model = KMeans(3, random_state=0).fit(X)
    model.feature_names_in_ = np.array(["a", "b"], dtype=object)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X[:1])
    del model.feature_names_in_
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(X[:1])
