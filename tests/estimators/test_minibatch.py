"""MiniBatchKMeans: near the result of KMeans, repeatable, and learning from streams."""

import pickle

import numpy as np
import pytest

import ckmeans
from ckmeans import KMeans, MiniBatchKMeans
from ckmeans._estimators.minibatch import Learner
from ckmeans._native.engine import Data


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(10, 5))[rng.integers(10, size=20_000)] * 5 + rng.normal(
        size=(20_000, 5)
    )


def same(one, other):
    assert one.cluster_centers_.tobytes() == other.cluster_centers_.tobytes()
    assert np.array_equal(one.labels_, other.labels_)
    assert (one.inertia_, one.n_iter_, one.n_steps_) == (
        other.inertia_,
        other.n_iter_,
        other.n_steps_,
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
def test_near_the_best(X, dtype):
    rows = (X * 100).astype(dtype)
    best = KMeans(10, random_state=0).fit(rows)
    model = MiniBatchKMeans(10, random_state=1, n_init=30, max_no_improvement=50).fit(rows)
    assert model.inertia_ < 1.02 * best.inertia_
    assert model.cluster_centers_.dtype == best.cluster_centers_.dtype
    assert model.labels_.dtype == np.int32 and np.array_equal(model.labels_, model.predict(rows))
    assert model.inertia_ == -model.score(rows)
    assert np.array_equal(model.counts_, np.bincount(model.labels_, minlength=10))


def test_at_least_as_good_as_scikit_learns(X):
    theirs = pytest.importorskip("sklearn.cluster").MiniBatchKMeans
    ours = [MiniBatchKMeans(10, random_state=seed).fit(X).inertia_ for seed in range(9)]
    reference = [theirs(10, random_state=seed, n_init=1).fit(X).inertia_ for seed in range(9)]
    assert np.median(ours) < 1.01 * np.median(reference)


@pytest.mark.parametrize("weighted", [False, True])
def test_threads_and_layouts_change_nothing(X, weighted):
    weights = np.random.default_rng(1).exponential(size=len(X)) if weighted else None
    expected = MiniBatchKMeans(7, random_state=3).fit(X, sample_weight=weights)
    for n_threads in (1, 2, 5):
        same(
            MiniBatchKMeans(7, random_state=3, n_threads=n_threads).fit(X, sample_weight=weights),
            expected,
        )
    same(
        MiniBatchKMeans(7, random_state=3).fit(np.asfortranarray(X), sample_weight=weights),
        expected,
    )


def test_a_step_is_the_running_mean():
    rng = np.random.default_rng(0)
    centers, seen = rng.normal(size=(4, 3)), np.array([3.0, 0.5, 10.0, 2.0])
    batch, weights = rng.normal(size=(60, 3)), rng.exponential(size=60)
    data = Data(batch, weights, 1, False)
    learner = Learner(data, centers, 0.0, None, seen)
    shift, inertia = learner.learn(data, np.random.RandomState(0))
    nearest = ((batch[:, None] - centers) ** 2).sum(axis=2)
    labels = nearest.argmin(axis=1)
    assert inertia == pytest.approx((weights * nearest.min(axis=1)).sum() / weights.sum())
    for j in range(4):
        w, rows = weights[labels == j], batch[labels == j]
        expected = (seen[j] * centers[j] + w @ rows) / (seen[j] + w.sum())
        assert np.allclose(learner.centers[j], expected, rtol=1e-12)
        assert learner.seen[j] == pytest.approx(seen[j] + w.sum())
    assert shift == pytest.approx(((learner.centers - centers) ** 2).sum())


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_the_inertia_of_a_step_keeps_its_digits_far_from_the_origin(offset):
    rng = np.random.default_rng(0)
    X, centers = rng.normal(size=(200, 3)) + offset, rng.normal(size=(5, 3)) + offset
    data = Data(X, None, 1, False)
    _, inertia = Learner(data, centers, 0.0, None).learn(data, np.random.RandomState(0))
    assert inertia == pytest.approx(
        ((X[:, None] - centers) ** 2).sum(axis=2).min(axis=1).mean(), rel=1e-9
    )


def test_batches_of_all_rows_use_the_weights_in_full(X):
    rows, weights = X[:300], np.random.default_rng(0).integers(1, 4, size=300)
    repeated = np.repeat(rows, weights, axis=0)
    init = rows[:5]
    one = MiniBatchKMeans(5, init=init, reassignment_ratio=0, max_no_improvement=None).fit(
        rows, sample_weight=weights
    )
    other = MiniBatchKMeans(5, init=init, reassignment_ratio=0, max_no_improvement=None).fit(
        repeated
    )
    assert np.allclose(one.cluster_centers_, other.cluster_centers_, rtol=1e-10)
    assert one.n_steps_ == other.n_steps_ == 100


@pytest.mark.parametrize("weights", [None, "some are zero"])
def test_streams(X, weights):
    model = MiniBatchKMeans(10, random_state=0)
    for start in range(0, len(X), 1000):
        part = X[start : start + 1000]
        w = None if weights is None else (np.arange(1000) % 3).astype(float)
        assert model.partial_fit(part, sample_weight=w) is model
        assert np.array_equal(model.labels_, model.predict(part))
    assert model.n_steps_ == 20
    if weights is None:
        assert model.seen_weights_.sum() <= len(X)
    assert -model.score(X) < 2.5 * KMeans(10, random_state=0).fit(X).inertia_


def test_forgetting():
    """After a shift of the whole stream, a model with a short half-life follows; one without it
    stays in between.
    """
    rng = np.random.default_rng(0)
    errors = {}
    for half_life in (None, 300.0):
        model = MiniBatchKMeans(2, init=[[0.0], [10.0]], half_life=half_life)
        for offset in [0.0] * 20 + [3.0] * 10:
            model.partial_fit(
                rng.normal(size=(200, 1)) * 0.1 + offset + 10 * rng.integers(2, size=(200, 1))
            )
        errors[half_life] = abs(np.sort(model.cluster_centers_.ravel()) - [3, 13]).max()
    assert errors[300.0] < 0.2 and errors[None] > 1.0


def test_half_life_is_half():
    model = MiniBatchKMeans(1, half_life=100.0, init=[[0.0]])
    model.partial_fit(np.zeros((100, 1)))
    assert model.seen_weights_ == 100
    model.partial_fit(np.ones((100, 1)))
    assert model.seen_weights_ == 150 and model.cluster_centers_ == pytest.approx(100 / 150)


def test_a_saved_stream_goes_on(X, tmp_path):
    model = MiniBatchKMeans(5, random_state=0, half_life=5000, reassignment_ratio=0).fit(X[:5000])
    model.save(tmp_path / "m.npz")
    loaded, pickled = ckmeans.load(tmp_path / "m.npz"), pickle.loads(pickle.dumps(model))
    assert np.array_equal(loaded.predict(X), model.predict(X))
    for again in (loaded, pickled):
        again.partial_fit(X[5000:6000])
    model.partial_fit(X[5000:6000])
    assert np.array_equal(loaded.cluster_centers_, model.cluster_centers_)
    assert np.array_equal(pickled.cluster_centers_, model.cluster_centers_)
    assert loaded.n_steps_ == model.n_steps_


def test_lost_centers_come_back():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 2)) + 10 * rng.integers(4, size=(5000, 1))
    far = np.array([[0.0, 0.0], [1e6, 1e6], [2e6, 0.0], [0.0, 2e6]])
    model = MiniBatchKMeans(4, init=far, random_state=0, max_no_improvement=None, max_iter=10).fit(
        X
    )
    assert model.counts_.min() > 0
    assert np.abs(model.cluster_centers_).max() < 40


