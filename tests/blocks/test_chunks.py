"""Rows on disk and in chunks, from any source: the bits of a fit in one array."""

import io
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from checks import STEADY_MEMORY, assert_same, run_python, subprocess_environment

import ckmeans
from ckmeans import KMeans
from ckmeans._blocks.sources import arrays as _arrays
from ckmeans._blocks.sources import label_sinks as _label_sinks
from ckmeans._blocks.sources import local as _local
from ckmeans._blocks.sources import pages as _pages
from ckmeans._blocks.sources import parquet as _parquet
from ckmeans._blocks.sources import reader as _reader
from ckmeans._estimators import chunk_fits as _chunks

K = 6


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30_000, 5)).astype(np.float32)
    X[:, 0] += rng.integers(0, 5, len(X)) * 4
    return X


@pytest.fixture
def small_blocks(monkeypatch):
    """Many blocks from little data, and every mapped array counts as large."""
    monkeypatch.setattr(_local, "BLOCK_BYTES", 200_000)
    monkeypatch.setattr(_arrays, "ARRAY_BLOCKS", 1)
    monkeypatch.setattr(_chunks, "MAPPED_LIMIT", 0)


def model(**params):
    return KMeans(**{"n_clusters": K, "random_state": 3, "n_init": 2, "max_iter": 12, **params})


@pytest.fixture(scope="module")
def whole(X):
    return model().fit(X)


def assert_runs(chunks, whole):
    assert_same(chunks, whole)
    assert [run[:4] for run in chunks.runs_] == [run[:4] for run in whole.runs_]
    assert chunks.converged_ == whole.converged_


def npy_files(X, folder):
    for i, part in enumerate(np.array_split(X, [100, 100, 17_000])):
        np.save(folder / f"{i}.npy", part)
    return [folder / f"{i}.npy" for i in range(4)]


def parquet_directory(X, folder):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for i, part in enumerate(np.array_split(X, 3)):
        pq.write_table(
            pa.table(dict(zip("abcde", part.T))), folder / f"{i}.parquet", row_group_size=3000
        )
    return folder


def hdf5(X, folder):
    file = pytest.importorskip("h5py").File(folder / "x.h5", "w")
    file["x"] = X
    return file["x"]


def zarr(X, folder):
    array = pytest.importorskip("zarr").open(
        str(folder / "x.zarr"), mode="w", shape=X.shape, chunks=(700, 5), dtype="f4"
    )
    array[:] = X
    return array


def generator(X, folder):
    return lambda: iter(np.array_split(X, 37))


def mapped(X, folder):
    np.save(folder / "x.npy", X)
    return np.load(folder / "x.npy", mmap_mode="r")


@pytest.mark.parametrize("source", [npy_files, parquet_directory, hdf5, zarr, generator, mapped])
def test_any_source_gives_the_bits_of_one_array(source, X, whole, tmp_path, small_blocks):
    source = source(X, tmp_path)
    assert_runs(model().fit_chunks(source, labels=True), whole)
    assert np.array_equal(
        np.concatenate(list(whole.predict_chunks(source)))
        if source is not tmp_path
        else whole.labels_,
        whole.labels_,
    )


def test_the_score_of_chunks(X, whole, tmp_path):
    weights = np.arange(len(X)) % 3.0
    assert whole.score_chunks(generator(X, tmp_path)) == whole.score(X) == -whole.inertia_
    assert whole.score_chunks([X[:100], X[100:]], sample_weight=weights) == whole.score(
        X, sample_weight=weights
    )
    with pytest.raises(ValueError, match="features"):
        whole.score_chunks(X[:, :3])
    with pytest.raises(ValueError, match="metric='cosine'"):
        KMeans(2, metric="cosine").fit(X).score_chunks(X)


