"""Every algorithm gives the bits of Lloyd's."""

import doctest
import warnings

import numpy as np
import oracle
import pytest
from checks import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st

from ckmeans import KMeans
from ckmeans._estimators.kmeans import ALGORITHMS
from ckmeans._input.sparse import sparse_rows
from ckmeans._native import engine
from ckmeans._native.engine import Data, Run

# Boxes need data of some size: below that, all algorithms are the same.
N = 6000


def clustered(seed, d, dtype=np.float64, spread=0.2):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(40, d))[rng.integers(40, size=N)] + spread * rng.normal(size=(N, d))
    ).astype(dtype)


def ties(seed, d):
    return np.random.default_rng(seed).integers(-6, 7, size=(N, d)).astype(float)


def offset(seed, d):
    return clustered(seed, d) + 1e9


def heavy_tails(seed, d):
    return np.random.default_rng(seed).standard_cauchy(size=(N, d)) ** 3


def constant_columns(seed, d):
    X = clustered(seed, d)
    X[:, ::2] = 7.25
    return X


def duplicates(seed, d):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(50, d))[rng.integers(50, size=N)]


def single(seed, d):
    return clustered(seed, d, np.float32)


DATA = [clustered, single, ties, offset, heavy_tails, constant_columns, duplicates]


def fits(X, init, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = params.pop("sample_weight", None)
        return {
            name: KMeans(len(init), init=init, tol=0, max_iter=40, algorithm=name, **params).fit(
                X, sample_weight=weights
            )
            for name in ALGORITHMS
        }


class ByDefinition(engine.SearchInPython):
    """A trivial search: the nearest center of each row in plain NumPy."""

    def nearest(self, data, centers, labels):
        return oracle.assign(data.take(np.arange(len(labels))), centers)[0]


def every_row(X, centers, weights=None, max_iter=12, n_threads=2, unit=False):
    """The iterations of each row of the table of algorithms, from the same start.

    Name -> list of tuples, one for each iteration.
    """
    found = {}
    for name in engine.ALGORITHMS:
        run = Run(Data(X, weights, n_threads, True, unit=unit), centers.copy(), max_iter, 0.0, name)
        found[name] = steps = []
        more = True
        while more:
            more = run.iterate()
            steps.append(
                (
                    run.n_iter,
                    run.n_changed,
                    run.shift,
                    run.labels().tobytes(),
                    run.centers().tobytes(),
                    run.counts().tobytes(),
                )
            )
        run.finish()
        steps.append(
            (run.stop_reason, run.inertia(), run.labels().tobytes(), run.centers().tobytes())
        )
    return found


@pytest.mark.parametrize(
    "kind",
    [
        "dense",
        "float32",
        "weights",
        "unit",
        "sparse",
        "sparse and weights",
        "empty clusters",
        "duplicates",
    ],
)
def test_a_new_algorithm_is_a_search_and_a_row(kind, monkeypatch):
    """The search is known to no other part of the engine.

    The loop, sums, empty clusters and the stopping rule are those of all rows of the table.
    """
    monkeypatch.setitem(
        engine.ALGORITHMS, "by definition", engine.Algorithm((engine.Floats,), (ByDefinition,))
    )
    rng = np.random.default_rng(len(kind))
    X = clustered(1, 5)[:4500]
    weights = rng.integers(0, 3, len(X)).astype(float) if "weights" in kind else None
    if kind == "float32":
        X = X.astype(np.float32)
    if kind == "duplicates":
        X = np.round(X)
    centers = X[rng.choice(len(X), 25, replace=False)].astype(float)
    if kind == "empty clusters":
        centers[::3] += 1e3
    if "sparse" in kind:
        sparse = pytest.importorskip("scipy.sparse")
        X = sparse_rows(
            sparse.csr_array(np.where(rng.random(X.shape) < 0.4, X, 0)),
            "X",
            lambda values, _: values,
        )
    found = every_row(X, centers, weights, unit=kind == "unit")
    assert len(found["by definition"]) > 3
    for name, steps in found.items():
        assert steps == found["by definition"], name


def test_the_example_of_a_search_in_python():
    assert doctest.testmod(engine).failed == 0


def test_labels_of_a_search_in_python_are_checked(monkeypatch):
    class Wrong(engine.SearchInPython):
        def nearest(self, data, centers, labels):
            return wrong

    monkeypatch.setitem(engine.ALGORITHMS, "wrong", engine.Algorithm((engine.Floats,), (Wrong,)))
    for wrong in [0, 7], [-1, 0], [0], [[0, 0]], None:  # noqa: B007 (`Wrong` returns it)
        run = Run(Data(np.eye(2), None, 1, True), np.eye(2), 5, 0.0, "wrong")
        with pytest.raises((ValueError, TypeError)):
            run.iterate()


@pytest.mark.parametrize(
    "packings, searches",
    [
        ((), (engine.AllCenters,)),
        ((engine.Floats,), ()),
        ((engine.Axes,), (engine.AllCenters,)),
        ((engine.Floats,), (engine.GroupSearch,)),
        ((engine.Floats,), (engine.Search,)),
    ],
)
def test_every_row_of_the_table_has_a_last_resort(packings, searches, monkeypatch):
    for name, row in engine.ALGORITHMS.items():
        Run(Data(np.eye(2), None, 1, True), np.eye(2), 5, 0.0, name)
        assert row.prefers in (None, *row.packings, *row.searches), name
    monkeypatch.setitem(engine.ALGORITHMS, "none", engine.Algorithm(packings, searches))
    with pytest.raises(ValueError, match="always fits|needs packings"):
        Run(Data(np.eye(2), None, 1, True), np.eye(2), 5, 0.0, "none")


@pytest.mark.parametrize("make", DATA)
@pytest.mark.parametrize("d", [1, 2, 3, 7, 20])
def test_the_same_bits(make, d):
    X = make(d, d)
    init = X[np.random.default_rng(1).choice(N, 60, replace=False)]
    init[1] = init[0]  # equal centers
    init[2] = init[0] + 1e4 * (1 + np.abs(init[0]))  # one that starts with no rows
    models = fits(X, init)
    for n_threads in (1, 3):
        for model in fits(X, init, n_threads=n_threads).values():
            assert_same(model, models["lloyd"])
    assert np.array_equal(models["boxes"].predict(X), models["boxes"].labels_)


@settings(max_examples=25, deadline=None)
@given(
    make=st.sampled_from(DATA),
    d=st.integers(1, 12),
    seed=st.integers(0, 10**6),
    k=st.integers(1, 120),
    order=st.sampled_from("CF"),
)
def test_the_same_bits_with_weights_and_layouts(make, d, seed, k, order):
    X = np.asarray(make(seed, d), order=order)
    rng = np.random.default_rng(seed)
    weights = rng.exponential(size=N) * (rng.random(N) < 0.7)
    models = fits(X, X[rng.choice(N, k, replace=False)], sample_weight=weights)
    for model in models.values():
        assert_same(model, models["lloyd"])


def wide(seed, d, k):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(k, d))[rng.integers(k, size=2000)] + rng.normal(
        size=(2000, d)
    ) * rng.exponential(size=(2000, 1))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    d=st.sampled_from([1, 2, 15, 16, 17, 63, 65, 130, 300]),
    k=st.integers(1, 140),
    dtype=st.sampled_from(["f4", "f8"]),
    order=st.sampled_from("CF"),
    n_threads=st.integers(1, 3),
    weighted=st.booleans(),
    offset=st.sampled_from([0, 0, 1e3, 1e7]),
    coarse=st.booleans(),
    scale=st.sampled_from([1, 1, 1e-30, 1e15]),
    flat=st.sampled_from([None, 0, 1e-6, 0.1]),
)
def test_bounds_in_many_features(
    seed, d, k, dtype, order, n_threads, weighted, offset, coarse, scale, flat
):
    rng = np.random.default_rng(seed)
    X = wide(seed, d, k)
    if flat is not None:  # most of it along five axes
        X = X @ rng.normal(size=(d, 5)) @ rng.normal(size=(5, d)) / d + flat * X
    if coarse:  # ties, and equal rows where there are few features
        X = np.round(X)
    X = np.asarray((X + offset) * scale, dtype=dtype, order=order)
    init = X[rng.integers(len(X), size=k)]  # now and then the same row twice
    if k > 4:
        init[k // 2] = init[0]
        init[k // 3] *= 1000  # jumps to a far row once it has lost its own
    weights = rng.integers(0, 3, len(X)).astype(float) if weighted else None
    models = fits(X, init, sample_weight=weights, n_threads=n_threads)
    for model in models.values():
        assert_same(model, models["lloyd"])
    assert np.array_equal(models["yinyang"].predict(X), models["yinyang"].labels_)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 511, 512, 513, 1025])
