"""k-means on the CPU: exact, reproducible to the last bit, fast.

>>> from ckmeans import KMeans
>>> model = KMeans(n_clusters=2, random_state=0).fit([[0.0], [1.0], [9.0]])
>>> model.predict([[8.0]]) == model.labels_[2]
array([ True])

Each name has help of its own, such as ``help(ckmeans.KMeans)``.

Estimators, with ``fit``, ``predict`` and the rest of scikit-learn's interface
    KMeans             rows in memory, in chunks, in files
    MiniBatchKMeans    streams: ``partial_fit``
    BisectingKMeans    a hierarchy of clusters
    FuzzyCMeans        rows that belong to several clusters
Functions
    k_means            KMeans as a function
    fit_many           thousands of small fits in one call (a ManyFits)
    kmeans_plusplus    initial centers
    select_k           how many clusters there are
    ckmeans, breaks, ckmeans_optimal
                       one dimension: the optimum (errors are CkmeansError,
                       results of the last one OptimalResult)
Fitted models
    explain            what the clusters are, in words and as a decision tree
    drift              whether new rows call for a new fit
    match              which clusters continue which (a Match)
    load               a model that ``save`` wrote (errors are ModelFileError)
    from_sklearn, from_json
                       models from elsewhere
Records and warnings
    Run, Iteration, IterState, ConvergenceWarning, ColumnsWarning,
    NotFittedError
Modules, loaded when they are first used
    plot, report       pictures; a page about a clustering     (extra: plot)
    metrics            silhouettes and other scores
    select             the parts of select_k
    image              pictures in few colors
    progress           progress bars
    partial            parts of a fit, for schedulers of your own
    dask, ray          fits on clusters of machines    (extras: dask, ray)
    tutorial           k-means in examples that run

``show_config()`` tells versions, instruction sets and threads. On the command line: ``ckmeans
--help``. Packages that are needed for extras are named when they are missing.
"""

import sys as _sys
from importlib import import_module as _import_module

from ._estimators.history import Iteration
from ._estimators.kmeans import KMeans, k_means, kmeans_plusplus
from ._estimators.restarts import IterState, Run
from ._input.checks import ColumnsWarning, ConvergenceWarning, NotFittedError
from ._input.configuration import __version__, show_config

#: Names that are imported when they are first asked for: most programs fit and predict, and should
#: not wait for the rest.
_LATER = {
    "BisectingKMeans": "_estimators.bisecting",
    "FuzzyCMeans": "_estimators.fuzzy",
    "ManyFits": "_estimators.many",
    "Match": "_estimators.labels",
    "MiniBatchKMeans": "_estimators.minibatch",
    "fit_many": "_estimators.many",
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

_PUBLIC = [
    "BisectingKMeans",
    "CkmeansError",
    "ColumnsWarning",
    "ConvergenceWarning",
    "FuzzyCMeans",
    "IterState",
    "Iteration",
    "KMeans",
    "ManyFits",
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
    "fit_many",
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
    if name == "__all__":
        # help() prints everything of what __all__ names, some 3000 lines; the page above is better.
        asked_by = _sys._getframe(1).f_globals.get("__name__")
        return [] if asked_by == "pydoc" else list(_PUBLIC)
    if name in _MODULES:
        return _import_module("." + name, __name__)  # which makes it an attribute
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module("." + _LATER[name], __name__), name)
    return value


def __dir__():
    return sorted({*globals(), *_LATER, *_MODULES, "__all__"})
