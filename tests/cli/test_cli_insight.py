"""The commands ``explain`` and ``drift``: they print the results of the functions."""

import json
import re
import sqlite3
import sys

import numpy as np
import pytest
from command_line import csv_file, fails

import ckmeans
from ckmeans import KMeans

CENTERS = np.array([[0.0, 0], [10, 0], [0, 10]])


def draw(seed, n=400, shares=(0.5, 0.3, 0.2), moved=0.0):
    rng = np.random.default_rng(seed)
    return np.round(CENTERS[rng.choice(3, n, p=shares)] + rng.normal(size=(n, 2)) + moved, 3)


def nameless(path):
    """The model in a file, without column names, for use with arrays."""
    model = ckmeans.load(path)
    del model.feature_names_in_
    return model


@pytest.fixture
def data():
    return csv_file("data.csv", ["width", "a height"], draw(0))


@pytest.fixture
def model(run, data):
    run("fit", data, "-k", 3, "--label-order", "size", "--model", "m.npz")
    return "m.npz"


# ---------------------------------------------------------------------------------------- explain


def test_explain_prints_what_the_function_finds(run, data):
    run("fit", data, "-k", 6, "--model", "six.npz")
    found = ckmeans.explain(
        nameless("six.npz"), draw(0), feature_names=["width", "a height"], n_typical=2, n_leaves=9
    )
    text = run("explain", "six.npz", data, "--typical", 2, "--leaves", 9)
    assert run.errors == ""
    lines = text.splitlines()
    assert lines[0] == "data.csv: 400 rows, 2 columns"
    unwrapped = " ".join(text.split())
    for cluster in found.clusters:
        assert cluster.sentence in unwrapped
        rows = ", ".join(str(row + 1) for row in cluster.typical)
        assert f"  typical rows: {rows}" in lines
    assert found.tree_sentence in unwrapped
    assert found.tree.rules() in text and found.tree.n_leaves == 9
    assert lines[-1].startswith("time  explain ")
    assert "typical" not in run("explain", "six.npz", data, "--typical", 0)


def test_explain_as_json(run, model, data):
    facts = json.loads(run("explain", model, data, "--json", "--sql", "duckdb", "--table", "t"))
    found = ckmeans.explain(nameless(model), draw(0), feature_names=["width", "a height"])
    assert [cluster["label"] for cluster in facts["clusters"]] == [0, 1, 2]
    for told, cluster in zip(facts["clusters"], found.clusters):
        assert told["size"] == cluster.size and told["share"] == cluster.share
        assert told["typical"] == (cluster.typical + 1).tolist()
        assert [feature["name"] for feature in told["features"]] == [f[0] for f in cluster.features]
        assert told["features"][0]["share"] == cluster.features[0].share
    tree = facts["tree"]
    assert tree["rules"] == found.tree.rules() and tree["leaves"] == 3 and tree["rows"] == 400
    assert tree["cost_ratio"] == found.tree.cost_ratio
    assert tree["sql"] == found.tree.to_sql("t", dialect="duckdb")
    assert len(tree["nodes"]) == 5 and tree["features"] == ["width", "a height"]


def test_the_sql_of_explain_labels_rows(run, model, data):
    statement = run("explain", model, data, "--sql", "sqlite", "--table", "my points")
    assert statement.startswith("SELECT") and statement.endswith(";\n")
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE "my points" (width REAL, "a height" REAL)')
    connection.executemany('INSERT INTO "my points" VALUES (?, ?)', draw(0).tolist())
    labels = np.array(connection.execute(statement).fetchall())[:, -1]
    tree = ckmeans.explain(nameless(model), draw(0)).tree
    assert np.array_equal(labels, tree.predict(draw(0)))


def test_explain_finds_columns_by_name_and_counts_weights(run, model):
    X, weights = draw(0), np.random.default_rng(1).integers(1, 5, 400)
    rows = [(f"row {i}", y, w, x) for i, ((x, y), w) in enumerate(zip(X, weights))]
    csv_file("other.csv", ["name", "a height", "w", "width"], rows)
    facts = json.loads(run("explain", model, "other.csv", "--weights", "w", "--json"))
    found = ckmeans.explain(nameless(model), X, sample_weight=weights)
    assert [told["share"] for told in facts["clusters"]] == [one.share for one in found.clusters]
    assert facts["data"]["columns"] == ["width", "a height"] and facts["data"]["weights"] == "w"


def test_explain_of_columns_without_names(run):
    np.save("d.npy", draw(0))
    KMeans(3, random_state=0).fit(draw(0)).save("m.npz")
    assert "if column 1 <= " in run("explain", "m.npz", "d.npy")
    csv_file("d.csv", ["note", "x", "y"], [("a", *row) for row in draw(0)])
    assert "left out  note (not numbers, e.g. 'a')" in run("explain", "m.npz", "d.csv")


def test_explain_prints_nothing_that_plays_with_the_terminal(run):
    csv_file("d.csv", ["x\x1b[31m", "y"], draw(0))
    run("fit", "d.csv", "-k", 3, "--model", "m.npz")
    assert "\x1b" not in run("explain", "m.npz", "d.csv")
    assert "use --json" in fails(run, "explain", "m.npz", "d.csv", "--sql", "standard")
    sql = json.loads(run("explain", "m.npz", "d.csv", "--sql", "standard", "--json"))["tree"]["sql"]
    assert "x\x1b[31m" in sql


