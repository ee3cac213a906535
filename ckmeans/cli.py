"""The ``ckmeans`` command: one small function per subcommand, and a table of them (`COMMANDS`, at
the end).

A subcommand gathers what it found as plain facts, a dict. ``--json`` prints them whole; the report
for readers is made of the same facts. Errors end in one line on standard error and exit code 2.
"""

import argparse
import contextlib
import csv
import io
import itertools
import json
import math
import os
import shutil
import sys
import textwrap
import time
import warnings
from typing import NamedTuple
from collections.abc import Callable

from ._output import safe_text as _safe_text

_STARTS = (
    "auto",
    "k-means++",
    "k-means||",
    "variance-partition",
    "random",
    "random-partition",
    "first",
)
_METRICS = ("euclidean", "cosine")
_REFINEMENTS = ("auto", "best", "swap", "hartigan-wong", "genetic")
_STOPS = {
    "labels": "then no row changed its cluster",
    "tol": "then the centers moved less than --tol",
    "max_iter": "not converged: --max-iter ended it",
    "max_time": "not converged: --max-time ended it",
}
_CONTENTS = {
    "labels": "labels",
    "centers": "centers",
    "model": "model",
    "save": "data",
    "plot": "picture",
    "report": "report",
    "output": "picture",
}
_NO_TEXT = ("model", "plot", "report", "output")  # cannot go to standard output
_MANY_CLUSTERS = 50  # more are not read but processed: --json, --centers


class UsageError(ValueError):
    """Arguments that do not go together."""


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, like all others."""

    def __init__(self, **options):
        # No abbreviations: a later option must not change what today's command lines mean.
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )

    def error(self, message):
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(argv=None):
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : list of str, optional
        Default: the arguments of the process.
    """
    try:
        for stream in (
            sys.stdout,
            sys.stderr,
        ):  # names of columns may be in letters a terminal cannot show
            with contextlib.suppress(AttributeError, ValueError):
                stream.reconfigure(errors="backslashreplace")
        args = _parser().parse_args(argv)
        args.argv = argv
        args.run(args)
        sys.stdout.flush()
        return 0
    except SystemExit as done:  # --help, --version
        return done.code or 0
    except KeyboardInterrupt as interrupt:
        partial = getattr(interrupt, "partial", None)  # what `select_k` had found
        if partial is not None:
            print(*partial.lines(), "", *partial.notes, sep="\n", file=sys.stderr)
        return _fail(130, "interrupted")
    except (
        BrokenPipeError
    ):  # the reader, such as head, has seen enough; keep Python from flushing once more
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError as error:
        return _fail(2, f"error: not enough memory: {error}")
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return _fail(2, f"error: {where}{error.strerror or error}")
    except (ValueError, TypeError, ImportError) as error:
        return _fail(
            2, f"error: {getattr(error, 'question', error)}", getattr(error, "readings", ())
        )


def _fail(code, message, readings=()):
    """Tell an error in one line; where a file has several readings, each of them in a line more."""
    print("ckmeans:", _safe_text.message(message), file=sys.stderr)
    for option, what in readings:
        print(f"  {option}:", _safe_text.message(what), file=sys.stderr)
    return code


# --------------------------------------------------------------------------------------------------


def _fit_arguments(parser):
    data = parser.add_argument_group("data")
    data.add_argument(
        "data",
        metavar="DATA",
        help="a table, one row per point: .csv, .tsv or other text, JSON, JSON lines, .npy, .npz, "
        "Parquet or Feather (with pyarrow), or - for standard input; .gz, .bz2, .xz, .zst and .zip "
        "are fine; a directory of Parquet files",
    )
    _add_columns(data)
    data.add_argument("--weights", metavar="COL", help="column with the weight of each row")
    _add_chunks(data)
    _add_text(parser)
    data.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="with --chunks: write the state here after each pass, "
        "and go on from it if it is there",
    )

    how = parser.add_argument_group("clustering")
    how.add_argument(
        "-k",
        "--clusters",
        metavar="K",
        type=_count_or_range,
        help="how many clusters to find; 2:12 tries 2 to 12, shows how well each does and takes "
        "the best",
    )
    how.add_argument(
        "--init",
        metavar="HOW",
        default="auto",
        help=f"how to start: {', '.join(_STARTS)}, or a file with the initial centers (default: "
        "auto, which is the optimum for one "
        "column, else k-means++)",
    )
    how.add_argument(
        "--n-init",
        metavar="N",
        type=_count_or_auto,
        default="auto",
        help="how many times to start, to keep the best (default: 10; 1 where the start is always "
        "the same)",
    )
    how.add_argument(
        "--refine",
        metavar="HOW",
        choices=_REFINEMENTS,
        help=f"go on from the local optimum that a start ends in: {', '.join(_REFINEMENTS)} "
        "(default: no)",
    )
    how.add_argument(
        "--metric",
        choices=_METRICS,
        default="euclidean",
        help="cosine clusters directions, for embeddings and counts of words (default: euclidean)",
    )
    how.add_argument(
        "--max-iter",
        metavar="N",
        type=_count,
        default=300,
        help="iterations at most (default: 300)",
    )
    how.add_argument(
        "--tol",
        metavar="T",
        type=float,
        default=1e-4,
        help="stop when the centers move less than this, relative to the spread of the data "
        "(default: 1e-4)",
    )
    how.add_argument(
        "--seed",
        metavar="S",
        type=_seed,
        default=0,
        help="seed of the draws; the same seed gives the same result on any machine (default: 0)",
    )
    how.add_argument(
        "--label-order",
        metavar="BY",
        help="number the clusters by size, by center, or like those of a model (a file) that they "
        "continue "
        "(default: as they come)",
    )
    how.add_argument(
        "--max-time",
        metavar="S",
        type=_time,
        help="stop after so many seconds, with the best found so far",
    )
    how.add_argument(
        "--no-progress",
        action="store_true",
        help="no progress bar (there is one on terminals, with tqdm installed)",
    )
    _add_threads(how)

    results = parser.add_argument_group("results")
    _add_labels(results)
    results.add_argument("--centers", metavar="OUT", help="write the centers, as .csv or .npy")
    results.add_argument(
        "--model", metavar="OUT", help="write the model (.npz), for ckmeans predict"
    )
    results.add_argument(
        "--plot",
        metavar="OUT",
        help="draw the clusters, and how k was chosen (.png, .svg or .pdf; needs matplotlib)",
    )
    results.add_argument(
        "--report", metavar="OUT", help="write one page about it all (.html; needs matplotlib)"
    )
    _add_json(results)


