"""A small decision tree that approximates the clusters of a model, by thresholds on single
features.

A tree with one leaf per cluster is built by IMM (iterative mistake minimization; Moshkovitz,
Dasgupta, Rashtchian & Frost, ICML 2020); further leaves are added where they lower the cost most
(ExKMC; Frost, Moshkovitz & Rashtchian, arXiv:2006.02399).
"""

from typing import Any, NamedTuple

import numpy as np

from .._exports.sql import DIALECTS, literal, quoted
from .._input import checks as check


class Node(NamedTuple):
    """A node of a tree: a comparison if it has a feature, else a leaf."""

    feature: int  #: index of the feature that is compared; -1 for a leaf
    threshold: float  #: rows with a value of at most this go to `left`
    left: int  #: index of the node for those; -1 for a leaf
    right: int  #: index of the node for the others; -1 for a leaf
    label: int  #: the cluster of a leaf; -1 otherwise


class ClusterTree:
    """A decision tree that approximates the clusters of a model.

    Attributes
    ----------
    nodes : tuple of Node
        The first is the root; children come after their parents.
    n_leaves : int
    cost_ratio : float
        Sum of squared distances of the rows to the means of the tree's clusters, divided by that of
        the model's labels: 1 is as good as the model.
    agreement : float
        Share of the rows that tree and model put into the same cluster.
    feature_names : tuple of str
    """

    def __init__(self, nodes, feature_names, cost_ratio, agreement):
        self.nodes = tuple(nodes)
        self.feature_names = tuple(feature_names)
        self.cost_ratio = cost_ratio
        self.agreement = agreement

    @property
    def n_leaves(self) -> int:
        return sum(node.feature < 0 for node in self.nodes)

    def __repr__(self):
        return (
            f"<ClusterTree of {self.n_leaves} leaves, cost ratio {self.cost_ratio:.3f}, "
            f"agreement {self.agreement:.1%}>"
        )

    def predict(self, X: Any) -> np.ndarray:
        """The cluster that the tree puts each row into.

        Parameters
        ----------
        X : array-like or table of shape (n, d)

        Returns
        -------
        labels : ndarray of shape (n,), int32
        """
        array, _ = check.as_matrix(X)
        if array.shape[1] != len(self.feature_names):
            raise ValueError(
                f"X has {array.shape[1]} features, but the tree is expecting "
                f"{len(self.feature_names)} features as input."
            )
        return _labels(self.nodes, array)

    def rules(self):
        """The tree as text, an indented line for each comparison and leaf."""
        lines = []

        def describe(index, depth):
            node = self.nodes[index]
            if node.feature < 0:
                lines.append(f"{'  ' * depth}cluster {node.label}")
                return
            name = self.feature_names[node.feature]
            lines.append(f"{'  ' * depth}if {name} <= {node.threshold:.6g}:")
            describe(node.left, depth + 1)
            lines.append(f"{'  ' * depth}else:")
            describe(node.right, depth + 1)

        describe(0, 0)
        return "\n".join(lines)

    __str__ = rules

    def to_sql(
        self, table: Any, *, dialect: str = "standard", columns: Any = None, label: str = "cluster"
    ) -> str:
        """One SELECT that gives the rows of a table with the cluster that the tree puts them into.

        Parameters are those of `KMeans.to_sql`; `columns` are the tree's feature names by default.
        If a feature that is compared is NULL, the label is NULL.
        """
        check.check_name(dialect, tuple(DIALECTS), "dialect")
        how = DIALECTS[dialect]
        if columns is None:
            columns = self.feature_names
        columns = [str(column) for column in columns]
        if len(columns) != len(self.feature_names):
            raise ValueError(
                f"columns has {len(columns)} names, but the tree has "
                f"{len(self.feature_names)} features"
            )

        def expression(index, depth):
            node = self.nodes[index]
            if node.feature < 0:
                return str(node.label)
            column = f"CAST({quoted(columns[node.feature], how)} AS {how.double})"
            indent = "  " * (depth + 1)
            return (
                f"CASE\n{indent}WHEN {column} <= {literal(node.threshold)} THEN "
                f"{expression(node.left, depth + 1)}\n{indent}WHEN {column} > "
                f"{literal(node.threshold)} THEN {expression(node.right, depth + 1)}\n"
                f"{'  ' * depth}END"
            )

        parts = [table] if isinstance(table, str) else list(table)
        source = ".".join(quoted(part, how) for part in parts)
        return f"SELECT t.*, {expression(0, 0)} AS {quoted(label, how)}\nFROM {source} AS t"