@pytest.mark.parametrize("lacking, asked", [("a", {}), ("c", {}), ("d", {"sample_weight": "d"})])
def test_files_that_lack_a_column(X, tmp_path, lacking, asked):
    """The first file tells the columns; in later ones they may be in another order."""
    directory = parquet_directory(X, tmp_path)
    pq = pytest.importorskip("pyarrow.parquet")
    last = sorted(directory.iterdir())[-1]
    table = pq.read_table(last)
    whole = KMeans(3, random_state=0).fit_chunks(directory, labels=True)
    pq.write_table(table.select(table.column_names[::-1]), last)
    assert np.array_equal(
        KMeans(3, random_state=0).fit_chunks(directory, labels=True).labels_, whole.labels_
    )
    pq.write_table(table.drop_columns([lacking]), last)
    with pytest.raises(ValueError, match=f"{last.name}: there is no column '{lacking}', which"):
        KMeans(3, random_state=0).fit_chunks(directory, **asked)


def test_columns_and_weights_of_parquet_data(X, tmp_path, small_blocks):
    directory = parquet_directory(X, tmp_path)
    chosen = model().fit_chunks(directory, columns=["a", "c"], labels=True)
    assert_runs(chosen, model().fit(X[:, [0, 2]]))
    assert chosen.feature_names_in_.tolist() == ["a", "c"]
    assert np.array_equal(
        np.concatenate(list(chosen.predict_chunks(directory, columns=["a", "c"]))), chosen.labels_
    )
    weights = np.abs(X[:, 4].astype(np.float64))
    with pytest.raises(ValueError, match="negative weight"):
        model().fit_chunks(directory, sample_weight="e")
    assert_runs(
        model().fit_chunks(directory, sample_weight=weights, labels=True),
        model().fit(X, sample_weight=weights),
    )
    with pytest.raises(ValueError, match="no column 'f'; there are: a, b, c, d, e"):
        model().fit_chunks(directory, columns=["f"])


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_mapped_arrays_go_block_by_block(mode, X, whole, tmp_path, small_blocks):
    np.save(tmp_path / "x.npy", X)
    array = np.load(tmp_path / "x.npy", mmap_mode=mode)
    if mode == "c":
        array[:] = X[::-1]  # in memory only: must not be lost
    expected = model().fit(X[::-1]) if mode == "c" else whole
    assert_runs(model().fit(array), expected)
    assert np.array_equal(array, X[::-1] if mode == "c" else X)
    sliced = array[5::3, ::2]
    assert_runs(model().fit(sliced), model().fit(np.array(sliced)))


@pytest.mark.parametrize(
    "params",
    [
        dict(init="random"),
        dict(init="k-means||", n_init=1),
        dict(label_order="size"),
        dict(tol=0.0),
        dict(max_iter=2),
        dict(init=[[0.0] * 5] * K),
    ],
    ids=str,
)
def test_parameters(params, X, tmp_path, small_blocks):
    assert_runs(model(**params).fit(mapped(X, tmp_path)), model(**params).fit(X))


def test_labels_go_where_they_are_asked_for(X, whole, tmp_path, small_blocks, monkeypatch):
    source = generator(X, tmp_path)
    without = model().fit_chunks(source)
    assert not hasattr(without, "labels_") and without.inertia_ == whole.inertia_
    written = model().fit_chunks(source, labels=tmp_path / "labels.npy")
    assert np.array_equal(np.load(tmp_path / "labels.npy"), whole.labels_) and isinstance(
        written.labels_, np.memmap
    )
    own = np.full(len(X), -1, np.int32)
    assert model().fit_chunks(source, labels=own).labels_ is own and np.array_equal(
        own, whole.labels_
    )
    monkeypatch.setattr(_label_sinks, "LABELS_IN_MEMORY", 0)
    assert_runs(model().fit_chunks(source, labels=True), whole)
    with pytest.raises(ValueError, match="labels has shape"):
        model().fit_chunks(source, labels=own[1:])
    with pytest.raises(TypeError, match="labels must be"):
        model().fit_chunks(source, labels=3)
    with pytest.raises(ValueError, match="max_iter"):
        model(max_iter=0).fit_chunks(source, labels=tmp_path / "other.npy")
    assert not list(tmp_path.glob("other*"))


