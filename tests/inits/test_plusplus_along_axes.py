"""k-means++ of wide rows, whose candidates are compared along a few axes first: the same draws."""

import numpy as np
import pytest

from ckmeans._estimators.kmeans import open_data
from ckmeans._inits.kmeans_plusplus import local_trials, uniforms_of
from ckmeans._native import engine


def drawn(X, k, weights=None, n_threads=1, packed=True, seed=0):
    """The rows that are drawn, and how many steps went along axes. (Rows that are not kept packed
    are compared by all features.)
    """
    steps = engine.PlusPlus(
        open_data(X, None, weights, n_threads, packed=packed), k, local_trials(k)
    )
    uniforms = uniforms_of(k, local_trials(k), np.random.RandomState(seed))
    return steps.draw(uniforms), steps.along_axes


def latent(n, d, dims, seed=0, noise=0.02):
    """Groups of rows in a few dimensions, spread over all features, with some noise."""
    rng = np.random.default_rng(seed)
    rows = 3 * rng.normal(size=(40, dims))[rng.integers(40, size=n)] + rng.normal(size=(n, dims))
    return rows @ rng.normal(size=(dims, d)) + noise * rng.normal(size=(n, d))


def repeated(n, d):
    X = latent(n // 8, d, 5)
    return X[np.random.default_rng(1).integers(len(X), size=n)]


KINDS = {
    "float64": lambda: latent(4000, 64, 6),
    "float32": lambda: latent(4000, 64, 6).astype(np.float32),
    "bytes": lambda: np.clip(3 * latent(4000, 64, 6) + 120, 0, 255).astype(np.uint8),
    "integers": lambda: np.round(5 * latent(4000, 65, 6)).astype(np.int16),
    "columns": lambda: np.asfortranarray(latent(4000, 48, 4)),
    "far away": lambda: latent(4000, 64, 6) + 1e6,
    "tiny": lambda: 1e-130 * latent(4000, 64, 6),
    "duplicates": lambda: repeated(4000, 64),
    "one far row": lambda: np.concatenate([np.full((1, 64), 1e5), latent(3999, 64, 6)]),
    "odd sizes": lambda: latent(4001, 67, 6),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_as_by_all_features(kind, weighted):
    X, k = KINDS[kind](), 220
    weights = np.random.default_rng(2).integers(0, 4, len(X)) / 3.0 if weighted else None
    plain, steps = drawn(X, k, weights, packed=False)
    assert steps == 0
    for n_threads in 1, 3:
        rows, steps = drawn(X, k, weights, n_threads)
        np.testing.assert_array_equal(rows, plain)
        assert steps > 100 or kind in ("one far row", "duplicates", "columns")


def test_rows_that_axes_do_not_tell_apart_are_compared_by_all_features():
    X = np.random.default_rng(3).normal(size=(4000, 64))
    rows, steps = drawn(X, 220)
    assert steps == 0
    np.testing.assert_array_equal(rows, drawn(X, 220, packed=False)[0])


def test_axes_that_leave_over_too_much_are_given_up():
    """First rows of a wide plane are drawn; once those are near to centers, of noise in all
    features.
    """
    rng = np.random.default_rng(4)
    X = 0.3 * rng.normal(size=(6000, 64))
    X[:3000, :2] += 200 * rng.random((3000, 2))
    rows, steps = drawn(X, 600)
    assert 20 < steps < 400
    np.testing.assert_array_equal(rows, drawn(X, 600, packed=False)[0])