def _fit(args):
    import numpy as np

    from . import KMeans

    _check_outputs(args, inputs=[args.data, args.init, args.label_order or ""])
    if args.plot or args.report:
        from ._cli.pictures import check_picture, check_report

        check_picture(args.plot)
        check_report(args.report)
    chunks = _in_chunks(args)
    if isinstance(args.clusters, range):
        _select(args)
        return
    label_order = _label_order(args)
    with _collect_warnings() as caught:
        started = time.perf_counter()
        table = _read(args, chunks, weights=args.weights)
        k, init = _start(args, table)
        read = time.perf_counter()
        model = KMeans(
            n_clusters=k,
            init=init,
            n_init=args.n_init,
            max_iter=args.max_iter,
            tol=args.tol,
            random_state=args.seed,
            n_threads=args.threads,
            max_time=args.max_time,
            callback=None if chunks else _progress(args),
            label_order=label_order,
            refine=args.refine,
            metric=args.metric,
        )
        if chunks:
            labels = args.labels or (True if table.weights is not None else None)
            model.fit_chunks(
                table.values,
                sample_weight=table.weights,
                columns=table.asked,
                labels=labels,
                checkpoint=args.checkpoint,
                progress=_progress(args) is not None,
            )
            weights = table.cluster_weights(getattr(model, "labels_", None), model.counts_)
        else:
            model.fit(table, sample_weight=table.weights)
            weights = np.bincount(model.labels_, table.weights, k)
        fitted = time.perf_counter()

    if args.labels and not chunks:
        _write_labels(args.labels, model.labels_, table)
    if args.centers:
        _write_rows(args.centers, model.cluster_centers_, table.columns)
    if args.model:
        model.save(args.model)
    _draw(args, model, table, None, caught)

    facts = {
        **_data_facts(args, table),
        "settings": _settings(args, k),
        **_model_facts(model, weights),
        "seconds": {"read": read - started, "fit": fitted - read},
        "written": _written(args),
        "warnings": caught,
    }
    _show(args, facts, _fit_report)


def _in_chunks(args):
    """Whether the rows are to stay in their files, and be read again in each pass: where asked, or
    where memory would not hold them.
    """
    from ._input.configuration import memory_is_short

    checkpoint = getattr(args, "checkpoint", None)
    asked = args.chunks or checkpoint or os.path.isdir(args.data)
    large = (
        args.data.lower().endswith((".npy", ".parquet"))
        and os.path.isfile(args.data)
        and memory_is_short(os.path.getsize(args.data))
    )
    if not (asked or large):
        return False
    against = None
    if args.data == "-":
        against = "standard input cannot be read again and again: --chunks needs a file"
    elif isinstance(getattr(args, "clusters", None), range):
        against = (
            "to try several numbers of clusters takes all rows in memory: give -k one "
            "number "
            "with --chunks"
        )
    elif args.labels and not args.labels.lower().endswith(".npy"):
        against = "with --chunks labels are written as .npy: give --labels the name of such a file"
    elif getattr(args, "plot", None) or getattr(args, "report", None):
        against = "--plot and --report take all rows in memory: use them without --chunks"
    elif getattr(args, "refine", None) or getattr(args, "metric", "euclidean") != "euclidean":
        against = "--refine and --metric cosine take all rows in memory: use them without --chunks"
    elif checkpoint and not os.path.isdir(os.path.dirname(os.path.abspath(checkpoint))):
        against = (
            f"cannot write {checkpoint}: there is no directory "
            f"{os.path.dirname(os.path.abspath(checkpoint))}"
        )
    if asked and against:
        raise UsageError(against)
    return not against


def _read(args, chunks=False, **options):
    """The table that the arguments name; in chunks, one that stays in its file."""
    if chunks:
        from ._cli.tables_on_disk import open_table as read
    else:
        from ._cli.readers import read_table as read
    given = {name: getattr(args, name) for name in _TEXT_OPTIONS}
    return read(args.data, args.columns, index=args.index, **given, **options)


