"""``ckmeans demo``: cluster a generated data set."""

import time

import numpy as np

from .. import KMeans
from .arguments import add_json, count, seed
from .command import Command
from .facts import collect_warnings, fit_report, model_facts, show
from .outputs import check_outputs, write_rows, written_by
from .readers import Table


def arguments(parser):
    parser.add_argument(
        "-k",
        "--clusters",
        metavar="K",
        type=count,
        default=4,
        help="how many clusters to find (default: 4)",
    )
    parser.add_argument(
        "--rows", metavar="N", type=count, default=1000, help="rows to make (default: 1000)"
    )
    parser.add_argument(
        "--seed",
        metavar="S",
        type=seed,
        default=0,
        help="seed of the data and of the fit (default: 0)",
    )
    parser.add_argument("--save", metavar="OUT", help="write the data (.csv or .npy), to play with")
    add_json(parser)


def run(args):

    check_outputs(args)
    with collect_warnings() as caught:
        table = Table(_demo_data(args.rows, args.seed), ["x", "y"], named=True)
        started = time.perf_counter()
        model = KMeans(n_clusters=args.clusters, random_state=args.seed).fit(table)
        seconds = time.perf_counter() - started
    if args.save:
        write_rows(args.save, table.values, table.columns)
    facts = {
        "data": {
            "path": "four clouds of points",
            "rows": len(table),
            "columns": table.names,
            "named": True,
            "left_out": [],
        },
        **model_facts(model, np.bincount(model.labels_, minlength=args.clusters)),
        "seconds": {"fit": seconds},
        "written": written_by(args),
        "warnings": caught,
    }

    def report(facts):
        data = args.save or "demo.csv"
        save = "" if args.save else f"  ckmeans demo --save {data}\n"
        return [
            *_scatter(table.values, model.labels_),
            "",
            *fit_report(facts),
            "",
            f"Next:\n{save}  ckmeans fit {data} -k {args.clusters} --labels labels.csv\n  ckmeans "
            "fit --help",
        ]

    show(args, facts, report)


def _demo_data(n, seed):
    """Four normally distributed clusters of different spread."""

    rng = np.random.default_rng(seed)
    cloud = rng.integers(4, size=n)
    middle = np.array([[2.0, 2.0], [9.0, 1.5], [5.0, 6.0], [11.0, 7.0]])[cloud]
    spread = np.array([0.6, 0.9, 1.0, 0.5])[cloud]
    return np.round(middle + spread[:, np.newaxis] * rng.normal(size=(n, 2)), 3)


def _scatter(values, labels, width=72, height=18):
    """The points as text: in each cell the label of a point in it, a letter from the tenth on."""

    low, high = values.min(axis=0), values.max(axis=0)
    place = (values - low) / np.where(high > low, high - low, 1.0) * (width - 1, height - 1)
    canvas = [[" "] * width for _ in range(height)]
    marks = "0123456789abcdefghijklmnopqrstuvwxyz"
    for (x, y), label in zip(np.rint(place).astype(int).tolist(), labels.tolist()):
        canvas[height - 1 - y][x] = marks[label] if label < len(marks) else "*"
    return ["".join(line).rstrip() for line in canvas]


COMMAND = Command(
    run,
    arguments,
    "ckmeans demo [options]",
    "cluster a data set made on the spot, and show the report",
    examples="""\
  ckmeans demo
  ckmeans demo -k 3 --rows 100000
  ckmeans demo --save demo.csv && ckmeans fit demo.csv -k 4
""",
)
