"""The examples in the docstrings give the outputs that they show."""

import doctest
import importlib
import pkgutil

import pytest

import ckmeans

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = ["ckmeans"] + [
    module.name
    for module in pkgutil.walk_packages(ckmeans.__path__, "ckmeans.")
    if "._native" not in module.name and not module.name.endswith("__main__")
]
#: Modules whose examples need a package that may not be there.
NEEDS = {
    "ckmeans.dask": "dask.array",
    "ckmeans._plots.comparison": "matplotlib",
    "ckmeans._plots.rows": "matplotlib",
    "ckmeans.progress": "tqdm",
    "ckmeans.report": "matplotlib",
    "ckmeans.tutorial": "sklearn",
}


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, tmp_path, monkeypatch):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    monkeypatch.chdir(tmp_path)  # examples may write files
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=FLAGS).failed == 0


def test_public_names_are_documented():
    for name in ckmeans.__all__:
        value = getattr(ckmeans, name)
        if callable(value):
            assert value.__doc__ and value.__doc__.strip(), name
