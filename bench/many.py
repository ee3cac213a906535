"""Many fits in one call: ``python -m bench.many``.

Small groups beside a loop over scikit-learn's KMeans (``n_init=1``), and the sub-spaces of a
product quantizer beside faiss.ProductQuantizer. That takes at most 256 rows for each center and
always 25 iterations, from random rows: so ours gets as many rows and iterations (``tol=0``), from
k-means++, which is slower and better. A peer that is not installed is left out. Times are CPU time
of the whole process, medians of `--rounds`.
"""

import argparse
import sys
import time
from statistics import median

import numpy as np

from ckmeans import KMeans, fit_many

ITERATIONS, ROWS_PER_CENTER = 25, 256  # of faiss


def seconds(call, rounds):
    """Median CPU and wall seconds of a call, and its last result."""
    times = []
    for _ in range(rounds):
        began, wall = time.process_time(), time.perf_counter()
        result = call()
        times.append((time.process_time() - began, time.perf_counter() - wall))
    return *(median(column) for column in zip(*times)), result


def groups(g, m, d, k, rounds, threads):
    """One line: small groups, ours and a loop over scikit-learn."""
    X = np.random.default_rng(0).normal(size=(g, m, d))
    cpu, wall, fits = seconds(lambda: fit_many(X, k, random_state=0, n_threads=threads), rounds)
    line = (
        f"{g:>7} groups of {m} x {d}, k={k}: {cpu:>7.3f} s CPU, {wall:>7.3f} s, "
        f"{1e6 * cpu / g:.0f} us a group"
    )
    few = X[: min(g, 300)]
    own, _, _ = seconds(
        lambda: [
            KMeans(k, init="k-means++", n_init=1, random_state=0, n_threads=1).fit(one)
            for one in few
        ],
        rounds,
    )
    line += f"; a loop over KMeans x {own / len(few) * g / cpu:.1f}"
    try:
        from sklearn.cluster import KMeans as Peer
    except ImportError:
        return line + "; scikit-learn is not installed"
    theirs, _, models = seconds(
        lambda: [Peer(k, n_init=1, random_state=0).fit(one) for one in few], rounds
    )
    sums = sum(model.inertia_ for model in models) / fits.inertia[: len(few)].sum()
    return (
        line + f"; over scikit-learn's x {theirs / len(few) * g / cpu:.0f}, inertia {sums - 1:+.1%}"
    )


def quantizer(n, d, subspaces, rounds, threads):
    """Lines: the training of a product quantizer of 256 centers, ours and that of faiss."""
    k = 256
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 32)).astype(np.float32) @ rng.normal(size=(32, d)).astype(np.float32)
    X += 0.5 * rng.normal(size=(n, d)).astype(np.float32)
    X = X[: k * ROWS_PER_CENTER]
    cpu, wall, fits = seconds(
        lambda: fit_many(
            X, k, subspaces=subspaces, max_iter=ITERATIONS, tol=0, random_state=0, n_threads=threads
        ),
        rounds,
    )
    yield (
        f"{subspaces} sub-spaces, {k} centers, {len(X)} x {d}: {cpu:.2f} s CPU, {wall:.2f} s, "
        f"error {fits.inertia.sum():.6g}"
    )
    try:
        import faiss
    except ImportError:
        yield "faiss is not installed"
        return
    faiss.omp_set_num_threads(threads)

    def train():
        peer = faiss.ProductQuantizer(d, subspaces, 8)
        peer.train(X)
        return peer

    theirs, theirs_wall, peer = seconds(train, rounds)
    error = float(((peer.decode(peer.compute_codes(X)) - X) ** 2).sum(dtype=np.float64))
    yield (
        f"faiss.ProductQuantizer: {theirs:.2f} s CPU, {theirs_wall:.2f} s, error {error:.6g}; "
        f"x {theirs / cpu:.1f}"
    )


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m bench.many", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument("--threads", type=int, default=2, help="(default: 2)")
    parser.add_argument("--small", action="store_true", help="a tenth of the groups and sub-spaces")
    args = parser.parse_args(argv)
    part = 10 if args.small else 1
    for g, m, d, k in ((10000, 50, 4, 3), (10000, 50, 4, 8), (1000, 500, 8, 8)):
        print(groups(g // part, m, d, k, args.rounds, args.threads), flush=True)
    subspaces = 96 // part
    for line in quantizer(100_000, 8 * subspaces, subspaces, args.rounds, args.threads):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