def test_draws_of_mapped_rows_read_one_pass_for_each_center(X, tmp_path, small_blocks, monkeypatch):
    asked = []
    monkeypatch.setattr(_pages.Pages, "read_ahead", lambda self, rows: asked.append(len(rows)))
    fitted = model(n_init=1, max_iter=1, init="k-means++").fit_chunks(mapped(X, tmp_path))
    per_pass = len(X) - _local.block_rows(
        X.dtype, X.shape[1]
    )  # the first block of a pass is not read ahead
    # A survey, the first draw, k - 1 centers, an iteration, the assignment to the final centers.
    assert 0 < sum(asked) <= per_pass * (1 + 2 + (K - 1) + 2)
    assert fitted.n_iter_ == 1


# -- checkpoints -----------------------------------------------------------------------------------


class Stopped(Exception):
    pass


def stopping(X, passes):
    """A source that fails in the midst of a pass."""
    seen = []

    def chunks():
        seen.append(1)
        for i, chunk in enumerate(np.array_split(X, 10)):
            if len(seen) > passes and i == 5:
                raise Stopped
            yield chunk

    return chunks, seen


@pytest.mark.parametrize("init", ["k-means++", "random", "k-means||", "first"])
def test_a_fit_goes_on_from_its_checkpoint(init, X, tmp_path, small_blocks):
    params = dict(init=init, n_init=1 if init == "first" else 2, max_iter=8)
    path = tmp_path / "state"
    full, passes = stopping(X, 10**9)
    expected = model(**params).fit_chunks(full, labels=True)
    for stop_after in range(1, len(passes), 1 + len(passes) // 4):
        path.unlink(missing_ok=True)
        source, _ = stopping(X, stop_after)
        with pytest.raises(Stopped):
            model(**params).fit_chunks(source, checkpoint=path)
        assert path.exists()
        source, again = stopping(X, 10**9)
        assert_runs(model(**params).fit_chunks(source, labels=True, checkpoint=path), expected)
        assert (
            len(again) <= len(passes) - stop_after + 6
        )  # a survey; at most one iteration or one draw is lost
    source, again = stopping(X, 10**9)
    assert_runs(model(**params).fit_chunks(source, labels=True, checkpoint=path), expected)
    assert len(again) == 2  # a finished fit is only surveyed and labeled


def test_a_checkpoint_of_another_fit_raises(X, tmp_path):
    path = tmp_path / "state"
    model(max_iter=2).fit_chunks(X, checkpoint=path)
    with pytest.raises(ValueError, match="max_iter=2, not 3"):
        model(max_iter=3).fit_chunks(X, checkpoint=path)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="not a checkpoint"):
        model(max_iter=2).fit_chunks(X, checkpoint=path)


