"""Medians, gaps and shares compared with other packages: ``python -m bench.softer``.

Three tables. ``medians``: k-medians and pyclustering's, from the same start. ``gaps``: the adjusted
Rand index with the labels of the complete rows, at 5 to 40 % of values missing, for ckmeans, for
columns filled with their means and for a plain k-POD; at 20 % also for the package kpod, which has
one start. ``shares``: fuzzy c-means, scikit-fuzzy's and fuzzy-c-means', from the same start.
Packages that are not installed are left out: ``pip install pyclustering scikit-fuzzy fuzzy-c-means
kpod``. Seconds are those of the CPU, the best of some rounds.
"""

import argparse
import warnings
from importlib import import_module
from time import process_time

import numpy as np

from ckmeans import FuzzyCMeans, KMeans
from ckmeans.metrics import adjusted_rand_score

SHARES = 0.05, 0.1, 0.2, 0.3, 0.4


def blobs(seed, n, d, k, spread=2.5):
    """Rows around k centers, and the center of each."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    return rng.normal(scale=spread, size=(k, d))[labels] + rng.normal(size=(n, d)), labels


def package(name):
    """A package, or None if it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(name)
    except Exception as error:
        print(f"({name} is left out: {type(error).__name__}: {error})")
        return None


def timed(rounds, function, *arguments, **options):
    """The least CPU time of some calls, and the last result."""
    seconds, result = [], None
    for _ in range(rounds):
        began = process_time()
        result = function(*arguments, **options)
        seconds.append(process_time() - began)
    return min(seconds), result


# -- medians ---------------------------------------------------------------------------------------


def medians(rounds):
    theirs = package("pyclustering.cluster.kmedians")
    metric = package("pyclustering.utils.metric") if theirs else None
    print("| n x d, k | package | sum of distances | iterations | s | s of means |")
    print("|---|---|---|---|---|---|")
    for n, d, k in ((2000, 4, 5), (50_000, 16, 10), (50_000, 16, 100), (10_000, 64, 50)):
        X, _ = blobs(1, n, d, k)
        start = X[np.random.default_rng(2).choice(n, k, replace=False)]
        fit = KMeans(k, init=start, metric="manhattan", tol=0, n_threads=1)
        plain = KMeans(k, init=start, algorithm="lloyd", tol=0, refine=None, n_threads=1)
        seconds, model = timed(rounds, fit.fit, X)
        means, one = timed(rounds, plain.fit, X)
        each = f"{means:.4f} ({seconds / model.n_iter_ / (means / one.n_iter_):.1f} x an iteration)"
        print(
            f"| {n} x {d}, {k} | ckmeans | {model.inertia_:.8g} | {model.n_iter_} | {seconds:.4f} "
            f"| {each} |"
        )
        if theirs and n * k <= 10_000:
            other = theirs.kmedians(
                X.tolist(),
                start.tolist(),
                metric=metric.distance_metric(metric.type_metric.MANHATTAN),
                itermax=300,
            )
            seconds, _ = timed(1, other.process)
            parts = zip(other.get_clusters(), other.get_medians())
            total = sum(np.abs(X[rows] - np.asarray(median)).sum() for rows, median in parts)
            print(f"| {n} x {d}, {k} | pyclustering | {total:.8g} | | {seconds:.4f} | |")


# -- gaps ------------------------------------------------------------------------------------------


def k_pod(gaps, start, iterations=100):
    """Labels by k-POD: gaps are filled from the row's own center, then one step of k-means."""
    centers, missing = start, np.isnan(gaps)
    filled = np.where(missing, np.nanmean(gaps, axis=0), gaps)
    labels = None
    for _ in range(iterations):
        squares = ((filled**2).sum(1)[:, None] - 2 * filled @ centers.T) + (centers**2).sum(1)
        fresh = squares.argmin(axis=1)
        if labels is not None and np.array_equal(fresh, labels):
            break
        labels = fresh
        for j in np.unique(labels):
            centers[j] = filled[labels == j].mean(axis=0)
        filled = np.where(missing, centers[labels], gaps)
    return labels


def cost_of(gaps, labels, k):
    """The objective of k-POD: squared distances over the values that are not missing."""
    return sum(
        np.nansum((part - np.nanmean(part, axis=0)) ** 2)
        for part in (gaps[labels == j] for j in range(k))
        if len(part)
    )


def data_sets():
    """name -> rows and the number of clusters: the sets that scikit-learn has, and blobs."""
    sets = {
        f"blobs {n} x {d}, {k}": (blobs(n + k, n, d, k)[0], k)
        for n, d, k in ((2000, 4, 5), (5000, 8, 10), (5000, 16, 20))
    }
    data = package("sklearn.datasets")
    if data is not None:
        for name, k in (("iris", 3), ("wine", 3), ("breast_cancer", 2), ("digits", 10)):
            X = getattr(data, f"load_{name}")().data
            sets[name] = X[:, X.std(axis=0) > 0] / X.std(axis=0)[X.std(axis=0) > 0], k
    return sets


