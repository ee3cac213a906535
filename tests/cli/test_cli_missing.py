"""``--missing``: rows with gaps left out, filled or used as they are, and the messages."""

import json
import sys

import numpy as np
import pytest
from command_line import csv_file, fails

from ckmeans import KMeans, load

NAMES = ["name", "height", "weight", "w"]


def table():
    """Rows of two distant clusters, with gaps (NaN) in two columns, and weights."""
    rng = np.random.default_rng(3)
    X = np.concatenate([rng.normal(c, 1, (12, 2)) for c in (0, 50)]).round(3)
    X[[2, 15], 0] = np.nan
    X[[7, 15], 1] = np.nan
    return X, rng.integers(1, 4, len(X)).astype(float)


def records():
    X, w = table()
    clean = np.where(np.isnan(X), None, X).tolist()
    return [[f"n,{i}", *row, int(weight)] for i, (row, weight) in enumerate(zip(clean, w))]


def write(suffix):
    """The table in a file of this kind."""
    path = "d" + suffix
    rows = records()
    if suffix == ".csv":
        words = ["", "NA", "n/a", "-"]
        cells = [[words[i % 4] if c is None else c for c in row] for i, row in enumerate(rows)]
        csv_file(path, NAMES, [[f'"{row[0]}"', *row[1:]] for row in cells])
    elif suffix == ".jsonl":
        with open(path, "w") as file:
            for row in rows:  # a key that is missing is a value that is missing
                there = {k: v for k, v in zip(NAMES, row) if v is not None}
                file.write(json.dumps(there) + "\n")
    elif suffix == ".json":
        json.dump([dict(zip(NAMES, row)) for row in rows], open(path, "w"))
    elif suffix == ".npy":
        X, w = table()
        np.save(path, np.column_stack([X, w]))
    else:
        arrow = pytest.importorskip("pyarrow")
        from pyarrow import feather, parquet

        columns = arrow.table(dict(zip(NAMES, map(list, zip(*rows)))))
        (parquet.write_table if suffix == ".parquet" else feather.write_feather)(columns, path)
    return path


KINDS = [".csv", ".json", ".jsonl", ".parquet", ".feather", ".npy"]


def used(suffix):
    """Options that choose the two columns and the weights."""
    names = ("1,2", "3") if suffix == ".npy" else ("height,weight", "w")
    return "--columns", names[0], "--weights", names[1]


@pytest.mark.parametrize("suffix", KINDS)
def test_an_error_says_what_to_do(run, suffix):
    line = fails(run, "fit", write(suffix), "-k", 2, *used(suffix))
    assert "give --missing drop, mean or ignore" in line


@pytest.mark.parametrize("how", ["drop", "mean", "ignore"])
@pytest.mark.parametrize("gap", [None, 0, 7])
def test_an_id_with_an_empty_cell_is_no_feature(run, how, gap):
    rows = [[10 + 3 * i if i != gap else "", i % 5, i % 2 * 40] for i in range(20)]
    text = run("fit", csv_file("d.csv", ["id", "a", "b"], rows), "-k", 2, "--missing", how)
    assert "20 rows, 2 columns" in text
    assert "id (another whole number in each row, such as an id" in run.errors + text