def _settings(args, k):
    return {
        "clusters": k,
        "init": args.init,
        "n_init": args.n_init,
        "refine": args.refine,
        "metric": args.metric,
        "max_iter": args.max_iter,
        "tol": args.tol,
        "seed": args.seed,
        "threads": args.threads,
        "max_time": args.max_time,
        "label_order": args.label_order,
    }


def _draw(args, model, table, selection, caught):
    """Write the picture and the page that were asked for."""
    if args.plot or args.report:
        from ._cli.pictures import draw_fit

        draw_fit(args, model, table, selection, caught)


def _select(args):
    """A fit with the number of clusters still to be chosen."""
    import numpy as np

    from .select import select_k

    if args.init not in ("auto", "k-means++"):
        raise UsageError(
            "a range of k starts with k-means++ and from its neighbours: leave --init "
            "out, or give one K"
        )
    if args.refine:
        raise UsageError("a range of k is not refined: leave --refine out, or give one K")
    if args.metric != "euclidean":
        raise UsageError(
            "a range of k is judged by Euclidean distances: leave --metric "
            f"{args.metric} out, or give one K"
        )
    with _collect_warnings() as caught:
        started = time.perf_counter()
        table = _read(args, weights=args.weights)
        if args.clusters[-1] > len(table):
            raise UsageError(
                f"{args.clusters[-1]} clusters need as many rows at least; there are {len(table)}"
            )
        read = time.perf_counter()
        found = select_k(
            table,
            args.clusters,
            random_state=args.seed,
            n_init=args.n_init,
            sample_weight=table.weights,
            max_iter=args.max_iter,
            tol=args.tol,
            n_threads=args.threads,
            sample_size=max(5000, 2 * args.clusters[-1]),
        )
        fitted = time.perf_counter()
    model = found.model
    if model is None and (args.labels or args.centers or args.model):
        raise UsageError(f"{found.suggestion} To fit it anyway, give one K")
    if args.labels:
        _write_labels(args.labels, model.labels_, table)
    if args.centers:
        _write_rows(args.centers, model.cluster_centers_, table.columns)
    if args.model:
        model.save(args.model)
    _draw(args, model, table, found, caught)
    plain = {
        name: [value if math.isfinite(value) else None for value in column.tolist()]
        for name, column in found.table.items()
    }
    facts = {
        **_data_facts(args, table),
        "settings": _settings(args, [args.clusters[0], args.clusters[-1]]),
        "selection": {
            "table": plain,
            "best_k": found.best_k,
            "suggested_k": found.suggested_k,
            "suggestion": found.suggestion,
            "notes": list(found.notes),
        },
        **(
            _model_facts(model, np.bincount(model.labels_, table.weights, found.suggested_k))
            if model
            else {}
        ),
        "seconds": {"read": read - started, "fit": fitted - read},
        "written": _written(args),
        "warnings": caught,
    }

    def report(facts):
        width = shutil.get_terminal_size().columns
        words = [
            line for text in (*found.notes, found.suggestion) for line in textwrap.wrap(text, width)
        ]
        choice = [*found.lines(width), "", *words]
        if model is None:
            return [
                _heading(facts),
                "",
                *choice,
                "",
                *_facts_lines(*_timing(facts), *_endings(facts)),
            ]
        heading, *rest = _fit_report(facts)
        return [heading, "", *choice, *rest]

    _show(args, facts, report)


def _timing(facts):
    return [
        ("time", ", ".join(f"{what} {_seconds(spent)}" for what, spent in facts["seconds"].items()))
    ]


def _start(args, table):
    """The number of clusters and the way to start, which may be a file of centers."""
    init, k = args.init, args.clusters
    if init not in _STARTS:
        from ._cli.readers import Ambiguous, ReadError, read_table

        if not os.path.exists(init):
            raise UsageError(f"--init {init}: neither a file nor one of {', '.join(_STARTS)}")
        written = [
            _safe_text.cell(name) for name in table.columns
        ]  # what --centers makes of the names
        # The options are for the data; but where those have no header, the centers that --centers
        # writes have none.
        header = None if table.columns else args.header
        try:
            init = read_table(init, columns_if_named=table.columns or None, header=header).values
        except Ambiguous as error:
            raise UsageError(
                f"--init {error.question}: write centers as .npy, or with names of columns"
            ) from None
        except ReadError:
            if written == table.columns:
                raise
            init = read_table(init, columns_if_named=written, header=header).values
        k = len(init) if k is None else k
    if k is None:
        raise UsageError("how many clusters? Give -k K (see ckmeans fit --help)")
    if k > len(table):
        raise UsageError(f"{k} clusters need as many rows at least; there are {len(table)}")
    return k, init


def _label_order(args):
    """The order of the labels; of a model, its centers."""
    if args.label_order in (None, "size", "center"):
        return args.label_order
    if not os.path.exists(args.label_order):
        raise UsageError(
            f"--label-order {args.label_order}: neither a model's file nor size or center"
        )
    from . import load

    return load(args.label_order).cluster_centers_


def _progress(args):
    """A progress bar, where there is a terminal to draw it on and a package to draw it."""
    if args.no_progress or not sys.stderr.isatty():
        return None
    try:
        import tqdm  # noqa: F401
    except ImportError:
        return None
    from .progress import ProgressBar

    return ProgressBar(leave=False)


