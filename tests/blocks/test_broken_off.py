"""Fits of chunks that are interrupted, and files that are changed, damaged or left behind."""

import gc
import io
import json
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest
from checks import PATIENCE, assert_same, subprocess_environment

import ckmeans
from ckmeans import KMeans
from ckmeans._blocks.sources import arrays as _arrays
from ckmeans._blocks.sources import local as _local
from ckmeans._input.archives import digest
from ckmeans._output import files as _files

X = np.random.default_rng(0).normal(size=(600, 3)) + 5 * np.random.default_rng(1).integers(
    3, size=(600, 1)
)
OURS = (
    *(f"_blocks/sources/{name}.py" for name in ("arrays", "chunks", "label_sinks", "local")),
    *(f"_blocks/sources/{name}.py" for name in ("pages", "parquet", "reader", "slices")),
    "_estimators/chunk_fits.py",
    "_blocks/driver.py",
)


def model(**params):
    return KMeans(**{"n_clusters": 3, "random_state": 0, "n_init": 1, "max_iter": 3, **params})


def chunks():
    yield from np.array_split(X, 3)


def readers():
    return [
        thread
        for thread in threading.enumerate()
        if thread.name == "ckmeans-reader" and thread.is_alive()
    ]


def assert_no_readers():
    """Threads may take a moment to notice that they should end."""
    until = time.monotonic() + PATIENCE
    while readers() and time.monotonic() < until:
        time.sleep(0.01)
    assert not readers()


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(_local, "BLOCK_BYTES", 4800)
    monkeypatch.setattr(_arrays, "ARRAY_BLOCKS", 1)


def mapped(folder):
    np.save(folder / "x.npy", X)
    return np.load(folder / "x.npy", mmap_mode="r")


SOURCES = {
    "function": lambda folder: chunks,
    "mapped": mapped,
    "files": lambda folder: [mapped(folder).filename] * 2,
}


# -- threads end -----------------------------------------------------------------------------------


class Interrupt:
    """Raises KeyboardInterrupt before bytecode number `at` of the code for chunks."""

    def __init__(self, at):
        self.at, self.count = at, 0

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.endswith(OURS):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.count += 1
            if self.count == self.at:
                raise KeyboardInterrupt
        return self


def interrupted(source, at):
    """Fit with an interrupt; returns the exception, whose traceback refers to all objects of the
    fit, and the number of bytecodes.
    """
    tracer, before = Interrupt(at), sys.gettrace()
    gc.collect()  # objects of earlier fits must not be finalized, and counted, here
    sys.settrace(tracer)
    try:
        model().fit_chunks(source)
    except KeyboardInterrupt as error:
        return error, tracer.count
    finally:
        sys.settrace(before)
    return None, tracer.count


@pytest.mark.parametrize("kind", SOURCES)
def test_an_interrupt_at_any_moment_ends_the_threads(kind, tmp_path, small_blocks):
    source = SOURCES[kind](tmp_path)
    _, count = interrupted(source, 0)
    moments = np.unique(np.linspace(1, count, 13).astype(int))
    hit = 0
    for at in moments.tolist():
        error, _ = interrupted(source, at)
        hit += error is not None
        assert_no_readers()  # while `error` is held
    assert hit > 10


class Alarm(Exception):
    """An exception that a user's signal handler raises."""


ALARMS = [Alarm("an alarm"), TimeoutError("an alarm"), KeyboardInterrupt("an alarm")]