@pytest.mark.parametrize("suffix", KINDS)
def test_rows_left_out(run, suffix):
    path, (X, w) = write(suffix), table()
    there = ~np.isnan(X).any(axis=1)
    options = "--missing", "drop", "--labels", "l.npy", "--model", "m.npz", "--output", "o.jsonl"
    text = run("fit", path, "-k", 2, *used(suffix), *options)
    assert "3 rows left out, whose label is -1: 4 missing values (2 in" in run.errors
    assert "3 rows left out" in text
    model = KMeans(2, random_state=0).fit(X[there], sample_weight=w[there])
    expected = np.full(len(X), -1)
    expected[there] = model.labels_
    assert np.array_equal(np.load("l.npy"), expected)
    rows = [json.loads(line) for line in open("o.jsonl")]
    assert len(rows) == len(X)
    distances = model.distances(X[there]).tolist()
    for row, label, full in zip(rows, expected.tolist(), there):
        assert row["cluster"] == (label if full else None)
        assert row["distance"] == (distances.pop(0) if full else None)
    assert load("m.npz").missing == "error"
    assert "--missing drop" in fails(run, "predict", "m.npz", path, *used(suffix)[:2])
    options = "--missing", "drop", "--labels", "p.npy", "--outliers", 3, "--distances", "s.csv"
    run("predict", "m.npz", path, *used(suffix)[:2], *options)
    assert np.array_equal(np.load("p.npy"), expected)
    lines = open("s.csv").read().splitlines()[1:]
    assert [line.endswith(",,") for line in lines] == (~there).tolist()
    facts = json.loads(
        run(
            "predict",
            "m.npz",
            path,
            *used(suffix)[:2],
            "--missing",
            "drop",
            "--outliers",
            3,
            "--json",
        )
    )
    assert facts["labels"] == expected.tolist()
    assert (
        facts["data"]["missing"]["rows_left_out"] == 3 == facts["data"]["missing"]["rows_with_gaps"]
    )
    scores = model.anomaly_scores(X[there])
    most = np.flatnonzero(there)[np.argsort(-scores, kind="stable")[:3]] + 1
    assert [each["row"] for each in facts["outliers"]] == most.tolist()


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_means_filled_in(run, suffix, weighted):
    path, (X, w) = write(suffix), table()
    columns = used(suffix)[: 4 if weighted else 2]
    run(
        "fit", path, "-k", 2, *columns, "--missing", "mean", "--labels", "l.npy", "--model", "m.npz"
    )
    assert "4 missing values filled with the means of the columns (2 in" in run.errors
    there = ~np.isnan(X)
    w = w if weighted else np.ones(len(X))
    means = [np.average(X[there[:, j], j], weights=w[there[:, j]]) for j in range(2)]
    filled = np.where(there, X, means)
    model = load("m.npz")
    assert np.allclose(model.column_means_, means, rtol=1e-14)
    again = KMeans(2, random_state=0).fit(filled, sample_weight=w if weighted else None)
    assert np.array_equal(np.load("l.npy"), again.labels_)
    # Gaps in new rows are filled with the means of the fit, not with their own.
    new = np.array([[np.nan, 51.0], [0.5, np.nan]])
    np.save("new.npy", new)
    model.__dict__.pop("feature_names_in_", None)
    expected = model.predict(np.where(np.isnan(new), model.column_means_, new))
    run("predict", "m.npz", "new.npy", "--labels", "p.npy")
    assert np.array_equal(np.load("p.npy"), expected)
    assert "2 missing values filled" in run.errors


@pytest.mark.parametrize("suffix", KINDS)
def test_gaps_left_out_of_distances(run, suffix):
    path, (X, w) = write(suffix), table()
    options = "--missing", "ignore", "--labels", "l.npy", "--model", "m.npz", "--output", "o.csv"
    run("fit", path, "-k", 2, *used(suffix), *options)
    # The row without any value is left out.
    assert "4 missing values left out of distances and centers" in run.errors
    assert "1 row left out, whose label is -1: without any value" in run.errors
    some = ~np.isnan(X).all(axis=1)
    model = KMeans(2, missing="ignore", random_state=0).fit(X[some], sample_weight=w[some])
    expected = np.full(len(X), -1)
    expected[some] = model.labels_
    assert np.array_equal(np.load("l.npy"), expected)
    run("predict", "m.npz", path, *used(suffix)[:2], "--labels", "p.npy", "--outliers", 2)
    assert np.array_equal(np.load("p.npy"), expected)
    assert "missing values left out" in run.errors


def test_predict_by_what_is_there_with_a_model_of_full_rows(run):
    X, _ = table()
    full = X[~np.isnan(X).any(axis=1)]
    np.save("full.npy", full)
    np.save("new.npy", X)
    run("fit", "full.npy", "-k", 2, "--model", "m.npz")
    run("predict", "m.npz", "new.npy", "--missing", "ignore", "--labels", "l.npy")
    model = load("m.npz").set_params(missing="ignore")
    some = ~np.isnan(X).all(axis=1)
    assert np.array_equal(np.load("l.npy")[some], model.predict(X[some]))
    assert np.load("l.npy")[~some].tolist() == [-1]
    run("fit", "full.npy", "-k", 2, "--scale", "standard", "--model", "s.npz")
    assert "without a scale" in fails(run, "predict", "s.npz", "new.npy", "--missing", "ignore")
    assert "the model has none" in fails(run, "predict", "m.npz", "new.npy", "--missing", "mean")


@pytest.mark.parametrize("way", ["drop", "mean"])
def test_a_range_of_k(run, way):
    path = write(".csv")
    options = "--columns", "height,weight", "--missing", way
    facts = json.loads(run("fit", path, "-k", "2:4", *options, "--json", "--model", "m.npz"))
    assert facts["data"]["missing"]["how"] == way and facts["selection"]["suggested_k"] == 2
    assert hasattr(load("m.npz"), "column_means_") == (way == "mean")
    assert "a range of k" in fails(run, "fit", path, "-k", "2:4", "--missing", "ignore")


def test_columns_of_the_output_stay_as_they_are(run):
    write(".csv")
    run("fit", "d.csv", "-k", 2, "--missing", "mean", "--output", "o.csv")
    before, after = (open(name).read().splitlines() for name in ("d.csv", "o.csv"))
    assert all(new.startswith(old + ",") for old, new in zip(before, after))


