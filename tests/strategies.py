"""Hypothesis strategies: clustering problems with difficult cases."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st


@dataclass
class Problem:
    X: np.ndarray
    init: np.ndarray
    weights: np.ndarray | None
    tol: float
    max_iter: int

    @property
    def k(self):
        return len(self.init)


def _grid(rng, n, d):
    """Small integers: equal distances everywhere."""
    return rng.integers(-3, 4, size=(n, d)).astype(float)


def _halves(rng, n, d):
    """Multiples of 1/2: the middle between two rows is often a row."""
    return rng.integers(-2, 3, size=(n, d)) / 2


def _duplicates(rng, n, d):
    distinct = rng.normal(size=(max(1, n // 4), d))
    return distinct[rng.integers(len(distinct), size=n)]


def _constant_columns(rng, n, d):
    X = rng.normal(size=(n, d))
    X[:, rng.random(d) < 0.6] = 7.25
    return X


def _one_point(rng, n, d):
    return np.tile(rng.normal(size=d), (n, 1))


def _blobs(rng, n, d):
    middles = rng.normal(scale=10, size=(max(1, n // 10), d))
    return middles[rng.integers(len(middles), size=n)] + rng.normal(size=(n, d))


def _normal(rng, n, d):
    return rng.normal(size=(n, d))


def _far_from_origin(rng, n, d):
    return rng.normal(size=(n, d)) + 10.0 ** rng.integers(8, 13)


def _grid_far_from_origin(rng, n, d):
    return _grid(rng, n, d) + 10.0 ** rng.integers(5, 13)


def _one_far_column(rng, n, d):
    X = rng.normal(size=(n, d))
    X[:, rng.integers(d)] += 1e9
    return X


def _tiny(rng, n, d):
    return rng.normal(size=(n, d)) * 1e-30


def _squares_underflow(rng, n, d):
    return _with_one_row_of_ones(rng, _grid(rng, n, d) * 1e-162)


def _subnormal(rng, n, d):
    return _with_one_row_of_ones(rng, _grid(rng, n, d) * 5e-324)


def _with_one_row_of_ones(rng, X):
    """Rows that are so near to each other that they are refused."""
    X[rng.integers(len(X))] = 1
    return X if len(X) > 1 else np.ones_like(X)


def _huge(rng, n, d):
    return rng.normal(size=(n, d)) * 1e30


def _huge_squares(rng, n, d):
    return rng.normal(size=(n, d)) * 1e130


def _heavy_tails(rng, n, d):
    return rng.standard_cauchy(size=(n, d)) ** 3


def _many_scales(rng, n, d):
    return rng.normal(size=(n, d)) * 10.0 ** rng.integers(-12, 13, size=(n, d))


def _columns_of_many_scales(rng, n, d):
    return rng.normal(size=(n, d)) * 10.0 ** rng.integers(-8, 9, size=d)


def _one_outlier(rng, n, d):
    X = rng.normal(size=(n, d))
    X[rng.integers(n)] = 1e12
    return X


def _huge_beside_small(rng, n, d):
    """A few rows so far away that 53 bits cannot hold both them and the others."""
    X = _halves(rng, n, d) if rng.random() < 0.5 else _blobs(rng, n, d)
    for row in rng.integers(n, size=max(1, n // 20)):
        X[row, rng.random(d) < rng.choice([0.5, 1.0])] = rng.choice([-1, 1]) * 10.0 ** rng.integers(
            17, 135
        )
    return X


def _rows_of_all_scales(rng, n, d):
    return _grid(rng, n, d) * 2.0 ** rng.integers(-500, 450, size=(n, 1))


def _values_of_all_scales(rng, n, d):
    return rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-300, 130, size=(n, d))


def _line(rng, n, d):
    """Equally spaced rows on a line: every middle is a tie."""
    return np.outer(rng.permutation(n), np.ones(d))


ANY_DTYPE = [
    _grid,
    _halves,
    _duplicates,
    _constant_columns,
    _one_point,
    _blobs,
    _normal,
    _far_from_origin,
    _grid_far_from_origin,
    _one_far_column,
    _tiny,
    _huge,
    _heavy_tails,
    _many_scales,
    _columns_of_many_scales,
    _one_outlier,
    _line,
]
ONLY_FLOAT64 = [
    _squares_underflow,
    _subnormal,
    _huge_squares,
    _huge_beside_small,
    _rows_of_all_scales,
    _values_of_all_scales,
]


def _some_rows(rng, X, k):
    return X[rng.choice(len(X), size=k, replace=False)]


def _rows_with_repeats(rng, X, k):
    return X[rng.integers(len(X), size=k)]


def _off_data(rng, X, k):
    return _rows_with_repeats(rng, X, k) + rng.normal(size=(k, X.shape[1])) * (X.std() or 1)


def _one_center_often(rng, X, k):
    return np.repeat(X[:1], k, axis=0)


def _far_away(rng, X, k):
    """About half of the centers are so far away that they get no row."""
    centers = _some_rows(rng, X, k).copy()
    centers[rng.random(k) < 0.5] = X.max() + 100 * (np.ptp(X) or 1)
    return centers


def _all_far_away(rng, X, k):
    return np.tile(X.max(axis=0) + 10 * (np.ptp(X) or 1), (k, 1))


def _middles(rng, X, k):
    """Halfway between two rows: ties if the data is on a lattice."""
    return _rows_with_repeats(rng, X, k) / 2 + _rows_with_repeats(rng, X, k) / 2


CENTERS = [
    _some_rows,
    _rows_with_repeats,
    _off_data,
    _one_center_often,
    _far_away,
    _all_far_away,
    _middles,
]


def _whole_weights(rng, n):
    return rng.integers(1, 5, size=n).astype(float)


def _weights_with_zeros(rng, n):
    weights = rng.random(n) * (rng.random(n) < 0.6)
    weights[rng.integers(n)] = 1.0
    return weights


def _weights_of_many_scales(rng, n):
    return 10.0 ** rng.uniform(-9, 9, size=n)


def _heavy_beside_light(rng, n):
    """Whole numbers, so that sums are often halfway between two float64 numbers, and light weights
    decide.
    """
    weights = rng.integers(1, 5, size=n).astype(float)
    weights[rng.integers(n, size=max(1, n // 4))] *= 2.0 ** rng.integers(50, 400)
    return weights * 2.0 ** rng.integers(-350, 50)


def _weights_of_all_scales(rng, n):
    return 10.0 ** rng.uniform(-200, 120, size=n)


WEIGHTS = [
    None,
    None,
    _whole_weights,
    _weights_with_zeros,
    _weights_of_many_scales,
    _heavy_beside_light,
    _weights_of_all_scales,
]


def shapes(max_rows=150):
    rows = st.one_of(
        st.integers(1, 12),
        st.integers(20, max_rows),
        st.integers(20, max_rows),
        st.sampled_from([63, 64, 65, 127, 128, 129]),
    )
    features = st.one_of(st.integers(1, 5), st.integers(1, 40), st.sampled_from([63, 64, 65, 130]))
    return st.tuples(rows, features)


@st.composite
def problems(draw, max_rows=150, dtypes=(np.float64, np.float32), weighted=True):
    """Data, initial centers, and the other arguments of a run.

    Hypothesis chooses the kind of difficulty and the sizes; the numbers come from a seeded
    generator, because drawing rows one by one would take most of the time.
    """
    n, d = draw(shapes(max_rows))
    all_rows = st.just(n if n <= 40 else 8)
    k = draw(st.one_of(st.integers(1, min(n, 6)), st.integers(min(n, 4), min(n, 40)), all_rows))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    data = draw(st.sampled_from(ANY_DTYPE + (ONLY_FLOAT64 if dtype == np.float64 else [])))
    centers = draw(st.sampled_from(CENTERS))
    weights = draw(st.sampled_from(WEIGHTS)) if weighted else None
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = data(rng, n, d).astype(dtype)
    init = centers(rng, X.astype(np.float64), k).astype(dtype)
    weights = weights and weights(rng, n)
    if weights is not None:  # products with squares must stay in the range of float64
        largest = max(1.0, *(float(np.abs(a).max()) for a in (X, init)))
        most = 1e300 / (n * max(1.0, 4 * d * largest**2)) / 8
        weights = weights * 2.0 ** -max(0, int(np.ceil(np.log2(weights.max()) - np.log2(most))))
    return Problem(
        X=X,
        init=init,
        weights=weights,
        # No round numbers: whether a shift equals tol * variance up to rounding is not defined.
        tol=draw(st.sampled_from([0.0, 0.0, 1.37e-4, 1.37e-4, 0.0123, 0.717])),
        max_iter=draw(st.sampled_from([300, 300, 300, 300, 1, 2, 3])),
    )


def column_major(X):
    return np.asfortranarray(X)


def every_other_row(X):
    wide = np.full((2 * len(X), X.shape[1]), 99, X.dtype)
    wide[::2] = X
    return wide[::2]


def every_third_column(X):
    wide = np.full((len(X), 3 * X.shape[1] + 1), 99, X.dtype)
    wide[:, 1::3] = X
    return wide[:, 1::3]


def backwards(X):
    return X[::-1, ::-1].copy()[::-1, ::-1]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def inside_another(X):
    """A window of a larger array: rows are not next to each other in memory."""
    wide = np.full((len(X) + 3, X.shape[1] + 5), 99, X.dtype)
    wide[2:-1, 3:-2] = X
    return wide[2:-1, 3:-2]


def byte_swapped(X):
    return X.astype(X.dtype.newbyteorder())


def unaligned(X):
    room = np.zeros(X.nbytes + 1, np.uint8)
    view = room[1:].view(X.dtype).reshape(X.shape)
    view[...] = X
    return view


LAYOUTS = [
    np.ascontiguousarray,
    column_major,
    every_other_row,
    every_third_column,
    backwards,
    read_only,
    inside_another,
    byte_swapped,
    unaligned,
]
