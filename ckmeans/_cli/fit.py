"""``ckmeans fit``: find clusters, a given number of them or a number chosen from a range."""

import math
import os
import shutil
import textwrap
import time

import numpy as np

from .. import KMeans
from .._input.doubtful_columns import MOST_APART, far_apart, spreads
from .._output import safe_text
from .arguments import (
    UsageError,
    add_chunks,
    add_columns,
    add_json,
    add_labels,
    add_table_output,
    add_text_options,
    add_threads,
    count,
    count_or_auto,
    count_or_range,
    count_or_share,
    positive_seconds,
    seed,
)
from .command import Command
from .facts import (
    collect_warnings,
    data_facts,
    endings,
    facts_lines,
    fit_report,
    heading,
    model_facts,
    show,
    timing,
    told,
)
from .inputs import in_chunks, read
from .known_labels import add_known_labels, known_labels
from .missing import add_missing, told_by_command, treat
from .outputs import check_outputs, write_labels, write_rows, write_table, written_by
from .pictures import check_picture, check_report, draw_fit
from .progress import add_progress, progress_bar
from .streamed_output import write_table_in_chunks

STARTS = (
    "auto",
    "k-means++",
    "k-means||",
    "sampled-k-means++",
    "variance-partition",
    "random",
    "random-partition",
    "first",
)
SCALES = ("standard", "robust", "none")
METRICS = ("euclidean", "cosine", "manhattan")
REFINEMENTS = ("default", "none", "auto", "best", "swap", "hartigan-wong", "genetic")


def arguments(parser):
    data = parser.add_argument_group("data")
    data.add_argument(
        "data",
        metavar="DATA",
        help="a table, one row per point: .csv, .tsv or other text, JSON, JSON lines, .npy, .npz, "
        "Parquet or Feather (with pyarrow), or - for standard input; .gz, .bz2, .xz, .zst and .zip "
        "are fine; a directory of Parquet files. A column of vectors is a feature for each place",
    )
    add_columns(data)
    data.add_argument("--weights", metavar="COL", help="column with the weight of each row")
    add_chunks(data)
    add_missing(data)
    add_text_options(parser)
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
        type=count_or_range,
        help="how many clusters to find; 2:12 tries 2 to 12, shows how well each does and takes "
        "the best",
    )
    how.add_argument(
        "--init",
        metavar="HOW",
        default="auto",
        help=f"how to start: {', '.join(STARTS)}, or a file with the initial centers (default: "
        "auto, which is the optimum for one column, else k-means++)",
    )
    how.add_argument(
        "--n-init",
        metavar="N",
        type=count_or_auto,
        default="auto",
        help="how many times to start, to keep the best (default: 4 to 1, the fewer the larger the "
        "work; 10 where --init or --refine is given; 1 where the start is always the same)",
    )
    how.add_argument(
        "--refine",
        metavar="HOW",
        choices=REFINEMENTS,
        default="default",
        help=f"go on from the local optimum that a start ends in: {', '.join(REFINEMENTS)} "
        "(default: the less, the larger the work; none where --init or --n-init is given)",
    )
    how.add_argument(
        "--metric",
        choices=METRICS,
        default="euclidean",
        help="cosine clusters directions, for embeddings and counts of words; manhattan takes "
        "medians as centers, which far rows do not move (default: euclidean)",
    )
    how.add_argument(
        "--scale",
        choices=SCALES,
        help="bring the columns to comparable spreads: standard divides them by their standard "
        "deviations, robust by their interquartile ranges; the model keeps it, and centers stay in "
        "the units of the data (default: none, with a warning where spreads differ much)",
    )
    how.add_argument(
        "--size-min",
        metavar="N",
        type=float,
        help="least size of each cluster: rows, or their total weight",
    )
    how.add_argument("--size-max", metavar="N", type=float, help="largest size of each cluster")
    how.add_argument(
        "--outliers",
        metavar="N",
        type=count_or_share,
        help="leave out the N rows that are farthest from their centers, or a share of the rows "
        "(0.05): their label is -1",
    )
    add_known_labels(how)
    how.add_argument(
        "--max-iter",
        metavar="N",
        type=count,
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
        type=seed,
        default=0,
        help="seed of the draws; the same seed gives the same result on any machine (default: 0)",
    )
    how.add_argument(
        "--label-order",
        metavar="BY",
        help="number the clusters by size, by center, or like those of a model (a file) that they "
        "continue (default: as they come)",
    )
    how.add_argument(
        "--max-time",
        metavar="S",
        type=positive_seconds,
        help="stop after so many seconds, with the best found so far",
    )
    add_progress(how)
    add_threads(how)

    results = parser.add_argument_group("results")
    add_labels(results)
    add_table_output(results)
    results.add_argument("--centers", metavar="OUT", help="write the centers, as .csv, .npy, ...")
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
    add_json(results)


