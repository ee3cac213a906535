"""Known labels of some rows: ``--labels-known``."""

import numpy as np

from .._rules.known_labels import MODES
from .arguments import UsageError
from .csv_numbers import is_missing
from .outputs import as_list
from .tables import ReadError


def add_known_labels(parser):
    parser.add_argument(
        "--labels-known",
        metavar="COL",
        help="column with the clusters that are known of some rows, numbers from 0 on or names; "
        "where it is empty or -1, none is known",
    )
    parser.add_argument(
        "--known",
        choices=MODES,
        default=MODES[0],
        help="constrained keeps rows in the clusters that are known; seeded lets clusters only "
        f"begin with them (default: {MODES[0]})",
    )


def known_labels(args, table, k):
    """The labels (n,) that a column of a table tells, -1 where none is known, and what is to be
    said of them; None and None where there is no such column.
    """
    if args.labels_known is None:
        return None, None
    column = table.original(args.labels_known)
    cells = [_cell(value) for value in as_list(column.values())]
    names = None
    if any(isinstance(cell, str) for cell in cells):
        names = sorted({str(cell) for cell in cells if cell is not None})
        if len(names) > k:
            raise UsageError(
                f"--labels-known {args.labels_known}: there are {len(names)} names, more than "
                f"clusters: give -k {len(names)} or more"
            )
        number = {name: j for j, name in enumerate(names)}
        cells = [None if cell is None else number[str(cell)] for cell in cells]
    labels = np.full(len(cells), -1, dtype=np.int64)
    for i, cell in enumerate(cells):
        if cell is None:
            continue
        if not (isinstance(cell, (int, float)) and cell == cell // 1 and -1 <= cell < k):
            raise ReadError(
                f"{args.data}: row {i + 1}, column {args.labels_known!r}: {cell} is no label: give "
                f"whole numbers from 0 to {k - 1}, -1 or nothing where none is known, or names"
            )
        labels[i] = int(cell)
    if table.kept is not None:
        labels = labels[table.kept]
    return labels, {
        "column": args.labels_known,
        "rows": int(np.count_nonzero(labels >= 0)),
        "names": names,
    }


def _cell(value):
    """What a cell holds; None where it tells no label."""
    if isinstance(value, bytes):
        value = value.decode()
    missing = is_missing(value) if isinstance(value, str) else value is None or value != value
    return None if missing else value
