"""Clusters of bounded sizes: optimal for given centers, exact, and the same bits everywhere."""

from pathlib import Path

import numpy as np
import pytest
from checks import assert_same, run_python
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_data import blobs, least_cost

import ckmeans
from ckmeans import KMeans, _native
from ckmeans._native import engine


def one_assignment(X, centers, least, most, units=None, n_threads=1, unit=False):
    data = engine.Data(X, None, n_threads, True, unit=unit)
    rule = engine.Sizes(np.asarray(least), np.asarray(most), units)
    run = engine.Run(data, np.ascontiguousarray(centers, dtype=np.float64), 1, 0.0, "auto", rule)
    run.iterate()
    return run.labels().copy()


@st.composite
def bounded(draw):
    seed, n = draw(st.integers(0, 10**6)), draw(st.integers(2, 40))
    k = draw(st.integers(1, min(n, 6)))
    X = blobs(n, draw(st.integers(1, 3)), k, seed, draw(st.sampled_from(["normal", "grid"])))
    rng = np.random.default_rng(seed)
    least = rng.integers(0, n // k + 1, size=k)
    most = rng.integers(-(-n // k), n + 1, size=k)
    return X, X[rng.choice(n, k, replace=False)], least, most


@given(bounded())
def test_an_assignment_is_optimal(problem):
    pytest.importorskip("scipy")
    X, centers, least, most = problem
    labels = one_assignment(X, centers, least, most)
    counts = np.bincount(labels, minlength=len(centers))
    assert (counts >= least).all() and (counts <= most).all()
    cost = ((X - centers[labels]) ** 2).sum()
    assert cost == pytest.approx(least_cost(X, centers, least, most), rel=1e-9, abs=1e-9)


def test_an_assignment_of_many_rows_is_optimal():
    """With samples, and lists that are made longer: no exchange of rows along any path of clusters
    lowers the cost.
    """
    X = blobs(40_000, 2, 6, seed=3)
    centers = X[:6]
    size = np.full(6, 40_000 // 6)
    labels = one_assignment(X, centers, size, size + 1)
    sq = ((X[:, None] - centers) ** 2).sum(axis=2)
    own = sq[np.arange(len(X)), labels]
    step = np.array([(sq[labels == j] - own[labels == j, None]).min(axis=0) for j in range(6)])
    path = step.copy()
    for j in range(6):  # Floyd and Warshall
        path = np.minimum(path, path[:, j, None] + path[j])
    assert path.diagonal().min() > -1e-9
    counts = np.bincount(labels, minlength=6)
    grow, shrink = np.flatnonzero(counts == size), np.flatnonzero(counts == size + 1)
    assert all(path[a, b] > -1e-9 for a in shrink for b in grow)


@given(st.integers(0, 10**6), st.sampled_from(["normal", "grid"]))
@settings(max_examples=20)
def test_rows_of_other_weights_are_not_divided(seed, kind):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(10, 60)), int(rng.integers(2, 6))
    X = blobs(n, 2, k, seed, kind)
    weights = rng.choice([1.0, 2.0, 3.5, 7.0], size=n) if seed % 2 else rng.random(n) + 0.1
    share = weights.sum() / k
    model = KMeans(k, size_min=0.95 * share, size_max=1.05 * share, n_init=2, random_state=0)
    model.fit(X, sample_weight=weights)
    sizes = np.bincount(model.labels_, weights, minlength=k)
    assert (sizes > 0.95 * share - weights.max() - 1e-9).all()
    assert (sizes < 1.05 * share + weights.max() + 1e-9).all()


@pytest.mark.parametrize("far", [1e2, 1e4, 1e6, 1e9, 1e20, 1e60])
def test_centers_that_begin_far_away(far):
    """What rows must be paid to go there is out of all proportion an iteration later."""
    pytest.importorskip("scipy")
    X = np.random.default_rng(0).normal(size=(150, 2))
    for least, most in ((50, 50), (40, 60), (0, 51)):
        centers = np.array([[0.0, 0.0], [far, 0.0], [0.0, far]])
        model = KMeans(3, init=centers, size_min=least, size_max=most, tol=0, max_iter=8)
        for state in list(model.iter_fit(X))[1:]:
            cost = ((X - centers[state.labels]) ** 2).sum()
            best = least_cost(X, centers, np.full(3, least), np.full(3, most))
            assert cost == pytest.approx(best, rel=1e-9)
            centers = state.centers


def test_equal_weights_and_none_are_numbers_of_rows():
    X = blobs()
    plain = KMeans(4, size_max=100, random_state=0).fit(X)
    assert plain.counts_.tolist() == [100] * 4
    halves = KMeans(4, size_max=50, random_state=0).fit(X, sample_weight=np.full(400, 0.5))
    assert np.array_equal(plain.labels_, halves.labels_)
    # Rows of weight 0 take no room.
    more = np.vstack([X, X[:50]])
    weights = np.r_[np.ones(400), np.zeros(50)]
    model = KMeans(4, size_max=100, random_state=0).fit(more, sample_weight=weights)
    assert np.bincount(model.labels_, weights).tolist() == [100] * 4
    assert np.array_equal(model.cluster_centers_, plain.cluster_centers_)


def test_bounds_for_each_cluster():
    X = blobs()
    model = KMeans(4, init=X[:4], size_min=[10, 20, 30, 200], size_max=[10, 400, 400, 400]).fit(X)
    assert model.counts_[0] == 10 and (model.counts_ >= [10, 20, 30, 200]).all()


def test_loose_bounds_change_nothing():
    X = blobs()
    plain = KMeans(4, random_state=0).fit(X)
    loose = KMeans(4, random_state=0, size_min=0, size_max=400).fit(X)
    assert np.array_equal(plain.cluster_centers_, loose.cluster_centers_)
    assert plain.inertia_ == loose.inertia_ and plain.n_iter_ == loose.n_iter_
    assert np.array_equal(plain.labels_, loose.labels_)


def test_every_iteration_lowers_the_inertia():
    X = blobs(kind="grid")
    model = KMeans(5, size_min=75, size_max=85, random_state=0, history=True).fit(X)
    for run in model.history_:
        inertias = [each.inertia for each in run]
        assert all(after <= before for before, after in zip(inertias, inertias[1:]))
    assert model.inertia_ == pytest.approx(
        ((X - model.cluster_centers_[model.labels_]) ** 2).sum(), rel=1e-12
    )


@pytest.mark.parametrize("kind", ["normal", "grid"])
def test_threads_layouts_and_sparse_rows_give_the_same_bits(kind):
    sparse = pytest.importorskip("scipy.sparse")
    X = blobs(3000, 6, 4, kind=kind)
    fits = [
        KMeans(4, init=X[:4], size_max=800, size_min=700, n_threads=threads, **more).fit(rows)
        for rows, threads, more in (
            (X, 1, {}),
            (X, 4, {"algorithm": "yinyang"}),
            (np.asfortranarray(X), 2, {"copy_x": False}),
            (sparse.csr_array(X), 3, {}),
        )
    ]
    for other in fits[1:]:
        assert_same(fits[0], other)


@pytest.mark.parametrize("kind", ["normal", "grid"])
def test_the_order_of_rows_is_no_matter(kind):
    X = np.unique(blobs(600, 3, kind=kind), axis=0)
    order = np.random.default_rng(0).permutation(len(X))
    size = len(X) // 4
    fits = [
        KMeans(4, init=X[:4], size_min=size, size_max=size + 1).fit(rows) for rows in (X, X[order])
    ]
    assert np.array_equal(fits[0].labels_[order], fits[1].labels_)
    assert np.array_equal(fits[0].cluster_centers_, fits[1].cluster_centers_)


FINGERPRINT = """
import numpy as np
from ckmeans import KMeans
X = np.random.RandomState(0).randn(2000, 9)
model = KMeans(5, init=X[:5], size_min=390, size_max=410).fit(X)
print(hash((model.labels_.tobytes(), model.cluster_centers_.tobytes(), model.inertia_)))
"""


def test_every_instruction_set_gives_the_same_bits():
    found = {
        run_python(FINGERPRINT, CKMEANS_ISA=isa, PYTHONHASHSEED="0") for isa in _native.available
    }
    assert len(found) == 1


def test_cosine():
    X = blobs(300, 4)
    model = KMeans(3, metric="cosine", size_min=95, size_max=105, random_state=0).fit(X)
    assert 95 <= model.counts_.min() <= model.counts_.max() <= 105
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    own = model.cluster_centers_[model.labels_]
    assert model.inertia_ == pytest.approx((1 - (unit * own).sum(axis=1)).sum())


def test_predict_is_the_nearest_center_and_nothing_is_changed():
    X = blobs()
    before = X.copy()
    low = np.full(4, 90)
    model = KMeans(4, random_state=0, size_min=low, size_max=110)
    labels = model.fit_predict(X)
    assert np.array_equal(labels, model.labels_)
    nearest = ((X[:, None] - model.cluster_centers_) ** 2).sum(axis=2).argmin(axis=1)
    assert np.array_equal(model.predict(X), nearest) and not np.array_equal(nearest, labels)
    assert np.array_equal(X, before) and (low == 90).all()


def test_label_order_and_model_files_keep_labels(tmp_path):
    X = blobs()
    plain = KMeans(4, random_state=0, size_max=130).fit(X)
    ordered = KMeans(4, random_state=0, size_max=130, label_order="size").fit(X)
    assert (np.diff(ordered.counts_) <= 0).all()
    assert ordered.inertia_ == plain.inertia_
    assert len({*zip(plain.labels_.tolist(), ordered.labels_.tolist())}) == 4
    model = KMeans(4, random_state=0, size_min=[90] * 4, size_max=110.5).fit(X)
    model.save(tmp_path / "model.npz")
    loaded = ckmeans.load(tmp_path / "model.npz")
    assert np.array_equal(loaded.size_min, [90] * 4) and loaded.size_max == 110.5
    assert np.array_equal(loaded.predict(X), model.predict(X))


def test_iter_fit_is_the_fit():
    X = blobs()
    model = KMeans(4, init=X[:4], size_max=105)
    _, *states = model.iter_fit(X)
    again = KMeans(4, init=X[:4], size_max=105).fit(X)
    assert np.array_equal(model.labels_, again.labels_)
    assert all(np.bincount(state.labels).max() <= 105 for state in states)


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"size_max": 99}, ValueError, "room for 396 rows in 4 clusters"),
        ({"size_min": 101}, ValueError, "asks for 404 rows"),
        ({"size_min": 90, "size_max": 80}, ValueError, "above size_max=80"),
        ({"size_min": [1, 2]}, ValueError, "4 of them"),
        ({"size_min": -1}, ValueError, "at least 0"),
        ({"size_min": 0.3}, ValueError, r"less than one row.* size_min=0.3 \* len\(X\)"),
        ({"size_max": [0.25, 400, 400, 400]}, ValueError, "size_max=0.25 is less than one row"),
        ({"size_min": [0, 5, 0.999, 0]}, ValueError, "size_min=0.999 is less than one row"),
        ({"size_max": float("nan")}, ValueError, "at least 0"),
        ({"size_min": "many"}, TypeError, "a number"),
        ({"size_min": True}, TypeError, "a number"),
        ({"size_min": 100.2, "size_max": 100.8}, ValueError, "size_min asks for 400.8"),
        ({"size_min": 20.2, "size_max": [20.8, 400, 400, 400]}, ValueError, "no number of rows"),
        ({"size_max": 120, "refine": "auto"}, ValueError, "goes with"),
        ({"size_max": 120, "n_outliers": 3}, ValueError, "goes with"),
        ({"size_min": [0, 0, 0, 9], "label_order": "size"}, ValueError, "label_order=None"),
    ],
)
def test_what_cannot_be_is_an_error_before_any_work(params, error, words):
    def init(*_, **__):
        raise AssertionError("the fit has begun")

    with pytest.raises(error, match=words) as raised:
        KMeans(4, init=init, **params).fit(blobs())
    assert "\n" not in str(raised.value)