def _labels(nodes, rows):
    """The leaf labels of rows (n, d)."""
    labels = np.empty(len(rows), dtype=np.int32)
    waiting = [(0, np.arange(len(rows)))]
    while waiting:
        index, where = waiting.pop()
        node = nodes[index]
        if node.feature < 0:
            labels[where] = node.label
            continue
        left = rows[where, node.feature] <= node.threshold
        waiting += [(node.left, where[left]), (node.right, where[~left])]
    return labels


def fit_tree(
    rows: np.ndarray,
    labels: np.ndarray,
    centers: np.ndarray,
    weights: np.ndarray,
    names: Any,
    n_leaves: int,
) -> ClusterTree:
    """The tree of a model's clusters.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float64
    labels : ndarray of shape (n,), int32
        The model's.
    centers : ndarray of shape (k, d), float64
    weights : ndarray of shape (n,), float64
    names : sequence of str
    n_leaves : int
        At least the number of distinct clusters.
    """
    nodes, leaves = _imm(rows, labels, centers, weights)
    if len(leaves) < n_leaves:
        _expand(nodes, leaves, rows, centers, weights, n_leaves)
    found = _labels(nodes, rows)
    cost = _cost(rows, found, weights)
    best = _cost(rows, labels, weights)
    total = weights.sum()
    return ClusterTree(
        nodes,
        names,
        cost / best if best > 0 else (1.0 if cost == 0 else np.inf),
        float(weights[found == labels].sum() / total) if total > 0 else 1.0,
    )


def _cost(rows, labels, weights):
    """Weighted sum of squared distances to the means of these clusters."""
    cost = 0.0
    for label in np.unique(labels):
        mine = labels == label
        w = weights[mine]
        if w.sum() > 0:
            mean = np.average(rows[mine], axis=0, weights=w)
            cost += float(w @ ((rows[mine] - mean) ** 2).sum(axis=1))
    return cost


def _imm(rows, labels, centers, weights):
    """A tree with a leaf for each cluster that has rows; returns nodes and [(node, row
    indices)].
    """
    nodes: list[Any] = []
    leaves: list[Any] = []

    def grow(where, live):
        """Add the subtree for these rows and the clusters `live`; returns its index."""
        index = len(nodes)
        nodes.append(None)
        split = (
            _least_mistakes(rows, labels, centers, weights, where, live) if len(live) > 1 else None
        )
        if split is None:  # one cluster, or centers that no threshold separates
            nodes[index] = Node(-1, np.nan, -1, -1, int(live[0]))
            leaves.append((index, where_all[index]))
            return index
        feature, threshold = split
        on_left = centers[live, feature] <= threshold
        goes_left = rows[where, feature] <= threshold
        all_left = rows[where_all[index], feature] <= threshold
        reached = where_all[index]
        # Mistakes, rows separated from their center, are ignored when further splits are chosen.
        mine = np.isin(labels[where], live[on_left])
        where_all[len(nodes)] = reached[all_left]
        left = grow(where[goes_left & mine], live[on_left])
        where_all[len(nodes)] = reached[~all_left]
        right = grow(where[~goes_left & ~mine], live[~on_left])
        nodes[index] = Node(feature, float(threshold), left, right, -1)
        return index

    where_all = {0: np.arange(len(rows))}  # node -> the rows that reach it, mistakes included
    grow(np.arange(len(rows)), np.unique(labels))
    return nodes, leaves


