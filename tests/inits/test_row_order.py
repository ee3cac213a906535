"""The result of a seed does not depend on the order of the rows, nor on their type."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckmeans import KMeans, kmeans_plusplus


@st.composite
def small_grids(draw):
    """Rows of small whole numbers, so that ties, equal rows and empty clusters abound; weights,
    some of them zero, or None.
    """
    n, d = draw(st.integers(2, 40)), draw(st.integers(2, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = random.integers(0, draw(st.integers(2, 6)), (n, d)).astype(float)
    weights = random.integers(0, 3, n).astype(float) if draw(st.booleans()) else None
    if weights is not None and not weights.any():
        weights[0] = 1.0
    return X, weights, random.permutation(n), draw(st.integers(1, min(n, 8)))


def same_but_for_the_order(model, X, weights, order):
    shuffled = weights if weights is None else weights[order]
    one, other = (
        model.fit(X, sample_weight=weights).__dict__.copy(),
        model.fit(X[order], sample_weight=shuffled),
    )
    assert np.array_equal(one["cluster_centers_"], other.cluster_centers_)
    assert np.array_equal(one["labels_"][order], other.labels_)
    assert one["inertia_"] == other.inertia_ and one["n_iter_"] == other.n_iter_


@pytest.mark.filterwarnings("ignore::ckmeans.ConvergenceWarning")
@given(small_grids(), st.sampled_from(["auto", "k-means++", "variance-partition"]))
@settings(deadline=None)
def test_the_order_of_the_rows_changes_the_order_of_the_labels_alone(problem, init):
    X, weights, order, k = problem
    same_but_for_the_order(KMeans(k, init=init, random_state=0), X, weights, order)


@pytest.mark.filterwarnings("ignore::ckmeans.ConvergenceWarning")
@given(small_grids(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_so_do_given_centers_with_empty_clusters_and_ties(problem, seed):
    X, weights, order, k = problem
    start = np.random.default_rng(seed).integers(-3, 9, (k, X.shape[1])).astype(float)
    same_but_for_the_order(KMeans(k, init=start), X, weights, order)


@pytest.mark.filterwarnings("ignore::ckmeans.ConvergenceWarning")
@pytest.mark.parametrize("refine", ["auto", "best"])
@given(small_grids())
@settings(deadline=None, max_examples=30)
def test_so_do_refinements(refine, problem):
    X, weights, order, k = problem
    model = KMeans(k, n_init=1, random_state=0, refine=refine)
    same_but_for_the_order(model, X, weights, order)


@given(st.integers(0, 2**32 - 1), st.integers(2, 300), st.integers(2, 6), st.integers(0, 99))
@settings(deadline=None)
def test_rows_are_drawn_whatever_their_type(content, n, d, seed):
    random = np.random.default_rng(content)
    X, k = random.normal(size=(n, d)), int(random.integers(1, min(n, 20) + 1))
    drawn = kmeans_plusplus(X, k, random_state=seed)[1]
    assert np.array_equal(kmeans_plusplus(X.astype(np.float32), k, random_state=seed)[1], drawn)
    whole = random.integers(-100, 100, (n, d))
    drawn = kmeans_plusplus(whole, k, random_state=seed)[1]
    for dtype in (np.int8, np.int32, np.float16, np.float32, np.float64):
        assert np.array_equal(kmeans_plusplus(whole.astype(dtype), k, random_state=seed)[1], drawn)


@pytest.mark.parametrize("n, k", [(150, 3), (3000, 8), (30000, 20)])
def test_the_default_gives_one_clustering_for_float32_and_float64(n, k):
    """For separated groups; otherwise rounding of the centers may lead to another optimum."""
    random = np.random.default_rng(n)
    X = 20 * random.normal(size=(k, 4))[random.integers(k, size=n)] + random.normal(size=(n, 4))
    labels = KMeans(k, random_state=1).fit(X).labels_
    assert np.array_equal(KMeans(k, random_state=1).fit(X.astype(np.float32)).labels_, labels)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_rows_that_only_float64_tells_apart_have_an_order(content):
    random = np.random.default_rng(content)
    X = 1e9 + random.integers(0, 50, (200, 2)).astype(float)  # equal in float32
    order = random.permutation(200)
    one, other = (kmeans_plusplus(rows, 9, random_state=0)[0] for rows in (X, X[order]))
    assert np.array_equal(one, other)