def test_every_row_a_cluster_and_other_edges(n):
    X = np.random.default_rng(n).normal(size=(n, 70))
    for k in {1, min(n, 33), n}:
        models = fits(X, X[:k])
        for model in models.values():
            assert_same(model, models["lloyd"])


def test_centers_that_meet_and_part():
    """Equal centers are compared once, so bounds do not cover the others; they must, once the
    centers separate.
    """
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(3000, 2)), 1)
    for seed in range(20):
        init = np.repeat(X[np.random.default_rng(seed).choice(3000, 20, replace=False)], 2, axis=0)
        models = fits(X, init)
        assert_same(models["yinyang"], models["lloyd"])


def test_a_weaker_bound_would_be_noticed():
    """A wrong bound shows by the labels, and in a debug build by the bounds themselves."""
    X = wide(0, 20, 60)
    lloyd = KMeans(60, init=X[:60], tol=0, algorithm="lloyd").fit(X)
    engine.scale_bounds(0.2)
    try:
        with pytest.raises(AssertionError, match="bounds do not hold|labels"):
            assert np.array_equal(
                KMeans(60, init=X[:60], tol=0, algorithm="yinyang").fit(X).labels_, lloyd.labels_
            ), "labels"
    finally:
        engine.scale_bounds(1)


def test_yinyang_prunes():
    X = wide(0, 20, 60)
    run = Run(Data(X, None, 2, True), X[:60].copy(), 300, 0.0, "yinyang")
    run.finish()
    assert 0 < run.counters()["filtered"] < 0.8 * len(X) * 60 * run.n_iter


