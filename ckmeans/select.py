"""Choosing the number of clusters: one path of fits, many criteria side by side, and a suggestion with its reason.

A criterion is a function that fills one column of the table, and a rule that reads the best k from it. Adding one is a function and
a line in `CRITERIA`.
"""
import math
from functools import cached_property
from time import perf_counter
from typing import Callable, NamedTuple

import numpy as np

from . import _validate as check
from . import metrics
from ._kmeans import ALGORITHMS, KMeans, open_data
from ._project import principal_axes
from ._solve import Solver, starts

_FRESH = 1              # draws per k with n_init="auto": the starts from the neighbours do better than more of them
_GROWN = 2              # starts for each k that add a center to the best of the k before
_BLOCK_VALUES = 1 << 20


# -- the path --------------------------------------------------------------------------------------------------------------------


class Rows:
    """Checked rows with what all fits on them share."""

    def __init__(self, array, names, weights, n_threads):
        self.array, self.names, self.weights = array, names, weights
        self.data = open_data(array, names, weights, n_threads, packed=True, compared=True)
        self.total_weight = self.data.total_weight()

    def nearest_two(self, centers, labels):
        """Of each row, the squared distances to its own center and to the nearest other."""
        n, k = len(self.array), len(centers)
        own, other = metrics.own_sq_distances(self.array, centers, labels), np.empty(n)
        step = max(1, _BLOCK_VALUES // k)
        for start in range(0, n, step):
            block = open_data(self.array[start : start + step], self.names, None, 1).distances(centers)
            block[np.arange(len(block)), labels[start : start + step]] = np.inf
            other[start : start + step] = np.square(block.min(axis=1), dtype=np.float64)
        return own, other

    def weighted(self, values):
        return values if self.weights is None else values * self.weights

    def grow(self, centers, sq_nearest, k, random_state):
        """Centers up to k: each new one a row drawn as in greedy k-means++, with those that are there as a given.

        sq_nearest : ndarray of shape (n,)
            Squared distance of each row to the nearest of the centers.
        """
        centers = centers.astype(np.float64)
        while len(centers) < k:
            running = np.cumsum(self.weighted(sq_nearest))
            trials = 2 + int(math.log(k))
            drawn = random_state.random_sample(trials) * running[-1]
            last = np.searchsorted(running, running[-1], side="left")
            candidates = self.data.take(np.minimum(np.searchsorted(running, drawn, side="right"), last))
            distances = self.data.distances(candidates).T.astype(np.float64)
            left = [np.minimum(sq_nearest, row * row) for row in distances]
            t = min(range(trials), key=lambda t: metrics.exact_sum(self.weighted(left[t])))
            sq_nearest = left[t]
            centers = np.vstack([centers, candidates[t]])
        return centers

    def shrink(self, centers, labels, k):
        """Centers down to k: those go whose rows lose least."""
        centers = centers.astype(np.float64)
        own, other = self.nearest_two(centers, labels)
        loss = np.bincount(labels, self.weighted(other - own), minlength=len(centers))
        return np.delete(centers, np.argsort(loss, kind="stable")[: len(centers) - k], axis=0)


def fit_path(rows, ks, seeds, n_init, max_iter, tol, *, grown=_GROWN, back=True):
    """A solver for each k, whose best run is the best found.

    Upwards, each k starts from its own draws and from the best centers of the k before with a center added; downwards, from those of
    the k after with the least useful center gone. Both cost little, for they begin near the end.
    """
    solvers = [Solver(rows.data, rows.names, max_iter, tol, ALGORITHMS["auto"]) for _ in ks]
    # All are drawn before the first is run: runs may want the rows in another order.
    fresh = [list(solver.draw(starts("auto", n_init, k, seed, rows.array, rows.data)))
             for solver, k, seed in zip(solvers, ks, seeds)]
    before = None
    for solver, k, seed, drawn in zip(solvers, ks, seeds, fresh):
        for start in drawn:
            solver.run(*start)
        if before is not None:
            random_state = np.random.RandomState(seed)
            sq_nearest = metrics.own_sq_distances(rows.array, before.centers.astype(np.float64), before.labels)
            for _ in range(grown):
                began = perf_counter()
                centers = rows.grow(before.centers, sq_nearest, k, random_state)
                solver.run(None, centers.astype(before.centers.dtype).astype(np.float64), began)
        before = solver.best
    if back:
        for solver, after in zip(solvers[-2::-1], solvers[:0:-1]):
            began = perf_counter()
            solver.run(None, rows.shrink(after.best.centers, after.best.labels, len(solver.best.centers)), began)
    return solvers


# -- criteria --------------------------------------------------------------------------------------------------------------------


class Path:
    """The fitted path and what criteria are computed from. What is costly is made when first asked for."""

    def __init__(self, rows, ks, models, seed, max_iter, tol, n_threads, n_refs, n_resamples, sample_size):
        self.rows, self.ks, self.models = rows, ks, models
        self.seed, self.max_iter, self.tol, self.n_threads = seed, max_iter, tol, n_threads
        self.n_refs, self.n_resamples = n_refs, n_resamples
        self.inertias = np.array([model.inertia_ for model in models])
        n = len(rows.array)
        kept = np.arange(n) if rows.weights is None else np.flatnonzero(rows.weights)
        self.sampled = sample_size is not None and sample_size < len(kept)
        if self.sampled:
            kept = np.sort(np.random.RandomState(seed).permutation(kept)[:sample_size])
        self.sample = kept
        self.sample_rows = rows.array[kept]
        self.sample_weights = None if rows.weights is None else rows.weights[kept]

    def uniform(self):
        """Rows and generators of data without structure: uniform in a box that holds the sample.

        The box lies along the columns or along the principal axes, whichever is smaller: both are in the paper.
        """
        middle, axes, _ = principal_axes(self.sample_rows.astype(np.float64))
        # Rounded, so that the last bits of a linear algebra library are not in the results.
        boxes = [self.box(middle, np.eye(len(middle))), self.box(middle, np.round(axes, 9))]
        low, high, scale, axes = min(boxes, key=lambda box: round(np.log(np.maximum(box[1] - box[0], 1e-9) * box[2]).sum(), 6))
        for b in range(self.n_refs):
            random_state = np.random.RandomState([self.seed, 1, b])
            uniform = (low + (high - low) * random_state.random_sample(self.sample_rows.shape)) @ axes
            yield Rows(np.ascontiguousarray(np.round(uniform, 12) * scale), None, None, self.n_threads), random_state

    def box(self, middle, axes):
        """The sample's limits along some axes, divided by a scale, and that scale."""
        placed = (self.sample_rows - middle) @ axes.T
        low, high = placed.min(axis=0), placed.max(axis=0)
        scale = float(np.abs(high - low).max()) or 1.0
        return np.round(low / scale, 9), np.round(high / scale, 9), scale, axes

    @cached_property
    def references(self):
        """The fitted path of each uniform data set: (rows, best of each k)."""
        return [(rows, [solver.best for solver in fit_path(rows, self.ks, check.seeds(random_state, len(self.ks)), 1, self.max_iter,
                                                           self.tol, grown=1, back=False)])
                for rows, random_state in self.uniform()]

    def reference_silhouettes_at(self, i):
        """Simplified silhouettes of the uniform data sets with the i-th k."""
        if "references" in self.__dict__:
            fits = [(rows, bests[i]) for rows, bests in self.references]
        else:
            fits = [(rows, fit_path(rows, [self.ks[i]], check.seeds(random_state, 1), 2, self.max_iter, self.tol)[0].best)
                    for rows, random_state in self.uniform()]
        return np.array([simplified(rows.array, best.centers, best.labels, None, self.n_threads) for rows, best in fits])


def simplified(array, centers, labels, weights, n_threads):
    if len(np.unique(labels)) < 2:
        return math.nan
    return metrics.exact_mean(metrics.simplified_silhouette_samples(array, centers, labels, n_threads=n_threads), weights)


def elbow(path):
    """Distance of the inertia curve below its chord, both axes scaled to 1: the knee of Kneedle."""
    k, inertia = np.array(path.ks, dtype=float), path.inertias
    fall = inertia[0] - inertia[-1]
    if len(k) < 3 or not fall > 0:
        return np.full(len(k), math.nan)
    return 1 - (k - k[0]) / (k[-1] - k[0]) - (inertia - inertia[-1]) / fall


def silhouette(path):
    out = []
    for model in path.models:
        labels = model.labels_[path.sample]
        found = len(np.unique(labels))
        out.append(metrics.exact_mean(metrics.silhouette_samples(path.sample_rows, labels, n_threads=path.n_threads),
                                      path.sample_weights) if 2 <= found < len(labels) else math.nan)
    return np.array(out)


def simplified_silhouette(path):
    return np.array([simplified(path.rows.array, model.cluster_centers_, model.labels_, path.rows.weights, path.n_threads)
                     for model in path.models])


def of_labels(score):
    """A criterion from a score of rows and labels."""
    def compute(path):
        rows = path.rows
        return np.array([score(rows.array, model.labels_, sample_weight=rows.weights)
                         if 2 <= np.count_nonzero(model.counts_) < len(rows.array) else math.nan for model in path.models])

    return compute


def bic(path):
    """-2 log likelihood + parameters * log n of round Gaussians of one variance."""
    n, d = path.rows.total_weight, path.rows.array.shape[1]
    out = []
    for k, model in zip(path.ks, path.models):
        if not (model.inertia_ > 0 and n > k):
            out.append(math.nan)
            continue
        sizes = np.bincount(model.labels_, path.rows.weights, minlength=k)
        sizes = sizes[sizes > 0]
        mixing = math.fsum((sizes * np.log(sizes / n)).tolist())
        variance = model.inertia_ / (d * (n - k))
        log_likelihood = mixing - 0.5 * n * d * math.log(2 * math.pi * variance) - 0.5 * d * (n - k)
        out.append(-2 * log_likelihood + (k * (d + 1)) * math.log(n))
    return np.array(out)


def gap(path):
    """Mean of log inertia over the references less that of the data, and its standard error."""
    m = len(path.sample)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.log(np.array([[best.inertia / m for best in bests] for _, bests in path.references]))
        value = expected.mean(axis=0) - np.log(path.inertias / path.rows.total_weight)
        error = expected.std(axis=0) * math.sqrt(1 + 1 / path.n_refs)
    value[~np.isfinite(value)] = math.nan
    return value, error


def stability(path):
    """Mean adjusted Rand index between the model's clusters and those found in random halves of the rows."""
    m = len(path.sample)
    half = max(m // 2, min(m, path.ks[-1]))
    scores = np.zeros((path.n_resamples, len(path.ks)))
    full = [model.labels_[path.sample] for model in path.models]
    everything = open_data(path.sample_rows, None, None, path.n_threads)
    for b in range(path.n_resamples):
        random_state = np.random.RandomState([path.seed, 2, b])
        picked = np.sort(random_state.permutation(m)[:half])
        rows = Rows(path.sample_rows[picked], None, None if path.sample_weights is None else path.sample_weights[picked],
                    path.n_threads)
        seeds = check.seeds(random_state, len(path.ks))
        for i, solver in enumerate(fit_path(rows, path.ks, seeds, 1, path.max_iter, path.tol, grown=2, back=False)):
            labels = everything.assign(np.ascontiguousarray(solver.best.centers, dtype=np.float64))
            scores[b, i] = metrics.adjusted_rand_score(full[i], labels)
    means = np.array([math.fsum(column) / path.n_resamples for column in scores.T.tolist()])
    means[np.array(path.ks) == 1] = math.nan              # one cluster always agrees with itself
    return means


def highest(ks, values):
    """The k of the largest value, the smallest k of equal ones; None where there is none."""
    return int(ks[np.nanargmax(values)]) if np.isfinite(values).any() else None


def lowest(ks, values):
    return highest(ks, -values)


def smallest_within_error(ks, values, errors):
    """The smallest k whose gap is within a standard error of the largest (Dudoit & Fridlyand, Genome Biol. 3, 2002).

    The rule of the first paper, the first k that is not below the next by more than its error, stops too early where clusters form
    groups.
    """
    if not np.isfinite(values).any():
        return None
    top = np.nanargmax(values)
    return int(ks[np.flatnonzero(values >= values[top] - errors[top])[0]])


def largest_of_highest(ks, values):
    """The largest k within 0.01 of the highest value: fewer clusters are easily stable."""
    if not np.isfinite(values).any():
        return None
    return int(ks[np.flatnonzero(values >= np.nanmax(values) - 0.01)[-1]])


class Criterion(NamedTuple):
    """One way to judge every k."""

    compute: Callable       #: function(path) -> values for each k (and their standard errors)
    best: Callable          #: function(ks, *values) -> k or None
    title: str              #: for plots and reports
    rule: str               #: what is best, in words
    source: str             #: where it is published
    error: bool = False     #: whether a second column, ``<name>_se``, comes along


#: name -> criterion, in the order of the table's columns
CRITERIA = {
    "elbow": Criterion(elbow, highest, "elbow strength", "highest", "Kneedle: Satopää et al., ICDCS Workshops 2011"),
    "silhouette": Criterion(silhouette, highest, "silhouette", "highest", "Rousseeuw, J. Comput. Appl. Math. 20, 1987"),
    "simplified_silhouette": Criterion(simplified_silhouette, highest, "simplified silhouette", "highest",
                                       "Hruschka, de Castro & Campello, ICDM 2004"),
    "calinski_harabasz": Criterion(of_labels(metrics.calinski_harabasz_score), highest, "Caliński–Harabasz", "highest",
                                   "Caliński & Harabasz, Commun. Stat. 3, 1974"),
    "davies_bouldin": Criterion(of_labels(metrics.davies_bouldin_score), lowest, "Davies–Bouldin", "lowest", "Davies & Bouldin, PAMI 1, 1979"),
    "bic": Criterion(bic, lowest, "BIC", "lowest", "Pelleg & Moore, ICML 2000"),
    "gap": Criterion(gap, smallest_within_error, "gap", "smallest k within a standard error of the highest",
                     "Tibshirani, Walther & Hastie, J. R. Stat. Soc. B 63, 2001", True),
    "stability": Criterion(stability, largest_of_highest, "stability", "largest k within 0.01 of the highest",
                           "Ben-Hur, Elisseeff & Guyon, Pac. Symp. Biocomput. 2002"),
}


#: short heads of columns, where the name is long
_HEADS = {"simplified_silhouette": "simplified", "calinski_harabasz": "C-H", "davies_bouldin": "D-B"}


# -- the suggestion --------------------------------------------------------------------------------------------------------------


def has_structure(path, i):
    """Whether the i-th fit parts the rows more clearly than fits of the reference data do, and that in words.

    The simplified silhouette must exceed the mean of the references by 0.03 at least, and by 4 of their standard deviations.
    """
    k, model = path.ks[i], path.models[i]
    mine = simplified(path.rows.array, model.cluster_centers_, model.labels_, path.rows.weights, path.n_threads)
    theirs = path.reference_silhouettes_at(i)
    mean, spread = theirs.mean(), theirs.std() * math.sqrt(1 + 1 / len(theirs))
    clear = mine - mean >= max(0.03, 4 * spread)
    return clear, f"simplified silhouette {mine:.3f}, against {mean:.3f} ± {spread:.3f} of uniform data fitted alike"


def suggest(path, best_k):
    """The k that most criteria favour, if the data has structure at all; and why, in one sentence."""
    votes = {k: [name for name, best in best_k.items() if best == k] for k in {*best_k.values()} - {None, 1}}
    titles = lambda names: " and ".join(", ".join(CRITERIA[name].title for name in names).rsplit(", ", 1))
    if not votes:
        return None, "No clear structure: no criterion favours more than one cluster."
    most = max(map(len, votes.values()))
    tied = sorted(k for k in votes if len(votes[k]) == most)
    tests = {k: has_structure(path, path.ks.index(k)) for k in tied}
    # Of equally favoured ones, one with structure, and the one that the criterion first in the table prefers.
    order = list(best_k)
    k = min(tied, key=lambda k: (not tests[k][0], order.index(votes[k][0]) if "silhouette" not in votes[k] else -1, k))
    clear, words = tests[k]
    if not clear:
        return None, f"No clear structure: even k = {k} parts the rows hardly better than it would part noise ({words})."
    others = sorted({best for best in best_k.values() if best not in (None, k)})
    against = f"; others say {', '.join(map(str, others))}" if others else ""
    return k, (f"k = {k}: {len(votes[k])} of {len(best_k)} criteria favour it ({titles(votes[k])}{against}), and its clusters are "
               f"clearly parted ({words}).")


class KSelection:
    """What `select_k` found.

    Attributes
    ----------
    k_range : ndarray of int
    table : dict of str to ndarray
        Columns ``k``, ``inertia`` and one per criterion (and ``gap_se``); NaN where a criterion has no value, as at k = 1.
    best_k : dict of str to (int or None)
        What each criterion favours.
    suggested_k : int or None
        None when there is no clear structure.
    suggestion : str
        The reason, in one sentence.
    models : dict of int to KMeans
        The fitted model of each k.
    model : KMeans or None
        That of `suggested_k`.
    sample_size : int
        Rows that silhouette, gap and stability looked at.
    """

    def __init__(self, table, best_k, suggested_k, suggestion, models, sample_size):
        self.table, self.best_k, self.suggested_k, self.suggestion = table, best_k, suggested_k, suggestion
        self.models, self.sample_size = models, sample_size

    @property
    def k_range(self):
        return self.table["k"]

    @property
    def model(self):
        return self.models.get(self.suggested_k)

    def title(self, name):
        """What a column of the table is called in plots and reports."""
        return CRITERIA[name].title if name in CRITERIA else name

    def to_pandas(self):
        """The table as a pandas DataFrame, indexed by k."""
        from ._extras import need

        return need("pandas", "to_pandas").DataFrame(self.table).set_index("k")

    def plot(self, *names, axes=None):
        """Inertia and criteria against k; see `ckmeans.plot.selection`."""
        from .plot import selection

        return selection(self, *names, axes=axes)

    def lines(self, width=None):
        """The table as lines of text, a star after the value that a criterion likes best; columns beyond `width` follow below."""
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows)]
        blocks, room = [[]], widths[0]
        for j in range(1, len(widths)):
            room += 2 + widths[j]
            if width is not None and room > width and blocks[-1]:
                blocks.append([])
                room = widths[0] + 2 + widths[j]
            blocks[-1].append(j)
        lines = []
        for block in blocks:
            lines += [""] * bool(lines) + ["  ".join([row[0], *(f"{row[j]:>{widths[j]}}" for j in block)]).rstrip() for row in rows]
        return lines

    def _rows(self):
        """The cells of the table, the head first."""
        rows = [[_HEADS.get(name, name) for name in self.table]]
        for i, k in enumerate(self.k_range.tolist()):
            row = [f"{k:>3}"]
            for name, column in list(self.table.items())[1:]:
                value = float(column[i])
                text = "-" if math.isnan(value) else f"{value:.3f}" if abs(value) < 100 else f"{value:.5g}"
                row.append(text + ("*" if self.best_k.get(name) == k else " "))
            rows.append(row)
        rows[0][0] = "  k"
        rows[0][1:] = [name + " " for name in rows[0][1:]]
        return rows

    def __repr__(self):
        return f"<KSelection of k = {self.k_range[0]} to {self.k_range[-1]}: suggested {self.suggested_k}>"

    def __str__(self):
        return "\n".join([*self.lines(), "", self.suggestion])

    def html_table(self):
        """The table as HTML, the suggested k standing out."""
        from ._html import table

        head, *rows = self._rows()
        return table(head, rows, strong=[i for i, k in enumerate(self.k_range) if k == self.suggested_k])

    def _repr_html_(self):
        from ._html import fill

        return fill("{}<p>{}</p>", self.html_table(), self.suggestion)


