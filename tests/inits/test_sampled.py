"""Sampled k-means++: the rows that an oracle draws, whatever the threads, the instruction set, the
packing and the order and the type of the rows.
"""

import numpy as np
import oracle
import pytest
from checks import run_python
from hypothesis import given, settings
from hypothesis import strategies as st
from inits.test_plusplus_ways import KINDS, latent, repeated
from inits.test_row_order import small_grids

from ckmeans import KMeans, _native
from ckmeans._estimators.kmeans import open_data
from ckmeans._inits import INITS
from ckmeans._inits.kmeans_plusplus import local_trials, uniforms_of
from ckmeans._native import engine


def drawn(X, k, weights=None, n_threads=1, packed=True, seed=0, tried=None):
    """The rows, and the number of batches."""
    tried = tried or max(2, local_trials(k))
    data = open_data(X, None, weights, n_threads, packed=packed)
    steps = engine.SampledPlusPlus(data, k, 64)
    uniforms = uniforms_of(k, tried, np.random.RandomState(seed))
    return steps.draw_in_batches(uniforms, tried), steps.batches


def wanted(X, k, weights=None, seed=0, tried=None):
    tried = tried or max(2, local_trials(k))
    uniforms = uniforms_of(k, tried, np.random.RandomState(seed))
    return oracle.sampled_kmeans_plusplus(X, k, uniforms, tried, weights)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_rows_of_the_oracle(kind, weighted):
    X, k = KINDS[kind]()[::7], 40
    weights = np.random.default_rng(2).integers(0, 4, len(X)) / 3.0 if weighted else None
    rows, batches = wanted(X, k, weights)
    for n_threads, packed in (1, True), (3, True), (1, False):
        found, steps = drawn(X, k, weights, n_threads, packed)
        np.testing.assert_array_equal(found, rows)
        assert steps == batches
    # Batches are of one row at first, then of two, then of three ...
    assert batches == 0 if kind == "tiny" else 8 <= batches < 24


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 9), st.integers(1, 40))
@settings(deadline=None, max_examples=60)
def test_small_data(content, n, d, k):
    """Equal rows, constant columns, as many centers as rows."""
    random = np.random.default_rng(content)
    X = random.integers(-9, 9, (n, d)) * 10.0 ** random.integers(-2, 4, d)
    X[:, random.random(d) < 0.2] = 5.0
    k = min(n, k)
    weights = random.integers(0, 3, n).astype(float) if content % 2 else None
    if weights is not None:
        weights[random.integers(n)] = 1.0
    found, batches = drawn(X, k, weights, seed=content % 9)
    rows, in_batches = wanted(X, k, weights, content % 9)
    np.testing.assert_array_equal(X[found], X[rows])
    assert batches == in_batches


def test_batches_grow_to_64_and_the_sample_is_drawn_anew():
    X = np.random.default_rng(0).normal(size=(3000, 3))
    found, batches = drawn(X, 700)
    rows, in_batches = wanted(X, 700)
    np.testing.assert_array_equal(found, rows)
    assert batches == in_batches < 60 and len(np.unique(found)) == 700


def test_greedy_where_16_bits_are_too_coarse():
    """At first groups are told apart, then nothing within them is, and 16 bits are tried again."""
    random = np.random.default_rng(3)
    X = 1000 * random.normal(size=(30, 4))[random.integers(30, size=900)]
    X += 1e-3 * random.normal(size=X.shape)
    found, batches = drawn(X, 50)
    rows, in_batches = wanted(X, 50)
    np.testing.assert_array_equal(found, rows)
    assert 5 < batches == in_batches < 20


@pytest.mark.parametrize("scale", [1e-135, 1e-35, 1e35, 1e135])
def test_values_that_float32_does_not_hold(scale):
    X = scale * latent(500, 5, 3)
    found, batches = drawn(X, 20)
    assert batches == 0 and len(np.unique(found)) == 20
    np.testing.assert_array_equal(found, wanted(X, 20)[0])


def test_few_distinct_rows():
    X = repeated(400, 3)
    X = X[: len(np.unique(X, axis=0))] if len(X) < 9 else X
    distinct = len(np.unique(X, axis=0))
    found, _ = drawn(X, distinct + 5)
    assert len(np.unique(X[found], axis=0)) == distinct
    assert len(np.unique(found)) == distinct + 5


def test_far_rows_are_soon_left_behind():
    """Each is far from all others; once they are centers, 16 bits tell the others."""
    X = np.random.default_rng(6).normal(size=(2000, 5))
    X[::400] = 1e5 * np.random.default_rng(7).normal(size=(5, 5))
    found, batches = drawn(X, 100)
    rows, in_batches = wanted(X, 100)
    np.testing.assert_array_equal(found, rows)
    assert 10 < batches == in_batches < 40 and set(range(0, 2000, 400)) <= set(found.tolist())


def near_pairs_around(rows, pairs, apart, seed=0):
    """Pairs of near rows that are far from all others, and these rows: 16 bits cannot tell the rows
    of a pair until all of them are centers.
    """
    random = np.random.default_rng(seed)
    far = 1e4 * random.normal(size=(pairs, 12)) @ random.normal(size=(12, rows.shape[1]))
    twins = far + apart * random.normal(size=far.shape)
    return np.concatenate([far, twins, rows]).astype(np.float32)


