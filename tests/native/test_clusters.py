"""Clusters that run empty, data with too few distinct rows, and weights."""

import math
import warnings

import numpy as np
import pytest
from checks import assert_agrees, assert_same, expected, fit
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import Problem, problems

from ckmeans import ConvergenceWarning, KMeans, kmeans_plusplus


def run(X, init, weights=None, tol=0.0, max_iter=300):
    return Problem(np.asarray(X, float), np.asarray(init, float), weights, tol, max_iter)


# ---- empty clusters


def test_an_empty_cluster_takes_the_row_farthest_from_its_center():
    problem = run([[0], [1], [2], [20]], [[0.0], [1000.0]], max_iter=1)
    model = fit(problem)
    assert model.cluster_centers_.tolist() == [[1.0], [20.0]]
    assert model.labels_.tolist() == [0, 0, 0, 1]
    assert_agrees(model, expected(problem))


def test_which_of_equally_far_rows_is_taken_depends_on_what_they_hold():
    taken = set()
    for rows in ([[0], [-5], [5], [0]], [[0], [5], [-5], [0]], [[5], [0], [0], [-5]]):
        problem = run(rows, [[0.0], [1000.0]], max_iter=1)
        model = fit(problem)
        assert_agrees(model, expected(problem))
        taken.add(model.cluster_centers_[1, 0])
    assert len(taken) == 1 and taken <= {-5.0, 5.0}


def test_two_empty_clusters_never_take_the_same_value():
    problem = run([[0], [0], [9], [9], [9], [8]], [[0.0], [1000.0], [2000.0]], max_iter=1)
    model = fit(problem)
    assert model.cluster_centers_.ravel()[1:].tolist() == [9, 8]
    assert_agrees(model, expected(problem))


def test_a_cluster_is_not_robbed_of_its_only_row():
    problem = run([[0], [100], [101]], [[-50.0], [100.0], [1000.0]], max_iter=1)
    model = fit(problem)
    assert model.cluster_centers_.ravel().tolist() == [0, 100, 101]
    assert_agrees(model, expected(problem))


def test_a_row_without_weight_is_not_taken_and_does_not_fill_a_cluster():
    X = [[0], [1], [2], [50], [900]]
    problem = run(X, [[0.0], [1000.0]], weights=np.array([1.0, 1, 1, 1, 0]), max_iter=1)
    model = fit(problem)
    assert model.cluster_centers_.tolist() == [[1.0], [50.0]]
    assert_agrees(model, expected(problem))


def test_without_a_row_to_take_a_center_stays():
    problem = run([[3], [3], [3]], [[3.0], [10.0]])
    model = fit(problem)
    assert model.cluster_centers_.tolist() == [[3.0], [10.0]]
    assert_agrees(model, expected(problem))


@given(problems(max_rows=60), st.integers(1, 8))
def test_centers_far_from_all_data(problem, n_far):
    far = problem.X.max() + (1 + np.arange(n_far))[:, None] * (1 + np.ptp(problem.X))
    problem.init = np.concatenate([problem.init, np.broadcast_to(far, (n_far, problem.X.shape[1]))])
    problem.init = problem.init.astype(problem.X.dtype)
    assume(problem.k <= len(problem.X))
    assert_agrees(fit(problem), expected(problem))


@given(problems(max_rows=60))
def test_coinciding_centers(problem):
    problem.init = np.repeat(problem.init[:1], problem.k, axis=0)
    result = expected(problem)
    assert_agrees(fit(problem), result)
    assert_agrees(fit(problem, n_threads=2), result)


def test_many_empty_clusters_in_large_data():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20_000, 3)).round(1)
    init = np.concatenate([X[:5], 1000.0 + rng.normal(size=(40, 3))])
    problem = run(X, init, max_iter=6)
    result = expected(problem)
    for n_threads in (1, 3):
        assert_agrees(fit(problem, n_threads=n_threads), result)


# ---- the smallest and the largest k


