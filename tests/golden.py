"""Results that must not change when the engine is rewritten: a record of more than 200 fits.

A record holds, for each fit, a hash of its result (labels, centers, inertia, iterations), which is
the same on every machine, and for each instruction set a hash of the counters after every
iteration. Equal counters show that the engine took the same decisions on the way. They depend a
little on the compiler and on NumPy's linear algebra (`origin`), so only builds of the same origin
are compared by them.

    python tests/golden.py --check       compare the installed package with the record: results
                                         and, of the same origin, counters
    python tests/golden.py --write       write the record anew

`native/test_golden.py` checks the results. Before a change to code that takes decisions, write a
record; after each step, check.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

import ckmeans
from ckmeans import KMeans, _native
from ckmeans._blocks.driver import Fit
from ckmeans._blocks.resident import Block
from ckmeans._blocks.sources.arrays import ArrayEngine
from ckmeans._input.sparse import sparse_rows
from ckmeans._native.engine import ALGORITHMS, COMPILER, Data, Run, insist

RECORD = Path(__file__).with_name("golden.json")

insist(True)

# -- data ------------------------------------------------------------------------------------------
#    Whole numbers from a generator whose stream is frozen, and exact arithmetic: the same bits on
#    every machine.


def bell(random, *shape):
    """Nearly normally distributed numbers of mean 0 and variance 1/3."""
    return (random.randint(0, 1 << 20, (*shape, 4)).sum(axis=-1) - (1 << 21)) / (1 << 20)


def blobs(random, n, d, groups=40, spread=0.25):
    return 2 * bell(random, groups, d)[random.randint(0, groups, n)] + spread * bell(random, n, d)


def square(random, n, d):
    return random.randint(0, 1 << 20, (n, d)) / (1 << 20)


def slow(random, n, d):
    """So many overlapping clusters that centers settle slowly, and bounds pay."""
    far = random.randint(0, 8, (n, 1)) * random.randint(0, 8, (n, 1)) / 8
    return 2 * bell(random, 1000, d)[random.randint(0, 1000, n)] + bell(random, n, d) * far


def grid(random, n, d):
    return random.randint(-6, 7, (n, d)).astype(float)


def along_axes(random, n, d, latent=8):
    """Rows that differ along few axes."""
    groups = random.randint(-512, 512, (30, latent))
    rows = groups[random.randint(0, 30, n)] + random.randint(-128, 128, (n, latent))
    return (rows @ random.randint(-64, 64, (latent, d)) + random.randint(-64, 64, (n, d))) / 1024


def duplicates(random, n, d):
    return bell(random, 50, d)[random.randint(0, 50, n)]


def spiked(random, n, d):
    """One feature is so large that whole numbers hold few digits of the others."""
    X = bell(random, n, d)
    X[:, 0] += 1e4 * random.randint(-1, 2, n)
    return X


#: name -> (maker, n, d, k, iterations)
DATA = {
    "iris": (blobs, 150, 4, 3, 300),
    "line": (blobs, 6000, 1, 40, 30),
    "square": (square, 20_000, 2, 100, 25),
    "grid": (grid, 6000, 3, 60, 25),
    "blobs7": (blobs, 6000, 7, 60, 30),
    "wide20": (blobs, 4000, 20, 90, 40),
    "many16": (blobs, 16_000, 16, 64, 25),
    "duplicates": (duplicates, 6000, 12, 60, 20),
    "whole96": (bell, 2000, 96, 40, 15),
    "spiked96": (spiked, 1500, 96, 17, 15),
    "axes200": (along_axes, 6000, 200, 64, 20),
    "plain100": (bell, 8000, 100, 50, 8),
    "slow24": (slow, 16_000, 24, 128, 60),
    "tiny": (blobs, 5, 3, 2, 10),
}

#: variations; every data set and algorithm gets some of them
VARIANTS = [
    {},
    {"dtype": "f4", "n_threads": 3},
    {"weighted": True, "n_threads": 2},
    {"metric": "cosine"},
    {"packed": False, "n_threads": 2},
    {"dtype": "f4", "weighted": True, "order": "F"},
    {"restarts": 2},
    {"far": True, "tol": 1e-4},
    {"dtype": "i2", "packed": False},
    {"csr": True},
    {"csr": True, "dtype": "f4", "weighted": True, "n_threads": 2},
    {"csr": True, "metric": "cosine"},
]

BLOCKS = [
    {"engine": "in process"},
    {"engine": "in process", "weighted": True, "restarts": 2, "held_bytes": 300_000},
    {"engine": "in process", "dtype": "f4", "held_bytes": 600_000, "mapped": False},
    {"engine": "elsewhere", "n_threads": 3},
    {"engine": "staying", "dtype": "f4"},
]


def rows_of(name, dtype="f8", order="C", csr=False):
    make, n, d, k, _ = DATA[name]
    random = np.random.RandomState(sum(name.encode()))
    X = make(random, n, d)
    if csr:
        X = np.where(random.randint(0, 4, X.shape) == 0, X, 0)
    if dtype == "i2":
        X = np.rint(64 * X)
    X = np.asarray(X, dtype=dtype, order=order)
    return X, random


def starts(X, k, random, restarts=1, far=False):
    """Initial centers.

    `far`: two of them are equal, and one is far from all rows and soon empty.
    """
    for _ in range(restarts):
        centers = X[random.permutation(len(X))[:k]].astype(np.float64)
        if far and k > 2:
            centers[1] = centers[0]
            centers[2] = centers[0] + 1024 * (1 + np.abs(centers[0]))
        yield centers


def weights_of(n, random, weighted):
    return random.randint(0, 3, n).astype(float) if weighted else None


# -- fits ------------------------------------------------------------------------------------------


def in_memory(
    name,
    algorithm,
    dtype="f8",
    order="C",
    csr=False,
    weighted=False,
    metric="euclidean",
    n_threads=1,
    packed=True,
    restarts=1,
    far=False,
    tol=0.0,
):
    """Results, and the counters after each iteration."""
    k, max_iter = DATA[name][3:]
    X, random = rows_of(name, dtype, order, csr)
    weights = weights_of(len(X), random, weighted)
    data = Data(
        sparse_rows(_sparse(X), "X", lambda values, _: values) if csr else X,
        weights,
        n_threads,
        packed,
        unit=metric == "cosine",
    )
    results, counters = [], []
    for centers in starts(X, k, random, restarts, far):
        run = Run(data, centers, max_iter, tol, algorithm)
        more = True
        while more:
            more = run.iterate()
            counters.append((run.n_changed, *run.counters().values()))
        run.finish()
        counters.append((*run.counters().values(), run.along_axes))
        results += [
            run.labels(),
            run.result_centers(),
            run.inertia(),
            run.n_iter,
            run.counts(),
            run.stop_reason,
        ]
        results += [data.assign(run.centers()), data.distances(run.centers()[:3])]
    return results, counters


def _sparse(X):
    import scipy.sparse

    return scipy.sparse.csr_array(X)


class Elsewhere(ArrayEngine):
    """Blocks that are read one after the other, without keeping anything."""

    in_process = False

    def map(self, task, *broadcast):
        for index, (X, weights) in enumerate(self.blocks()):
            yield task(X, weights, index, *broadcast)


class Staying(ArrayEngine):
    """Resident blocks."""

    in_process, keeps, held = False, True, None

    def map(self, task, *broadcast):
        if self.held is None:
            self.held = [Block(X, weights) for X, weights in self.blocks()]
        for index, block in enumerate(self.held):
            yield block.run(task, index, *broadcast)


class Watch:
    """Records the engine's decisions after each pass."""

    def __init__(self, engine):
        self.engine, self.counters = engine, []

    def before(self, fit):
        pass

    def after(self, fit):
        if getattr(fit, "held", None) is not None:
            self.counters.append(
                [tuple(fit.held.state(i).values()) for i in range(len(fit.states))]
            )
        if getattr(self.engine, "held", None):
            self.counters.append(
                [
                    tuple(run.counters().values())
                    for block in self.engine.held
                    for run, _ in getattr(block.rows.kept, "runs", {}).values()
                ]
            )