def _fit_report(facts):
    """The lines of the report on a fit."""
    return [
        _heading(facts),
        "",
        *_cluster_lines(facts["clusters"], _titles(facts["data"])),
        "",
        *_facts_lines(
            ("inertia", f"{facts['inertia']:.8g}"),
            ("runs", _runs_line(facts)),
            (
                "iterations",
                f"{facts['n_iter']}; {_STOPS.get(facts['stop_reason'], facts['stop_reason'])}",
            ),
            *_timing(facts),
            *_endings(facts),
        ),
    ]


def _runs_line(facts):
    """How many restarts there were, and how many found the best."""
    inertias = [run["inertia"] for run in facts["runs"]]
    if len(inertias) == 1:
        return "1"
    reached = sum(inertia <= min(inertias) * (1 + 1e-9) for inertia in inertias)
    if reached == len(inertias):
        return f"{reached}; all reached this inertia"
    return f"{len(inertias)}; {reached} reached this inertia, the worst {max(inertias):.8g}"


# ------------------------------------------------------------------------------------------------ p


def _predict_arguments(parser):
    parser.add_argument(
        "model_file", metavar="MODEL", help="a model that ckmeans fit --model has written"
    )
    parser.add_argument(
        "data", metavar="DATA", help="rows to assign, in any format that ckmeans fit reads"
    )
    _add_columns(parser)
    _add_chunks(parser)
    _add_text(parser)
    _add_threads(parser)
    _add_labels(parser)
    _add_json(parser)


def _predict(args):
    import numpy as np

    from . import load

    _check_outputs(args, inputs=[args.model_file, args.data])
    chunks = _in_chunks(args)
    with _collect_warnings() as caught:
        model = load(args.model_file)
        if args.threads is not None:
            model.set_params(n_threads=args.threads)
        names = list(getattr(model, "feature_names_in_", []))
        table = _read(args, chunks, columns_if_named=names or None)
        started = time.perf_counter()
        if chunks:
            sizes, inertia = _predict_chunks(args, model, table)
            seconds = time.perf_counter() - started
        else:
            # By name where both have names and by position otherwise, so there is nothing left to
            # warn of.
            table.columns = names
            labels = model.predict(table)
            seconds = time.perf_counter() - started
            inertia = -model.score(table)
            sizes = np.bincount(labels, minlength=len(model.cluster_centers_))
            if args.labels:
                _write_labels(args.labels, labels, table)
    facts = {
        **_data_facts(args, table),
        "model": args.model_file,
        "inertia": inertia,
        "clusters": [{"label": label, "size": size} for label, size in enumerate(sizes.tolist())],
        **({"labels": labels.tolist()} if args.json and not args.labels and not chunks else {}),
        "seconds": {"predict": seconds},
        "written": _written(args),
        "warnings": caught,
    }
    _show(args, facts, _predict_report)


def _predict_chunks(args, model, table):
    """Sizes and inertia of rows that stay in their files; labels are written on the way."""
    import numpy as np

    from ._blocks.sources import label_sink

    if not table.columns:
        model.__dict__.pop("feature_names_in_", None)  # by position
    inertia = -model.score_chunks(table.values, columns=table.asked)
    sizes, start = np.zeros(len(model.cluster_centers_), dtype=np.int64), 0
    sink = label_sink(args.labels)
    try:
        if sink is not None:
            sink.open(len(table))
        for labels in model.predict_chunks(table.values, columns=table.asked):
            sizes += np.bincount(labels, minlength=len(sizes))
            if sink is not None:
                sink(start, labels)
            start += len(labels)
    except BaseException:
        if sink is not None:
            sink.drop()
        raise
    if sink is not None:
        sink.done()
    return sizes, inertia


def _predict_report(facts):
    """The lines of the report on a prediction."""
    return [
        _heading(facts),
        "",
        *_cluster_lines(facts["clusters"]),
        "",
        *_facts_lines(
            ("inertia", f"{facts['inertia']:.8g}"),
            *_timing(facts),
            *_endings(facts),
        ),
    ]


# --------------------------------------------------------------------------------------------------


def _demo_arguments(parser):
    parser.add_argument(
        "-k",
        "--clusters",
        metavar="K",
        type=_count,
        default=4,
        help="how many clusters to find (default: 4)",
    )
    parser.add_argument(
        "--rows", metavar="N", type=_count, default=1000, help="rows to make (default: 1000)"
    )
    parser.add_argument(
        "--seed",
        metavar="S",
        type=_seed,
        default=0,
        help="seed of the data and of the fit (default: 0)",
    )
    parser.add_argument("--save", metavar="OUT", help="write the data (.csv or .npy), to play with")
    _add_json(parser)


