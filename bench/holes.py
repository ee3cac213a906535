"""Looks for inputs on which a fit is slow: ``python -m bench.holes``.

Four pages. ``rows``: each case is a kind of rows that is hard for a filter, compared with similar
plain rows (the same rows shuffled, or without the property that makes them hard), with every
algorithm. ``line``: one dimension, compared with evenly spread values. ``shown``: `predict` and
`transform`, compared with scikit-learn's. ``short``: the cost of a fit apart from its iterations.

Figures are milliseconds of CPU time, the best of some rounds in turn, so that a busy machine has
little effect. A mark shows a figure outside of its goal: ``auto`` within 1.1 of the best algorithm,
every algorithm within 1.2 of ``lloyd``, ``lloyd`` within 1.5 of its time for plain rows.
"""

import argparse
from fnmatch import fnmatchcase
from time import process_time
from typing import NamedTuple

import numpy as np

from bench.worker import find_packages

find_packages()
import ckmeans  # noqa: E402
from ckmeans import _native  # noqa: E402
from ckmeans._native import engine  # noqa: E402

ALGORITHMS = "lloyd", "auto", "boxes", "yinyang", "projected", "bytes"


class Case(NamedTuple):
    """Rows that are hard, and plain ones beside them (None: nothing to compare with)."""

    hard: object
    plain: object
    k: int
    n_iter: int = 5


# ---- rows ----------------------------------------------------------------------------------------


def embeddings(rng, n, d, dtype=np.float32):
    """Rows of unit length in many loose clusters, like embeddings of language models."""
    groups = rng.standard_normal((500, 40)) * np.linspace(1.5, 0.3, 40)
    rows = groups[rng.integers(500, size=n)] + 0.7 * rng.standard_normal((n, 40))
    rows = rows @ rng.standard_normal((40, d)) + 1.5 * rng.standard_normal((n, d))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(dtype)


def groups(rng, n, d, count=200, dtype=np.float32):
    return (
        3 * rng.standard_normal((count, d))[rng.integers(count, size=n)]
        + rng.standard_normal((n, d))
    ).astype(dtype)


def wide(n, d, k, make=embeddings):
    def case(rng):
        X = make(rng, n, d)
        return Case(X, None, k)

    return case


def channels(period, n=65_536, d=128, k=400):
    """Interleaved rows of `period` channels, each with its own kind of rows."""

    def case(rng):
        levels = 4 * rng.standard_normal((period, d))
        X = levels[np.arange(n) % period] + rng.standard_normal((n, d))
        X = X.astype(np.float32)
        return Case(X, X[rng.permutation(n)], k)

    return case


def in_order(n, d, k):
    """Rows sorted by a feature that is most of their length."""

    def case(rng):
        X = groups(rng, n, d)
        X[:, 0] *= 5
        X = X[np.argsort(X[:, 0])]
        return Case(X, X[rng.permutation(n)], k)

    return case


def far_rows(places, times, n=40_000, d=64, k=200, dtype=np.float32):
    """Some rows are `times` the spread away from the others."""

    def case(rng):
        plain = groups(rng, n, d, dtype=dtype)
        X = plain.copy()
        X[places] = times * rng.standard_normal((len(places), d))
        return Case(X, plain, k)

    return case


def sentinels(value, share, columns, n=30_000, d=32, k=100, dtype=np.float32):
    """A share of the values of some columns is missing: they hold a number that stands for that."""

    def case(rng):
        plain = groups(rng, n, d, dtype=dtype)
        X = plain.copy()
        for column in range(columns):
            X[rng.random(n) < share, column] = value
        return Case(X, plain, k)

    return case


def missing_rows(value, share, n=30_000, d=32, k=100, dtype=np.float32):
    """A share of the rows is missing: all their values are the same number."""

    def case(rng):
        plain = groups(rng, n, d, dtype=dtype)
        X = plain.copy()
        X[rng.random(n) < share] = value
        return Case(X, plain, k)

    return case


def scales(n, d, k, large, small, dtype=np.float32):
    """One feature of size `large`, the rest of size `small`."""

    def case(rng):
        X = small * groups(rng, n, d, dtype=dtype) / 3
        X[:, 0] = large * rng.choice([-1, 1], n)
        return Case(X.astype(dtype), groups(rng, n, d, dtype=dtype), k)

    return case


def spread_scales(n, d, k, decades, dtype=np.float64):
    """Features whose sizes are spread over some powers of ten."""

    def case(rng):
        plain = groups(rng, n, d, dtype=dtype)
        X = plain * 10.0 ** np.linspace(-decades / 2, decades / 2, d)
        return Case(X.astype(dtype), plain, k)

    return case