def _least_mistakes(rows, labels, centers, weights, where, live):
    """The (feature, threshold) between these centers that separates the least weight of rows from
    their centers.
    """
    best, found = np.inf, None
    w, own = weights[where], labels[where]
    for feature in range(rows.shape[1]):
        values, positions = rows[where, feature], centers[own, feature]
        places = np.sort(centers[live, feature])
        if places[0] == places[-1]:
            continue
        # Thresholds in [min, max) of the values of a row and its center separate the two.
        low, high = np.minimum(values, positions), np.maximum(values, positions)
        candidates = np.unique(np.concatenate([values, places]))
        candidates = candidates[(candidates >= places[0]) & (candidates < places[-1])]
        start, stop = np.searchsorted(candidates, low), np.searchsorted(candidates, high)
        change = np.zeros(len(candidates) + 1)
        np.add.at(change, start, w)
        np.add.at(change, stop, -w)
        mistakes = np.cumsum(change[:-1])
        # Of thresholds with equally few mistakes, the one in the widest gap.
        following = np.append(candidates[1:], places[-1])
        least = mistakes.min()
        ties = np.flatnonzero(mistakes <= least + 1e-12 * w.sum())
        spread = places[-1] - places[0]
        place = ties[np.argmax(following[ties] - candidates[ties])]
        gap = (following[place] - candidates[place]) / spread
        if (least, -gap) < (best, 0) or (least == best and found is None):
            best, found = least, (feature, _between(candidates[place], following[place]))
    return found


def _between(low, high):
    """A threshold in [low, high): the middle, unless rounding puts that at `high`."""
    middle = low + (high - low) / 2
    return middle if low <= middle < high else low


def _expand(nodes, leaves, rows, centers, weights, n_leaves):
    """Split leaves, up to `n_leaves`: always the split that lowers the cost most, where each leaf
    takes the label of the best center.
    """
    middle = centers.mean(
        axis=0
    )  # gains are differences of sums of squares: around 0 they lose fewer digits
    moved, centers = rows - middle, centers - middle

    def split(where):
        return _best_split(rows[where], moved[where], centers, weights[where])

    splits = [(split(where), index, where) for index, where in leaves]
    while len(splits) < n_leaves:
        at = max(range(len(splits)), key=lambda i: splits[i][0][0])
        (gain, feature, threshold, left, right), index, where = splits[at]
        if not gain > 0:
            return
        goes_left = rows[where, feature] <= threshold
        children = []
        for label, reached in ((left, where[goes_left]), (right, where[~goes_left])):
            nodes.append(Node(-1, np.nan, -1, -1, label))
            children.append((split(reached), len(nodes) - 1, reached))
        nodes[index] = Node(feature, float(threshold), len(nodes) - 2, len(nodes) - 1, -1)
        splits[at : at + 1] = children


def _best_split(rows, moved, centers, weights):
    """(gain, feature, threshold, left label, right label) of the best split of a leaf.

    Thresholds are on `rows` (n, d); costs are distances of `moved`, the rows minus a constant.
    """
    best = (0.0, -1, 0.0, -1, -1)
    if len(rows) < 2:
        return best
    costs = weights[:, np.newaxis] * (
        (moved**2).sum(axis=1)[:, np.newaxis] - 2 * moved @ centers.T + (centers**2).sum(axis=1)
    )
    whole = costs.sum(axis=0).min()
    for feature in range(rows.shape[1]):
        order = np.argsort(rows[:, feature], kind="stable")
        values = rows[order, feature]
        ends = np.flatnonzero(values[1:] > values[:-1])
        if not len(ends):
            continue
        before = np.cumsum(costs[order], axis=0)
        left, right = before[ends], before[-1] - before[ends]
        gains = whole - left.min(axis=1) - right.min(axis=1)
        at = int(np.argmax(gains))
        if gains[at] > best[0] + 1e-9 * abs(whole):
            threshold = _between(values[ends[at]], values[ends[at] + 1])
            best = (
                float(gains[at]),
                feature,
                threshold,
                int(left[at].argmin()),
                int(right[at].argmin()),
            )
    return best