@pytest.mark.parametrize("init", ["k-means++", "random", "random-partition", "first"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_as_many_clusters_as_distinct_rows(init, dtype):
    X = np.random.default_rng(2).normal(size=(40, 3)).astype(dtype)
    model = KMeans(40, init=init, random_state=0).fit(X)
    assert model.inertia_ == 0
    assert sorted(model.labels_) == list(range(40))
    assert np.array_equal(model.cluster_centers_[model.labels_], X)
    assert model.counts_.tolist() == [1] * 40


@pytest.mark.parametrize("init", ["k-means++", "random", "random-partition", "first"])
def test_one_cluster_is_the_mean(init):
    X = np.random.default_rng(3).normal(size=(101, 3)) + 1e6
    model = KMeans(1, init=init, random_state=0).fit(X)
    assert model.cluster_centers_.tolist() == [[math.fsum(column) / 101 for column in X.T]]
    assert not model.labels_.any()
    assert model.n_iter_ <= 2


def test_one_row():
    model = KMeans(1).fit([[2.0, 3.0]])
    assert model.cluster_centers_.tolist() == [[2.0, 3.0]]
    assert (model.inertia_, model.labels_.tolist(), model.converged_) == (0.0, [0], True)


# ---- too few distinct rows


def few_distinct(dtype="float64"):
    return np.repeat(np.array([[0, 0], [1, 5], [7, 2]], dtype), 7, axis=0)


@pytest.mark.parametrize("init", ["k-means++", "random", "random-partition", "first"])
@pytest.mark.parametrize("n_init", ["auto", 4])
def test_too_few_distinct_rows_give_one_warning_and_a_valid_result(init, n_init):
    X = few_distinct()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = KMeans(5, init=init, n_init=n_init, random_state=1).fit(X)
    assert [issubclass(warning.category, ConvergenceWarning) for warning in caught] == [True]
    assert "3" in str(caught[0].message) and "5" in str(caught[0].message)
    assert model.inertia_ == 0
    assert len(set(model.labels_)) == 3
    assert np.isfinite(model.cluster_centers_).all()
    assert np.array_equal(model.cluster_centers_[model.labels_], X)
    assert np.array_equal(model.predict(X), model.labels_)


def test_many_clusters_and_hardly_any_distinct_rows():
    """Work that grows with the cube of k would show here."""
    X = np.arange(10_000.0)[:, None] % 2
    for init in ("k-means++", "random", "first"):
        with pytest.warns(ConvergenceWarning):
            model = KMeans(5000, init=init, n_init=1, max_iter=3, random_state=0).fit(X)
        assert model.inertia_ == 0


def test_the_warning_points_at_the_caller():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        KMeans(5, random_state=1).fit(few_distinct())
    assert caught[0].filename == __file__


def test_the_warning_is_a_class_of_its_own_and_can_be_silenced():
    assert issubclass(ConvergenceWarning, UserWarning) and ConvergenceWarning is not UserWarning
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        KMeans(5, random_state=1).fit(few_distinct())


@given(problems(max_rows=60))
def test_warned_exactly_when_labels_are_missing(problem):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = KMeans(problem.k, init=problem.init, tol=problem.tol, max_iter=problem.max_iter)
        model.fit(problem.X, sample_weight=problem.weights)
    missing = len(np.unique(model.labels_)) < problem.k
    assert [issubclass(warning.category, ConvergenceWarning) for warning in caught] == [
        True
    ] * missing


def test_usual_fits_do_not_warn():
    X = np.random.default_rng(4).normal(size=(100, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KMeans(3, random_state=0).fit(X)
        KMeans(3, init=X[:3]).fit(X)
        KMeans(3, init=X[:3], max_iter=1).fit(X)


# ---- weights


@given(problems(max_rows=80), st.integers(0, 2**32 - 1))
def test_rows_of_weight_zero_might_as_well_not_be_there(problem, seed):
    rng = np.random.default_rng(seed)
    n = len(problem.X)
    weights = np.ones(n) if problem.weights is None else problem.weights
    problem.weights = weights * (rng.random(n) < 0.7)
    kept = problem.weights > 0
    assume(kept.sum() >= problem.k)
    assume(
        not 0 < np.ptp(problem.X[kept], axis=0).max() < 1e-140
    )  # the others alone would be refused
    there = fit(problem)
    rest = Problem(
        problem.X[kept], problem.init, problem.weights[kept], problem.tol, problem.max_iter
    )
    removed = fit(rest)
    assert np.array_equal(there.labels_[kept], removed.labels_)
    assert np.array_equal(there.cluster_centers_, removed.cluster_centers_)
    assert (there.inertia_, there.n_iter_) == (removed.inertia_, removed.n_iter_)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_rows_of_weight_zero_are_never_drawn(init):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 2))
    weights = (np.arange(60) % 5 == 0).astype(float)
    model = KMeans(12, init=init, n_init=5, max_iter=1, random_state=0)
    model.fit(X, sample_weight=weights)
    assert model.inertia_ == 0  # every row of weight is a center of its own
    for seed in range(20):
        centers, indices = kmeans_plusplus(X, 8, sample_weight=weights, random_state=seed)
        assert (weights[indices] > 0).all()
        assert np.array_equal(centers, X[indices])
        assert len(set(indices)) == 8


@pytest.mark.parametrize("init", ["k-means++", "random", "random-partition", "first"])
def test_fewer_rows_of_weight_than_clusters(init):
    X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    weights = np.array([0.0, 2.0, 0.0, 5.0, 0.0])
    with pytest.warns(ConvergenceWarning):
        model = KMeans(4, init=init, n_init=3, random_state=0).fit(X, sample_weight=weights)
    assert set(model.cluster_centers_.ravel()) == {1.0, 3.0}
    assert model.labels_.tolist().count(model.labels_[1]) >= 2
    _, indices = kmeans_plusplus(X, 4, sample_weight=weights, random_state=0)
    assert set(indices) == {1, 3}


@pytest.mark.parametrize("outlier_weight", [0.0, 1e-30])
def test_an_outlier_of_hardly_any_weight_does_not_end_a_run(outlier_weight):
    """The variance in the stopping rule is that of the weighted rows."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(500, 2)), [[1e12, 1e12]]])
    weights = np.append(np.ones(500), outlier_weight)
    problem = run(X, X[:5], weights, tol=1e-4)
    assert expected(problem).n_iter > 5
    assert_agrees(fit(problem), expected(problem))


def test_weights_that_differ_beyond_a_double():
    """A cluster of light rows has the mean of its rows, whatever the weights of others."""
    problem = run([[0], [1], [2], [3]], [[0.0], [3.0]], np.array([1, 1, 1e-60, 1e-60]))
    model = fit(problem)
    assert model.cluster_centers_.ravel().tolist() == [0.5, 2.5]
    assert_agrees(model, expected(problem))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(seed=st.integers(0, 2**32 - 1))
def test_whole_weights_are_repeated_rows(dtype, seed):
    rng = np.random.default_rng(seed)
    # Few bits, so that a weight times a value is exact.
    X = (rng.integers(-500, 500, size=(90, 3)) / 8).astype(dtype)
    weights = rng.integers(1, 6, size=90)
    init = X[rng.choice(90, 6, replace=False)] + np.array(1 / 3, dtype)
    weighted = Problem(X, init, weights.astype(float), 0.0, 300)
    repeated = Problem(np.repeat(X, weights, axis=0), init, None, 0.0, 300)
    assume(all(len(set(step.labels)) == 6 for step in expected(weighted).steps))
    one, other = fit(weighted), fit(repeated)
    assert np.array_equal(np.repeat(one.labels_, weights), other.labels_)
    assert np.array_equal(one.cluster_centers_, other.cluster_centers_)
    assert one.n_iter_ == other.n_iter_
    # One rounds a product; the other adds a distance several times.
    assert one.inertia_ == pytest.approx(other.inertia_, rel=1e-14)


@given(problems(weighted=False))
def test_weights_of_one_are_no_weights(problem):
    unweighted = fit(problem)
    problem.weights = np.ones(len(problem.X))
    assert_same(fit(problem), unweighted)


@given(problems(weighted=False), st.integers(-20, 20))
def test_scaling_the_weights_scales_the_inertia_only(problem, power):
    assume(problem.X.dtype == np.float32)  # no squares that underflow
    unweighted = fit(problem)
    problem.weights = np.full(len(problem.X), 2.0**power)
    scaled = fit(problem)
    assert np.array_equal(scaled.labels_, unweighted.labels_)
    assert np.array_equal(scaled.cluster_centers_, unweighted.cluster_centers_)
    assert scaled.inertia_ == unweighted.inertia_ * 2.0**power
    assert scaled.n_iter_ == unweighted.n_iter_


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool, list])
def test_weights_of_other_types(dtype):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(50, 2))
    weights = rng.integers(0, 2, size=50)
    given_as = weights.tolist() if dtype is list else weights.astype(dtype)
    assert_same(fit(run(X, X[:3], given_as)), fit(run(X, X[:3], weights.astype(float))))


def test_counts_are_rows_not_weights():
    model = fit(run([[0], [1], [10], [11]], [[0.0], [10.0]], weights=np.array([3.0, 0, 5, 5])))
    assert model.counts_.tolist() == [2, 2]
    assert model.counts_.dtype == np.int64


@pytest.mark.parametrize(
    "weights, message",
    [
        ([1.0, -2.0, 1.0], "row 1"),
        ([0.0, 0.0, 0.0], "zero"),
        ([1.0, 1.0, np.nan], "row 2"),
        ([np.inf, 1.0, 1.0], "row 0"),
        ([1.0, 1.0], r"\(3,\)"),
        ([[1.0, 1.0, 1.0]], r"\(3,\)"),
    ],
)
def test_impossible_weights(weights, message):
    X = np.array([[0.0], [1.0], [5.0]])
    for call in (
        lambda: KMeans(2).fit(X, sample_weight=weights),
        lambda: list(KMeans(2).iter_fit(X, sample_weight=weights)),
        lambda: kmeans_plusplus(X, 2, sample_weight=weights),
        lambda: KMeans(2).fit(X).score(X, sample_weight=weights),
    ):
        with pytest.raises(ValueError, match=message):
            call()