def one_hot(column=None, n=10_000, d=20_000, k=50, ones=10, dtype=np.float64):
    """CSR rows of `ones` ones in random columns, and perhaps one dense column before them."""

    def case(rng):
        from scipy import sparse

        X = sparse.csr_matrix(
            (np.ones(n * ones, dtype), rng.integers(1, d, n * ones), np.arange(n + 1) * ones),
            (n, d),
        )
        X.sum_duplicates()
        if column is None:
            return Case(X, None, k)
        dense = sparse.csr_matrix(np.asarray(column(rng, n), dtype).reshape(n, -1))
        return Case(sparse.hstack([dense, X[:, dense.shape[1] :]]).tocsr(), X, k)

    return case


def years(rng, n):
    return rng.integers(1950, 2025, n)


def timestamps(rng, n):
    return rng.integers(1_500_000_000, 1_700_000_000, n)


def some_missing(rng, n):
    """Years, but for a fifth of the rows, where nothing is stored."""
    return years(rng, n) * (rng.random(n) < 0.8)


ROWS = {
    "embeddings 384, k=1000": wide(20_000, 384, 1000),
    "embeddings 768, k=256": wide(20_000, 768, 256),
    "normal 384, k=500": wide(
        20_000, 384, 500, lambda rng, n, d: rng.standard_normal((n, d)).astype(np.float32)
    ),
    "normal 48, k=200": wide(
        40_000, 48, 200, lambda rng, n, d: rng.standard_normal((n, d)).astype(np.float32)
    ),
    "uniform 8, k=200": wide(60_000, 8, 200, lambda rng, n, d: rng.random((n, d))),
    "uniform 2, k=200": wide(200_000, 2, 200, lambda rng, n, d: rng.random((n, d))),
    "normal 9, k=100": wide(
        58_000, 9, 100, lambda rng, n, d: rng.standard_normal((n, d)).astype(np.float32)
    ),
    "few rows, 30, k=40": wide(2_000, 30, 40),
    "64 channels": channels(64),
    "7 channels": channels(7),
    "32 channels": channels(32),
    "128 channels": channels(128),
    "1024 channels, 48": channels(1024, 65_536, 48, 300),
    "64 channels, 8": channels(64, 100_000, 8, 100),
    "sorted rows, 128": in_order(50_000, 128, 300),
    "sorted rows, 3": in_order(200_000, 3, 100),
    "far row first": far_rows([0], 1e5),
    "far row first, float64": far_rows([0], 1e5, dtype=np.float64),
    "far row first, d=256": far_rows([0], 1e5, d=256),
    "far row first, d=4": far_rows([0], 1e5, d=4),
    "far row second": far_rows([1], 1e4),
    "far row last": far_rows([-1], 1e6),
    "far rows, 20 of them": far_rows(list(range(0, 40_000, 2000)), 1e5),
    "far rows, 1e20": far_rows([0, 5, 77], 1e20, dtype=np.float64),
    "-999999 in 1 column, 5 %": sentinels(-999999, 0.05, 1),
    "-9999 in 1 column, 5 %": sentinels(-9999, 0.05, 1),
    "-9999 in 8 columns, 5 %": sentinels(-9999, 0.05, 8),
    "1e6 in 3 columns, 2 %": sentinels(1e6, 0.02, 3),
    "1e9 in 1 column, 1 %": sentinels(1e9, 0.01, 1),
    "-999999 in 4 columns, d=128": sentinels(-999999, 0.05, 4, d=128),
    "1e9 in 3 columns, float64": sentinels(1e9, 0.05, 3, dtype=np.float64),
    "-3.4e38 in 1 column, 5 %": sentinels(-3.4e38, 0.05, 1),
    "-3.4e38 in 1 column, d=128": sentinels(-3.4e38, 0.05, 1, d=128),
    "-3.4e38 in 8 columns, 1 %": sentinels(-3.4e38, 0.01, 8),
    "+-1e30 in 2 columns, 3 %": sentinels(1e30, 0.03, 2),
    "1e100 in 1 column, float64": sentinels(1e100, 0.05, 1, dtype=np.float64),
    "missing rows, -3.4e38": missing_rows(-3.4e38, 0.05),
    "missing rows, -999999, d=128": missing_rows(-999999, 0.05, d=128),
    "+-1, the rest 1e-3, d=128": scales(30_000, 128, 200, 1, 1e-3),
    "+-1, the rest 1e-3, d=512": scales(10_000, 512, 200, 1, 1e-3),
    "+-1e6, the rest 1, d=96": scales(30_000, 96, 100, 1e6, 1),
    "+-1, the rest 1e-3, d=40": scales(30_000, 40, 200, 1, 1e-3),
    "+-1, the rest 1e-3, float64": scales(20_000, 128, 200, 1, 1e-3, np.float64),
    "scales over 6 decades, d=96": spread_scales(30_000, 96, 100, 6),
    "scales over 12 decades, d=16": spread_scales(60_000, 16, 100, 12),
    "one-hot CSR": one_hot(),
    "one-hot CSR, a year": one_hot(years),
    "one-hot CSR, years, some missing": one_hot(some_missing),
    "one-hot CSR, a timestamp": one_hot(timestamps),
    "one-hot CSR, 1000": one_hot(lambda rng, n: np.full(n, 1000)),
    "one-hot CSR, -1000": one_hot(lambda rng, n: np.full(n, -1000)),
    "one-hot CSR, 3 columns": one_hot(
        lambda rng, n: np.stack([years(rng, n), timestamps(rng, n), np.full(n, -7)], axis=1)
    ),
    "one-hot CSR, float32": one_hot(dtype=np.float32),
    "one-hot CSR, a year, float32": one_hot(years, dtype=np.float32),
}