def _demo(args):
    import numpy as np

    from . import KMeans
    from ._cli.readers import Table

    _check_outputs(args)
    with _collect_warnings() as caught:
        table = Table(_demo_data(args.rows, args.seed), ["x", "y"], named=True)
        started = time.perf_counter()
        model = KMeans(n_clusters=args.clusters, random_state=args.seed).fit(table)
        seconds = time.perf_counter() - started
    if args.save:
        _write_rows(args.save, table.values, table.columns)
    facts = {
        "data": {
            "path": "four clouds of points",
            "rows": len(table),
            "columns": table.names,
            "named": True,
            "left_out": [],
        },
        **_model_facts(model, np.bincount(model.labels_, minlength=args.clusters)),
        "seconds": {"fit": seconds},
        "written": _written(args),
        "warnings": caught,
    }

    def report(facts):
        data = args.save or "demo.csv"
        save = "" if args.save else f"  ckmeans demo --save {data}\n"
        return [
            *_scatter(table.values, model.labels_),
            "",
            *_fit_report(facts),
            "",
            f"Next:\n{save}  ckmeans fit {data} -k {args.clusters} --labels labels.csv\n  ckmeans "
            "fit --help",
        ]

    _show(args, facts, report)


def _demo_data(n, seed):
    """Four clouds of different spread."""
    import numpy as np

    rng = np.random.default_rng(seed)
    cloud = rng.integers(4, size=n)
    middle = np.array([[2.0, 2.0], [9.0, 1.5], [5.0, 6.0], [11.0, 7.0]])[cloud]
    spread = np.array([0.6, 0.9, 1.0, 0.5])[cloud]
    return np.round(middle + spread[:, np.newaxis] * rng.normal(size=(n, 2)), 3)


def _scatter(values, labels, width=72, height=18):
    """The points as text: in each cell the label of a point in it, a letter from the tenth on."""
    import numpy as np

    low, high = values.min(axis=0), values.max(axis=0)
    place = (values - low) / np.where(high > low, high - low, 1.0) * (width - 1, height - 1)
    canvas = [[" "] * width for _ in range(height)]
    marks = "0123456789abcdefghijklmnopqrstuvwxyz"
    for (x, y), label in zip(np.rint(place).astype(int).tolist(), labels.tolist()):
        canvas[height - 1 - y][x] = marks[label] if label < len(marks) else "*"
    return ["".join(line).rstrip() for line in canvas]


# ------------------------------------------------------------------------------- arguments several


def _count(text):
    """A whole number of at least one."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def _count_or_range(text):
    """A number of clusters, or a range A:B of them, B included."""
    low, colon, high = text.partition(":")
    if not colon:
        return _count(text)
    first, last = _count(low), _count(high)
    if last <= first:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no range of numbers of clusters, such as 2:12"
        )
    return range(first, last + 1)


def _time(text):
    """A number of seconds above zero."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _seed(text):
    """A whole number of 32 bits."""
    if not (text.isdecimal() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def _frame(text):
    """A whole number of at least zero."""
    if not (text.isdecimal() and text.isascii()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _count_or_auto(text):
    return text if text == "auto" else _count(text)


def _names(text):
    """Column names between commas, quoted as in a CSV file where they hold a comma."""
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    if not all(names) or not names:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of columns, such as height,weight or 2,3"
        )
    return names


def _add_columns(parser):
    parser.add_argument(
        "--columns",
        metavar="A,B",
        type=_names,
        help="columns to use, by name or by number from 1 (default: every column of numbers)",
    )


_TEXT_OPTIONS = ("header", "sep", "decimal", "thousands", "skip", "encoding", "quotes")
_CHARACTERS = {
    "tab": "\t",
    "\\t": "\t",
    "blank": " ",
    "blanks": " ",
    "space": " ",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
}


def _character(text):
    """A character, or its name."""
    return _CHARACTERS.get(text, text)


def _add_text(parser):
    """The options that overrule what is found in a file."""
    parser.add_argument(
        "--index",
        metavar="A,B",
        type=_names,
        help="columns of row names, which are no features (default: those that pandas or R wrote "
        "along)",
    )
    parser.add_argument(
        "--no-index",
        dest="index",
        action="store_const",
        const=[],
        help="no column is one of row names",
    )
    text = parser.add_argument_group(
        "text files", "what is not given is found; what could be read in two ways is asked"
    )
    text.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="the first line names the columns, or is a row",
    )
    text.add_argument(
        "--sep",
        metavar="C",
        type=_character,
        help="the character between columns, or tab, or blanks for runs of them",
    )
    text.add_argument("--decimal", metavar="C", type=_character, help="decimal mark, . or ,")
    text.add_argument(
        "--thousands",
        metavar="C",
        type=_character,
        help="what stands between groups of three digits, as in 1,234,567",
    )
    text.add_argument(
        "--skip", metavar="N", type=_lines, default=0, help="lines above the table to pass over"
    )
    text.add_argument("--encoding", metavar="NAME", help="such as utf-8, utf-16, latin-1, cp1252")
    text.add_argument(
        "--quotes",
        action=argparse.BooleanOptionalAction,
        help="quotation marks quote, or are letters like any other",
    )