def test_max_time_and_labels_on_request(X):
    model = MiniBatchKMeans(5, max_time=1e-9, random_state=0).fit(X)
    assert model.n_steps_ == 1
    model = MiniBatchKMeans(5, compute_labels=False, random_state=0).fit(X)
    assert not hasattr(model, "labels_") and not hasattr(model, "inertia_")
    assert model.predict(X[:3]).shape == (3,)


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"batch_size": 1.5}, TypeError, "batch_size"),
        ({"half_life": 0}, ValueError, "half_life"),
        ({"half_life": "1"}, TypeError, "half_life"),
        ({"reassignment_ratio": 2}, ValueError, "from 0 to 1"),
        ({"max_no_improvement": -1}, ValueError, "max_no_improvement"),
        ({"init_size": 0}, ValueError, "init_size"),
        ({"init": "k-means"}, ValueError, "'k-means\\+\\+'"),
        ({"n_init": 0}, ValueError, "n_init"),
        ({"tol": -1.0}, ValueError, "tol"),
        ({"n_clusters": 30_000}, ValueError, "n_samples=20000"),
        ({"init": np.zeros((3, 2))}, ValueError, "does not match the number of clusters"),
        ({"init": 5}, TypeError, "init must be"),
        ({"max_time": 0}, ValueError, "max_time"),
        ({"n_threads": 0}, ValueError, "n_threads"),
    ],
)
def test_bad_parameters(X, params, error, message):
    with pytest.raises(error, match=message):
        MiniBatchKMeans(**params).fit(X)


