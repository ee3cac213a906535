"""Columns of vectors in Parquet and Feather files, as features of the command."""

import json
import warnings

import numpy as np
import pytest
from command_line import fails

import ckmeans

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
feather = pytest.importorskip("pyarrow.feather")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)) + np.repeat([[0.0], [6.0], [-6.0]], 20, axis=0)
NAMES = [f"vector[{i}]" for i in range(4)]


def fixed(rows):
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


KINDS = {
    "lists": lambda rows: pa.array(rows.tolist()),
    "large lists": lambda rows: pa.array(rows.tolist(), pa.large_list(pa.float64())),
    "fixed": fixed,
    "float32": lambda rows: fixed(rows.astype(np.float32)),
    "whole": lambda rows: pa.array(rows.round().astype(int).tolist()),
}


def write(name, columns, **options):
    writer = parquet.write_table if name.endswith(".parquet") else feather.write_feather
    writer(pa.table(columns), name, **options)
    return name


def same_as_python(facts, rows, k=3):
    model = ckmeans.KMeans(k, random_state=0).fit(rows)
    assert facts["inertia"] == model.inertia_
    assert [each["center"] for each in facts["clusters"]] == model.cluster_centers_.tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["d.parquet", "d.feather"])
def test_vectors_are_features(run, kind, name):
    write(name, {"text": pa.array(["a", "b", "c"] * 20), "vector": KINDS[kind](X)})
    facts = json.loads(run("fit", name, "-k", 3, "--seed", 0, "--json"))
    rows = X.round() if kind == "whole" else X.astype(np.float32) if kind == "float32" else X
    same_as_python(facts, rows)
    assert facts["data"]["columns"] == NAMES
    assert [column["name"] for column in facts["data"]["left_out"]] == ["text"]


def test_vectors_beside_numbers(run):
    columns = {"vector": fixed(X), "age": X[:, 0] * 2, "id": np.arange(60)}
    write("d.parquet", columns)
    facts = json.loads(run("fit", "d.parquet", "-k", 3, "--seed", 0, "--json"))
    same_as_python(facts, np.column_stack([X, X[:, 0] * 2]))
    assert facts["data"]["columns"] == [*NAMES, "age"]
    for asked, names, rows in (
        ("vector", NAMES, X),
        ("1", NAMES, X),
        ("age", ["age"], X[:, :1] * 2),
        ("age,vector", ["age", *NAMES], np.column_stack([X[:, 0] * 2, X])),
        ("vector[2],vector[0]", [NAMES[2], NAMES[0]], X[:, [2, 0]]),
    ):
        facts = json.loads(
            run("fit", "d.parquet", "-k", 3, "--seed", 0, "--json", "--columns", asked)
        )
        assert facts["data"]["columns"] == names
        same_as_python(facts, rows)


def test_a_model_finds_its_vectors(run):
    write("d.parquet", {"id": np.arange(60), "vector": KINDS["lists"](X)})
    run("fit", "d.parquet", "-k", 3, "--seed", 0, "--model", "m.npz", "--output", "o.parquet")
    written = parquet.read_table("o.parquet")
    assert written.column_names == ["id", "vector", "cluster", "distance"]
    assert written.column("vector").to_pylist() == X.tolist()
    model = ckmeans.load("m.npz")
    assert list(model.feature_names_in_) == NAMES
    write("e.feather", {"vector": fixed(X[::-1]), "other": np.zeros(60)})
    run("predict", "m.npz", "e.feather", "--labels", "l.npy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.array_equal(np.load("l.npy"), model.predict(X[::-1]))
    for command in ("explain", "drift"):
        run(command, "m.npz", "d.parquet")
    write("short.parquet", {"vector": fixed(np.ascontiguousarray(X[:, :3]))})
    assert "no column 'vector[3]'" in fails(run, "predict", "m.npz", "short.parquet")


@pytest.mark.parametrize("name", ["d.parquet", "d.feather"])
def test_vectors_that_cannot_be_used(run, name):
    ragged = X.tolist()
    ragged[7] = ragged[7][:3]
    write(name, {"vector": pa.array(ragged)})
    assert fails(run, "fit", name, "-k", 2) == (
        f"ckmeans: error: {name}: column 'vector' has rows of unequal length: row 1 has 4 values, "
        "row 8 has 3."
    )
    holes = X.tolist()
    holes[5][1] = holes[9] = None
    write(name, {"vector": pa.array(holes)})
    said = fails(run, "fit", name, "-k", 2)
    assert f"{name}: row 6, column 'vector': the value is missing; or give --missing" in said
    facts = json.loads(run("fit", name, "-k", 3, "--seed", 0, "--missing", "drop", "--json"))
    same_as_python(facts, np.delete(X, [5, 9], axis=0))
    write(name, {"words": pa.array([["a"], ["b"]])})
    assert "no column of numbers ('words': list" in fails(run, "fit", name, "-k", 2)
    write(name, {"vector": fixed(X), "age": X[:, 0]})
    assert "column 'vector' has vectors" in fails(run, "fit", name, "-k", 2, "--weights", "vector")


def test_vectors_chunk_by_chunk(run):
    write("d.parquet", {"vector": KINDS["lists"](X), "age": X[:, 0]}, row_group_size=25)
    fit = ("fit", "d.parquet", "-k", 3, "--seed", 0, "--chunks")
    facts = json.loads(run(*fit, "--columns", "vector", "--model", "m.npz", "--json"))
    same_as_python(facts, X)
    run("predict", "m.npz", "d.parquet", "--chunks", "--columns", "vector", "--labels", "l.npy")
    assert np.array_equal(np.load("l.npy"), ckmeans.load("m.npz").predict(X))
    for columns in ((), ("--columns", "vector,age"), ("--columns", "vector[1]")):
        assert fails(run, *fit, *columns).endswith(
            "a column of vectors is read alone and whole: give --columns vector"
        )