def test_auto_takes_bounds_by_itself_and_returns_from_them():
    X = np.concatenate([wide(seed, 40, 100) for seed in range(10)])
    work = {}
    for name in ("lloyd", "auto"):
        run = Run(Data(X, None, 1, True), X[:100].copy(), 300, 0.0, name)
        run.finish()
        work[name] = run.counters()["filtered"]
    assert work["auto"] < 0.8 * work["lloyd"]
    X = np.random.default_rng(0).normal(size=(20_000, 100))  # no bound helps here
    run = Run(Data(X, None, 1, True), X[:50].copy(), 12, 0.0, "auto")
    run.finish()
    assert run.counters()["filtered"] <= 1.05 * len(X) * 50 * (run.n_iter + 1)


def concentrated(n, d, latent, noise, seed=0):
    """Rows in groups that differ along few axes, as images and embeddings do."""
    rng = np.random.default_rng(seed)
    groups = 2.5 * rng.normal(size=(30, latent))
    return (groups[rng.integers(30, size=n)] + rng.normal(size=(n, latent))) @ rng.normal(
        size=(latent, d)
    ) + noise * rng.normal(size=(n, d))


@pytest.mark.parametrize("noise", [0, 0.1, 1])
def test_projected_leaves_few_rows_over(noise):
    X = concentrated(4000, 200, 10, noise)
    run = Run(Data(X, None, 2, True), X[:80].copy(), 300, 0.0, "projected")
    run.finish()
    counted = run.counters()
    assert counted["decided"] < 0.1 * len(X) * run.n_iter
    assert counted["exact"] < 0.02 * 80 * len(X) * run.n_iter


def test_auto_takes_axes_by_itself_and_does_without_where_they_tell_nothing():
    X = concentrated(20_000, 300, 10, 0.1)
    run = Run(Data(X, None, 1, True), X[:80].copy(), 300, 0.0, "auto")
    run.finish()
    assert run.along_axes
    assert_same_run(run, X, 80)
    X = np.random.default_rng(0).normal(size=(20_000, 100))
    for algorithm in ("auto", "projected"):
        run = Run(Data(X, None, 1, True), X[:80].copy(), 12, 0.0, algorithm)
        run.finish()
        assert not run.along_axes


def assert_same_run(run, X, k, max_iter=300):
    lloyd = Run(Data(X, None, 1, True), X[:k].copy(), max_iter, 0.0, "lloyd")
    lloyd.finish()
    assert np.array_equal(run.labels(), lloyd.labels())
    assert np.array_equal(run.centers(), lloyd.centers())
    assert run.n_iter == lloyd.n_iter