def _lines(text):
    """A number of lines."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)


def _add_chunks(parser):
    parser.add_argument(
        "--chunks",
        action="store_true",
        help="for more rows than memory: leave them in their .npy file, Parquet file or directory "
        "(for which this is the default), and "
        "read them again in each pass; the result is the same",
    )


def _add_threads(parser):
    parser.add_argument(
        "--threads",
        metavar="N",
        type=_count,
        help="threads (default: one per CPU); the result is the same with any",
    )


def _add_labels(parser):
    parser.add_argument(
        "--labels",
        metavar="OUT",
        help="write the cluster of each row, as .csv or .npy; - prints them",
    )


def _add_json(parser):
    parser.add_argument(
        "--json", action="store_true", help="print everything as JSON instead of the report"
    )


# -------------------------------------------------------------------------------------------------


def _outputs(args):
    """The places that results go to, by what they are."""
    given = {name: getattr(args, name, None) for name in _CONTENTS}
    return {name: path for name, path in given.items() if path is not None}


def _check_outputs(args, inputs=()):
    """Raise before the work is done, not after it, where its results cannot be written."""
    outputs = _outputs(args)
    if args.json and "-" in outputs.values():
        raise UsageError("--json and an output to - cannot both have standard output")
    for name in _NO_TEXT:
        if outputs.get(name) == "-":
            article = (
                "a model is no text"
                if name == "model"
                else (f"a {_CONTENTS[name]} does not go to standard output")
            )
            raise UsageError(f"{article}: give --{name} the name of a file")
    if len(set(outputs.values())) < len(outputs):
        raise UsageError("two results cannot go to the same place")
    for path in outputs.values():
        directory = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(directory):
            raise UsageError(f"cannot write {path}: there is no directory {directory}")
        if os.path.isdir(path):
            raise UsageError(f"cannot write {path}: it is a directory")
        for source in inputs:
            if os.path.isfile(path) and os.path.isfile(source) and os.path.samefile(path, source):
                raise UsageError(f"{path} is an input, and would be overwritten")


def _write_labels(path, labels, table):
    """One label per line, under a header if the data has one, so that the lines of both files
    match.
    """
    _write_rows(path, labels, ["label"] if table.columns else [])


def _write_rows(path, array, names):
    """Write an array in full precision: as .npy if so called, else as text with a header of names,
    if any.
    """
    import numpy as np

    from ._output.files import write_atomically

    if path.lower().endswith(".npy"):
        with write_atomically(path) as file:
            np.save(file, array)
        return
    text = io.StringIO()
    writer = csv.writer(
        text, delimiter="\t" if path.lower().endswith(".tsv") else ",", lineterminator="\n"
    )
    if names:
        writer.writerow(map(_safe_text.cell, names))
    writer.writerows(array.reshape(len(array), -1).tolist())
    if path == "-":
        sys.stdout.write(text.getvalue())
        return
    with write_atomically(path) as file:
        file.write(text.getvalue().encode())


def _written(args):
    """The files written, by what is in them."""
    return {name: path for name, path in _outputs(args).items() if path != "-"}


@contextlib.contextmanager
def _collect_warnings():
    """Collect the warnings raised inside as a list of lines, each once."""
    lines = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        yield lines
    lines += dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)


def _show(args, facts, report):
    """Print the facts the way that was asked for; warnings go to standard error."""
    for line in facts["warnings"]:
        print("ckmeans: warning:", _safe_text.terminal(line), file=sys.stderr)
    for column in facts.get("data", {}).get("left_out", ()):
        print(
            "ckmeans: left out:",
            _safe_text.terminal(f"{column['name']} ({column['why']})"),
            file=sys.stderr,
        )
    if args.json:
        from . import __version__

        facts = {"ckmeans": __version__, **facts}
        lines = (
            f"  {json.dumps(name)}: {_safe_text.to_json(fact)}" for name, fact in facts.items()
        )
        print(
            "{\n" + ",\n".join(lines) + "\n}"
        )  # a line per fact: json's indent makes one of each number
    elif "-" not in _outputs(args).values():
        for line in report(facts):
            print("\n".join(map(_safe_text.terminal, line.split("\n"))))


# ------------------------------------------------------------------------------------ facts and the


def _data_facts(args, table):
    return {
        "data": {
            "path": "standard input" if args.data == "-" else args.data,
            "rows": len(table),
            "columns": table.names,
            "named": bool(table.columns),
            "left_out": [column._asdict() for column in table.left_out],
            "weights": getattr(args, "weights", None),
        }
    }


def _model_facts(model, weights):
    """What a fit found."""
    sizes, centers = model.counts_.tolist(), model.cluster_centers_.tolist()
    return {
        "inertia": model.inertia_,
        "n_iter": model.n_iter_,
        "converged": model.converged_,
        "stop_reason": model.stop_reason_,
        "clusters": [
            {"label": label, "size": size, "weight": weight, "center": center}
            for label, (size, weight, center) in enumerate(zip(sizes, weights.tolist(), centers))
        ],
        "runs": [run._asdict() for run in model.runs_],
    }


def _heading(facts):
    data = facts["data"]
    size = f"{_many(data['rows'], 'row')}, {_many(len(data['columns']), 'column')}"
    weighted = f", weighted by {_printable(data['weights'])}" if data.get("weights") else ""
    return f"{_printable(data['path'])}: {size}{weighted}"


def _endings(facts):
    """The facts that any report ends with."""
    left_out = [f"{column['name']} ({column['why']})" for column in facts["data"]["left_out"]]
    if len(left_out) > 4:
        left_out[3:] = [f"{len(left_out) - 3} more (see --json)"]
    return [
        *(("left out", _printable(line)) for line in left_out),
        *(
            ("wrote", f"{_printable(path, None)} ({_CONTENTS[what]})")
            for what, path in facts["written"].items()
        ),
    ]


def _facts_lines(*facts):
    """Names and values in two columns; a name that repeats is told once."""
    width = max(len(name) for name, _ in facts) + 2
    names = ["" if i and name == facts[i - 1][0] else name for i, (name, _) in enumerate(facts)]
    return [f"{name:<{width}}{value}" for name, (_, value) in zip(names, facts)]


def _titles(data):
    """What to write above the columns of a center."""
    return [_printable(name, 20) if data["named"] else f"col {name}" for name in data["columns"]]


def _cluster_lines(clusters, titles=()):
    """A table of the clusters: label, size, share and, under the titles of its columns, center."""
    shown = clusters if len(clusters) <= _MANY_CLUSTERS else clusters[: _MANY_CLUSTERS - 10]
    weighted = any(
        cluster.get("weight", cluster["size"]) != cluster["size"] for cluster in clusters
    )
    total = sum(cluster["weight" if weighted else "size"] for cluster in clusters)
    table = [
        ["cluster", *(str(cluster["label"]) for cluster in shown)],
        ["size", *(str(cluster["size"]) for cluster in shown)],
    ]
    if weighted:
        table.append(["weight", *_decimals([cluster["weight"] for cluster in shown])])
    shares = [100 * cluster["weight" if weighted else "size"] / total for cluster in shown]
    table.append(["share", *(f"{share:.1f}%" for share in shares)])
    for j, title in enumerate(titles):
        table.append([title, *_decimals([cluster["center"][j] for cluster in shown])])

    room = shutil.get_terminal_size().columns
    widths = [max(map(len, column)) + 2 for column in table]
    widths[0] -= 2
    fitting = max(1, sum(width <= room for width in itertools.accumulate(widths)))
    lines = [
        "".join(f"{cell:>{width}}" for cell, width in zip(row, widths[:fitting]))
        for row in zip(*table)
    ]
    if len(shown) < len(clusters):
        lines.append(
            f"... {len(clusters) - len(shown)} more clusters (--centers OUT or --json gives all)"
        )
    if fitting < len(table):
        lines.append(f"... {len(table) - fitting} more columns (--centers OUT or --json gives all)")
    return lines


def _decimals(numbers):
    """The numbers of a column, all with as many decimals as give the largest five digits."""
    largest = max(map(abs, numbers))
    if largest and not 1e-4 <= largest < 1e12:
        return [f"{number:.4e}" for number in numbers]
    digits = 4 - math.floor(math.log10(largest)) if largest else 3
    return [f"{number:.{min(max(digits, 0), 8)}f}" for number in numbers]


def _seconds(seconds):
    if seconds < 1:
        return f"{1000 * seconds:.{1 if seconds < 0.01 else 0}f} ms"
    return f"{seconds:.{2 if seconds < 100 else 0}f} s"


def _many(number, thing):
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _printable(text, longest=200):
    return _safe_text.terminal(text, longest)


# -------------------------------------------------------------------------------------- plot and qu


def _plot_arguments(parser):
    from ._cli.pictures import KINDS

    parser.add_argument(
        "model_file", metavar="MODEL", help="a model that ckmeans fit --model has written"
    )
    parser.add_argument(
        "data", metavar="DATA", help="rows to draw, in any format that ckmeans fit reads"
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, help="the picture (.png, .svg or .pdf)"
    )
    parser.add_argument(
        "--kind", choices=KINDS, default="overview", help="what to draw (default: overview)"
    )
    _add_columns(parser)
    _add_text(parser)
    _add_json(parser)


def _plot(args):
    from . import load
    from ._cli.pictures import check_picture, draw

    _check_outputs(args, inputs=[args.model_file, args.data])
    check_picture(args.output)
    with _collect_warnings() as caught:
        model = load(args.model_file)
        names = list(getattr(model, "feature_names_in_", []))
        table = _read(args, columns_if_named=names or None)
        table.columns = names
        started = time.perf_counter()
        draw(args.kind, model, table, args.output)
        seconds = time.perf_counter() - started
    facts = {
        **_data_facts(args, table),
        "model": args.model_file,
        "kind": args.kind,
        "seconds": {"draw": seconds},
        "written": _written(args),
        "warnings": caught,
    }
    _show(
        args,
        facts,
        lambda facts: [_heading(facts), "", *_facts_lines(*_timing(facts), *_endings(facts))],
    )


def _quantize_arguments(parser):
    parser.add_argument("image", metavar="IMAGE", help="a picture in any format that Pillow reads")
    parser.add_argument(
        "-k",
        "--clusters",
        metavar="K",
        type=_count,
        default=16,
        help="how many colours (default: 16)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="the picture in so many colours (.png is exact)",
    )
    parser.add_argument(
        "--frame",
        metavar="N",
        type=_frame,
        help="of several frames or pages only this one, counted from 0 (default: all)",
    )
    parser.add_argument(
        "--seed", metavar="S", type=_seed, default=0, help="seed of the draws (default: 0)"
    )
    _add_threads(parser)
    _add_json(parser)


def _quantize(args):
    from ._cli.pictures import quantize_file

    _check_outputs(args, inputs=[args.image])
    with _collect_warnings() as caught:
        facts = quantize_file(
            args.image, args.output, args.clusters, args.seed, args.threads, args.frame
        )
    facts.update(written=_written(args), warnings=caught)

    def report(facts):
        digits = 4 if facts["full"] == 65535 else 2
        values = [
            [round(value * 255) if facts["full"] == 1 else value for value in colour]
            for colour in facts["palette"]
        ]
        colours = "  ".join(
            "#" + "".join(f"{value:0{digits}x}" for value in colour) for colour in values
        )
        frames = f", {facts['frames']} frames" if facts["frames"] > 1 else ""
        return [
            f"{_printable(args.image)}: {facts['width']} x {facts['height']} pixels{frames}, "
            f"{facts['colours']} colours",
            "",
            *textwrap.wrap(colours, shutil.get_terminal_size().columns),
            "",
            *_facts_lines(
                *_timing(facts),
                *(("wrote", f"{path} (picture)") for path in facts["written"].values()),
            ),
        ]

    _show(args, facts, report)


# ----------------------------------------------------------------------------------------- the comm


class Command(NamedTuple):
    """A subcommand: what it does, its arguments, and what its help says."""

    run: Callable
    arguments: Callable
    usage: str
    summary: str
    examples: str


COMMANDS = {
    "fit": Command(
        _fit,
        _fit_arguments,
        "ckmeans fit DATA -k K [options]",
        "find K clusters in a table of numbers",
        """\
