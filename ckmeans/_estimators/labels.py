"""Labels that can be compared between fits: a fixed order of the clusters, and the match of two
models.
"""

from typing import Any, NamedTuple

import numpy as np

from .._input import checks as check
from .scaling import UNSCALED, Scaling, fitted_scaling

#: name -> function of (centers, counts) that gives the clusters in their new order
ORDERS = {
    # Clusters of equal size are ordered by center.
    "size": lambda centers, counts: np.lexsort((*centers.T[::-1], -counts)),
    "center": lambda centers, counts: np.lexsort(centers.T[::-1]),
}


def centers_of_model(how: Any) -> Any:
    """The `label_order` that stands for this one: of a fitted model a copy of its centers.

    Estimators keep these instead of the model: a clone would clone it without its centers, and a
    model file cannot hold it; nor does each month's model then hold those of all months before.
    """
    if hasattr(how, "get_params") and not isinstance(how, type):
        centers = getattr(how, "cluster_centers_", None)
        return how if centers is None else np.array(centers)
    return how


def check_label_order(how: Any, k: int, d: int) -> None:
    """Raise unless `how` is None, a name in ORDERS, a fitted model, or centers (k, d)."""
    if how is None:
        return
    how = centers_of_model(how)
    if hasattr(how, "get_params"):
        raise TypeError(
            f"label_order is a {type(how).__name__} without cluster_centers_: pass a fitted model, "
            "or centers."
        )
    if isinstance(how, str) or not hasattr(how, "__len__"):
        if how not in ORDERS:
            error = ValueError if isinstance(how, str) else TypeError
            raise error(
                f"label_order must be None, {', '.join(map(repr, ORDERS))} or an array of "
                f"centers, or a fitted model, got {how!r}."
            )
    elif np.shape(how) != (k, d):
        raise ValueError(
            f"label_order has shape {np.shape(how)}, but there are centers of shape "
            f"{(k, d)} to order; "
            "ckmeans.match compares models with different numbers of clusters."
        )
    else:
        check.as_centers(how, k, d, np.float64, name="label_order")


def label_order(
    how: Any,
    centers: np.ndarray,
    counts: np.ndarray,
    scaling: Scaling = UNSCALED,
    metric: str = "euclidean",
) -> np.ndarray:
    """The order of the clusters, (k,): new cluster j is the old one ``order[j]``.

    scaling, metric : those of the fit that the centers come from; they and `how` are in the units
        of the data.
    """
    if isinstance(how, str):
        return ORDERS[how](centers, counts)
    k, d = centers.shape
    previous = check.as_centers(centers_of_model(how), k, d, np.float64, name="label_order")
    return assignment(costs(previous, centers.astype(np.float64), scaling, metric))


