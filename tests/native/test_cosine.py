"""metric="cosine": equal to its oracle to the last bit, independent of the length of rows, correct
with rows of zeros.
"""

import json
import warnings

import numpy as np
import oracle
import oracle_cosine
import pytest
from checks import assert_agrees, assert_same, fit, run_python
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import LAYOUTS, Problem, problems

import ckmeans
from ckmeans import (
    BisectingKMeans,
    ConvergenceWarning,
    KMeans,
    MiniBatchKMeans,
    _native,
    k_means,
    kmeans_plusplus,
)
from ckmeans._estimators.kmeans import ALGORITHMS


def expected(problem):
    return oracle_cosine.lloyd(
        problem.X, problem.init, problem.weights, max_iter=problem.max_iter, tol=problem.tol
    )


def cosine(problem, **params):
    return fit(problem, metric="cosine", **params)


def blobs(n=2000, d=7, k=6, dtype=np.float64, seed=0, spread=0.3, lengths=True):
    """Clusters of directions; rows of any length."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(k, d))
    X = middles[rng.integers(k, size=n)] + spread * rng.normal(size=(n, d))
    if lengths:
        X *= rng.lognormal(sigma=2, size=(n, 1))
    return X.astype(dtype)


def has_directions(problem):
    weights = np.ones(len(problem.X)) if problem.weights is None else problem.weights
    return weights[oracle_cosine.factors(problem.X) > 0].any() and np.all(
        oracle_cosine.factors(problem.init) > 0
    )


@settings(max_examples=200)
@given(problems(), st.sampled_from([1, 3]), st.integers(0, 5))
def test_fit_equals_the_oracle(problem, n_threads, zeros):
    if problem.X.any():
        problem.X[np.random.default_rng(zeros).integers(len(problem.X), size=zeros)] = 0
    assume(has_directions(problem))
    assert_agrees(cosine(problem, n_threads=n_threads), expected(problem))


@pytest.mark.parametrize(
    "dtype",
    [
        "float64",
        "float32",
        "float16",
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "bool",
    ],
)
@pytest.mark.parametrize(
    "layout", [np.ascontiguousarray, np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2]]
)
@pytest.mark.parametrize("zeros", [0, 20])
def test_types_and_layouts_equal_the_oracle(dtype, layout, zeros):
    X = (np.abs(blobs(700, 11, 5, lengths=False)) * 20).astype(dtype)
    X[~X.any(axis=1), 0] = 1
    X[np.random.default_rng(0).integers(10, len(X), size=zeros)] = 0
    problem = Problem(layout(X), X[1:10].astype(np.float64), None, 0.0, 300)
    assert_agrees(cosine(problem), expected(problem))


@pytest.mark.parametrize(
    "dtype, d, k, zeros",
    [
        ("float64", 3, 70, 0),
        ("float64", 20, 60, 7),
        ("float32", 12, 60, 0),
        ("float32", 4, 80, 31),
        ("float64", 100, 9, 3),
    ],
)
def test_algorithms_and_threads_give_the_same_bits(dtype, d, k, zeros):
    X = blobs(6000, d, 30, dtype, seed=d)
    X[np.random.default_rng(1).integers(len(X), size=zeros)] = 0
    rows = np.flatnonzero(X.any(axis=1))
    problem = Problem(X, X[rows[:k]].copy(), None, 0.0, 15)
    problem.init[1] = problem.init[0] * 4  # the same direction
    problem.init[2] = -problem.init[0]  # one that may begin without rows
    one = cosine(problem, n_threads=1, algorithm="lloyd")
    assert_agrees(one, expected(problem))
    for algorithm in ALGORITHMS:
        for n_threads in (1, 3):
            assert_same(cosine(problem, n_threads=n_threads, algorithm=algorithm), one)
    assert_same(cosine(problem, copy_x=False), one)


@given(problems(max_rows=60, weighted=False), st.sampled_from(LAYOUTS))
def test_layouts_predict_transform_and_score(problem, layout):
    problem.X[::7] = 0
    assume(has_directions(problem))
    model = cosine(problem)
    X = layout(problem.X)
    labels, sq_own = oracle_cosine.assign(problem.X, model.cluster_centers_)
    assert np.array_equal(model.labels_, labels)
    assert np.array_equal(model.predict(X), labels)
    assert np.array_equal(
        model.transform(X), oracle_cosine.distances(problem.X, model.cluster_centers_)
    )
    assert model.transform(X).dtype == oracle.compute_dtype(problem.X)
    assert model.score(X) == -oracle_cosine.inertia(sq_own) == -model.inertia_


@pytest.mark.parametrize("isa", _native.available)
def test_instruction_sets_give_the_same_bits(isa):
    source = """