def test_nothing_missing_is_nothing_to_tell(run):
    csv_file("d.csv", ["a", "b"], [[0.5, 1], [2.5, 4], [9, 9.5]])
    for way in ("error", "drop", "mean", "ignore"):
        run("fit", "d.csv", "-k", 2, "--missing", way, "--labels", f"{way}.npy")
        assert run.errors == ""
        assert np.array_equal(np.load(f"{way}.npy"), np.load("error.npy"))


def test_weights_that_are_missing(run):
    csv_file("d.csv", ["a", "w"], [[0.5, 1], [2.5, ""], [9, 2], [9.5, 3]])
    for way in ("mean", "ignore"):
        line = fails(run, "fit", "d.csv", "-k", 2, "--weights", "w", "--missing", way)
        assert "1 weight missing, the first in row 2" in line and "--missing drop" in line
    options = "--weights", "w", "--missing", "drop", "--labels", "-"
    assert run("fit", "d.csv", "-k", 2, *options).split()[2] == "-1"
    assert "(1 in the weights)" in run.errors


@pytest.mark.parametrize("way, what", [("drop", "every row"), ("mean", "'b' has no values")])
def test_nothing_left(run, way, what):
    np.save("d.npy", [[1.0, np.nan], [2.0, np.nan], [3.0, np.nan]])
    line = fails(run, "fit", "d.npy", "-k", 2, "--missing", way)
    assert what.replace("'b'", "'2'") in line and "--columns" in line


@pytest.mark.parametrize(
    "options, what",
    [
        (("--missing", "ignore", "--scale", "standard"), "--scale standard"),
        (("--missing", "ignore", "--plot", "p.png"), "--plot"),
        (("--missing", "drop", "--chunks"), "--chunks"),
        (("--missing", "mean", "--chunks"), "--chunks"),
    ],
)
def test_what_does_not_go_together(run, options, what):
    np.save("d.npy", table()[0])
    assert what in fails(run, "fit", "d.npy", "-k", 2, *options)


def test_infinite_values_are_no_missing_ones(run):
    np.save("d.npy", [[1.0, np.inf], [2.0, np.nan], [3.0, 1.0]])
    assert "inf" in fails(run, "fit", "d.npy", "-k", 2, "--missing", "mean")
    csv_file("d.csv", ["a", "b"], [[0.5, 1], [2.5, "inf"], [9, "NA"]])
    assert "not a finite number" in fails(run, "fit", "d.csv", "-k", 2, "--missing", "drop")


@pytest.mark.parametrize("decimal", [",", "."])
def test_gaps_beside_other_marks(run, decimal):
    rows = ["x;y", "1,5;2,5", "NA;3,5", "9,5;1.009,5", "9,25;1.010,5"]
    text = "\n".join(rows) + "\n"
    if decimal == ".":
        text = text.replace(".", "").replace(",", ".")
    open("d.csv", "w").write(text)
    pytest.importorskip("pyarrow")
    run("fit", "d.csv", "-k", 2, "--sep", ";", "--missing", "drop", "--output", "o.csv")
    lines = [line.split(",") for line in open("o.csv").read().splitlines()]
    assert lines[2][2:] == ["", ""] and lines[2][0] in ("", "NA")
    assert [float(lines[i][1]) for i in (1, 2, 3, 4)] == [2.5, 3.5, 1009.5, 1010.5]


def test_new_rows_may_lack_a_whole_column(run):
    csv_file("d.csv", ["a", "b"], [[0.5, 1], [1.5, ""], [9, 9.5], [9.5, 9]])
    csv_file("new.csv", ["b", "a"], [["", 1], ["", 9]])
    for way in ("mean", "ignore"):
        run(
            "fit",
            "d.csv",
            "-k",
            2,
            "--missing",
            way,
            "--model",
            f"{way}.npz",
            "--labels",
            "l.npy",
            "--force",
        )
        run("predict", f"{way}.npz", "new.csv", "--labels", "p.npy", "--force")
        assert np.load("p.npy").tolist() == np.load("l.npy")[[0, 2]].tolist()
        assert "2 missing values" in run.errors and "2 in b" in run.errors
        np.save("wide.npy", [[1.0, np.nan, 3.0]])
        assert "3 features" in fails(run, "predict", f"{way}.npz", "wide.npy")


def test_nameless_columns_have_numbers_in_the_output(run):
    open("d.csv", "w").write("1,2\n,4\n9,9\n")
    run("fit", "d.csv", "-k", 2, "--no-header", "--missing", "drop", "--output", "o.csv")
    assert open("o.csv").read().splitlines()[0] == "column 1,column 2,cluster,distance"


