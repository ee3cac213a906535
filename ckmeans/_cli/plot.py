"""``ckmeans plot``: draw the clusters of a model."""

import time

from .arguments import OF_MODEL, add_columns, add_json, add_model_and_data, add_text_options
from .command import Command
from .facts import collect_warnings, data_facts, endings, facts_lines, heading, show, timing
from .missing import BY_MODEL, add_missing, read_full_rows
from .outputs import check_outputs, written_by
from .pictures import KINDS, check_picture, draw


def arguments(parser):
    add_model_and_data(parser, "to draw")
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, help="the picture (.png, .svg or .pdf)"
    )
    parser.add_argument(
        "--kind", choices=KINDS, default="overview", help="what to draw (default: overview)"
    )
    add_columns(parser, OF_MODEL)
    add_missing(parser, None, BY_MODEL)
    add_text_options(parser)
    add_json(parser)


def run(args):
    from .. import load

    check_outputs(args, inputs=[args.model_file, args.data])
    check_picture(args.output)
    with collect_warnings() as caught:
        model = load(args.model_file)
        table, missing = read_full_rows(args, model)
        started = time.perf_counter()
        draw(args.kind, model, table, args.output)
        seconds = time.perf_counter() - started
    facts = {
        **data_facts(args, table, missing),
        "model": args.model_file,
        "kind": args.kind,
        "seconds": {"draw": seconds},
        "written": written_by(args),
        "warnings": caught,
    }
    show(
        args,
        facts,
        lambda facts: [heading(facts), "", *facts_lines(*timing(facts), *endings(facts))],
    )


COMMAND = Command(
    run,
    arguments,
    "ckmeans plot MODEL DATA -o OUT [options]",
    "draw the clusters of a model",
    examples="""\
  ckmeans plot model.npz points.csv -o clusters.png
  ckmeans plot model.npz points.csv -o silhouettes.svg --kind silhouette
""",
    notes="""\
Needs matplotlib: pip install 'ckmeans-cython[plot]'. Of very many rows a sample is drawn, and the
picture says so.
""",
)
