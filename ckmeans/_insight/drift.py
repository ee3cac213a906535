"""Whether new rows still resemble those that a model was fitted on."""

from typing import Any, NamedTuple

import numpy as np

from .._estimators.base import unit_rows
from .._estimators.scaling import fitted_scaling
from .._input import checks as check
from .._input.optional_packages import need

#: The test of a cluster's mean takes at most so many of its old rows and of its new ones, and so
#: many random permutations of them.
MOST_ROWS, REGROUPINGS = 500, 499

#: Expected rows below which clusters are tested together, as the chi-squared test asks.
FEW = 5


class ClusterDrift(NamedTuple):
    """How one cluster has changed."""

    label: int
    share_then: float
    share_now: float
    distance_then: float  #: root mean squared distance of its rows to the center
    distance_now: float
    shift: float  #: how far the mean of its rows has moved
    shift_p: float  #: p-value of the shift; NaN where there are too few rows
    moved: bool  #: whether the shift is significant and not small


class Drift:
    """What `drift` found; printing it gives a page of text.

    Attributes
    ----------
    shares_then, shares_now : ndarray of shape (k,)
        Share of the rows in each cluster.
    shares_p : float
        p-value of equal shares: chi-squared test of homogeneity.
    distance_then, distance_now : float
        Root mean squared distance of the rows to their centers.
    distances_p : float
        p-value of equal distributions of these distances: Kolmogorov-Smirnov, two-sided; NaN
        without reference rows.
    clusters : tuple of ClusterDrift
    drifted : bool
        Whether any of the tests finds a change at level `alpha`, all tests of the call together.
    refit : bool
        Whether the change is large enough to fit again: `drifted`, and shares that moved by more
        than `tolerance` in total, distances that grew by more than `tolerance`, or a cluster that
        moved.
    n_then, n_now : int
    alpha, tolerance : float
    """

    shares_then: np.ndarray
    shares_now: np.ndarray
    shares_p: float
    distance_then: float
    distance_now: float
    distances_p: float
    clusters: tuple[ClusterDrift, ...]
    drifted: bool
    refit: bool
    n_then: int
    n_now: int
    alpha: float
    tolerance: float
    _significant: dict[Any, bool]

    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)

    def __repr__(self):
        return f"<Drift: drifted={self.drifted}, refit={self.refit}>"

    @property
    def reasons(self) -> list[str]:
        """What has changed, a line each."""
        lines = []
        if self._significant["shares"]:
            total = np.abs(self.shares_now - self.shares_then).sum() / 2
            lines.append(
                f"shares: {total:.1%} of the rows are in other clusters ({_p(self.shares_p)})"
            )
        if self._significant["distances"]:
            lines.append(
                f"distances: {self.distance_now:.4g}, "
                f"{_change(self.distance_then, self.distance_now)} "
                f"({_p(self.distances_p)})"
            )
        lines += [
            f"cluster {cluster.label}: its mean moved by {cluster.shift:.4g} "
            f"({_p(cluster.shift_p)})"
            for cluster in self.clusters
            if cluster.moved
        ]
        return lines

    def __str__(self):
        if self.refit:
            head = "The rows have changed: fit again."
        elif self.drifted:
            head = "The rows have changed a little: no need to fit again."
        else:
            head = "No change found."
        width = max(len("cluster"), *(len(str(cluster.label)) for cluster in self.clusters))
        lines = [head, *(f"  {reason}" for reason in self.reasons), ""]
        lines.append(
            f"{'cluster':>{width}}   share then    now   distance then        now      shift  p"
        )
        for cluster in self.clusters:
            lines.append(
                f"{cluster.label:>{width}}   "
                f"{cluster.share_then:>10.1%} {cluster.share_now:>6.1%}   "
                f"{_number(cluster.distance_then):>13} {_number(cluster.distance_now):>10} "
                f"{_number(cluster.shift):>10}  "
                f"{_p_value(cluster.shift_p)}{'  *' if cluster.moved else ''}"
            )
        return "\n".join(lines)

    def _repr_html_(self):
        from .._output.html import fill, table

        head = ["cluster", "share then", "now", "distance then", "now", "shift", "p"]
        rows = [
            [
                c.label,
                f"{c.share_then:.1%}",
                f"{c.share_now:.1%}",
                _number(c.distance_then),
                _number(c.distance_now),
                _number(c.shift),
                _p_value(c.shift_p),
            ]
            for c in self.clusters
        ]
        strong = [i for i, cluster in enumerate(self.clusters) if cluster.moved]
        return fill("<p>{}</p>{}", str(self).partition("\n")[0], table(head, rows, strong=strong))

    def plot(self, ax: Any = None) -> Any:
        """Shares then and now, and distances then and now, side by side.

        Returns
        -------
        axes : pair of matplotlib axes
        """
        pyplot = need("matplotlib.pyplot", "Drift.plot")
        axes = (
            pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")[1] if ax is None else ax
        )
        place = np.arange(len(self.clusters))
        for axis, then, now, title in (
            (axes[0], "share_then", "share_now", "Share of the rows"),
            (axes[1], "distance_then", "distance_now", "RMS distance to the center"),
        ):
            axis.bar(place - 0.2, [getattr(c, then) for c in self.clusters], 0.4, label="then")
            axis.bar(place + 0.2, [getattr(c, now) for c in self.clusters], 0.4, label="now")
            axis.set(title=title, xlabel="cluster")
            step = max(1, len(place) // 20)
            axis.set_xticks(place[::step], [c.label for c in self.clusters][::step])
        axes[0].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes[0].margins(y=0.2)  # room for the legend
        axes[0].legend(frameon=False, ncols=2, loc="upper right")
        return axes


def drift(
    model: Any, new: Any, reference: Any = None, *, alpha: float = 0.01, tolerance: float = 0.1
) -> Drift:
    """Compare new rows with those that a model was fitted on.

    Parameters
    ----------
    model : KMeans, MiniBatchKMeans or BisectingKMeans
        Fitted.
    new : array-like, or table, of shape (n_new, d)
    reference : array-like or table of shape (n_reference, d), or None, default=None
        Rows from the time of the fit, best ones that the model was not fitted on: centers are a
        little too near to the rows that they were fitted on. None: only shares are tested, against
        ``model.counts_``.
    alpha : float, default=0.01
        Chance that `drifted` is true though nothing has changed, for all tests together (Holm
        1979).
    tolerance : float, default=0.1
        Smaller changes are not worth a new fit, however significant: the total change of the
        shares, the relative change of the distances, and the shift of a cluster's mean relative to
        the spread of its rows.

    Returns
    -------
    Drift

    Raises
    ------
    NotFittedError, ValueError, TypeError
        As `predict` does; and if there is neither `reference` nor ``model.counts_``.
    ImportError
        scipy is not installed.

    Notes
    -----
    Shares: chi-squared test of homogeneity; clusters of fewer than 5 expected rows are merged.
    Distances: two-sample Kolmogorov-Smirnov test of the distances of rows to their centers. Means
    of clusters: permutation test of the squared distance between the means then and now, in
    standard deviations, with 499 permutations of at most 500 old and 500 new rows. The draws are
    the same in every call. p-values too small for 499 permutations come from the gamma distribution
    with their mean and variance. All tests assume that rows are drawn independently: for rows that
    follow each other closely in time, p-values are too small.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans import KMeans, drift
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(c, 1.0, size=(200, 2)) for c in ([0, 0], [9, 9])])
    >>> model = KMeans(2, random_state=0).fit(X[::2])
    >>> drift(model, rng.permutation(X)[:200], reference=X[1::2]).refit      # doctest: +SKIP
    False
    >>> drift(model, X[1::2] + [0, 2], reference=X[1::2]).refit              # doctest: +SKIP
    True
    """
    k = len(check.fitted_centers(model))
    _check_between(alpha, "alpha", 0, 1)
    _check_between(tolerance, "tolerance", 0, np.inf)
    stats = need("scipy.stats", "drift")
    now = _Side(model, new, "new")
    if reference is not None:
        then = _Side(model, reference, "reference")
        counts = then.counts
    else:
        then = None
        if getattr(model, "counts_", None) is None:
            raise ValueError(
                "the model has no counts_: pass reference=, rows from the time of the fit"
            )
        counts = check.fitted_array(model, "counts_", (k,), integers=True)
    tests: dict[Any, float] = {"shares": _shares_test(stats, counts, now.counts)}
    tests["distances"] = np.nan
    if then is not None:
        tests["distances"] = float(stats.ks_2samp(then.distances, now.distances).pvalue)
    shifts = [_shift(stats, then, now, j) for j in range(k)]
    for j, (_, _, p) in enumerate(shifts):
        tests[j] = p
    significant = _holm(tests, alpha)
    clusters = []
    for j in range(k):
        distance, relative, p = shifts[j]
        clusters.append(
            ClusterDrift(
                j,
                counts[j] / counts.sum(),
                now.counts[j] / now.counts.sum(),
                np.nan if then is None else then.spread(j),
                now.spread(j),
                distance,
                p,
                bool(significant[j] and relative > tolerance),
            )
        )
    shares_then, shares_now = counts / counts.sum(), now.counts / now.counts.sum()
    distance_then = np.nan if then is None else float(np.sqrt(np.mean(then.distances**2)))
    distance_now = float(np.sqrt(np.mean(now.distances**2)))
    large = (
        (significant["shares"] and np.abs(shares_now - shares_then).sum() / 2 > tolerance)
        or (significant["distances"] and distance_now > (1 + tolerance) * distance_then)
        or any(cluster.moved for cluster in clusters)
    )
    return Drift(
        shares_then=shares_then,
        shares_now=shares_now,
        shares_p=tests["shares"],
        distance_then=distance_then,
        distance_now=distance_now,
        distances_p=tests["distances"],
        clusters=tuple(clusters),
        drifted=any(significant.values()),
        refit=bool(large),
        n_then=int(counts.sum()),
        n_now=len(now.labels),
        alpha=alpha,
        tolerance=tolerance,
        _significant=significant,
    )


class _Side:
    """The old rows or the new ones: their labels and the distances to their own centers."""

    def __init__(self, model, X, name):
        check.check_plain(model, "drift")
        array, _ = check.as_matrix(X, name=name)
        self.labels = model.predict(X)
        self.rows = (
            unit_rows(array) if model.metric == "cosine" else np.asarray(array, dtype=np.float64)
        )
        scaling = fitted_scaling(model)
        self.rows = scaling.inside(self.rows)
        centers = scaling.inside(check.fitted_centers(model))
        self.counts = np.bincount(self.labels, minlength=len(centers))
        self.distances = np.empty(len(self.rows))
        for label in np.flatnonzero(self.counts):
            mine = self.labels == label
            self.distances[mine] = np.sqrt(((self.rows[mine] - centers[label]) ** 2).sum(axis=1))

    def spread(self, label):
        """Root mean squared distance of a cluster's rows to its center; NaN without rows."""
        mine = self.distances[self.labels == label]
        return float(np.sqrt(np.mean(mine**2))) if len(mine) else np.nan

    def some(self, label, rng):
        """At most MOST_ROWS of a cluster's rows."""
        mine = np.flatnonzero(self.labels == label)
        if len(mine) > MOST_ROWS:
            mine = rng.choice(mine, MOST_ROWS, replace=False)
        return self.rows[mine]


def _shares_test(stats, then, now):
    """p-value of equal shares."""
    table = np.array([then, now], dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    few = expected.min(axis=0) < FEW
    if few.any():
        table = np.column_stack([table[:, ~few], table[:, few].sum(axis=1)])
    if table.shape[1] < 2:
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _shift(stats, then, now, label):
    """How far a cluster's mean has moved, also relative to the rows' spread, and the p-value."""
    if then is None:
        return np.nan, np.nan, np.nan
    rng = np.random.default_rng(label)
    old, new = then.some(label, rng), now.some(label, rng)
    if min(len(old), len(new)) < FEW:
        return np.nan, np.nan, np.nan
    both = np.concatenate([old, new])
    both = both - both.mean(axis=0)
    distance = float(np.linalg.norm(old.mean(axis=0) - new.mean(axis=0)))
    within = np.sqrt(old.var(axis=0).sum())
    spread = both.std(axis=0)
    both = both[:, spread > 0] / spread[spread > 0]
    if not both.shape[1]:
        return 0.0, 0.0, 1.0
    # Which rows count as new: first the true ones, then random ones. The mean of all rows is 0, so
    # the sum of the new rows alone gives the distance between the two means.
    picks = np.zeros((REGROUPINGS + 1, len(both)))
    picks[0, len(old) :] = 1
    picks[1:, len(old) :] = 1
    picks[1:] = rng.permuted(picks[1:], axis=1)
    sums = ((picks @ both) ** 2).sum(axis=1)
    p = float(np.count_nonzero(sums >= sums[0] * (1 - 1e-9)) / len(sums))
    if p < 10 / len(sums):
        mean, variance = sums[1:].mean(), sums[1:].var()
        p = min(p, float(stats.gamma.sf(sums[0], mean**2 / variance, scale=variance / mean)))
    return distance, distance / within if within > 0 else np.inf, float(p)


def _holm(tests: dict[Any, float], alpha: float) -> dict[Any, bool]:
    """Which tests are significant, at level alpha for all of them together; NaN is not tested."""
    found = dict.fromkeys(tests, False)
    tried = sorted((p, i, name) for i, (name, p) in enumerate(tests.items()) if p == p)
    for rank, (p, _, name) in enumerate(tried):
        if p > alpha / (len(tried) - rank):
            break
        found[name] = True
    return found


def _check_between(value: Any, name: str, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value < high:
        raise ValueError(f"{name} must be a number above {low} and below {high}, got {value!r}")


def _p(p: float) -> str:
    return f"p = {_p_value(p)}" if p >= 0.001 else "p < 0.001"


def _number(value):
    """A number as text; a dash for NaN, such as the distance in a cluster without rows."""
    return "-" if np.isnan(value) else f"{value:.4g}"


def _p_value(p: float) -> str:
    return "-" if p != p else f"{p:.3f}" if p >= 0.001 else "<0.001"


def _change(then: float, now: float) -> str:
    """The relative change, in words."""
    return f"{abs(now / then - 1):.1%} {'more' if now > then else 'less'} than {then:.4g}"
