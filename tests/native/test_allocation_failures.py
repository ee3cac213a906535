"""Memory that is refused, wherever compiled code asks for it: a MemoryError, or the same result by
another way, and the next fit is as good as any.
"""

import shutil
import subprocess
import sys

import pytest
from checks import run_python

#: Stands before the C library's functions, for what the package's compiled modules ask for.
FAILING = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
static long left = -1; /* so many requests are granted yet; -1: all */

void grant(long count) { __atomic_store_n(&left, count, __ATOMIC_SEQ_CST); }
long granted_yet(void) { return __atomic_load_n(&left, __ATOMIC_SEQ_CST); }

static int refused(void *caller) {
    Dl_info info;
    if (granted_yet() < 0 || !dladdr(caller, &info) || !info.dli_fname
        || !strstr(info.dli_fname, "_native"))
        return 0;
    return __atomic_fetch_sub(&left, 1, __ATOMIC_SEQ_CST) == 0;
}
#define CALLER __builtin_return_address(0)
void *malloc(size_t size) { return refused(CALLER) ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return refused(CALLER) ? NULL : __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { return refused(CALLER) ? NULL : __libc_realloc(old, size); }
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *arg) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (refused(CALLER)) return EAGAIN;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, how, run, arg);
}
"""

PROGRAM = """
import ctypes, warnings
import numpy as np
from ckmeans import BisectingKMeans, FuzzyCMeans, KMeans, MiniBatchKMeans
from ckmeans._native import engine
engine.insist(True)
warnings.simplefilter("ignore")
library = ctypes.CDLL(None)
rng = np.random.default_rng(0)
X = rng.normal(size=(600, 3)) + 4 * rng.integers(3, size=(600, 1))
weights = rng.integers(1, 4, size=600).astype(float)
wide, gaps = rng.normal(size=(700, 70)), np.where(rng.random(X.shape) < 0.2, np.nan, X)
gaps[:, 0] = X[:, 0]
few = dict(n_clusters=3, random_state=0, max_iter=4, n_init=1, n_threads=2)
known = np.where(rng.random(600) < 0.1, rng.integers(3, size=600), -1)
FITS = {{
    "sizes": lambda: KMeans(**few, size_min=150, size_max=230).fit(X),
    "sizes of weights": lambda: KMeans(**few, size_max=weights.sum() / 2.9).fit(X, None, weights),
    "outliers": lambda: KMeans(**few, n_outliers=20).fit(X),
    "known labels": lambda: KMeans(**few).fit(X, labels_known=known),
    "medians": lambda: KMeans(**few, metric="manhattan").fit(X),
    "medians of weights": lambda: KMeans(**few, metric="manhattan").fit(X, None, weights),
    "gaps": lambda: KMeans(**few, missing="ignore").fit(gaps),
    "memberships": lambda: FuzzyCMeans(**few).fit(X),
    "scale": lambda: KMeans(**few, scale="robust").fit(X),
    "bytes": lambda: KMeans(**{{**few, "n_clusters": 40}}, algorithm="bytes").fit(wide),
    "default": lambda: KMeans(3, random_state=0, n_threads=2).fit(X[:100]),
    "one dimension": lambda: KMeans(3, n_threads=2).fit(X[:, :1]),
    "yinyang": lambda: KMeans(**few, algorithm="yinyang").fit(X),
    "boxes": lambda: KMeans(**few, algorithm="boxes").fit(X),
    "projected": lambda: KMeans(**few, algorithm="projected").fit(wide),
    "chunks": lambda: KMeans(**few).fit_chunks([X[:200], X[200:]]),
    "batches": lambda: MiniBatchKMeans(3, random_state=0, max_iter=2, n_threads=2).fit(X),
    "bisecting": lambda: BisectingKMeans(3, random_state=0, n_threads=2).fit(X),
}}
fit = FITS[{name!r}]
whole, refusals, others = fit(), 0, 0
while True:
    library.grant(refusals)
    try:
        model = fit()
        assert np.array_equal(model.cluster_centers_, whole.cluster_centers_)
        assert model.inertia_ == whole.inertia_
    except MemoryError:
        others += 1
    went_on = library.granted_yet() >= 0
    library.grant(-1)
    if went_on:
        break
    refusals += 1
again = fit()
assert np.array_equal(again.cluster_centers_, whole.cluster_centers_)
print(refusals, others)
"""

NAMES = [line.split('"')[1] for line in PROGRAM.splitlines() if '": lambda' in line]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler on Linux")
    folder = tmp_path_factory.mktemp("failing")
    (folder / "failing.c").write_text(FAILING)
    built = folder / "failing.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "failing.c", "-o", built, "-ldl"]
    if subprocess.run(command, cwd=folder, capture_output=True).returncode:
        pytest.skip("this C library cannot be stood before")
    return str(built)


@pytest.mark.parametrize("name", NAMES)
def test_memory_that_is_refused_at_any_place(library, name):
    refused, errors = map(int, run_python(PROGRAM.format(name=name), LD_PRELOAD=library).split())
    assert refused >= 10 and errors >= 5
