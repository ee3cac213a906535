"""Criteria for choosing k: each computes one column of the table, and reads the best k from it.

A new one takes a function and an entry in `CRITERIA`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import metrics
from .._input import checks as check


def elbow(path):
    """Distance of the inertia curve below its chord, both axes scaled to 1: the knee of Kneedle."""
    k, inertia = np.array(path.ks, dtype=float), path.inertias
    fall = inertia[0] - inertia[-1]
    if len(k) < 3 or not fall > 0:
        return np.full(len(k), math.nan)
    return 1 - (k - k[0]) / (k[-1] - k[0]) - (inertia - inertia[-1]) / fall


def of_each(value):
    """A criterion from a function of the i-th model that needs 2 clusters, and fewer than rows."""

    def value_or_nan(path, i):
        return value(path, i) if path.is_comparable(i) else math.nan

    return lambda path: path.each(value_or_nan)


def silhouette(path, i):
    labels = path.models[i].labels_[path.sample]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return math.nan
    return metrics.exact_mean(
        metrics.silhouette_samples(path.sample_rows, labels, n_threads=path.n_threads),
        path.sample_weights,
    )


def simplified_silhouette(path, i):
    model = path.models[i]
    values = metrics.simplified_silhouette_samples(
        path.rows.array, model.cluster_centers_, model.labels_, n_threads=path.n_threads
    )
    return metrics.exact_mean(values, path.weights)


def calinski_harabasz(path, i):
    if path.is_perfect(i):
        return math.inf
    return metrics.calinski_harabasz_score(
        path.rows.array, path.models[i].labels_, sample_weight=path.weights
    )


def davies_bouldin(path, i):
    if path.is_perfect(i):
        return 0.0
    return metrics.davies_bouldin_score(
        path.rows.array, path.models[i].labels_, sample_weight=path.weights
    )


def bic(path):
    """-2 log likelihood + parameters * log n, for spherical Gaussians of equal variance."""
    return path.each(bic_of)


def bic_of(path, i):
    n, d = path.n_rows, path.rows.array.shape[1]
    k, model = path.ks[i], path.models[i]
    if n <= k:
        return math.nan
    if path.is_perfect(i):
        return -math.inf
    sizes = np.bincount(model.labels_, path.weights, minlength=k)
    sizes = sizes[sizes > 0]
    mixing = math.fsum((sizes * np.log(sizes / n)).tolist())
    # The logarithm of the variance, as a sum, since a product could underflow.
    variance = log_of(model.inertia_) + math.log(n / (d * (n - k))) - log_of(path.rows.total_weight)
    if math.isnan(variance):
        return math.nan
    log_likelihood = mixing - 0.5 * n * d * (math.log(2 * math.pi) + variance) - 0.5 * d * (n - k)
    return -2 * log_likelihood + (k * (d + 1)) * math.log(n)


def log_of(value):
    """The logarithm; NaN of 0, to which squares may underflow."""
    return math.log(value) if value > 0 else math.nan


def gap(path):
    """Mean log inertia of the references minus that of the data, and its standard error."""
    m, count = len(path.sample), len(path.models)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.log(path.reference_inertias / m)
        value = expected.mean(axis=0) - (
            np.log(path.inertias[:count]) - np.log(path.rows.total_weight)
        )
        error = expected.std(axis=0) * math.sqrt(1 + 1 / path.n_refs)
    perfect = np.array([path.is_perfect(i) for i in range(count)], dtype=bool)
    value[perfect] = math.inf
    known = np.isfinite(expected).all(axis=0)  # else every row of a reference is a center
    value[~known | ~(perfect | np.isfinite(value))] = math.nan
    error[np.isnan(value)] = math.nan
    return value, error


def stability(path, i):
    """Mean adjusted Rand index between the model's clusters and those found in random halves of the
    rows.
    """
    if i >= len(path.half_labels[0]):
        return math.nan
    full = path.models[i].labels_[path.sample]
    return (
        math.fsum(metrics.adjusted_rand_score(full, labels[i]) for labels in path.half_labels)
        / path.n_resamples
    )


def highest(ks, values):
    """The k of the largest value, of equal ones the smallest; None if there are no values."""
    return None if np.isnan(values).all() else int(ks[np.nanargmax(values)])


def lowest(ks, values):
    return highest(ks, -values)


def smallest_within_error(ks, values, errors):
    """The smallest k whose gap is within a standard error of the largest (Dudoit & Fridlyand,
    Genome Biol. 3, 2002).

    The rule of the first paper (the first k whose gap is at least the next one less its error)
    stops too early if clusters form groups.
    """
    if np.isnan(values).all():
        return None
    top = np.nanargmax(values)
    if np.isinf(values[top]):
        return int(ks[top])
    return int(ks[np.flatnonzero(values >= values[top] - errors[top])[0]])


def largest_of_highest(ks, values):
    """The largest k within 0.01 of the highest value, as few clusters are often stable."""
    if np.isnan(values).all():
        return None
    return int(ks[np.flatnonzero(values >= np.nanmax(values) - 0.01)[-1]])


class Criterion(NamedTuple):
    """One way to judge every k."""

    compute: Callable  #: function(path) -> values of the first k (and their standard errors)
    best: Callable  #: function(ks, *values) -> k or None
    title: str  #: for plots and reports
    rule: str  #: what is best, in words
    source: str  #: where it is published
    needs: str  #: what is needed for a value, in words
    error: bool = False  #: whether a second column, ``<name>_se``, comes along


_COMPARES = "2 clusters at least, and fewer than rows"
#: name -> criterion, in the order of the table's columns
CRITERIA = {
    "elbow": Criterion(
        elbow,
        highest,
        "elbow strength",
        "highest",
        "Kneedle: Satopää et al., ICDCS Workshops 2011",
        "three values of k at least, and an inertia that falls",
    ),
    "silhouette": Criterion(
        of_each(silhouette),
        highest,
        "silhouette",
        "highest",
        "Rousseeuw, J. Comput. Appl. Math. 20, 1987",
        _COMPARES,
    ),
    "simplified_silhouette": Criterion(
        of_each(simplified_silhouette),
        highest,
        "simplified silhouette",
        "highest",
        "Hruschka, de Castro & Campello, ICDM 2004",
        _COMPARES,
    ),
    "calinski_harabasz": Criterion(
        of_each(calinski_harabasz),
        highest,
        "Caliński–Harabasz",
        "highest",
        "Caliński & Harabasz, Commun. Stat. 3, 1974",
        _COMPARES,
    ),
    "davies_bouldin": Criterion(
        of_each(davies_bouldin),
        lowest,
        "Davies–Bouldin",
        "lowest",
        "Davies & Bouldin, PAMI 1, 1979",
        _COMPARES,
    ),
    "bic": Criterion(
        bic,
        lowest,
        "BIC",
        "lowest",
        "Pelleg & Moore, ICML 2000",
        "more rows than clusters, and an inertia above 0",
    ),
    "gap": Criterion(
        gap,
        smallest_within_error,
        "gap",
        "smallest k within a standard error of the highest",
        "Tibshirani, Walther & Hastie, J. R. Stat. Soc. B 63, 2001",
        "more rows than clusters, and an inertia above 0",
        True,
    ),
    "stability": Criterion(
        of_each(stability),
        largest_of_highest,
        "stability",
        "largest k within 0.01 of the highest",
        "Ben-Hur, Elisseeff & Guyon, Pac. Symp. Biocomput. 2002",
        "2 clusters at least, and twice as many rows as clusters",
    ),
}
#: short heads of columns, where the name is long
HEADS = {
    "simplified_silhouette": "simplified",
    "calinski_harabasz": "C-H",
    "davies_bouldin": "D-B",
}


def as_criteria(criteria):
    """Names of criteria, in the order of the table."""
    if isinstance(criteria, str) and criteria == "all":
        return list(CRITERIA)
    try:
        names = [criteria] if isinstance(criteria, str) else list(criteria)
    except TypeError:
        raise TypeError(
            f"criteria must be 'all', a name or a list of names, got {check.with_type(criteria)}; "
            f"the names are {', '.join(map(repr, CRITERIA))}."
        ) from None
    if not names:
        raise ValueError(
            "criteria is empty, so that no k could be suggested: pass 'all', or some of "
            f"{', '.join(map(repr, CRITERIA))}."
        )
    for name in names:
        check.check_name(name, CRITERIA, "criteria")
    return [name for name in CRITERIA if name in names]
