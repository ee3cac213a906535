"""The results of a command: a dict of facts, and the text that is made of them.

``--json`` prints all facts; the report in words is made of the same facts.
"""

import contextlib
import itertools
import json
import math
import shutil
import sys
import warnings

from .. import ColumnsWarning, __version__
from .._estimators.restarts import Run
from .._estimators.runs_told import runs_told
from .._output import safe_text
from .outputs import CONTENTS, outputs_of
from .tables import NOT_USED

_STOPS = {
    "labels": "then no row changed its cluster",
    "tol": "then the centers moved less than --tol",
    "max_iter": "not converged: --max-iter ended it",
    "max_time": "not converged: --max-time ended it",
}
_MANY_CLUSTERS = 50  # more are for programs: --json, --centers


@contextlib.contextmanager
def collect_warnings():
    """Collect the warnings raised inside as a list of lines, each once."""
    lines: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", ColumnsWarning)  # the command tells of them itself
        yield lines
    lines += dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)


def show(args, facts, report):
    """Print the facts as text or JSON, as asked for; warnings go to standard error."""
    if facts.get("data", {}).get("missing"):
        print("ckmeans:", safe_text.terminal(told(facts["data"]["missing"])), file=sys.stderr)
    for line in facts["warnings"]:
        print("ckmeans: warning:", safe_text.terminal(line), file=sys.stderr)
    for line in left_out_told(facts.get("data", {}).get("left_out", ()), math.inf):
        print("ckmeans: left out:", line, file=sys.stderr)
    if args.json:
        facts = {"ckmeans": __version__, **facts}
        lines = (f"  {json.dumps(name)}: {safe_text.to_json(fact)}" for name, fact in facts.items())
        # A line per fact: json's indent makes one of each number.
        print("{\n" + ",\n".join(lines) + "\n}")
    elif "-" not in outputs_of(args).values():
        for line in report(facts):
            print("\n".join(map(safe_text.terminal, line.split("\n"))))


def data_facts(args, table, missing=None):
    """The facts about the data.

    missing : dict, optional
        As `missing.treat` gives it.
    """
    return {
        "data": {
            "path": "standard input" if args.data == "-" else args.data,
            "rows": len(table),
            "columns": table.names,
            "named": bool(table.columns),
            "left_out": [column._asdict() for column in table.left_out],
            "weights": getattr(args, "weights", None),
            **({"missing": missing} if missing else {}),
        }
    }


def model_facts(model, weights):
    """The facts about a fit."""
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


def heading(facts):
    data = facts["data"]
    size = f"{counted(data['rows'], 'row')}, {counted(len(data['columns']), 'column')}"
    weighted = f", weighted by {printable(data['weights'])}" if data.get("weights") else ""
    return f"{printable(data['path'])}: {size}{weighted}"


def timing(facts):
    return [
        (
            "time",
            ", ".join(f"{what} {spell_seconds(spent)}" for what, spent in facts["seconds"].items()),
        )
    ]


def endings(facts):
    """The facts that any report ends with."""
    left_out = left_out_told(facts["data"]["left_out"])
    missing = facts["data"].get("missing")
    return [
        *([("missing", printable(told(missing), None))] if missing else []),
        *(("left out", line) for line in left_out),
        *(
            ("wrote", f"{printable(path, None)} ({CONTENTS[what]})")
            for what, path in facts["written"].items()
        ),
    ]


def left_out_told(columns, most=4):
    """Lines about columns that are not used, so many at most; one line for all that a model does
    not use.
    """
    unused = [column["name"] for column in columns if column["why"] == NOT_USED]
    lines = [
        printable(f"{column['name']} ({column['why']})")
        for column in columns
        if column["why"] != NOT_USED
    ]
    if unused:
        more = f" and {len(unused) - 4} more" if len(unused) > 4 else ""
        lines.append(printable(f"{', '.join(unused[:4])}{more} ({NOT_USED})"))
    return [*lines[:3], f"{len(lines) - 3} more (see --json)"] if len(lines) > most else lines


def told(facts):
    """A line about missing values, from the facts of `missing.treat`."""
    columns = by_column(facts["values"])
    values = counted(sum(facts["values"].values()), "missing value")
    left_out = f"{counted(facts['rows_left_out'], 'row')} left out, whose label is -1"
    if facts["how"] == "drop":
        return f"{left_out}: {values} ({columns})"
    if facts["how"] == "mean":
        return f"{values} filled with the means of the columns ({columns})"
    more = f"; {left_out}: without any value" if facts["rows_left_out"] else ""
    return f"{values} left out of distances and centers ({columns}){more}"


def labels_told(facts):
    """What the report says of known labels; see `known_labels.known_labels`."""
    named = ", ".join(
        f"{printable(name, 20)} is {j}" for j, name in enumerate((facts["names"] or [])[:8])
    )
    more = ", ..." if len(facts["names"] or []) > 8 else ""
    return counted(facts["rows"], "row") + (f"; {named}{more}" if named else "")


def by_column(counts):
    """Counts of the columns, the first of them."""
    shown = [f"{count} in {name}" for name, count in list(counts.items())[:4]]
    return ", ".join(shown + [f"and {counted(len(counts) - 4, 'more column')}"] * (len(counts) > 4))


def facts_lines(*facts):
    """Names and values in two columns; a repeated name is printed once."""
    width = max(len(name) for name, _ in facts) + 2
    names = ["" if i and name == facts[i - 1][0] else name for i, (name, _) in enumerate(facts)]
    return [f"{name:<{width}}{value}" for name, (_, value) in zip(names, facts)]


def fit_report(facts):
    """The lines of the report on a fit."""
    return [
        heading(facts),
        "",
        *cluster_lines(facts["clusters"], titles(facts["data"])),
        "",
        *facts_lines(
            *([("outliers", f"{facts['outliers']}, label -1")] if facts.get("outliers") else []),
            *([("known", labels_told(facts["known_labels"]))] if facts.get("known_labels") else []),
            ("inertia", f"{facts['inertia']:.8g}"),
            ("runs", runs_told([Run(**run) for run in facts["runs"]])),
            (
                "iterations",
                f"{facts['n_iter']}; {_STOPS.get(facts['stop_reason'], facts['stop_reason'])}",
            ),
            *timing(facts),
            *endings(facts),
        ),
    ]


def titles(data):
    """The titles of the columns of a center."""
    return [printable(name, 20) if data["named"] else f"col {name}" for name in data["columns"]]


def cluster_lines(clusters, titles=()):
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
        table.append(["weight", *decimals([cluster["weight"] for cluster in shown])])
    shares = [100 * cluster["weight" if weighted else "size"] / total for cluster in shown]
    table.append(["share", *(f"{share:.1f}%" for share in shares)])
    for j, title in enumerate(titles):
        table.append([title, *decimals([cluster["center"][j] for cluster in shown])])

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


def decimals(numbers):
    """The numbers of a column, all with as many decimals as give the largest five digits."""
    largest = max(map(abs, numbers))
    if largest and not 1e-4 <= largest < 1e12:
        return [f"{number:.4e}" for number in numbers]
    digits = 4 - math.floor(math.log10(largest)) if largest else 3
    return [f"{number:.{min(max(digits, 0), 8)}f}" for number in numbers]


def spell_seconds(seconds):
    if seconds < 1:
        return f"{1000 * seconds:.{1 if seconds < 0.01 else 0}f} ms"
    return f"{seconds:.{2 if seconds < 100 else 0}f} s"


def counted(number, thing):
    return f"{number} {thing}" + ("" if number == 1 else "s")


def printable(text, longest=200):
    return safe_text.terminal(text, longest)
