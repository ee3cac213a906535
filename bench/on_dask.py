"""Seconds per iteration on worker processes of Dask, compared with the same fit in one array:
``python -m bench.on_dask``.

Both run in turn, from the same centers, on as many threads as there are workers, which have one
thread each and hold the blocks in memory; centers and inertia must be equal to the last bit.
Iterations from the third on count: the first ones compute the variance and pack the rows. If
dask-ml is installed, its KMeans is measured as well, by the difference between fits of more and
fewer iterations.
"""

import argparse
from time import perf_counter

import numpy as np

from bench.worker import find_packages

find_packages()
import ckmeans  # noqa: E402
import ckmeans.dask  # noqa: E402


def rows(block, count, d, k):
    """Overlapping blobs, float32."""
    middles = np.random.default_rng(99).normal(size=(k, d))
    rng = np.random.default_rng(block)
    return (middles[rng.integers(k, size=count)] + rng.normal(size=(count, d))).astype(np.float32)


class Timed(ckmeans.dask.Engine):
    """Keeps the seconds of each pass."""

    seconds = []

    def map(self, task, *broadcast):
        began = perf_counter()
        answers = super().map(task, *broadcast)
        self.seconds.append(perf_counter() - began)
        return answers


def in_memory(X, init, iterations, threads):
    ends = []
    model = ckmeans.KMeans(
        len(init),
        init=init,
        tol=0,
        max_iter=iterations,
        n_threads=threads,
        callback=lambda state: ends.append(state.seconds),
    ).fit(X)
    return model, np.diff(ends)[1:]


def on_workers(X, init, iterations):
    Timed.seconds.clear()
    model = ckmeans.dask.KMeans(len(init), init=init, tol=0, max_iter=iterations).fit(X)
    return model, np.array(
        Timed.seconds[3 : 1 + iterations]
    )  # after the survey and two iterations; the last is the inertia's


def of_peer(X, init, few, many):
    from dask_ml.cluster import KMeans

    seconds = []
    for iterations in (1, few, many):  # the first compiles
        began = perf_counter()
        KMeans(len(init), init=init.astype(float), tol=0, max_iter=iterations).fit(X)
        seconds.append(perf_counter() - began)
    return (seconds[-1] - seconds[-2]) / (many - few)


def main():
    parser = argparse.ArgumentParser(
        prog="python -m bench.on_dask", description=__doc__.splitlines()[0]
    )
    for name, default in (
        ("n", 5_000_000),
        ("d", 16),
        ("k", 64),
        ("blocks", 4),
        ("workers", 2),
        ("iterations", 12),
        ("rounds", 3),
    ):
        parser.add_argument(f"--{name}", type=lambda text: int(float(text)), default=default)
    args = parser.parse_args()
    import dask
    import dask.array as da
    import distributed

    ckmeans.dask.Engine = Timed
    with (
        distributed.LocalCluster(
            n_workers=args.workers, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        cluster.get_client(),
    ):
        count, shape = args.n // args.blocks, (args.n // args.blocks, args.d)
        X = da.concatenate(
            [
                da.from_delayed(dask.delayed(rows)(block, count, args.d, args.k), shape, np.float32)
                for block in range(args.blocks)
            ]
        ).persist()
        gathered = X.compute()
        init = gathered[: args.k].copy()
        memory, workers = [], []
        for _ in range(args.rounds):
            one, seconds = in_memory(gathered, init, args.iterations, args.workers)
            memory.extend(seconds)
            many, seconds = on_workers(X, init, args.iterations)
            workers.extend(seconds)
            assert (
                many.cluster_centers_.tobytes() == one.cluster_centers_.tobytes()
                and many.inertia_ == one.inertia_
            )
        report = lambda name, s: print(
            f"{name:<40} least {1e3 * np.min(s):8.1f} ms, median "
            f"{1e3 * np.median(s):8.1f} ms an iteration"
        )
        print(
            f"n = {args.n}, d = {args.d}, k = {args.k}; {args.workers} workers, {args.blocks} "
            "blocks"
        )
        report(f"ckmeans, in memory, {args.workers} threads", memory)
        report("ckmeans.dask", workers)
        print(
            f"{'':<40} {np.min(workers) / np.min(memory):14.2f} x  "
            f"{np.median(workers) / np.median(memory):15.2f} x"
        )
        try:
            report("dask-ml", [of_peer(X, init, 2, 8) for _ in range(args.rounds)])
        except ImportError:
            print("dask-ml is not installed")


if __name__ == "__main__":
    main()
