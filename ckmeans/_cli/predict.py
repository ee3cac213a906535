"""``ckmeans predict``: assign rows to the clusters of a model."""

import time

import numpy as np

from .arguments import (
    add_chunks,
    add_columns,
    add_json,
    add_labels,
    add_model_and_data,
    add_text_options,
    add_threads,
)
from .command import Command
from .facts import (
    cluster_lines,
    collect_warnings,
    data_facts,
    endings,
    facts_lines,
    heading,
    show,
    timing,
)
from .inputs import in_chunks, read_for_model
from .outputs import check_outputs, write_labels, written_by


def arguments(parser):
    add_model_and_data(parser, "to assign")
    add_columns(parser)
    add_chunks(parser)
    add_text_options(parser)
    add_threads(parser)
    add_labels(parser)
    add_json(parser)


def run(args):
    from .. import load

    check_outputs(args, inputs=[args.model_file, args.data])
    chunks = in_chunks(args)
    with collect_warnings() as caught:
        model = load(args.model_file)
        if args.threads is not None:
            model.set_params(n_threads=args.threads)
        table = read_for_model(args, model, chunks=chunks)
        started = time.perf_counter()
        if chunks:
            sizes, inertia = _predict_chunks(args, model, table)
            seconds = time.perf_counter() - started
        else:
            labels = model.predict(table)
            seconds = time.perf_counter() - started
            inertia = -model.score(table)
            sizes = np.bincount(labels, minlength=len(model.cluster_centers_))
            if args.labels:
                write_labels(args.labels, labels, table)
    facts = {
        **data_facts(args, table),
        "model": args.model_file,
        "inertia": inertia,
        "clusters": [{"label": label, "size": size} for label, size in enumerate(sizes.tolist())],
        **({"labels": labels.tolist()} if args.json and not args.labels and not chunks else {}),
        "seconds": {"predict": seconds},
        "written": written_by(args),
        "warnings": caught,
    }
    show(args, facts, _report)


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
        *facts_lines(
            ("inertia", f"{facts['inertia']:.8g}"),
            *timing(facts),
            *endings(facts),
        ),
    ]


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
""",
    notes="""\
If the model knows column names, the data's columns are found by name, in any order; others are
ignored.
""",
)
