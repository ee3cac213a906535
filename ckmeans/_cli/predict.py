"""``ckmeans predict``: assign rows to the clusters of a model."""

import time

import numpy as np

from .arguments import (
    OF_MODEL,
    add_chunks,
    add_columns,
    add_json,
    add_labels,
    add_model_and_data,
    add_table_output,
    add_text_options,
    add_threads,
    count,
)
from .command import Command
from .facts import (
    cluster_lines,
    collect_warnings,
    data_facts,
    endings,
    facts_lines,
    heading,
    printable,
    show,
    timing,
)
from .inputs import in_chunks, read_for_model
from .missing import BY_MODEL, add_missing, told_by_command, treat, way_of
from .outputs import (
    TEXT,
    check_outputs,
    suffix_of,
    write_columns,
    write_labels,
    write_table,
    written_by,
)
from .row_ids import row_ids
from .streamed_output import write_table_in_chunks


def arguments(parser):
    add_model_and_data(parser, "to assign")
    add_columns(parser, OF_MODEL)
    add_chunks(parser)
    add_text_options(parser)
    add_missing(parser, None, BY_MODEL)
    add_threads(parser)
    add_labels(parser)
    add_table_output(parser)
    parser.add_argument(
        "--distances",
        metavar="OUT",
        help="write each row's cluster, distance to its center and score: the distance in typical "
        "distances of the cluster, as they were at the fit; and its id, where the data has a "
        "column of ids or names that is no feature; - prints them",
    )
    parser.add_argument(
        "--outliers",
        metavar="N",
        type=count,
        help="show the N rows of the highest scores, with their ids; row 1 is the first below the "
        "header",
    )
    add_json(parser)


def run(args):
    from .. import load

    check_outputs(args, inputs=[args.model_file, args.data])
    chunks = in_chunks(args)
    outliers = missing = None
    with collect_warnings() as caught:
        model = load(args.model_file)
        if args.threads is not None:
            model.set_params(n_threads=args.threads)
        how = "error" if chunks else way_of(args, model)
        options = {} if chunks else {"gaps": how != "error", "originals": bool(args.outliers)}
        table = read_for_model(args, model, chunks=chunks, **options)
        missing, _ = treat(how, table, args.data, model)
        started = time.perf_counter()
        if chunks:
            with told_by_command(table, chunks=True):
                sizes, inertia = _predict_chunks(args, model, table)
                if args.table:
                    caught += write_table_in_chunks(args.table, table, model)
            seconds = time.perf_counter() - started
        else:
            with told_by_command(table):
                labels = model.predict(table)
            seconds = time.perf_counter() - started
            inertia = -model.score(table)
            sizes = np.bincount(labels, minlength=len(model.cluster_centers_))
            if args.labels:
                write_labels(args.labels, labels, table)
            outliers = _distances(args, model, table, labels, caught)
            labels = table.in_file(labels, -1)
    facts = {
        **data_facts(args, table, missing),
        "model": args.model_file,
        "inertia": inertia,
        **({"outliers": outliers} if outliers else {}),
        "clusters": [{"label": label, "size": size} for label, size in enumerate(sizes.tolist())],
        **({"labels": labels.tolist()} if args.json and not args.labels and not chunks else {}),
        "seconds": {"predict": seconds},
        "written": written_by(args),
        "warnings": caught,
    }
    show(args, facts, _report)


def _distances(args, model, table, labels, caught):
    """Write what was asked for about distances; return the most unusual rows, if asked for.

    caught : list
        Warnings, to which some may be added.
    """
    if not (args.distances or args.table or args.outliers):
        return None
    distances = model.distances(table, labels)
    scores = model.anomaly_scores(table)
    ids = row_ids(table)
    if args.distances:
        columns = [table.in_file(column, None) for column in (labels, distances, scores)]
        suffix = suffix_of(args.distances)
        before = [] if suffix == ".npy" else ids  # an array has numbers at fixed places only
        write_columns(
            args.distances,
            [*((one.cells if suffix in TEXT else one.values) for one in before), *columns],
            [*(one.name for one in before), "cluster", "distance", "score"],
        )
    if args.table:
        caught += write_table(args.table, table, labels, distances, scores)
    most = np.lexsort((np.arange(len(scores)), -scores))[: args.outliers or 0]
    rows = table.places
    return [
        {
            "row": int(rows[i]) + 1,
            **({"ids": {one.name: one.cells[rows[i]] for one in ids}} if ids else {}),
            "cluster": int(labels[i]),
            "distance": float(distances[i]),
            "score": float(scores[i]) if np.isfinite(scores[i]) else None,
        }
        for i in most.tolist()
    ]


def _predict_chunks(args, model, table):
    """Sizes and inertia of rows that stay in their files; labels are written on the way."""
    from .._blocks.sources import label_sink

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


def _report(facts):
    """The lines of the report on a prediction."""
    return [
        heading(facts),
        "",
        *cluster_lines(facts["clusters"]),
        "",
        *_outlier_lines(facts.get("outliers", ())),
        *facts_lines(
            ("inertia", f"{facts['inertia']:.8g}"),
            *timing(facts),
            *endings(facts),
        ),
    ]


def _outlier_lines(outliers):
    """The most unusual rows as a table."""
    if not outliers:
        return []
    names = outliers[0].get("ids", {})
    rows = [["row", *(printable(name, 20) for name in names), "cluster", "distance", "score"]]
    for found in outliers:
        score = "infinite" if found["score"] is None else f"{found['score']:.3g}"
        ids = [printable(found["ids"][name], 30) for name in names]
        rows.append(
            [str(found["row"]), *ids, str(found["cluster"]), f"{found['distance']:.5g}", score]
        )
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths)) for row in rows]
    return ["most unusual rows (row 1 is the first below the header):", *lines, ""]


COMMAND = Command(
    run,
    arguments,
    "ckmeans predict MODEL DATA [options]",
    "assign the rows of a table to the clusters of a model",
    examples="""\
  ckmeans predict model.npz new.csv
      print how many rows fall into each cluster
  ckmeans predict model.npz new.csv --labels -
      print each row's cluster, one per line
  ckmeans predict model.npz new.csv --outliers 5 --distances scores.csv
      show the 5 most unusual rows, and write distances and scores of all
""",
    notes="""\
Columns that the model does not use are left out, and told.
""",
)
