"""The bench: its figures, tables and files, and one small run from the command line."""

import csv
import gzip
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from checks import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "bench").is_dir():
    pytest.skip("the bench is not part of an installed package", allow_module_level=True)
if find_spec("bench") is None:
    sys.path.append(str(ROOT))  # at the end: an installed ckmeans stays the one that is tested

from bench import __main__ as command  # noqa: E402
from bench import data, files, report  # noqa: E402
from bench.peers import PEERS  # noqa: E402
from bench.runner import Result, Worker, WorkerError, judge  # noqa: E402
from bench.tasks import TASKS, inertia, nearest  # noqa: E402

# --- data -----------------------------------------------------------------------------------------


def test_every_cell_has_a_name_of_its_own_and_a_known_task():
    cells = data.grid({})
    assert len({cell.name for cell in cells}) == len(cells)
    assert {cell.task for cell in cells} <= set(TASKS)
    assert set(TASKS) == set().union(*(peer.tasks for peer in PEERS.values()))
    assert set(data.PAGES) == set(report.TITLES)


def test_quick_has_cells_on_every_page():
    pages = {cell.page for cell in data.select(data.grid({}), quick=True)}
    assert pages == set(data.PAGES) - {"wide-full"}


def test_real_data_is_found_in_a_folder_and_what_is_not_a_table_is_named(tmp_path):
    with gzip.open(tmp_path / "pairs.csv.gz", "wt") as file:
        file.write("x;y\n" + "1;2.5\n" * 200)
    np.save(tmp_path / "pixels.npy", np.ones((300, 3), dtype=np.uint8))
    (tmp_path / "people.csv").write_text("name,age\nAnn,30\n")
    (tmp_path / "read.me").write_text("not data")
    sources, missing = data.real_sources(tmp_path)
    assert (sources["pairs"].n, sources["pairs"].d) == (200, 2)
    (cell,) = data.select(data.grid(sources), patterns=["pixels-300x3-k8-f32"])
    assert data.make(cell, sources).dtype == np.float32
    assert [line for line in missing if line.startswith("data people")]
    assert "read" not in sources


def test_a_header_is_not_a_row(tmp_path):
    for name, text in {
        "a.csv": "u,v\n1,2\n3,4\n",
        "b.csv": "1,2\n3,4\n",
        "c.txt": "1 2\n3 4\n",
    }.items():
        (tmp_path / name).write_text(text)
        assert data.read_table(tmp_path / name).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "pattern, count", [("blobs-150x8-k3-f64", 1), ("fit:*-k1000-f3?", 3), ("none", 0)]
)
def test_cells_are_chosen_by_a_part_of_their_name_or_a_wildcard(pattern, count):
    assert len(data.select(data.grid({}), patterns=[pattern])) == count


def test_initial_centers_are_different_rows_and_the_same_each_time():
    X = np.repeat(data.uniform(50, 3, 0), 4, axis=0)
    centers = data.first_centers(X, 50)
    assert len(np.unique(centers, axis=0)) == 50
    assert {tuple(center) for center in centers} == {tuple(row) for row in X}
    assert np.array_equal(centers, data.first_centers(X, 50))
    with pytest.raises(ValueError, match="only 50 different rows"):
        data.first_centers(X, 51)


# --- checks ---------------------------------------------------------------------------------------


def test_inertia_and_nearest_agree_with_their_definitions(monkeypatch):
    monkeypatch.setattr("bench.tasks.BLOCK", 64)  # several blocks
    X, centers = data.blobs(101, 5, 7), data.uniform(7, 5, 0)
    sq = ((X[:, None] - centers) ** 2).sum(axis=2)
    assert np.array_equal(nearest(X, centers), sq.argmin(axis=1))
    assert inertia(X, centers, sq.argmin(axis=1)) == pytest.approx(sq.min(axis=1).sum(), rel=1e-12)


def made_up(page="fit", task="fit", **values):
    """A run of two cells in which 'faiss' fails in one and gets another result in the other."""
    cells = [data.Cell(page, task, "blobs", 100, 2, 3, dtype) for dtype in ("float32", "float64")]
    results = [
        Result(cells[0], "ckmeans", [2e-3, 1e-3, 9e-3], 7, 100.0),
        Result(cells[0], "sklearn", [4e-3], 7, 100.001),
        Result(cells[0], "faiss", [1e-3], 7, 101.0),
        Result(cells[1], "ckmeans", [1e-3], 7, 100.0),
        Result(cells[1], "sklearn", [9e-3], 6, 100.00001),
        Result(cells[1], "faiss", note="no float64"),
    ]
    judge(results[:3])
    judge(results[3:])
    peers = {
        name: {"distribution": PEERS[name].distribution, "version": "1.0"}
        for name in ("ckmeans", "sklearn", "faiss")
    }
    machine = {
        "date": "2024-01-01",
        "cpu": "A CPU",
        "cpus": 4,
        "threads": 2,
        "system": "Linux",
        "python": "3",
        "numpy": "2",
    }
    return report.Run({**machine, **values}, {}, peers, ["scipy: not installed"], results)