def test_chunks_are_refused(tmp_path):
    np.save(tmp_path / "rows.npy", blobs())
    with pytest.raises(ValueError, match="rows in chunks"):
        KMeans(4, size_max=120).fit_chunks(tmp_path / "rows.npy")


@pytest.mark.parametrize(
    ("kind", "metric", "weighted"),
    [
        ("normal", "euclidean", False),
        ("normal", "euclidean", True),
        ("normal", "cosine", False),
        ("grid", "euclidean", False),
    ],
)
def test_every_assignment_of_a_long_run_is_optimal(kind, metric, weighted):
    """Rows that are known to stay are passed over: all the same, each assignment costs as little
    as one that begins anew.
    """
    X = blobs(3000, 3, 6, seed=5, kind=kind)
    # Weights that are bounds of nothing: two thirds of the rows count nothing at all.
    units = np.arange(len(X)) % 3 // 2 if weighted else None
    weights = None if units is None else units.astype(float)
    total = len(X) if units is None else int(units.sum())
    least, most = np.full(6, total // 8), np.full(6, total // 5)
    model = KMeans(
        6, init=X[:6], size_min=least[0], size_max=most[0], metric=metric, tol=0, max_iter=40
    )
    unit = metric == "cosine"
    rows = X / np.linalg.norm(X, axis=1, keepdims=True) if unit else X
    centers = rows[:6]
    n_iter = 0
    for state in list(model.iter_fit(X, weights))[1:]:
        again = one_assignment(X, centers, least, most, units, unit=unit)
        own, fresh = (
            (((rows - centers[labels]) ** 2).sum(axis=1) * (1 if weights is None else weights))
            for labels in (state.labels, again)
        )
        assert own.sum() == pytest.approx(fresh.sum(), rel=1e-12)
        sizes = np.bincount(state.labels, weights, minlength=6)
        assert (sizes >= least).all() and (sizes <= most).all()
        centers, n_iter = state.centers, state.n_iter
    assert n_iter > 5


EQUAL_COSTS = np.load(Path(__file__).with_name("equal_costs.npz"))


@pytest.mark.parametrize("seed", range(8))
def test_many_equal_costs_come_to_an_end(seed):
    """A center so far away that most rows cost the same elsewhere, weights that fit nowhere as a
    whole: paths of many arcs once passed ever smaller parts of rows to and fro.
    """
    X, weights = EQUAL_COSTS["X"], EQUAL_COSTS["weights"]
    least, most = float(EQUAL_COSTS["size_min"]), EQUAL_COSTS["size_max"]
    if seed:  # (0 is the one that was found)
        rng = np.random.default_rng(seed)
        weights = rng.gamma(1.0, size=len(X)) + 0.01
        least, most = weights.sum() / 8, weights.sum() / 8 * rng.uniform(1.0, 2.0, size=8)
    model = KMeans(8, init=EQUAL_COSTS["init"], size_min=least, size_max=most, max_iter=10)
    model.fit(X, sample_weight=weights)
    sizes = np.bincount(model.labels_, weights, minlength=8)
    assert (sizes > least - weights.max()).all() and (sizes < most + weights.max()).all()


@pytest.mark.parametrize("weight", [0.1, 0.3, 1.0, 7.0, 1e-3, 1 / 3])
def test_bounds_may_be_off_by_rounding(weight):
    X = np.random.default_rng(0).normal(size=(24, 2))
    for size in (weight * 6, sum([weight] * 24) / 4, weight * 24 * 0.25):
        model = KMeans(4, size_min=size, size_max=size, random_state=0)
        model.fit(X, sample_weight=np.full(24, weight))
        assert (np.bincount(model.labels_) == 6).all()
    weights = np.random.default_rng(1).random(24) * weight
    size = weights.sum() / 4
    KMeans(4, size_min=size, size_max=size, random_state=0).fit(X, sample_weight=weights)


@pytest.mark.parametrize("kind", ["even", "grid", "apart", "far"])
@pytest.mark.parametrize("slack", [0.0, 0.2])
def test_the_filter_and_lists_of_moves_change_no_bit(kind, slack):
    """Without packed rows, every row is compared exactly, with other bounds and so other lists."""
    rng = np.random.default_rng(5)
    n, k = 6000, 20
    X = rng.random((n, 4))
    if kind == "grid":
        X = np.rint(6 * X)
    if kind == "apart":
        X = blobs(n, 4, k, seed=5)
    if kind == "far":
        X[:3] *= 1e5
    least, most = np.full(k, int(n / k * (1 - slack))), np.full(k, int(n / k * (1 + slack)))
    results = []
    for packed in (True, False):
        data = engine.Data(X, None, 2, packed)
        run = engine.Run(data, X[:k].copy(), 40, 0.0, "auto", engine.Sizes(least, most))
        run.finish()
        results.append((run.labels().tobytes(), run.centers().tobytes(), run.n_iter))
    assert results[0] == results[1]