def run(args):
    check_outputs(args, inputs=[args.data, args.init, args.label_order or ""])
    check_picture(args.plot)
    check_report(args.report)
    chunks = in_chunks(args)
    if args.plot or args.report:
        _check_can_be_drawn(args)
    if isinstance(args.clusters, range):
        _fit_range(args)
        return
    label_order = _label_order(args)
    with collect_warnings() as caught:
        started = time.perf_counter()
        table, missing, means = _read(args, chunks)
        k, init = _start(args, table)
        labels_known, known = known_labels(args, table, k)
        was_read = time.perf_counter()
        model = KMeans(
            n_clusters=k,
            init=init,
            n_init=args.n_init,
            max_iter=args.max_iter,
            tol=args.tol,
            random_state=args.seed,
            n_threads=args.threads,
            max_time=args.max_time,
            callback=None if chunks else progress_bar(args),
            label_order=label_order,
            refine=_refine(args),
            metric=args.metric,
            scale=_scale(args),
            size_min=args.size_min,
            size_max=args.size_max,
            n_outliers=args.outliers,
            known=args.known,
            missing="ignore" if args.missing == "ignore" else "error",
        )
        if chunks:
            labels = args.labels or (True if table.weights is not None else None)
            with told_by_command(table, chunks=True):
                model.fit_chunks(
                    table.values,
                    sample_weight=table.weights,
                    columns=table.asked,
                    labels=labels,
                    checkpoint=args.checkpoint,
                    progress=progress_bar(args) is not None,
                )
            weights = table.cluster_weights(getattr(model, "labels_", None), model.counts_)
        else:
            with told_by_command(table):
                model.fit(table, sample_weight=table.weights, labels_known=labels_known)
            if means is not None:
                model.column_means_ = means  # type: ignore[attr-defined]
            kept = model.labels_ >= 0
            weights = np.bincount(
                model.labels_[kept], None if table.weights is None else table.weights[kept], k
            )
        fitted = time.perf_counter()

    caught += _spreads_that_differ(args, table, chunks)
    _write_results(args, model, table, None, caught, missing, labels_written=chunks)
    facts = {
        **data_facts(args, table, missing),
        "settings": _settings(args, k),
        **model_facts(model, weights),
        "outliers": 0 if args.outliers is None else int(np.count_nonzero(model.labels_ == -1)),
        "known_labels": known,
        "seconds": {"read": was_read - started, "fit": fitted - was_read},
        "written": written_by(args),
        "warnings": caught,
    }
    show(args, facts, fit_report)


def _refine(args):
    """`refine`, as `KMeans` takes it."""
    return None if args.refine == "none" else args.refine


def _check_can_be_drawn(args):
    if args.missing == "ignore":
        raise UsageError(
            "--plot and --report show full rows: leave them out with --missing ignore, or give "
            "--missing mean"
        )
    if args.metric == "manhattan":
        raise UsageError("--plot and --report are not for --metric manhattan: leave them out")


def _read(args, chunks=False):
    """The table, the facts about its missing values, and the means that were filled in."""
    if args.missing == "ignore" and args.scale not in (None, "none"):
        raise UsageError(
            f"--missing ignore cannot be used with --scale {args.scale}: leave one of them out, or "
            "give --missing mean"
        )
    gaps = {} if chunks else {"gaps": args.missing != "error"}
    table = read(args, chunks, weights=args.weights, **gaps)
    return table, *treat(args.missing, table, args.data)


def _scale(args):
    return None if args.scale == "none" else args.scale


def _settings(args, k):
    return {
        "clusters": k,
        "init": args.init,
        "n_init": args.n_init,
        "refine": _refine(args),
        "metric": args.metric,
        "scale": args.scale,
        "missing": args.missing,
        "size_min": args.size_min,
        "size_max": args.size_max,
        "outliers": args.outliers,
        "labels_known": args.labels_known,
        "known": args.known,
        "max_iter": args.max_iter,
        "tol": args.tol,
        "seed": args.seed,
        "threads": args.threads,
        "max_time": args.max_time,
        "label_order": args.label_order,
    }


def _spreads_that_differ(args, table, chunks=False):
    """A warning if a few columns almost alone determine the clusters because of their units."""
    if args.scale is not None or args.metric != "euclidean" or len(table.names) < 2:
        return []
    found = table.standard_deviations() if chunks else spreads(np.asarray(table.values))
    apart = far_apart(found)
    if apart is None:
        return []
    narrow, wide = (table.names[j] for j in apart)
    least, most = (float(found[j]) for j in apart)
    # With --chunks, --scale standard is refused.
    remedy = (
        "divide the columns by their spreads first, or give"
        if chunks
        else "give --scale standard, or"
    )
    return [
        f"the spreads of the columns differ by more than {MOST_APART} times (standard deviations "
        f"of {least:.3g} in {narrow!r} and {most:.3g} in {wide!r}), so that "
        f"{wide!r} counts for much more: {remedy} --scale none if this is intended"
    ]


