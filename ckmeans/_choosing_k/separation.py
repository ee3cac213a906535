"""The test for well separated clusters: how dense are rows between neighboring clusters?"""

import math
from time import perf_counter

import numpy as np

from .._estimators.kmeans import open_data
from .fits import Rows
from .path import in_rows

# The test for well separated clusters; the figures behind these values are in the notes of
# `select_k`.
_FOLDS = 5  # parts of the rows, each held out while centers are fitted to the others
_NEIGHBORS = 10  # nearest centers that each is compared with
_BIN = 0.025  # width of the bins along the line through two centers, which lie at 0 and 1
_BINS = _BIN * np.arange(-24, 65)
_WINDOW = np.exp(-0.5 * (_BIN * np.arange(-12, 13) / 0.08) ** 2)  # 1 in the middle: sums count rows
_REACH = 0.12  # how far beyond the centers rows count as near them
_DOUBT = 3.0  # rows added to every count, so that few rows are no evidence,
_DEVIATIONS = 0.4  # and standard deviations (of a Poisson number) added to the lowest count
_PRIOR = 5  # rows that the usual spread across the line counts as
SEPARATED = 0.5  # the highest share of the density at centers that is found between clusters
_REPEATS = 4  # rows for each distinct row, where the distinct rows are the clusters
_SCALE_LEVELS = 5  # so many equally spaced values of a column are a scale of measurement


def density_between(path, i):
    """The density of rows between neighboring clusters, relative to that at the centers.

    Densities are those of held-out rows: for each fifth of the rows, centers are fitted to the
    other rows, starting from the model's. For two clusters, the density of their rows along the
    line through the centers is estimated; the share is the lowest density between the two divided
    by the lower of their peaks. The result is the mean over the clusters, weighted by their rows,
    of the highest share that a cluster has with a neighbor.
    """
    k = path.ks[i]
    # The unit does not matter: the largest value becomes 1.
    middle = (path.sample_rows.min(axis=0) / 2 + path.sample_rows.max(axis=0) / 2).astype(
        np.float64
    )
    scale = float(np.abs(path.sample_rows - middle).max()) or 1.0
    random_state = np.random.RandomState([path.seed, 3])
    array = unrounded((path.sample_rows - middle) / scale, random_state)
    start = (path.models[i].cluster_centers_ - middle) / scale
    weights = np.ones(len(array)) if path.sample_weights is None else path.sample_weights
    # The effective number of rows: a few rows of large weight count as few rows.
    weights = in_rows(weights, weights.sum() ** 2 / np.square(weights).sum())
    fold = random_state.permutation(len(array)) % _FOLDS
    labels, centers = np.empty(len(array), dtype=np.intp), np.empty((_FOLDS, *start.shape))
    pairs = neighbors(start)
    between: dict[tuple, list] = {
        pair: [] for pair in pairs
    }  # (rows, positions along the line) of each fold
    for f in range(_FOLDS):
        held = fold == f
        if np.count_nonzero(~held) < k or not held.any():
            return 1.0
        rows = Rows(array[~held], None, weights[~held], path.n_threads)
        solver = rows.solver(path.max_iter, path.tol)
        solver.run(None, start, perf_counter())
        centers[f] = solver.best.centers
        distances = np.square(
            open_data(array[held], None, None, path.n_threads).distances(centers[f])
        )
        own = distances.argmin(axis=1)
        labels[held] = own
        for a, b in pairs:
            apart = math.fsum(np.square(centers[f, a] - centers[f, b]).tolist())
            if not apart > 0:
                return 1.0
            both = (own == a) | (own == b)
            # 0 at center a, 1 at center b
            along = 0.5 + (distances[both, a] - distances[both, b]) / (2 * apart)
            between[a, b].append((np.flatnonzero(held)[both], along))
    shares = np.zeros(k)
    for (a, b), found in between.items():
        picked, along = (np.concatenate(parts) for parts in zip(*found))
        origin, end = centers[fold[picked], a], centers[fold[picked], b]
        across = array[picked] - origin - along[:, np.newaxis] * (end - origin)
        shares[[a, b]] = np.maximum(shares[[a, b]], lowest_share(across, along, weights[picked]))
    return float(np.average(shares, weights=np.bincount(labels, weights, minlength=k)))


