"""k-means on the CPU: exact, reproducible to the last bit, fast."""

from importlib import import_module as _import_module

from ._estimators.history import Iteration
from ._estimators.kmeans import KMeans, k_means, kmeans_plusplus
from ._estimators.restarts import IterState, Run
from ._input.checks import ConvergenceWarning, NotFittedError
from ._input.configuration import __version__, show_config

#: Names that are imported when they are first asked for: most programs fit and predict, and should
#: not wait for the rest.
_LATER = {
    "BisectingKMeans": "_estimators.bisecting",
    "FuzzyCMeans": "_estimators.fuzzy",
    "Match": "_estimators.labels",
    "MiniBatchKMeans": "_estimators.minibatch",
    "load": "_estimators.loading",
    "match": "_estimators.labels",
    "select_k": "select",
    "from_sklearn": "_exports.models_back",
    "from_json": "_exports.models_back",
    "ModelFileError": "_estimators.model_files",
    "explain": "_insight.explain",
    "drift": "_insight.drift",
    **dict.fromkeys(
        ("CkmeansError", "OptimalResult", "breaks", "ckmeans", "ckmeans_optimal"),
        "_estimators.one_dim",
    ),
}

#: Modules that are imported when they are first touched.
_MODULES = frozenset(
    {
        "dask",
        "image",
        "metrics",
        "partial",
        "plot",
        "progress",
        "ray",
        "report",
        "select",
        "tutorial",
    }
)

__all__ = [
    "BisectingKMeans",
    "CkmeansError",
    "ConvergenceWarning",
    "FuzzyCMeans",
    "IterState",
    "Iteration",
    "KMeans",
    "Match",
    "MiniBatchKMeans",
    "ModelFileError",
    "NotFittedError",
    "OptimalResult",
    "Run",
    "breaks",
    "ckmeans",
    "ckmeans_optimal",
    "drift",
    "explain",
    "from_json",
    "from_sklearn",
    "k_means",
    "kmeans_plusplus",
    "load",
    "match",
    "select_k",
    "show_config",
]


def __getattr__(name):
    if name in _MODULES:
        return _import_module("." + name, __name__)  # which makes it an attribute
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module("." + _LATER[name], __name__), name)
    return value


def __dir__():
    return sorted({*globals(), *_LATER, *_MODULES})