def in_turn(name, algorithms):
    """Runs over the same data, each with another algorithm.

    Each begins with the packings that the earlier ones have left.
    """
    k, max_iter = DATA[name][3:]
    X, random = rows_of(name)
    data = Data(X, None, 2, True)
    results, counters = [], []
    for centers, algorithm in zip(starts(X, k, random, len(algorithms)), algorithms):
        run = Run(data, centers, max_iter, 0.0, algorithm)
        more = True
        while more:
            more = run.iterate()
            counters.append((run.along_axes, *run.counters().values()))
        run.finish()
        results += [run.labels(), run.result_centers(), run.inertia(), run.n_iter]
    return results, counters


def in_blocks(
    name,
    algorithm,
    engine,
    dtype="f8",
    weighted=False,
    n_threads=1,
    restarts=1,
    held_bytes=None,
    mapped=True,
):
    k, max_iter = DATA[name][3:]
    X, random = rows_of(name, dtype)
    weights = weights_of(len(X), random, weighted)
    model = KMeans(
        k, init=list(starts(X, k, random, restarts)), tol=0, max_iter=max_iter, algorithm=algorithm
    )
    engine = {"in process": ArrayEngine, "elsewhere": Elsewhere, "staying": Staying}[engine](
        X, weights, n_threads, sorted(random.randint(0, len(X), 3))
    )
    if held_bytes is not None:
        engine.held_bytes, engine.mapped = held_bytes, mapped
    watch = Watch(engine)
    labels = np.full(len(X), -1, np.int32)

    def sink(start, found):
        labels[start : start + len(found)] = found

    best, runs = Fit(engine, model, sink if engine.in_process else None, watch=watch).solve()
    return [
        labels,
        best.centers,
        best.inertia,
        best.n_iter,
        best.counts,
        best.stop_reason,
        [run[1:4] for run in runs],
    ], watch.counters


