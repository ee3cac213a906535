"""The results of defaults, as of ``KMeans(k).fit(X)``: ``python -m bench.default --help``.

Each library clusters the problems of `bench.problems`, given only the data, the number of clusters
and a seed. One function computes the inertia of all results, which is compared with the mean of ten
restarts of scikit-learn over the same seeds. Times are CPU seconds of one thread, so that they are
meaningful on a busy machine.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from bench.machine import describe
from bench.problems import problems
from bench.tasks import nearest

REFERENCE = "scikit-learn, 10 starts"
OURS = "ckmeans"


# ---- libraries: functions of (X, k, seed, weights) that return centers, or None: no weights here


def ckmeans_fit(X, k, seed, weights):
    from ckmeans import KMeans

    return KMeans(k, random_state=seed, n_threads=1).fit(X, sample_weight=weights).cluster_centers_


def sklearn_fit(X, k, seed, weights, **params):
    from sklearn.cluster import KMeans

    model = KMeans(k, random_state=seed, **params).fit(X, sample_weight=weights)
    return model.cluster_centers_


def sklearn_ten(X, k, seed, weights):
    return sklearn_fit(X, k, seed, weights, n_init=10)


def faiss_fit(X, k, seed, weights):
    import faiss

    faiss.omp_set_num_threads(1)
    model = faiss.Kmeans(X.shape[1], k, seed=seed)
    model.train(
        X.astype(np.float32), weights=None if weights is None else weights.astype(np.float32)
    )
    return model.centroids.astype(np.float64)


def scipy_fit(X, k, seed, weights):
    from scipy.cluster.vq import kmeans2

    return None if weights is not None else kmeans2(X, k, rng=seed)[0]


WAYS = {
    REFERENCE: sklearn_ten,
    "scikit-learn": sklearn_fit,
    "faiss": faiss_fit,
    "scipy kmeans2": scipy_fit,
    OURS: ckmeans_fit,
}


# ---- measuring -----------------------------------------------------------------------------------


def judge(X, weights, centers):
    sq = ((X - centers[nearest(X, centers)]) ** 2).sum(axis=1)
    return float(sq.sum() if weights is None else sq @ weights)


def measure(way, problem, X, weights, seeds):
    """Mean inertia and median CPU time over the seeds; None if the library cannot do it."""
    values, times = [], []
    for seed in range(seeds):
        began = time.process_time()
        centers = way(X, problem.k, seed, weights)
        times.append(time.process_time() - began)
        if centers is None or not np.isfinite(centers).all():
            return None
        values.append(judge(X, weights, centers))
    return float(np.mean(values)), float(np.median(times))


def run(ways, chosen, seeds):
    """A row for each problem and library."""
    from threadpoolctl import threadpool_limits

    rows = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for problem in chosen:
            X, weights = problem.load()
            found = {}
            for name, way in list(ways.items()):
                try:
                    found[name] = measure(way, problem, X, weights, seeds)
                except ImportError as error:
                    print(f"{name}: left out, {error}", file=sys.stderr)
                    del ways[name]
                except np.linalg.LinAlgError as error:  # scipy's random start
                    print(f"{name} on {problem.name}: failed, {error}", file=sys.stderr)
                    found[name] = None
            base = found[REFERENCE][0]
            for name, result in found.items():
                if result is not None:
                    rows.append(
                        {
                            "problem": problem.name,
                            "k": problem.k,
                            "n": X.shape[0],
                            "d": X.shape[1],
                            "weights": weights is not None,
                            "tuned": problem.tuned,
                            "library": name,
                            "gap_percent": 100 * (result[0] / base - 1) if base > 0 else 0.0,
                            "seconds": result[1],
                        }
                    )
            here = rows[-sum(result is not None for result in found.values()) :]
            print(
                f"{problem.name:24.24} k={problem.k:<4}"
                + "  ".join(
                    f"{row['library']} {row['gap_percent']:+.2f} % {1e3 * row['seconds']:.1f} ms"
                    for row in here
                ),
                flush=True,
            )
    return rows


def summary(rows):
    """For each library and part of the problems: mean and largest gap, and the geometric mean of
    its time over that of scikit-learn's default.
    """
    base = {(r["problem"], r["k"]): r["seconds"] for r in rows if r["library"] == "scikit-learn"}
    out = {}
    for name in dict.fromkeys(row["library"] for row in rows):
        for part, tuned in (("tuned on", (True,)), ("deciding", (False,)), ("all", (True, False))):
            mine = [r for r in rows if r["library"] == name and r["tuned"] in tuned]
            if not mine:
                continue
            gaps = [row["gap_percent"] for row in mine]
            times = [np.log(r["seconds"] / base[r["problem"], r["k"]]) for r in mine if base]
            out[f"{name}; {part}"] = {
                "problems": len(mine),
                "mean_gap": float(np.mean(gaps)),
                "largest_gap": float(np.max(gaps)),
                "worse": int(np.sum(np.array(gaps) > 0.1)),
                "time": float(np.exp(np.mean(times))) if times else None,
            }
    return out


def draw(rows, means, path):
    """Gap against time, relative to scikit-learn's default: small marks are problems, large ones
    their means.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    from bench.quality import COLORS, MARKS

    base = {(r["problem"], r["k"]): r["seconds"] for r in rows if r["library"] == "scikit-learn"}
    figure = Figure(figsize=(9, 5.2), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for name, color, mark in zip(dict.fromkeys(r["library"] for r in rows), COLORS, MARKS):
        mine = [row for row in rows if row["library"] == name]
        times = [row["seconds"] / base[row["problem"], row["k"]] for row in mine]
        axes.plot(
            times,
            [row["gap_percent"] for row in mine],
            mark,
            color=color,
            alpha=0.35,
            markersize=5,
            markeredgewidth=0,
        )
        mean = means[f"{name}; all"]
        axes.plot(
            [mean["time"]],
            [mean["mean_gap"]],
            mark,
            color=color,
            markersize=14,
            markeredgecolor="white",
            label=f"{name}: {mean['mean_gap']:+.2f} % in {mean['time']:.2g} × the time",
        )
    axes.axhline(0, color="#888888", linewidth=0.8, zorder=0)
    axes.axvline(1, color="#888888", linewidth=0.8, zorder=0)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1)
    for axis in axes.xaxis, axes.yaxis:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("time divided by that of scikit-learn's default (one thread, log scale)")
    axes.set_ylabel(f"inertia beside that of {REFERENCE}, %")
    axes.set_title("KMeans(k).fit(X) and nothing else", fontsize=11)
    axes.legend(fontsize=8.5, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(path)


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m bench.default", description=__doc__.split("\n")[0]
    )
    add = parser.add_argument
    add("--data", metavar="DIR", help="a folder of further data sets; see bench/problems.py")
    add("--problems", metavar="TEXT", help="only problems whose name contains this")
    add("--seeds", type=int, default=5, help="fits of each problem (default: %(default)s)")
    add("--out", metavar="DIR", default="bench/results", help="where reports go")
    args = parser.parse_args(argv)
    found, missing = problems(args.data)
    for line in missing:
        print(line, file=sys.stderr)
    chosen = [one for one in found if args.problems is None or args.problems in one.name]
    if not chosen:
        parser.error(f"no problem's name contains {args.problems!r}")
    rows = run(dict(WAYS), chosen, args.seeds)
    means = summary(rows)
    print()
    for name, mean in means.items():
        print(
            f"{name:36} {mean['problems']:3} problems, {mean['mean_gap']:+7.2f} % on average, "
            f"{mean['largest_gap']:+.2f} % at worst, {mean['worse']} worse by more than 0.1 %, "
            f"{mean['time']:.2f} times the time of scikit-learn's default"
        )
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    report = {"machine": describe(1), "rows": rows, "means": means}
    (out / "default.json").write_text(json.dumps(report, indent=1))
    draw(rows, means, out / "default.png")
    print(f"wrote {out / 'default.json'} and .png")


if __name__ == "__main__":
    main()