def _write_results(args, model, table, selection, caught, missing, labels_written=False):
    """Write the files that were asked for; warnings are added to `caught`."""
    if args.labels and not labels_written:
        write_labels(args.labels, model.labels_, table)
    if args.centers:
        write_rows(args.centers, model.cluster_centers_, table.columns)
    if args.table and labels_written:
        caught += write_table_in_chunks(args.table, table, model)
    elif args.table:
        caught += write_table(args.table, table, model.labels_, model.distances(table))
    if args.model:
        if not labels_written:  # of rows that are in memory
            model.typical_distances_ = model.typical_distances(table)
        model.save(args.model)
    if args.plot or args.report:
        notes = [told(missing), *caught] if missing else caught
        draw_fit(args, model, table, selection, notes)


def _fit_range(args):
    """A fit whose number of clusters is still to be chosen from a range."""
    from ..select import select_k

    if args.init not in ("auto", "k-means++"):
        raise UsageError(
            "a range of k starts with k-means++ and from its neighbors: leave --init "
            "out, or give one K"
        )
    if args.refine not in ("default", "none"):
        raise UsageError("a range of k is not refined: leave --refine out, or give one K")
    for option in ("size_min", "size_max", "outliers", "labels_known"):
        if getattr(args, option) is not None:
            raise UsageError(
                f"a range of k is chosen without --{option.replace('_', '-')}: leave it out, or "
                "give one K"
            )
    if args.metric != "euclidean":
        raise UsageError(
            "a range of k is judged by Euclidean distances: leave --metric "
            f"{args.metric} out, or give one K"
        )
    if args.missing == "ignore":
        raise UsageError(
            "a range of k is judged by full rows: give --missing drop or mean, or give one K"
        )
    with collect_warnings() as caught:
        started = time.perf_counter()
        table, missing, means = _read(args)
        if args.clusters[-1] > len(table):
            raise UsageError(
                f"{args.clusters[-1]} clusters need as many rows at least; there are {len(table)}"
            )
        was_read = time.perf_counter()
        with told_by_command(table):
            found = select_k(
                table,
                args.clusters,
                random_state=args.seed,
                n_init=args.n_init,
                sample_weight=table.weights,
                max_iter=args.max_iter,
                tol=args.tol,
                n_threads=args.threads,
                scale=_scale(args),
                sample_size=max(5000, 2 * args.clusters[-1]),
                progress=progress_bar(args) is not None,
            )
        fitted = time.perf_counter()
    model = found.model
    if model is not None and means is not None:
        model.column_means_ = means
    caught += _spreads_that_differ(args, table)
    if model is None and (args.labels or args.centers or args.model or args.table):
        raise UsageError(f"{found.suggestion} To fit it anyway, give one K")
    _write_results(args, model, table, found, caught, missing)
    plain = {
        name: [value if math.isfinite(value) else None for value in column.tolist()]
        for name, column in found.table.items()
    }
    facts = {
        **data_facts(args, table, missing),
        "settings": _settings(args, [args.clusters[0], args.clusters[-1]]),
        "selection": {
            "table": plain,
            "best_k": found.best_k,
            "suggested_k": found.suggested_k,
            "suggestion": found.suggestion,
            "notes": list(found.notes),
        },
        **(
            model_facts(model, np.bincount(model.labels_, table.weights, found.suggested_k))
            if model
            else {}
        ),
        "seconds": {"read": was_read - started, "fit": fitted - was_read},
        "written": written_by(args),
        "warnings": caught,
    }

    show(args, facts, lambda facts: _range_report(facts, found))


def _range_report(facts, found):
    """The lines of the report on a fit whose number of clusters was chosen."""
    width = shutil.get_terminal_size().columns
    words = [
        line for text in (*found.notes, found.suggestion) for line in textwrap.wrap(text, width)
    ]
    choice = [*found.lines(width), "", *words]
    if found.model is None:
        return [heading(facts), "", *choice, "", *facts_lines(*timing(facts), *endings(facts))]
    first, *rest = fit_report(facts)
    return [first, "", *choice, *rest]


def _start(args, table):
    """The number of clusters and the way to start, which may be a file of centers."""
    init, k = args.init, args.clusters
    if init not in STARTS:
        from .readers import Ambiguous, ReadError, read_table

        if not os.path.exists(init):
            raise UsageError(f"--init {init}: neither a file nor one of {', '.join(STARTS)}")
        # The names as --centers writes them.
        written = [safe_text.cell(name) for name in table.columns]
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
    from .. import load

    return load(args.label_order).cluster_centers_


COMMAND = Command(
    run,
    arguments,
    "ckmeans fit DATA -k K [options]",
    "find K clusters in a table of numbers",
    examples="""\
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
""",
    notes="""\
The first line of text is the header; where it may be a row as well (all of it numbers, say),
ckmeans asks, and --header or --no-header decides. Marks in numbers and row names are treated
likewise. Columns that are not numbers (names, dates, codes with leading zeros) and row names are
left out, and told. A missing value is an error, unless --missing says what to do; rows that it
leaves out have the label -1 in --labels, and empty cells in --output. k-means compares distances:
bring columns of different units to comparable spreads first, as by --scale standard.
""",
)