@pytest.mark.parametrize(
    "argv, why",
    [
        (["--leaves", "2"], "n_leaves must be None or an integer of at least 3"),
        (["--leaves", "0"], "'0' is not a whole number of at least 1"),
        (["--typical", "-1"], "'-1' is not a whole number of at least 0"),
        (["--sql", "oracle"], "invalid choice: 'oracle'"),
        (["--sql", "sqlite", "--table", ""], "'' cannot be the name of a table or column"),
        (["--weights", "z"], "no column 'z'"),
    ],
)
def test_what_explain_refuses(run, model, data, argv, why):
    assert why in fails(run, "explain", model, data, *argv)


def test_explain_has_no_sql_for_directions(run, data):
    run("fit", data, "-k", 3, "--metric", "cosine", "--model", "c.npz")
    assert "Cluster 0: " in run("explain", "c.npz", data)
    assert "unit length" in fails(run, "explain", "c.npz", data, "--sql", "sqlite")


# ------------------------------------------------------------------------------------------ drift


@pytest.fixture
def files(model):
    pytest.importorskip("scipy")
    for name, rows in {
        "then.csv": draw(1),
        "same.csv": draw(2),
        "moved.csv": draw(3, moved=1.5),
        "shares.csv": draw(4, shares=(0.2, 0.3, 0.5)),
    }.items():
        csv_file(name, ["width", "a height"], rows)
    return model


@pytest.mark.parametrize(
    "name, rows, reference, code",
    [
        ("same.csv", draw(2), draw(1), 0),
        ("moved.csv", draw(3, moved=1.5), draw(1), 3),
        ("shares.csv", draw(4, shares=(0.2, 0.3, 0.5)), draw(1), 3),
        ("same.csv", draw(2), None, 0),
        ("shares.csv", draw(4, shares=(0.2, 0.3, 0.5)), None, 3),
    ],
)
def test_drift_tells_and_exits_by_whether_to_fit_again(run, files, name, rows, reference, code):
    argv = ["drift", files, name, *(["--reference", "then.csv"] if reference is not None else [])]
    found = ckmeans.drift(nameless(files), rows, reference)
    assert found.refit == (code == 3)
    text = run(*argv, code=code)
    assert run.errors == "" and str(found) in text
    compared = "the fit" if reference is None else "then.csv"
    assert text.startswith(
        f"{name}: 400 rows, 2 columns\ncompared with 400 rows of {compared}\n\n{str(found)[:9]}"
    )
    facts = json.loads(run(*argv, "--json", code=code))
    assert facts["refit"] is found.refit and facts["drifted"] is found.drifted
    assert facts["reasons"] == found.reasons
    assert facts["shares"]["now"] == found.shares_now.tolist()
    assert facts["shares"]["p"] == found.shares_p
    assert [one["moved"] for one in facts["clusters"]] == [one.moved for one in found.clusters]
    if reference is None:  # not a number becomes null
        assert facts["distances"]["p"] is None and facts["reference"]["path"] is None
    else:
        assert facts["distances"]["p"] == found.distances_p


def test_the_levels_of_drift(run, files):
    argv = ["drift", files, "shares.csv", "--json"]
    facts = json.loads(run(*argv, "--tolerance", 0.9))
    assert facts["drifted"] and not facts["refit"]
    assert facts["settings"] == {"alpha": 0.01, "tolerance": 0.9}
    assert not json.loads(run(*argv, "--alpha", 1e-300))["drifted"]


def test_drift_draws(run, files):
    pytest.importorskip("matplotlib")
    text = run("drift", files, "moved.csv", "--reference", "then.csv", "--plot", "d.svg", code=3)
    assert text.splitlines()[-1] == "wrote  d.svg (picture)"
    assert "<svg" in open("d.svg").read()
    assert "pictures are .png" in fails(run, "drift", files, "same.csv", "--plot", "d.txt")
    assert "an input" in fails(run, "drift", files, "same.csv", "--plot", "same.csv")


@pytest.mark.parametrize(
    "argv, why",
    [
        (["none.csv"], "none.csv: No such file or directory"),
        (["same.csv", "--reference", "none.csv"], "none.csv: No such file or directory"),
        (["same.csv", "--reference", ""], "No such file or directory"),
        (["-", "--reference", "-"], "cannot both be standard input"),
        (["same.csv", "--alpha", "2"], "alpha must be a number above 0 and below 1, got 2.0"),
        (["same.csv", "--tolerance", "nan"], "tolerance must be a number above 0"),
        (["same.csv", "--tolerance", "x"], "invalid float value: 'x'"),
        (["same.csv", "--columns", "width"], "1 features"),
    ],
)
def test_what_drift_refuses_exits_with_2(run, files, argv, why):
    assert why in fails(run, "drift", files, *argv)


def test_drift_without_scipy_says_what_to_install(run, files, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.delitem(sys.modules, "scipy.stats", raising=False)
    error = fails(run, "drift", files, "same.csv")
    assert re.search(r"drift needs scipy: pip install 'ckmeans-cython\[drift\]'", error)


def test_help_tells_the_exit_codes(run):
    text = run("drift", "--help")
    for code in 0, 2, 3:
        assert re.search(rf"^  {code}  \w+", text, re.MULTILINE)