KILLED = """
import sys
import numpy as np
from ckmeans import KMeans
X = np.load("x.npy")
def chunks():
    for chunk in np.array_split(X, 10):
        yield chunk
        print("chunk", flush=True)
KMeans(6, random_state=3, n_init=1, max_iter=12, tol=0).fit_chunks(chunks, checkpoint="state")
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_process_loses_one_pass(X, tmp_path):
    np.save(tmp_path / "x.npy", X)
    environment = subprocess_environment()
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED], cwd=tmp_path, env=environment, stdout=subprocess.PIPE
    )
    for _ in range(10 * 18 + 5):  # in the middle of a pass
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert (tmp_path / "state").exists()
    fitted = model(n_init=1, tol=0).fit_chunks(X, labels=True, checkpoint=tmp_path / "state")
    assert_runs(fitted, model(n_init=1, tol=0).fit(X))


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_leaves_what_there_is(X):
    def chunks():
        for chunk in np.array_split(X, 10):
            yield chunk
            if fitting is not None and fitting.states[0].n_iter == 2 and not sent:
                sent.append(True)
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.1)

    fitting, sent = None, []
    from ckmeans._blocks import driver as _blockwise

    class Seen(_blockwise.Fit):
        def __init__(self, *args):
            nonlocal fitting
            super().__init__(*args)
            fitting = self

    estimator = model(n_init=1)
    original, _blockwise.Fit = _blockwise.Fit, Seen
    try:
        with pytest.raises(KeyboardInterrupt):
            estimator.fit_chunks(chunks)
    finally:
        _blockwise.Fit = original
    assert estimator.stop_reason_ == "interrupted" and estimator.n_iter_ == 2
    assert estimator.predict(X[:3]).shape == (3,)


# -- errors, time, memory --------------------------------------------------------------------------


def test_errors_name_the_row(X):
    bad = X.copy()
    bad[20_000, 3] = np.nan
    with pytest.raises(ValueError, match="NaN at row 20000, column 3"):
        model().fit_chunks(lambda: iter(np.array_split(bad, 7)))
    weights = np.ones(len(X))
    weights[25_000] = -1
    with pytest.raises(ValueError, match="negative weight, -1, at row 25000"):
        model().fit_chunks(lambda: iter(np.array_split(X, 7)), sample_weight=weights)
    with pytest.raises(ValueError, match="zero for every row"):
        model().fit_chunks(lambda: iter(np.array_split(X, 7)), sample_weight=0 * weights)


@pytest.mark.parametrize(
    "source, error, message",
    [
        (lambda: iter([]), ValueError, "no blocks"),
        (iter([]), TypeError, "once only"),
        ([], ValueError, "empty"),
        (3, TypeError, "a source of chunks is"),
        (lambda: 3, TypeError, "must return an iterator"),
        (lambda: iter([np.ones((3, 2)), np.ones((3, 4))]), ValueError, "columns"),
        (lambda: iter([np.ones((3, 2))]), ValueError, "n_samples=3 should be >= n_clusters=6"),
        ("nowhere.npy", FileNotFoundError, "nowhere.npy"),
        ("nowhere.parquet", FileNotFoundError, "nowhere.parquet"),
    ],
)
def test_bad_sources(source, error, message):
    with pytest.raises(error, match=message):
        model().fit_chunks(source)


@pytest.mark.parametrize("format_", ["csr", "csc", "coo"])
def test_sparse_rows_raise(format_):
    sparse = pytest.importorskip("scipy.sparse").random(50, 4, 0.5, format=format_)
    with pytest.raises(TypeError, match=f"source is a sparse {format_}_.*fit"):
        model().fit_chunks(sparse)
    for chunks in (lambda: iter([sparse]), [sparse]):
        with pytest.raises(TypeError, match=f"one is a sparse {format_}_.*toarray"):
            model().fit_chunks(chunks)


def test_what_needs_all_rows_raises(X):
    for name, value in (
        ("refine", "swap"),
        ("refine", ["swap", "hartigan-wong"]),
        ("history", True),
        ("metric", "cosine"),
        ("init", lambda *a, **k: None),
        ("init", "variance-partition"),
    ):
        with pytest.raises((TypeError, ValueError), match=name if name != "init" else "init"):
            model(**{name: value}).fit_chunks(X)


@pytest.mark.parametrize("init", ["sampled-k-means++", "variance-partition", "optimal"])
def test_inits_that_need_all_rows_are_named_before_any_row_is_read(init):
    def chunks():
        raise AssertionError("rows are read")

    with pytest.raises(ValueError, match=f"init='{re.escape(init)}' needs all rows in one array"):
        model(init=init).fit_chunks(chunks)
    with pytest.raises(ValueError, match="init must be one of 'auto', .* got 'kmeans'"):
        model(init="kmeans").fit_chunks(chunks)


@pytest.mark.parametrize("refine", ["auto", "best"])
@pytest.mark.parametrize("n_init", [1, 3])
def test_runs_over_chunks_are_refined_as_in_one_array(X, refine, n_init, tmp_path):
    weights = np.random.default_rng(0).random(len(X)) + 0.1
    whole = KMeans(15, n_init=n_init, refine=refine, random_state=3).fit(X, sample_weight=weights)
    chunked = KMeans(15, n_init=n_init, refine=refine, random_state=3)
    chunked.fit_chunks(
        [X[:300], X[300:]], sample_weight=weights, labels=True, checkpoint=tmp_path / "c.npz"
    )
    assert whole.inertia_ == chunked.inertia_ and whole.n_iter_ == chunked.n_iter_
    assert np.array_equal(whole.cluster_centers_, chunked.cluster_centers_)
    assert np.array_equal(whole.labels_, chunked.labels_)
    assert [run[:4] for run in whole.runs_] == [run[:4] for run in chunked.runs_]
    plain = KMeans(15, n_init=n_init, refine=None, random_state=3).fit(X, sample_weight=weights)
    assert whole.inertia_ < plain.inertia_


def test_given_centers_are_refined_over_chunks(X):
    init = X[:12]
    whole = KMeans(12, init=init, refine="auto", random_state=5).fit(X)
    chunked = KMeans(12, init=init, refine="auto", random_state=5).fit_chunks([X[:1], X[1:]])
    assert whole.inertia_ == chunked.inertia_
    assert np.array_equal(whole.cluster_centers_, chunked.cluster_centers_)


def test_a_source_that_changes_is_noticed(X):
    passes = []

    def chunks():
        passes.append(1)
        yield X[: 1000 - len(passes)]

    with pytest.raises(RuntimeError, match="rows in the first pass"):
        model().fit_chunks(chunks)


def test_time_limit(X):
    fitted = model(max_time=1e-9, tol=0, n_init=3).fit_chunks(X)
    assert fitted.stop_reason_ == "max_time" and fitted.n_iter_ == 1 and len(fitted.runs_) == 1


def test_a_callback_sees_what_that_of_a_fit_in_one_array_sees(X):
    def seen(model, fit):
        states = []

        def callback(state):
            states.append(
                (
                    state.run,
                    state.n_runs,
                    state.seed,
                    state.n_iter,
                    state.max_iter,
                    state.n_changed,
                    state.shift,
                    state.stop_reason,
                    state.last,
                    state.best_inertia,
                    state.centers.tobytes(),
                    state.centers.dtype,
                )
            )
            return state.n_iter == 9

        fit(model.set_params(callback=callback))
        return states, model

    def in_chunks(model):
        return model.fit_chunks(np.array_split(X, 7), labels=True)

    blocks, one = seen(model(n_init=1, tol=0), in_chunks)
    array, other = seen(model(n_init=1, tol=0), lambda model: model.fit(X))
    # (A fit in one array reads the callback's result after `last` was set.)
    assert blocks == array and one.stop_reason_ == other.stop_reason_ == "callback"
    assert_runs(one, other)
    with pytest.raises(AttributeError, match="predict gives"):
        model(callback=lambda state: state.labels).fit_chunks(X)
    with pytest.raises(AttributeError, match="another pass"):
        model(callback=lambda state: state.inertia).fit_chunks(X)
    blocks, several = seen(model(n_init=3, tol=0), in_chunks)
    assert (
        several.stop_reason_ == "callback"
        and [run.stop_reason for run in several.runs_] == ["callback"] * 3
    )
    assert {state[0] for state in blocks} == {0, 1, 2} and max(
        run.n_iter for run in several.runs_
    ) <= 10
    assert len(model(n_init=2, callback=lambda state: True).fit_chunks(X).runs_) == 2


def test_a_bar_of_iterations(X):
    pytest.importorskip("tqdm")
    from ckmeans.progress import ProgressBar

    file = io.StringIO()
    model(callback=ProgressBar(file=file, disable=False)).fit_chunks(X)
    assert "iteration 2, " in file.getvalue() and "labels changed" in file.getvalue()


def test_progress(X, capsys):
    pytest.importorskip("tqdm")
    model(verbose=1, n_init=1).fit_chunks(X, progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("pass 1: survey, ") and lines[0].endswith("million rows/s")
    assert any(line.startswith("pass ") and ": iteration 2, " in line for line in lines)


MEMORY = """
import ctypes, numpy as np, os, resource
from ckmeans import KMeans
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)              # no huge pages, which round up
X = np.lib.format.open_memmap({path!r}, "w+", np.float32, (3_000_000, 32))
part = np.random.default_rng(0).normal(size=(100_000, 32))
for start in range(0, len(X), 100_000):
    X[start : start + 100_000] = part + start % 7
