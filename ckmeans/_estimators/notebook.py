"""What a notebook shows of a model."""

from typing import Any

import numpy as np

from .._input import checks as check
from .._output import html as _html
from .._output.numbers import number
from .scaling import fitted_scaling

_CLUSTERS, _COLUMNS = 20, 8  # shown at most
_APART = 2  # features named, at most, that set a cluster apart


def model_html(model: Any) -> str:
    """The parameters and, once fitted, the clusters as a small table."""
    name = _html.fill("<code>{}</code>", repr(model))
    if not hasattr(model, "cluster_centers_"):
        return _html.fill("<div>{}, not fitted</div>", name)
    try:
        centers = check.fitted_centers(model)
        counts = None  # an interrupted first run has none
        if hasattr(model, "counts_"):
            counts = check.fitted_array(model, "counts_", (len(centers),), integers=True)
    except (TypeError, ValueError) as error:
        return _html.fill("<div>{}: {}</div>", name, error)
    k, d = centers.shape
    names = [
        str(name)
        for name in getattr(model, "feature_names_in_", [f"feature {j}" for j in range(d)])
    ]
    head = ["cluster", *(["rows", "share"] if counts is not None else []), *names[:_COLUMNS]]
    apart = []
    if counts is not None and k > 1 and hasattr(model, "inertia_"):
        apart = _set_apart(model, centers, counts, names)
    if apart:
        head.append("set apart by")
    rows = []
    for j in range(min(k, _CLUSTERS)):
        sizes = (
            [str(counts[j]), f"{counts[j] / max(counts.sum(), 1):.1%}"]
            if counts is not None
            else []
        )
        values = (number(value, 4) for value in centers[j, :_COLUMNS].tolist())
        rows.append([str(j), *sizes, *values, *apart[j : j + 1]])
    more = [
        f"{count} more {what}"
        for count, what in ((k - _CLUSTERS, "clusters"), (d - _COLUMNS, "features"))
        if count > 0
    ]
    facts = [f"inertia {number(model.inertia_, 6)}"] if hasattr(model, "inertia_") else []
    if hasattr(model, "n_iter_"):  # not in a model of centers from elsewhere
        reason = f", ended by {model.stop_reason_}" if hasattr(model, "stop_reason_") else ""
        facts.append(f"{model.n_iter_} iteration{'s' * (model.n_iter_ != 1)}{reason}")
    return _html.fill(
        "<div>{}{}<small>{}</small></div>",
        name,
        _html.table(head, rows, left=range(len(head) - 1, len(head)) if apart else ()),
        "; ".join([*more, *facts]),
    )


def _set_apart(model: Any, centers: np.ndarray, counts: np.ndarray, names: list[str]) -> list[str]:
    """In which features each center is farthest from the mean of all rows, in spreads of the
    centers; but for differences smaller than the rows of a cluster have among themselves, in one
    feature on average. (`ckmeans.explain` goes by the rows, which a model does not keep.)
    """
    centers = fitted_scaling(model).inside(centers)
    largest = np.abs(centers).max() or 1.0  # lest squares overflow
    share = (counts / max(counts.sum(), 1))[:, np.newaxis]
    off = centers / largest
    off = off - (share * off).sum(axis=0)
    within = np.sqrt(model.inertia_ / max(counts.sum(), 1) / centers.shape[1]) / largest
    spread = np.sqrt((share * off**2).sum(axis=0))
    spreads = np.divide(off, spread, out=np.zeros(off.shape), where=np.abs(off) > within)
    order = np.argsort(-np.abs(spreads), axis=1, kind="stable")[:, :_APART]
    return [
        ", ".join(
            f"{'high' if off[j, f] > 0 else 'low'} {names[f]}"
            for f in features.tolist()
            if abs(spreads[j, f]) >= 1
        )
        for j, features in enumerate(order)
    ]
