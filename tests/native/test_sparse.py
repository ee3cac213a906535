"""Sparse rows give exactly the results of the same rows in a dense array."""

import copy
import pickle
import sys
import warnings

import numpy as np
import pytest
from checks import assert_same, fit, run_python
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import problems

import ckmeans
from ckmeans import (
    BisectingKMeans,
    ConvergenceWarning,
    KMeans,
    MiniBatchKMeans,
    k_means,
    kmeans_plusplus,
    metrics,
)
from ckmeans._input import checks as check
from ckmeans._native import engine

sparse = pytest.importorskip("scipy.sparse")

FORMATS = ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"]
INITS = ["k-means++", "random", "random-partition", "first", "k-means||", "variance-partition"]


def counts(n=150, d=300, seed=0, dtype=np.float64, words=8):
    """Word counts: few of many columns in each row, and topics."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(4, size=n)
    X = np.zeros((n, d), dtype=dtype)
    for i in range(n):
        X[i, rng.integers(d // 4, size=rng.integers(words)) + topic[i] * (d // 8)] += rng.integers(
            1, 5
        )
    X[7] = 0  # an empty row, and an empty column
    X[:, d // 2] = 0
    return X


def tf_idf(n=150, d=300, seed=0, dtype=np.float64):
    X = counts(n, d, seed) * np.random.default_rng(seed).random(d)
    return (X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-9)).astype(dtype)


def untidy(X, seed=0, dtype=None):
    """X as CSR with columns in any order, repeated columns, and zeros that are stored."""
    rng = np.random.default_rng(seed)
    data, indices, indptr = [], [], [0]
    for row in X:
        columns = np.flatnonzero(row)
        parts = []
        for column in columns:
            if rng.random() < 0.3:
                part = np.round(row[column] / 4)
                parts += [(column, row[column] - part), (column, part)]
            else:
                parts.append((column, row[column]))
        parts += [(int(column), 0.0) for column in rng.integers(X.shape[1], size=2)]
        for at in rng.permutation(len(parts)):
            indices.append(parts[at][0])
            data.append(parts[at][1])
        indptr.append(len(data))
    matrix = sparse.csr_matrix(X.shape, dtype=dtype or X.dtype)
    matrix.data, matrix.indices, matrix.indptr = (
        np.array(data, dtype or X.dtype),
        np.array(indices, np.int32),
        np.array(indptr, np.int32),
    )
    return matrix


def assert_equal_models(one, other):
    assert one.cluster_centers_.dtype == other.cluster_centers_.dtype
    assert np.array_equal(one.cluster_centers_, other.cluster_centers_)
    assert np.array_equal(one.labels_, other.labels_)
    assert (one.inertia_, one.n_iter_) == (other.inertia_, other.n_iter_)


# -- the contract ----------------------------------------------------------------------------------


@given(problems(max_rows=90), st.integers(0, 100), st.sampled_from([1, 2, 3]), st.booleans())
def test_fits_from_given_centers_equal_the_dense_ones(problem, percent, n_threads, wide):
    rng = np.random.default_rng(percent)
    problem.X = np.where(
        rng.random(problem.X.shape) * 100 < percent, problem.X, problem.X.dtype.type(0)
    )
    if wide:
        problem.X = np.hstack([problem.X, np.zeros((len(problem.X), 70), problem.X.dtype)])
        problem.init = np.hstack(
            [problem.init, rng.integers(-1, 2, (problem.k, 70)).astype(problem.init.dtype) * 0.5]
        )
    dense = fit(problem)
    problem.X = sparse.csr_matrix(problem.X)
    assert_same(fit(problem, n_threads=n_threads), dense)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("make", [counts, tf_idf])
@pytest.mark.parametrize("init", INITS)
def test_seeded_fits_equal_the_dense_ones(init, make, dtype, weighted):
    X = make(dtype=dtype)
    weights = np.random.default_rng(1).exponential(size=len(X)) if weighted else None
    for k in (1, 4, 23):
        params = dict(n_clusters=k, init=init, n_init=2, random_state=3, tol=1e-3)
        dense = KMeans(**params).fit(X, sample_weight=weights)
        for n_threads in (1, 3):
            model = KMeans(**params, n_threads=n_threads).fit(
                sparse.csr_array(X), sample_weight=weights
            )
            assert_same(model, dense)


def test_large_fits_equal_the_dense_ones():
    X = counts(4000, 400, words=30)
    S = sparse.csr_matrix(X)
    for k in (3, 17, 40, 150):
        init = X[:: len(X) // k][:k]
        dense = KMeans(k, init=init, max_iter=5).fit(X)
        for n_threads in (1, 2):
            assert_same(KMeans(k, init=init, max_iter=5, n_threads=n_threads).fit(S), dense)


@given(problems(max_rows=60), st.integers(0, 100))
@settings(max_examples=50)
def test_other_methods_equal_the_dense_ones(problem, percent):
    rng = np.random.default_rng(percent)
    X = np.where(rng.random(problem.X.shape) * 100 < percent, problem.X, problem.X.dtype.type(0))
    span = float(np.ptp(X.astype(np.float64), axis=0).max())
    assume(span == 0 or span >= check.MIN_SPAN)  # what is left may be tiny, and is then refused
    S = sparse.csr_matrix(X)
    problem.X = X
    model = fit(problem)
    assert np.array_equal(model.predict(S), model.predict(X))
    assert model.transform(S).dtype == X.dtype
    assert np.array_equal(model.transform(S), model.transform(X))
    assert model.score(S, sample_weight=problem.weights) == model.score(
        X, sample_weight=problem.weights
    )
    for one, other in zip(
        kmeans_plusplus(S, problem.k, random_state=0), kmeans_plusplus(X, problem.k, random_state=0)
    ):
        assert np.array_equal(one, other) and one.dtype == other.dtype


def test_predict_of_few_rows_of_rows_far_out_and_of_empty_rows():
    X = tf_idf(200)
    model = KMeans(9, n_init=1, random_state=0).fit(sparse.csr_matrix(X))
    far = X.copy()
    far[5] *= 1e120
    far[6] *= 1e30
    for rows in (far, far[:1], far[5:8], np.zeros((3, X.shape[1]))):
        assert np.array_equal(model.predict(sparse.csr_matrix(rows)), model.predict(rows))


def test_ties_and_equal_centers():
    X = np.eye(40)[np.random.default_rng(0).integers(40, size=300)]
    init = np.vstack([np.eye(40)[:3], np.eye(40)[:3], np.zeros((2, 40)), np.eye(40)[:1]])
    dense = KMeans(9, init=init, max_iter=5).fit(X)
    assert_same(KMeans(9, init=init, max_iter=5).fit(sparse.csr_matrix(X)), dense)


def test_values_that_cancel_in_a_sum_come_back_when_one_of_them_leaves():
    for seed in range(20):
        X = np.random.default_rng(seed).integers(-1, 2, size=(64, 30))
        X[np.random.default_rng(seed).random(X.shape) < 0.5] = 0
        assert_same(
            *(KMeans(20, init="first", tol=0).fit(rows) for rows in (X, sparse.csr_array(X)))
        )


def test_as_many_clusters_as_rows_and_clusters_that_run_empty():
    X = np.unique(tf_idf(60, 90), axis=0)
    params = dict(n_clusters=len(X), n_init=1, random_state=0)
    assert_same(KMeans(**params).fit(sparse.csr_matrix(X)), KMeans(**params).fit(X))
    init = np.vstack([X[:3], np.full((3, 90), 50.0)])
    assert_same(KMeans(6, init=init).fit(sparse.csr_matrix(X)), KMeans(6, init=init).fit(X))


def test_fewer_distinct_rows_than_clusters_warns():
    X = np.repeat(np.eye(3, 10), 4, axis=0)
    with pytest.warns(ConvergenceWarning):
        model = KMeans(5, random_state=0).fit(sparse.csr_matrix(X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same(model, KMeans(5, random_state=0).fit(X))


def test_nothing_but_zeros():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert_same(
            KMeans(2, random_state=0).fit(sparse.csr_matrix((9, 4))),
            KMeans(2, random_state=0).fit(np.zeros((9, 4))),
        )


def test_wide_rows():
    S = sparse.random(150, 20_000, density=0.002, random_state=0, format="csr")
    assert_same(
        KMeans(5, n_init=1, random_state=0).fit(S),
        KMeans(5, n_init=1, random_state=0).fit(S.toarray()),
    )


@pytest.mark.parametrize("strategy", ["biggest_inertia", "largest_cluster"])
def test_bisecting(strategy):
    X = counts()
    dense = BisectingKMeans(6, bisecting_strategy=strategy, random_state=0).fit(X)
    model = BisectingKMeans(6, bisecting_strategy=strategy, random_state=0).fit(
        sparse.csr_matrix(X)
    )
    assert_equal_models(model, dense)
    assert np.array_equal(model.predict(sparse.csr_matrix(X)), dense.predict(X))
    assert model.score(sparse.csr_matrix(X)) == dense.score(X)


@pytest.mark.parametrize("weighted", [False, True])
def test_mini_batches(weighted):
    X = counts(600)
    weights = np.random.default_rng(1).random(600) if weighted else None
    params = dict(n_clusters=6, batch_size=64, random_state=0, max_iter=5)
    dense = MiniBatchKMeans(**params).fit(X, sample_weight=weights)
    assert_equal_models(
        MiniBatchKMeans(**params).fit(sparse.csr_matrix(X), sample_weight=weights), dense
    )
    one, other = MiniBatchKMeans(**params), MiniBatchKMeans(**params)
    for start in range(0, 600, 100):
        one.partial_fit(X[start : start + 100])
        other.partial_fit(sparse.csr_array(X[start : start + 100]))
        assert_equal_models(one, other)


def test_functions_iterations_and_orders():
    X = counts()
    S = sparse.csr_matrix(X)
    for one, other in zip(k_means(S, 4, random_state=0), k_means(X, 4, random_state=0)):
        assert np.array_equal(one, other)
    for one, other in zip(
        KMeans(4, random_state=0).iter_fit(S), KMeans(4, random_state=0).iter_fit(X)
    ):
        assert (one.inertia, one.shift, one.n_changed) == (
            other.inertia,
            other.shift,
            other.n_changed,
        )
        assert np.array_equal(one.labels, other.labels)
    for order in ("size", "center"):
        assert_same(
            KMeans(4, random_state=0, label_order=order).fit(S),
            KMeans(4, random_state=0, label_order=order).fit(X),
        )
    one, other = (KMeans(4, random_state=0, n_init=1, history=True).fit(data) for data in (S, X))
    assert [each.inertia for each in one.history_[0]] == [
        each.inertia for each in other.history_[0]
    ]


def test_results_do_not_depend_on_the_instruction_set():
    source = """