def drawn(init, name, dtype="f8", weighted=False, csr=False, metric="euclidean", packed=True):
    """Initial centers, by name."""
    X, random = rows_of(name, dtype, csr=csr)
    model = KMeans(
        DATA[name][3], init=init, n_init=2, max_iter=3, random_state=7, metric=metric, n_threads=2
    )
    model.fit(_sparse(X) if csr else X, sample_weight=weights_of(len(X), random, weighted))
    return [
        model.labels_,
        model.cluster_centers_,
        model.inertia_,
        [run[:4] for run in model.runs_],
    ], []


def cases():
    """name -> function, in the order of the record."""
    for i, name in enumerate(DATA):
        for j, algorithm in enumerate(ALGORITHMS):
            n_dense = sum(not variant.get("csr") for variant in VARIANTS)
            chosen = {(2 * i + j + step) % n_dense for step in (0, 4)} | {
                n_dense + (i + j) % (len(VARIANTS) - n_dense)
            }
            for v in sorted(chosen):
                if (
                    VARIANTS[v].get("csr")
                    and name in ("axes200", "square", "plain100")
                    and algorithm not in ("auto", "lloyd")
                ):
                    continue
                yield (
                    f"{name} {algorithm} {_words(VARIANTS[v])}",
                    in_memory,
                    (name, algorithm),
                    VARIANTS[v],
                )
    for name in ("blobs7", "many16", "slow24", "whole96", "axes200"):
        there_and_back = (*ALGORITHMS, *reversed(ALGORITHMS))
        yield f"{name} algorithms in turn", in_turn, (name, there_and_back), {}
    for i, name in enumerate(("square", "blobs7", "wide20", "many16", "whole96", "slow24")):
        for j, algorithm in enumerate(ALGORITHMS):
            variant = BLOCKS[(i + j) % len(BLOCKS)]
            yield f"{name} {algorithm} {_words(variant)}", in_blocks, (name, algorithm), variant
    for i, init in enumerate(
        ("k-means++", "k-means||", "random", "random-partition", "variance-partition")
    ):
        for variant in ({}, {"weighted": True, "dtype": "f4"}, {"csr": True}, {"metric": "cosine"}):
            yield (
                f"{init} {_words(variant)}",
                drawn,
                (init, ("blobs7", "wide20", "grid")[i % 3]),
                variant,
            )