@pytest.mark.parametrize("insisted", [None, "bytes", "heads", "axes"])
@pytest.mark.parametrize("pairs", [2, 40])
def test_ways_of_few_candidates_have_room_for_batches(pairs, insisted):
    """Bytes, heads and axes are first taken for the few candidates of greedy k-means++; batches of
    up to 64 follow.
    """
    random = np.random.default_rng(1)
    rows = (0.01 * random.normal(size=(2500, 3))) @ random.normal(size=(3, 160))
    rows[::50] = 0  # (what is not yet known about a candidate is no row of zeros)
    X, k, tried = near_pairs_around(rows, pairs, 1.0), 700, 8
    uniforms = uniforms_of(k, tried, np.random.RandomState(0))
    for weights in None, random.integers(1, 4, len(X)) / 3.0:
        found = []
        for way, packed in ((insisted, True), ("floats", False)):
            steps = engine.SampledPlusPlus(
                open_data(X, None, weights, 1, packed=packed), k, 64, way
            )
            found.append((steps.draw_in_batches(uniforms, tried).tolist(), steps.batches))
            if way == "heads":
                assert steps.by_heads
            if way == "axes" and pairs == 40:
                assert steps.along_axes
        assert found[0] == found[1]
        assert 10 < found[0][1] < 80


def test_bytes_that_leave_over_too_much_are_given_up():
    """One feature is so large that all others vanish in its steps."""
    X = np.random.default_rng(8).normal(size=(3000, 96)).astype(np.float32)
    for far in 0, 100:
        X[:, 0] += far * np.random.default_rng(9).choice([-1, 1], size=len(X))
        data = open_data(X, None, None, 1, packed=True)
        steps = engine.SampledPlusPlus(data, 300, 64)
        found = steps.draw_in_batches(uniforms_of(300, 7, np.random.RandomState(0)), 7)
        np.testing.assert_array_equal(found, drawn(X, 300, packed=False, tried=7)[0])
        if _native.isa in ("avx512vnni", "amx"):  # elsewhere bytes may be slower
            assert steps.by_bytes < 15 if far else steps.by_bytes > 25


def test_sparse_rows_are_refused():
    X = pytest.importorskip("scipy.sparse").csr_matrix(np.eye(9))
    with pytest.raises(ValueError, match="is for dense rows, got a sparse matrix: use 'k-means"):
        KMeans(3, init="sampled-k-means++").fit(X)


def test_rows_of_unit_length():
    X = latent(900, 12, 5) + 1
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    model = KMeans(30, metric="cosine", init="sampled-k-means++", n_init=1, random_state=0)
    plain = KMeans(30, init="sampled-k-means++", n_init=1, random_state=0)
    one, other = (m.set_params(max_iter=1).fit(rows) for m, rows in ((model, X), (plain, unit)))
    assert (one.labels_ == other.labels_).mean() > 0.9


@pytest.mark.filterwarnings("ignore::ckmeans.ConvergenceWarning")
@given(small_grids())
@settings(deadline=None)
def test_the_order_of_the_rows_does_not_matter(problem):
    X, weights, order, k = problem
    X = X + 0.25
    shuffled = weights if weights is None else weights[order]
    one, other = (
        X[order][drawn(X[order], k, shuffled)[0]],
        X[drawn(X, k, weights)[0]],
    )
    assert np.array_equal(one, other)


@given(st.integers(0, 2**32 - 1), st.integers(2, 300), st.integers(2, 6))
@settings(deadline=None, max_examples=50)
def test_nor_does_their_type(content, n, d):
    random = np.random.default_rng(content)
    whole, k = random.integers(-100, 100, (n, d)), int(random.integers(1, min(n, 20) + 1))
    rows = drawn(whole.astype(np.float64), k)[0]
    for dtype in (np.int8, np.int32, np.float16, np.float32):
        assert np.array_equal(drawn(whole.astype(dtype), k)[0], rows)
    assert np.array_equal(drawn(np.asfortranarray(whole), k)[0], rows)


DRAWS = """
import numpy as np
from ckmeans._inits.kmeans_plusplus import uniforms_of
from ckmeans._native import engine
rng = np.random.default_rng(0)
for n, d, k in (900, 70, 80), (500, 301, 60), (700, 5, 60), (300, 33, 40), (3000, 2, 500):
    X = rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-1, 1, size=(n, 1))
    for dtype in np.float32, np.float64:
        steps = engine.SampledPlusPlus(engine.Data(X.astype(dtype), None, 2, True), k, 64)
        print(steps.draw_in_batches(uniforms_of(k, 5, np.random.RandomState(0)), 5).tolist())
        assert steps.batches > 8
"""


def test_every_instruction_set_draws_the_same_rows():
    rows = run_python(DRAWS, CKMEANS_ISA="baseline")
    for isa in _native.available[1:]:
        assert run_python(DRAWS, CKMEANS_ISA=isa) == rows


def test_as_good_as_k_means_plusplus():
    """Over many groups of unequal sizes and spreads, in the mean of several seeds."""
    random = np.random.default_rng(5)
    of = random.choice(300, size=12000, p=(weight := random.pareto(2, 300) + 0.1) / weight.sum())
    X = 9 * random.normal(size=(300, 8))[of]
    X += 10.0 ** random.uniform(-1, 0.5, 300)[of, None] * random.normal(size=X.shape)
    data, k = open_data(X, None, None, 1), 300

    def potential(init):
        found = []
        for seed in range(4):
            centers = np.ascontiguousarray(INITS[init](data, k, np.random.RandomState(seed)))
            found.append(data.inertia(centers, data.assign(centers)))
        return np.mean(found)

    assert potential("sampled-k-means++") < 1.02 * potential("k-means++")


def test_nothing_else_than_what_is_needed_is_taken():
    data = open_data(latent(100, 4, 2), None, None, 1)
    for k, tried, numbers in (5, 0, 30), (5, 65, 999), (5, 3, 12):
        with pytest.raises(ValueError):
            engine.SampledPlusPlus(data, k, 64).draw_in_batches(np.zeros(numbers), tried)
