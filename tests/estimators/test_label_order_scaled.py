"""Labels that stay with `scale=`: centers are compared by the distances of the new fit."""

import copy
import pickle

import numpy as np
import pytest

import ckmeans
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans, load, match


def month(seed, swapped=False, dtype=np.float64):
    """Ages 20 and 60 and years of work 0 and 40, which stay apart, and incomes that are almost
    alike, in rising order of age or `swapped`. In the units of the data incomes alone decide.
    """
    rng = np.random.default_rng(seed)
    incomes = (50500, 49500) if swapped else (49500, 50500)
    return np.concatenate(
        [
            rng.normal((age, age - 20, income), (2, 2, 900), size=(100, 3))
            for age, income in zip((20, 60), incomes)
        ]
    ).astype(dtype)


A, B = month(0), month(1, swapped=True)
EARLIER = [
    pytest.param(lambda: KMeans(2, scale="standard", random_state=0).fit(A), id="standard"),
    pytest.param(lambda: KMeans(2, scale="robust", random_state=0).fit(A), id="robust"),
    # A model without a scale: its rows are given in units that are comparable.
    pytest.param(lambda: in_units(KMeans(2, random_state=0)), id="plain"),
    pytest.param(lambda: in_units(MiniBatchKMeans(2, random_state=0)), id="minibatch"),
    pytest.param(lambda: in_units(BisectingKMeans(2, random_state=0)), id="bisecting"),
]


def in_units(model):
    """A model of the columns divided by their spreads, its centers in the units of the data."""
    model.fit(A / A.std(axis=0))
    model.cluster_centers_ = model.cluster_centers_ * A.std(axis=0)
    return model


@pytest.mark.parametrize("make", EARLIER)
@pytest.mark.parametrize("scale", ["standard", "robust"])
@pytest.mark.parametrize("rows", ["float64", "float32", "sparse"])
@pytest.mark.parametrize("seed", range(3))
def test_labels_stay_with_the_age(make, scale, rows, seed):
    before = make()
    X = B.astype(np.float32) if rows == "float32" else B
    if rows == "sparse":
        X = pytest.importorskip("scipy.sparse").csr_array(B)
    order = before.cluster_centers_
    now = KMeans(2, scale=scale, random_state=seed, label_order=order).fit(X)
    assert np.array_equal(now.cluster_centers_[:, 0] > 40, order[:, 0] > 40)
    assert np.array_equal(now.predict(X), now.labels_)
    like = KMeans(2, scale=scale, random_state=seed, label_order=before).fit(X)
    assert np.array_equal(like.labels_, now.labels_)


@pytest.mark.parametrize("scale", ["standard", "robust"])
@pytest.mark.parametrize("turned", [False, True])
def test_match_agrees_with_its_table(scale, turned):
    before = KMeans(2, scale=scale, init=A[[0, 150]]).fit(A)
    now = KMeans(2, scale=scale, init=B[[150, 0] if turned else [0, 150]]).fit(B)
    found = match(now, before, B)
    assert found.continues.tolist() == ([1, 0] if turned else [0, 1])
    assert np.array_equal(found.table.argmax(axis=0), found.continues)
    assert len(found.changed) < len(B) / 5
    apart = (now.cluster_centers_ - before.cluster_centers_[found.continues]) / now.scale_
    assert np.allclose(found.shifts, np.linalg.norm(apart, axis=1), rtol=1e-12)
    three = KMeans(3, scale=scale, random_state=0).fit(B)
    taken = match(three, before, B).continues
    kept = taken >= 0
    assert sorted(taken[kept]) == [0, 1]
    assert np.array_equal(
        three.cluster_centers_[kept, 0] > 40, before.cluster_centers_[taken[kept], 0] > 40
    )


