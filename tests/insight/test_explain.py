"""Explanations: sizes, typical rows and shares against plain NumPy, trees against an exhaustive
search.
"""

import sqlite3

import numpy as np
import pytest

from ckmeans import BisectingKMeans, KMeans, NotFittedError, drift, explain, plot, report


def blobs(n=60, centers=((0, 0, 0), (9, 0, 0), (0, 9, 0), (9, 9, 0)), seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(center, 1.0, (n, 3)) for center in centers])


def eta_squared(x, inside):
    """Between-groups share of the variance, by its definition."""
    between = sum(group.sum() * (x[group].mean() - x.mean()) ** 2 for group in (inside, ~inside))
    return between / ((x - x.mean()) ** 2).sum()


def test_clusters_against_plain_numpy():
    X = blobs()
    model = KMeans(4, random_state=0).fit(X)
    found = explain(model, X, n_typical=5)
    assert [cluster.label for cluster in found.clusters] == [0, 1, 2, 3]
    for cluster in found.clusters:
        inside = model.labels_ == cluster.label
        assert cluster.size == inside.sum() and cluster.share == pytest.approx(inside.mean())
        distances = np.where(inside, model.transform(X)[:, cluster.label], np.inf)
        assert cluster.typical.tolist() == np.argsort(distances, kind="stable")[:5].tolist()
        assert sorted(feature.name for feature in cluster.features) == ["x0", "x1", "x2"]
        shares = [feature.share for feature in cluster.features]
        assert shares == sorted(shares, reverse=True)
        for feature in cluster.features:
            x = X[:, int(feature.name[1])]
            assert feature.share == pytest.approx(eta_squared(x, inside))
            assert feature.mean == pytest.approx(x[inside].mean())
            assert feature.deviations == pytest.approx((x[inside].mean() - x.mean()) / x.std())


def test_weights_count_as_repeated_rows():
    X = blobs(n=20)
    weights = np.random.default_rng(1).integers(1, 4, len(X))
    model = KMeans(4, random_state=0).fit(X, sample_weight=weights)
    weighted = explain(model, X, sample_weight=weights)
    repeated = explain(model, np.repeat(X, weights, axis=0))
    for one, other in zip(weighted.clusters, repeated.clusters):
        assert one.share == pytest.approx(other.share)
        for a, b in zip(one.features, other.features):
            assert a.name == b.name and a.share == pytest.approx(b.share)
    assert weighted.tree.rules() == repeated.tree.rules()
    assert weighted.tree.cost_ratio == pytest.approx(repeated.tree.cost_ratio)


def test_separated_clusters_make_a_tree_without_mistakes():
    X = blobs()
    model = KMeans(4, random_state=0).fit(X)
    tree = explain(model, X).tree
    assert tree.n_leaves == 4 and tree.agreement == 1 and tree.cost_ratio == pytest.approx(1)
    assert np.array_equal(tree.predict(X), model.labels_)
    assert {node.feature for node in tree.nodes} == {-1, 0, 1}  # the third feature is noise


@pytest.mark.parametrize("seed", range(8))
def test_first_question_makes_the_least_mistakes_there_are(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 8, (40, 2)).astype(float) + rng.integers(0, 2) * rng.normal(0, 0.2, (40, 2))
    model = KMeans(3, random_state=0).fit(X)
    root = explain(model, X).tree.nodes[0]
    centers, own = model.cluster_centers_, model.cluster_centers_[model.labels_]

    def mistakes(feature, threshold):
        parts = np.unique(centers[:, feature] <= threshold)
        if len(parts) < 2:
            return np.inf
        return np.count_nonzero((X[:, feature] <= threshold) != (own[:, feature] <= threshold))

    places = [np.unique(np.r_[X[:, f], centers[:, f]]) for f in range(2)]
    tried = [
        mistakes(f, t)
        for f in range(2)
        for t in np.r_[places[f], places[f][:-1] + np.diff(places[f]) / 2]
    ]
    assert mistakes(root.feature, root.threshold) == min(tried)


def test_more_leaves_follow_the_clusters_more_closely():
    X = np.random.default_rng(3).normal(size=(800, 2))
    model = KMeans(6, random_state=0).fit(X)
    trees = [explain(model, X, n_leaves=leaves).tree for leaves in (6, 9, 14)]
    assert [tree.n_leaves for tree in trees] == [6, 9, 14]
    assert trees[0].cost_ratio > trees[1].cost_ratio > trees[2].cost_ratio > 1
    # Every node is reached, and children come after their parents.
    for tree in trees:
        for index, node in enumerate(tree.nodes):
            assert node.feature < 0 or (node.left > index and node.right > index)


@pytest.mark.parametrize("n_leaves", [None, 12])
def test_rules_and_sql_say_what_the_tree_does(n_leaves):
    X = np.random.default_rng(4).normal(size=(300, 2))
    names = ["a b", 'c "d"']
    model = KMeans(5, random_state=0).fit(X)
    tree = explain(model, X, feature_names=names, n_leaves=n_leaves).tree
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE points ("a b" REAL, "c ""d""" REAL)')
    connection.executemany("INSERT INTO points VALUES (?, ?)", X.tolist())
    found = connection.execute(tree.to_sql("points", dialect="sqlite")).fetchall()
    assert np.array_equal(np.array(found)[:, -1], tree.predict(X))
    lines = tree.rules().splitlines()
    assert sum("cluster" in line for line in lines) == tree.n_leaves
    assert str(tree) == tree.rules()
    with pytest.raises(ValueError, match="columns has 1 names, but the tree has 2"):
        tree.to_sql("points", columns=["a"])
    with pytest.raises(ValueError, match="X has 3 features, but the tree is expecting 2"):
        tree.predict(np.zeros((1, 3)))