def seconds(work):
    """CPU seconds of a call, of all its threads."""
    began = process_time()
    work()
    return process_time() - began


def best_of(works, rounds, enough=3.0):
    """Least CPU seconds of each call, which are made in turn; slow ones less often."""
    least = dict.fromkeys(works, np.inf)
    spent = dict.fromkeys(works, 0.0)
    for _ in range(rounds):
        for name, work in works.items():
            if spent[name] < enough:
                took = seconds(work)
                least[name] = min(least[name], took)
                spent[name] += took
    return least


def rows_page(name, make, args):
    hard, plain, k, n_iter = make(np.random.default_rng(0))
    first = np.sort(np.random.default_rng(1).choice(hard.shape[0], k, replace=False))

    def fit(rows, algorithm):
        return lambda: ckmeans.KMeans(
            k,
            init=as_dense(rows[first]),
            n_init=1,
            max_iter=n_iter,
            tol=0,
            algorithm=algorithm,
            n_threads=args.threads,
        ).fit(rows)

    works = {"plain": fit(plain, "lloyd")} if plain is not None else {}
    sparse = not isinstance(hard, np.ndarray)
    works.update(
        (algorithm, fit(hard, algorithm)) for algorithm in ALGORITHMS[: 2 if sparse else 6]
    )
    if sparse:
        works["scikit-learn"] = scikit_fit(hard, as_dense(hard[first]), n_iter)
    took = best_of(works, args.repeat)
    return took, {word: 1000 * value / (n_iter + 1) for word, value in took.items()}, judge(took)


def as_dense(rows):
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


def scikit_fit(X, centers, n_iter):
    from sklearn.cluster import KMeans

    return lambda: KMeans(
        len(centers), init=centers, n_init=1, max_iter=n_iter, tol=0, algorithm="lloyd"
    ).fit(X)


def judge(took):
    """The figures outside of their goals."""
    marks = []
    fixed = [took[word] for word in ALGORITHMS if word in took and word != "auto"]
    if took["auto"] > 1.1 * min(fixed):
        marks.append(f"auto {took['auto'] / min(fixed):.1f} of the best")
    marks += [
        f"{word} {took[word] / took['lloyd']:.1f} of lloyd"
        for word in ALGORITHMS[2:]
        if word in took and took[word] > 1.2 * took["lloyd"]
    ]
    if took["lloyd"] > 1.5 * took.get("plain", np.inf):
        marks.append(f"lloyd {took['lloyd'] / took['plain']:.1f} of plain")
    if took["auto"] > took.get("scikit-learn", np.inf):
        marks.append(f"{took['auto'] / took['scikit-learn']:.1f} of scikit-learn")
    return marks


# ---- one dimension -------------------------------------------------------------------------------

VALUES = {
    "spaced exponentially": lambda rng, n: np.exp(np.linspace(0, 40, n)),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "log-normal": lambda rng, n: np.exp(3 * rng.standard_normal(n)),
    "Cauchy": lambda rng, n: rng.standard_cauchy(n),
    "Pareto": lambda rng, n: rng.pareto(0.5, n),
    "normal": lambda rng, n: rng.standard_normal(n),
    "even, but for one far value": lambda rng, n: np.append(rng.random(n - 1), 1e12),
}
LINE = {
    f"{name}, n={n}, k={k}": (make, n, k)
    for name, make in VALUES.items()
    for n, k in ((200_000, 1000), (1_000_000, 1000), (1_000_000, 20_000))
}


