"""k-means on the CPU: exact, reproducible to the last bit, fast."""
from importlib import import_module as _import_module

from ._config import __version__, show_config
from ._history import Iteration
from ._kmeans import KMeans, k_means, kmeans_plusplus
from ._solve import IterState, Run
from ._validate import ConvergenceWarning, NotFittedError

#: Names that are imported when they are first asked for: most programs fit and predict, and should not wait for the rest.
_LATER = {"BisectingKMeans": "_bisecting", "Match": "_labels", "MiniBatchKMeans": "_minibatch", "load": "_model", "match": "_labels",
          "select_k": "select", "from_sklearn": "_exports.scikit_learn", "from_json": "_exports.centers_json",
          "ModelFileError": "_model", "explain": "_insight.explain", "drift": "_insight.drift",
          **dict.fromkeys(("CkmeansError", "OptimalResult", "breaks", "ckmeans", "ckmeans_optimal"), "_one_dim")}

#: Modules that are imported when they are first touched.
_MODULES = frozenset({"dask", "image", "metrics", "partial", "plot", "progress", "ray", "report", "select", "tutorial"})

__all__ = ["BisectingKMeans", "CkmeansError", "ConvergenceWarning", "IterState", "Iteration", "KMeans", "Match", "MiniBatchKMeans", "ModelFileError",
           "NotFittedError", "OptimalResult", "Run", "breaks", "ckmeans", "ckmeans_optimal", "drift", "explain", "from_json", "from_sklearn", "k_means", "kmeans_plusplus", "load",
           "match", "select_k", "show_config"]


def __getattr__(name):
    if name in _MODULES:
        return _import_module("." + name, __name__)      # which makes it an attribute
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module("." + _LATER[name], __name__), name)
    return value


def __dir__():
    return sorted({*globals(), *_LATER, *_MODULES})