def test_boxes_prune():
    """Without this, the tests above could pass with boxes that never discard a center."""
    X = clustered(0, 2)
    data = Data(X, None, 2, True)
    run = Run(data, X[:80].copy(), 50, 0.0, "boxes")
    run.finish()
    work = run.counters()
    assert 0 < work["filtered"] < 0.5 * N * 80 * run.n_iter
    assert work["boxed"] > 0


def test_auto_takes_boxes_by_itself():
    rng = np.random.default_rng(0)
    X = rng.random((40_000, 2))
    data = Data(X, None, 1, True)
    run = Run(data, X[:100].copy(), 60, 0.0, "auto")
    run.finish()
    assert run.counters()["boxed"] > 0
    assert run.counters()["filtered"] < 0.5 * 40_000 * 100 * run.n_iter


def test_restarts_share_the_order():
    X = clustered(0, 3)
    one = KMeans(50, n_init=3, random_state=0, algorithm="boxes").fit(X)
    other = KMeans(50, n_init=3, random_state=0, algorithm="lloyd").fit(X)
    assert_same(one, other)
    assert [run[:4] for run in one.runs_] == [run[:4] for run in other.runs_]


@pytest.mark.parametrize(
    "make, d", [(clustered, 3), (clustered, 40), (lambda seed, d: concentrated(N, d, 6, 0.1), 60)]
)
@pytest.mark.parametrize("n_threads", [1, 3])
def test_runs_over_the_same_data_may_take_turns(make, d, n_threads):
    """Each packs the rows in its own way, and all use the same scratch memory of the threads."""
    X = make(0, d)
    for seed in range(2):
        rng = np.random.default_rng(seed)
        data = Data(X, None, n_threads, True)
        runs = [
            Run(data, X[:k].copy(), 25, 0.0, name)
            for k in rng.choice(range(20, 120), 3)
            for name in rng.permutation([*ALGORITHMS][:5]).tolist()
        ]
        while any(run.stop_reason is None for run in runs):
            run = runs[rng.integers(len(runs))]
            if run.stop_reason is None:
                run.iterate()
            if rng.random() < 0.02:  # a deleted run frees its memory
                runs.remove(run)
        for run in runs:
            run.finish()
            assert_same_run(run, X, len(run.centers()), 25)


@pytest.mark.parametrize("n_threads", [7, 33])
def test_more_threads_than_cores(n_threads):
    X = clustered(1, 3)
    one = KMeans(50, init=X[:50], algorithm="boxes", n_threads=n_threads).fit(X)
    assert_same(one, KMeans(50, init=X[:50], algorithm="lloyd", n_threads=1).fit(X))


def test_steps_are_the_same():
    X = clustered(3, 2)
    steps = [
        list(KMeans(30, init=X[:30], max_iter=15, tol=0, algorithm=name).iter_fit(X))
        for name in ("boxes", "lloyd")
    ]
    for one, other in zip(*steps, strict=True):
        assert np.array_equal(one.labels, other.labels)
        assert np.array_equal(one.centers, other.centers)
        assert (one.inertia, one.shift, one.n_changed) == (
            other.inertia,
            other.shift,
            other.n_changed,
        )


@pytest.mark.parametrize("scale", [1e-150, 1, 1e150])
@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_eigenvectors_of_small_matrices(n, scale):
    rows = np.random.default_rng(n).normal(size=(n, 2 * n))
    rows[-1] = rows[0]  # so that one value is 0
    a = rows @ rows.T * scale
    values, vectors = engine.eigen(a)
    assert np.allclose(values / scale, np.linalg.eigvalsh(a / scale), atol=1e-8)
    assert np.allclose(vectors @ np.diag(values / scale) @ vectors.T, a / scale, atol=1e-8)
    assert np.allclose(vectors.T @ vectors, np.eye(n), atol=1e-12)


def test_axes_are_orthonormal_and_the_principal_ones():
    X = concentrated(3000, 150, 12, 0.01)
    X -= X.mean(axis=0)
    axes = engine.principal_axes(X[:512], 40)
    assert 12 <= len(axes) <= 40 and np.abs(axes @ axes.T - np.eye(len(axes))).max() < 1e-14
    values = np.linalg.eigvalsh(X.T @ X)[::-1]
    assert ((X @ axes[:12].T) ** 2).sum() > 0.999 * values[:12].sum()
    assert engine.principal_axes(np.zeros((100, 50)), 8) is None
