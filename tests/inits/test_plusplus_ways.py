"""k-means++ whose candidates are compared in bytes, by heads of rows in bytes, or along a few axes
first: the same draws.
"""

import numpy as np
import oracle
import pytest
from checks import run_python
from native.test_bytes import KINDS as HARD_KINDS
from native.test_bytes import rows_of_kind

from ckmeans import KMeans, _native
from ckmeans._estimators.kmeans import open_data
from ckmeans._inits.kmeans_plusplus import local_trials, uniforms_of
from ckmeans._native import engine


def drawn(X, k, way=None, weights=None, n_threads=1, packed=True, seed=0, unit=False, trials=None):
    """The rows that are drawn, and how many steps went by bytes and along axes. (Rows that are not
    kept packed are compared by all features.)
    """
    trials = trials or local_trials(k)
    data = open_data(X, None, weights, n_threads, packed=packed, unit=unit)
    steps = engine.PlusPlus(data, k, trials, way)
    rows = steps.draw(uniforms_of(k, trials, np.random.RandomState(seed)))
    assert steps.by_heads <= steps.by_bytes
    assert steps.by_heads == 0 or way in ("heads", None)
    return rows, steps.by_bytes if way != "heads" else steps.by_heads, steps.along_axes


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
    "noise": lambda: np.random.default_rng(3).normal(size=(4000, 100)),
    "narrow": lambda: np.random.default_rng(3).normal(size=(4000, 16)),
}
WITHOUT_AXES = "one far row", "duplicates", "columns", "tiny", "noise", "narrow"
WITHOUT_HEADS = ("tiny",)


def weights_for(X):
    return np.random.default_rng(2).integers(0, 4, len(X)) / 3.0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_as_by_all_features(kind, weighted):
    X, k = KINDS[kind](), 220
    weights = weights_for(X) if weighted else None
    plain, *steps = drawn(X, k, "floats", weights, packed=False)
    assert steps == [0, 0]
    for way in "bytes", "heads", "axes", None:
        for n_threads in 1, 3:
            rows, by_bytes, along_axes = drawn(X, k, way, weights, n_threads)
            np.testing.assert_array_equal(rows, plain)
            assert way != "bytes" or (by_bytes, along_axes) == (k - 2, 0)
            assert way != "heads" or by_bytes > 200 or X.shape[1] < 64 or kind in WITHOUT_HEADS
            assert way != "axes" or by_bytes == 0
            assert way != "axes" or along_axes > 50 or kind in WITHOUT_AXES


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", HARD_KINDS)
def test_bytes_draw_by_the_definition(kind, dtype, weighted):
    if dtype == np.float32 and kind in ("tiny", "huge"):
        pytest.skip("not values of float32")
    rng = np.random.default_rng(len(kind))
    for n, d, k, trials in (130, 17, 9, 3), (70, 70, 12, 1), (64, 3, 6, 40), (65, 1, 5, 2):
        X = rows_of_kind(rng, kind, n, d).astype(dtype)
        weights = 10.0 ** rng.uniform(-4, 4, n) if weighted else None
        uniforms = uniforms_of(k, trials, np.random.RandomState(1))
        wanted = oracle.kmeans_plusplus(X.astype(np.float64), k, uniforms, weights)
        for way in "bytes", "heads":
            rows, *_ = drawn(X, k, way, weights, 2, seed=1, trials=trials)
            np.testing.assert_array_equal(rows, wanted)


def test_unit_length():
    X = latent(2000, 70, 5) + 3
    plain, *_ = drawn(X, 100, "floats", packed=False, unit=True)
    for way in "bytes", "heads", "axes":
        np.testing.assert_array_equal(drawn(X, 100, way, unit=True)[0], plain)


def test_weights_of_all_sizes():
    """Where what candidates gain does not fit into float32, bytes are left alone."""
    X = np.random.default_rng(5).normal(size=(2000, 50))
    for spread in 2, 200:
        weights = 10.0 ** np.random.default_rng(6).uniform(-spread, spread, len(X))
        rows, by_bytes, _ = drawn(X, 60, "bytes", weights)
        np.testing.assert_array_equal(rows, drawn(X, 60, "floats", weights, packed=False)[0])
        assert (by_bytes > 0) == (spread == 2)


def test_a_weaker_bound_would_be_noticed():
    X = np.random.default_rng(7).normal(size=(3000, 60))
    plain, *_ = drawn(X, 150, "floats", packed=False)
    engine.scale_guard(0.001)
    try:
        weak, *_ = drawn(X, 150, "bytes")
    finally:
        engine.scale_guard(1)
    assert not np.array_equal(weak, plain)


def test_a_weaker_bound_of_heads_would_be_noticed():
    """The axes are those of all rows; what the remainders add is left out."""
    X = latent(3000, 128, 12, noise=0.3)
    plain, *_ = drawn(X, 150, "floats", packed=False)
    assert np.array_equal(drawn(X, 150, "heads")[0], plain)
    engine.scale_guard(0.001)
    try:
        weak, by_heads, _ = drawn(X, 150, "heads")
    finally:
        engine.scale_guard(1)
    assert by_heads > 100 and not np.array_equal(weak, plain)