def _words(variant):
    return " ".join(f"{key}={value}" for key, value in variant.items()) or "plain"


def _hash(things):
    digest = hashlib.sha256()

    def add(thing):
        if isinstance(thing, np.ndarray):
            digest.update(f"{thing.dtype.str}{thing.shape}".encode())
            digest.update(
                np.ascontiguousarray(thing + 0 if thing.dtype.kind == "f" else thing).tobytes()
            )
        elif isinstance(thing, (list, tuple)):
            digest.update(b"(")
            for each in thing:
                add(each)
            digest.update(b")")
        else:
            digest.update(
                repr(thing.item() if isinstance(thing, np.generic) else thing).encode() + b","
            )

    add(things)
    return digest.hexdigest()[:12]


def run(wanted="", every=1):
    """(name, hash of the results, hash of the counters) of each case with `wanted` in its name, or
    of one in `every`.
    """
    for i, (name, do, given, variant) in enumerate(cases()):
        if wanted in name and i % every == 0:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
                results, counters = do(*given, **variant)
            yield name, _hash(results), _hash(counters)


def origin():
    """What counters depend on besides the engine.

    The compiler, and how NumPy multiplies matrices.
    """
    random = np.random.RandomState(0)
    a, b = random.random_sample((2, 40, 40))
    return _hash([COMPILER, a @ b, np.einsum("ij,ij->i", a, b), np.einsum("ij,j->i", a, b[0])])


def read():
    return json.loads(RECORD.read_text(encoding="utf-8"))


def _each_instruction_set():
    for isa in _native.available:
        done = subprocess.run(
            [sys.executable, __file__, "--print"],
            env={**os.environ, "CKMEANS_ISA": isa},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        yield isa, json.loads(done.stdout)


def write():
    """Write the record, of all instruction sets that this machine has."""
    record = {"origin": origin(), "results": {}, "counters": {}}
    for isa, found in _each_instruction_set():
        record["counters"][isa] = "".join(counters[:4] for _, _, counters in found)
        for name, results, _ in found:
            if record["results"].setdefault(name, results) != results:
                raise AssertionError(f"{isa} gives other results: {name}")
    RECORD.write_text(json.dumps(record, indent=0) + "\n", encoding="utf-8")


def check():
    """Print the differences from the record; returns their number."""
    record, differ = read(), 0
    same_origin = record["origin"] == origin()
    if not same_origin:
        print("another compiler or NumPy than the record's: counters are not compared")
    for isa, found in _each_instruction_set():
        names = [name for name, _, _ in found]
        if names != list(record["results"]):
            raise SystemExit("the record has other cases: write it anew, from the code before")
        counted = record["counters"].get(isa, "")
        for i, (name, results, counters) in enumerate(found):
            wrong = ["results"] * (results != record["results"][name])
            wrong += ["counters"] * (
                same_origin and counted != "" and counted[4 * i : 4 * i + 4] != counters[:4]
            )
            differ += len(wrong)
            if wrong:
                print(f"{isa}: {name}: other {' and '.join(wrong)}")
    print(f"{differ} differences")
    return differ


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    for option in ("--check", "--write", "--print"):
        what.add_argument(option, action="store_true")
    args = parser.parse_args()
    if args.print:
        json.dump(list(run()), sys.stdout)
    elif args.write:
        write()
    else:
        sys.exit(bool(check()))