def relabeled(labels: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Labels after cluster ``order[j]`` has become cluster j; -1 stays."""
    position = np.full(len(order) + 1, -1, dtype=labels.dtype)
    position[order] = np.arange(len(order))
    return position[labels]


def costs(
    a: np.ndarray, b: np.ndarray, scaling: Scaling = UNSCALED, metric: str = "euclidean"
) -> np.ndarray:
    """What the rows of a would add to the inertia with those of b as centers: squared distances of
    scaled columns, cosine distances, or Manhattan distances.
    """
    if metric == "cosine":
        return costs(unit(a), unit(b)) / 2
    out = np.zeros((len(a), len(b)))
    for f, (x, y) in enumerate(zip(a.T, b.T)):
        step = x[:, np.newaxis] - y
        if scaling.divisors is not None:
            # Where a column hardly varies, centers of other rows may be infinitely far;
            # `assignment` needs finite costs.
            with np.errstate(all="ignore"):
                step /= scaling.divisors[f]
            np.clip(step, -check.MAX_ABS, check.MAX_ABS, out=step)
        out += np.abs(step) if metric == "manhattan" else step * step
    return out


def unit(centers: np.ndarray) -> np.ndarray:
    """Centers at unit length; those of zeros stay."""
    lengths = np.linalg.norm(centers, axis=1, keepdims=True)
    return centers / np.where(lengths > 0, lengths, 1.0)


def assignment(cost: np.ndarray) -> np.ndarray:
    """Assign to each row of a cost matrix a different column, at the least total cost; there may
    not be more rows than columns.

    Shortest augmenting paths (Jonker & Volgenant, Computing 38, 1987; as described by Crouse, IEEE
    TAES 52, 2016). The time is cubic in the size: 20 ms for 100 clusters, seconds for 1000.
    """
    rows, columns = cost.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    column_of = np.full(rows, -1)
    for start in range(rows):
        shortest = np.full(columns, np.inf)
        came_from = np.full(columns, -1)
        seen_rows, seen = [], np.zeros(columns, dtype=bool)
        row, least = start, 0.0
        while row >= 0:
            seen_rows.append(row)
            reach = least + cost[row] - row_price[row] - column_price
            better = ~seen & (reach < shortest)
            shortest[better] = reach[better]
            came_from[better] = row
            column = int(np.where(seen, np.inf, shortest).argmin())
            least = shortest[column]
            seen[column] = True
            row = row_of[column]
        row_price[start] += least
        for other in seen_rows[1:]:
            row_price[other] += least - shortest[column_of[other]]
        column_price[seen] -= least - shortest[seen]
        while True:
            row = came_from[column]
            row_of[column] = row
            column_of[row], column = column, column_of[row]
            if row == start:
                break
    return column_of


class Match(NamedTuple):
    """The clusters of a model compared with those of an earlier one; see `match`."""

    #: For each cluster of the model the earlier cluster that it continues; -1 for a new one.
    continues: np.ndarray
    #: Distance of its center to the center of that cluster, as `transform` of the model gives
    #: distances; NaN for a new one.
    shifts: np.ndarray
    #: Number of rows in cluster i of the earlier model and cluster j of this one, (k_previous, k).
    table: np.ndarray
    #: Indices of the rows whose cluster does not continue their earlier one.
    changed: np.ndarray


def match(model: Any, previous: Any, X: Any = None, *, same_rows: bool = False) -> Match:
    """Find which clusters of an earlier model those of a model continue, and which rows changed
    cluster.

    For new rows (the next month's, say) call ``match(model, previous, X)`` with them: both models
    label them. Where both were fitted to the same objects in the same order, whose values may have
    changed, ``match(model, previous, same_rows=True)`` compares the labels of the two fits.

    Clusters are paired so that the sum of squared distances between their centers is least; with
    ``metric="manhattan"`` or ``"cosine"`` that of Manhattan or cosine distances. The distances are
    those that `model` was fitted with: if it has a `scale`, the columns of both models' centers are
    divided by its ``scale_``, whatever the `scale` of `previous`.

    Parameters
    ----------
    model, previous : fitted estimators
        They may have different numbers of clusters, but must have the same features.
    X : array-like or table of shape (n, d), optional
        The rows to compare the labels of.
    same_rows : bool, default=False
        Instead of `X`: row i of the one fit is row i of the other. Only their number can be
        checked; a `table` that contradicts `continues` is a sign that they are others.

    Returns
    -------
    match : Match

    Raises
    ------
    ValueError
        Neither `X` nor `same_rows` is given, or both; the models differ in their features, or with
        `same_rows` in the number of rows.

    See Also
    --------
    KMeans : its parameter `label_order` gives clusters the labels of those that they continue.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans import KMeans, match
    >>> X = np.array([[0.0], [1.0], [2.0], [9.0], [10.0]])
    >>> monday = KMeans(2, init=[[0.0], [9.0]]).fit(X)
    >>> X[2] = 8.0
    >>> tuesday = KMeans(2, init=[[9.0], [0.0]]).fit(X)
    >>> found = match(tuesday, monday, same_rows=True)
    >>> found.continues                  # tuesday's cluster 0 was monday's 1
    array([1, 0])
    >>> found.changed                    # the row that moved
    array([2])
    >>> KMeans(2, init=[[9.0], [0.0]], label_order=monday).fit(X).labels_
    array([0, 0, 1, 1, 1], dtype=int32)
    >>> match(tuesday, monday, [[0.5], [8.5], [9.5]]).table            # of other rows
    array([[0, 1],
           [2, 0]])
    """
    new, old = check.fitted_centers(model), check.fitted_centers(previous)
    if new.shape[1] != old.shape[1]:
        raise ValueError(
            f"the models have {new.shape[1]} and {old.shape[1]} features: only models "
            "of the same features match."
        )
    check.check_bool(same_rows, "same_rows")
    if (X is not None) == same_rows:
        raise ValueError(
            "which rows are to be compared? Pass them as X, match(model, previous, X), or "
            "same_rows=True where row i of the one fit is row i of the other"
            + (", not both." if same_rows else ".")
        )
    metric = getattr(model, "metric", "euclidean")
    cost = costs(new, old, fitted_scaling(model), metric)
    continues = np.full(len(new), -1)
    if len(new) <= len(old):
        continues[:] = assignment(cost)
    else:
        continues[assignment(cost.T)] = np.arange(len(old))
    shifts = cost[np.arange(len(new)), continues]
    if metric == "euclidean":
        shifts = np.sqrt(shifts)
    shifts[continues < 0] = np.nan
    if X is not None:
        labels, before = model.predict(X), previous.predict(X)
    else:
        if not all(hasattr(one, "labels_") for one in (model, previous)):
            raise ValueError(
                "there are no labels_ of both fits to compare: pass the rows to compare as X."
            )
        labels, before = (
            check.fitted_array(
                one, "labels_", (None,), integers=True, low=-1, high=len(centers) - 1
            )
            for one, centers in ((model, new), (previous, old))
        )
        if len(labels) != len(before):
            raise ValueError(
                f"the models were not fitted to the same rows, but to {len(labels)} and "
                f"{len(before)}: pass the rows to compare as X."
            )
    both = (before >= 0) & (labels >= 0)  # -1: an outlier
    table = np.bincount(
        before[both].astype(np.intp) * len(new) + labels[both], minlength=len(old) * len(new)
    )
    return Match(
        continues,
        shifts,
        table.reshape(len(old), len(new)),
        np.flatnonzero(np.append(continues, -1)[labels] != before),
    )
