"""What the command writes: formats, files that exist, distances, scales; completion of shells."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest
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
    assert "a range of k" in fails(run, "fit", data, "-k", "2:3", "--scale", "robust")
    assert "directions" in fails(
        run, "fit", data, "-k", 2, "--scale", "robust", "--metric", "cosine"
    )
    np.save("d.npy", rows)
    assert "--scale" in fails(run, "fit", "d.npy", "-k", 2, "--scale", "robust", "--chunks")


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
    assert "most unusual rows:" in text
    facts = json.loads(run("predict", "m.npz", "new.csv", "--outliers", 2, "--json"))
    assert facts["outliers"][0]["row"] == 6 and len(facts["outliers"]) == 2
    out = run("predict", "m.npz", "new.csv", "--distances", "-")
    assert out == open("s.csv").read()


def complete(*words):
    """What bash offers for the last of these words."""
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
