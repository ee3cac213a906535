"""KMeans(scale=...), distances to the own center, and anomaly scores."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import ckmeans
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans, load


def blobs(dtype=np.float64, zeros=False, seed=0):
    """Rows of columns in very different units, one of them constant."""
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.normal(c, 1, size=(60, 4)) for c in (0, 5, 9)]) * [1, 1e3, 1e-3, 1]
    if zeros:
        X *= rng.random(X.shape) < 0.6
    X[:, 3] = 7
    return X.astype(dtype)


DTYPES = (np.float32, np.float64, np.int32)


@pytest.mark.parametrize("scale", ["standard", "robust"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("zeros", [False, True])
def test_labels_are_those_of_predict(scale, dtype, weighted, zeros, tmp_path):
    X = blobs(dtype, zeros)
    weights = np.random.default_rng(1).integers(0, 4, len(X)).astype(float) if weighted else None
    before = X.copy()
    model = KMeans(3, scale=scale, random_state=0, n_init=3).fit(X, sample_weight=weights)
    assert np.array_equal(X, before)
    assert np.array_equal(model.predict(X), model.labels_)
    assert model.score(X, sample_weight=weights) == -model.inertia_
    assert np.array_equal(np.bincount(model.labels_, minlength=3), model.counts_)
    far = model.transform(X)
    assert far.dtype == (np.float32 if dtype == np.float32 else np.float64)
    own = far[np.arange(len(X)), model.labels_]
    assert model.distances(X).tobytes() == own.tobytes()
    model.save(tmp_path / "model")
    for other in (load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.predict(X), model.labels_)
        assert np.array_equal(other.scale_, model.scale_)


@pytest.mark.parametrize("scale", ["standard", "robust"])
def test_order_threads_and_sparse_rows_change_nothing(scale):
    sparse = pytest.importorskip("scipy.sparse")
    X = blobs(zeros=True)
    model = KMeans(3, scale=scale, random_state=0, n_init=2).fit(X)
    order = np.random.default_rng(2).permutation(len(X))
    again = KMeans(3, scale=scale, random_state=0, n_init=2, n_threads=1).fit(X[order])
    thin = KMeans(3, scale=scale, random_state=0, n_init=2).fit(sparse.csr_array(X))
    for other, labels in ((again, model.labels_[order]), (thin, model.labels_)):
        assert np.array_equal(other.labels_, labels)
        assert np.array_equal(other.scale_, model.scale_)
        assert np.array_equal(other.cluster_centers_, model.cluster_centers_)
        assert other.inertia_ == model.inertia_
    assert np.array_equal(model.predict(sparse.csr_array(X)), model.labels_)
    assert np.array_equal(model.distances(sparse.csr_array(X)), model.distances(X))


def test_divisors():
    X = blobs()
    weights = np.random.default_rng(1).integers(1, 4, len(X)).astype(float)
    repeated = np.repeat(X, weights.astype(int), axis=0)
    found = KMeans(2, scale="standard", random_state=0).fit(X, sample_weight=weights).scale_
    expected = np.where(repeated.std(axis=0) > 0, repeated.std(axis=0), 1)
    assert np.allclose(found, expected, rtol=1e-12) and found[3] == 1
    found = KMeans(2, scale="robust", random_state=0).fit(X, sample_weight=weights).scale_
    low, high = np.quantile(repeated, [0.25, 0.75], axis=0, method="inverted_cdf")
    assert np.allclose(found[:3], (high - low)[:3] / 1.3489795, rtol=1e-6) and found[3] == 1


def test_a_column_of_zeros_mostly_is_scaled_by_its_deviation():
    X = np.zeros((100, 2))
    X[:, 0] = np.arange(100)
    X[:5, 1] = 1e6
    model = KMeans(2, scale="robust", random_state=0).fit(X)
    assert np.isclose(model.scale_[1], X[:, 1].std())


@pytest.mark.parametrize("size", [1e-140, 1e-20, 1e20, 1e135])
def test_extreme_units(size):
    X = blobs()
    X[:, 1] *= size
    plain = KMeans(3, scale="standard", random_state=0).fit(blobs())
    model = KMeans(3, scale="standard", random_state=0, init=X[[0, 70, 140]]).fit(X)
    assert ckmeans.metrics.adjusted_rand_score(model.labels_, plain.labels_) == 1


def test_it_is_a_fit_of_divided_columns():
    X = blobs()
    model = KMeans(3, scale="standard", init=X[[0, 70, 140]]).fit(X)
    inside = KMeans(3, init=X[[0, 70, 140]] / model.scale_).fit(X / model.scale_)
    assert np.array_equal(model.labels_, inside.labels_)
    assert np.allclose(model.cluster_centers_, inside.cluster_centers_ * model.scale_)
    assert np.isclose(model.inertia_, inside.inertia_)
    assert model.n_iter_ == inside.n_iter_


def test_what_users_see_is_in_the_units_of_the_data():
    X, seen = blobs(np.float32), []

    def init(rows, k, random_state):
        assert np.array_equal(rows, X)
        return X[[0, 70, 140]]

    model = KMeans(3, scale="standard", init=init, n_init=1)
    model.set_params(callback=lambda state: seen.append(state.centers)).fit(X)
    assert model.cluster_centers_.dtype == np.float32
    assert np.array_equal(seen[-1], model.cluster_centers_)
    *_, state = model.set_params(callback=None).iter_fit(X)
    assert np.array_equal(state.centers, model.cluster_centers_)
    ordered = KMeans(3, scale="standard", random_state=1, label_order=model.cluster_centers_)
    assert np.array_equal(ordered.fit(X).labels_, model.labels_)


def test_names_and_refits():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(blobs(), columns=list("abcd"))
    model = KMeans(3, scale="standard", random_state=0).fit(table)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert np.array_equal(model.predict(table), model.labels_)
    model.set_params(scale=None).fit(table)
    assert not hasattr(model, "scale_")
    assert np.array_equal(model.labels_, KMeans(3, random_state=0).fit(table).labels_)


def test_errors():
    X = blobs()
    with pytest.raises(ValueError, match="directions"):
        KMeans(2, scale="standard", metric="cosine").fit(X)
    with pytest.raises(ValueError, match="'standard', 'robust'"):
        KMeans(2, scale="cubic").fit(X)
    with pytest.raises(TypeError, match="scale"):
        KMeans(2, scale=2).fit(X)
    with pytest.raises(ValueError, match="scale='standard' needs all rows"):
        KMeans(2, scale="standard").fit_chunks(X)
    model = KMeans(2, scale="standard", random_state=0).fit(X)
    with pytest.raises(ValueError, match="row 3"):
        bad = X.copy()
        bad[3, 1] = np.nan
        model.predict(bad)
    model.scale_ = np.array([1.0, 0.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="scale_ holds"):
        model.predict(X)


@pytest.mark.parametrize("broken", ["missing", "negative", "alone"])
def test_model_files_with_a_broken_scaling_are_refused(broken, tmp_path):
    model = KMeans(2, scale="standard", random_state=0).fit(blobs())
    if broken == "missing":
        del model.scale_
    elif broken == "negative":
        model.scale_ = -model.scale_
    else:
        model.scale = None
    try:
        model.save(tmp_path / "model")
    except ValueError:
        return  # told already
    with pytest.raises(ckmeans.ModelFileError, match="scaling"):
        load(tmp_path / "model")


# --------------------------------------------------------------------------------------- distances


@given(
    arrays.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.tuples(st.integers(4, 30), st.sampled_from([1, 3, 70])),
        elements=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 0.1, -2.5, 3, 1e3]),
    ),
    st.sampled_from(["euclidean", "cosine"]),
)
def test_distances_are_entries_of_transform(X, metric):
    if metric == "cosine":
        X = X + np.eye(len(X), X.shape[1], dtype=X.dtype)
        X[~X.any(axis=1)] = 1
    model = KMeans(2, random_state=0, n_init=1, metric=metric)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of too few distinct rows
        model.fit(X)
    far = model.transform(X)
    assert model.distances(X).tobytes() == far[np.arange(len(X)), model.labels_].tobytes()
    labels = np.arange(len(X)) % 2
    assert model.distances(X, labels).tobytes() == far[np.arange(len(X)), labels].tobytes()


def test_distances_of_other_estimators():
    X = blobs()
    for model in (MiniBatchKMeans(3, random_state=0), BisectingKMeans(5, random_state=0)):
        labels = model.fit(X).predict(X)
        assert np.array_equal(model.distances(X), model.transform(X)[np.arange(len(X)), labels])


def test_distances_refuse_labels_that_are_none():
    model = KMeans(2, random_state=0).fit(blobs())
    for labels, error in (
        ([0], ValueError),
        (np.full(180, 2), ValueError),
        (np.zeros(180), TypeError),
    ):
        with pytest.raises(error, match="labels"):
            model.distances(blobs(), labels)


def test_anomaly_scores():
    rng = np.random.default_rng(0)
    tight, wide = rng.normal(0, 0.01, (100, 2)), rng.normal(50, 5, (100, 2))
    X = np.concatenate([tight, wide, [[0.3, 0.0]]])
    model = KMeans(2, random_state=0).fit(X)
    assert model.distances(X).argmax() != 200  # rows of the wide cluster are farther away
    scores = model.anomaly_scores(X)
    assert scores.argmax() == 200 and scores[200] > 10
    typical = model.typical_distances(X)
    for label in range(2):
        mine = model.labels_ == label
        assert np.isclose(np.median(scores[mine]), 1)
        assert typical[label] == np.median(model.distances(X)[mine])
    assert np.array_equal(model.anomaly_scores(X[:5], reference=X), scores[:5])
    model.typical_distances_ = typical
    assert np.array_equal(model.anomaly_scores(X[:5]), scores[:5])
    assert not hasattr(model.fit(X), "typical_distances_")


@pytest.mark.parametrize("d", [2, 40])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("params", [{"metric": "manhattan"}, {"missing": "ignore"}])
def test_distances_of_other_kinds(d, dtype, params):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, d)).astype(dtype)
    if "missing" in params:
        X[:, 1:][rng.random((150, d - 1)) < 0.2] = np.nan
    model = KMeans(4, random_state=0, **params).fit(X)
    every, before = model.transform(X), X.copy()
    assert np.array_equal(model.distances(X), every[np.arange(150), model.labels_])
    other = (model.labels_ + 1) % 4
    assert np.array_equal(model.distances(X, other), every[np.arange(150), other])
    own = model.distances(X).astype(np.float64)
    typical = [np.median(own[model.labels_ == j]) for j in range(4)]
    assert np.array_equal(model.typical_distances(X), typical)
    assert model.anomaly_scores(X).shape == (150,)
    assert np.array_equal(X, before, equal_nan=True)


def test_anomaly_scores_where_a_typical_distance_is_zero():
    X = np.array([[0.0]] * 5 + [[1.0]] + [[50.0], [54.0]])
    model = KMeans(2, init=[[0.0], [50.0]], max_iter=1).fit(X)
    model.cluster_centers_ = np.array([[0.0], [52.0]])
    scores = model.anomaly_scores(X)
    assert scores.tolist() == [0.0] * 5 + [np.inf, 1.0, 1.0]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "params",
    [{}, {"metric": "cosine"}, {"metric": "manhattan"}, {"scale": "standard"},
     {"missing": "ignore"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rounding_is_not_unusual(params, dtype, seed):
    """Rows that are where their center is, but for the rounding of one of the two, have score 0,
    however many of them there are; what is farther away is found.
    """
    rng = np.random.default_rng(seed)
    places = (100 * rng.normal(size=(3, 4)) + 1000 * np.eye(3, 4)).astype(dtype)
    X = places[np.arange(60) % 3]
    if params.get("metric") == "cosine":  # one direction, many lengths
        X = (X * rng.uniform(0.1, 9, size=(60, 1))).astype(dtype)
    if "missing" in params:
        X[rng.random(X.shape) < 0.1] = np.nan
    weights = rng.uniform(0.1, 3, size=60)
    for of_rows in (None, weights):
        model = KMeans(3, random_state=0, **params).fit(X, sample_weight=of_rows)
        assert np.array_equal(model.anomaly_scores(X), np.zeros(60))
        assert np.array_equal(model.typical_distances(X), np.zeros(3))
        off = X.copy()
        off[7] *= np.array([1.01, 0.99, 1.02, 1.0], dtype)
        assert np.flatnonzero(model.anomaly_scores(off)).tolist() == [7]
