"""``ckmeans fit --labels-known``: clusters that a column of the file tells of some rows."""

import json

import numpy as np
import pytest
from command_line import csv_file, fails

from ckmeans import KMeans


def rows():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(c, 1, (10, 2)) for c in (0, 8, 20)]).round(3)


#: row -> label
KNOWN = {0: 2, 1: 0, 12: 1, 25: 0}


def labels(unknown):
    return [KNOWN.get(i, unknown) for i in range(30)]


def write(kind, cells):
    """The rows and the column "known" in a file of this kind."""
    X = rows()
    path = f"d.{kind}"
    if kind == "csv":
        csv_file(path, ["x", "known", "y"], [[a, c, b] for (a, b), c in zip(X.tolist(), cells)])
    elif kind == "jsonl":
        with open(path, "w") as file:
            for (a, b), cell in zip(X.tolist(), cells):
                file.write(json.dumps({"x": a, "known": cell, "y": b}) + "\n")
    elif kind == "npy":
        np.save(path, np.column_stack([X[:, 0], np.array(cells, dtype=float), X[:, 1]]))
    else:
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        table = {"x": X[:, 0], "known": cells, "y": X[:, 1]}
        parquet.write_table(pa.table(table), path)
    return path


def fit(run, path, *more, column="known"):
    facts = run(
        "fit", path, "-k", "3", "--labels-known", column, "--labels", "l.npy", "--json", *more
    )
    return np.load("l.npy"), json.loads(facts)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "npy"])
@pytest.mark.parametrize("unknown", [-1, None])
def test_labels_by_number(run, kind, unknown):
    if kind == "csv" and unknown is None:
        cells = labels("")
    elif kind == "npy" and unknown is None:
        cells = labels(np.nan)
    else:
        cells = labels(unknown)
    path = write(kind, cells)
    found, facts = fit(run, path, column="2" if kind == "npy" else "known")
    want = KMeans(3, random_state=0).fit(rows(), labels_known=labels(-1))
    assert np.array_equal(found, want.labels_)
    assert facts["known_labels"]["rows"] == len(KNOWN)
    assert facts["data"]["columns"] == (["1", "3"] if kind == "npy" else ["x", "y"])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_labels_by_name_are_numbered_in_their_order(run, kind):
    nothing = "" if kind == "csv" else None
    path = write(kind, [nothing if i not in KNOWN else "zxy"[KNOWN[i]] for i in range(30)])
    found, facts = fit(run, path, "--known", "seeded")
    number = [2, 0, 1]  # of z, x, y
    known = [number[KNOWN[i]] if i in KNOWN else -1 for i in range(30)]
    want = KMeans(3, known="seeded", random_state=0).fit(rows(), labels_known=known)
    assert np.array_equal(found, want.labels_)
    assert facts["known_labels"]["names"] == ["x", "y", "z"]
    assert "known       4 rows; x is 0, y is 1, z is 2" in run(
        "fit", path, "-k", "3", "--labels-known", "known"
    )


def test_with_rows_left_out_and_other_rules(run):
    X = rows().tolist()
    X[3][0] = X[20][1] = ""
    csv_file("d.csv", ["x", "y", "known"], [[*row, c] for row, c in zip(X, labels(""))])
    found, facts = fit(run, "d.csv", "--missing", "drop", "--size-max", "11")
    kept = np.array([i not in (3, 20) for i in range(30)])
    want = KMeans(3, size_max=11, random_state=0)
    want.fit(rows()[kept], labels_known=np.array(labels(-1))[kept])
    assert np.array_equal(found[kept], want.labels_) and (found[~kept] == -1).all()


@pytest.mark.parametrize(
    ("cells", "more", "words"),
    [
        (labels(7), (), "row 3, column 'known': 7 is no label: give whole numbers from 0 to 2"),
        (labels(0.5), (), "0.5 is no label"),
        (list("abcd") + [""] * 26, (), "there are 4 names, more than clusters: give -k 4"),
        (labels(""), ("--metric", "manhattan"), "labels_known cannot be used with metric"),
        (labels(""), ("--labels-known", "nope"), "no column 'nope'"),
        (labels(""), ("-k", "2:4"), "a range of k is chosen without --labels-known"),
        (labels(""), ("--chunks", "--labels", "l.npy"), "--labels-known takes all rows in memory"),
    ],
)
def test_what_cannot_be(run, cells, more, words):
    path = write("csv", cells)
    assert words in fails(run, "fit", path, "-k", "3", "--labels-known", "known", *more)