@pytest.mark.parametrize(
    "alarm", [*ALARMS, KeyError("an alarm")], ids=lambda end: type(end).__name__
)
@pytest.mark.parametrize("kind", SOURCES)
def test_what_a_handler_raises_as_a_thread_starts(kind, alarm, tmp_path, small_blocks, monkeypatch):
    source = SOURCES[kind](tmp_path)
    names = ("_start_joinable_thread", "_start_new_thread")  # since Python 3.13, and before
    name = next(name for name in names if hasattr(threading, name))
    begin = getattr(threading, name)

    def starting():
        return any(thread.name == "ckmeans-reader" for thread in list(threading._limbo))

    def begin_and_raise(*arguments, **options):
        ours = starting()
        result = begin(*arguments, **options)
        if ours:
            while starting():
                time.sleep(0.001)
            raise alarm
        return result

    monkeypatch.setattr(threading, name, begin_and_raise)
    with pytest.raises(type(alarm)) as caught:
        model().fit_chunks(source)
    assert caught.value is alarm
    monkeypatch.undo()
    assert_no_readers()


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda end: type(end).__name__)
@pytest.mark.parametrize("what", ["model", "checkpoint", "rows"])
def test_what_a_handler_raises_is_not_a_damaged_file(what, alarm, tmp_path, monkeypatch):
    path = tmp_path / "file.npy"
    if what == "model":
        model().fit(X).save(path)
    elif what == "checkpoint":
        model().fit_chunks(chunks, checkpoint=path)
    else:
        np.save(path, X)

    def interrupted(*arguments, **options):
        raise alarm

    monkeypatch.setattr(
        np if what == "rows" else zipfile.ZipFile,
        *{"rows": ("load", interrupted)}.get(what, ("open", interrupted)),
    )
    with pytest.raises(type(alarm)) as caught:
        if what == "model":
            ckmeans.load(path)
        elif what == "checkpoint":
            model().fit_chunks(chunks, checkpoint=path)
        else:
            model().fit_chunks(path)
    assert caught.value is alarm


@pytest.mark.parametrize(
    "kind", ["source", "callback", "cut", "max_time", "closed", "dropped", "kept", "score"]
)
def test_any_other_end_ends_the_threads(kind, small_blocks):
    def failing():
        yield X[:200]
        yield X[200:400]
        raise LookupError("the source is broken")

    held = []
    if kind == "source":
        with pytest.raises(LookupError, match="broken") as caught:
            model().fit_chunks(failing)
        held.append(caught)
    elif kind == "callback":
        model(callback=lambda state: True).fit_chunks(chunks)
    elif kind == "cut":

        def end(state):
            raise LookupError

        with pytest.raises(LookupError) as caught:
            model(callback=end).fit_chunks(chunks)
        held.append(caught)
    elif kind == "max_time":
        model(max_time=1e-9).fit_chunks(chunks)
    else:
        fitted = model().fit_chunks(chunks)
        if kind == "score":
            with pytest.raises(ValueError, match="features") as caught:
                fitted.score_chunks(lambda: iter([X[:, :2]] * 20))
            held.append(caught)
        else:
            labels = fitted.predict_chunks(chunks)
            next(labels)
            if kind == "closed":
                labels.close()
            elif kind == "dropped":
                del labels
            else:
                fitted.predict(X)
                assert [len(part) for part in labels] == [200, 200]
    gc.collect()
    assert_no_readers()


def test_a_source_is_closed_in_the_thread_that_opened_it():
    seen = []

    def source():
        seen.append(threading.get_ident())
        try:
            yield from np.array_split(X, 30)
        finally:
            seen.append(threading.get_ident())

    labels = model().fit(X).predict_chunks(source)
    next(labels)
    labels.close()
    assert len(seen) == 2 and len(set(seen)) == 1 and seen[0] != threading.get_ident()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers of POSIX")
def test_a_fit_in_a_signal_handler_changes_no_draw():
    data = np.random.default_rng(5).normal(size=(4000, 4))
    inits = ["k-means++", "random", "random-partition", "k-means||"]
    expected = [
        KMeans(40, init=init, n_init=4, max_iter=2, random_state=3).fit(data) for init in inits
    ]
    chunked = model(init="k-means++", n_clusters=8).fit_chunks(chunks)
    inner, running = [], []

    def handler(*_):
        if running:
            return
        running.append(True)
        try:
            inner.append(KMeans(3, n_init=2, max_iter=1, random_state=len(inner)).fit(X[:40]))
            inner.append(
                model(n_clusters=8, random_state=len(inner), max_iter=1).fit_chunks(
                    lambda: iter([X[:40]])
                )
            )
        finally:
            running.clear()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.01)
    try:
        for _ in range(3):
            for init, one in zip(inits, expected):
                assert_same(
                    KMeans(40, init=init, n_init=4, max_iter=2, random_state=3).fit(data), one
                )
            again = model(init="k-means++", n_clusters=8).fit_chunks(chunks)
            assert again.cluster_centers_.tobytes() == chunked.cluster_centers_.tobytes()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert inner
    assert_no_readers()


