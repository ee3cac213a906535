"""Rules in one fit: those that go together, and one line for those that do not."""

import itertools

import numpy as np
import pytest
from checks import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_data import blobs

from ckmeans import KMeans
from ckmeans._rules import RULES, rule_for

#: What asks for each rule: parameters of the estimator, and whether labels are known.
ASKS = {
    "sizes": {"size_min": 20, "size_max": 200},
    "outliers": {"n_outliers": 9},
    "known labels": {},
    "medians": {"metric": "manhattan"},
    "gaps": {"missing": "ignore"},
}


def some_known(n, k, share, seed):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < share, rng.integers(k, size=n), -1)


def test_every_rule_is_asked_for_here():
    assert set(ASKS) == set(RULES)


@pytest.mark.parametrize("pair", list(itertools.combinations(RULES, 2)), ids="+".join)
def test_a_pair_works_or_is_refused_in_one_line_that_lists_what_goes(pair):
    params = {**ASKS[pair[0]], **ASKS[pair[1]]}
    known = some_known(400, 4, 0.2, 0) if "known labels" in pair else None
    model = KMeans(4, random_state=0, n_init=2, **params)
    together = pair[1] in RULES[pair[0]].rules
    assert together == (pair[0] in RULES[pair[1]].rules)
    if together:
        model.fit(blobs(), labels_known=known)
        assert (model.labels_[known >= 0] == known[known >= 0]).all()
        return
    with pytest.raises(ValueError, match="cannot be used with .*: goes with ") as raised:
        model.fit(blobs(), labels_known=known)
    assert "\n" not in str(raised.value)
    values = {**model.get_params(deep=False), "labels_known": known}
    with pytest.raises(ValueError, match="goes with"):
        rule_for(values)


def test_three_rules_are_refused():
    with pytest.raises(ValueError, match="size_max cannot be used with n_outliers"):
        KMeans(4, size_max=200, n_outliers=3).fit(blobs(), labels_known=np.full(400, -1))


