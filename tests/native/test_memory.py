"""Extra memory of a fit, measured as the growth of the peak memory of a new process."""

import sys

import pytest
from checks import run_python

MEASURE = """
import gc, resource
import numpy as np
from ckmeans import KMeans, kmeans_plusplus
rng = np.random.default_rng(0)
n, d, k = {n}, {d}, {k}
X = rng.random((n, d), dtype=np.float32).astype(np.{dtype}, copy=False)
# what is loaded or started once
KMeans(4, init="first", max_iter=2, n_threads=2).fit(X[:5000].copy())
def restart():
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:                            # restart the peak
        file.write("5")
def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
def now():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) * 1024
restart()
before = now()
{call}
print(peak() - before)
"""

FIT = (
    "KMeans(k, init=X[:k], max_iter=8, tol=0, n_threads=2, copy_x={copy}, "
    "algorithm='{algorithm}').fit(X)"
)
SLACK = 6 << 20


def growth(call, **what):
    return int(run_python(MEASURE.format(call=call, **what)))


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("algorithm", ["lloyd", "boxes"])
def test_a_fit_takes_one_float32_copy_and_32_bytes_a_row(dtype, algorithm):
    n, d, k = 400_000, 10, 50
    used = growth(FIT.format(copy=True, algorithm=algorithm), n=n, d=d, k=k, dtype=dtype)
    assert 4 * n * d < used < 4 * n * d + 32 * n + SLACK


@pytest.mark.parametrize("algorithm, per_value", [("lloyd", 2), ("auto", 6)])
def test_wide_rows_are_kept_in_whole_numbers(algorithm, per_value):
    n, d, k = 100_000, 96, 20
    used = growth(FIT.format(copy=True, algorithm=algorithm), n=n, d=d, k=k, dtype="float32")
    assert used < per_value * n * d + 40 * n + SLACK


def test_rows_in_bytes_take_a_byte_per_value():
    n, d, k = 100_000, 96, 20
    stay = "from ckmeans._native import engine; engine.insist(True); "
    used = growth(stay + FIT.format(copy=True, algorithm="bytes"), n=n, d=d, k=k, dtype="float32")
    assert used < n * d + 40 * n + SLACK


@pytest.mark.parametrize(
    "algorithm, extra", [("yinyang", 4 * 3), ("projected", 4 * (20 + 2) + 4 * 3)]
)
def test_bounds_and_axes_take_what_they_say(algorithm, extra):
    """Bounds: 4 bytes for each row, and for each group of 32 centers.

    Axes: 4 bytes for each axis, and for the length and the norm.
    """
    n, d, k = 100_000, 60, 50
    narrow = (
        "X = X[:, :20] @ rng.normal(size=(20, d)).astype(np.float32); restart(); before = now(); "
    )
    used = growth(
        narrow + FIT.format(copy=True, algorithm=algorithm), n=n, d=d, k=k, dtype="float32"
    )
    assert used < 4 * n * d + (32 + extra) * n + SLACK


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_lean_fit_takes_little_more_than_the_labels(dtype):
    n, d, k = 400_000, 16, 50
    size = {"float32": 4, "float64": 8}[dtype] * n * d
    used = growth(FIT.format(copy=False, algorithm="auto"), n=n, d=d, k=k, dtype=dtype)
    assert used < 0.25 * size + SLACK


def test_kmeans_plusplus():
    n, d, k = 400_000, 10, 20
    used = growth("kmeans_plusplus(X, k, random_state=0)", n=n, d=d, k=k, dtype="float64")
    assert used < 4 * n * d + 32 * n + SLACK


def test_predict_copies_nothing():
    call = (
        "model = KMeans(k, init=X[:k], max_iter=1).fit(X[:1000]); restart(); before = now(); "
        "model.predict(X)"  # the peak of the fit is not the one of `predict`
    )
    n = 400_000
    assert growth(call, n=n, d=10, k=20, dtype="float64") < 8 * n + SLACK
    n = 60_000  # rows that pass by in bytes
    assert growth(call, n=n, d=256, k=300, dtype="float32") < 8 * n + SLACK
