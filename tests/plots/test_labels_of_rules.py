"""Pictures and reports show the labels of the fit where a rule gave others than the nearest."""

import re

import numpy as np
import pytest
from rules_data import blobs

from ckmeans import KMeans
from ckmeans._plots.opened import labels_of

pytest.importorskip("matplotlib").use("agg")
from ckmeans import plot, report  # noqa: E402


def colors_of(ax):
    """How many points have each color."""
    return np.unique(ax.collections[0].get_facecolors(), axis=0, return_counts=True)[1]


@pytest.mark.parametrize(
    "params",
    [
        {"n_outliers": 20},
        {"size_max": 110},
        {"n_outliers": 20, "metric": "cosine"},
        {"size_max": 110, "scale": "standard"},
        {"n_outliers": 20, "label_order": "size"},
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_labels_are_those_of_the_fit(params, weighted):
    X = blobs(400, 2)
    weights = np.full(400, 2.0) if weighted else None
    if weighted and "size_max" in params:
        params = {**params, "size_max": 220}
    model = KMeans(4, random_state=0, n_init=2, **params).fit(X, sample_weight=weights)
    assert not np.array_equal(model.labels_, model.predict(X))
    assert np.array_equal(labels_of(model, X, weights), model.labels_)
    if not weighted:
        found = colors_of(plot.clusters(model, X))  # outliers are crosses, drawn by themselves
        assert sorted(found) == sorted(np.bincount(model.labels_[model.labels_ >= 0]))


def test_other_rows_get_their_nearest_centers():
    X = blobs(400, 2)
    model = KMeans(4, random_state=0, n_init=2, n_outliers=20).fit(X)
    for rows in (X[:50], X[::-1], blobs(400, 2, seed=3)):
        assert np.array_equal(labels_of(model, rows), model.predict(rows))


@pytest.mark.parametrize("params", [{"n_outliers": 1}, {"n_outliers": 20}, {"size_max": 110}])
def test_a_report_shows_them(params):
    X = blobs(400, 2)
    model = KMeans(4, random_state=0, n_init=2, **params).fit(X)
    page = report.report(model, X)
    rows = re.search("Most unusual rows.*?</table>", page, re.DOTALL).group()
    shown = re.findall(r"<tr><td[^>]*>(\d+)</td><td[^>]*>(\d+|outlier)</td>", rows)
    assert shown
    for row, label in shown:
        assert model.labels_[int(row)] == (-1 if label == "outlier" else int(label))
    out = params.get("n_outliers", 0)
    said = re.search(r"The fit has left out (\d+) outlier", page)
    assert (int(said.group(1)) if said else 0) == out


@pytest.mark.parametrize("value", [2**31 - 1, 3, -2, "x", 0.5])
def test_labels_of_no_cluster_are_not_drawn(value):
    """Where somebody has replaced them, rows have their nearest centers."""
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = KMeans(3, random_state=0).fit(X)
    wanted = model.labels_.copy()
    model.labels_ = np.full(30, value)
    assert np.array_equal(labels_of(model, X), wanted)