examples:
  ckmeans fit points.csv -k 3
      print size and center of each of 3 clusters
  ckmeans fit points.csv -k 3 --columns height,weight --labels labels.csv
      use two of the columns, and write each row's cluster
  ckmeans fit points.csv -k 3 --model model.npz && ckmeans predict model.npz new.csv
      keep the model, and assign other rows to its clusters
  zcat points.csv.gz | ckmeans fit - -k 3 --json
      read standard input, print everything as JSON
  ckmeans fit points.csv -k 2:12 --report report.html
      choose between 2 and 12 clusters, and write a page that shows why

The first line of text is the header; where it may be a row as well (all of it numbers, say),
ckmeans asks, and --header or --no-header decides. Marks in numbers and row names are treated
likewise. Columns that are not numbers (names, dates, codes with leading zeros) and row names are
left out, and told. A missing value is an error. k-means compares distances: scale columns of
different units to a comparable spread first.
""",
    ),
    "predict": Command(
        _predict,
        _predict_arguments,
        "ckmeans predict MODEL DATA [options]",
        "assign the rows of a table to the clusters of a model",
        """\
examples:
  ckmeans predict model.npz new.csv
      print how many rows fall into each cluster
  ckmeans predict model.npz new.csv --labels -
      print each row's cluster, one per line

