"""Initial centers: one file for each init, and the table of their names.

An init is a function of (data, k, random_state) that returns centers, (k, d) float64; `data` is the
engine's, with the rows and their weights. To add one, write a file and add a line to `INITS`; mark
the function `deterministic` where it draws nothing.
"""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from .._native.engine import Data
from .first_rows import first_rows
from .given import with_direction
from .kmeans_parallel import kmeans_parallel
from .kmeans_plusplus import kmeans_plusplus
from .optimal import optimal
from .random_partition import random_partition
from .random_rows import random_rows
from .sampled_kmeans_plusplus import sampled_kmeans_plusplus
from .variance_partition import variance_partition

#: name -> init
INITS: dict[str, Callable[..., np.ndarray]] = {
    "k-means++": kmeans_plusplus,
    "random": random_rows,
    "random-partition": random_partition,
    "first": first_rows,
    "optimal": optimal,
    "k-means||": kmeans_parallel,
    "sampled-k-means++": sampled_kmeans_plusplus,
    "variance-partition": variance_partition,
}

#: Inits that give the same centers whatever the seed: one run is enough.
DETERMINISTIC = frozenset(name for name, init in INITS.items() if hasattr(init, "deterministic"))


def initial_centers(
    init: str, data: Data, k: int, random_state: np.random.RandomState | None, **options: Any
) -> np.ndarray:
    """Centers of a named init, scaled to unit length if rows are."""
    return with_direction(INITS[init](data, k, random_state, **options), data)


def automatic(d: int, names: Collection[str] = tuple(INITS)) -> str:
    """The name that init="auto" stands for: the optimum for one column, else k-means++."""
    return "optimal" if d == 1 and "optimal" in names else "k-means++"
