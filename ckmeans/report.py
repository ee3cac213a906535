"""One self-contained page about a clustering: pictures are embedded, and nothing is loaded."""

import base64
import copy
import datetime
import io
import math
import os
import shlex
from typing import Any, NamedTuple

import numpy as np

from . import metrics
from ._estimators.base import beyond_rounding, relative_distances, typical_distances, unit_rows
from ._estimators.runs_told import UNFINISHED, ending_told, own_runs, runs_told
from ._estimators.scaling import fitted_scaling
from ._input import checks as check
from ._input.configuration import __version__
from ._input.doubtful_columns import MOST_APART, far_apart, numbers_of_rows, spreads
from ._input.optional_packages import need
from ._insight.explain import Explanation, explanation
from ._output.html import Markup, fill, join, table
from ._output.numbers import number
from .select import KSelection

_ROWS, _COLUMNS = 100, 30  # shown of a table at most
_TOLD = 20  # clusters that are told in words, and of which rows are shown
_UNUSUAL = 10  # rows that are shown as unusual
_SPREADS = 120  # lines of the table of spreads
_JUDGED = 5000  # rows whose silhouettes are computed
_TEXTS = 3  # values of a text column that are shown for each cluster
_WIDTH = 9  # of pictures, in inches

#: What mean silhouettes from so much on say (Kaufman & Rousseeuw 1990).
_STRUCTURE = (
    (0.7, "a strong structure"),
    (0.5, "a reasonable structure"),
    (0.25, "a weak structure, which may be artificial"),
    (-1.0, "no substantial structure"),
)
#: Runs that end within this of the best one, relative to it, count as having found it too.
_SAME_INERTIA = 1e-3

_STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --faint: #555; --line: #ccc;
  --box: #f4f4f4; --said: #eef4f8; --warned: #fdf3e1 }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #161616; --faint: #aaa;
  --line: #444; --box: #242424; --said: #16242e; --warned: #33270e }
  img { filter: invert(.915) hue-rotate(180deg) } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: .2rem; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .8rem; border-bottom: 1px solid var(--line) }
