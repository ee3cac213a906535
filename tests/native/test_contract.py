"""Fits from given centers equal the oracle to the last bit, whatever the layout and the number of
threads.
"""

import warnings

import numpy as np
import oracle
import pytest
from checks import assert_agrees, assert_same, expected, fit
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAYOUTS, Problem, problems

from ckmeans import ConvergenceWarning, KMeans

INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


@given(problems())
def test_fit_equals_the_oracle(problem):
    assert_agrees(fit(problem), expected(problem))


@given(problems(max_rows=40), st.sampled_from([1, 2, 3]))
def test_fit_with_threads_equals_the_oracle(problem, n_threads):
    assert_agrees(fit(problem, n_threads=n_threads), expected(problem))


def large(dtype, d, k, seed=0, spread=1.0, digits=None):
    """Enough rows for several chunks and threads. Few digits make ties."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(scale=10, size=(k, d))
    X = middles[rng.integers(k, size=20_011)] + rng.normal(scale=spread, size=(20_011, d))
    if digits is not None:
        X = X.round(digits)
    X = X.astype(dtype)
    return Problem(X, X[rng.choice(len(X), k, replace=False)], None, 1e-4, 12)


LARGE = [
    ("float64", 2, 50, 3.0, None),
    ("float64", 8, 20, 5.0, None),
    ("float32", 8, 20, 5.0, None),
    ("float64", 2, 30, 2.0, 0),
    ("float32", 3, 64, 4.0, 0),
    ("float32", 70, 9, 9.0, None),
]


@pytest.mark.parametrize("dtype, d, k, spread, digits", LARGE)
def test_large_fits_equal_the_oracle_with_any_number_of_threads(dtype, d, k, spread, digits):
    problem = large(dtype, d, k, spread=spread, digits=digits)
    one = fit(problem, n_threads=1)
    assert_agrees(one, expected(problem))
    for n_threads in (2, 3, None):
        assert_same(fit(problem, n_threads=n_threads), one)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_large_weighted_fit_equals_the_oracle(dtype):
    problem = large(dtype, 4, 15, spread=6.0)
    rng = np.random.default_rng(3)
    problem.weights = rng.exponential(size=len(problem.X)) * (rng.random(len(problem.X)) < 0.8)
    result = expected(problem)
    for n_threads in (1, 3):
        assert_agrees(fit(problem, n_threads=n_threads), result)


def no_cluster_was_ever_empty(problem, result):
    weights = np.ones(len(problem.X)) if problem.weights is None else problem.weights
    return all(len(np.unique(step.labels[weights > 0])) == problem.k for step in result.steps)


@given(problems(max_rows=80), st.randoms(use_true_random=False))
def test_permuting_the_rows_permutes_the_labels_only(problem, random):
    # Of several equally far rows an empty cluster takes the first, and that one depends on the
    # order.
    assume(no_cluster_was_ever_empty(problem, expected(problem)))
    order = np.array(random.sample(range(len(problem.X)), len(problem.X)))
    weights = None if problem.weights is None else problem.weights[order]
    before = fit(problem)
    after = fit(Problem(problem.X[order], problem.init, weights, problem.tol, problem.max_iter))
    assert np.array_equal(after.labels_, before.labels_[order])
    assert np.array_equal(after.cluster_centers_, before.cluster_centers_)
    assert (after.inertia_, after.n_iter_) == (before.inertia_, before.n_iter_)


@given(problems(max_rows=60), st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS))
def test_layout_makes_no_difference(problem, layout, init_layout):
    X = layout(problem.X)
    original = X.copy()
    there = fit(
        Problem(X, init_layout(problem.init), problem.weights, problem.tol, problem.max_iter)
    )
    assert_same(there, fit(problem))
    assert np.array_equal(X, original)
    assert np.array_equal(there.predict(X), there.labels_)
    assert np.array_equal(there.transform(X), there.transform(problem.X))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_layout_of_large_data_makes_no_difference(layout, dtype):
    problem = large(dtype, 5, 12, spread=5.0)
    there = fit(Problem(layout(problem.X), problem.init, None, problem.tol, problem.max_iter))
    assert_same(there, fit(problem))


@pytest.mark.parametrize("dtype", [np.float16, bool, *INTEGERS])
@pytest.mark.parametrize(
    "layout", [np.ascontiguousarray, LAYOUTS[1], LAYOUTS[2], LAYOUTS[3], LAYOUTS[4]]
)
def test_other_dtypes_compute_in_float64(dtype, layout):
    rng = np.random.default_rng(5)
    X = rng.integers(0, 2 if dtype is bool else 60, size=(300, 3)).astype(dtype)
    init = rng.random((5, 3)) * X.max()
    narrow = Problem(layout(X), init, None, 0.0, 300)
    wide = Problem(X.astype(np.float64), init, None, 0.0, 300)
    model = fit(narrow)
    assert model.cluster_centers_.dtype == np.float64
    assert_agrees(model, expected(wide))
    assert np.array_equal(model.predict(layout(X)), model.labels_)
    assert np.array_equal(model.transform(X), model.transform(wide.X))


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_above_2_53_are_rounded_as_numpy_rounds_them(dtype):
    rng = np.random.default_rng(6)
    X = rng.integers(2**61, 2**61 + 4000, size=(100, 2), dtype=dtype)
    problem = Problem(X, X[:4].astype(np.float64), None, 0.0, 300)
    assert_agrees(fit(problem), expected(problem))


def test_memory_mapped_data(tmp_path):
    problem = large("float64", 3, 6, spread=5.0)
    np.save(tmp_path / "X.npy", problem.X)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_same(fit(Problem(X, problem.init, None, problem.tol, problem.max_iter)), fit(problem))


@given(problems())
def test_labels_are_what_predict_gives(problem):
    model = fit(problem)
    assert np.array_equal(model.labels_, model.predict(problem.X))
    assert np.array_equal(fit(problem, n_threads=3).predict(problem.X), model.labels_)
    assert model.labels_.dtype == np.int32


@given(problems(max_rows=60), problems(max_rows=60))
def test_predict_and_transform_equal_the_oracle_on_other_data(problem, other):
    """Also where the dtype differs from that of the fit, and where rows lie far outside of it."""
    model = fit(problem)
    with np.errstate(over="ignore"):  # the largest float64 data is infinite in float32
        X = np.resize(other.X, (len(other.X), problem.X.shape[1]))
    labels, sq_own = oracle.assign(X, model.cluster_centers_)
    assert np.array_equal(model.predict(X), labels)
    assert np.array_equal(model.transform(X), oracle.distances(X, model.cluster_centers_))
    assert model.transform(X).dtype == oracle.compute_dtype(X)
    assert model.score(X) == -oracle.inertia(sq_own)


@given(problems(max_rows=60))
def test_score_is_minus_the_inertia(problem):
    model = fit(problem)
    assert model.score(problem.X, sample_weight=problem.weights) == -model.inertia_


@given(problems(max_rows=60))
def test_fit_predict_and_fit_transform_are_the_two_in_one(problem):
    model = fit(problem)
    same = KMeans(problem.k, init=problem.init, tol=problem.tol, max_iter=problem.max_iter)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = same.fit_predict(problem.X, sample_weight=problem.weights)
        distances = same.fit_transform(problem.X, sample_weight=problem.weights)
    assert np.array_equal(labels, model.labels_)
    assert np.array_equal(distances, model.transform(problem.X))


@given(problems(max_rows=40))
def test_nothing_passed_in_is_modified(problem):
    X, init = problem.X.copy(), problem.init.copy()
    weights = None if problem.weights is None else problem.weights.copy()
    for copy_x in (True, False):
        fit(problem, copy_x=copy_x).transform(problem.X)
        assert np.array_equal(problem.X, X)
        assert np.array_equal(problem.init, init)
        assert weights is None or np.array_equal(problem.weights, weights)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_float64_centers_are_rounded_to_the_dtype_of_the_data(dtype):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(500, 3)).astype(dtype)
    init = rng.normal(size=(6, 3))
    problem = Problem(X, init, None, 0.0, 300)
    assert_agrees(fit(problem), expected(problem))


@pytest.mark.parametrize("tol", [0.0, 1e-4, 0.05])
@pytest.mark.parametrize("max_iter", [1, 4, 300])
def test_stop_reasons(tol, max_iter):
    problem = large("float64", 2, 12, spread=8.0)
    problem.X, problem.tol, problem.max_iter = problem.X[:3000], tol, max_iter
    assert_agrees(fit(problem), expected(problem))


def test_every_way_to_stop_occurs():
    problem = large("float64", 2, 12, spread=8.0)
    problem.X = problem.X[:3000]
    reasons = []
    for problem.tol, problem.max_iter in [(0.0, 300), (0.05, 300), (0.0, 2)]:
        reasons.append(fit(problem).stop_reason_)
    assert reasons == ["labels", "tol", "max_iter"]


def test_threads_from_a_random_start_agree():
    """The drawing of centers sees the same sums with any number of threads."""
    problem = large("float64", 6, 10, spread=5.0)
    for init in ("k-means++", "random", "random-partition", "first"):
        models = [
            KMeans(10, init=init, n_init=2, max_iter=5, random_state=3, n_threads=n_threads).fit(
                problem.X
            )
            for n_threads in (1, 2, 3)
        ]
        assert_same(models[0], models[1])
        assert_same(models[0], models[2])
        assert [run.inertia for run in models[0].runs_] == [run.inertia for run in models[2].runs_]