import numpy as np, scipy.sparse, ckmeans, hashlib
X = scipy.sparse.random(700, 500, density=0.03, random_state=1, format="csr")
done = hashlib.sha256()
for k in (3, 30):
    for dtype in ("f4", "f8"):
        model = ckmeans.KMeans(k, n_init=1, random_state=0).fit(X.astype(dtype))
        fitted = model.labels_, model.cluster_centers_, model.inertia_
        for part in (*fitted, model.transform(X[:50].astype(dtype)), model.predict(X)):
            done.update(np.ascontiguousarray(part).tobytes())
print(done.hexdigest())
"""
    assert len({run_python(source, CKMEANS_ISA=isa) for isa in ckmeans._native.available}) == 1


# -- what comes in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_formats(format, kind):
    X = counts(60, 40)
    model = KMeans(4, n_init=1, random_state=0)
    S = getattr(sparse, f"{format}_{kind}")(X)
    assert_same(model.fit(S), KMeans(4, n_init=1, random_state=0).fit(X))
    assert np.array_equal(model.predict(S), model.labels_)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize(
    "dtype", [np.float64, np.float32, np.int8, np.uint8, np.int64, bool, np.float16, np.longdouble]
)
def test_types_of_values_and_indices(dtype, index):
    X = np.minimum(counts(), 100).astype(dtype)
    S = sparse.csr_array(sparse.csr_array(X.astype(np.float32)), copy=True)
    S.data = S.data.astype(dtype)
    S.indices, S.indptr = S.indices.astype(index), S.indptr.astype(index)
    before = copy.deepcopy(S)
    model = KMeans(4, n_init=1, random_state=0).fit(S)
    assert_same(model, KMeans(4, n_init=1, random_state=0).fit(X))
    for name in ("data", "indices", "indptr"):
        array, kept = getattr(S, name), getattr(before, name)
        assert array.dtype == kept.dtype and np.array_equal(array, kept)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_untidy_rows_are_read_and_left_as_they_are(dtype):
    X = counts().astype(dtype)
    S = untidy(X)
    assert not S.has_canonical_format
    before = copy.deepcopy((S.data, S.indices, S.indptr))
    model = KMeans(4, n_init=1, random_state=0).fit(S)
    dense = KMeans(4, n_init=1, random_state=0).fit(X)
    assert_same(model, dense)
    assert np.array_equal(model.predict(S), dense.labels_)
    assert np.array_equal(model.transform(S), dense.transform(X))
    for array, kept in zip((S.data, S.indices, S.indptr), before):
        assert array.dtype == kept.dtype and np.array_equal(array, kept)


def test_repeated_columns_add_up_as_in_a_dense_array():
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64, np.int8, bool):
        S = sparse.csr_matrix((30, 6), dtype=dtype)
        S.indptr = np.arange(0, 30 * 20 + 1, 20, dtype=np.int32)
        S.indices = rng.integers(6, size=600).astype(np.int32)
        S.data = (100 * rng.normal(size=600)).astype(dtype)
        init = rng.normal(size=(3, 6))
        assert_same(KMeans(3, init=init).fit(S), KMeans(3, init=init).fit(S.toarray()))


def test_negative_zeros_and_read_only_memory():
    X = counts()
    S = sparse.csr_matrix(X)
    S.data[::3] = -0.0
    for array in (S.data, S.indices, S.indptr):
        array.flags.writeable = False
    dense = S.toarray()
    assert not np.signbit(dense).any()
    assert_same(
        KMeans(4, n_init=1, random_state=0).fit(S), KMeans(4, n_init=1, random_state=0).fit(dense)
    )


def test_slices_that_share_memory():
    S = sparse.csr_matrix(counts(300))
    part = S[50:250]
    model = KMeans(4, n_init=1, random_state=0).fit(part)
    assert_same(model, KMeans(4, n_init=1, random_state=0).fit(part.toarray()))


def test_a_callable_init_sees_a_sparse_matrix():
    S = sparse.csr_array(counts())
    seen = []

    def init(X, k, random_state):
        seen.append(X)
        return X[:k].toarray()

    assert_same(KMeans(4, init=init).fit(S), KMeans(4, init=S[:4].toarray()).fit(S))
    assert type(seen[0]) is type(S) and np.array_equal(seen[0].toarray(), S.toarray())


def test_pickled_models_go_on():
    S = sparse.csr_matrix(counts())
    for model in (
        KMeans(3, random_state=0).fit(S),
        MiniBatchKMeans(3, random_state=0).fit(S),
        BisectingKMeans(3, random_state=0).fit(S),
    ):
        again = pickle.loads(pickle.dumps(model))
        assert np.array_equal(again.predict(S), model.labels_)


def test_feature_names_are_missed_in_sparse_rows():
    pandas = pytest.importorskip("pandas")
    X = counts(60, 8)
    model = KMeans(2, random_state=0).fit(pandas.DataFrame(X, columns=list("abcdefgh")))
    with pytest.warns(UserWarning, match="feature names"):
        assert np.array_equal(model.predict(sparse.csr_matrix(X)), model.labels_)


def test_scipy_is_not_imported():
    assert (
        run_python("import sys, ckmeans; ckmeans.KMeans; print('scipy' in sys.modules)").strip()
        == "False"
    )


# -- errors ----------------------------------------------------------------------------------------


def with_value(value):
    S = sparse.coo_matrix(counts())
    S.data[50] = value
    return S.tocsr(), f"row {S.row[50]}, column {S.col[50]}"


@pytest.mark.parametrize(
    "value, message",
    [
        (np.nan, "contains NaN"),
        (np.inf, "contains infinity"),
        (-np.inf, "-infinity"),
        (1e200, "largest magnitude"),
    ],
)
def test_values_that_cannot_be_used_are_named(value, message):
    S, where = with_value(value)
    model = KMeans(3, random_state=0).fit(sparse.csr_matrix(counts()))
    for call in (
        KMeans(3).fit,
        MiniBatchKMeans(3).fit,
        BisectingKMeans(3).fit,
        model.predict,
        model.transform,
        model.score,
    ):
        with pytest.raises(ValueError, match=message) as caught:
            call(S)
        assert where in str(caught.value)


def broken(**parts):
    S = sparse.csr_matrix(counts())
    for name, value in parts.items():
        setattr(S, name, value)
    return S


def test_rows_that_are_not_csr_are_refused():
    S = broken()
    backwards = S.indptr.copy()
    backwards[3:5] = backwards[4], backwards[3] - 1
    beyond = S.indptr.copy()
    beyond[2:-1] = 10**6
    outside, negative = S.indices.copy(), S.indices.copy()
    outside[50] = 300
    negative[50] = -1
    for parts in (
        dict(indptr=backwards),
        dict(indptr=beyond),
        dict(indptr=S.indptr[:-1]),
        dict(indptr=S.indptr + 1),
        dict(indptr=S.indptr - 1),
        dict(indices=outside),
        dict(indices=negative),
        dict(indices=outside.astype(np.int64)),
        dict(data=S.data[:-1]),
    ):
        with pytest.raises(ValueError, match="not a valid CSR"):
            KMeans(3).fit(broken(**parts))


@pytest.mark.parametrize(
    "X, error, message",
    [
        (lambda S: S.astype(complex), ValueError, "Complex data not supported"),
        (lambda S: S[:0], ValueError, "0 sample"),
        (lambda S: S[:, :0], ValueError, "0 feature"),
        (lambda S: S[:2], ValueError, "n_samples=2 should be >= n_clusters=3"),
    ],
)
def test_what_cannot_be_clustered(X, error, message):
    with pytest.raises(error, match=message):
        KMeans(3).fit(X(sparse.csr_matrix(counts())))


def test_where_only_dense_arrays_will_do():
    X = counts()
    S = sparse.csr_matrix(X)
    with pytest.raises(TypeError, match="init is a sparse"):
        KMeans(3, init=S[:3]).fit(X)
    model = KMeans(3, random_state=0).fit(X)
    with pytest.raises(ValueError, match="299 features"):
        model.predict(S[:, :-1])


# -- criteria --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [counts, tf_idf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_criteria_equal_those_of_dense_rows(make, dtype, monkeypatch):
    X = make(90, 120, dtype=dtype)
    S = sparse.csr_matrix(X)
    model = KMeans(5, n_init=1, random_state=0).fit(X)
    monkeypatch.setattr(metrics, "_BLOCK_VALUES", 2000)
    for criterion in (
        metrics.silhouette_samples,
        metrics.calinski_harabasz_score,
        metrics.davies_bouldin_score,
    ):
        assert np.array_equal(criterion(S, model.labels_), criterion(X, model.labels_))
    assert metrics.silhouette_score(
        S, model.labels_, sample_size=40, random_state=0
    ) == metrics.silhouette_score(X, model.labels_, sample_size=40, random_state=0)
    for labels in (None, model.labels_):
        assert np.array_equal(
            metrics.simplified_silhouette_samples(S, model.cluster_centers_, labels),
            metrics.simplified_silhouette_samples(X, model.cluster_centers_, labels),
        )


def test_variance_partition_takes_some_columns_at_a_time(monkeypatch):
    monkeypatch.setattr(sys.modules["ckmeans._inits.variance_partition"], "BLOCK", 1000)
    for X in (tf_idf(), counts(60, 5), counts(60, 5)[:, :1]):
        weights = np.random.default_rng(1).exponential(size=len(X))
        for w in (None, weights):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                assert_same(
                    KMeans(9, init="variance-partition").fit(sparse.csr_matrix(X), sample_weight=w),
                    KMeans(9, init="variance-partition").fit(X, sample_weight=w),
                )


# -- memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda model, S: model.fit(S),
        lambda model, S: model.predict(S),
        lambda model, S: model.transform(S),
        lambda model, S: model.score(S),
        lambda model, S: model.distances(S),
        lambda model, S: MiniBatchKMeans(3, random_state=0).fit(S),
        lambda model, S: ckmeans.metrics.silhouette_score(S, np.arange(40) % 3),
    ],
)
def test_sparse_rows_are_let_go(use):
    """What was read in place is held by nobody afterwards: a cycle through an array of NumPy would
    never be freed.
    """
    rng = np.random.default_rng(0)
    S = sparse.csr_matrix(rng.random((40, 5)) * (rng.random((40, 5)) < 0.5))
    model = KMeans(3, random_state=0).fit(S)
    held = [sys.getrefcount(array) for array in (S.data, S.indices, S.indptr)]
    for _ in range(5):
        use(model, S)
    assert [sys.getrefcount(array) for array in (S.data, S.indices, S.indptr)] == held


def test_the_positions_of_rows_are_freed():
    """Also those that are copied, of parts and of rows that are picked."""
    indptr, indices = np.arange(0, 41, 4), np.tile(np.arange(4, dtype=np.int32), 10)
    rows = engine.own_layout(indptr, indices, 4)
    data = np.ones(40)
    for make in (
        lambda: engine.own_layout(indptr, indices, 4),
        lambda: rows.rows(2, 7),
        lambda: engine.take_rows(data, rows, np.arange(3))[1],
    ):
        layout, plain = make(), object()
        assert sys.getrefcount(layout) == sys.getrefcount(plain)
        kept, expected = layout.indptr, layout.indptr.copy()
        del layout
        assert np.array_equal(kept, expected)  # its memory lives as long as it is seen


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_rows_are_never_made_dense():
    source = """