def test_generators_on_loan_are_each_their_own():
    check = ckmeans._input.checks
    with check.seeded(7) as one:
        first = one.random_sample()
        with check.seeded(7) as other:
            assert other is not one and other.random_sample() == first
        rest = one.random_sample(3)
    assert np.array_equal(np.random.RandomState(7).random_sample(4), [first, *rest])


# -- the caller's data -----------------------------------------------------------------------------


def anonymous(flags, folder):
    return np.frombuffer(mmap.mmap(-1, X.nbytes, flags=flags), X.dtype).reshape(X.shape)


def of_file(access, folder):
    np.save(folder / "x.npy", np.zeros_like(X))
    with open(folder / "x.npy", "r+b") as file:
        map_ = mmap.mmap(file.fileno(), 0, access=access)
    return np.frombuffer(map_, X.dtype, X.size, len(map_) - X.nbytes).reshape(X.shape)


def memmap(mode, folder):
    np.save(folder / "x.npy", np.zeros_like(X))
    return np.load(folder / "x.npy", mmap_mode=mode)


def deleted(folder):
    array = memmap("r+", folder)
    os.remove(folder / "x.npy")
    return array


def shared(folder):
    from multiprocessing.shared_memory import SharedMemory

    memory = SharedMemory(create=True, size=X.nbytes)
    array = np.ndarray(X.shape, X.dtype, buffer=memory.buf)
    array_of[id(array)] = memory  # closed by the test
    return array


def torch_tensor(folder):
    return (
        pytest.importorskip("torch")
        .empty(X.shape, dtype=pytest.importorskip("torch").float64)
        .numpy()
    )


def arrow_buffer(folder):
    buffer = pytest.importorskip("pyarrow").allocate_buffer(X.nbytes)
    return np.frombuffer(buffer, X.dtype).reshape(X.shape)


array_of = {}
MAPS = {
    "private": lambda folder: anonymous(mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, folder),
    "shared anonymous": lambda folder: anonymous(mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, folder),
    "copy": lambda folder: of_file(mmap.ACCESS_COPY, folder),
    "write": lambda folder: of_file(mmap.ACCESS_WRITE, folder),
    "memmap c": lambda folder: memmap("c", folder),
    "memmap r+": lambda folder: memmap("r+", folder),
    "view of memmap c": lambda folder: np.asarray(memmap("c", folder)).view(np.ndarray),
    "memmap of a deleted file": deleted,
    "shared memory": shared,
    "torch": torch_tensor,
    "arrow": arrow_buffer,
}


@pytest.mark.skipif(not hasattr(mmap, "MAP_ANONYMOUS"), reason="maps of POSIX")
@pytest.mark.parametrize("part", ["whole", "slice", "columns", "reversed"])
@pytest.mark.parametrize("kind", MAPS)
def test_no_page_of_the_callers_is_wiped(kind, part, tmp_path, small_blocks, monkeypatch):
    monkeypatch.setattr(ckmeans._estimators.chunk_fits, "MAPPED_LIMIT", 0)
    array = MAPS[kind](tmp_path)
    array[...] = X
    rows = {
        "whole": array,
        "slice": array[100:500:2],
        "columns": array[:, :2],
        "reversed": array[::-1],
    }[part]
    expected = rows.copy()
    whole = model().fit(np.ascontiguousarray(expected))
    for fitted in (
        model().fit_chunks(rows, labels=True),
        model().fit_chunks([rows], labels=True),
        model().fit(rows),
    ):
        assert np.array_equal(rows, expected) and np.array_equal(array, X)
        assert_same(fitted, whole)
    del rows, expected
    if id(array) in array_of:
        memory = array_of.pop(id(array))
        del array
        gc.collect()
        memory.unlink()


def test_labels_in_the_callers_map_stay(tmp_path, small_blocks):
    expected = model().fit(X).labels_
    for mode in "r+", "c":
        np.save(tmp_path / "labels.npy", np.zeros(len(X), np.int32))
        labels = np.load(tmp_path / "labels.npy", mmap_mode=mode)
        model().fit_chunks(X, labels=labels)
        assert np.array_equal(labels, expected)
    if hasattr(mmap, "MAP_ANONYMOUS"):
        labels = np.frombuffer(
            mmap.mmap(-1, 4 * len(X), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), np.int32
        )
        model().fit_chunks(X, labels=labels)
        assert np.array_equal(labels, expected)


