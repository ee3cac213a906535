"""``ckmeans explain``: describe the clusters of a model."""

import shutil
import textwrap
import time

from .._exports.sql import DIALECTS
from .._output import safe_text
from .arguments import (
    OF_MODEL,
    UsageError,
    add_columns,
    add_json,
    add_model_and_data,
    add_text_options,
    count,
    whole_number,
)
from .command import Command
from .facts import collect_warnings, data_facts, endings, facts_lines, heading, show, timing
from .missing import BY_MODEL, add_missing, read_full_rows
from .outputs import check_outputs
from .pictures import named
from .row_ids import row_ids


def arguments(parser):
    add_model_and_data(parser, "to describe")
    parser.add_argument(
        "--typical",
        metavar="N",
        type=whole_number,
        default=3,
        help="typical rows of each cluster, those nearest to its center (default: 3), with their "
        "ids; row 1 is the first below the header",
    )
    parser.add_argument(
        "--leaves",
        metavar="N",
        type=count,
        help="leaves of the decision tree; more follow the clusters more closely (default: one for "
        "each cluster)",
    )
    parser.add_argument(
        "--sql",
        metavar="DIALECT",
        choices=DIALECTS,
        help=f"print the tree as one SELECT in this dialect: {', '.join(DIALECTS)}",
    )
    parser.add_argument(
        "--table",
        metavar="NAME",
        default="data",
        help="the table that the SELECT reads (default: data)",
    )
    add_columns(parser, OF_MODEL)
    parser.add_argument("--weights", metavar="COL", help="column with the weight of each row")
    add_missing(parser, None, BY_MODEL)
    add_text_options(parser)
    add_json(parser)


def run(args):
    from .. import explain, load

    check_outputs(args)
    with collect_warnings() as caught:
        model = load(args.model_file)
        if args.sql and model.metric == "cosine":
            raise UsageError(
                "the tree of a model with metric cosine compares rows scaled to unit length, which "
                "the table does not hold: leave --sql out"
            )
        table, missing = read_full_rows(args, model, weights=args.weights)
        data, places = data_facts(args, table, missing), table.places
        ids = row_ids(table, args.weights)
        model, table = named(model, table)
        started = time.perf_counter()
        found = explain(
            model,
            table,
            sample_weight=table.weights,
            n_typical=args.typical,
            n_leaves=args.leaves,
        )
        seconds = time.perf_counter() - started
    facts = {
        **data,
        "model": args.model_file,
        "clusters": [_cluster_facts(cluster, places, ids) for cluster in found.clusters],
        "tree": _tree_facts(found, args),
        "seconds": {"explain": seconds},
        "written": {},
        "warnings": caught,
    }
    show(args, facts, _sql_lines if args.sql else lambda facts: _report(facts, found))


def _cluster_facts(cluster, places, ids):
    typical = places[cluster.typical].tolist()
    known = {"typical_ids": {one.name: [one.cells[i] for i in typical] for one in ids}}
    return {
        **cluster._asdict(),
        "typical": [i + 1 for i in typical],
        **(known if ids else {}),
        "features": [feature._asdict() for feature in cluster.features],
    }


def _tree_facts(found, args):
    tree = found.tree
    sql = {"sql": tree.to_sql(args.table, dialect=args.sql)} if args.sql else {}
    return {
        "leaves": tree.n_leaves,
        "rows": found.n_tree_rows,
        "agreement": tree.agreement,
        "cost_ratio": tree.cost_ratio,
        "features": list(tree.feature_names),
        "nodes": [node._asdict() for node in tree.nodes],
        "rules": tree.rules(),
        **sql,
    }


def _sql_lines(facts):
    lines = facts["tree"]["sql"].split("\n")
    # Control characters would be replaced for the terminal, which would change the statement.
    if any(safe_text.terminal(line) != line for line in lines):
        raise UsageError("a name in the SELECT holds characters that are not printed: use --json")
    return [*lines[:-1], lines[-1] + ";"]


def _report(facts, found):
    """The lines of the report on an explanation."""
    width = shutil.get_terminal_size().columns

    def wrapped(text, indent="  "):
        return textwrap.wrap(safe_text.terminal(text), width, subsequent_indent=indent)

    lines = [heading(facts), ""]
    for cluster in facts["clusters"]:
        lines += wrapped(cluster["sentence"])
        if cluster["typical"]:
            lines += wrapped(f"  typical rows: {', '.join(_rows_told(cluster))}", "    ")
    return [
        *lines,
        "",
        *wrapped(found.tree_sentence, ""),
        facts["tree"]["rules"],
        "",
        *facts_lines(*timing(facts), *endings(facts)),
    ]


def _rows_told(cluster):
    """The typical rows by number, and by id where there is one: "5 (id 1004)"."""
    for place, row in enumerate(cluster["typical"]):
        ids = ", ".join(
            f"{safe_text.terminal(name, 20)} {safe_text.terminal(cells[place], 30)}"
            for name, cells in cluster.get("typical_ids", {}).items()
        )
        yield f"{row} ({ids})" if ids else str(row)


COMMAND = Command(
    run,
    arguments,
    "ckmeans explain MODEL DATA [options]",
    "describe the clusters of a model",
    notes="""\
For each cluster: its size, the features that set it apart from the other rows, and typical rows.
Then a decision tree that approximates the clusters: where its inertia is far above that of the
model, it does not describe them well. Columns without names are called column 1, column 2, and so
on.
""",
    examples="""\
  ckmeans explain model.npz points.csv
      describe each cluster, and print the tree
  ckmeans explain model.npz points.csv --leaves 12 --sql postgresql --table points
      print a SELECT that labels the rows of a table by a tree of 12 leaves
""",
)
