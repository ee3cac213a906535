"""``ckmeans drift``: compare new rows with those that a model was fitted on."""

import time

from .._input.optional_packages import need
from .arguments import (
    OF_MODEL,
    UsageError,
    add_columns,
    add_json,
    add_model_and_data,
    add_text_options,
)
from .command import Command
from .facts import (
    collect_warnings,
    counted,
    data_facts,
    endings,
    facts_lines,
    heading,
    printable,
    show,
    timing,
)
from .missing import BY_MODEL, add_missing, read_full_rows
from .outputs import check_outputs, written_by
from .pictures import check_picture, save

#: Exit code if a new fit is recommended.
REFIT = 3


def arguments(parser):
    add_model_and_data(parser, "to compare")
    parser.add_argument(
        "--reference",
        metavar="FILE",
        help="earlier rows to compare with, preferably ones that the model was not fitted on "
        "(default: none; then only the shares of the clusters are compared, with those of the fit)",
    )
    parser.add_argument(
        "--alpha",
        metavar="P",
        type=float,
        default=0.01,
        help="probability to find a change where there is none, over all tests (default: 0.01)",
    )
    parser.add_argument(
        "--tolerance",
        metavar="T",
        type=float,
        default=0.1,
        help="relative change up to which no new fit is called for (default: 0.1)",
    )
    parser.add_argument(
        "--plot",
        metavar="OUT",
        help="draw shares and distances, then and now (.png, .svg or .pdf; needs matplotlib)",
    )
    add_columns(parser, OF_MODEL)
    add_missing(parser, None, BY_MODEL)
    add_text_options(parser)
    add_json(parser)


def run(args):
    from .. import drift, load

    check_outputs(args, inputs=[args.model_file, args.data, args.reference or ""])
    check_picture(args.plot)
    need("scipy.stats", "drift")
    if args.data == args.reference == "-":
        raise UsageError("DATA and --reference cannot both be standard input")
    with collect_warnings() as caught:
        model = load(args.model_file)
        table, missing = read_full_rows(args, model)
        reference = None
        if args.reference is not None:
            reference, _ = read_full_rows(args, model, args.reference)
        started = time.perf_counter()
        found = drift(model, table, reference, alpha=args.alpha, tolerance=args.tolerance)
        seconds = time.perf_counter() - started
        if args.plot:
            save(found.plot(), args.plot)
    facts = {
        **data_facts(args, table, missing),
        "model": args.model_file,
        "reference": {"path": args.reference, "rows": found.n_then},
        "settings": {"alpha": found.alpha, "tolerance": found.tolerance},
        "drifted": found.drifted,
        "refit": found.refit,
        "reasons": found.reasons,
        "shares": {
            "then": found.shares_then.tolist(),
            "now": found.shares_now.tolist(),
            "p": found.shares_p,
        },
        "distances": {
            "then": found.distance_then,
            "now": found.distance_now,
            "p": found.distances_p,
        },
        "clusters": [cluster._asdict() for cluster in found.clusters],
        "seconds": {"drift": seconds},
        "written": written_by(args),
        "warnings": caught,
    }
    show(args, facts, lambda facts: _report(facts, found))
    return REFIT if found.refit else 0


def _report(facts, found):
    """The lines of the report on a drift."""
    path, rows = facts["reference"]["path"], counted(facts["reference"]["rows"], "row")
    return [
        heading(facts),
        f"compared with {rows} of {'the fit' if path is None else printable(path)}",
        "",
        *str(found).split("\n"),
        "",
        *facts_lines(*timing(facts), *endings(facts)),
    ]


COMMAND = Command(
    run,
    arguments,
    "ckmeans drift MODEL DATA [options]",
    "find out whether new rows call for a new fit",
    notes="""\
Tests whether the shares of the clusters have changed and, with --reference, the distances of the
rows to their centers and the means of the clusters. Needs scipy: pip install
'ckmeans-cython[drift]'.

exit codes:
  0  no new fit is called for
  3  the rows have changed: fit again
  2  an error
""",
    examples="""\
  ckmeans drift model.npz today.csv --reference then.csv
      compare the rows of two files
  ckmeans drift model.npz today.csv --plot drift.png --json
      compare with the shares at the fit, draw them, and print all numbers as JSON
""",
)
