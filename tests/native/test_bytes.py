"""Rows in bytes give the bits of the definition, whatever their values, and are given up where they
do not pay.
"""

import numpy as np
import oracle
import pytest
from checks import run_python
from hypothesis import given, settings
from hypothesis import strategies as st
from native.test_guard import hard_rows, in_bytes, same_fits

from ckmeans import KMeans, _native
from ckmeans._native import engine

KINDS = [
    "plain", "spikes", "scales", "offset", "equal", "lattice", "duplicates", "constant", "tiny",
    "huge", "far row", "zeros", "loud", "loud signs",
]  # fmt: skip


def rows_of_kind(rng, kind, n, d):
    X = hard_rows(rng, kind, n, d)
    if kind == "tiny":
        X *= 1e-160
    elif kind == "huge":
        X *= 1e120
    elif kind == "far row":
        X[0] += 1e6
    elif kind.startswith("loud"):  # these features are left out from the second pass on
        loud = rng.choice(d, max(d // 10, 1), replace=False)
        X[:, loud] *= 1e4
        if kind == "loud signs":
            X[:, loud] = 1e4 * np.sign(X[:, loud])
    elif kind == "zeros":
        X[rng.random(size=X.shape) < 0.9] = 0
    return X


def trajectory(X, centers, algorithm, n_iter=4, weights=None):
    run = engine.Run(engine.Data(X, weights, 2, True), centers.copy(), n_iter, 0.0, algorithm)
    steps = []
    for _ in range(n_iter):
        more = run.iterate()
        steps.append((run.labels().tobytes(), run.centers().tobytes(), run.n_changed, run.shift))
        if not more:
            break
    return steps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_first_labels_are_those_of_the_definition(kind, dtype):
    rng = np.random.default_rng(len(kind))
    if dtype == np.float32 and kind in ("tiny", "huge"):
        pytest.skip("not values of float32")
    for n, d, k in (500, 72, 40), (130, 101, 33), (65, 3, 65), (200, 64, 2), (70, 257, 100):
        X = rows_of_kind(rng, kind, n, d).astype(dtype)
        centers = X[rng.choice(n, min(k, n), replace=False)].astype(float)
        centers[1:5] += rng.normal(size=centers[1:5].shape) * np.abs(centers[1:5]).max()
        centers = centers.astype(dtype).astype(float)
        assert np.array_equal(in_bytes(X, centers), oracle.assign(X, centers)[0])


@pytest.fixture(params=[0, 1], ids=["all features", "heads"])
def heads(request):
    """Whether rows are compared by heads first, from the second pass on."""
    before = engine.insist_on_heads(request.param)
    yield request.param
    engine.insist_on_heads(before)


@pytest.mark.parametrize("kind", KINDS)
def test_every_iteration_is_that_of_float32(kind, heads):
    """From the second iteration on, limits come from the labels so far."""
    rng = np.random.default_rng(len(kind))
    for n, d, k in (700, 90, 50), (1000, 31, 70):
        X = rows_of_kind(rng, kind, n, d)
        centers = X[rng.choice(n, k, replace=False)]
        assert trajectory(X, centers, "bytes") == trajectory(X, centers, "boxes")


FLOATS = engine.Algorithm((engine.Floats,), (engine.AllCenters,))


def settling(rng, kind, n, d, k):
    """Rows and centers of which more and more stay where they are: rows are in separate heaps, and
    some of these have several centers.
    """
    X = rows_of_kind(rng, kind, n, d)
    heaps = max(k // 3, 1)
    X += (10 * np.abs(X).max() * rng.normal(size=(heaps, d)))[rng.integers(heaps, size=n)]
    return X, X[rng.choice(n, k, replace=False)]


def differences(rounds, seed=0):
    """In how many of some fits rows in bytes give other labels than floats."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for i in range(rounds):
        kind = KINDS[i % len(KINDS)]
        X, centers = settling(rng, kind, 1500, int(rng.integers(2, 150)), int(rng.integers(3, 200)))
        wrong += trajectory(X, centers, "bytes", 40) != trajectory(X, centers, FLOATS, 40)
    return wrong


def test_centers_that_stay_where_they_are_need_not_be_compared(heads):
    assert differences(2 * len(KINDS)) == 0


def test_a_center_taken_to_stay_where_it_was_would_be_noticed(heads):
    engine.scale_bounds(0)
    try:
        assert differences(len(KINDS)) > 0
    finally:
        engine.scale_bounds(1)


def test_a_pass_costs_less_once_centers_stay_where_they_are(heads):
    rng = np.random.default_rng(4)
    X, centers = settling(rng, "plain", 4000, 64, 300)
    run = engine.Run(engine.Data(X, None, 2, True), centers, 100, 0.0, "bytes")
    pairs, distances = [0], [0]
    while run.iterate():
        pairs.append(run.counters()["filtered"])
        distances.append(run.counters()["exact"])
    pairs, distances = np.diff(pairs), np.diff(distances)
    assert pairs[0] == len(X) * len(centers)
    assert pairs[-1] < pairs[0] / 5
    # Those to centers that have not moved are kept.
    assert distances[1] >= len(X) > 2 * distances[-1]


def along_few_directions(n, d, k, seed=8):
    """Rows that vary along a few directions, which are no features."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0] / (1 + np.arange(d)[:, None])
    X = (rng.normal(size=(n, d)) + rng.normal(size=(k, d))[rng.integers(k, size=n)]) @ turn
    return np.ascontiguousarray(X + 3, dtype=np.float32)


def test_heads_leave_few_pairs_to_all_features(heads):
    X = along_few_directions(3000, 96, 150)
    centers = X[:150].astype(float)
    run = engine.Run(engine.Data(X, None, 2, True), centers.copy(), 12, 0.0, "bytes")
    for _ in range(6):
        run.iterate()
    assert (run.left_by_heads > 0) == heads
    assert run.left_by_heads < run.counters()["filtered"] / 8
    assert trajectory(X, centers, "bytes", 12) == trajectory(X, centers, FLOATS, 12)


def test_a_weaker_bound_of_heads_would_be_noticed(heads):
    """As in `test_guard.py`, of passes that go by heads."""
    if not heads:
        pytest.skip("see test_guard.py")
    wrong = 0
    for seed in range(3):
        X = along_few_directions(2000, 64, 100, seed)
        centers = X[:100].astype(float)
        right = trajectory(X, centers, FLOATS, 6)
        engine.scale_guard(0)
        try:
            wrong += trajectory(X, centers, "bytes", 6) != right
        finally:
            engine.scale_guard(1)
    assert wrong


def test_heads_are_made_where_rows_vary_along_few_directions(uninsisted):
    n, d, k = 9000, 256, 1000
    noise = np.random.default_rng(1).random((n, d), dtype=np.float32)
    for X, pays in (along_few_directions(n, d, k), True), (noise, False):
        centers = X[:k].astype(float)
        run = engine.Run(engine.Data(X, None, 2, True), centers.copy(), 20, 0.0, "lloyd")
        run.iterate()
        run.iterate()
        assert (run.left_by_heads > 0) == pays
        assert run.left_by_heads < n * k / 10


def test_the_number_of_directions_along_which_rows_vary():
    rng = np.random.default_rng(2)
    for few in 1, 4, 40:
        X = 7 + rng.normal(size=(500, few)) @ np.linalg.qr(rng.normal(size=(80, few)))[0].T
        assert abs(engine.spread(X) - few) < 0.2 * few
    assert engine.spread(np.ones((9, 5))) == np.inf


def test_a_center_that_was_equal_to_another_is_compared_once_they_part(heads):
    """Nothing was known about it: only the first of equal centers is compared."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(2000, 40))
    for first in 0, 7, 30:
        centers = X[:50].copy()
        centers[first + 3] = centers[first]
        assert trajectory(X, centers, "bytes", 60) == trajectory(X, centers, FLOATS, 60)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(KINDS),
    st.integers(1, 400),
    st.integers(1, 150),
    st.integers(1, 80),
    st.booleans(),
)
def test_any_shape_and_weights(seed, kind, n, d, k, weighted):
    heads = engine.insist_on_heads(seed % 2)
    try:
        same_as_boxes(seed, kind, n, d, k, weighted)
    finally:
        engine.insist_on_heads(heads)


def same_as_boxes(seed, kind, n, d, k, weighted):
    rng = np.random.default_rng(seed)
    X = rows_of_kind(rng, kind, n + n % 2 * 10, d)
    k = min(k, len(X))
    centers = X[rng.choice(len(X), k, replace=False)]
    weights = rng.integers(0, 3, len(X)).astype(float) if weighted else None
    assert trajectory(X, centers, "bytes", 3, weights) == trajectory(
        X, centers, "boxes", 3, weights
    )


@pytest.mark.parametrize("dtype", ["uint8", "float16", "int16", "bool"])
def test_rows_that_are_converted_as_they_are_read(dtype):
    rng = np.random.default_rng(1)
    X = (rng.normal(size=(400, 70)) * 20 + 60).astype(dtype)
    for rows in (X, np.asfortranarray(X), X[::-1, ::-1]):
        centers = rows[:40].astype(float)
        assert np.array_equal(in_bytes(rows, centers), oracle.assign(rows, centers)[0])


def test_more_centers_left_over_than_there_is_room_for(heads):
    """Centers that differ in the last bits: another filter, and then the definition, decide."""
    rng = np.random.default_rng(2)
    for d in (40, 128):
        X = rng.normal(size=(300, d))
        centers = rng.normal(size=d) + 1e-7 * rng.normal(size=(200, d))
        assert np.array_equal(in_bytes(X, centers), oracle.assign(X, centers)[0])
        same_fits(X, centers, ["boxes", "bytes", "lloyd"], max_iter=5)


def test_rows_without_direction(heads):
    rng = np.random.default_rng(3)
    X = rng.integers(0, 2, size=(320, 96)).astype(float)
    X[::8] = 0
    same_fits(X, X[1:81:2] + 0.01 * rng.random((40, 96)), ["boxes", "bytes"], metric="cosine")


def test_runs_take_turns(heads):
    """Two runs of other sizes over the same data, and a third that uses bounds."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(60, 80))[rng.integers(60, size=2000)] + rng.normal(size=(2000, 80))
    starts = [X[:30], X[100:190]]
    data = engine.Data(X, None, 2, True)
    runs = [engine.Run(data, start.copy(), 5, 0.0, "bytes") for start in starts]
    runs.append(engine.Run(data, starts[0].copy(), 5, 0.0, "yinyang"))
    for _ in range(5):
        for run in runs:
            run.iterate()
    for run, start in zip(runs, [*starts, starts[0]], strict=True):
        alone = engine.Run(engine.Data(X, None, 1, True), start.copy(), 5, 0.0, "boxes")
        for _ in range(5):
            alone.iterate()
        assert np.array_equal(run.labels(), alone.labels())
        assert np.array_equal(run.centers(), alone.centers())


@pytest.fixture
def uninsisted():
    """The preferred packing is used where it pays, as for users."""
    if _native.isa not in ("avx512vnni", "amx"):
        pytest.skip(f"{_native.isa} multiplies whole numbers as fast")
    engine.insist(False)
    yield
    engine.insist(True)


def test_bytes_that_leave_over_too_much_are_given_up(uninsisted):
    """Some features, too many to leave them out, are so large that others are rounded away."""
    rng = np.random.default_rng(5)
    n, k = 1500, 1000
    X = rng.normal(size=(n, 96))
    X[:, :16] += 60 * rng.choice([-1, 1], size=(n, 1))
    centers = X[:k].copy()
    same_fits(X, centers, ["boxes", "bytes", "lloyd", "auto"], max_iter=6)
    run = engine.Run(engine.Data(X, None, 1, True), centers.copy(), 6, 0.0, "bytes")
    pairs = [0]
    for _ in range(4):
        run.iterate()
        pairs.append(run.counters()["filtered"])
    # Once in bytes, and once more as floats; then in whole numbers.
    assert np.diff(pairs).tolist() == [2 * n * k] + [n * k] * 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_not_kept(kind, dtype):
    """As `predict` labels them: in bytes, without labels before."""
    rng = np.random.default_rng(len(kind) + 1)
    if dtype != np.float64 and kind in ("tiny", "huge", "scales"):
        pytest.skip("not values of this type")
    for n, d, k in (1500, 72, 40), (130, 101, 133), (65, 3, 65), (600, 33, 1):
        X = rows_of_kind(rng, kind, n, d)
        if dtype == np.uint8:
            X = np.clip(40 * X + 128, 0, 255)
        X = X.astype(dtype)
        centers = X[rng.choice(n, min(k, n), replace=False)].astype(float)
        labels = oracle.assign(X.astype(float), centers)[0]
        for n_threads in 1, 3:
            data = engine.Data(X, None, n_threads, False)
            assert np.array_equal(data.assign(centers, in_bytes=True), labels)


@pytest.mark.parametrize("size", [1e6, 1e18, 1e30, 1e37])
def test_rows_that_lie_far_beyond_the_centers(size):
    """The scale is that of the centers: such rows may not fit into float32."""
    rng = np.random.default_rng(8)
    X = rng.normal(size=(700, 50)).astype(np.float32)
    centers = X[:90].astype(float)
    X[::7] *= np.float32(size) * rng.random(size=(100, 1)).astype(np.float32)
    X[3::70, 5] = np.float32(size)
    data = engine.Data(X, None, 2, False)
    assert np.array_equal(data.assign(centers, in_bytes=True), oracle.assign(X, centers)[0])


PRODUCTS = """
import numpy as np, hashlib
from ckmeans._native import engine
engine.insist(True)
rng = np.random.default_rng(0)
digest = hashlib.sha256()
for i, (n, d, k) in enumerate([(300, 70, 40), (200, 130, 65), (129, 5, 3), (64, 64, 32)] * 2):
    engine.insist_on_heads(i // 4)
    X = rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-3, 3, size=(n, 1))
    run = engine.Run(engine.Data(X, None, 1, True), X[:k].copy(), 4, 0.0, "bytes")
    for _ in range(4):
        run.iterate()
        digest.update(run.labels().tobytes() + run.centers().tobytes())
    digest.update(engine.Data(X, None, 1, False).assign(X[:k], in_bytes=True).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.parametrize("isa", _native.available)
def test_every_instruction_set_multiplies_bytes(isa):
    """Tiles, vectors and plain C: the same labels."""
    assert run_python(PRODUCTS, CKMEANS_ISA=isa) == run_python(PRODUCTS, CKMEANS_ISA="baseline")


def test_lloyd_takes_bytes_where_they_pay(uninsisted):
    """Many features and centers, on a CPU with instructions for bytes."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(3000, 256)).astype(np.float32)
    centers = X[:500].astype(float)
    counted = []
    for algorithm in ("lloyd", "bytes"):
        run = engine.Run(engine.Data(X, None, 2, True), centers.copy(), 3, 0.0, algorithm)
        run.iterate()
        run.iterate()
        counted.append(run.counters())
    assert counted[0] == counted[1]


def test_an_estimator_may_insist_on_bytes():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(500, 40)).astype(np.float32)
    models = [
        KMeans(20, algorithm=algorithm, n_init=2, max_iter=8, random_state=1).fit(X)
        for algorithm in ("bytes", "yinyang")
    ]
    assert np.array_equal(models[0].labels_, models[1].labels_)
    assert np.array_equal(models[0].labels_, models[0].predict(X))
