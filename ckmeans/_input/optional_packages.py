"""Optional packages: imported where they are used; the error says what to install."""

from importlib import import_module
from typing import Any

#: top-level module -> extra of this package that brings it
EXTRAS = {
    "matplotlib": "plot",
    "PIL": "image",
    "pandas": "pandas",
    "pyarrow": "arrow",
    "dask": "dask",
    "ray": "ray",
    "sklearn": "sklearn",
    "onnx": "onnx",
    "scipy": "drift",
}


def need(module: str, what: str) -> Any:
    """Import an optional module that `what` needs, or raise an error that tells how to get it."""
    top = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        raise ImportError(
            f"{what} needs {top}: pip install 'ckmeans-cython[{EXTRAS[top]}]'", name=top
        ) from None
