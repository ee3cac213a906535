"""Drift: it finds planted changes and nothing without them, and uses the tests that it names."""

import numpy as np
import pytest

from ckmeans import KMeans, NotFittedError, drift

pytest.importorskip("scipy")

CENTERS = np.array([[0.0, 0], [10, 0], [0, 10]])


def draw(rng, n, shares=(0.5, 0.3, 0.2), moved=0.0, spread=1.0):
    labels = rng.choice(3, n, p=shares)
    return CENTERS[labels] + moved * (labels == 0)[:, np.newaxis] + spread * rng.normal(size=(n, 2))


@pytest.fixture(scope="module")
def model():
    return KMeans(3, random_state=0, label_order="size").fit(draw(np.random.default_rng(0), 900))


@pytest.fixture(scope="module")
def reference():
    return draw(np.random.default_rng(1), 600)


def test_quiet_where_nothing_has_changed(model, reference):
    found = [
        drift(model, draw(np.random.default_rng(seed), 500), reference) for seed in range(2, 22)
    ]
    assert sum(one.drifted for one in found) <= 1  # alpha is 0.01 a call
    assert not any(one.refit for one in found)
    assert str(found[0]).startswith("No change found.")


@pytest.mark.parametrize(
    "change, cause",
    [
        (dict(shares=(0.2, 0.4, 0.4)), "shares: "),
        (dict(moved=0.8), "cluster 0: its mean moved by "),
        (dict(spread=1.5), "distances: "),
    ],
)
def test_finds_planted_changes(model, reference, change, cause):
    for seed in range(2, 7):
        found = drift(model, draw(np.random.default_rng(seed), 500, **change), reference)
        assert found.drifted and found.refit
        assert any(reason.startswith(cause) for reason in found.reasons), found.reasons
        assert "fit again" in str(found)


def test_small_changes_are_told_apart_from_large_ones(model):
    rng = np.random.default_rng(5)
    reference, new = draw(rng, 40_000), draw(rng, 40_000, shares=(0.47, 0.33, 0.2))
    found = drift(model, new, reference)
    assert found.drifted and not found.refit
    assert drift(model, new, reference, tolerance=0.01).refit


def test_p_values_are_those_of_scipy(model, reference):
    from scipy import stats

    new = draw(np.random.default_rng(9), 300, shares=(0.45, 0.3, 0.25))
    found = drift(model, new, reference)
    labels = model.predict(reference), model.predict(new)
    table = [np.bincount(side, minlength=3) for side in labels]
    assert found.shares_p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
    distances = [
        model.transform(X)[np.arange(len(X)), side] for X, side in zip((reference, new), labels)
    ]
    assert found.distances_p == pytest.approx(stats.ks_2samp(*distances).pvalue)
    for cluster in found.clusters:
        mine = [X[side == cluster.label] for X, side in zip((reference, new), labels)]
        assert cluster.shift == pytest.approx(
            np.linalg.norm(mine[0].mean(axis=0) - mine[1].mean(axis=0))
        )
        assert cluster.share_now == pytest.approx(np.mean(labels[1] == cluster.label))


def test_without_reference_only_shares_are_tested(model):
    found = drift(model, draw(np.random.default_rng(3), 500))
    assert not found.drifted and np.isnan(found.distances_p)
    assert drift(model, draw(np.random.default_rng(3), 500, shares=(0.2, 0.4, 0.4))).refit
    assert found.n_then == 900


def test_clusters_that_get_few_rows_or_none(model, reference):
    only_one = draw(np.random.default_rng(4), 300, shares=(1, 0, 0))
    found = drift(model, only_one, reference)
    assert (
        found.refit
        and found.clusters[2].share_now == 0
        and np.isnan(found.clusters[2].distance_now)
    )
    assert "nan" in str(found) or "-" in str(found)
    one = drift(KMeans(1).fit(reference), reference[:3], reference)
    assert one.shares_p == 1 and not one.drifted


def test_equal_rows(model):
    same = np.tile([[1.0, 1.0]], (50, 1))
    found = drift(KMeans(1).fit(same), same, same)
    assert not found.drifted and found.clusters[0].shift == 0


def test_text_html_and_picture(model, reference):
    found = drift(model, draw(np.random.default_rng(6), 500, moved=2.0), reference)
    assert "cluster" in found._repr_html_() and "<table" in found._repr_html_()
    assert repr(found) == "<Drift: drifted=True, refit=True>"
    pyplot = pytest.importorskip("matplotlib.pyplot")
    axes = found.plot()
    assert [axis.get_title() for axis in axes] == [
        "Share of the rows",
        "RMS distance to the center",
    ]
    pyplot.close("all")


def test_repeatable_and_leaves_its_input_alone(model, reference):
    new = draw(np.random.default_rng(7), 200)
    before = new.copy(), reference.copy()
    assert str(drift(model, new, reference)) == str(drift(model, new, reference))
    assert np.array_equal(new, before[0]) and np.array_equal(reference, before[1])


def test_refusals(model, reference):
    with pytest.raises(NotFittedError):
        drift(KMeans(2), reference)
    with pytest.raises(ValueError, match="alpha must be a number above 0 and below 1, got 1"):
        drift(model, reference, alpha=1)
    with pytest.raises(ValueError, match="tolerance must be"):
        drift(model, reference, tolerance=-1)
    with pytest.raises(ValueError, match="features"):
        drift(model, reference[:, :1])
    bare = KMeans(2)
    bare.cluster_centers_, bare.n_features_in_ = np.zeros((2, 2)), 2
    with pytest.raises(ValueError, match="no counts_: pass reference="):
        drift(bare, reference)


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_cluster_without_rows_has_dashes_for_what_it_has_not(model, reference, absent):
    new = draw(np.random.default_rng(9), 400)
    found = drift(model, new[model.predict(new) != absent], reference)
    (line,) = (text for text in str(found).splitlines() if text.split()[:1] == [str(absent)])
    assert line.split()[2:] == ["0.0%", line.split()[3], "-", "-", "-"]
    assert "nan" not in str(found) and "nan" not in found._repr_html_()


def test_without_a_reference_there_are_dashes(model):
    found = drift(model, draw(np.random.default_rng(9), 400))
    assert "nan" not in str(found) and "nan" not in found._repr_html_()