import resource, numpy as np, scipy.sparse, ckmeans
rng = np.random.default_rng(0)
columns = np.sort(rng.integers(2000, size=(20_000, 10)) * 10 + np.arange(10), axis=1)
parts = rng.random(200_000), columns.ravel(), np.arange(0, 200_001, 10)
X = scipy.sparse.csr_matrix(parts, shape=(20_000, 20_000))   # 3.2 GB dense
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model = ckmeans.KMeans(5, n_init=1, random_state=0, max_iter=3, n_threads=2).fit(X)
model.predict(X), model.transform(X[:500]), model.score(X)
ckmeans.MiniBatchKMeans(5, random_state=0, max_iter=1).fit(X)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    assert int(run_python(source)) < 300


@pytest.mark.parametrize("columns", [200, 1000, 1022, 1023, 1024, 1030, 3000])
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e13, 1e60, 1e130])
def test_distances_to_centers_of_many_large_values(columns, scale):
    """Each step of the walk is as long as a binade, and the steps together as long as all binades.

    This gave a negative inertia once.
    """
    n = 128
    centers, labels = np.full((1, columns), scale), np.zeros(n, np.int32)
    S = sparse.csr_matrix(
        (np.full(n, 1.25 * scale), (np.arange(n), np.arange(n) % 3)), shape=(n, columns)
    )
    rows, _ = check.as_matrix(S, sparse=True)
    thin, dense = (
        engine.Data(each, None, 1, False).squares(centers, labels) for each in (rows, S.toarray())
    )
    assert np.array_equal(thin, dense) and (thin > 0).all()


@pytest.mark.parametrize("stored", [np.nan, -np.nan, np.inf, -np.inf])
def test_distances_of_what_is_not_finite_stay_in_their_tables(stored):
    """Rows are checked before, but may change afterwards; a NaN may have a sign."""
    n, columns = 128, 400
    S = sparse.csr_matrix((np.ones(n), (np.arange(n), np.arange(n) % 7)), shape=(n, columns))
    rows, _ = check.as_matrix(S, sparse=True)
    data = engine.Data(rows, None, 1, False)
    S.data[:] = stored
    found = data.squares(np.random.default_rng(0).random((1, columns)), np.zeros(n, np.int32))
    assert not np.isfinite(found).any()