def gaps(rounds):
    peer = package("kPOD")
    print("adjusted Rand index with the labels of the whole rows, means over 5 patterns of gaps:\n")
    print("| data | missing | left out | filled with means | k-POD | time, of dense rows |")
    print("|---|---|---|---|---|---|")
    for name, (X, k) in data_sets().items():
        labels = KMeans(k, random_state=0).fit_predict(X)
        for share in SHARES:
            found = []
            for seed in range(5):
                rng = np.random.default_rng(seed)
                holes = X.copy()
                holes[rng.random(X.shape) < share] = np.nan
                kept = ~np.isnan(holes).all(axis=1)
                holes = holes[kept]
                filled = np.where(np.isnan(holes), np.nanmean(holes, axis=0), holes)
                model = KMeans(k, missing="ignore", random_state=seed).fit(holes)
                pods = [k_pod(holes, filled[rng.choice(len(filled), k)]) for _ in range(10)]
                costs = [cost_of(holes, pod, k) for pod in pods]
                ways = (
                    model.labels_,
                    KMeans(k, random_state=seed).fit_predict(filled),
                    pods[int(np.argmin(costs))],
                )
                found.append([adjusted_rand_score(labels[kept], way) for way in ways])
            start = filled[:k]
            one = KMeans(k, init=start, missing="ignore", n_threads=1)
            two = KMeans(k, init=start, algorithm="lloyd", refine=None, n_threads=1)
            a, left = timed(rounds, one.fit, holes)
            b, dense = timed(rounds, two.fit, filled)
            ratio = (a / left.n_iter_) / (b / dense.n_iter_)
            means = " | ".join(f"{value:.3f}" for value in np.mean(found, axis=0))
            print(f"| {name} | {share:.0%} | {means} | {ratio:.2f} |")
            if peer is not None and share == 0.2 and len(holes) <= 2000:
                own, _ = timed(1, KMeans(k, missing="ignore", n_init=1, n_threads=1).fit, holes)
                took, pod = timed(1, peer.k_pod, holes, k)
                index = adjusted_rand_score(labels[kept], np.asarray(pod[0]).ravel().astype(int))
                print(
                    f"| {name}, one pattern | {share:.0%} | {own:.4f} s | | kpod: {index:.3f}, "
                    f"{took:.2f} s | |"
                )


# -- shares ----------------------------------------------------------------------------------------


def shares(rounds):
    cluster, other = package("skfuzzy.cluster"), package("fcmeans")
    print("| n x d, k | package | objective | iterations | s |")
    print("|---|---|---|---|---|")
    for n, d, k in ((2000, 4, 5), (50_000, 8, 10)):
        X, _ = blobs(3, n, d, k)
        start = X[np.random.default_rng(4).choice(n, k, replace=False)]
        fit = FuzzyCMeans(k, init=start, n_threads=1, tol=1e-10)
        seconds, model = timed(rounds, fit.fit, X)
        print(
            f"| {n} x {d}, {k} | ckmeans | {model.inertia_:.8g} | {model.n_iter_} | {seconds:.3f} |"
        )
        u0 = FuzzyCMeans(k, init=start, max_iter=1).fit(X).predict_proba(X)
        if cluster is not None:
            seconds, result = timed(
                1, cluster.cmeans, X.T, k, 2, error=1e-6, maxiter=300, init=u0.T
            )
            print(
                f"| {n} x {d}, {k} | scikit-fuzzy | {result[4][-1]:.8g} | {result[5]} "
                f"| {seconds:.3f} |"
            )
        if other is not None:
            fcm = other.FCM(n_clusters=k, m=2.0, error=1e-6, max_iter=300, random_state=0)
            seconds, _ = timed(1, fcm.fit, X)
            print(
                f"| {n} x {d}, {k} | fuzzy-c-means | {objective(X, fcm.centers):.8g} | "
                f"| {seconds:.3f} |"
            )


def objective(X, centers):
    """The objective for the centers of another package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = FuzzyCMeans(len(centers), init=np.asarray(centers), max_iter=1).fit(X)
    model.cluster_centers_ = np.asarray(centers)
    return -model.score(X)


TABLES = {"medians": medians, "gaps": gaps, "shares": shares}


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m bench.softer", description=__doc__)
    parser.add_argument("tables", nargs="*", help=f"some of {', '.join(TABLES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args(argv)
    for name in args.tables or TABLES:
        if name not in TABLES:
            parser.error(f"there is no table {name!r}; there are {', '.join(TABLES)}")
        print(f"\n## {name}\n")
        TABLES[name](args.rounds)


if __name__ == "__main__":
    main()