def line_page(name, case, args):
    make, n, k = case
    values, even = make(np.random.default_rng(0), n), np.random.default_rng(0).random(n)
    took = best_of(
        {"even": lambda: ckmeans.ckmeans(even, k), "these": lambda: ckmeans.ckmeans(values, k)},
        args.repeat,
        1.0,
    )
    ratio = took["these"] / took["even"]
    return (
        took,
        {word: 1000 * value for word, value in took.items()},
        ([f"{ratio:.1f} of even ones"] if ratio > 10 else []),
    )


# ---- predict and transform -----------------------------------------------------------------------

SHOWN = {
    f"{task} {dtype} {n}x{d}, k={k}": (task, dtype, n, d, k)
    for task in ("transform", "predict")
    for dtype in ("float32", "float64")
    for n, d, k in (
        (100_000, 16, 100),
        (20_000, 128, 256),
        (1000, 768, 1000),
        (1_000, 4, 3),
        (20_000, 768, 100),
    )
}


def shown_page(name, case, args):
    from sklearn.cluster import KMeans

    task, dtype, n, d, k = case
    X = np.random.default_rng(0).random((n, d)).astype(dtype)
    few = X[:k].copy()
    ours = ckmeans.KMeans(k, init=few, n_init=1, max_iter=1, n_threads=args.threads).fit(few)
    theirs = KMeans(k, init=few, n_init=1, max_iter=1).fit(few)
    took = best_of(
        {
            "ckmeans": lambda: getattr(ours, task)(X),
            "scikit-learn": lambda: getattr(theirs, task)(X),
        },
        4 * args.repeat,
        1.0,
    )
    ratio = took["scikit-learn"] / took["ckmeans"]
    return (
        took,
        {word: 1000 * value for word, value in took.items()},
        ([f"scikit-learn / ckmeans {ratio:.2f}"] if ratio < 1 else []),
    )


# ---- short fits ----------------------------------------------------------------------------------

SHORT = {
    f"{n}x{d} {dtype}, k={k}": (n, d, k, dtype)
    for n, d, k, dtype in (
        (20_000, 768, 256, "float32"),
        (20_000, 768, 256, "float64"),
        (50_000, 128, 256, "float32"),
        (100_000, 16, 100, "float32"),
        (5_000, 1536, 256, "float32"),
    )
}


def short_page(name, case, args):
    """The time before the second iteration minus that of a later one, in units of the latter."""
    n, d, k, dtype = case
    X = embeddings(np.random.default_rng(0), n, d, dtype)
    centers = X[:k].astype(np.float64)
    least = [np.inf, np.inf]
    for _ in range(args.repeat):
        began = process_time()
        run = engine.Run(engine.Data(X, None, args.threads, True), centers, 100, 0.0, "lloyd")
        run.iterate()
        ready = process_time()
        run.iterate()
        second = process_time()
        for _ in range(4):
            run.iterate()
        later = (process_time() - second) / 4
        least = [min(least[0], ready - began + (second - ready)), min(least[1], later)]
    took = {"first two": least[0], "a later one": least[1]}
    share = least[0] / least[1] - 2
    return (
        took,
        {word: 1000 * value for word, value in took.items()},
        ([f"beside iterations {share:.1f} of one"] if share > 1 else []),
    )


PAGES = {
    "rows": (ROWS, rows_page),
    "line": (LINE, line_page),
    "shown": (SHOWN, shown_page),
    "short": (SHORT, short_page),
}


def limit_threads(count):
    """Limits the threads of scikit-learn and its linear algebra, which spin while they wait."""
    try:
        import sklearn.cluster  # noqa: F401  (only libraries that are loaded are limited)
        from threadpoolctl import threadpool_limits
    except ImportError:
        return
    threadpool_limits(count)


def main():
    parser = argparse.ArgumentParser(
        prog="python -m bench.holes", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--pages", default=",".join(PAGES), help="of: " + ", ".join(PAGES))
    parser.add_argument("--cases", default="*", help="a pattern: 'far row*'")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--list", action="store_true", help="print the cases, measure nothing")
    args = parser.parse_args()
    limit_threads(args.threads)
    print(f"{_native.isa}, {args.threads} thread(s); CPU ms: an iteration's on the page rows")
    for page in args.pages.split(","):
        cases, measure = PAGES[page]
        for name, case in cases.items():
            if not fnmatchcase(name, args.cases):
                continue
            if args.list:
                print(f"{page}: {name}")
                continue
            _, figures, marks = measure(name, case, args)
            shown = "  ".join(f"{word} {value:.4g}" for word, value in figures.items())
            print(
                f"{page}: {name:34} {shown}" + "".join(f"  <<< {mark}" for mark in marks),
                flush=True,
            )


if __name__ == "__main__":
    main()