def unrounded(array, random_state):
    """Rows whose rounded columns have been made continuous again.

    Whole numbers, answers from 1 to 5, or measurements to a tenth have gaps because of rounding,
    not because of clusters. If a column has equal values, a random number is added to each: up to
    half the median distance between successive values, in both directions.
    """
    array = array.astype(np.float64)
    for column in array.T:
        values = np.unique(column)
        if 1 < len(values) < len(column):
            steps = np.sort(np.diff(values))
            column += steps[(len(steps) - 1) // 2] * (random_state.random_sample(len(column)) - 0.5)
    return array


def neighbors(centers):
    """Pairs (a, b), a < b, of centers one of which is among the nearest of the other."""
    pairs: set[tuple[int, int]] = set()
    for a in range(len(centers)):
        distances = np.square(centers - centers[a]).sum(axis=1)
        distances[a] = np.inf
        nearest = np.argsort(distances, kind="stable")[: min(_NEIGHBORS, len(centers) - 1)]
        pairs.update((min(a, b), max(a, b)) for b in nearest.tolist())
    return sorted(pairs)


def lowest_share(across, along, weights):
    """The lowest density between two centers, as a share of the lower of the peaks beside it.

    along : ndarray of shape (n,)
        Coordinates along the line through the centers, which are at 0 and 1.
    across : ndarray of shape (n, d)
        Offsets from that line.

    Along this line, the rows of an arc look dense where the arc bends and sparse in between, though
    they are equally close to each other. Therefore, if rows spread less across the line at the
    lowest density than near the centers, the share is increased by the same factor.
    """
    bins = np.clip(np.rint(along / _BIN), -24, 64).astype(np.intp) + 24
    density = np.convolve(np.bincount(bins, weights, minlength=len(_BINS)), _WINDOW, "same")
    near = (_BINS > -_REACH) & (_BINS < 1 + _REACH)
    left = np.maximum.accumulate(np.where(near & (_BINS < 0.5), density, 0.0))
    right = np.maximum.accumulate(np.where(near & (_BINS > 0.5), density, 0.0)[::-1])[::-1]
    shares = (density + _DEVIATIONS * np.sqrt(density) + _DOUBT) / (
        np.minimum(left, right) + _DOUBT
    )
    shares[(_BINS < 0.1) | (_BINS > 0.9)] = np.inf
    lowest = int(shares.argmin())
    here = np.abs(along - _BINS[lowest]) < _REACH
    usual = 0.5 * (
        total_variance(across[np.abs(along) < _REACH])
        + total_variance(across[np.abs(along - 1) < _REACH])
    )
    if usual > 1e-9:  # rows lie within 1 of the middle, and are not all on the line
        # The spread of few rows is uncertain: average it with the usual one.
        mixed = (total_variance(across[here]) * here.sum() + usual * _PRIOR) / (here.sum() + _PRIOR)
        shares *= max(1.0, math.sqrt(usual / mixed))
    return float(shares[lowest])


def total_variance(rows):
    """The variance of rows, summed over all features."""
    return float(rows.var(axis=0).sum()) if len(rows) else 0.0


def are_distinct_rows(path, i):
    """Whether the clusters of the i-th model are the distinct rows, each of which is repeated.

    A column with at least 5 equally spaced values, such as that of a die, is a scale of
    measurement. Its values are not clusters, unless most combinations with the values of other
    columns are missing.
    """
    if not path.is_perfect(i) or path.n_rows < _REPEATS * path.n_distinct:
        return False
    combinations, scale = 1, False
    for column in path.sample_rows.T:
        values = np.unique(column).astype(np.float64)
        combinations *= len(values)
        if len(values) >= _SCALE_LEVELS:
            values /= max(-values[0], values[-1])  # so that quotients do not overflow
            places = (values - values[0]) / np.diff(values).min()
            even = np.abs(places - np.rint(places)).max() < 0.01
            scale |= bool(even and places[-1] < 2 * len(values))
    return not scale or path.n_distinct < 0.5 * combinations


def separation(path, i):
    """Whether the clusters of the i-th model are well separated, and the reason in words."""
    if are_distinct_rows(path, i):
        return True, "each is one distinct row, repeated"
    share = round(path.once(density_between, i), 2)
    return (
        share <= SEPARATED,
        f"between neighboring clusters, rows are {share:.2f} times as dense as at the centers",
    )