img { max-width: 100%; height: auto; display: block; margin: 0 auto }
table { font-size: .85rem; margin: .6rem 0 } th { border-bottom: 1px solid var(--faint) }
tbody tr:nth-child(even) { background: var(--box) }
figure { margin: 1.2rem 0 } figcaption { text-align: center }
figcaption, .small { color: var(--faint); font-size: .85rem }
pre { background: var(--box); padding: .8rem; overflow-x: auto }
.wide { overflow-x: auto } li { margin: .2rem 0 }
.said { background: var(--said); border-left: 4px solid #0072B2; padding: .5rem .8rem }
.warning { background: var(--warned); border-left: 4px solid #E69F00; padding: .5rem .8rem }
.warning b { color: #D55E00 }
@media print { :root { --ink: #000; --paper: #fff; --faint: #444; --line: #999; --box: #f4f4f4;
  --said: #eef4f8; --warned: #fdf3e1 } img { filter: none; max-height: 22cm; width: auto }
  body { max-width: none; margin: 0; padding: 0; font-size: 11px } table { font-size: 9px }
  figure, tr, pre, .said, .warning { break-inside: avoid } h2 { break-after: avoid }
  .wide { overflow: visible } pre { white-space: pre-wrap }
  .said, .warning, pre, tr { print-color-adjust: exact } @page { margin: 1.5cm } }
"""
#: In pictures of a page, whatever matplotlib's style is: the page turns them dark where it is dark.
_LIGHT = {
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "white"),
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), "#222222"),
    **dict.fromkeys(("xtick.color", "ytick.color"), "#222222"),
}
#: The words of the page.
_GLOSSARY = (
    ("center", "The mean of the rows of a cluster."),
    ("inertia", "The sum of the squared distances of the rows to their centers; lower is better."),
    ("run", "One fit from initial centers of its own; the run of least inertia is kept."),
    (
        "refined",
        "Improved further, where the best run had ended, by moves of centers and of single rows.",
    ),
    (
        "local optimum",
        "A result that no single step improves, though there may be a better one elsewhere; other "
        "runs look for it.",
    ),
    (
        "silhouette",
        "How much nearer a row is to its own cluster than to the next one: 1 is well inside, 0 is "
        "on the border, below 0 is nearer to the other.",
    ),
    ("std", "Standard deviation: how far values typically are from their mean."),
    ("25%, median, 75%", "A quarter, half and three quarters of the values are at most this."),
    ("typical row", "A row that is nearest to the center of its cluster."),
    (
        "score of an unusual row",
        "Its distance to the center divided by the median distance in the cluster: 1 is typical.",
    ),
    ("outlier", "A row that the fit has left out because it is far from all centers."),
    (
        "principal component",
        "A direction in which the rows vary most: many columns drawn in two dimensions.",
    ),
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
    texts=None,
    ids=None,
    date=None,
):
    """Write a page with what the clusters are, the data, the choice of k and how to reproduce it.

    Parameters
    ----------
    model : KMeans, MiniBatchKMeans or None
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
    texts : dict of str to array-like of shape (n,), or table of text columns; or None
        What else is known of the rows, such as names and kinds: it had no part in the fit, and is
        broken down by cluster.
    ids : dict of str to array-like of shape (n,), table; or None
        What the rows are known by, such as keys, to be shown beside them. None takes the index of a
        pandas table, unless it counts the rows from 0.
    date : datetime.date, datetime.datetime, str or None
        What the page is dated. None is now, or the time of ``SOURCE_DATE_EPOCH`` (seconds since
        1970) if the environment has it; with either, the same input gives the same page.

    Returns
    -------
    html : str

    Notes
    -----
    Needs matplotlib (``pip install 'ckmeans-cython[plot]'``). Pictures of many rows show a random
    sample, and say so. The page can be printed, and is dark where the browser is. Rows that are
    shown are counted from 0, as in X; if `command` is given, from 1, as the command counts them.

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
    if selection is not None and not isinstance(selection, KSelection):
        raise TypeError(
            "selection must be a KSelection, which select_k returns, got "
            f"{check.with_type(selection)}."
        )
    array, names = check.as_matrix(X)
    weights = check.as_weights(sample_weight, len(array))
    texts = _texts(texts, len(array))
    ids = _texts(_index(X) if ids is None else ids, len(array), "id")
    if model is not None:
        check.fitted_centers(model)
        check.check_feature_count(model, array.shape[1])
        names = getattr(model, "feature_names_in_", None) if names is None else names
    columns = (
        [str(name) for name in names]
        if names is not None
        else [f"feature {j}" for j in range(array.shape[1])]
    )
    moment = _moment(date)
    with need("matplotlib", "a report").rc_context(_LIGHT):
        shown = None if model is None else _show(model, array, columns, weights, texts)
        if shown is not None:
            shown = shown._replace(ids=ids, first=0 if command is None else 1)
        parts = [
            _summary(shown, selection, array, source, weights, moment),
            _warnings(shown, selection, array, columns, notes),
            _data(array, columns),
        ]
        if selection is not None:
            parts.append(_choice(selection))
        if shown is not None:
            parts += [
                _clusters(shown),
                _profiles(shown),
                _spreads(shown),
                _typical(shown),
                _unusual(shown),
                _broken_down(shown),
                _tree(shown),
                _settings(model, selection, command),
            ]
    parts.append(
        Markup("<h2>Glossary</h2>")
        + table(["word", "meaning"], map(list, _GLOSSARY), left=range(2))
    )
    html = fill(
        '<!doctype html>\n<html lang="en"><head><meta '
        'charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link '
        'rel="icon" href="data:,">'
        "<style>{style}</style></head><body>\n<h1>{title}</h1>\n{body}"
        '<p class="small">Made by ckmeans {version}, {moment}.</p>\n</body></html>\n',
        title=title,
        style=Markup(_STYLE),
        body=join(parts),
        version=__version__,
        moment=moment,
    )
    if path is not None:
        from ._output.files import write_atomically

        with write_atomically(path) as file:
            file.write(html.encode())
    return html


def _moment(date):
    """What the page is dated."""
    if isinstance(date, str):
        return date
    if date is None:
        epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
        if epoch.isascii() and epoch.isdigit():
            date = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc)
        else:
            date = datetime.datetime.now().astimezone()
    if isinstance(date, datetime.datetime):
        return date.strftime("%Y-%m-%d %H:%M %Z").strip()
    if isinstance(date, datetime.date):
        return date.isoformat()
    raise TypeError(
        f"date must be a datetime, a date, a str or None, got {type(date).__name__}: {date!r}."
    )


def _index(X):
    """What a pandas table calls its rows, unless these are their numbers."""
    index = getattr(X, "index", None)
    if not hasattr(X, "iloc") or index is None or list(index[:1]) == [0] and _counts(index):
        return None
    names = [str(name) for name in index.names] if None not in index.names else ["index"]
    if len(names) == 1:
        return {names[0]: index}
    return {name: index.get_level_values(level) for level, name in enumerate(names)}


def _counts(index):
    """Whether an index is 0, 1, 2, ..."""
    return index.dtype.kind in "iu" and bool((np.asarray(index) == np.arange(len(index))).all())


def _texts(texts, n, kind="text"):
    """The columns of texts, or of ids: name -> list of n texts, None where one is missing."""
    if texts is None:
        return {}
    found = {}
    for name, column in _columns_of(texts, f"{kind}s"):
        try:
            if hasattr(column, "to_pylist"):  # of pyarrow
                values = column.to_pylist()
            else:
                values = list(column.tolist() if hasattr(column, "tolist") else column)
        except TypeError:
            raise TypeError(
                f"the {kind} column {name!r} must have a value for each row, got "
                f"{check.with_type(column)}."
            ) from None
        if len(values) != n:
            raise ValueError(
                f"the {kind} column {name!r} has {len(values)} values, but X has {n} rows."
            )
        if str(name) in found:
            raise ValueError(f"{kind}s has two columns {str(name)!r}: rename one of them.")
        found[str(name)] = [None if metrics.is_missing(one) else str(one) for one in values]
    return found


def _columns_of(texts, what):
    """Pairs of the names and the columns of a dict or a table."""
    if hasattr(texts, "itercolumns"):  # of pyarrow
        return zip(texts.column_names, texts.itercolumns())
    if hasattr(texts, "get_columns"):  # of Polars
        return zip(texts.columns, texts.get_columns())
    if hasattr(texts, "items") and getattr(texts, "ndim", 2) == 2:
        return texts.items()
    raise TypeError(
        f"{what} must be a dict of columns or a table, got "
        f"{type(texts).__name__}: pass {{name: values}}."
    )


class _Shown(NamedTuple):
    """What a page shows of a model and its rows."""

    model: Any
    rows: np.ndarray  #: (n, d), at unit length with metric="cosine"
    names: list[str]
    weights: np.ndarray | None
    texts: dict[str, list[str | None]]
    ids: dict[str, list[str | None]]
    first: int  #: the number of the first row
    centers: np.ndarray
    counts: np.ndarray
    labels: np.ndarray  #: -1 for outliers
    distances: np.ndarray  #: to the own center; of outliers, to the nearest
    spread: np.ndarray  #: mean distance in each cluster
    explained: Explanation  #: of the rows that are no outliers
    kept: np.ndarray  #: the indices of these rows
    silhouettes: np.ndarray | None  #: of a sample

    @property
    def k(self):
        return len(self.centers)


def _show(model, array, names, weights, texts):
    from ._plots import drawing
    from ._plots.opened import labels_of, nearest

    check.check_plain(model, "a report")
    centers = check.fitted_centers(model)
    k = len(centers)
    counts = check.fitted_array(model, "counts_", (k,), integers=True)
    scaling = fitted_scaling(model)
    inside = scaling.inside(centers)
    # Not `model.predict`, which would warn that these rows have no column names.
    labels = labels_of(model, array, weights)
    own, counting = labels, weights
    if (labels < 0).any():  # outliers: distances to the nearest centers, without weight in means
        own = np.where(labels < 0, nearest(inside, scaling.inside(array), model.metric), labels)
        counting = np.where(labels < 0, 0.0, 1.0 if weights is None else weights)
    rows = unit_rows(array) if model.metric == "cosine" else array
    scaled = scaling.inside(rows)
    kept = np.flatnonzero(labels >= 0)
    explained = explanation(
        model, array[kept], own[kept], None if weights is None else weights[kept], names
    )
    silhouettes = None
    drawn = kept[drawing.thin(len(kept), _JUDGED)]
    if 2 <= len(np.unique(labels[drawn])) < len(drawn):
        silhouettes = metrics.silhouette_samples(scaled[drawn], labels[drawn])
    return _Shown(
        model,
        rows,
        names,
        weights,
        texts,
        {},
        0,
        centers,
        counts,
        labels,
        np.sqrt(metrics.own_sq_distances(scaled, inside, own)),
        metrics.mean_distances(scaled, inside, own, counting),
        explained,
        kept,
        silhouettes,
    )


def _number(value):
    return "–" if math.isnan(value) else number(value, 5)


def _counted(count, word):
    return f"{count:,} {word}{'s' * (count != 1)}"


def _omitted(*counts):
    """What of something is not shown, in small print."""
    more = [f"{count} more {what}" for count, what in counts if count > 0]
    return fill('<p class="small">{}.</p>', ", ".join(more)) if more else ""


# -- what is said first ----------------------------------------------------------------------------


def _summary(shown, selection, array, source, weights, moment):
    n, d = array.shape
    size = f"{n} row{'s' * (n != 1)}, {d} column{'s' * (d != 1)}"
    size += ", weighted" if weights is not None else ""
    first = fill('<p class="small">{}{}. {}.</p>', f"{source}: " if source else "", size, moment)
    out = [first, Markup("<h2>Summary</h2>")]
    if selection is not None:
        out.append(fill('<p class="said">{}</p>', selection.suggestion))
    if shown is None:
        return join(out)
    outliers = int((shown.labels < 0).sum())
    sentences = [
        f"{_counted(shown.k, 'cluster')} of {_counted(n, 'row')}"
        + (f", {_counted(outliers, 'outlier')} left out" if outliers else "")
        + "."
    ]
    sentences += _how_sure(shown)
    sentences += _how_scaled(shown.model)
    out.append(fill("<p>{}</p>", " ".join(sentences)))
    said = shown.explained.clusters[:_TOLD]
    out.append(fill("<ul>{}</ul>", join(fill("<li>{}</li>", cluster.sentence) for cluster in said)))
    out.append(_omitted((len(shown.explained.clusters) - _TOLD, "clusters")))
    return join(out)


def _how_sure(shown):
    """In words, how well the clusters are apart, and how many runs have found them."""
    said = []
    if shown.silhouettes is not None:
        mean = metrics.exact_mean(shown.silhouettes)
        wrong = float((shown.silhouettes < 0).mean())
        kind = next(words for least, words in _STRUCTURE if mean >= least)
        said.append(
            f"Their mean silhouette is {mean:.2f}: {kind}. {wrong:.1%} of the rows are nearer to "
            "another cluster."
        )
    told = runs_told(getattr(shown.model, "runs_", ()))
    if told not in ("", "1"):
        said.append(f"Runs: {told}.")
    return said


def _how_scaled(model):
    """In words, what was done to the columns."""
    if fitted_scaling(model).divisors is None:
        return []
    spread = {"standard": "standard deviation", "robust": "interquartile range"}.get(
        str(getattr(model, "scale", None)), "spread"
    )
    return [
        f"Each column was divided by its {spread}: distances, inertia and silhouettes are of these "
        "scaled columns, while centers and all other values are in the units of the data."
    ]


def _warnings(shown, selection, array, names, notes):
    """All that a reader should know before trusting the page."""
    found = [f"Note: {note}" for note in notes]
    model = shown.model if shown is not None else None
    scaled = getattr(selection if model is None else model, "scale", None) is not None
    told = any("spreads of the columns differ" in note for note in found)
    plain = getattr(model, "metric", "euclidean") == "euclidean"
    if plain and not (scaled or told) and far_apart(spreads(array)) is not None:
        found.append(
            f"The spreads of the columns differ by more than {MOST_APART} times. k-means "
            "compares distances, so the columns that vary most determine the clusters almost "
            "alone: scale them, unless this is intended."
        )
    found += [
        f"The column {names[j]} looks like an identifier: whole numbers, all different. Distances "
        "between identifiers mean nothing: leave the column out, unless it is a measurement."
        for j in numbers_of_rows(array, names)
    ]
    if model is not None:
        found += _of_the_fit(shown)
    return join(fill('<p class="warning">{}</p>', note) for note in found)


def _of_the_fit(shown):
    model, found = shown.model, []
    own, refined = own_runs(getattr(model, "runs_", ()))
    inertias = [run.inertia for run in own]
    optimal = shown.rows.shape[1] == 1 or shown.k == 1
    near = [one for one in inertias if one <= min(inertias) * (1 + _SAME_INERTIA)]
    if refined is None and len(own) > 1 and len(near) == 1 and not optimal:
        worst = max(inertias)
        how_much = (
            f"up to {worst / model.inertia_ - 1:.1%} worse" if model.inertia_ > 0 else "worse"
        )
        found.append(
            f"Only one of {len(own)} runs has found this result, and the others are {how_much}: it "
            "may be a local optimum, and a better one may exist. More runs (n_init) or a "
            "refinement look for it."
        )
    reason = getattr(model, "stop_reason_", None)
    if reason in UNFINISHED:
        found.append(
            f"The fit was ended by {reason} before it converged: the centers would still move."
        )
    if shown.silhouettes is not None and metrics.exact_mean(shown.silhouettes) < 0.25:
        found.append(
            "The clusters overlap: their mean silhouette is below 0.25. k-means divides any rows "
            "into k clusters, whether there are groups in them or not."
        )
    return found


# -- the data and the choice of k ------------------------------------------------------------------


_QUANTILES = ["min", "25%", "median", "75%", "max"]


def _quantiles(column):
    """Mean, standard deviation and quantiles, as they are shown."""
    column = column.astype(np.float64)
    values = column.mean(), column.std(), *np.quantile(column, [0, 0.25, 0.5, 0.75, 1])
    return [_number(float(value)) for value in values]


def _data(array, names):
    rows = [[name, *_quantiles(array[:, j])] for j, name in enumerate(names[:_COLUMNS])]
    return fill(
        '<h2>Data</h2><div class="wide">{}</div>{}',
        table(["column", "mean", "std", *_QUANTILES], rows, left=range(1)),
        _omitted((array.shape[1] - _COLUMNS, "columns")),
    )


def _choice(selection):
    axes = selection.plot()
    k = selection.k_range
    return fill(
        '<h2>Choice of k</h2>{}<div class="wide">{}</div>'
        '<p class="small">A star marks the k that a criterion favors. Silhouette, gap and '
        "stability were computed from {} rows. {}</p>",
        _figure(
            axes[0].figure,
            f"Inertia and criteria for k = {k[0]} to {k[-1]}; the k that each favors is marked.",
        ),
        selection.html_table(),
        selection.sample_size,
        " ".join(selection.notes),
    )


# -- the clusters ----------------------------------------------------------------------------------


def _axes(height):
    from ._plots import drawing

    return drawing.axes(None, figsize=(_WIDTH, height))


def _clusters(shown):
    from . import plot

    model, k, d = shown.model, shown.k, shown.rows.shape[1]
    ending = ending_told(model, explained=True)
    head = ["cluster", "rows", "share", "mean distance", *shown.names[:_COLUMNS]]
    rows = [
        [
            str(j),
            f"{shown.counts[j]:,}",
            f"{shown.counts[j] / max(shown.counts.sum(), 1):.1%}",
            _number(shown.spread[j]),
            *(_number(value) for value in shown.centers[j, :_COLUMNS].tolist()),
        ]
        for j in range(min(k, _ROWS))
    ]
    out = [
        fill(
            "<h2>Clusters</h2><p>{}</p>",
            f"{k} cluster{'s' * (k != 1)}"
            + (f", inertia {model.inertia_:.8g}. " if hasattr(model, "inertia_") else ". ")
            + (ending and f"The best run took {ending}."),
        ),
        fill('<div class="wide">{}</div>', table(head, rows)),
        _omitted((k - _ROWS, "clusters"), (d - _COLUMNS, "columns")),
        _figure(
            plot.clusters(model, shown.rows, labels=shown.labels, ax=_axes(5.2)).figure,
            "Rows by cluster, numbers at the centers.",
        ),
    ]
    if d > 2:
        out.append(
            _figure(
                plot.pairs(_named(shown), shown.rows, labels=shown.labels)[0, 0].figure,
                "Pairs of columns.",
            )
        )
    out.append(_figure(plot.sizes(model, ax=_axes(2.8)).figure, "Rows in each cluster."))
    if shown.silhouettes is not None:
        tall = float(np.clip(1.5 + 0.3 * k, 3.0, 9.0))
        out.append(
            _figure(
                plot.silhouette(model, shown.rows, labels=shown.labels, ax=_axes(tall)).figure,
                "Silhouettes: near 1 well inside a cluster, below 0 nearer to another cluster.",
            )
        )
        out.append(_figure(plot.center_distances(model).figure, "Distances between the centers."))
    return join(out)


def _profiles(shown):
    from . import plot

    if shown.k == 1 and shown.rows.shape[1] == 1:
        return ""
    tall = float(np.clip(1.9 + 0.33 * shown.k, 2.8, 11))
    return Markup("<h2>Profiles</h2>") + _figure(
        plot.profiles(_named(shown), ax=_axes(tall)).figure,
        "Centers relative to the mean, column by column.",
    )


def _named(shown):
    """The model with the names of the page, which may be those of the table alone."""
    model = copy.copy(shown.model)
    model.feature_names_in_ = np.array(shown.names, dtype=object)
    return model


def _spreads(shown):
    """Quantiles of each column in each cluster."""
    labels = [label for label in range(min(shown.k, _TOLD)) if (shown.labels == label).any()]
    columns = min(len(shown.names), max(1, _SPREADS // max(1, len(labels))))
    rows = [
        [name if i == 0 else "", str(label), *_quantiles(shown.rows[shown.labels == label, j])]
        for j, name in enumerate(shown.names[:columns])
        for i, label in enumerate(labels)
    ]
    return fill(
        '<h2>Spreads</h2><p>{}</p><div class="wide">{}</div>{}',
        "How the values of each column are spread in each cluster"
        + (", regardless of the weights." if shown.weights is not None else "."),
        table(["column", "cluster", "mean", "std", *_QUANTILES], rows, left=range(1)),
        _omitted((shown.k - _TOLD, "clusters"), (len(shown.names) - columns, "columns")),
    )


def _rows_table(shown, indices, extra_names, extras):
    """Rows of the data with what is known of them."""
    names, texts = shown.names[:_COLUMNS], list(shown.texts)[:_COLUMNS]
    rows = []
    for i, extra in zip(indices, extras):
        values = [_number(value) for value in shown.rows[i, : len(names)].tolist()]
        label = str(shown.labels[i]) if shown.labels[i] >= 0 else "outlier"
        known = ["–" if one[i] is None else one[i] for one in shown.ids.values()]
        told = ["–" if shown.texts[name][i] is None else shown.texts[name][i] for name in texts]
        rows.append([str(shown.first + i), *known, label, *extra, *values, *told])
    width = 2 + len(shown.ids) + len(extra_names) + len(names)
    head = ["row", *shown.ids, "cluster", *extra_names, *names, *texts]
    return fill(
        '<div class="wide">{}</div>{}',
        table(head, rows, left=range(width, width + len(texts))),
        _omitted((len(shown.names) - _COLUMNS, "columns")),
    )


def _counting(shown):
    """How rows are counted, in words."""
    if shown.first:
        return "Row 1 is the first below the header of the file."
    return "Rows are counted from 0, as in X."


def _typical(shown):
    indices = [
        int(shown.kept[i])
        for cluster in shown.explained.clusters[:_TOLD]
        for i in cluster.typical.tolist()
    ]
    return fill(
        "<h2>Typical rows</h2><p>{}</p>{}",
        f"The rows nearest to the center of each cluster. {_counting(shown)}",
        _rows_table(shown, indices, [], [[]] * len(indices)),
    )


def _unusual(shown):
    """The rows farthest from their centers, relative to the other rows of their clusters."""
    nearest = np.where(shown.labels >= 0, shown.labels, 0)
    distances = beyond_rounding(shown.model, shown.distances, nearest, "euclidean")
    typical = typical_distances(distances[shown.kept], shown.labels[shown.kept], shown.k)
    scores = relative_distances(distances, typical[nearest])
    outlying = shown.labels < 0
    farthest = np.lexsort((np.arange(len(scores)), -scores))
    farthest = np.concatenate([farthest[outlying[farthest]], farthest[~outlying[farthest]]])
    order = [i for i in farthest[:_UNUSUAL].tolist() if scores[i] > 0]
    if not order:
        return ""
    outliers = int(outlying.sum())
    said = (
        f"The fit has left out {_counted(outliers, 'outlier')}, which come first. "
        if outliers
        else ""
    )
    extras = [
        [_number(float(shown.distances[i])), "–" if outlying[i] else _number(float(scores[i]))]
        for i in order
    ]
    return fill(
        "<h2>Most unusual rows</h2><p>{}</p>{}",
        said + "The score is the distance to the center divided by the median distance in the "
        f"cluster: 1 is typical. {_counting(shown)}",
        _rows_table(shown, order, ["distance", "score"], extras),
    )


def _broken_down(shown):
    """What values the text columns have in each cluster."""
    out = []
    for name, values in shown.texts.items():
        there = np.array([value is not None for value in values])
        words, codes = np.unique(
            np.array(["" if value is None else value for value in values], dtype=object),
            return_inverse=True,
        )
        codes = codes.reshape(-1)
        distinct = len(np.unique(codes[there]))
        if distinct > 20 and distinct > 0.5 * there.sum():
            out.append(
                fill(
                    "<p><b>{}</b>: {} different values, not broken down.</p>",
                    name,
                    f"{distinct:,}",
                )
            )
            continue
        rows = [
            [name_, *_shares(codes[mine & there], words, int((mine & ~there).sum()))]
            for name_, mine in (
                ("all", np.ones(len(values), dtype=bool)),
                *((str(j), shown.labels == j) for j in range(min(shown.k, _TOLD))),
                *([("outlier", shown.labels < 0)] if (shown.labels < 0).any() else []),
            )
        ]
        head = ["cluster", "rows", "missing", "values"]
        out.append(
            fill(
                '<p><b>{}</b></p><div class="wide">{}</div>{}',
                name,
                table(head, rows, left=range(3, 4), strong=range(1)),
                _omitted((shown.k - _TOLD, "clusters")),
            )
        )
    return Markup("<h2>Text columns</h2>") + join(out) if out else ""


def _shares(codes, words, missing):
    """How many values there are, and the most frequent ones with their shares."""
    counts = np.bincount(codes, minlength=len(words))
    order = np.argsort(-counts, kind="stable")[:_TEXTS]
    told = [f"{words[c]} {counts[c] / len(codes):.0%}" for c in order.tolist() if counts[c]]
    more = int((counts > 0).sum()) - len(told)
    return [f"{len(codes):,}", f"{missing:,}", ", ".join(told) + (f", {more} more" * (more > 0))]


def _tree(shown):
    if len(shown.explained.clusters) < 2:
        return ""
    rules = shown.explained.tree.rules().split("\n")
    more = len(rules) - _ROWS
    return fill(
        "<h2>As a decision tree</h2><p>{}</p><pre>{}</pre>{}",
        shown.explained.tree_sentence,
        "\n".join(rules[:_ROWS]),
        _omitted((more, "lines")),
    )


# -- how it was made -------------------------------------------------------------------------------


def _settings(model, selection, command):
    params = [[name, repr(value)] for name, value in model.get_params().items()]
    best = min(getattr(model, "runs_", ()), key=lambda run: run.inertia, default=None)
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
    out.append(table(["parameter", "value"], params, left=range(2)))
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
