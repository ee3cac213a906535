"""Every instruction set that this CPU has gives the same bits."""

import hashlib
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from checks import HERE, PATIENCE, fit, run_python, subprocess_environment
from hypothesis import given, settings
from strategies import Problem, problems

from ckmeans import KMeans, _native, ckmeans_optimal, kmeans_plusplus

# Hypothesis draws the same problems in processes that import the same modules: one number stands
# for all.
FINGERPRINT = "import native.test_instruction_sets as t; print(t._native.isa, t.fingerprint())"


def fingerprint():
    """A hash of the results of many fits, large and small."""
    digest = hashlib.sha256()

    def add(model, X):
        for value in (
            model.labels_,
            model.cluster_centers_,
            model.inertia_,
            model.n_iter_,
            model.transform(X),
            model.predict(X),
            np.array([run.inertia for run in model.runs_]),
            model.score(X),
        ):
            digest.update(np.ascontiguousarray(value).tobytes())

    @settings(derandomize=True, database=None, max_examples=150)
    @given(problems())
    def small(problem):
        add(fit(problem), problem.X)

    small()
    rng = np.random.default_rng(0)
    for dtype, n, d, k, digits in [
        ("float64", 9_000, 2, 70, 1),
        ("float32", 9_000, 2, 33, 0),
        ("float64", 5_000, 16, 20, None),
        ("float32", 3_001, 130, 17, None),
        ("uint8", 7_000, 3, 30, None),
    ]:
        X = (rng.normal(size=(n, d)) * 20).round(16 if digits is None else digits) + 100
        X = X.astype(dtype)
        add(fit(Problem(X, X[:k].astype(float), None, 0.0, 25)), X)
        add(KMeans(k, n_init=2, max_iter=4, random_state=1).fit(X), X)
        digest.update(kmeans_plusplus(X, k, random_state=2)[1].tobytes())
    for values in rng.normal(size=70_000), rng.lognormal(0, 3, 5_000), rng.integers(40, size=3_000):
        found = ckmeans_optimal(values + 1e6)
        digest.update(found.centers.tobytes() + found.withinss.tobytes() + found.bic.tobytes())
        add(KMeans(30, max_iter=2).fit(values[:, None]), values[:, None])
    return digest.hexdigest()


@cache
def results_with(isa):
    return run_python(FINGERPRINT, CKMEANS_ISA=isa).split()


@pytest.mark.parametrize("isa", _native.available)
def test_same_bits_with_every_instruction_set(isa):
    used, theirs = results_with(isa)
    assert used == isa
    assert theirs == results_with("baseline")[1]


def test_the_widest_is_taken_by_itself():
    used = run_python("from ckmeans import _native; print(_native.isa)", CKMEANS_ISA="")
    assert used.strip() == _native.available[-1]


def test_baseline_is_always_there():
    assert _native.available[0] == "baseline"
    assert _native.isa in _native.available


@pytest.mark.parametrize("name", ["altivec", "avx9000"])
def test_an_unavailable_instruction_set_raises(name):
    done = subprocess.run(
        [sys.executable, "-c", "import ckmeans"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=HERE,
        env=subprocess_environment(CKMEANS_ISA=name),
    )
    assert done.returncode != 0
    last = done.stderr.strip().split("\n")[-1]
    assert name in last and "baseline" in last


def test_show_config_names_them(capsys):
    from ckmeans import show_config

    show_config()
    shown = capsys.readouterr().out
    assert all(isa in shown for isa in _native.available)
