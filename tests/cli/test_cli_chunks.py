"""The command on rows that stay in their files."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from command_line import fails

import ckmeans
from ckmeans import KMeans
from ckmeans._blocks.sources import local
from ckmeans._cli import streamed_output, tables_on_disk
from ckmeans._cli.readers import read_table
from ckmeans._cli.streamed_output import STREAMED
from ckmeans._input import configuration as _config


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3000, 3)) + 5 * rng.integers(0, 4, size=(3000, 1))


@pytest.fixture
def directory(rows, tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (tmp_path / "rows").mkdir()
    for i, part in enumerate(np.array_split(rows, 3)):
        columns = {
            **dict(zip("abc", part.T)),
            "w": np.arange(len(part)) % 3,
            "name": ["x"] * len(part),
        }
        pq.write_table(pa.table(columns), tmp_path / "rows" / f"{i}.parquet", row_group_size=400)
    return "rows"


def plain(facts, *more):
    return {
        name: fact
        for name, fact in facts.items()
        if name not in ("seconds", "written", "data", *more)
    }


def test_a_file_is_fitted_as_in_memory(run, rows):
    np.save("x.npy", rows)
    for columns in ([], ["--columns", "3,1"], ["--weights", "2", "--columns", "1"]):
        if "--weights" in columns:
            np.save("x.npy", np.abs(rows))
        asked = ["fit", "x.npy", "-k", 4, *columns, "--init", "k-means++", "--json"]
        lazy = json.loads(run(*asked, "--chunks", "--labels", "lazy.npy", "--force"))
        whole = json.loads(run(*asked, "--labels", "whole.npy", "--force"))
        for one in (lazy, whole):
            for each in one["runs"]:
                del each["seconds"]
        assert plain(lazy) == plain(whole) and lazy["data"] == whole["data"]
        assert np.array_equal(np.load("lazy.npy"), np.load("whole.npy"))


def tables_of_many_types(folder, rows):
    """Files of every type that holds rows of numbers: (file, further options)."""
    np.save(folder / "vector.npy", rows[:, 0])
    fields = [("x", "f4"), ("who", "U3"), ("n", "i2"), ("yes", "?"), ("w", "f8")]
    records = np.zeros(len(rows), dtype=fields)
    records["x"], records["n"] = rows[:, 0], 10 * rows[:, 1]
    records["yes"], records["w"] = rows[:, 2] > 5, 1 + np.arange(len(rows)) % 3
    np.save(folder / "records.npy", records)
    yield from [("vector.npy", []), ("records.npy", []), ("records.npy", ["--weights", "w"])]
    yield "records.npy", ["--columns", "n,x"]
    np.save(folder / "swapped.npy", rows.astype(">f4"))
    yield "swapped.npy", []
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    whole = pa.array((100 * rows[:, 1]).astype(np.int64))
    table = pa.table(
        {
            "d": whole.cast(pa.decimal128(30, 2)),
            "yes": pa.array(rows[:, 2] > 5),
            "u": pa.array(np.abs(rows[:, 0]).astype(np.uint8)),
            "who": pa.array(["x"] * len(rows)),
            "w": pa.array((np.arange(len(rows)) % 3 + 1).astype(np.int64)).cast(
                pa.decimal128(30, 1)
            ),
        }
    )
    pq.write_table(table, folder / "mixed.parquet", row_group_size=400)
    yield "mixed.parquet", []
    yield "mixed.parquet", ["--weights", "w"]


def test_files_left_on_disk_may_have_the_types_of_those_in_memory(run, rows, tmp_path):
    for path, options in tables_of_many_types(tmp_path, rows):
        asked = ["fit", path, "-k", 3, *options, "--init", "k-means++", "--scale", "none", "--json"]
        lazy, whole = (json.loads(run(*asked, *more)) for more in (["--chunks"], []))
        for one in (lazy, whole):
            for each in one["runs"]:
                del each["seconds"]
        assert plain(lazy) == plain(whole) and lazy["data"] == whole["data"], path


N = 3000
SHUFFLED = np.random.default_rng(1).permutation(N)
IDS = {
    "counts from 0": ("n", np.arange(N)),
    "counts from 1, in no order": ("n", 1 + SHUFFLED),
    "counts down, as float32": ("n", np.arange(N, 0, -1).astype("f4")),
    "ascends by name": ("id", 7 * np.arange(N) - 5),
    "in no order, of any size": ("userId", 10**12 * SHUFFLED - 10**14),
    "floats in no order": ("row_id", 3.0 * SHUFFLED),
    "small unsigned": ("key", SHUFFLED.astype("u2")),
    "equal as float64": ("id", 2**60 + SHUFFLED),
}
NO_IDS = {
    "one value twice, far apart": ("id", np.append(SHUFFLED[:-1], SHUFFLED[0])),
    "ascends, not strictly": ("id", np.append(np.arange(N - 1), N - 2)),
    "a block that ascends, one that descends": ("id", np.abs(np.arange(N) - N // 2)),
    "not whole": ("id", SHUFFLED + 0.5),
    "-0.0 and 0.0": ("id", np.append(-0.0, np.arange(N - 1.0))),
    "another name": ("year", 10 + SHUFFLED),
    "starts at 0, with a gap": ("n", np.append(np.arange(N - 1), N)),
    "no column": (None, None),
}


def parquet_with(number, rows, first=True, dtype="f8"):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    name, values = number
    column = {} if name is None else {name: values}
    measured = {"name": ["x"] * N, **dict(zip("abc", rows.astype(dtype).T))}
    table = pa.table({**column, **measured} if first else {**measured, **column})
    pq.write_table(table, "x.parquet", row_group_size=700)


def lazy_and_whole(run, *argv):
    """The facts that the command tells of rows in chunks and in memory."""
    found = [json.loads(run(*argv, *more, "--json")) for more in (["--chunks"], [])]
    for facts in found:
        for each in facts.get("runs", []):
            del each["seconds"]
        facts["warnings"] = [
            re.sub(": (give --scale standard|divide the columns).*", "", line)
            for line in facts["warnings"]
        ]
    return found


@pytest.mark.parametrize("compared", [1 << 24, 400])  # rows at a time: all, or some
@pytest.mark.parametrize("case", [*IDS, *NO_IDS])
def test_ids_are_left_out_in_chunks_as_in_memory(case, compared, rows, monkeypatch):
    monkeypatch.setattr(tables_on_disk, "COMPARED", compared)
    monkeypatch.setattr(local, "BLOCK_BYTES", 8000)
    number = {**IDS, **NO_IDS}[case]
    for first, dtype in (True, "f8"), (False, "f4"):
        parquet_with(number, rows, first, dtype)
        lazy, whole = tables_on_disk.open_table("x.parquet"), read_table("x.parquet")
        assert lazy.names == whole.names and lazy.left_out == whole.left_out
        assert [each.name for each in lazy.left_out] == (
            ["name", number[0]] if case in IDS else ["name"]
        )
        spreads = lazy.standard_deviations()
        for spread, column in zip(spreads, whole.values.T, strict=True):
            assert spread == pytest.approx(column.std(dtype=np.float64))
        assert whole.values.dtype == dtype or case in NO_IDS


@pytest.mark.parametrize("case", ["counts from 1, in no order", "ascends by name", "not whole"])
def test_rows_with_ids_are_fitted_as_in_memory(case, run, rows):
    parquet_with({**IDS, **NO_IDS}[case], rows, dtype="f4")
    lazy, whole = lazy_and_whole(run, "fit", "x.parquet", "-k", 3, "--init", "k-means++")
    assert plain(lazy) == plain(whole) and lazy["data"] == whole["data"]
    assert bool(lazy["warnings"]) == (case in NO_IDS)


@pytest.mark.parametrize(
    "options, features",
    [
        (["--columns", "id,a"], ["id", "a"]),
        (["--no-index"], ["id", "a", "b", "c"]),
        (["--index", "a"], ["id", "b", "c"]),
        (["--weights", "id"], ["a", "b", "c"]),
        (["--weights", "a"], ["b", "c"]),
    ],
)
def test_options_decide_about_ids_in_chunks(options, features, run, rows):
    parquet_with(("id", 100 * SHUFFLED), np.abs(rows))
    asked = ["fit", "x.parquet", "-k", 3, "--init", "k-means++", *options]
    lazy, whole = lazy_and_whole(run, *asked)
    assert plain(lazy) == plain(whole) and lazy["data"] == whole["data"]
    assert lazy["data"]["columns"] == features and bool(lazy["warnings"]) == ("id" in features)


def test_the_only_column_of_ids_is_used_with_a_warning(run, rows):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"id": SHUFFLED, "name": ["x"] * N}), "x.parquet")
    lazy, whole = lazy_and_whole(run, "fit", "x.parquet", "-k", 3, "--init", "k-means++")
    assert plain(lazy) == plain(whole) and "--index id" in lazy["warnings"][0]


def test_ids_in_npy_files_are_left_out_in_chunks_as_in_memory(run, rows):
    records = np.zeros(N, dtype=[("id", "i8"), ("who", "U3"), ("a", "f4"), ("b", "f4")])
    records["id"], records["a"], records["b"] = 9 * SHUFFLED, rows[:, 0], rows[:, 1]
    np.save("records.npy", records)
    np.save("plain.npy", np.column_stack([SHUFFLED, np.abs(rows)]))
    for argv in (["records.npy"], ["plain.npy"], ["plain.npy", "--weights", "3"]):
        lazy, whole = lazy_and_whole(run, "fit", *argv, "-k", 3, "--init", "k-means++")
        assert plain(lazy) == plain(whole) and lazy["data"] == whole["data"]
        names = {"records.npy": 2, "plain.npy": 4}[argv[0]] - ("--weights" in argv)
        assert len(lazy["data"]["columns"]) == names
        assert bool(lazy["warnings"]) == (argv[0] == "plain.npy")


def test_a_model_of_chunks_predicts_rows_with_ids(run, rows):
    parquet_with(("id", SHUFFLED), rows)
    run("fit", "x.parquet", "-k", 3, "--chunks", "--model", "named.npz")
    np.save("x.npy", rows)
    run("fit", "x.npy", "-k", 3, "--model", "nameless.npz")
    for model in ("named.npz", "nameless.npz"):
        lazy, whole = lazy_and_whole(run, "predict", model, "x.parquet")
        assert lazy["clusters"] == whole["clusters"]
        for fact in ("columns", "left_out"):
            assert lazy["data"][fact] == whole["data"][fact]


def test_a_place_in_vectors_that_counts_the_rows_is_told(run, rows):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    flat = np.column_stack([rows, np.arange(N)]).ravel()
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat), 4)
    pq.write_table(pa.table({"v": vectors}), "x.parquet")
    facts = json.loads(run("fit", "x.parquet", "-k", 3, "--chunks", "--json"))
    assert "place '4' of the vectors has another whole number" in facts["warnings"][0]
    assert "write the vectors without them" in facts["warnings"][0]
    assert "spreads of the columns" in facts["warnings"][1]
    whole = json.loads(run("fit", "x.parquet", "-k", 3, "--json"))
    assert "place 'v[3]' of the vectors has another whole number" in whole["warnings"][0]
    assert whole["inertia"] == facts["inertia"] and whole["data"]["left_out"] == []


def damaged_files(folder, rows):
    np.save(folder / "x.npy", rows[:50])
    good = (folder / "x.npy").read_bytes()
    yield "cut.npy", good[:-8]
    yield "head.npy", good[:60]
    yield "negative.npy", good.replace(b"(50, 3)", b"(50,-3)")
    yield "bracket.npy", good.replace(b"{", b"(")
    yield "objects.npy", good.replace(b"'<f8'", b"'|O' ")
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a": rows[:, 0]}), folder / "x.parquet")
    good = (folder / "x.parquet").read_bytes()
    yield "cut.parquet", good[:-200]
    yield "foot.parquet", good[:-8] + b"\xff\xff\xff\x7f" + good[-4:]


def test_the_command_says_of_damaged_files_what_the_library_says(run, rows, tmp_path):
    for name, content in damaged_files(tmp_path, rows):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError) as caught:
            KMeans(2).fit_chunks(name)
        assert "truncated or damaged" in str(caught.value) or "Python objects" in str(caught.value)
        line = fails(run, "fit", name, "-k", 2, "--chunks")
        assert str(caught.value).split(": ")[1] in line and name in line


def test_a_directory_of_parquet_files(run, rows, directory):
    facts = json.loads(
        run(
            "fit",
            directory,
            "-k",
            4,
            "--weights",
            "w",
            "--labels",
            "labels.npy",
            "--model",
            "model.npz",
            "--json",
        )
    )
    weights = np.concatenate([np.arange(len(part)) % 3 for part in np.array_split(rows, 3)]).astype(
        float
    )
    model = KMeans(4, random_state=0).fit(rows, sample_weight=weights)
    assert facts["inertia"] == model.inertia_ and np.array_equal(
        np.load("labels.npy"), model.labels_
    )
    assert [cluster["weight"] for cluster in facts["clusters"]] == np.bincount(
        model.labels_, weights
    ).tolist()
    assert facts["data"]["left_out"] == [{"name": "name", "why": "string, not numbers"}] and facts[
        "data"
    ]["columns"] == ["a", "b", "c"]
    assert ckmeans.load("model.npz").feature_names_in_.tolist() == ["a", "b", "c"]
    predicted = json.loads(
        run("predict", "model.npz", directory, "--labels", "again.npy", "--json")
    )
    assert np.array_equal(np.load("again.npy"), model.labels_) and predicted[
        "inertia"
    ] == -model.score(rows)
    np.save("x.npy", rows)
    by_position = json.loads(run("predict", "model.npz", "x.npy", "--chunks", "--json"))
    assert (
        by_position["clusters"] == predicted["clusters"]
        and "labels" not in by_position
        and run.errors == ""
    )
    assert "3000 rows, 3 columns" in run("predict", "model.npz", directory)


@pytest.mark.parametrize(
    "result",
    [
        ("--output", "rows/0.parquet"),
        ("--output", "rows/new.csv"),
        ("--labels", "rows/below/l.npy"),
        ("--model", "link/m.npz"),
        ("--checkpoint", "rows/state"),
    ],
)
def test_nothing_is_written_among_the_inputs(result, run, directory, tmp_path):
    """It would be read with them the next time, or replace one of them."""
    (tmp_path / "rows" / "below").mkdir()
    (tmp_path / "link").symlink_to("rows")
    before = {path: path.read_bytes() for path in (tmp_path / "rows").glob("*.parquet")}
    line = fails(run, "fit", directory, "-k", 2, "--force", *result)
    assert f"cannot write {result[1]}: all files in rows are inputs" in line
    run("fit", directory, "-k", 2, "--model", "rows-model.npz", "--labels", "rows/../l.npy")
    assert before == {path: path.read_bytes() for path in before}
    assert sorted((tmp_path / "rows").glob("*.*")) == sorted(before)


def test_a_checkpoint_is_gone_on_from(run, rows, tmp_path):
    np.save("x.npy", rows)
    first = json.loads(run("fit", "x.npy", "-k", 4, "--checkpoint", "state", "--json"))
    assert (tmp_path / "state").exists()
    assert (
        json.loads(run("fit", "x.npy", "-k", 4, "--checkpoint", "state", "--json"))["clusters"]
        == first["clusters"]
    )
    assert "is of a fit with n_clusters=4, not 5" in fails(
        run, "fit", "x.npy", "-k", 5, "--checkpoint", "state"
    )


def test_what_memory_does_not_hold_stays_in_its_file(run, rows, monkeypatch):
    np.save("x.npy", rows)
    asked = []
    monkeypatch.setattr(
        KMeans,
        "fit_chunks",
        lambda self, *args, _fit=KMeans.fit_chunks, **more: (
            asked.append(1) or _fit(self, *args, **more)
        ),
    )
    run("fit", "x.npy", "-k", 4)
    assert not asked
    monkeypatch.setattr(_config, "memory_is_short", lambda needed: needed > 1000)
    run("fit", "x.npy", "-k", 4, "--labels", "labels.npy")
    assert asked == [1] and len(np.load("labels.npy")) == 3000
    run("fit", "x.npy", "-k", 4, "--labels", "labels.csv")  # which reads all rows into memory
    assert asked == [1]


@pytest.mark.parametrize(
    "argv, message",
    [
        (["-", "--chunks"], "standard input"),
        (["x.npy", "--chunks", "--labels", "l.csv"], "as .npy"),
        (["x.npy", "--chunks", "--plot", "x.png"], "--plot takes all rows"),
        (["x.npy", "--chunks", "--refine", "genetic"], "--refine genetic takes"),
        (["x.npy", "--chunks", "--metric", "cosine"], "--metric cosine takes"),
        (["x.csv", "--chunks"], "is a .npy file, a Parquet file or a directory"),
        (["x.npy", "--checkpoint", "nowhere/state"], "no directory"),
        (["cube.npy", "--chunks"], r"of shape \(3, 2, 2\)"),
        (["words.npy", "--chunks"], "of <U1, not of real numbers"),
        (["x.npy", "--chunks", "--columns", "4"], "no column '4'"),
        (["empty", "--chunks"], "no Parquet files"),
        (["gone.npy", "--chunks"], "gone.npy"),
        (["rows", "--columns", "name"], "'name' cannot be used: string"),
        (["cut.npy", "--chunks"], "truncated or damaged"),
    ],
)
def test_errors_are_one_line(argv, message, run, rows, directory, tmp_path):
    np.save("x.npy", rows)
    np.save("cube.npy", np.ones((3, 2, 2)))
    np.save("words.npy", np.array([["a"], ["b"], ["c"]]))
    (tmp_path / "x.csv").write_text("1,2\n3,4\n")
    (tmp_path / "cut.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:900])
    (tmp_path / "empty").mkdir()

    assert re.search(message, fails(run, "fit", *argv, "-k", 2))
    assert "several numbers" in fails(run, "fit", "x.npy", "-k", "2:4", "--chunks")


# ---- all columns with clusters, written while the rows are read again


def read_output(path):
    pandas = pytest.importorskip("pandas")
    kind = path.rpartition(".")[2]
    if kind in ("csv", "txt", "tsv"):
        return pandas.read_csv(path, sep="\t" if kind == "tsv" else ",")
    if kind in ("jsonl", "ndjson"):
        return pandas.read_json(path, lines=True, precise_float=True)
    return getattr(pandas, f"read_{kind}")(path)


@pytest.mark.parametrize("suffix", STREAMED)
@pytest.mark.parametrize("source", ["x.parquet", "parts", "rows.npy", "fields.npy"])
def test_output_in_chunks_is_that_in_memory(source, suffix, run, rows, monkeypatch):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(streamed_output, "_ROWS", 700)
    table = pandas.DataFrame(rows.astype("f4"), columns=list("abc"))
    table["cluster"] = [f"t{i % 7}" for i in range(N)]  # a name that the output needs itself
    if source == "parts":
        os.mkdir(source)
        for i in range(3):
            table[i * N // 3 : (i + 1) * N // 3].to_parquet(f"parts/{i}.parquet", index=False)
        table.to_parquet("whole.parquet", index=False)
    elif source == "x.parquet":
        table.to_parquet(source, row_group_size=500, index=False)
    elif source == "rows.npy":
        np.save(source, rows.astype("f4"))
    else:
        np.save(source, table[list("abc")].to_records(index=False))
    whole = "whole.parquet" if source == "parts" else source
    columns = ["--columns", "2,3" if source == "rows.npy" else "b,c"]
    for path, name, more in ((source, "o", ["--chunks"]), (whole, "m", [])):
        run("fit", path, "-k", 3, *columns, *more, "--output", name + suffix, "--model", "m.npz")
        run("predict", "m.npz", path, *columns, *more, "--output", f"p{name}{suffix}")
        os.remove("m.npz")
    found, expected = read_output("o" + suffix), read_output("m" + suffix)
    pandas.testing.assert_frame_equal(found, expected, check_exact=True)
    again = read_output("po" + suffix)  # without scores: the model knows no typical distances
    pandas.testing.assert_frame_equal(again, expected, check_exact=True)
    assert list(read_output("pm" + suffix).columns) == [*expected.columns, "score"]


def test_output_in_chunks_is_printed_or_refused(run, rows):
    np.save("x.npy", rows)
    printed = run("fit", "x.npy", "-k", 3, "--chunks", "--output", "-").splitlines()
    assert printed[0] == "column 1,column 2,column 3,cluster,distance" and len(printed) == N + 1
    for name in ("o.json", "o.npy"):
        said = fails(run, "fit", "x.npy", "-k", 3, "--chunks", "--output", name)
        assert "with --chunks --output is written as .parquet, .feather, .csv" in said
    run("fit", "x.npy", "-k", 3, "--model", "x.npz")  # knows typical distances
    run("predict", "x.npz", "x.npy", "--chunks", "--output", "o.csv")
    run("predict", "x.npz", "x.npy", "--output", "m.csv")
    assert Path("o.csv").read_text() == Path("m.csv").read_text()


def test_vectors_in_chunks_are_written_with_their_clusters(run, rows):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), 3)
    words = pa.array([f"w{i}" for i in range(N)])
    pq.write_table(pa.table({"word": words, "v": vectors}), "v.parquet", row_group_size=400)
    run("fit", "v.parquet", "-k", 3, "--chunks", "--output", "o.parquet", "--labels", "l.npy")
    found = pq.read_table("o.parquet")
    assert found.column_names == ["word", "v", "cluster", "distance"]
    assert np.array_equal(found["cluster"].to_numpy(), np.load("l.npy"))
    assert found["word"].to_pylist() == words.to_pylist()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--outliers", 5], "--outliers takes all rows in memory: use it without --chunks"),
        (["--size-min", 5], "--size-min takes all rows in memory: use it without --chunks"),
        (["--size-max", 500], "--size-max takes all rows in memory: use it without --chunks"),
        (["--scale", "robust"], "--scale robust takes all rows in memory: use it without --chunks, "
         "or divide the columns by their spreads first"),
        (["--metric", "manhattan"], "--metric manhattan takes all rows in memory"),
        (["--refine", "swap"], "--refine swap takes all rows in memory: use it without --chunks, "
         "or with auto or best"),
        (["--missing", "mean"], "--missing mean takes all rows in memory"),
        (["--labels-known", "1"], "--labels-known takes all rows in memory"),
        (["--report", "r.html"], "--report takes all rows in memory"),
        (["-k", "2:4"], "give -k one number with --chunks, or choose it by some of the rows"),
        (["--labels", "l.csv"], "with --chunks labels are written as .npy"),
    ],
    ids=str,
)  # fmt: skip
def test_what_takes_all_rows_is_refused_with_a_remedy(options, said, run, rows):
    np.save("x.npy", rows)
    assert said in fails(run, "fit", "x.npy", "-k", 3, "--chunks", *options)


def test_what_takes_a_sample_is_not_refused(run, rows):
    np.save("x.npy", rows)
    facts = [
        json.loads(run("fit", "x.npy", "-k", 3, "--refine", "best", *more, "--json"))
        for more in ([], ["--chunks"])
    ]
    assert facts[0]["inertia"] == facts[1]["inertia"]
    run("fit", "x.npy", "-k", 3, "--model", "x.npz")
    for option, value, instead in (
        ("--outliers", 3, ""),
        ("--distances", "d.csv", "give --output"),
    ):
        said = fails(run, "predict", "x.npz", "x.npy", "--chunks", option, value)
        assert f"{option} takes all rows in memory" in said and instead in said
