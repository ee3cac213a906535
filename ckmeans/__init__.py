"""k-means on the CPU: exact, reproducible to the last bit, fast."""
from ._bisecting import BisectingKMeans
from ._config import __version__, show_config
from ._history import Iteration
from ._kmeans import KMeans, k_means, kmeans_plusplus
from ._labels import Match, match
from ._minibatch import MiniBatchKMeans
from ._model import load
from ._solve import IterState, Run
from ._validate import ConvergenceWarning, NotFittedError
from .select import select_k

__all__ = ["BisectingKMeans", "ConvergenceWarning", "IterState", "Iteration", "KMeans", "Match", "MiniBatchKMeans", "NotFittedError",
           "Run", "k_means", "kmeans_plusplus", "load", "match", "select_k", "show_config"]
