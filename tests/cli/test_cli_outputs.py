"""Outputs of the command: formats, files that exist, distances, scales; shell completion."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from checks import PATIENCE, subprocess_environment
from command_line import csv_file, fails

from ckmeans import KMeans, load
from ckmeans.cli import COMMANDS


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(c, 1, (20, 2)) for c in (0, 9)]) * [1, 1e4]
    return csv_file("d.csv", ["a", "b"], rows.tolist())


@pytest.fixture
def rows(data):
    return np.loadtxt(data, delimiter=",", skiprows=1)


SUFFIXES = (".csv", ".tsv", ".txt", ".npy", ".json", ".jsonl", ".ndjson", ".parquet", ".feather")


def read_back(path):
    if path.endswith(".npy"):
        return np.load(path)
    if path.endswith((".csv", ".tsv", ".txt")):
        separator = "\t" if path.endswith(".tsv") else ","
        return np.loadtxt(path, delimiter=separator, skiprows=1)
    if path.endswith(".json"):
        return np.array([list(row.values()) for row in json.load(open(path))])
    if path.endswith((".jsonl", ".ndjson")):
        return np.array([list(json.loads(line).values()) for line in open(path)])
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    read = pandas.read_parquet if path.endswith(".parquet") else pandas.read_feather
    return read(path).to_numpy()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_data_with_clusters_in_each_format(run, data, rows, suffix):
    if suffix in (".parquet", ".feather"):
        pytest.importorskip("pyarrow")
    run("fit", data, "-k", 2, "--scale", "standard", "--output", "out" + suffix)
    model = KMeans(2, scale="standard", random_state=0).fit(rows)
    expected = np.column_stack([rows, model.labels_, model.distances(rows)])
    assert np.array_equal(read_back("out" + suffix), expected)


def test_names_of_the_added_columns_do_not_collide(run):
    csv_file("d.csv", ["cluster", "distance"], [[0.5, 1], [2.5, 4], [9, 9.5]])
    run("fit", "d.csv", "-k", 2, "--output", "o.csv")
    assert open("o.csv").readline() == ("cluster,distance,cluster (ckmeans),distance (ckmeans)\n")
    for name in ("cluster", "distance"):
        assert f"the data has a column {name!r}; the new one is '{name} (ckmeans)'" in run.errors


TEXTS = ["A, with a comma", "B", "", 'C "quoted"', "D", "E"]


def write_mixed(suffix):
    """A file of two columns of numbers among others: names, codes, dates, an id, a gap."""
    columns = {
        "name": TEXTS,
        "height": [1.5, 1.25, 2.0, 9.5, 9.0, 8.75],
        "code": ["007", "008", "009", "010", "011", "012"],
        "id": [11, 12, 14, 13, 16, 15],
        "day": ["2024-01-02"] * 6,
        "width": [1, 2, 1, 30, 31, 30],
        "note": [None, 1, None, None, "x", None],
    }
    path = "mixed" + suffix
    if suffix in (".csv", ".tsv"):
        with open(path, "w", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if suffix == ".tsv" else ",")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values()))
    elif suffix == ".json":
        json.dump([dict(zip(columns, row)) for row in zip(*columns.values())], open(path, "w"))
    else:
        arrow = pytest.importorskip("pyarrow")
        from pyarrow import feather, parquet

        columns["note"] = [None if v is None else str(v) for v in columns["note"]]
        columns["day"] = arrow.array(columns["day"]).cast(arrow.date32())
        write = parquet.write_table if suffix == ".parquet" else feather.write_feather
        write(arrow.table(columns), path)
    return path


@pytest.mark.parametrize("read", [".csv", ".tsv", ".json", ".parquet", ".feather"])
@pytest.mark.parametrize("written", [".csv", ".tsv", ".json", ".jsonl", ".parquet", ".feather"])
def test_all_columns_stay_in_their_order(run, read, written):
    if written in (".parquet", ".feather"):
        pytest.importorskip("pyarrow")
    path, out = write_mixed(read), "out" + written
    run("fit", path, "-k", 2, "--columns", "width,height", "--output", out, "--labels", "l.npy")
    if written in (".csv", ".tsv"):
        with open(out, newline="") as file:
            names, *rows = csv.reader(file, delimiter="\t" if written == ".tsv" else ",")
    elif written in (".json", ".jsonl"):
        text = open(out).read()
        records = (
            json.loads(text) if written == ".json" else list(map(json.loads, text.splitlines()))
        )
        names, rows = list(records[0]), [list(record.values()) for record in records]
    else:
        from pyarrow import feather, parquet

        table = (parquet if written == ".parquet" else feather).read_table(out)
        names, rows = (
            table.column_names,
            list(zip(*(column.to_pylist() for column in table.columns))),
        )
    assert names[:7] == ["name", "height", "code", "id", "day", "width", "note"]
    assert names[7:] == ["cluster", "distance"]
    found = list(zip(*rows))
    assert list(found[0]) == TEXTS and found[2][:2] == ("007", "008")
    assert list(map(float, found[1])) == [1.5, 1.25, 2.0, 9.5, 9.0, 8.75]
    assert list(map(int, found[3])) == [11, 12, 14, 13, 16, 15]
    assert {str(day) for day in found[4]} == {"2024-01-02"}
    assert [str(note or "") for note in found[6]] == ["", "1", "", "", "x", ""]
    assert list(map(int, found[7])) == np.load("l.npy").tolist()


def test_text_is_written_as_it_stood(run):
    """Trailing zeros, exponents, words for gaps: text in the file stays the same text."""
    lines = ["a,b,t", "1.50,1e1,x", "2,-0.0,NA", "+9,12,"]
    open("d.csv", "w").write("\n".join(lines) + "\n")
    run("fit", "d.csv", "-k", 2, "--output", "o.csv")
    found = open("o.csv").read().splitlines()
    assert all(new.startswith(old + ",") for old, new in zip(lines, found))
    assert [line.count(",") for line in found] == [4] * 4


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("header", [["", "b"], ["a", ""], ["a", "", "b"], ["", "a", ""]])
def test_empty_cells_of_the_header_stay_empty(run, header, suffix):
    rows = [[i * 0.5 + 30 * (i % 2) + j for j in range(len(header))] for i in range(8)]
    run("fit", csv_file("d.csv", header, rows), "-k", 2, "--no-index", "--output", "o" + suffix)
    first = open("o" + suffix).readline().rstrip("\n")
    if suffix == ".jsonl":  # a name is needed there: the number of the column
        wanted = [name or str(j + 1) for j, name in enumerate(header)]
        assert list(json.loads(first)) == [*wanted, "cluster", "distance"]
    else:
        assert first.split("\t" if suffix == ".tsv" else ",") == [*header, "cluster", "distance"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no folder without files here")
@pytest.mark.parametrize("option", ["--output", "--labels", "--model", "--report", "--centers"])
def test_an_error_names_the_file_that_was_asked_for(run, data, option):
    name = "/proc/x" + {"--labels": ".npy", "--model": ".npz", "--report": ".html"}.get(
        option, ".csv"
    )
    line = fails(run, "fit", data, "-k", 2, option, name)
    assert name in line and ".part" not in line


def test_an_array_keeps_columns_of_numbers_alone(run):
    write_mixed(".csv")
    run("fit", "mixed.csv", "-k", 2, "--columns", "width,height", "--output", "o.npy")
    assert np.load("o.npy").shape == (6, 5)  # height, id, width, cluster, distance
    for name in ("name", "code", "day", "note"):
        assert f"column {name!r} is left out" in run.errors


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_weights_and_unused_columns_of_arrays_stay(run, command):
    rows = np.random.default_rng(0).random((12, 4))
    np.save("d.npy", rows)
    run("fit", "d.npy", "-k", 2, "--columns", "3,1", "--weights", "2", "--output", "o.npy")
    assert np.array_equal(np.load("o.npy")[:, :4], rows)
    run("fit", "d.npy", "-k", 2, "--columns", "3,1", "--model", "m.npz")
    run("predict", "m.npz", "d.npy", "--columns", "3,1", "--output", "p.csv")
    assert (
        open("p.csv").readline() == "column 1,column 2,column 3,column 4,cluster,distance,score\n"
    )
    assert np.array_equal(np.loadtxt("p.csv", delimiter=",", skiprows=1)[:, :4], rows)


def test_many_rows_are_written_in_blocks(run):
    rows = np.arange(40000.0).reshape(-1, 1) ** 1.5
    csv_file("d.csv", ["a"], rows.tolist())
    run("fit", "d.csv", "-k", 3, "--init", "first", "--max-iter", 1, "--output", "o.csv")
    assert np.array_equal(np.loadtxt("o.csv", delimiter=",", skiprows=1)[:, 0], rows[:, 0])


def test_scores_that_are_not_finite(run):
    """JSON has no infinite numbers: a row at a distance from a cluster whose rows are all equal."""
    np.save("d.npy", np.repeat([[0.0], [9.0]], 3, axis=0))
    np.save("new.npy", [[0.0], [10.0]])
    run("fit", "d.npy", "-k", 2, "--model", "m.npz")
    run("predict", "m.npz", "new.npy", "--output", "o.json")
    assert [row["score"] for row in json.load(open("o.json"))][1] is None


@pytest.mark.parametrize("option", ["--labels", "--centers", "--output"])
@pytest.mark.parametrize("suffix", [".xlsx", ".sqlite", ".npz", ".gz", ".doc"])
def test_unknown_formats_are_refused_by_name(run, data, option, suffix):
    line = fails(run, "fit", data, "-k", 2, option, "out" + suffix)
    assert f"cannot write out{suffix}: " in line and ".csv, .tsv" in line
    assert not os.path.exists("out" + suffix)


def test_files_that_exist_are_kept_without_force(run, data):
    for options in (
        ["--labels", "o.csv"],
        ["--centers", "o.csv"],
        ["--output", "o.csv"],
        ["--model", "o.csv"],
    ):
        open("o.csv", "w").write("mine")
        line = fails(run, "fit", data, "-k", 2, *options)
        assert "o.csv exists: give --force" in line and open("o.csv").read() == "mine"
        run("fit", data, "-k", 2, *options, "--force")
        assert open("o.csv", "rb").read() != b"mine"
    open("demo.csv", "w").write("mine")
    assert "exists" in fails(run, "demo", "--save", "demo.csv")


def test_spreads_that_differ_are_told(run, data):
    run("fit", data, "-k", 2)
    assert "differ by more than 10 times" in run.errors and "--scale standard" in run.errors
    facts = json.loads(run("fit", data, "-k", 2, "--json"))
    assert "--scale" in facts["warnings"][0]
    for scale in ("standard", "robust", "none"):
        run("fit", data, "-k", 2, "--scale", scale)
        assert run.errors == ""
    csv_file("even.csv", ["a", "b", "c"], [[0.5, 1, 7], [2.5, 4, 7], [9, 9.5, 7]])
    run("fit", "even.csv", "-k", 2)
    assert run.errors == ""


def test_the_model_keeps_the_scale(run, data, rows):
    run("fit", data, "-k", 2, "--scale", "robust", "--model", "m.npz", "--labels", "l.npy")
    model = load("m.npz")
    assert model.scale == "robust" and np.array_equal(model.predict(rows), np.load("l.npy"))
    run("predict", "m.npz", data, "--labels", "p.npy")
    assert np.array_equal(np.load("p.npy"), np.load("l.npy"))
    assert "directions" in fails(
        run, "fit", data, "-k", 2, "--scale", "robust", "--metric", "cosine"
    )
    np.save("d.npy", rows)
    assert "--scale" in fails(run, "fit", "d.npy", "-k", 2, "--scale", "robust", "--chunks")


BIG = 2**53 + 1  # ids of 64 bits, which float64 rounds
WITH_IDS = {
    "id": [BIG + i for i in range(60)],
    "name": [f"n{i}" for i in range(60)],
    "kind": ["ab"[i % 2] for i in range(60)],
}


@pytest.fixture(params=["csv", "parquet", "jsonl"])
def file_with_ids(request, run):
    """A file of 60 rows, the 18th of which is far away."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2)) + 9 * (np.arange(60) % 2)[:, None]
    X[17] = 40
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({**WITH_IDS, "x": X[:, 0], "y": X[:, 1]})
    path = f"ids.{request.param}"
    if request.param == "csv":
        table.to_csv(path, index=False)
    elif request.param == "parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    else:
        table.to_json(path, orient="records", lines=True)
    run("fit", path, "-k", 2, "--model", "ids.npz")
    return path


