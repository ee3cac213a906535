"""Many fits: one after the other, at the same time, in threads and processes; and random use, valid
and invalid.
"""

import ctypes
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import fuzz
import numpy as np
import pytest
from checks import PATIENCE, STEADY_MEMORY, assert_same, run_python

import ckmeans
from ckmeans import KMeans


def fit(task):
    rows = np.random.default_rng(task % 7).normal(size=(300 + 5000 * (task % 3), 3))
    return KMeans(5, n_init=2, random_state=task % 11, max_iter=10).fit(rows)


def fit_and_send(task):
    model = fit(task)
    return model.inertia_, model.labels_.tobytes(), model.cluster_centers_.tobytes()


def fit_with_others(task, ready, results):
    ready.wait(PATIENCE)
    results.put((task, fit_and_send(task)))


def test_a_hundred_fits_at_once():
    alone = [fit(task) for task in range(100)]
    with ThreadPoolExecutor(100) as pool:
        for one, other in zip(alone, pool.map(fit, range(100))):
            assert_same(one, other)


@pytest.mark.parametrize(
    "method, count",
    [
        (method, count)
        for method, count in [("fork", 100), ("forkserver", 8), ("spawn", 8)]
        if method in multiprocessing.get_all_start_methods()
    ],
)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fits_in_as_many_processes_at_once(method, count):
    """All begin together. Processes that are not forked import everything again, so there are fewer
    of them.
    """
    alone = {
        task: fit_and_send(task) for task in range(count)
    }  # in our own threads, which run when the others begin
    context = multiprocessing.get_context(method)
    ready, results = context.Barrier(count), context.Queue()
    processes = [
        context.Process(target=fit_with_others, args=(task, ready, results), daemon=True)
        for task in range(count)
    ]
    for process in processes:
        process.start()
    together = dict(results.get(timeout=PATIENCE) for _ in processes)
    for process in processes:
        process.join(PATIENCE)
    assert [process.exitcode for process in processes] == [0] * count
    assert together == alone


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None) if os.name == "posix" else None, "mallinfo2"),
    reason="asks the allocator of glibc 2.33 or later: run it on a newer Linux",
)
def test_memory_does_not_grow_over_ten_thousand_fits():
    """By the bytes that are allocated, of Python's objects, too: they depend neither on pages and
    holes between them nor on what else the machine does.
    """
    source = """
import ctypes, gc, warnings
import numpy as np
from ckmeans import KMeans, MiniBatchKMeans, BisectingKMeans
from ckmeans._estimators.kmeans import ALGORITHMS
try:
    from scipy.sparse import csr_array
except ImportError:
    csr_array = np.array
warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(200, 4))
small, big = X[:40], np.random.default_rng(1).normal(size=(20_000, 4))
rare = csr_array(np.where(X > 1, X, 0))
class Info(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]
def memory():
    gc.collect()
    info = ctypes.CDLL(None).mallinfo2
    info.restype = Info
    found = info()
    return found.uordblks + found.hblkhd
def fits(count):
    for i in range(count):
        model = KMeans(3, n_init=1, random_state=i, max_iter=5).fit(small)
        if i % 10 == 0:
            model.predict(X), model.transform(X), model.score(X), list(model.iter_fit(small))
            BisectingKMeans(3, random_state=i).fit(small)
            MiniBatchKMeans(3, random_state=i, max_iter=2).fit(small)
            KMeans(3, random_state=i, metric="cosine").fit(small)
            KMeans(3, random_state=i).fit(small[:, :1])
            KMeans(3, random_state=i).fit(rare).predict(rare)
        if i % 100 == 0:
            KMeans(5, init="k-means||", random_state=i, refine="auto").fit(X)
            MiniBatchKMeans(3, random_state=i, max_iter=2).fit(rare)
        if i % 500 == 0:
            for algorithm in ALGORITHMS:
                model = KMeans(8, n_init=1, random_state=i, max_iter=8, algorithm=algorithm)
                model.set_params(n_threads=2).fit(big)
        if i % 50 == 0:
            try:
                KMeans(3).fit(np.full((3, 2), np.nan))
            except ValueError:
                pass
fits(2000)
before = memory()
fits(10_000)
print(memory() - before)
"""
    grown = int(run_python(source, **STEADY_MEMORY, PYTHONMALLOC="malloc"))
    print(grown)
    assert grown < 200_000


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_any_kind_of_use(target):
    for number in range(30 * fuzz.TARGETS[target][1]):
        try:
            fuzz.quietly(target, number)
        except BaseException as error:
            error.add_note(f"python tests/fuzz.py --case {target}:{number}") if hasattr(
                error, "add_note"
            ) else None
            raise


@pytest.mark.parametrize(
    "path", [path.relative_to(fuzz.CASES) for path in sorted(fuzz.CASES.glob("*/*"))], ids=str
)
def test_files_that_were_read_wrongly_once(path):
    read, _, _ = fuzz.OF_BYTES[path.parent.name]
    read((fuzz.CASES / path).read_bytes())


@pytest.mark.parametrize("target", fuzz.OF_BYTES)
def test_most_bytes_to_begin_with_are_read(target, monkeypatch):
    """Otherwise the targets of bytes would only reach the first check."""
    read, done = {"models": (ckmeans.load, 0), "tables": (fuzz.read_table, 0)}[target]

    def counted(path, **options):
        nonlocal done
        result = read(path, **options)
        done += 1
        return result

    monkeypatch.setattr(
        *{"models": (ckmeans, "load"), "tables": (fuzz, "read_table")}[target], counted
    )
    for number in range(40):
        with fuzz.quiet():
            fuzz.OF_BYTES[target][0](fuzz.OF_BYTES[target][1](np.random.default_rng(number)))
    assert done >= 15
