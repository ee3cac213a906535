"""Seeded and constrained k-means against plain NumPy."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rules_data import blobs

from ckmeans import KMeans


def by_definition(X, known, k, constrained):
    centers = np.array([X[known == j].mean(axis=0) for j in range(k)])
    labels = None
    for _ in range(300):
        fresh = ((X[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
        if constrained:
            fresh = np.where(known >= 0, known, fresh)
        if labels is not None and np.array_equal(fresh, labels):
            return labels
        labels = fresh
        assume(all((labels == j).any() for j in range(k)))  # no cluster becomes empty
        centers = np.array([X[labels == j].mean(axis=0) for j in range(k)])
    raise AssertionError("it does not end")


@given(st.integers(0, 10**6), st.sampled_from(["constrained", "seeded"]))
def test_a_fit_is_that_of_the_definition(seed, mode):
    rng = np.random.default_rng(seed)
    X = blobs(150, 2, 3, seed)
    known = np.where(rng.random(150) < 0.2, rng.integers(0, 3, size=150), -1)
    known[:9] = [0, 1, 2] * 3
    model = KMeans(3, known=mode, tol=0).fit(X, labels_known=known)
    assert np.array_equal(model.labels_, by_definition(X, known, 3, mode == "constrained"))
    if mode == "constrained":
        assert np.array_equal(model.labels_[known >= 0], known[known >= 0])
    assert len(model.runs_) == 1


@pytest.mark.parametrize("mode", ["constrained", "seeded"])
@pytest.mark.parametrize("init", ["auto", "random", "first", "variance-partition"])
def test_clusters_without_known_rows_come_from_the_init(mode, init):
    X = blobs(400, 2, 4, seed=5)
    truth = KMeans(4, random_state=0).fit(X).labels_
    known = np.full(400, -1)
    known[np.flatnonzero(truth == 2)[:10]] = 3
    model = KMeans(4, init=init, known=mode, random_state=0).fit(X, labels_known=known)
    assert mode == "seeded" or (model.labels_[known == 3] == 3).all()
    assert set(model.labels_.tolist()) == {0, 1, 2, 3}


def test_given_centers_are_those_of_their_index():
    X = blobs(100, 2, 2)
    known = np.full(100, -1)
    known[4] = 1
    _, *states = KMeans(2, init=X[:2], max_iter=1).iter_fit(X, labels_known=known)
    _, *other = KMeans(2, init=X[[0, 4]], max_iter=1).iter_fit(X)
    assert np.array_equal(states[0].labels, other[0].labels)


def test_all_unknown_is_a_plain_fit():
    X = blobs()
    plain = KMeans(4, random_state=0).fit(X)
    model = KMeans(4, random_state=0, known="seeded").fit(X, labels_known=np.full(400, -1))
    assert np.array_equal(plain.labels_, model.labels_) and plain.inertia_ == model.inertia_


def test_weights_threads_and_sparse_rows():
    sparse = pytest.importorskip("scipy.sparse")
    X = blobs(500, 4)
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 3, size=500).astype(float)
    known = np.where(rng.random(500) < 0.1, rng.integers(0, 4, size=500), -1)
    fits = [
        KMeans(4, random_state=0, n_threads=threads, algorithm=algorithm).fit(
            rows, sample_weight=weights, labels_known=known
        )
        for rows, threads, algorithm in (
            (X, 1, "lloyd"),
            (X, 4, "yinyang"),
            (sparse.csr_array(X), 2, "auto"),
        )
    ]
    for other in fits[1:]:
        assert np.array_equal(fits[0].labels_, other.labels_)
        assert np.array_equal(fits[0].cluster_centers_, other.cluster_centers_)


def test_lists_floats_and_the_callers_array():
    X = blobs(40, 2, 2)
    known = np.array([0, 1, *[-1] * 38])
    before = known.copy()
    for given_as in (known.tolist(), known.astype(float), known.astype(np.int8)):
        labels = KMeans(2).fit_predict(X, labels_known=given_as)
        assert labels[0] == 0 and labels[1] == 1
    KMeans(2).fit(X, labels_known=known)
    assert np.array_equal(known, before)


@pytest.mark.parametrize(
    ("known", "params", "error", "words"),
    [
        ([0, 1], {}, ValueError, "2 labels, but X has 400 rows"),
        (np.full(400, 4), {}, ValueError, "n_clusters - 1 = 3"),
        (np.full(400, -2), {}, ValueError, "in row 0"),
        (np.full(400, 0.5), {}, TypeError, "whole numbers"),
        (["a"] * 400, {}, TypeError, "whole numbers"),
        (np.zeros((400, 2), dtype=int), {}, ValueError, "one label for each row"),
        (np.zeros(400, dtype=int), {"known": "maybe"}, ValueError, "known must be one of"),
        (np.zeros(400, dtype=int), {"label_order": "size"}, ValueError, "label_order=None"),
        (np.zeros(400, dtype=int), {"size_max": 200}, ValueError, "above size_max=200"),
    ],
)
def test_what_cannot_be_is_an_error_before_any_work(known, params, error, words):
    def init(*_, **__):
        raise AssertionError("the fit has begun")

    with pytest.raises(error, match=words):
        KMeans(4, init=init, **params).fit(blobs(), labels_known=known)