def test_unusual_rows_are_shown_with_their_ids(run, file_with_ids):
    far = str(BIG + 17)
    text = run("predict", "ids.npz", file_with_ids, "--outliers", 2, "--distances", "d.csv")
    assert "row 1 is the first below the header" in text
    (line,) = [line.split() for line in text.splitlines() if far in line]
    assert line[:3] == ["18", far, "n17"]
    written = [line.split(",") for line in Path("d.csv").read_text().splitlines()]
    assert written[0] == ["id", "name", "cluster", "distance", "score"]
    assert [line[:2] for line in written[1:]] == [[str(BIG + i), f"n{i}"] for i in range(60)]
    found = json.loads(run("predict", "ids.npz", file_with_ids, "--outliers", 1, "--json"))
    assert found["outliers"][0]["row"] == 18
    assert found["outliers"][0]["ids"] == {"id": far, "name": "n17"}
    run("predict", "ids.npz", file_with_ids, "--distances", "d.npy")
    assert np.load("d.npy").shape == (60, 3)


def test_typical_rows_are_shown_with_their_ids(run, file_with_ids):
    for cluster in json.loads(run("explain", "ids.npz", file_with_ids, "--json"))["clusters"]:
        rows = [row - 1 for row in cluster["typical"]]
        assert cluster["typical_ids"] == {
            "id": [str(BIG + i) for i in rows], "name": [f"n{i}" for i in rows]
        }  # fmt: skip
    row = cluster["typical"][0]
    said = " ".join(run("explain", "ids.npz", file_with_ids).split())
    assert f"{row} (id {BIG + row - 1}, name n{row - 1})" in said