def test_heads_are_taken_where_they_pay_and_left_where_they_do_not():
    rng = np.random.default_rng(11)
    near = latent(9000, 192, 20).astype(np.float32)
    noise = rng.normal(size=(9000, 192)).astype(np.float32)
    for X, pays in (near, True), (noise, False):
        if _native.isa not in ("avx512vnni", "amx"):
            pays = None  # bytes may be slower there
        data = open_data(X, None, None, 1, packed=True)
        steps = engine.PlusPlus(data, 700, 7)
        rows = steps.draw(uniforms_of(700, 7, np.random.RandomState(0)))
        np.testing.assert_array_equal(rows, drawn(X, 700, "floats", packed=False, trials=7)[0])
        assert pays is None or (steps.by_heads > 0) == pays


@pytest.mark.parametrize("d", [3, 16, 130, 700])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_that_are_asked_for_ahead(d, dtype):
    """Few or many rows per panel are left over, in order, in reverse, or of one panel in ten."""
    rng = np.random.default_rng(d)
    X = rng.normal(size=(40, d))[rng.integers(40, size=5003)] + 0.3 * rng.normal(size=(5003, d))
    sparse = X.copy()
    sparse[np.arange(len(X)) % 640 >= 64] = X[0]
    for rows in X, X[np.argsort(X[:, 0])][::-1], sparse:
        rows = rows.astype(dtype)
        plain, *_ = drawn(rows, 60, "floats", packed=False)
        for way in "floats", "bytes", None:
            for n_threads in 1, 3:
                np.testing.assert_array_equal(drawn(rows, 60, way, None, n_threads)[0], plain)


@pytest.mark.parametrize("n, d", [(40, 30), (300, 200), (1000, 64), (200, 300)])
def test_vectors_by_gram_and_schmidt_are_orthonormal_and_span_the_rows(n, d):
    rng = np.random.default_rng(n)
    rows = rng.normal(size=(n, min(n, d) // 2)) @ rng.normal(size=(min(n, d) // 2, d))
    axes = engine.gram_schmidt(rows)
    assert len(axes) == min(n, d) // 2
    np.testing.assert_allclose(axes @ axes.T, np.eye(len(axes)), atol=1e-12)
    np.testing.assert_allclose(rows @ axes.T @ axes, rows, atol=1e-8)


def test_rows_that_axes_do_not_tell_apart():
    X = KINDS["noise"]()
    assert drawn(X, 220, "axes")[2] == 0


def test_axes_that_leave_over_too_much_are_given_up():
    """First rows of a wide plane are drawn; once those are near to centers, of noise in all
    features.
    """
    rng = np.random.default_rng(4)
    X = 0.3 * rng.normal(size=(6000, 64))
    X[:3000, :2] += 200 * rng.random((3000, 2))
    plain, *_ = drawn(X, 600, "floats", packed=False)
    rows, by_bytes, along_axes = drawn(X, 600, "axes")
    np.testing.assert_array_equal(rows, plain)
    assert by_bytes == 0 and 20 < along_axes < 500
    np.testing.assert_array_equal(drawn(X, 600)[0], plain)


def test_bytes_that_leave_over_too_much_are_given_up():
    """One feature is so large that all others vanish in its steps."""
    X = np.random.default_rng(8).normal(size=(3000, 96)).astype(np.float32)
    X[:, 0] += 100 * np.random.default_rng(9).choice([-1, 1], size=len(X))
    plain, *_ = drawn(X, 300, "floats", packed=False)
    rows, by_bytes, _ = drawn(X, 300)
    np.testing.assert_array_equal(rows, plain)
    assert by_bytes < 100


def test_a_fit_goes_on_with_the_rows_that_seeding_put_in_bytes():
    X = np.random.default_rng(10).normal(size=(2000, 64)).astype(np.float32)
    data = open_data(X, None, None, 2)
    rows = engine.PlusPlus(data, 50, 4, "bytes").draw(uniforms_of(50, 4, np.random.RandomState(0)))
    centers, results = data.take(rows), []
    for opened in data, open_data(X, None, None, 2):
        run = engine.Run(opened, centers.copy(), 5, 0.0, "bytes")
        while run.iterate():
            pass
        results.append((run.labels().tobytes(), run.centers().tobytes(), run.counters()))
    assert results[0] == results[1]


DRAWS = """
import numpy as np
from ckmeans._inits.kmeans_plusplus import uniforms_of
from ckmeans._native import engine
rng = np.random.default_rng(0)
shapes = [(900, 70, 80, 5), (500, 300, 60, 20), (700, 5, 60, 4), (300, 33, 40, 35)]
for n, d, k, trials in [*shapes, *((200, 40, 30, t) for t in (1, 2, 3, 6, 7, 8, 9, 10, 12, 13))]:
    X = rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-2, 2, size=(n, 1))
    for way in "bytes", "heads", "axes", None:
        steps = engine.PlusPlus(engine.Data(X, None, 1, True), k, trials, way)
        print(steps.draw(uniforms_of(k, trials, np.random.RandomState(0))).tolist())
        assert way != "bytes" or steps.by_bytes
"""


def test_every_instruction_set_draws_the_same_rows():
    wanted = run_python(DRAWS, CKMEANS_ISA="baseline")
    for isa in _native.available[1:]:
        assert run_python(DRAWS, CKMEANS_ISA=isa) == wanted


def test_an_estimator_starts_from_the_same_rows_whatever_the_memory():
    X = latent(4000, 64, 6).astype(np.float32)
    models = [
        KMeans(100, n_init=1, max_iter=2, random_state=0, copy_x=copy).fit(X)
        for copy in (True, False)
    ]
    assert np.array_equal(models[0].labels_, models[1].labels_)
