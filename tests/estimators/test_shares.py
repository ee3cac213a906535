"""`predict_proba` of all models: the softmax written out, its temperature, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ckmeans
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans, NotFittedError

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 3)) + 4 * rng.integers(3, size=(300, 1))
MODELS = {
    "kmeans": KMeans(3, random_state=0),
    "minibatch": MiniBatchKMeans(3, random_state=0),
    "bisecting": BisectingKMeans(3, random_state=0),
    "cosine": KMeans(3, random_state=0, metric="cosine"),
}


def by_definition(X, centers, temperature):
    """Shares from squared distances, one row and one center at a time."""
    out = []
    for x in np.asarray(X, np.float64):
        energies = [((x - c) ** 2).sum() / (2 * temperature) for c in centers]
        parts = [np.exp(min(energies) - each) for each in energies]
        out.append([part / sum(parts) for part in parts])
    return np.array(out)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_softmax_of_squared_distances(name, dtype):
    rows, weights = X.astype(dtype), rng.random(len(X))
    model = MODELS[name].fit(rows, sample_weight=weights)
    centers, points = model.cluster_centers_.astype(float), rows.astype(float)
    if model.metric == "cosine":
        centers = centers / np.linalg.norm(centers, axis=1, keepdims=True)
        points = points / np.linalg.norm(points, axis=1, keepdims=True)
    squares = ((points - centers[model.predict(rows)]) ** 2).sum(axis=1)
    temperature = (weights * squares).sum() / (weights.sum() * X.shape[1])
    found = model.predict_proba(rows)
    assert found.dtype == np.float64 and found.shape == (300, 3)
    np.testing.assert_allclose(found, by_definition(points, centers, temperature), rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(
        model.predict_proba(rows, temperature=2.5), by_definition(points, centers, 2.5), rtol=1e-5
    )
    if name != "bisecting":  # whose labels need not be those of the nearest centers
        assert np.array_equal(found.argmax(axis=1), model.predict(rows))


@given(
    st.lists(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2), min_size=3, max_size=8),
    st.floats(1e-300, 1e300),
)
def test_shares_add_up_at_any_temperature(rows, temperature):
    model = KMeans(2, init=[[0.0, 0.0], [1.0, 5.0]], max_iter=1)
    model.cluster_centers_, model.n_features_in_ = np.array([[0.0, 0.0], [1.0, 5.0]]), 2
    found = model.predict_proba(rows, temperature=temperature)
    assert np.all((found >= 0) & (found <= 1))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-14)
    sure = found.max(axis=1) > 0.5 + 1e-9
    assert np.array_equal(found.argmax(axis=1)[sure], model.predict(rows)[sure])


def test_the_limits():
    model = KMeans(2, random_state=0, label_order="center").fit([[0.0], [0.0], [8.0]])
    assert model.inertia_ == 0  # so the temperature is, too
    assert model.predict_proba([[0.0], [3.9], [4.0], [9.0]]).tolist() == [
        [1, 0],
        [1, 0],
        [0.5, 0.5],
        [0, 1],
    ]
    np.testing.assert_allclose(model.predict_proba([[0.0], [8.0]], temperature=1e12), 0.5)


def test_weights_that_are_all_twice_as_large_change_nothing():
    one = KMeans(3, random_state=0).fit(X).predict_proba(X)
    two = KMeans(3, random_state=0).fit(X, sample_weight=np.full(300, 2.0)).predict_proba(X)
    np.testing.assert_allclose(one, two, rtol=1e-12)


def test_files_and_chunks_keep_the_temperature(tmp_path):
    weights = rng.random(300)
    model = KMeans(3, random_state=0, n_init=1).fit(X, sample_weight=weights)
    model.save(tmp_path / "m.npz")
    expected = model.predict_proba(X)
    assert np.array_equal(ckmeans.load(tmp_path / "m.npz").predict_proba(X), expected)
    chunks = [(X[:100], weights[:100]), (X[100:], weights[100:])]
    again = KMeans(3, random_state=0, n_init=1).fit_chunks(lambda: iter(chunks))
    np.testing.assert_allclose(again.predict_proba(X), expected, rtol=1e-12)


def test_rows_in_any_layout_give_the_same():
    model = KMeans(3, random_state=0).fit(X)
    assert np.array_equal(model.predict_proba(np.asfortranarray(X)), model.predict_proba(X))
    assert np.array_equal(model.predict_proba(X[::-1])[::-1], model.predict_proba(X))


def test_what_is_refused():
    model = KMeans(2, random_state=0)
    with pytest.raises(NotFittedError):
        model.predict_proba([[0.0]])
    model.fit([[0.0], [1.0], [9.0]])
    for value, error in ((0, ValueError), (-1.0, ValueError), (np.nan, ValueError)):
        with pytest.raises(error, match="temperature must be"):
            model.predict_proba([[0.0]], temperature=value)
    with pytest.raises(TypeError, match="temperature must be"):
        model.predict_proba([[0.0]], temperature="hot")
    with pytest.raises(ValueError, match="NaN"):
        model.predict_proba([[np.nan]])
    partial = MiniBatchKMeans(2, compute_labels=False, random_state=0).fit(X)
    with pytest.raises(ValueError, match="pass temperature="):
        partial.predict_proba(X)
    assert partial.predict_proba(X, temperature=1.0).shape == (300, 2)


def test_sparse_rows_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match=r"dense rows only.*toarray"):
        KMeans(3, random_state=0).fit(X).predict_proba(sparse.csr_matrix(X))


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf")])
def test_a_wrong_temperature_is_told_what_none_does(temperature):
    model = KMeans(2, random_state=0).fit([[0.0], [1.0], [9.0]])
    with pytest.raises(ValueError, match="None takes one from the inertia"):
        model.predict_proba([[1.0]], temperature=temperature)
