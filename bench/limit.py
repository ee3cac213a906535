"""The assignment step compared with the limits of the machine: ``python -m bench.limit``.

In turn, on the same cores: a loop of multiply-adds on registers alone, a loop that only reads, and
the float32 assignment of every row to the nearest of all centers. The best of many short rounds
counts, so that a busy machine has little effect.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

from bench.worker import find_packages

find_packages()
from ckmeans import _native  # noqa: E402
from ckmeans._native import engine  # noqa: E402

COMPUTE = [
    (20_000, 32, 64),
    (20_000, 32, 256),
    (10_000, 64, 100),
    (8_000, 128, 64),
    (8_000, 128, 100),
    (4_000, 128, 1000),
    (2_000, 768, 100),
    (1_000, 768, 1000),
]
MEMORY = [
    (600_000, 64, 3),
    (600_000, 64, 8),
    (300_000, 128, 3),
    (300_000, 128, 16),
    (50_000, 768, 3),
    (50_000, 768, 16),
]


def best(rounds, work, threads):
    """Least seconds of `work()` done on each thread at once."""
    least = np.inf
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            began = perf_counter()
            list(pool.map(lambda _: work(), range(threads)))
            least = min(least, perf_counter() - began)
    return least


def assignment(n, d, k, threads, rounds):
    """Least seconds of one assignment of n rows in the middle of a run."""
    X = np.random.default_rng(0).random((n, d), dtype=np.float32)
    run = engine.Run(engine.Data(X, None, threads, True), X[:k].astype(float), 10**6, 0.0, "lloyd")
    run.iterate()
    least = np.inf
    for _ in range(rounds):
        began = perf_counter()
        more = run.iterate()
        least = min(least, perf_counter() - began)
        if not more:
            break
    return least


def main():
    parser = argparse.ArgumentParser(
        prog="python -m bench.limit", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30)
    args = parser.parse_args()
    kernel = _native.kernel("filter")
    print(f"{_native.isa}, {args.threads} thread(s)")
    print(f"{'n':>8} {'d':>5} {'k':>5}  {'step':>10}  {'machine':>10}  share")
    for n, d, k in COMPUTE:
        rate = (
            args.threads
            * kernel.multiply_adds(1_000_000)
            / best(args.rounds, lambda: kernel.multiply_adds(1_000_000), args.threads)
        )
        ours = n * d * k / assignment(n, d, k, args.threads, args.rounds)
        print(
            f"{n:>8} {d:>5} {k:>5}  {ours / 1e9:>5.1f} GMA/s  {rate / 1e9:>5.1f} GMA/s  "
            f"{ours / rate:5.0%}"
        )
    for n, d, k in MEMORY:
        pieces = np.array_split(np.ones(n * d, np.float32), args.threads)
        turn = iter(range(10**9))
        rate = (
            4
            * n
            * d
            / best(
                args.rounds,
                lambda pieces=pieces, turn=turn: kernel.read_floats(
                    pieces[next(turn) % args.threads]
                ),
                args.threads,
            )
        )
        ours = 4 * n * d / assignment(n, d, k, args.threads, args.rounds)
        print(
            f"{n:>8} {d:>5} {k:>5}  {ours / 1e9:>6.1f} GB/s  {rate / 1e9:>6.1f} GB/s  "
            f"{ours / rate:5.0%}"
        )


if __name__ == "__main__":
    main()