# -- files that change -----------------------------------------------------------------------------

CUT = """
import os, sys
import numpy as np
from ckmeans import KMeans
from ckmeans._blocks.sources import arrays, local
local.BLOCK_BYTES, arrays.ARRAY_BLOCKS = 1 << 16, 1
def cut(state):
    os.truncate("x.npy", 100_000)
if sys.argv[1] == "path":
    source = "x.npy"
elif sys.argv[1] == "list":
    source = ["x.npy"]
else:
    source = np.load("x.npy", mmap_mode="r")
try:
    KMeans(3, n_init=1, random_state=0, callback=cut, tol=0).fit_chunks(source)
except (OSError, ValueError) as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="maps of POSIX")
@pytest.mark.parametrize("kind", ["path", "list", "array"])
def test_a_file_that_is_cut_short_is_an_error(kind, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(100_000, 4)))
    done = subprocess.run(
        [sys.executable, "-c", CUT, kind],
        cwd=tmp_path,
        env=subprocess_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert "cut short" in done.stdout and "x.npy" in done.stdout
    assert "100000 now" in done.stdout or kind == "list"  # a list is opened anew in each pass


def test_a_file_that_is_written_to_is_warned_of(tmp_path, small_blocks):
    source = mapped(tmp_path)
    times = []

    def write(state):
        times.append(state.n_iter)
        os.utime(tmp_path / "x.npy", ns=(0, len(times)))

    with pytest.warns(UserWarning, match="x.npy was written to while it was read"):
        model(callback=write, tol=0).fit_chunks(source)
    assert times


@pytest.mark.parametrize("weighted", [False, True])
def test_values_that_change_between_passes_are_noticed(weighted, monkeypatch):
    monkeypatch.setattr(ckmeans._blocks.driver, "LABELS_LIMIT", 0)  # all sums are computed again
    passes = []

    def source():
        passes.append(1)
        rows, weights = X.copy(), np.ones(len(X))
        if len(passes) > 4:
            if weighted:
                weights[7] = 0.5
            else:
                rows[7, 1] = rows[8, 1]  # within the range
        yield from ((rows, weights),) if weighted else (rows,)

    with pytest.raises(
        RuntimeError, match="the sum of (column 1|column 0|the weights) was .* and is .* now"
    ):
        model(init=X[:3], max_iter=50, tol=0).fit_chunks(source)


# -- files left behind -----------------------------------------------------------------------------

KILLED = """
import os, signal, sys
import numpy as np
from ckmeans import KMeans
X = np.random.default_rng(0).normal(size=(500, 2))
if sys.argv[1] == "checkpoint":
    original = np.savez
    def savez(file, **arrays):
        original(file, **arrays)
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    np.savez = savez
    KMeans(3, random_state=0).fit_chunks(X, checkpoint="state")