del X
X = np.load({path!r}, mmap_mode="r")
KMeans(4, init=X[:4], max_iter=1, n_threads=1).fit(X[:1000])

def resident(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

open("/proc/self/clear_refs", "w").write("5")       # forget the peak
before = resident("VmRSS")
KMeans(8, init="random", n_init=1, max_iter=2, random_state=0, n_threads=2).fit(X)
print(X.nbytes, resident("VmHWM") - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux")
def test_peak_memory(tmp_path):
    source = MEMORY.format(path=str(tmp_path / "x.npy"))
    nbytes, extra = map(int, run_python(source, **STEADY_MEMORY).split())
    print(extra)
    assert nbytes > 380e6 and extra < 200e6


PARQUET_MEMORY = """
import ctypes, numpy as np, pyarrow as pa, pyarrow.dataset, pyarrow.parquet as pq
from ckmeans import KMeans
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)              # no huge pages, which round up
path, d, rows = {path!r}, 64, {rows}
rng = np.random.default_rng(0)
with pq.ParquetWriter(path, pa.schema([(f"x{{f}}", pa.float32()) for f in range(d)])) as writer:
    for _ in range(max(1, 600_000 // rows)):
        part = rng.standard_normal((rows, d), np.float32)
        columns = {{f"x{{f}}": part[:, f] for f in range(d)}}
        writer.write_table(pa.table(columns), row_group_size=rows)
pq.write_table(pa.table({{"a": np.arange(9.0)}}), path + ".small.parquet")
# what libraries take by themselves
KMeans(4, n_init=1, max_iter=1).fit_chunks(path + ".small.parquet", labels=True)
centers = part[:8].astype(float)
del part

def resident(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

pa.default_memory_pool().release_unused()
open("/proc/self/clear_refs", "w").write("5")       # forget the peak
before = resident("VmRSS")
KMeans(8, init=centers, max_iter=1, tol=0, n_threads=2).fit_chunks(path, labels=True)
print(resident("VmHWM") - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux")
@pytest.mark.parametrize("rows", [200_000, 900_000])
def test_peak_memory_of_parquet(rows, tmp_path):
    """Row groups that are read at once, and one of 230 MB."""
    pytest.importorskip("pyarrow")
    source = PARQUET_MEMORY.format(path=str(tmp_path / "x.parquet"), rows=rows)
    used = int(run_python(source, **STEADY_MEMORY))
    print(used)
    assert used < 190e6


@pytest.mark.parametrize("bytes_at_once, side_by_side", [(0, 24), (0, 0), (1 << 30, 24)])
def test_row_groups_are_read_at_once_or_in_batches(
    bytes_at_once, side_by_side, X, whole, tmp_path, small_blocks, monkeypatch
):
    monkeypatch.setattr(_parquet, "GROUP_BYTES", bytes_at_once)
    monkeypatch.setattr(_parquet, "SIDE_BY_SIDE", side_by_side)
    monkeypatch.setattr(_parquet, "COLUMNS", 2)
    monkeypatch.setattr(_reader, "IN_FLIGHT", bytes_at_once)
    assert_runs(model().fit_chunks(parquet_directory(X, tmp_path), labels=True), whole)
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    weights = np.arange(len(X)) % 3
    pq.write_table(
        pa.table({"w": weights, "a": X[:, 0], "b": X[:, 1].astype(np.float64), "c": weights}),
        tmp_path / "w.parquet",
    )
    assert_runs(
        model().fit_chunks(tmp_path / "w.parquet", sample_weight="w", labels=True),
        model().fit(np.column_stack([X[:, :2].astype(np.float64), weights]), sample_weight=weights),
    )
    pq.write_table(
        pa.table({"a": [1.0, None, 3.0], "b": [1.0, 2.0, 3.0]}), tmp_path / "null.parquet"
    )
    with pytest.raises(ValueError, match="first at row 1"):
        model(n_clusters=2).fit_chunks(tmp_path / "null.parquet")


@pytest.mark.parametrize(
    "change",
    [lambda X: X + 1, lambda X: X[:, :3], lambda X: np.r_[X, X], lambda X: X.astype(np.float32)],
)
def test_a_checkpoint_of_other_rows_is_refused(change, tmp_path):
    X = np.random.default_rng(0).random((500, 4))
    path = tmp_path / "checkpoint"
    ckmeans.KMeans(3, random_state=0).fit_chunks(X, checkpoint=path)
    with pytest.raises(ValueError, match="other rows"):
        ckmeans.KMeans(3, random_state=0).fit_chunks(change(X), checkpoint=path)


def test_a_checkpoint_tells_rows_of_the_same_ranges_apart(tmp_path):
    X = np.random.default_rng(0).random((500, 4))
    other, path = X.copy(), tmp_path / "checkpoint"
    other[np.argsort(X[:, 0])[250], 0] += 1e-9  # well inside
    assert np.array_equal(X.min(axis=0), other.min(axis=0)) and np.array_equal(
        X.max(axis=0), other.max(axis=0)
    )
    fitted = ckmeans.KMeans(3, random_state=0).fit_chunks(X, checkpoint=path)
    with pytest.raises(ValueError, match="other rows"):
        ckmeans.KMeans(3, random_state=0).fit_chunks(other, checkpoint=path)
    again = ckmeans.KMeans(3, random_state=0).fit_chunks(
        np.array_split(X, 7), checkpoint=tmp_path / "parts"
    )
    assert np.array_equal(fitted.cluster_centers_, again.cluster_centers_)
    weights = np.arange(1.0, 501)
    ckmeans.KMeans(3, random_state=0).fit_chunks(
        X, sample_weight=weights, checkpoint=tmp_path / "weighted"
    )
    weights[[100, 200]] = weights[[200, 100]]
    with pytest.raises(ValueError, match="other rows"):
        ckmeans.KMeans(3, random_state=0).fit_chunks(
            X, sample_weight=weights, checkpoint=tmp_path / "weighted"
        )


def test_an_iterator_that_is_exhausted():
    once = iter([np.arange(10.0)[:, None]])
    with pytest.raises(RuntimeError, match="new iterator"):
        ckmeans.KMeans(2, random_state=0).fit_chunks(lambda: once)


@pytest.mark.parametrize("algorithm", ckmeans._estimators.kmeans.ALGORITHMS)
def test_every_name_of_an_algorithm(algorithm):
    X = np.random.default_rng(0).normal(size=(300, 2))
    params = dict(n_clusters=3, init=X[:3], algorithm=algorithm)
    assert np.array_equal(
        KMeans(**params).fit_chunks([X[:100], X[100:]]).cluster_centers_,
        KMeans(**params).fit(X).cluster_centers_,
    )