def test_a_result_agrees_within_what_its_dtype_allows():
    assert [result.agrees for result in made_up().results] == [True, True, False, True, True, True]


def test_figures_of_disagreeing_peers_do_not_count():
    run = made_up()
    row32, row64 = run.rows("fit").values()
    assert report.ratio(row32["sklearn"], row32["ckmeans"]) == 2  # of medians
    assert report.lead(row32, "ckmeans") == 2
    assert report.lead(row64, "ckmeans") == 9
    assert report.means(run, "fit", "ckmeans") == {"sklearn": pytest.approx(18**0.5)}
    first, _, uncounted = report.summary(run, "fit")
    assert "ckmeans is the fastest in 2 of 2 cells" in first and "4.24x" in first
    assert "faiss 0.50x (fit:blobs-100x2-k3-f32)" in uncounted


# --- reports --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, text",
    [
        (1234.5, "1234 s"),
        (12.345, "12.3 s"),
        (0.99999, "1.00 s"),
        (0.0123, "12.3 ms"),
        (9.999e-3, "10.0 ms"),
        (0.9999e-3, "1.00 ms"),
        (4.56e-6, "4.56 us"),
    ],
)
def test_times_have_three_digits_and_a_unit(value, text):
    assert report.seconds(value) == text


def test_text_is_aligned_and_says_what_a_reader_needs():
    text = report.text(made_up())
    table = text[text.index("data  ") : text.index("\n\nckmeans is")].splitlines()
    assert len(table) == 4
    assert len({len(line) for line in table}) == 1
    assert "2.00 ms" in table[2] and "1.00 ms!" in table[2] and "9.00 ms~" in table[3]
    for words in (
        "A CPU, 4 CPUs, 2 threads",
        "sklearn = scikit-learn 1.0",
        "scipy: not installed",
        "does not agree",
        "another number of iterations",
        "faiss +1.0e-02",
    ):
        assert words in text


def test_a_busy_machine_is_named():
    assert "do not trust" in report.text(made_up(cpus_taken_by_others=1.5))
    assert "do not trust" not in report.text(made_up(cpus_taken_by_others=0.02))