def test_the_scale_of_the_new_fit_counts():
    """For one the first column decides, for the other the second."""
    before, now = (KMeans(2, scale="standard", init=X[[0, 150]]).fit(X) for X in (A, B))
    before.scale_ = np.array([1e9, 1e9, 1.0])
    assert match(now, before, B).continues.tolist() == [0, 1]
    now.scale_, before.scale_ = before.scale_, now.scale_
    assert match(now, before, B).continues.tolist() == [1, 0]


@pytest.mark.parametrize("options", [{"size_min": 50}, {"n_outliers": 3}])
def test_rules_keep_the_labels_too(options):
    before = KMeans(2, scale="standard", random_state=0).fit(A)
    for seed in range(2):
        model = KMeans(2, scale="standard", random_state=seed, label_order=before, **options)
        found = model.fit(B).cluster_centers_
        assert np.array_equal(found[:, 0] > 40, before.cluster_centers_[:, 0] > 40)


@pytest.mark.parametrize("spread", [1e-300, 1e-130, 1e-9])
def test_a_column_that_hardly_varies_leaves_costs_finite(spread):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=60), np.tile([0.0, spread], 30)])
    order = np.array([[0.0, 5.0], [1.0, -1e100], [2.0, 3.0]])
    model = KMeans(3, scale="standard", random_state=0, label_order=order).fit(X)
    assert sorted(set(model.labels_)) == [0, 1, 2]
    found = match(model, KMeans(3, init=order).fit(order), X)
    assert sorted(found.continues) == [0, 1, 2] and np.isfinite(found.shifts).all()


# ---- a model as label_order


@pytest.mark.parametrize("kind", [KMeans, MiniBatchKMeans])
def test_of_a_model_the_centers_are_kept(kind, tmp_path):
    before = KMeans(2, random_state=0).fit(A)
    for model in (
        kind(2, random_state=1, label_order=before),
        kind(2, random_state=1).set_params(label_order=before),
    ):
        assert np.array_equal(model.label_order, before.cluster_centers_)
        assert model.label_order is not before.cluster_centers_
        model.fit(B)
        named = kind(2, random_state=1, label_order=before.cluster_centers_).fit(B)
        assert np.array_equal(model.labels_, named.labels_)
        model.save(tmp_path / "m.npz")
        for again in (
            load(tmp_path / "m.npz"),
            copy.deepcopy(model),
            pickle.loads(pickle.dumps(model)),
        ):
            assert np.array_equal(again.label_order, before.cluster_centers_)
            assert np.array_equal(again.fit(B).labels_, model.labels_)
        model.set_params(label_order=model).fit(A)  # the model itself
        assert "label_order=array" in repr(model)


def test_clones_of_scikit_learn_and_its_models():
    base, cluster = pytest.importorskip("sklearn.base"), pytest.importorskip("sklearn.cluster")
    before = cluster.KMeans(2, random_state=0, n_init=1).fit(A)
    model = KMeans(2, random_state=1, label_order=before)
    again = base.clone(model)
    assert np.array_equal(again.label_order, before.cluster_centers_)
    assert np.array_equal(again.fit(B).labels_, model.fit(B).labels_)


def test_a_model_given_as_an_attribute_and_in_chunks():
    before = KMeans(2, random_state=0).fit(A)
    model = KMeans(2, random_state=1)
    model.label_order = before
    named = KMeans(2, random_state=1, label_order=before.cluster_centers_)
    assert np.array_equal(model.fit(B).labels_, named.fit(B).labels_)
    assert np.array_equal(
        model.fit_chunks([B[:90], B[90:]]).cluster_centers_,
        named.fit_chunks([B[:90], B[90:]]).cluster_centers_,
    )
    with pytest.raises(
        ValueError, match=r"shape \(2, 3\), but there are centers of shape \(3, 3\)"
    ):
        KMeans(3, label_order=before).fit(B)
    with pytest.raises(TypeError, match="without cluster_centers_"):
        ckmeans.MiniBatchKMeans(2, label_order=KMeans(2)).fit(B)
