"""What the clusters of a model are: typical rows, the features that set them apart, a tree."""

from typing import Any, NamedTuple

import numpy as np

from .._estimators.base import unit_rows
from .._estimators.scaling import fitted_scaling
from .._input import checks as check
from .tree import fit_tree

#: A tree is built from at most so many rows. Of more rows a sample is drawn, the same in every
#: call.
TREE_ROWS = 20_000


class Feature(NamedTuple):
    """How a feature sets a cluster apart from the other rows."""

    name: str
    mean: float  #: of the cluster's rows
    overall: float  #: mean of all rows
    deviations: float  #: the difference of the two in standard deviations of all rows; + is above
    share: float  #: of the feature's variance, the part between this cluster and the other rows


class Cluster(NamedTuple):
    """The description of one cluster."""

    label: int
    size: int  #: rows
    share: float  #: of the total weight
    typical: np.ndarray  #: indices of the rows nearest to the center, the nearest first
    features: tuple[Feature, ...]  #: all of them, in decreasing order of `share`
    sentence: str


class Explanation:
    """What `explain` found; printing it gives a page of text.

    Attributes
    ----------
    clusters : tuple of Cluster
        By label, those without rows left out.
    tree : ClusterTree
        A decision tree that approximates the clusters.
    n_rows : int
    n_tree_rows : int
        Rows that the tree was built from.
    """

    def __init__(self, clusters, tree, n_rows, n_tree_rows):
        self.clusters = tuple(clusters)
        self.tree = tree
        self.n_rows = n_rows
        self.n_tree_rows = n_tree_rows

    def __repr__(self):
        return f"<Explanation of {len(self.clusters)} clusters of {self.n_rows} rows>"

    @property
    def tree_sentence(self):
        """How closely the tree follows the clusters, in words."""
        tree = self.tree
        drawn = (
            "" if self.n_tree_rows == self.n_rows else f" (built from {self.n_tree_rows:,} rows)"
        )
        return (
            f"As a decision tree of {tree.n_leaves} leaves{drawn}: {tree.agreement:.1%} of the "
            f"rows get the same cluster, at {tree.cost_ratio:.2f} times the inertia."
        )

    def __str__(self):
        sentences = [cluster.sentence for cluster in self.clusters]
        return "\n".join([*sentences, "", self.tree_sentence, self.tree.rules()])

    def _repr_html_(self):
        from .._output.html import fill, table

        rows = [
            [
                cluster.label,
                f"{cluster.size:,}",
                f"{cluster.share:.1%}",
                ", ".join(map(_phrase, cluster.features[:3])),
                ", ".join(map(str, cluster.typical)),
            ]
            for cluster in self.clusters
        ]
        head = ["cluster", "rows", "share", "set apart by", "typical rows"]
        return fill("{}<pre>{}</pre>", table(head, rows), self.tree.rules())


def explain(
    model: Any,
    X: Any,
    *,
    sample_weight: Any = None,
    feature_names: Any = None,
    n_typical: int = 3,
    n_leaves: int | None = None,
) -> Explanation:
    """Describe the clusters of a model.

    Parameters
    ----------
    model : KMeans, MiniBatchKMeans or BisectingKMeans
        Fitted.
    X : array-like or table of shape (n, d)
        The rows that the model was fitted on, or similar ones.
    sample_weight : array-like of shape (n,) or None, default=None
    feature_names : sequence of str or None, default=None
        None takes the names of X's columns, those of the fit, or "x0", "x1", ...
    n_typical : int, default=3
        Typical rows per cluster: those nearest to its center, the first of equally near ones.
    n_leaves : int or None, default=None
        Leaves of the tree; None: one for each cluster. More follow the clusters more closely.

    Returns
    -------
    Explanation
        For each cluster its size, typical rows, features and a sentence, and a tree. ``print`` it.

    Raises
    ------
    NotFittedError, ValueError, TypeError
        As `predict` does.

    Notes
    -----
    A feature's share is eta squared of the split into this cluster and the other rows: the part of
    the feature's variance that lies between the two. A share of 1 means that the feature alone
    identifies the cluster; features that matter only in combination have low shares. The tree is
    built by IMM (Moshkovitz et al., ICML 2020), and by ExKMC (Frost et al., 2020) beyond one leaf
    per cluster; ``tree.cost_ratio`` is the price of its simplicity. If that is far above 1, the
    clusters are not shaped like boxes in these features, and the tree should not be used to
    describe them. With ``metric="cosine"`` everything refers to rows scaled to unit length.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans import KMeans, explain
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(c, 1.0, size=(50, 2)) for c in ([0, 0], [0, 9])])
    >>> model = KMeans(2, random_state=0, label_order="size").fit(X)
    >>> print(explain(model, X, feature_names=["width", "height"]))
    Cluster 0: 50 rows (50.0%), with high height (9.03, overall 4.6).
    Cluster 1: 50 rows (50.0%), with low height (0.176, overall 4.6).
    <BLANKLINE>
    As a decision tree of 2 leaves: 100.0% of the rows get the same cluster, at 1.00 times the
    inertia. if height <= 4.30208:
      cluster 1
    else:
      cluster 0
    """
    check.check_plain(model, "explain")
    centers = check.fitted_centers(model)
    array, names = check.as_matrix(X)
    labels = model.predict(X)
    n, d = array.shape
    check.check_int(n_typical, "n_typical", 0, "an integer of at least 0")
    weights = check.as_weights(sample_weight, n)
    weights = np.ones(n) if weights is None else weights
    names = _names(model, names, feature_names, d)
    live = np.unique(labels)
    if n_leaves is None:
        n_leaves = len(live)
    check.check_int(
        n_leaves, "n_leaves", len(live), f"None or an integer of at least {len(live)}, the clusters"
    )
    rows = unit_rows(array) if model.metric == "cosine" else np.asarray(array, dtype=np.float64)
    scaling = fitted_scaling(model)
    scaled, centers = scaling.inside(rows), scaling.inside(centers)
    sq_distances = ((scaled - centers[labels]) ** 2).sum(axis=1)
    clusters = _clusters(rows, labels, sq_distances, weights, names, n_typical)
    if n > TREE_ROWS:
        drawn = np.sort(np.random.default_rng(0).choice(n, TREE_ROWS, replace=False))
    else:
        drawn = np.arange(n)
    tree = fit_tree(scaled[drawn], labels[drawn], centers, weights[drawn], names, n_leaves)
    if scaling.divisors is not None:  # thresholds in the units of the data
        tree.nodes = tuple(
            node._replace(threshold=node.threshold * float(scaling.divisors[node.feature]))
            if node.feature >= 0
            else node
            for node in tree.nodes
        )
    return Explanation(clusters, tree, n, len(drawn))


