"""k-means on the CPU: exact, reproducible to the last bit, fast."""
from ._config import __version__, show_config
from ._history import Iteration
from ._kmeans import KMeans, k_means, kmeans_plusplus
from ._model import load
from ._one_dim import CkmeansError, OptimalResult, breaks, ckmeans, ckmeans_optimal
from ._solve import IterState, Run
from ._validate import ConvergenceWarning, NotFittedError
from .select import select_k

__all__ = ["CkmeansError", "ConvergenceWarning", "IterState", "Iteration", "KMeans", "NotFittedError", "OptimalResult", "Run", "breaks",
           "ckmeans", "ckmeans_optimal", "k_means", "kmeans_plusplus", "load", "select_k", "show_config"]