If the model knows column names, the data's columns are found by name, in any order; others are
ignored.
""",
    ),
    "plot": Command(
        _plot,
        _plot_arguments,
        "ckmeans plot MODEL DATA -o OUT [options]",
        "draw the clusters of a model",
        """\
examples:
  ckmeans plot model.npz points.csv -o clusters.png
  ckmeans plot model.npz points.csv -o silhouettes.svg --kind silhouette

Needs matplotlib: pip install 'ckmeans-cython[plot]'. Of very many rows a sample is drawn, and the
picture says so.
""",
    ),
    "quantize": Command(
        _quantize,
        _quantize_arguments,
        "ckmeans quantize IMAGE -k K -o OUT [options]",
        "reduce a picture to K colours",
        """\
examples:
  ckmeans quantize photo.jpg -k 16 -o poster.png
  ckmeans quantize photo.jpg -k 4 -o four.png --json
      print the palette as numbers
  ckmeans quantize film.gif -k 16 -o poster.gif
      all frames, in the same 16 colours

Photos are turned upright. Depth, transparency, times of frames and color profiles are kept; what a
format cannot hold is refused, or told in a warning. Transparent pixels have no say in the colours.
Needs Pillow: pip install 'ckmeans-cython[image]'.
""",
    ),
    "demo": Command(
        _demo,
        _demo_arguments,
        "ckmeans demo [options]",
        "cluster a data set made on the spot, and show the report",
        """\
examples:
  ckmeans demo
  ckmeans demo -k 3 --rows 100000
  ckmeans demo --save demo.csv && ckmeans fit demo.csv -k 4
""",
    ),
}


def _parser():
    from . import __version__

    parser = _Parser(
        prog="ckmeans",
        description="k-means clustering: exact, repeatable, fast.",
        epilog="""\
examples:
  ckmeans demo                                   see what it does
  ckmeans fit points.csv -k 3                    find 3 clusters in a file
  ckmeans fit points.csv -k 3 --model m.npz      ... and keep the model
  ckmeans predict m.npz new.csv --labels -       print the cluster of each new row
  ckmeans fit points.csv -k 2:12                 find out how many clusters there are
  ckmeans plot m.npz points.csv -o points.png    draw them

Each command tells more: ckmeans fit --help
""",
    )
    parser.add_argument("--version", action="version", version=f"ckmeans {__version__}")
    parser.set_defaults(run=lambda args: parser.print_help())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=command.summary,
            usage=command.usage,
            description=command.summary[0].upper() + command.summary[1:] + ".",
            epilog=command.examples,
        )
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    return parser
