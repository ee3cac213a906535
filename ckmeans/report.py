"""One self-contained page about a clustering: pictures are embedded, and nothing is loaded."""

import base64
import io
import math
import shlex

import numpy as np

from . import metrics
from ._estimators.base import relative_distances, typical_distances, unit_rows
from ._estimators.scaling import fitted_scaling
from ._input import checks as check
from ._input.configuration import __version__
from ._input.optional_packages import need
from ._output.html import Markup, fill, join, table

_ROWS, _COLUMNS = 100, 30  # shown of a table at most
_UNUSUAL = 10  # rows that are shown as unusual
#: What a stop reason means.
_ENDS = {
    "labels": ": no label changed in the last one",
    "tol": ": in the last one, the centers moved less than the tolerance",
}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: .2rem }
h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #ddd }
img { max-width: 100%; height: auto } table { font-size: .85rem; margin: .6rem 0 }
figure { margin: 1rem 0 } figcaption, .small { color: #555; font-size: .85rem }
pre { background: #f4f4f4; padding: .8rem; overflow-x: auto }
.wide { overflow-x: auto } th { border-bottom: 1px solid #999 }
.said { background: #eef4f8; border-left: 4px solid #0072B2; padding: .5rem .8rem }
.warning { background: #fdf3e1; border-left: 4px solid #E69F00; padding: .5rem .8rem }
@media print { body { max-width: none; margin: 0; font-size: 11px }
  figure, tr, pre, .said, .warning { break-inside: avoid } h2 { break-after: avoid }
  .wide { overflow: visible } pre { white-space: pre-wrap }
  .said, .warning { print-color-adjust: exact } }
"""
#: The words of the page.
_GLOSSARY = (
    ("center", "The mean of the rows of a cluster."),
    ("inertia", "The sum of the squared distances of the rows to their centers; lower is better."),
    ("run", "One fit from initial centers of its own; the run of least inertia is kept."),
    (
        "silhouette",
        "How much nearer a row is to its own cluster than to the next one: 1 is well inside, 0 is "
        "on the border, below 0 is nearer to the other.",
    ),
    ("std", "Standard deviation: how far values typically are from their mean."),
    ("25%, median, 75%", "A quarter, half and three quarters of the values are at most this."),
)


def report(
    model,
    X,
    path=None,
    *,
    selection=None,
    title="Clusters",
    source=None,
    command=None,
    notes=(),
    sample_weight=None,
):
    """Write a page with the data, the choice of k, the clusters and how to reproduce them.

    Parameters
    ----------
    model : KMeans or None
        Fitted to X. None if `selection` found no clear structure: then the page has no clusters.
    X : array-like or table of shape (n, d)
    path : str or path-like, or None
        Where to write the page. If None, it is only returned.
    selection : KSelection or None
        What `select_k` returned, if it was used.
    title : str
    source : str or None
        Where the rows come from.
    command : list of str or None
        The command line that made this page.
    notes : iterable of str
        Remarks to show, such as warnings.
    sample_weight : array-like of shape (n,) or None
        The weights that the model was fitted with.

    Returns
    -------
    html : str

    Notes
    -----
    Needs matplotlib (``pip install 'ckmeans-cython[plot]'``). Pictures of many rows show a random
    sample, and say so.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans import KMeans
    >>> from ckmeans.report import report
    >>> X = np.random.default_rng(0).random((100, 2))
    >>> page = report(KMeans(3, random_state=0).fit(X), X, "report.html")
    >>> "<h2>Clusters</h2>" in page
    True
    """
    if model is None and selection is None:
        raise ValueError("there is nothing to report on: pass a fitted model, or a selection.")
    array, names = check.as_matrix(X)
    weights = check.as_weights(sample_weight, len(array))
    if model is not None:
        check.fitted_centers(model)
        check.check_feature_count(model, array.shape[1])
        names = getattr(model, "feature_names_in_", None) if names is None else names
    columns = (
        [str(name) for name in names]
        if names is not None
        else [f"feature {j}" for j in range(array.shape[1])]
    )
    scaled = getattr(selection if model is None else model, "scale", None) is not None
    parts = [_data(array, columns, source, weights, notes, scaled)]
    if selection is not None:
        parts.append(_choice(selection))
    if model is not None:
        parts.append(_clusters(model, array, columns, weights))
        parts.append(_settings(model, selection, command))
    parts.append(Markup("<h2>Glossary</h2>") + table(["word", "meaning"], map(list, _GLOSSARY)))
    html = fill(
        '<!doctype html>\n<html lang="en"><head><meta '
        'charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link '
        'rel="icon" href="data:,">'
        "<style>{style}</style></head><body>\n<h1>{title}</h1>\n{body}"
        '<p class="small">Made by ckmeans {version}.</p>\n</body></html>\n',
        title=title,
        style=Markup(_STYLE),
        body=join(parts),
        version=__version__,
    )
    if path is not None:
        from ._output.files import write_atomically

        with write_atomically(path) as file:
            file.write(html.encode())
    return html


def _number(value):
    from .plot import number

    return "–" if math.isnan(value) else number(value, 5)


def _data(array, names, source, weights, notes, scaled):
    n, d = array.shape
    size = f"{n} rows, {d} column{'s' * (d != 1)}" + (", weighted" if weights is not None else "")
    rows, spreads = [], []
    for j, name in enumerate(names[:_COLUMNS]):
        column = array[:, j].astype(np.float64)
        quartiles = np.quantile(column, [0, 0.25, 0.5, 0.75, 1])
        if quartiles[0] < quartiles[-1]:
            spreads.append(column.std())
        rows.append([name, *map(_number, (column.mean(), column.std(), *quartiles))])
    more = fill('<p class="small">{} more columns.</p>', d - _COLUMNS) if d > _COLUMNS else ""
    said = join(fill('<p class="warning">Note: {}</p>', note) for note in notes)
    if not scaled and spreads and max(spreads) > 30 * min(spreads):
        said += Markup(
            '<p class="warning">The standard deviations of the columns differ by more than a '
            "factor of 30. "
            "k-means compares distances, so the columns that vary most determine the clusters "
            "almost alone: scale them, unless this is intended.</p>"
        )
    head = ["column", "mean", "std", "min", "25%", "median", "75%", "max"]
    return fill(
        '<p>{}{}</p><h2>Data</h2>{}<div class="wide">{}</div>{}',
        f"{source}: " if source else "",
        size,
        said,
        table(head, rows),
        more,
    )


def _choice(selection):
    axes = selection.plot()
    k = selection.k_range
    return fill(
        '<h2>Choice of k</h2><p class="said">{}</p>{}<div class="wide">{}</div>'
        '<p class="small">A star marks the k that a criterion favors. Silhouette, gap and '
        "stability were computed from {} rows. {}</p>",
        selection.suggestion,
        _figure(
            axes[0].figure,
            f"Inertia and criteria for k = {k[0]} to {k[-1]}; the k that each favors is marked.",
        ),
        selection.html_table(),
        selection.sample_size,
        " ".join(selection.notes),
    )


def _clusters(model, array, names, weights):
    from . import plot

    check.check_plain(model, "a report")
    centers = check.fitted_centers(model)
    k, d = centers.shape
    counts = check.fitted_array(model, "counts_", (k,), integers=True)
    # Not `model.predict`, which would warn that these rows have no column names.
    scaling = fitted_scaling(model)
    inside = scaling.inside(centers)
    labels = plot.nearest(inside, scaling.inside(array), model.metric)
    if model.metric == "cosine":
        array = unit_rows(array)
    distances = np.sqrt(metrics.own_sq_distances(scaling.inside(array), inside, labels))
    spread = metrics.mean_distances(scaling.inside(array), inside, labels, weights)
    shown = names[:_COLUMNS]
    head = ["cluster", "rows", "share", "mean distance", *shown]
    rows = [
        [
            str(j),
            f"{counts[j]:,}",
            f"{counts[j] / max(counts.sum(), 1):.1%}",
            _number(spread[j]),
            *(_number(value) for value in centers[j, :_COLUMNS].tolist()),
        ]
        for j in range(min(k, _ROWS))
    ]
    more = [
        f"{count} more {what}"
        for count, what in ((k - _ROWS, "clusters"), (d - _COLUMNS, "columns"))
        if count > 0
    ]
    found = len(np.unique(labels))
    out = [
        fill(
            "<h2>Clusters</h2><p>{}</p>",
            f"{k} cluster{'s' * (k != 1)}, inertia {model.inertia_:.8g}. "
            + (f"The best of {len(model.runs_)} runs" if len(model.runs_) > 1 else "One run, which")
            + f" took {model.n_iter_} iteration{'s' * (model.n_iter_ != 1)}, ended by "
            f"{model.stop_reason_}{_ENDS.get(model.stop_reason_, '')}.",
        ),
        fill('<div class="wide">{}</div>', table(head, rows)),
        fill('<p class="small">{}</p>', ", ".join(more)) if more else "",
        _figure(
            plot.clusters(model, array, labels=labels).figure,
            "Rows by cluster, numbers at the centers.",
        ),
    ]
    if d > 2:
        out.append(
            _figure(plot.pairs(model, array, labels=labels)[0, 0].figure, "Pairs of columns.")
        )
    if k > 1 or d > 1:
        out.append(
            Markup("<h2>Profiles</h2>")
            + _figure(
                plot.profiles(model).figure, "Centers relative to the mean, column by column."
            )
        )
    out.append(_figure(plot.sizes(model).figure, "Rows in each cluster."))
    out.append(_unusual(array, distances, labels, k, shown))
    if 2 <= found < len(array):
        out.append(
            _figure(
                plot.silhouette(model, array, labels=labels).figure,
                "Silhouettes: near 1 well inside a cluster, below 0 nearer to another cluster.",
            )
        )
        out.append(_figure(plot.center_distances(model).figure, "Distances between the centers."))
    return join(out)


def _unusual(array, distances, labels, k, shown):
    """The rows farthest from their centers, relative to the other rows of their clusters."""
    scores = relative_distances(distances, typical_distances(distances, labels, k)[labels])
    order = np.lexsort((np.arange(len(scores)), -scores))[:_UNUSUAL]
    rows = [
        [
            str(i),
            str(labels[i]),
            _number(float(distances[i])),
            _number(float(scores[i])),
            *(_number(value) for value in array[i, : len(shown)].tolist()),
        ]
        for i in order.tolist()
        if scores[i] > 0
    ]
    if not rows:
        return ""
    return fill(
        '<h2>Most unusual rows</h2><p>{}</p><div class="wide">{}</div>',
        "The score is the distance to the center divided by the median distance in the cluster: 1 "
        "is typical. Rows are counted from 0, without the header.",
        table(["row", "cluster", "distance", "score", *shown], rows),
    )


def _settings(model, selection, command):
    params = [[name, repr(value)] for name, value in model.get_params().items()]
    best = min(model.runs_, key=lambda run: run.inertia) if model.runs_ else None
    out = [Markup("<h2>To repeat this</h2>")]
    if command:
        out.append(fill("<pre>{}</pre>", shlex.join(command)))
    if selection is not None:
        out.append(
            fill(
                "<p>{}</p>",
                "The fit of each k also started from the fits of the neighboring k, so "
                "reproducing it takes the whole range of k.",
            )
        )
    elif best is not None and best.seed is not None:
        out.append(
            fill("<p>Only the best run: <code>n_init=1, random_state={}</code>.</p>", best.seed)
        )
    out.append(table(["parameter", "value"], params))
    out.append(
        fill(
            "<p>ckmeans {}. The same seed gives the same bits on any number of threads and "
            "with any instruction set.</p>",
            __version__,
        )
    )
    return join(out)


def _figure(figure, caption):
    """A picture as part of the page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    need("matplotlib.pyplot", "a report").close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return fill(
        '<figure><img alt="{0}" '
        'src="data:image/png;base64,{1}"><figcaption>{0}</figcaption></figure>',
        caption,
        data,
    )