def _names(model, names, given, d):
    """The name of each feature: the given one, else that of X, else that of the fit."""
    if given is not None:
        given = [str(name) for name in given]
        if len(given) != d:
            raise ValueError(f"feature_names has {len(given)} names, but X has {d} features")
        return given
    if names is None:
        names = getattr(model, "feature_names_in_", None)
    return [f"x{i}" for i in range(d)] if names is None else [str(name) for name in names]


def _clusters(rows, labels, sq_distances, weights, names, n_typical):
    """The description of each cluster, by label."""
    total = weights.sum()
    overall = np.average(rows, axis=0, weights=weights)
    # Relative to one of the rows, so that no digits are lost where values are far from 0.
    variance = np.average((rows - overall) ** 2, axis=0, weights=weights)
    spread = np.sqrt(variance)
    found = []
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        weight = weights[mine].sum()
        if weight == 0:
            continue
        mean = np.average(rows[mine], axis=0, weights=weights[mine])
        with np.errstate(invalid="ignore", divide="ignore"):
            deviations = np.where(spread > 0, (mean - overall) / spread, 0.0)
        # Between this cluster and the rest: w (m_1 - m)^2 + (W - w) (m_0 - m)^2, as a share of W
        # s^2.
        part = weight / total
        shares = deviations**2 * part / (1 - part) if part < 1 else np.zeros(len(names))
        shares = np.clip(shares, 0.0, 1.0)
        ranked = sorted(range(len(names)), key=lambda f: -shares[f])
        features = tuple(
            Feature(
                names[f], float(mean[f]), float(overall[f]), float(deviations[f]), float(shares[f])
            )
            for f in ranked
        )
        typical = mine[np.argsort(sq_distances[mine], kind="stable")[:n_typical]]
        found.append(
            Cluster(
                int(label), len(mine), float(part), typical, features,
                _sentence(int(label), len(mine), float(part), features),
            )
        )  # fmt: skip
    return found


def _sentence(label, size, share, features):
    """A cluster in words: at most three features, those with at least a tenth of the top share."""
    start = f"Cluster {label}: {size:,} row{'s' * (size != 1)} ({share:.1%})"
    told = [f for f in features[:3] if f.share >= 0.05 and f.share >= 0.1 * features[0].share]
    if not told:
        return f"{start}, not set apart by any single feature."
    return f"{start}, with {', '.join(map(_phrase, told))}."


def _phrase(feature):
    """A feature's direction in words; "very" from two standard deviations on."""
    direction = "high" if feature.deviations > 0 else "low"
    if abs(feature.deviations) >= 2:
        direction = "very " + direction
    overall = feature.overall
    if abs(overall) < 1e-9 * abs(feature.mean):  # standardized rows: a rounding error
        overall = 0.0
    return f"{direction} {feature.name} ({feature.mean:.3g}, overall {overall:.3g})"