def test_bad_batches(X):
    model = MiniBatchKMeans(5, random_state=0).partial_fit(X[:100])
    before = model.cluster_centers_.copy()
    for bad, message in ((X[:10, :3], "X has 3 features"), (np.full((3, 5), np.nan), "NaN")):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(bad)
    assert np.array_equal(model.cluster_centers_, before) and model.n_steps_ == 1
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=5"):
        MiniBatchKMeans(5).partial_fit(X[:3])
    model.partial_fit(X[:3])


def test_a_stream_of_two_dtypes_keeps_what_only_float64_holds():
    model = MiniBatchKMeans(2, random_state=0).partial_fit(np.array([[1e100], [2e100], [0.0]]))
    model.partial_fit(np.ones((5, 1), dtype=np.float32))
    assert model.cluster_centers_.dtype == np.float64 and np.isfinite(model.cluster_centers_).all()
    single = (
        MiniBatchKMeans(2, random_state=0)
        .partial_fit(np.eye(3, dtype=np.float32))
        .partial_fit(np.eye(3, dtype=np.float32))
    )
    assert single.cluster_centers_.dtype == np.float32


# ---- watched and in order


def test_callback_sees_every_batch_and_may_end_the_fit(X):
    seen = []

    def watch(state):
        assert (
            state.centers.shape == (6, X.shape[1])
            and len(state.labels) == 100
            and state.inertia > 0
        )
        assert (
            state.run == 0
            and state.n_runs == 1
            and state.n_changed is None
            and state.max_iter == 100 * len(X) // 100
        )
        seen.append((state.n_iter, state.shift, state.stop_reason, state.last))
        return state.n_iter == 5

    model = MiniBatchKMeans(6, random_state=0, batch_size=100, callback=watch).fit(X)
    assert [step for step, *_ in seen] == [1, 2, 3, 4, 5] and seen[-1][3] is False
    assert model.stop_reason_ == "callback" and model.n_steps_ == 5
    seen.clear()
    model.set_params(
        callback=lambda state: seen.append(state.stop_reason), max_no_improvement=3
    ).fit(X)
    assert model.stop_reason_ == "no improvement" == seen[-1] and not any(seen[:-1])
    alone = MiniBatchKMeans(6, random_state=0, batch_size=100, max_no_improvement=3).fit(X)
    assert np.array_equal(alone.cluster_centers_, model.cluster_centers_)


@pytest.mark.parametrize(
    "params, reason",
    [
        ({"max_iter": 1, "max_no_improvement": None}, "max_iter"),
        ({"tol": 1e9}, "tol"),
        ({"max_time": 1e-9}, "max_time"),
    ],
)
def test_stop_reasons(X, params, reason):
    model = MiniBatchKMeans(3, random_state=0, batch_size=500, **params).fit(X)
    assert model.stop_reason_ == reason


def test_clusters_in_order(X):
    plain = MiniBatchKMeans(6, random_state=0).fit(X)
    by_size = MiniBatchKMeans(6, random_state=0, label_order="size").fit(X)
    assert np.all(np.diff(by_size.counts_) <= 0)
    by_center = MiniBatchKMeans(6, random_state=0, label_order="center").fit(X)
    for model in by_size, by_center:
        assert sorted(model.cluster_centers_.tolist()) == sorted(plain.cluster_centers_.tolist())
        assert np.array_equal(model.predict(X), model.labels_)
    assert by_center.cluster_centers_.tolist() == sorted(plain.cluster_centers_.tolist())
    assert dict(zip(map(tuple, plain.cluster_centers_), plain.seen_weights_)) == dict(
        zip(map(tuple, by_size.cluster_centers_), by_size.seen_weights_)
    )
    alike = MiniBatchKMeans(6, random_state=0, label_order=by_size.cluster_centers_).fit(X)
    assert np.array_equal(alike.cluster_centers_, by_size.cluster_centers_)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"callback": 3}, "callback must be None or a callable"),
        ({"label_order": np.zeros((2, 9))}, r"label_order has shape \(2, 9\)"),
        ({"label_order": "weight"}, "'size', 'center' or an array"),
    ],
)
def test_bad_watching_and_order(X, params, message):
    for method in "fit", "partial_fit":
        with pytest.raises((TypeError, ValueError), match=message):
            getattr(MiniBatchKMeans(6, **params), method)(X)


@pytest.mark.parametrize("half_life", [0, -1, float("nan"), float("inf")])
def test_a_wrong_half_life_is_told_what_none_does(half_life):
    with pytest.raises(ValueError, match="None forgets nothing"):
        MiniBatchKMeans(2, half_life=half_life).fit([[0.0], [1.0], [9.0]])