def test_columns_that_the_model_does_not_use_are_told(run):
    Path("two.csv").write_text("x,y\n" + "".join(f"{i * i % 7},{i % 3}\n" for i in range(20)))
    run("fit", "two.csv", "-k", 2, "--model", "two.npz")
    assert run.errors == ""
    for extra in (1, 9):
        names = [f"e{j}" for j in range(extra)]
        lines = [",".join(["y", *names, "x"]), "1," + "7," * extra + "2"]
        Path("more.csv").write_text("\n".join([*lines, ""]))
        text = run("predict", "two.npz", "more.csv")
        told = [line for line in run.errors.splitlines() if "left out" in line]
        shown = "e0" if extra == 1 else "e0, e1, e2, e3 and 5 more"
        assert told == [f"ckmeans: left out: {shown} (not used by the model)"]
        assert f"left out  {shown} (not used by the model)" in text
        facts = json.loads(run("predict", "two.npz", "more.csv", "--json"))
        assert [column["name"] for column in facts["data"]["left_out"]] == names
    text = run("predict", "two.npz", "more.csv", "--columns", "x,y")  # the choice is the user's
    assert "left out" not in text and run.errors == ""


def test_left_out_rows_keep_the_ids_in_step(run):
    lines = [f"k{i},{9 * (i % 2) + i / 100},{'' if i == 3 else i / 50}" for i in range(40)]
    lines[20] = "k20,20,0"
    Path("gaps.csv").write_text("\n".join(["key,x,y", *lines, ""]))
    run("fit", "gaps.csv", "-k", 2, "--missing", "drop", "--model", "gaps.npz")
    found = json.loads(run("predict", "gaps.npz", "gaps.csv", "--missing", "drop",
                           "--outliers", 1, "--distances", "d.csv", "--json"))  # fmt: skip
    assert found["outliers"][0]["row"] == 21 and found["outliers"][0]["ids"] == {"key": "k20"}
    written = Path("d.csv").read_text().splitlines()
    assert written[4] == "k3,,," and written[21].startswith("k20,")