def select_k(X, k_range=range(1, 13), *, criteria="all", random_state=None, n_init="auto", sample_weight=None, max_iter=300, tol=1e-4,
             n_threads=None, n_refs=10, n_resamples=5, sample_size=5000, metric="euclidean"):
    """Fit a range of k, judge each by many criteria, and suggest one.

    Parameters
    ----------
    X : array-like or table of shape (n, d)
        Features on different scales should be scaled first.
    k_range : iterable of int
        Numbers of clusters; 1 among them lets criteria favour a single cluster.
    criteria : "all", str or iterable of str
        Names in `CRITERIA`: "elbow", "silhouette", "simplified_silhouette", "calinski_harabasz", "davies_bouldin", "bic", "gap",
        "stability".
    random_state : None, int, RandomState or Generator
    n_init : "auto" or int
        Drawn starts for each k, beside those taken over from the neighbouring k; "auto" means 1, which finds about what 10 separate
        restarts find.
    sample_weight : array-like of shape (n,) or None
        Rows of weight 0 have no say. Silhouettes are weighted in the mean only.
    max_iter, tol, n_threads
        As in `KMeans`.
    n_refs : int
        Uniform data sets that the gap statistic, and the test for structure, compare with.
    n_resamples : int
        Random halves of the rows that stability is measured on.
    sample_size : int or None
        Silhouette, gap and stability look at a random sample of so many rows, where there are more; None means all.
    metric : "euclidean"
        No other: most criteria are of Euclidean distances. For cosine distances pass rows at unit length.

    Returns
    -------
    selection : KSelection
        Printed, it is a table with the suggestion below.

    Raises
    ------
    TypeError, ValueError
        A parameter or the data cannot be used.

    Notes
    -----
    The fits share the packed rows. Each k also starts from the best centers of k - 1 with one added (drawn as in k-means++) and from
    those of k + 1 with the least useful one removed, which costs a few iterations each; so the path costs less than half of separate
    fits with ten restarts, and ends lower.

    Sources: elbow: Kneedle (Satopää, Albrecht, Irwin & Raghavan, ICDCS Workshops 2011); gap: Tibshirani, Walther & Hastie (J. R.
    Stat. Soc. B 63, 2001), references in the smaller of their two boxes, k by the rule of Dudoit & Fridlyand (Genome Biol. 3, 2002);
    stability: Ben-Hur, Elisseeff & Guyon (Pac. Symp. Biocomput. 2002); BIC: Pelleg & Moore (ICML 2000); the others in
    `ckmeans.metrics`. The suggestion is the k that most criteria favour, unless
    the clusters are no better parted than those of uniform data fitted alike: then it is "no clear structure", and None.

    Not for clusters that are no compact clouds: then no number of centers is right, and the criteria disagree.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans import select_k
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(center, 1.0, size=(100, 2)) for center in ([0, 0], [8, 0], [4, 7])])
    >>> found = select_k(X, range(1, 7), criteria=["elbow", "silhouette"], random_state=0)
    >>> print(found)
      k  ...
    >>> found.suggested_k, found.best_k
    (3, {'elbow': 3, 'silhouette': 3})
    >>> select_k(rng.random((500, 2)), criteria=["silhouette"], random_state=0).suggested_k is None
    True
    """
    check.check_euclidean(metric, "select_k")
    array, names = check.as_matrix(X)
    ks = as_k_range(k_range, len(array))
    wanted = as_criteria(criteria)
    weights = check.as_weights(sample_weight, len(array))
    for value, name, least in (n_refs, "n_refs", 2), (n_resamples, "n_resamples", 1):
        check.check_int(value, name, least, f"an integer of at least {least}")
    if sample_size is not None:
        check.check_int(sample_size, "sample_size", max(10, 2 * ks[-1]),
                        f"None or an integer of at least {max(10, 2 * ks[-1])}, for k up to {ks[-1]}")
    *seeds, extra = check.seeds(random_state, len(ks) + 1)
    models = [KMeans(k, n_init=n_init, max_iter=max_iter, tol=tol, random_state=seed, n_threads=n_threads)
              for k, seed in zip(ks, seeds)]
    check.check_params(models[0], ALGORITHMS)
    rows = Rows(array, names, weights, n_threads)
    for model, solver in zip(models, fit_path(rows, ks, seeds, _FRESH if n_init == "auto" else n_init, max_iter, tol)):
        model._keep(solver)
    path = Path(rows, ks, models, extra, max_iter, tol, n_threads, n_refs, n_resamples, sample_size)
    k_array = np.array(ks)
    table, best_k = {"k": k_array, "inertia": path.inertias}, {}
    for name in wanted:
        criterion = CRITERIA[name]
        values = criterion.compute(path)
        values = values if criterion.error else (values,)
        table[name] = values[0]
        if criterion.error:
            table[f"{name}_se"] = values[1]
        best_k[name] = criterion.best(k_array, *values)
    suggested_k, suggestion = suggest(path, best_k)
    return KSelection(table, best_k, suggested_k, suggestion, dict(zip(ks, models)), len(path.sample))


def as_k_range(k_range, n):
    """Increasing numbers of clusters."""
    try:
        ks = list(k_range)
    except TypeError:
        raise TypeError(f"k_range must be an iterable of integers such as range(2, 13), got {check._typed(k_range)}.") from None
    if not ks:
        raise ValueError("k_range is empty: pass at least one number of clusters, as range(2, 13).")
    for k in ks:
        check.check_int(k, "every k in k_range", 1, "an integer of at least 1")
    check.check_n_clusters(max(ks), n)
    return sorted({int(k) for k in ks})


def as_criteria(criteria):
    """Names of criteria, in the order of the table."""
    if isinstance(criteria, str) and criteria == "all":
        return list(CRITERIA)
    names = [criteria] if isinstance(criteria, str) else list(criteria)
    for name in names:
        check.check_name(name, CRITERIA, "criteria")
    return [name for name in CRITERIA if name in names]