import hashlib, numpy as np, sys
sys.path.insert(0, "native")
import test_cosine as t
from ckmeans import KMeans, MiniBatchKMeans
digest = hashlib.sha256()
for dtype, d in ("float64", 19), ("float32", 130), ("float64", 2), ("float32", 8):
    X = t.blobs(3000, d, 12, dtype, seed=d)
    X[::100] = 0
    model = KMeans(20, metric="cosine", n_init=2, random_state=0, max_iter=8).fit(X)
    fitted = model.labels_, model.cluster_centers_, model.inertia_
    for value in *fitted, model.transform(X), model.predict(X):
        digest.update(np.ascontiguousarray(value).tobytes())
print(digest.hexdigest())
"""
    assert run_python(source, CKMEANS_ISA=isa) == run_python(source, CKMEANS_ISA="baseline")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_powers_of_two_in_front_of_rows_change_nothing(dtype):
    X = blobs(1500, 9, 8, dtype)
    scaled = X * np.ldexp(1.0, np.random.default_rng(1).integers(-40, 40, size=(len(X), 1))).astype(
        dtype
    )
    for init in (
        "k-means++",
        "random",
        "random-partition",
        "first",
        "k-means||",
        "variance-partition",
    ):
        params = {"init": init, "n_init": 2, "random_state": 0, "metric": "cosine"}
        one, other = (KMeans(8, **params).fit(rows) for rows in (X, scaled))
        assert_same(one, other)
        assert np.array_equal(one.transform(X), one.transform(scaled))


def test_other_factors_change_no_more_than_rounding():
    X = blobs(1500, 9, 8)
    scaled = X * np.random.default_rng(1).lognormal(sigma=3, size=(len(X), 1))
    one, other = (KMeans(8, metric="cosine", init=X[:8], tol=0).fit(rows) for rows in (X, scaled))
    assert np.array_equal(one.labels_, other.labels_)
    np.testing.assert_allclose(one.cluster_centers_, other.cluster_centers_, rtol=0, atol=1e-14)
    assert one.inertia_ == pytest.approx(other.inertia_, rel=1e-12)


def test_huge_and_tiny_rows():
    X = blobs(600, 5, 4, lengths=False)
    sizes = np.ldexp(1.0, np.random.default_rng(2).integers(-960, 960, size=(len(X), 1)))
    assert (sizes > 1e200).any() and (sizes < 1e-200).any()
    init = X[:4]
    one, other = (KMeans(4, metric="cosine", init=rows[:4]).fit(rows) for rows in (X, X * sizes))
    assert_same(one, other)
    assert np.array_equal(one.predict(X * sizes), one.labels_)
    assert np.array_equal(
        KMeans(4, metric="cosine", init=init * 2.0**900).fit(X).labels_, one.labels_
    )
    with pytest.raises(ValueError, match=r"1e\+305 at row 3, column 2.*1e\+300"):
        X[3, 2] = 1e305
        KMeans(4, metric="cosine").fit(X)
    with pytest.raises(ValueError, match=r"1e\+305 at row 3, column 2.*1e\+300"):
        one.predict(X)


@pytest.mark.parametrize(
    "value, message", [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "-infinity")]
)
@pytest.mark.parametrize("n", [10, 500])
def test_what_is_not_finite_raises(value, message, n):
    X = blobs(n, 5, 4)
    model = KMeans(3, metric="cosine", random_state=0).fit(X)
    X[6, 1] = value
    for method in (KMeans(3, metric="cosine").fit, model.predict, model.transform, model.score):
        with pytest.raises(ValueError, match=f"{message} at row 6, column 1"):
            method(X)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("weighted", [False, True])
def test_inertia_never_grows(dtype, weighted):
    for seed in range(8):
        X = blobs(1500, 6, 5, dtype, seed=seed, spread=1.0)
        X[::40] = 0
        weights = np.random.default_rng(seed).exponential(size=len(X)) if weighted else None
        model = KMeans(
            12, metric="cosine", init="random", n_init=2, tol=0, history=True, random_state=seed
        )
        model.fit(X, sample_weight=weights)
        for run, record in zip(model.history_, model.runs_):
            inertias = [each.inertia for each in run] + [record.inertia]
            assert len(inertias) > 4
            # Centers are rounded, which costs the square of the rounding error.
            assert all(
                after <= before * (1 + 1e-13) for before, after in zip(inertias, inertias[1:])
            )
        states = list(
            KMeans(12, metric="cosine", init=X[1:13], tol=0).iter_fit(X, sample_weight=weights)
        )
        assert all(b.inertia <= a.inertia * (1 + 1e-13) for a, b in zip(states, states[1:]))


def test_what_it_computes():
    """The definition of spherical k-means: unit rows, mean directions, sums of 1 - cos, and half of
    the Euclidean inertia.
    """
    X = blobs()
    model = KMeans(6, metric="cosine", random_state=0).fit(X)
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    centers = np.array([U[model.labels_ == j].sum(axis=0) for j in range(6)])
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    np.testing.assert_allclose(model.cluster_centers_, centers, rtol=0, atol=1e-3)
    cosines = U @ model.cluster_centers_.T
    assert np.array_equal(model.labels_, cosines.argmax(axis=1))
    np.testing.assert_allclose(model.transform(X), 1 - cosines, rtol=0, atol=1e-14)
    assert model.inertia_ == pytest.approx((1 - cosines.max(axis=1)).sum(), rel=1e-12)
    euclidean = ((U - model.cluster_centers_[model.labels_]) ** 2).sum()
    assert model.inertia_ == pytest.approx(euclidean / 2, rel=1e-12)
    np.testing.assert_allclose(
        np.linalg.norm(model.cluster_centers_, axis=1), 1, rtol=0, atol=1e-15
    )


def test_labels_of_scikit_learn_on_unit_rows():
    cluster = pytest.importorskip("sklearn.cluster")
    X = blobs(3000, 20, 10, spread=0.15)
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    init, _ = kmeans_plusplus(X, 10, random_state=0, metric="cosine")
    ours = KMeans(10, metric="cosine", init=init, tol=0).fit(X)
    theirs = cluster.KMeans(10, init=init, n_init=1, tol=0).fit(U)
    assert np.array_equal(ours.labels_, theirs.labels_)


def test_rows_of_zeros():
    X = blobs(300, 5, 4)
    X[[0, 17, 299]] = 0
    X[18] = 1e-305  # counts as zero
    lost = [0, 17, 18, 299]
    rest = np.delete(X, lost, axis=0)
    model = KMeans(4, metric="cosine", random_state=0, tol=0).fit(X)
    assert np.array_equal(model.labels_[lost], [0] * 4)
    assert np.array_equal(model.predict(X[lost]), [0] * 4)
    assert np.array_equal(model.transform(X[lost]), np.ones((4, 4)))
    assert model.score(X[lost]) == -4.0
    without = KMeans(4, metric="cosine", init=model.cluster_centers_, tol=0).fit(rest)
    assert np.array_equal(without.labels_, np.delete(model.labels_, lost))
    assert np.array_equal(without.cluster_centers_, model.cluster_centers_)
    assert model.inertia_ == pytest.approx(without.inertia_ + 4, rel=1e-14)
    assert model.counts_[0] == without.counts_[0] + 4
    weights = np.ones(300)
    weights[lost] = 0.5
    assert -model.score(X, sample_weight=weights) == pytest.approx(without.inertia_ + 2, rel=1e-14)
    for init in (
        "k-means++",
        "random",
        "random-partition",
        "first",
        "k-means||",
        "variance-partition",
    ):
        started = KMeans(4, metric="cosine", init=init, random_state=3, n_init=3, max_iter=1).fit(X)
        np.testing.assert_allclose(np.linalg.norm(started.cluster_centers_, axis=1), 1, atol=1e-15)
    for drawn in range(20):
        assert not set(kmeans_plusplus(X, 4, metric="cosine", random_state=drawn)[1]) & set(lost)


@pytest.mark.parametrize("cls", [KMeans, MiniBatchKMeans, BisectingKMeans])
def test_nothing_but_zeros_raises(cls):
    X = np.zeros((20, 3))
    with pytest.raises(ValueError, match="All rows of X that have weight are zero.*directions"):
        cls(2, metric="cosine").fit(X)
    X[3] = 1
    weights = np.ones(20)
    weights[3] = 0
    with pytest.raises(ValueError, match="All rows of X that have weight are zero"):
        cls(2, metric="cosine").fit(X, sample_weight=weights)
    with pytest.raises(ValueError, match="All rows of X that have weight are zero"):
        kmeans_plusplus(X, 2, sample_weight=weights, metric="cosine")


def test_rows_that_cancel_out_leave_their_center_where_it_was():
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 3.0]])
    model = KMeans(1, metric="cosine", init=[[0.6, 0.8]], n_init=1, max_iter=1).fit(X[:2])
    assert np.array_equal(model.cluster_centers_, [[0.6, 0.8]])
    for init in ("random-partition", "variance-partition"):
        assert np.isfinite(
            KMeans(1, metric="cosine", init=init, random_state=0).fit(X[:2]).cluster_centers_
        ).all()
    assert np.isfinite(BisectingKMeans(1, metric="cosine").fit(X[:2]).cluster_centers_).all()


def test_given_centers_are_brought_to_unit_length():
    X = blobs(500, 4, 3)
    init = X[:3] * [[3.0], [1e-9], [1e12]]
    _, *states = KMeans(3, metric="cosine", init=init, tol=0).iter_fit(X)
    assert np.array_equal(states[0].labels, oracle_cosine.assign(X, X[:3])[0])
    for bad in ([[1.0, 0, 0, 0], [0.0, 0, 0, 0], [0, 0, 1.0, 0]],):
        with pytest.raises(ValueError, match="Row 1 of init is zero.*direction"):
            KMeans(3, metric="cosine", init=bad).fit(X)
        with pytest.raises(ValueError, match="Row 1 of the centers that init returned is zero"):
            KMeans(3, metric="cosine", init=lambda X, k, random_state, bad=bad: np.array(bad)).fit(
                X
            )
    # Centers of a model are taken as they are: a fit that starts from them ends with them.
    model = KMeans(3, metric="cosine", random_state=0, tol=0).fit(X.astype(np.float32))
    again = KMeans(3, metric="cosine", init=model.cluster_centers_, tol=0).fit(X.astype(np.float32))
    assert np.array_equal(again.labels_, model.labels_)
    assert again.inertia_ == model.inertia_


@pytest.mark.parametrize("cls", [KMeans, MiniBatchKMeans, BisectingKMeans])
def test_unknown_metrics_raise(cls):
    X = blobs(50, 3, 2)
    names = "'euclidean', 'cosine'" + (", 'manhattan'" if cls is KMeans else "")
    for value, error in (
        ("Manhattan", ValueError),
        ("Cosine", ValueError),
        (None, TypeError),
        (2, TypeError),
    ):
        with pytest.raises(error, match=f"metric must be one of {names}, got"):
            cls(2, metric=value).fit(X)
    with pytest.raises(ValueError, match="'euclidean', 'cosine'"):
        kmeans_plusplus(X, 2, metric="dot")
    model = cls(2, random_state=0).fit(X).set_params(metric="dot")
    with pytest.raises(ValueError, match="'euclidean', 'cosine'"):
        model.predict(X)


@given(problems(max_rows=40))
def test_nothing_passed_in_is_modified(problem):
    problem.X[::6] = 0
    assume(has_directions(problem))
    X, init = problem.X.copy(), problem.init.copy()
    weights = None if problem.weights is None else problem.weights.copy()
    for copy_x in (True, False):
        model = cosine(problem, copy_x=copy_x)
        model.transform(problem.X)
        model.score(problem.X, sample_weight=problem.weights)
        assert np.array_equal(problem.X, X)
        assert np.array_equal(problem.init, init)
        assert weights is None or np.array_equal(problem.weights, weights)


def test_functions():
    X = blobs()
    centers, labels, inertia = k_means(X, 6, metric="cosine", random_state=0)
    model = KMeans(6, metric="cosine", random_state=0).fit(X)
    assert (
        inertia == model.inertia_
        and np.array_equal(labels, model.labels_)
        and np.array_equal(centers, model.cluster_centers_)
    )
    centers, indices = kmeans_plusplus(X.astype(np.float32), 6, metric="cosine", random_state=0)
    assert centers.dtype == np.float32
    assert np.array_equal(
        centers, oracle_cosine.unit(X.astype(np.float32)[indices]).astype(np.float32)
    )
    assert np.array_equal(
        KMeans(6, metric="cosine", n_init=1, random_state=0).fit(X).cluster_centers_,
        KMeans(6, metric="cosine", init=kmeans_plusplus(X, 6, metric="cosine", random_state=0)[0])
        .fit(X)
        .cluster_centers_,
    )


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_given_centers_draw_nothing_from_the_global_generator(metric):
    X = blobs(100, 3, 2)
    before = np.random.get_state()[1:3]
    for init in (X[:2], np.stack([X[:2], X[2:4]]), [X[:2], X[4:6]], "first", "variance-partition"):
        KMeans(2, init=init, metric=metric).fit(X)
    after = np.random.get_state()[1:3]
    assert np.array_equal(before[0], after[0]) and before[1] == after[1]
    with pytest.raises(ValueError, match="random_state"):  # it is checked all the same
        KMeans(2, init=X[:2], metric=metric, random_state=-1).fit(X)


def test_weights_are_rows():
    X = blobs(300, 6, 4)
    weights = np.random.default_rng(0).integers(1, 4, size=300)
    one = KMeans(4, metric="cosine", random_state=0).fit(X, sample_weight=weights)
    other = KMeans(4, metric="cosine", random_state=0).fit(np.repeat(X, weights, axis=0))
    assert np.array_equal(one.cluster_centers_, other.cluster_centers_)
    assert one.inertia_ == pytest.approx(other.inertia_, rel=1e-14)


def test_permuting_the_rows_permutes_the_labels():
    X = blobs(3000, 6, 10)
    order = np.random.default_rng(0).permutation(len(X))
    one, other = (KMeans(10, metric="cosine", random_state=0).fit(rows) for rows in (X, X[order]))
    assert np.array_equal(one.labels_[order], other.labels_)
    assert np.array_equal(one.cluster_centers_, other.cluster_centers_)


@pytest.mark.parametrize("cls", [KMeans, MiniBatchKMeans, BisectingKMeans])
def test_models_as_files(cls, tmp_path):
    X = blobs()
    model = cls(6, metric="cosine", random_state=0).fit(X)
    model.save(tmp_path / "model.npz")
    loaded = ckmeans.load(tmp_path / "model.npz")
    assert loaded.metric == "cosine"
    assert np.array_equal(loaded.predict(X), model.labels_)
    assert np.array_equal(loaded.transform(X), model.transform(X))


@pytest.mark.parametrize("cls", [MiniBatchKMeans, BisectingKMeans])
def test_the_other_classes(cls):
    X = blobs(4000, 10, 8)
    X[::200] = 0
    best = KMeans(8, metric="cosine", random_state=0).fit(X)
    model = cls(8, metric="cosine", random_state=0).fit(X)
    assert np.array_equal(model.predict(X), model.labels_)
    assert model.score(X) == -model.inertia_
    assert best.inertia_ <= model.inertia_ * (1 + 1e-12) and model.inertia_ < 1.5 * best.inertia_
    np.testing.assert_allclose(np.linalg.norm(model.cluster_centers_, axis=1), 1, atol=1e-14)
    same = cls(8, metric="cosine", random_state=0).fit(
        X * np.ldexp(1.0, np.arange(len(X))[:, None] % 50)
    )
    assert np.array_equal(same.cluster_centers_, model.cluster_centers_)
    assert np.array_equal(same.labels_, model.labels_)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_rows_have_the_bits_of_dense_ones(dtype, weighted):
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(0)
    X = (
        rng.poisson(0.15 * rng.exponential(size=(6, 70))[rng.integers(6, size=900)])
        * rng.choice([1, 3], size=(900, 1))
    ).astype(dtype)
    X[:, 3] *= -1
    X[::90] = 0
    weights = rng.exponential(size=len(X)) if weighted else None
    matrix = sparse.csr_array(X)
    for cls in (KMeans, MiniBatchKMeans, BisectingKMeans):
        one, other = (
            cls(6, metric="cosine", random_state=0).fit(rows, sample_weight=weights)
            for rows in (X, matrix)
        )
        assert np.array_equal(one.labels_, other.labels_)
        assert np.array_equal(one.cluster_centers_, other.cluster_centers_)
        assert one.inertia_ == other.inertia_ == -one.score(matrix, sample_weight=weights)
        assert np.array_equal(one.predict(matrix), one.labels_)
        assert np.array_equal(one.transform(X), one.transform(matrix))
    for init in ("k-means||", "variance-partition", "random-partition", "first", X[1:7]):
        one, other = (
            KMeans(6, metric="cosine", init=init, random_state=0, n_init="auto", max_iter=3).fit(
                rows, sample_weight=weights
            )
            for rows in (X, matrix)
        )
        assert_same(one, other)
    if dtype != "int64":
        matrix.data[7] = np.nan
        row, column = np.argwhere(np.isnan(matrix.toarray()))[0]
        with pytest.raises(ValueError, match=f"NaN at row {row}, column {column}"):
            KMeans(3, metric="cosine").fit(matrix)


@pytest.mark.parametrize(
    "refine", ["auto", "best", "swap", "genetic", "hartigan-wong", ["swap", "hartigan-wong"]]
)
def test_refinements_never_make_it_worse(refine):
    X = blobs(1200, 4, 25, spread=0.15)
    X[::100] = 0
    plain, refined = (
        KMeans(25, metric="cosine", n_init=1, random_state=0, refine=how, max_iter=50).fit(X)
        for how in (None, refine)
    )
    assert refined.inertia_ <= plain.inertia_
    assert refine == "hartigan-wong" or refined.inertia_ < 0.99 * plain.inertia_
    assert (
        np.array_equal(refined.predict(X), refined.labels_)
        and refined.score(X) == -refined.inertia_
    )
    assert_same(
        KMeans(
            25, metric="cosine", n_init=1, random_state=0, refine=refine, max_iter=50, n_threads=3
        ).fit(X),
        refined,
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda X, **metric: (
            ckmeans.select_k(
                X, range(2, 4), criteria=["silhouette"], random_state=0, **metric
            ).suggested_k
        ),
        lambda X, **metric: ckmeans.metrics.silhouette_samples(
            X, np.arange(len(X)) % 3, **metric
        ).tobytes(),
        lambda X, **metric: ckmeans.metrics.silhouette_score(
            X, np.arange(len(X)) % 3, sample_size=20, random_state=0, **metric
        ),
    ],
)
def test_what_goes_by_euclidean_distances_says_so(call):
    X = np.random.default_rng(0).normal(size=(60, 3))
    assert call(X, metric="euclidean") == call(X)
    with pytest.raises(
        ValueError,
        match=r"Euclidean distances, got metric='cosine': pass rows at "
        r"unit length",
    ):
        call(X, metric="cosine")
    with pytest.raises(ValueError, match="metric must be one of 'euclidean', 'cosine', got 'dot'"):
        call(X, metric="dot")


def test_sparse_rows_are_refined_as_dense_ones():
    X = blobs(300, 3, 4)
    sparse = pytest.importorskip("scipy.sparse").csr_array(X)
    models = [
        KMeans(4, metric="cosine", refine="auto", n_init=1, random_state=0).fit(rows)
        for rows in (X, sparse)
    ]
    assert np.array_equal(models[0].labels_, models[1].labels_)


def test_on_the_command_line(tmp_path, capsys):
    from ckmeans.cli import main

    X = blobs(300, 3, 4)
    X[7] = 0
    np.save(tmp_path / "rows.npy", X)
    rows, model, labels = (str(tmp_path / name) for name in ("rows.npy", "model.npz", "labels.npy"))
    assert (
        main(
            [
                "fit",
                rows,
                "-k",
                "4",
                "--metric",
                "cosine",
                "--json",
                "--model",
                model,
                "--labels",
                labels,
            ]
        )
        == 0
    )
    facts = json.loads(capsys.readouterr().out)
    fitted = KMeans(4, metric="cosine", random_state=0).fit(X)
    assert facts["settings"]["metric"] == "cosine" and facts["inertia"] == fitted.inertia_
    assert np.array_equal(np.load(labels), fitted.labels_)
    assert main(["predict", model, rows, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["inertia"] == fitted.inertia_
    assert main(["fit", rows, "-k", "2:4", "--metric", "cosine"]) == 2
    assert "leave --metric cosine out" in capsys.readouterr().err
    assert main(["fit", rows, "-k", "2", "--metric", "dot"]) == 2
    assert "euclidean" in capsys.readouterr().err


def test_pictures_show_unit_rows(tmp_path):
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot

    from ckmeans import plot
    from ckmeans._plots.opened import nearest
    from ckmeans.report import report

    X = blobs(200, 2, 3)
    X[5] = 0
    model = KMeans(3, metric="cosine", random_state=0).fit(X)
    shown = np.asarray(plot.clusters(model, X).collections[0].get_offsets())
    lengths = np.linalg.norm(shown, axis=1)
    assert np.count_nonzero(lengths == 0) == 1
    np.testing.assert_allclose(lengths[lengths > 0], 1, atol=1e-12)
    assert np.array_equal(nearest(model.cluster_centers_, X, "cosine"), model.labels_)
    report(model, X, tmp_path / "page.html")
    plot.trace(model, X)
    pyplot.close("all")


def test_a_stream():
    X = blobs(8000, 10, 8)
    model = MiniBatchKMeans(8, metric="cosine", random_state=0, half_life=4000)
    for start in range(0, len(X), 500):
        model.partial_fit(X[start : start + 500])
    best = KMeans(8, metric="cosine", random_state=0).fit(X)
    assert -model.score(X) < 1.2 * best.inertia_


def test_rows_that_differ_by_rounding_when_at_unit_length():
    """More clusters than distinct directions: the init that adds rows that differ from its means
    must end.
    """
    few = np.array(
        [
            [99895189504, 99973545984, 99882467328],
            [99932864512, 99911925760, 100161585152],
            [99953639424, 100138582016, 100009500672],
            [100005257216, 99949813760, 99898155008],
            [100047659008, 100069023744, 99879354368],
        ],
        dtype=np.float32,
    )
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = few[rng.integers(5, size=40)]
        with pytest.warns(ConvergenceWarning):
            model = KMeans(20, init="variance-partition", metric="cosine").fit(
                X, sample_weight=rng.random(40)
            )
        assert np.array_equal(model.labels_, model.predict(X)) and model.inertia_ < 1e-12


def test_many_equal_directions():
    X = (
        np.repeat([[1.0, 2.0], [2.0, -1.0]], 50, axis=0)
        * np.ldexp(1.0, np.arange(100) % 9)[:, None]
    )
    with pytest.warns(ConvergenceWarning, match="2.*smaller than n_clusters"):
        model = KMeans(4, metric="cosine", random_state=0).fit(X)
    assert model.inertia_ < 1e-28
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert KMeans(2, metric="cosine", random_state=0).fit(X).counts_.tolist() == [50, 50]
