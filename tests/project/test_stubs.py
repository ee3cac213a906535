"""The stubs agree with the package."""

import ast
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checks import subprocess_environment

import ckmeans

PACKAGE = Path(ckmeans.__file__).parent
SOURCE = """
import numpy as np
import numpy.typing as npt
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans, load, match
from ckmeans.progress import ProgressBar
X = np.zeros((5, 2))
model = KMeans(2, init=[X[:2], X[1:3]], callback=ProgressBar(), label_order="size")
model = model.fit(X, sample_weight=[1.0] * 5)
labels: npt.NDArray[np.int32] = model.predict(X)
for run in model.runs_:
    seconds: float = run.seconds
streamed: MiniBatchKMeans = MiniBatchKMeans(2, half_life=10).partial_fit(X)
changed = match(model, BisectingKMeans(2).fit(X), X).changed
load("model.npz").predict(X)
import ckmeans
ckmeans.plot.clusters, ckmeans.metrics.silhouette_score, ckmeans.image.quantize
ckmeans.dask.KMeans, ckmeans.progress.ProgressBar
"""


@pytest.fixture(scope="module")
def checker(tmp_path_factory):
    """mypy with the stubs alone, as in users' type checks; modules without a stub, whose sources
    users' checkers read, accept any name.
    """
    pytest.importorskip("mypy")
    tmp_path = tmp_path_factory.mktemp("checked")
    stubs = tmp_path / "stubs" / "ckmeans"
    stubs.mkdir(parents=True)
    for path in PACKAGE.glob("*.pyi"):
        shutil.copy(path, stubs)
    for name in ckmeans._MODULES:
        if not (stubs / f"{name}.pyi").exists():
            (stubs / f"{name}.pyi").write_text(
                "from typing import Any\ndef __getattr__(name: str) -> Any: ...\n"
            )

    def run(*command, **files):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        environment = subprocess_environment(
            MYPYPATH=str(stubs.parent), MYPY_CACHE_DIR=str(tmp_path / "cache")
        )
        done = subprocess.run(
            [sys.executable, "-m", *command],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_stubs_agree_with_the_package(checker):
    code, output = checker("mypy.stubtest", "ckmeans", "--ignore-missing-stub")
    assert code == 0, output


LINES = {
    "": True,
    "KMeans(2, n_clusters_=3)": False,
    "KMeans(2, 'random')": False,
    "model.fit_labels(X)": False,
    "KMeans(tol='small')": False,
    "ckmeans.select.select_k": True,
    "ckmeans.nothing": False,
}


def test_what_users_write(checker):
    files = {f"mine_{i}": SOURCE + line + "\n" for i, line in enumerate(LINES)}
    _, output = checker("mypy", "--strict", *(f"{name}.py" for name in files), **files)
    for name, (line, fine) in zip(files, LINES.items()):
        assert (f"{name}.py:" not in output) is fine, (line, output)


def test_it_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").exists() and (PACKAGE / "__init__.pyi").exists()


@pytest.mark.parametrize("module", ["ckmeans._native", "ckmeans._native.engine"])
def test_the_compiled_modules_have_what_their_stubs_say(module):
    """Names only: compiled code does not reveal its signatures."""
    found = importlib.import_module(module)
    path = PACKAGE.joinpath(*module.split(".")[1:])
    stub = path / "__init__.pyi" if path.is_dir() else path.with_suffix(".pyi")
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign):
            assert hasattr(found, node.target.id), node.target.id
        elif isinstance(node, ast.FunctionDef):
            assert callable(getattr(found, node.name, None)), node.name
        elif isinstance(node, ast.ClassDef):
            one = getattr(found, node.name)
            members = [
                each.target.id if isinstance(each, ast.AnnAssign) else each.name
                for each in node.body
                if not isinstance(each, ast.Expr)  # a docstring
            ]
            assert not [name for name in members if not hasattr(one, name)], node.name
