"""What a notebook shows of a model."""

from typing import Any

from .._input import checks as check
from .._output import html as _html

_CLUSTERS, _COLUMNS = 20, 8  # shown at most


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
    rows = []
    for j in range(min(k, _CLUSTERS)):
        sizes = (
            [str(counts[j]), f"{counts[j] / max(counts.sum(), 1):.1%}"]
            if counts is not None
            else []
        )
        rows.append([str(j), *sizes, *(f"{value:.4g}" for value in centers[j, :_COLUMNS])])
    more = [
        f"{count} more {what}"
        for count, what in ((k - _CLUSTERS, "clusters"), (d - _COLUMNS, "features"))
        if count > 0
    ]
    facts = [f"inertia {model.inertia_:.6g}"] if hasattr(model, "inertia_") else []
    facts.append(
        f"{model.n_iter_} iteration{'s' * (model.n_iter_ != 1)}, ended by {model.stop_reason_}"
    )
    return _html.fill(
        "<div>{}{}<small>{}</small></div>",
        name,
        _html.table(head, rows),
        "; ".join([*more, *facts]),
    )