@given(st.integers(0, 10**6), st.sampled_from(["normal", "grid"]), st.booleans())
@settings(max_examples=20)
def test_sizes_with_known_labels_are_optimal_for_the_other_rows(seed, kind, weighted):
    """The rows that are not known are assigned as if known ones had taken their room."""
    linear = pytest.importorskip("scipy.optimize")
    n, k = 30, 3
    X = blobs(n, 2, k, seed, kind)
    known = some_known(n, k, 0.3, seed)
    free = known < 0
    taken = np.bincount(known[~free], minlength=k)
    most = np.maximum(taken, -(-n // k)) + 1
    model = KMeans(k, init=X[:k], size_max=most, max_iter=1, tol=0)
    weights = np.full(n, 2.5) if weighted else None
    if weighted:
        model.set_params(size_max=2.5 * most)
    states = list(model.iter_fit(X, weights, labels_known=known))
    labels = states[1].labels
    assert (labels[~free] == known[~free]).all()
    assert (np.bincount(labels, minlength=k) <= most).all()
    centers = np.array(X[:k])
    for j in np.unique(known[~free]):  # where the run starts
        centers[j] = X[known == j].mean(axis=0)
    places = np.repeat(np.arange(k), most - taken)
    sq = ((X[free][:, None] - centers[places]) ** 2).sum(axis=2)
    rows, columns = linear.linear_sum_assignment(sq)
    cost = ((X[free] - centers[labels[free]]) ** 2).sum()
    assert cost == pytest.approx(sq[rows, columns].sum(), rel=1e-9, abs=1e-9)


@given(st.integers(0, 10**6), st.sampled_from(["normal", "grid"]), st.booleans())
@settings(max_examples=20)
def test_outliers_with_known_labels_are_the_farthest_of_the_other_rows(seed, kind, weighted):
    n, k, count = 60, 3, 7
    X = blobs(n, 2, k, seed, kind)
    known = some_known(n, k, 0.3, seed)
    weights = np.random.default_rng(seed).integers(0, 3, size=n) * 1.0 if weighted else np.ones(n)
    weights[:k] = 1
    model = KMeans(k, init=X[:k], n_outliers=count)
    model.fit(X, sample_weight=weights, labels_known=known)
    left_out = model.labels_ == -1
    free = known < 0
    assert (model.labels_[~free] == known[~free]).all()
    assert left_out.sum() == count and not left_out[weights == 0].any()
    if model.stop_reason_ == "labels":
        scores = weights * ((X[:, None] - model.cluster_centers_) ** 2).sum(axis=2).min(axis=1)
        assert scores[left_out].min() >= scores[free & ~left_out].max() * (1 - 1e-9)


@pytest.mark.parametrize("params", [{"size_max": 110}, {"n_outliers": 11}], ids=str)
def test_threads_and_the_order_of_rows_are_no_matter(params):
    X = np.unique(blobs(400, 3), axis=0)
    known = some_known(len(X), 4, 0.1, 1)
    order = np.random.default_rng(0).permutation(len(X))
    model = KMeans(4, init=X[:4], n_threads=1, **params).fit(X, labels_known=known)
    again = KMeans(4, init=X[:4], n_threads=4, **params).fit(X, labels_known=known)
    assert_same(model, again)
    other = KMeans(4, init=X[:4], **params).fit(X[order], labels_known=known[order])
    assert np.array_equal(model.labels_[order], other.labels_)
    assert np.array_equal(model.cluster_centers_, other.cluster_centers_)


@pytest.mark.parametrize("params", [{"size_max": 110}, {"n_outliers": 11}], ids=str)
def test_with_no_known_row_nothing_changes(params):
    X = blobs()
    plain = KMeans(4, init=X[:4], **params).fit(X)
    model = KMeans(4, init=X[:4], **params).fit(X, labels_known=np.full(400, -1))
    assert_same(plain, model)


@pytest.mark.parametrize("params", [{"size_max": 110}, {"n_outliers": 11}], ids=str)
def test_seeded_rows_may_leave(params):
    X = blobs()
    known = some_known(400, 4, 0.3, 2)
    model = KMeans(4, known="seeded", **params).fit(X, labels_known=known)
    assert (model.labels_[known >= 0] != known[known >= 0]).any()
    if "size_max" in params:
        assert model.counts_.max() <= 110


def test_all_rows_known():
    X, known = blobs(), np.arange(400) % 4
    model = KMeans(4, size_min=50).fit(X, labels_known=known)
    assert np.array_equal(model.labels_, known)
    many = np.random.default_rng(0).normal(size=(40_000, 2))
    known = np.arange(40_000) % 4
    assert np.array_equal(KMeans(4, size_min=50).fit(many, labels_known=known).labels_, known)


@pytest.mark.parametrize(
    ("params", "weights", "words"),
    [
        ({"size_max": 120}, None, "has 150 rows in cluster 0, above size_max=120"),
        ({"size_max": 240}, np.full(400, 2.0), "has 300 of weight in cluster 0, above size_max"),
        ({"size_min": [10, 90, 90, 90]}, None, "asks for 270 rows beside .* leaves 250"),
        ({"n_outliers": 251}, None, "n_outliers=251 asks for 251 rows, .* all but 250 of 400"),
    ],
)
def test_what_known_labels_leave_no_room_for(params, weights, words):
    known = np.full(400, -1)
    known[:150] = 0
    with pytest.raises(ValueError, match=words) as raised:
        KMeans(4, init=lambda *_, **__: 1 / 0, **params).fit(
            blobs(), sample_weight=weights, labels_known=known
        )
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("n, runs", [(400, 10), (1100, 4)])
def test_fits_with_rules_begin_from_fewer_starts_the_more_work_there_is(n, runs):
    X = np.random.default_rng(0).normal(size=(n, 100))
    for params in ({"size_max": n}, {"n_outliers": 3}, {"metric": "manhattan"}):
        model = KMeans(10, random_state=0, max_iter=1, **params).fit(X)
        assert len(model.runs_) == runs
    assert len(KMeans(10, size_max=n, init="k-means++", max_iter=1).fit(X).runs_) == 10
    assert len(KMeans(10, size_max=n, n_init=2, max_iter=1).fit(X).runs_) == 2
