"""Clusters with rules compared with the best peers: ``python -m bench.rules``.

Sizes: k-means-constrained (PyPI), from its own starts and ours, at equal bounds. It minimizes the
sum of distances, not of squared ones, so the two end in different optima: the best of `--starts` is
compared. Outliers: the time of plain k-means with as many iterations. Known labels: the constrained
k-means of active-semi-supervised-clustering, from the same start. A peer that is not installed is
left out: ``pip install k-means-constrained active-semi-supervised-clustering``.
"""

import argparse
import sys
import time

import numpy as np

from ckmeans import KMeans

from .softer import package


def blobs(n, d, k, seed):
    """Rows around k centers, in clusters of very different sizes."""
    rng = np.random.default_rng(seed)
    middles = 4 * rng.normal(size=(k, d))
    return middles[np.minimum(rng.geometric(3 / k, size=n) - 1, k - 1)] + rng.normal(size=(n, d))


def seconds(call):
    """CPU seconds of a call in this process, and its result."""
    began = time.process_time()
    result = call()
    return time.process_time() - began, result


def uniform(n, d, k, seed):
    """Rows without clusters: many of them are near a border."""
    return np.random.default_rng(seed).random((n, d))


def overlapping(n, d, k, seed):
    """Rows around k centers that are hardly apart."""
    rng = np.random.default_rng(seed)
    return (0.8 * rng.normal(size=(k, d)))[rng.integers(k, size=n)] + rng.normal(size=(n, d))


def sizes(n, d, k, seed, slack, starts, peer, make=blobs):
    """One line: inertia and seconds of both at bounds of `slack` around the mean size."""
    X = make(n, d, k, seed)
    bounds = {"size_min": int(n / k * (1 - slack)), "size_max": -int(-n / k * (1 + slack) // 1)}
    own, ours = seconds(
        lambda: KMeans(k, n_init=starts, random_state=seed, n_threads=1, **bounds).fit(X)
    )
    line = (
        f"{n:>8} x {d:<3} k={k:<4} +-{slack:<4.0%} {ours.inertia_:>14.6g} {own:>8.2f} s"
        f" {ours.n_iter_:>4} iterations"
    )
    if peer is not None:
        took, theirs = seconds(
            lambda: peer(k, n_init=starts, random_state=seed, n_jobs=1, **bounds).fit(X)
        )
        line += (
            f"   {theirs.inertia_:>14.6g} {took:>8.2f} s   inertia "
            f"{ours.inertia_ / theirs.inertia_ - 1:+.2%}, time 1/{took / own:.0f}"
        )
    return line


def outliers(n, d, k, seed):
    """One line: seconds of an iteration with 5 % of outliers and without."""
    X = blobs(n, d, k, seed)
    X[: n // 20] *= 20
    plain = {"n_init": 1, "n_threads": 1, "tol": 0, "max_iter": 20, "algorithm": "lloyd"}
    plain |= {"init": X[-k:], "refine": None}
    rounds = [
        [seconds(lambda more=more: KMeans(k, **plain, **more).fit(X))[0] for more in both]
        for both in [({}, {"n_outliers": 0.05})] * 5
    ]
    without, with_them = np.median(rounds, axis=0)
    return (
        f"{n:>8} x {d:<3} k={k:<4} {without:>8.3f} s {with_them:>8.3f} s   "
        f"x {with_them / without:.2f}"
    )


def known_labels(n, d, k, seed, peer):
    """One line: inertia and seconds of both, from the means of a tenth of the rows, whose labels
    are known.
    """
    X = blobs(n, d, k, seed)
    rng = np.random.default_rng(seed)
    labels = KMeans(k, random_state=seed).fit_predict(X)
    known = np.where(rng.random(n) < 0.1, labels, -1)
    own, ours = seconds(
        lambda: KMeans(k, tol=0, max_iter=100, n_threads=1).fit(X, labels_known=known)
    )
    line = f"{n:>8} x {d:<3} k={k:<4} {ours.inertia_:>14.6g} {own:>8.4f} s"
    if peer is None:
        return line
    took, theirs = seconds(lambda: peer(n_clusters=k, max_iter=100).fit(X, known))
    inertia = ((X - theirs.cluster_centers_[theirs.labels_]) ** 2).sum()
    return f"{line}   {inertia:>14.6g} {took:>8.2f} s   time 1/{took / own:.0f}"


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m bench.rules", description=__doc__)
    parser.add_argument("--starts", type=int, default=5, help="runs of each fit (default: 5)")
    parser.add_argument("--large", action="store_true", help="also 1000000 x 16, k = 100")
    args = parser.parse_args(argv)
    peer = getattr(package("k_means_constrained"), "KMeansConstrained", None)
    print("sizes: inertia and CPU time of ckmeans, and of k-means-constrained")
    for seed, slack in enumerate((0.0, 0.1, 0.3)):
        print(sizes(5000, 10, 10, seed, slack, args.starts, peer), flush=True)
    if args.large:
        for make in (blobs, uniform, overlapping):
            print(sizes(1_000_000, 16, 100, 0, 0.1, 1, None, make), make.__name__, flush=True)
    print("outliers: CPU time of 20 iterations without and with 5 % of them")
    for k in (10, 100):
        print(outliers(200_000, 16, k, 0), flush=True)
    semi = package("active_semi_clustering.semi_supervised.labeled_data")
    print("known labels: inertia and CPU time of ckmeans, and of active-semi-supervised-clustering")
    for k in (3, 10):
        print(known_labels(2000, 8, k, 0, getattr(semi, "ConstrainedKMeans", None)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