def test_far_from_zero():
    X = blobs() + 1e8
    model = KMeans(4, random_state=0).fit(X)
    found = explain(model, X, n_leaves=6)
    assert found.tree.agreement == 1
    assert found.clusters[0].features[0].share > 0.2


def test_odd_clusters():
    # One cluster; equal rows; more clusters than distinct rows; a constant feature.
    one = explain(KMeans(1).fit(blobs()), blobs())
    assert one.tree.n_leaves == 1 and one.tree.rules() == "cluster 0"
    assert "not set apart by any single feature" in str(one)
    X = np.array([[0.0, 5], [0, 5], [1, 5]])
    with pytest.warns(UserWarning, match="distinct"):
        model = KMeans(3, random_state=0).fit(X)
    found = explain(model, X)
    assert [cluster.size for cluster in found.clusters] == [2, 1]
    assert found.tree.agreement == 1 and found.tree.cost_ratio == 1
    # Centers that no threshold separates from each other.
    model = KMeans(2, init=[[0.0, 0.0], [0.0, 0.0]], n_init=1, max_iter=1).fit(np.zeros((3, 2)))
    assert explain(model, np.zeros((3, 2))).tree.n_leaves == 1


def test_cosine_and_bisecting():
    X = np.abs(blobs()) + 0.1
    for model in (KMeans(3, metric="cosine", random_state=0), BisectingKMeans(3, random_state=0)):
        found = explain(model.fit(X), X)
        assert sum(cluster.size for cluster in found.clusters) == len(X)
        assert found.tree.agreement > 0.8


def test_many_rows_are_drawn_for_the_tree_and_it_says_so():
    X = blobs(n=6000)
    found = explain(KMeans(4, random_state=0).fit(X), X)
    assert (found.n_rows, found.n_tree_rows) == (24_000, 20_000)
    assert "built from 20,000 rows" in str(found)
    assert found.tree.rules() == explain(KMeans(4, random_state=0).fit(X), X).tree.rules()


def test_names_come_from_where_they_are_known():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(blobs(), columns=["length", "width", "<b>"])
    model = KMeans(4, random_state=0).fit(X)
    text = str(explain(model, X))
    assert "length" in text and "width" in text
    assert "<b>" not in explain(model, X, n_leaves=4)._repr_html_().replace("<b>&", "")
    assert "Länge" in str(explain(model, X, feature_names=["Länge", "b", "c"]))


def test_refusals():
    X = blobs()
    with pytest.raises(NotFittedError):
        explain(KMeans(2), X)
    model = KMeans(4, random_state=0).fit(X)
    with pytest.raises(ValueError, match="features"):
        explain(model, X[:, :2])
    with pytest.raises(ValueError, match="feature_names has 2 names, but X has 3"):
        explain(model, X, feature_names=["a", "b"])
    with pytest.raises(ValueError, match="n_leaves must be None or an integer of at least 4"):
        explain(model, X, n_leaves=3)
    before = X.copy()
    explain(model, X)
    assert np.array_equal(X, before)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_the_mean_of_standardized_rows_is_said_to_be_0(scale):
    X = blobs()
    X = scale * (X - X.mean(axis=0)) / X.std(axis=0)
    assert 0 < np.abs(X.mean(axis=0)).max() < 1e-9 * scale
    for cluster in explain(KMeans(4, random_state=0).fit(X), X).clusters:
        assert "overall 0)" in cluster.sentence
        assert "e-1" not in cluster.sentence.partition("overall")[2]


@pytest.mark.parametrize("use", [explain, drift, plot.clusters, report.report])
def test_what_has_no_centers_is_told_what_has(use):
    pytest.importorskip("sklearn")
    pytest.importorskip("scipy")
    pytest.importorskip("matplotlib")
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X = blobs()
    pipeline = make_pipeline(StandardScaler(), KMeans(4, random_state=0)).fit(X)
    with pytest.raises(TypeError, match=r"A Pipeline has no centers.*pipeline\[-1\]"):
        use(pipeline, X)
    search = GridSearchCV(KMeans(random_state=0), {"n_clusters": [2, 3]}, cv=2).fit(X)
    with pytest.raises(TypeError, match="A GridSearchCV has no centers. Pass its best_estimator_"):
        use(search, X)
    with pytest.raises(TypeError, match="A fitted model is needed, got .* of type ndarray"):
        use(X, X)
    with pytest.raises(NotFittedError, match="This KMeans instance is not fitted yet"):
        use(KMeans(4), X)
    assert use(pipeline[-1], pipeline[:-1].transform(X)) is not None


def test_a_model_that_scales_is_explained_in_the_units_of_the_data():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(c, 1, size=(50, 2)) for c in ([0, 0], [9, 0])]) * [1, 1e4]
    model = KMeans(2, random_state=0, scale="standard").fit(X)
    found = explain(model, X)
    assert 2 < found.tree.nodes[0].threshold < 8 and found.tree.nodes[0].feature == 0
    assert np.mean(found.tree.predict(X) == model.labels_) > 0.97
    for cluster in found.clusters:
        mine = np.flatnonzero(model.labels_ == cluster.label)
        assert cluster.typical[0] == mine[model.distances(X)[mine].argmin()]
