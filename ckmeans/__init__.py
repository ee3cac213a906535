"""k-means on the CPU: exact, reproducible to the last bit, fast."""
from ._config import __version__, show_config
from ._kmeans import KMeans, k_means, kmeans_plusplus
from ._model import load
from ._one_dim import CkmeansError, OptimalResult, breaks, ckmeans, ckmeans_optimal
from ._solve import IterState, Run
from ._validate import ConvergenceWarning, NotFittedError

__all__ = ["CkmeansError", "ConvergenceWarning", "IterState", "KMeans", "NotFittedError", "OptimalResult", "Run", "breaks", "ckmeans",
           "ckmeans_optimal", "k_means", "kmeans_plusplus", "load", "show_config"]