def test_distances_and_outliers(run, data, rows):
    run("fit", data, "-k", 2, "--scale", "standard", "--model", "m.npz")
    model = load("m.npz")
    csv_file("new.csv", ["a", "b"], [*rows[:5].tolist(), [30.0, 0.0]])
    text = run("predict", "m.npz", "new.csv", "--distances", "s.csv", "--outliers", 1)
    found = np.loadtxt("s.csv", delimiter=",", skiprows=1)
    new = np.array([*rows[:5], [30.0, 0.0]])
    assert open("s.csv").readline() == "cluster,distance,score\n"
    assert np.array_equal(found[:, 0], model.predict(new))
    assert np.array_equal(found[:, 1], model.distances(new))
    typical = model.typical_distances(rows)
    assert np.array_equal(found[:, 2], found[:, 1] / typical[found[:, 0].astype(int)])
    assert "most unusual rows (row 1 is the first below the header):" in text
    facts = json.loads(run("predict", "m.npz", "new.csv", "--outliers", 2, "--json"))
    assert facts["outliers"][0]["row"] == 6 and len(facts["outliers"]) == 2
    out = run("predict", "m.npz", "new.csv", "--distances", "-")
    assert out == open("s.csv").read()


def complete(*words):
    """The completions of bash for the last of these words."""
    script = (
        'source c.sh; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ckmeans; '
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_completion_of_bash(run, data):
    open("c.sh", "w").write(run("completion", "bash"))
    assert {*COMMANDS, "--help", "--version"} == set(complete("ckmeans", ""))
    assert complete("ckmeans", "pre") == ["predict"]
    assert complete("ckmeans", "fit", data, "--sc") == ["--scale"]
    assert complete("ckmeans", "fit", "--scale", "r") == ["robust"]
    assert complete("ckmeans", "predict", "--metr") == [] != complete("ckmeans", "fit", "--metr")
    assert complete("ckmeans", "completion", "") == ["bash", "zsh", "fish"]
    assert complete("ckmeans", "fit", "d.") == ["d.csv"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_names_every_option(run, shell):
    text = run("completion", shell)
    for name in COMMANDS:
        assert name in text
    assert "scale" in text and "standard none" in text.replace("robust ", "")
    if shutil.which(shell):
        open("c", "w").write(text)
        subprocess.run([shell, "-n", "c"], check=True)


def test_quantize_of_more_colors_than_there_are(run):
    Image = pytest.importorskip("PIL.Image")
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(pixels).save("p.png")
    line = fails(run, "quantize", "p.png", "-k", 100000, "-o", "q.png")
    assert "has 16 colors" in line and "-k 16" in line and not os.path.exists("q.png")
    run("quantize", "p.png", "-k", 4, "-o", "q.png")
    with Image.open("q.png") as image:
        assert (
            image.mode == "P"
            and len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) == 4
        )


def test_a_range_of_k_by_scaled_columns(run, data, rows):
    options = "--scale", "standard", "--model", "m.npz", "--labels", "l.npy", "--report", "r.html"
    pytest.importorskip("matplotlib")
    text = run("fit", data, "-k", "1:5", *options)
    assert run.errors == ""  # no warning of spreads
    model = load("m.npz")
    alone = KMeans(model.n_clusters, scale="standard", random_state=0).fit(rows)
    assert model.scale == "standard" and np.array_equal(model.scale_, alone.scale_)
    assert model.inertia_ <= alone.inertia_ and f"{model.inertia_:.8g}" in text
    assert np.array_equal(model.predict(rows), np.load("l.npy"))
    assert model.feature_names_in_.tolist() == ["a", "b"]
    note = "of the columns differ by more than"
    assert note not in open("r.html").read()
    run("fit", data, "-k", 2, "--report", "plain.html")
    assert note in open("plain.html").read()


ADDRESSES = ["http://a.org/x", "https://a.org/x.csv", "s3://bucket/x.parquet"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_named_wherever_a_file_is(run, data, address):
    run("fit", data, "-k", 2, "--model", "m.npz")
    for argv in (
        ("fit", address, "-k", 2),
        ("predict", "m.npz", address),
        ("predict", address, data),
        ("quantize", address, "-k", 2, "-o", "q.png"),
        ("plot", address, data, "-o", "p.png"),
    ):
        if argv[0] != "predict" and argv[0] != "fit":
            pytest.importorskip("PIL.Image")
            pytest.importorskip("matplotlib")
        assert "an address is not opened: download it first" in fails(run, *argv)
    assert "an address" in fails(run, "fit", data, "-k", 2, "--labels", address + ".csv")


@pytest.mark.parametrize(
    "name, content, what",
    [
        ("book.xlsx", b"PK\x03\x04", "zip"),
        ("base.sqlite", b"SQLite format 3\0" + bytes(80), "sqlite3 -header -csv"),
        ("base.db", b"SQLite format 3\0" + bytes(80), "sqlite3 -header -csv"),
        ("old.xls", b"\xd0\xcf\x11\xe0" + bytes(80), "save the table as .csv"),
        ("data.h5", b"\x89HDF\r\n\x1a\n" + bytes(80), "save the table as .csv"),
        ("data.rds", b"RDX3\n" + bytes(80), "write.csv"),
        ("data.xyz", bytes(range(256)), "not a format ckmeans reads"),
    ],
)
def test_formats_that_are_not_read_say_what_to_do(run, name, content, what):
    open(name, "wb").write(content)
    line = fails(run, "fit", name, "-k", 2)
    assert line.startswith(f"ckmeans: error: {name}: ") and what in line


def test_a_workbook_says_what_to_do(run):
    with zipfile.ZipFile("book.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert "save the sheet as .csv" in fails(run, "fit", "book.xlsx", "-k", 2)


def test_too_many_colors_are_refused_before_the_long_work(run, monkeypatch):
    Image = pytest.importorskip("PIL.Image")
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(noise).save("p.png")

    def fit(*args, **kwargs):
        raise AssertionError("the long work has begun")

    monkeypatch.setattr(KMeans, "fit", fit)
    line = fails(run, "quantize", "p.png", "-k", 100000, "-o", "q.png")
    assert "colors, fewer than -k 100000" in line and not os.path.exists("q.png")


BUSY = """
import os, sys
from ckmeans import KMeans
from ckmeans.cli import main
from ckmeans.progress import ProgressBar
fit = KMeans.fit
def told(self, *args, **kwargs):
    print("busy", flush=True)
    return fit(self, *args, **kwargs)
KMeans.fit = told
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_quantize_in_one_line():
    Image = pytest.importorskip("PIL.Image")
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    Image.fromarray(noise).save("p.png")
    with subprocess.Popen(
        [sys.executable, "-c", BUSY, "quantize", "p.png", "-k", "20000", "-o", "q.png"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=subprocess_environment(),
    ) as process:
        assert process.stdout.readline() == "busy\n"
        process.send_signal(signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert (process.returncode, output, errors) == (130, "", "ckmeans: interrupted\n")
    assert not os.path.exists("q.png")


@pytest.mark.parametrize("command", ["fit", "quantize"])
def test_progress_is_shown_on_a_terminal(run, data, command, monkeypatch):
    pytest.importorskip("tqdm")
    Image = pytest.importorskip("PIL.Image")
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(noise).save("p.png")
    argv = (
        ("quantize", "p.png", "-o", "q.png", "--force") if command == "quantize" else ("fit", data)
    )
    seen = []
    monkeypatch.setattr(
        "ckmeans.progress.ProgressBar.__call__", lambda _, state: seen.append(state)
    )
    for terminal, options, shown in (
        (True, (), True),
        (True, ("--no-progress",), False),
        (
            False,
            (),
            False,
        ),
    ):
        monkeypatch.setattr("sys.stderr.isatty", lambda there=terminal: there, raising=False)
        seen.clear()
        run(*argv, "-k", 3, *options)
        assert bool(seen) == shown


@pytest.mark.parametrize("scale", ["standard", "robust"])
def test_label_order_of_a_model_goes_by_the_scale(run, scale):
    """Ages stay apart; incomes, in far larger numbers, change places."""
    rng = np.random.default_rng(0)
    for name, incomes in (("a", (49500, 50500)), ("b", (50500, 49500))):
        rows = np.concatenate(
            [
                rng.normal((age, age - 20, income), (2, 2, 900), size=(100, 3))
                for age, income in zip((20, 60), incomes)
            ]
        )
        csv_file(f"{name}.csv", ["age", "years", "income"], rows)
    run("fit", "a.csv", "-k", 2, "--scale", scale, "--label-order", "center", "--model", "a.npz")
    options = ["--scale", scale, "--label-order", "a.npz", "--model", "b.npz", "--force"]
    for seed in range(3):
        run("fit", "b.csv", "-k", 2, "--seed", seed, *options)
        ages = load("b.npz").cluster_centers_[:, 0]
        assert ages[0] < 30 and ages[1] > 50