def test_markdown_tables_have_one_number_of_columns():
    lines = [line for line in report.markdown(made_up()).splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1


def test_files_hold_every_result(tmp_path):
    written = files.write(made_up(), tmp_path)
    found = json.loads((tmp_path / "bench.json").read_text())
    assert found["machine"]["cpu"] == "A CPU" and len(found["results"]) == 6
    assert found["results"][0]["samples"] == [2e-3, 1e-3, 9e-3]
    with open(tmp_path / "bench.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["peer"] for row in rows] == ["ckmeans", "sklearn", "faiss"] * 2
    assert [float(row["ratio"]) for row in rows if row["ratio"]] == [1, 2, 0.5, 1, 9]
    assert all((tmp_path / name).exists() for name in written if "matplotlib" not in name)


def test_a_picture_is_drawn(tmp_path):
    picture = pytest.importorskip("bench.picture", exc_type=ImportError)
    assert picture.draw(made_up(), "fit", tmp_path / "fit.png")
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")


def test_one_peer_alone_gives_a_table_and_no_picture(tmp_path):
    run = made_up()
    run.results = [result for result in run.results if result.peer == "ckmeans"]
    assert "2.00 ms" in report.text(run)
    assert not [name for name in files.write(run, tmp_path) if name.endswith(".png")]


def test_memory_is_given_in_megabytes():
    run = made_up("memory", "memory")
    for result in run.results:
        result.samples = [int(1e9 * sample) for sample in result.samples]
    assert "2.00 MB" in report.text(run) and "needs the least" in report.text(run)


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv", [["--peers", "nobody"], ["--pages", "fit,cook"], ["--threads", "0"]]
)
def test_wrong_arguments_are_refused(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        command.arguments(argv)
    assert stop.value.code == 2
    assert re.search("nobody|cook|less than 1", capsys.readouterr().err)


def test_a_worker_that_ends_is_an_error_with_its_last_words():
    worker = Worker("nobody", 1)
    try:
        with pytest.raises(WorkerError, match="ended with code 1: KeyError: 'nobody'"):
            worker.answer(timeout=PATIENCE)
    finally:
        worker.close()


def test_a_busy_machine_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(command.machine, "taken_now", lambda: 1.5)
    assert command.main(["--cells", "fit:blobs-150x8-k3-f64", "--peers", "ckmeans"]) == 3
    assert "other processes take 1.5 CPUs" in capsys.readouterr().err


def result_file(path, figures, **machine):
    """A file of results: cell -> (unit, samples)."""
    about = {"cpu": "a CPU", "cpus": 2, "threads": 2, "date": "2026-01-02", **machine}
    rows = [
        {"cell": cell, "peer": "ckmeans", "unit": unit, "samples": samples}
        for cell, (unit, samples) in figures.items()
    ]
    peers = {"ckmeans": {"version": path.stem}}
    path.write_text(json.dumps({"machine": about, "peers": peers, "results": rows}))
    return str(path)


BEFORE = {"a": ("seconds", [1.0, 1.1, 1.2]), "b": ("seconds", [2.0]), "m": ("bytes", [5e6])}
QUIET = {"cpus_taken_by_others": 0.01}


@pytest.mark.parametrize(
    "figures, machine, code, said",
    [
        (BEFORE, QUIET, 0, "worse: nothing"),
        ({**BEFORE, "a": ("seconds", [1.3, 1.4, 1.5])}, QUIET, 1, "worse: a"),
        # the median is 1.3 times as long, but one round was as fast as before: noise
        ({**BEFORE, "a": ("seconds", [1.05, 1.4, 1.5])}, QUIET, 0, "worse: nothing"),
        ({**BEFORE, "m": ("bytes", [6e6])}, QUIET, 1, "worse: m"),
        ({**BEFORE, "m": ("bytes", [1e4])}, QUIET, 0, "memory: 0.21x"),
        ({"a": BEFORE["a"], "c": ("seconds", [1])}, QUIET, 0, "only in A: b, m\nonly in B: c"),
        ({"c": ("seconds", [1])}, QUIET, 3, "no cell is in both"),
        (BEFORE, {"cpus_taken_by_others": 1.5}, 3, "not comparable: measured on a busy machine"),
        (BEFORE, {**QUIET, "cpu": "another"}, 3, "not comparable: the machines differ in cpu"),
    ],
)
def test_what_got_worse_between_two_results(figures, machine, code, said, tmp_path, capsys):
    first = result_file(tmp_path / "1.json", BEFORE, **QUIET)
    second = result_file(tmp_path / "2.json", figures, **machine)
    assert command.main(["compare", first, second]) == code
    assert said in capsys.readouterr().out


def test_releases_are_found_by_version_and_others_are_named(capsys):
    kept = sorted(path.stem for path in command.releases.FOLDER.glob("*.json"))
    assert kept
    for version in kept:
        assert command.releases.find(version) == command.releases.FOLDER / f"{version}.json"
        machine, _, cells = command.releases.load(command.releases.find(version))
        assert {"cpu", "threads", "cpus_taken_by_others", "numpy"} <= machine.keys() and cells
        assert {unit for unit, _ in cells.values()} == {"seconds", "bytes"}
    assert command.main(["compare", kept[0], "9.9.9"]) == 2
    assert f"releases: {', '.join(kept)}" in capsys.readouterr().err


def test_releases_are_in_the_order_of_their_versions():
    paths = [Path(f"{version}.json") for version in ("0.10.0", "0.9.1", "0.9.0")]
    assert [path.stem for path in sorted(paths, key=command.releases.order)] == [
        "0.9.0",
        "0.9.1",
        "0.10.0",
    ]


def test_the_command_measures_compares_and_writes(tmp_path):
    peers = ["ckmeans", *(["sklearn"] if find_spec("sklearn") else [])]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "bench",
            "--busy",  # a test does not wait for a quiet machine
            "--cells",
            "fit:blobs-150x8-k3-f64,memory:blobs-100000x16-k100-f32",
            "--peers",
            ",".join(peers),
            "--repeat",
            "1",
            "--threads",
            "1",
            "--out",
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert "Full fit" in done.stdout and "1 thread;" in done.stdout
    results = json.loads((tmp_path / "bench.json").read_text())["results"]
    assert [result["peer"] for result in results] == peers * 2
    for result in results:
        assert result["samples"] and result["agrees"] and not result["note"]
    assert len({round(result["value"], 6) for result in results[: len(peers)]}) == 1
    assert len({result["n_iter"] for result in results[: len(peers)]}) == 1