else:
    model = KMeans(3, random_state=0, callback=lambda state: os.kill(os.getpid(), signal.SIGKILL))
    model.fit_chunks(X, labels="state")
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
@pytest.mark.parametrize("kind", ["checkpoint", "labels"])
def test_what_a_killed_fit_left_is_swept_by_the_next(kind, tmp_path):
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", KILLED, kind], cwd=tmp_path, env=subprocess_environment()
        )
    assert len(list(tmp_path.glob("state.*.part"))) >= 1
    names = [
        "state.12-0123456.part",
        "state.x-01234567.part",
        "other.12-01234567.part",
        "state.12-01234567.part.txt",
    ]
    for name in names:  # not ours
        (tmp_path / name).write_bytes(b"x")
    model().fit_chunks(X, **{kind: tmp_path / "state"})
    names[3:3] = ["state"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


@pytest.mark.skipif(_files.fcntl is None, reason="needs locks of POSIX")
def test_what_is_being_written_is_not_swept(tmp_path):
    path = str(tmp_path / "state[1]")
    with _files.write_atomically(path) as file:
        file.write(b"long")
        file.flush()
        with _files.write_atomically(path) as other:
            other.write(b"short")
        assert len(list(tmp_path.glob("*.part"))) == 1
    assert open(path, "rb").read() == b"long" and len(list(tmp_path.iterdir())) == 1


# -- checkpoints -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "state"
    ours = model(n_init=2, init="k-means++").fit_chunks(chunks, checkpoint=path)
    return path.read_bytes(), ours


def test_one_flipped_bit_anywhere_is_told_or_harmless(checkpoint, tmp_path):
    content, expected = checkpoint
    path, told = tmp_path / "state", 0
    for at in range(0, 8 * len(content), 211):
        damaged = bytearray(content)
        damaged[at // 8] ^= 1 << at % 8
        path.write_bytes(damaged)
        try:
            found = ckmeans._blocks.checkpoint.read(path)
        except ValueError as error:
            assert str(path) in str(error) and "remove it, or pass another path" in str(error)
            told += 1
        else:
            assert found[0] is not None
    assert told > 100
    for length in range(0, len(content), 997):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="remove it, or pass another path"):
            ckmeans._blocks.checkpoint.read(path)


def edited(content, path, header=(), checksum=True, **arrays):
    with np.load(io.BytesIO(content)) as archive:
        members = {name: archive[name] for name in archive.files}
    facts = {**json.loads(members.pop("ckmeans").item()), **dict(header)}
    members.update(arrays)
    members = {name: array for name, array in members.items() if array is not None}
    facts.pop("checksum")
    if checksum:
        facts["checksum"] = digest(facts, members)
    else:
        facts["checksum"] = json.loads(np.load(io.BytesIO(content))["ckmeans"].item())["checksum"]
    with open(path, "wb") as file:
        np.savez(file, ckmeans=np.array(json.dumps(facts).encode()), **members)


def test_a_checkpoint_as_it_is_goes_on(checkpoint, tmp_path):
    content, expected = checkpoint
    edited(content, tmp_path / "state")
    again = model(n_init=2, init="k-means++").fit_chunks(chunks, checkpoint=tmp_path / "state")
    assert (
        again.cluster_centers_.tobytes() == expected.cluster_centers_.tobytes()
        and again.inertia_ == expected.inertia_
    )


@pytest.mark.parametrize(
    "change",
    [
        dict(centers_0=np.zeros((3, 2))),
        dict(centers_0=np.zeros((4, 3))),
        dict(centers_0=np.zeros((3, 3), np.float32)),
        dict(centers_0=np.full((3, 3), np.nan)),
        dict(centers_1=np.full((3, 3), np.inf)),
        dict(centers_0=None),
        dict(centers_7=np.zeros((3, 3))),
        dict(low=np.zeros(2)),
        dict(high=None),
        dict(counts_0=np.zeros(3)),
        dict(starts=np.array([0, 5])),
        dict(starts=np.array([0, 600, 300, 600])),
        dict(names=np.zeros(3)),
        dict(other=np.zeros(3)),
        dict(header={"states": []}),
        dict(header={"survey": [600]}),
        dict(header={"states": 3}),
        dict(header={"survey": [600, "O", False, 1.0, 1.0]}),
        dict(header={"version": 2}),
        dict(header={"format": "x"}),
        dict(header={"asked": {}}),
        dict(checksum=False, centers_0=np.ones((3, 3))),
        dict(checksum=False, header={"passes": 3}),
        dict(centers_0=np.array([[None] * 3] * 3, dtype=object)),
    ],
)
def test_contents_edited_by_hand_are_told(change, checkpoint, tmp_path):
    path = tmp_path / "state"
    if any(isinstance(one, np.ndarray) and one.dtype == object for one in change.values()):
        edited(checkpoint[0], path, checksum=False, **change)
    else:
        edited(checkpoint[0], path, **change)
    with pytest.raises(ValueError, match="remove it, or pass another path"):
        model(n_init=2, init="k-means++").fit_chunks(chunks, checkpoint=path)


def test_a_checkpoint_is_not_unfolded(tmp_path):
    path = tmp_path / "state"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ckmeans.npy", b"\0" * (1 << 26))
    with pytest.raises(ValueError, match="compressed"):
        model().fit_chunks(chunks, checkpoint=path)