def test_csv_without_pyarrow(run, monkeypatch):
    path = write(".csv")
    for options in (used(".csv"), ()):
        for way in ("drop", "mean"):
            files = "--labels", "l.csv", "--output", "o.csv", "--force"
            run("fit", path, "-k", 2, *options, "--missing", way, *files)
            told, found = run.errors, (open("l.csv").read(), open("o.csv").read())
            with monkeypatch.context() as without:
                without.setitem(sys.modules, "pyarrow", None)
                run("fit", path, "-k", 2, *options, "--missing", way, *files)
            assert (open("l.csv").read(), open("o.csv").read()) == found and run.errors == told


def test_columns_of_all_types_of_arrow(run):
    """Whole numbers, true and false, decimals may be missing, too; the rest is written as it is."""
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {
        "whole": arrow.array([1, None, 3, 40, 41, 42]),
        "big": arrow.array([2**60, 1, 2, None, 4, 5], arrow.int64()),
        "truth": [True, None, False, True, True, False],
        "exact": arrow.array([1, 2, None, 40, 41, 42]).cast(arrow.decimal128(21, 1)),
        "real": arrow.array([0.5, None, float("nan"), 9, 9.5, 10], arrow.float32()),
        "list": [[1, 2]] * 6,
        "record": [{"q": 1}] * 6,
        "word": arrow.array(["x", "y", None, "x", "y", "x"]).dictionary_encode(),
    }
    parquet.write_table(arrow.table(columns), "d.parquet")
    for name, gaps in ("whole", 1), ("big", 1), ("truth", 1), ("exact", 1), ("real", 2):
        run(
            "fit",
            "d.parquet",
            "-k",
            2,
            "--columns",
            name,
            "--missing",
            "drop",
            "--labels",
            "l.npy",
            "--force",
        )
        assert f"({gaps} in {name})" in run.errors
        assert np.count_nonzero(np.load("l.npy") == -1) == gaps
    for suffix in (".csv", ".jsonl", ".parquet", ".feather"):
        run(
            "fit",
            "d.parquet",
            "-k",
            2,
            "--columns",
            "whole",
            "--missing",
            "mean",
            "--output",
            "o" + suffix,
        )
    first = open("o.csv").read().splitlines()[1]
    assert first.startswith('1,1152921504606846976,True,1.0,0.5,"[1, 2]","{""q"": 1}",x,')
    assert json.loads(open("o.jsonl").readline())["record"] == {"q": 1}
    found = parquet.read_table("o.parquet")
    assert found.column("big").to_pylist() == [2**60, 1, 2, None, 4, 5]
    assert found.schema.field("exact").type == arrow.decimal128(21, 1)


# -- commands that need full rows of a model -------------------------------------------------------


@pytest.mark.parametrize("how", ["drop", "mean"])
def test_explain_takes_missing_values_as_predict_does(run, capsys, how):
    path = write(".csv")
    columns = "--columns", "height,weight"
    run("fit", path, "-k", 2, *columns, "--missing", how, "--model", "m.npz")
    options = () if how == "mean" else ("--missing", "drop")  # the model knows its means
    found = json.loads(run("explain", "m.npz", path, *columns, *options, "--json"))
    X, _ = table()
    gaps = np.isnan(X).any(axis=1)
    assert found["data"]["missing"]["how"] == how
    assert found["data"]["missing"]["rows_left_out"] == (gaps.sum() if how == "drop" else 0)
    model, rows = load("m.npz"), np.flatnonzero(~gaps)
    for number, cluster in enumerate(found["clusters"]):
        own = rows[model.predict(X[rows]) == number]
        distances = ((X[own] - model.cluster_centers_[number]) ** 2).sum(axis=1)
        if how == "drop":  # rows of the file, from 1
            assert cluster["typical"] == (own[np.argsort(distances)[:3]] + 1).tolist()


@pytest.mark.parametrize("command", [("explain",), ("drift",), ("plot", "-o", "p.png")])
def test_commands_with_a_model_say_what_to_do_about_missing_values(run, command):
    pytest.importorskip("scipy")
    pytest.importorskip("matplotlib")
    path = write(".csv")
    columns = "--columns", "height,weight"
    run("fit", path, "-k", 2, *columns, "--missing", "drop", "--model", "m.npz")
    name, *more = command
    assert "--missing drop" in fails(run, name, "m.npz", path, *more, *columns)
    out = run(name, "m.npz", path, *more, *columns, "--missing", "drop")
    assert "3 rows left out" in out
    run("fit", path, "-k", 2, *columns, "--missing", "ignore", "--model", "i.npz")
    options = (*columns, "--force") if more else columns
    line = fails(run, name, "i.npz", path, *more, *options)
    assert "full rows" in line and "--missing drop" in line
