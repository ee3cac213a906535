"""The filter may only discard: its bound holds in the hardest cases, and the test for that can
fail.
"""

import numpy as np
import oracle
import pytest

from ckmeans import KMeans
from ckmeans._native import engine


def near_ties(rng, d, n=4000):
    """Rows within rounding errors of the plane between two centers."""
    a, b = rng.normal(size=(2, d)) + rng.normal(size=d) * 10
    along = rng.normal(size=(n, d))
    normal = (b - a) / np.linalg.norm(b - a)
    along -= (along @ normal)[:, None] * normal
    return (a + b) / 2 + along + (rng.normal(size=n) * 10.0 ** rng.uniform(-9, -4, size=n))[
        :, None
    ] * normal, np.array([a, b])


def wrong_labels(rounds, seed=0):
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(rounds):
        X, centers = near_ties(rng, int(rng.integers(1, 200)))
        data = engine.Data(X, None, 1, False)
        wrong += int((data.assign(centers) != oracle.assign(X, centers)[0]).sum())
    return wrong


def wrong_along_axes(rounds, seed=0):
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(rounds):
        X, centers = near_ties(rng, int(rng.integers(8, 200)), 1000)
        run = engine.Run(engine.Data(X, None, 1, True), centers.copy(), 1, 0.0, "projected")
        run.iterate()
        wrong += int((run.labels() != oracle.assign(X, centers)[0]).sum())
    return wrong


def in_whole_numbers(X, centers):
    """Labels of rows that an assignment to other centers has put in whole numbers."""
    data = engine.Data(X, None, 2, True)
    engine.Run(data, centers[::-1].copy(), 1, 0.0, "lloyd").iterate()
    run = engine.Run(data, centers.copy(), 1, 0.0, "lloyd")
    run.iterate()
    return run.labels()


def wrong_in_whole_numbers(rounds, seed=0):
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(rounds):
        X, centers = near_ties(rng, int(rng.integers(72, 200)), 1000)
        labels, _ = oracle.assign(X, centers)
        wrong += int((in_whole_numbers(X, centers) != labels).sum())
        # As one of many centers, the rows are put in whole numbers when they are compared.
        many = np.concatenate([centers, centers.mean(axis=0) + 1e3 + np.arange(40)[:, None]])
        wrong += int((engine.Data(X, None, 1, False).assign(many) != labels).sum())
    return wrong


def in_bytes(X, centers):
    """Labels of rows in bytes."""
    run = engine.Run(engine.Data(X, None, 2, True), centers.copy(), 1, 0.0, "bytes")
    run.iterate()
    return run.labels()


def wrong_in_bytes(rounds, seed=0):
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(rounds):
        X, centers = near_ties(rng, int(rng.integers(2, 200)), 1000)
        wrong += int((in_bytes(X, centers) != oracle.assign(X, centers)[0]).sum())
    return wrong


WAYS = pytest.mark.parametrize(
    "wrong, rounds, factor",
    [
        (wrong_labels, 40, 0.01),
        (wrong_along_axes, 20, 1e-9),
        (wrong_in_whole_numbers, 20, 0.01),
        (wrong_in_bytes, 20, 0.01),
    ],
)


@WAYS
def test_near_ties_are_decided_right(wrong, rounds, factor):
    assert wrong(rounds) == 0


@WAYS
def test_a_weaker_bound_would_be_noticed(wrong, rounds, factor):
    engine.scale_guard(factor)
    try:
        assert wrong(rounds) > 0
    finally:
        engine.scale_guard(1)


def hard_rows(rng, kind, n, d):
    """Rows that whole numbers approximate badly."""
    X = rng.normal(size=(n, d))
    if kind == "spikes":  # one feature makes up the whole row
        X[np.arange(n), rng.integers(d, size=n)] *= 10.0 ** rng.uniform(0, 9, size=n)
    elif kind == "scales":  # rows, and features, of all magnitudes
        X *= (
            10.0 ** rng.uniform(-30, 30, size=(n, 1))
            if rng.random() < 0.5
            else 10.0 ** rng.uniform(-20, 20, size=d)
        )
    elif kind == "offset":
        X += 1e5
    elif kind == "equal":
        X[:] = X[0]
    elif kind == "lattice":
        X = rng.integers(-1, 2, size=(n, d)).astype(float)
    elif kind == "duplicates":
        X = X[rng.integers(n // 10, size=n)]
    elif kind == "constant":
        X[:, ::2] = 7
    return X


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "kind", ["spikes", "scales", "offset", "equal", "lattice", "duplicates", "constant"]
)
def test_rows_that_go_badly_into_whole_numbers(kind, dtype):
    rng = np.random.default_rng(len(kind))
    for d in (72, 101, 160):
        X = hard_rows(rng, kind, 500, d).astype(dtype)
        centers = X[rng.choice(len(X), 40)].astype(float)
        centers[3:9] += rng.normal(size=(6, d)) * np.abs(centers[3:9]).max()
        centers = centers.astype(dtype).astype(float)
        labels, _ = oracle.assign(X, centers)
        assert np.array_equal(in_whole_numbers(X, centers), labels)
        assert np.array_equal(
            engine.Data(X, None, 2, False).assign(centers), labels
        )  # none are kept


def same_fits(X, centers, algorithms, **options):
    models = [
        KMeans(len(centers), init=centers, tol=0, algorithm=algorithm, **options).fit(X)
        for algorithm in algorithms
    ]
    for model in models:
        assert np.array_equal(model.labels_, models[0].labels_)
        assert np.array_equal(model.cluster_centers_, models[0].cluster_centers_)
        assert model.inertia_ == models[0].inertia_


def test_whole_numbers_that_are_given_up():
    """One feature is so large that most rows stay undecided: the fit continues in float32."""
    rng = np.random.default_rng(0)
    side = rng.choice([-1, 1, 0.01], size=1500, p=[0.45, 0.45, 0.1])
    X = rng.normal(size=(1500, 96))
    X[:, 0] += 1e4 * side
    centers = np.concatenate([X[side == -1][:2], X[side == 1][:2], X[side == 0.01][:1]])
    same_fits(X, centers, ["yinyang", "lloyd", "auto"])
    data = engine.Data(X, None, 2, True)
    for algorithm in "lloyd", "auto", "yinyang":  # with the packings that the others have left
        run = engine.Run(data, centers.copy(), 300, 0.0, algorithm)
        while run.iterate():
            pass
        assert np.array_equal(
            run.labels(), KMeans(5, init=centers, tol=0, algorithm="yinyang").fit(X).labels_
        )


def test_rows_without_direction_among_rows_in_doubt():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 2, size=(320, 96)).astype(float)
    X[::8] = 0
    centers = X[1:33:2] + 0.01 * rng.random((16, 96))
    same_fits(X, centers, ["yinyang", "lloyd", "auto"], metric="cosine")


def test_whole_numbers_before_and_after_axes():
    """The rows from which axes are computed lie along four of them, the others do not: axes are
    begun and given up.
    """
    rng = np.random.default_rng(1)
    n, d, k = 20_000, 96, 64
    X = (30 * rng.normal(size=(n, d))).astype(np.float32)
    looked_at = np.unique(
        np.concatenate([np.arange(512) * n // 512, (8 * np.arange(128) + 1) * n // 1024])
    )
    X[looked_at] = 8 * rng.normal(size=(len(looked_at), 4)) @ rng.normal(
        size=(4, d)
    ) + 0.01 * rng.normal(size=(len(looked_at), d))
    same_fits(X, X[rng.choice(looked_at, k, replace=False)], ["yinyang", "auto"], max_iter=30)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_rows_are_decided_right(dtype):
    rng = np.random.default_rng(0)
    hard = 0
    for d in (3, 16, 17, 40, 64, 130):
        # Centers whose coordinates are rotations of each other are equally far from a row of zeros:
        # only the order of the sums decides.
        base = rng.normal(size=d)
        centers = np.array([np.roll(base, shift) for shift in range(min(d, 9))])
        X = np.concatenate(
            [np.zeros((1, d)), rng.normal(size=(60, d)), rng.normal(size=(40, d)) * 1e-17]
        ).astype(dtype)
        labels, _ = oracle.assign(X, centers)
        found = np.concatenate(
            [engine.Data(row[None], None, 2, False, False).assign(centers) for row in X]
        )
        assert np.array_equal(found, labels)
        backwards, _ = oracle.assign(X[:, ::-1], centers[:, ::-1])
        hard += int((backwards != labels).sum())
        for few in X[:1], X[:3], X[:5]:
            assert np.array_equal(
                engine.Data(few, None, 2, False, False).distances(centers),
                oracle.distances(few, centers),
            )
    assert hard > 0


def test_single_rows_are_checked():
    model = KMeans(3, init=np.eye(40)[:3]).fit(np.eye(40))
    for bad in np.nan, np.inf, -np.inf:
        row = np.zeros((1, 40))
        row[0, 7] = bad
        for method in model.predict, model.transform:
            with pytest.raises(ValueError, match="row 0, column 7"):
                method(row)
    assert model.predict(np.full((1, 40), 1e120)).shape == (1,)


def hard_roots(rng, kind, n, d, k):
    """float32 rows and centers whose distances |x|^2 + |c|^2 - 2xc gives inaccurately."""
    X = rng.normal(size=(n, d))
    centers = rng.normal(size=(k, d))
    if kind == "offset":
        X, centers = X + 3e6, centers + 3e6
    elif kind == "groups":  # all near one another, far from the origin that lies between the groups
        apart = 10.0 ** rng.uniform(2, 4)
        X, centers = (
            part + apart * rng.choice([-1, 1], size=(len(part), 1)) for part in (X, centers)
        )
    elif kind == "duplicates":
        centers = X[rng.integers(n, size=k)]
    elif kind == "tiny":  # subnormal distances, too
        X, centers = X * 1e-42, centers * 1e-42
    elif kind == "huge":  # whose distances overflow float32
        X, centers = X * 2e37, centers * 2e37
    elif kind == "integers":  # and many roots that are float32 values, or halfway between two
        X, centers = np.rint(X * 3), np.rint(centers * 3)
    elif kind == "mixed":
        X, centers = (
            X * 10.0 ** rng.uniform(-20, 20, size=d),
            centers * 10.0 ** rng.uniform(-20, 20, size=d),
        )
    return X.astype(np.float32), centers.astype(np.float32).astype(float)


HARD_ROOTS = ["plain", "offset", "groups", "duplicates", "tiny", "huge", "integers", "mixed"]


@pytest.mark.parametrize("kind", HARD_ROOTS)
def test_float32_distances_are_those_of_the_exact_sum(kind):
    rng = np.random.default_rng(0)
    for k in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25, 33, 70):
        n, d = int(rng.integers(16, 200)), int(rng.integers(8, 150))
        X, centers = hard_roots(rng, kind, n, d, k)
        expected = oracle.distances(X, centers)
        for rows in (X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
            found = engine.Data(rows, None, 1 + k % 2, False).distances(centers)
            assert np.array_equal(found, expected)


def test_a_weaker_bound_of_distances_would_be_noticed():
    rng = np.random.default_rng(0)
    X, centers = hard_roots(rng, "groups", 4000, 60, 40)
    engine.scale_guard(1e-3)
    try:
        found = engine.Data(X, None, 1, False).distances(centers)
    finally:
        engine.scale_guard(1)
    assert (found != oracle.distances(X, centers)).any()


def all_tied(n, d, dtype=np.float64):
    """Rows that are equally far from all centers: nothing can be discarded."""
    X = np.zeros((n, d), dtype)
    X[:, -1] = np.random.default_rng(0).normal(size=n)
    centers = np.zeros((2 * (d - 1), d), dtype)
    centers[np.arange(2 * (d - 1)), np.arange(2 * (d - 1)) // 2] = np.where(
        np.arange(2 * (d - 1)) % 2, 1, -1
    )
    return X, centers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("algorithm", ["lloyd", "auto"])
def test_all_rows_tied(dtype, algorithm):
    X, centers = all_tied(5000, 9, dtype)
    model = KMeans(16, init=centers, max_iter=1, algorithm=algorithm).fit(X)
    step = oracle.lloyd(X, centers, max_iter=1)
    assert np.array_equal(model.labels_, step.labels)
    assert np.array_equal(model.cluster_centers_, step.centers)


def test_huge_offset_and_equal_rows():
    rng = np.random.default_rng(0)
    X = 1e12 + rng.normal(size=(3000, 5))
    result = oracle.lloyd(X, X[:7], max_iter=5)
    model = KMeans(7, init=X[:7], max_iter=5).fit(X)
    assert np.array_equal(model.labels_, result.labels) and model.inertia_ == result.inertia
    same = KMeans(1, init=np.full((1, 3), 0.1)).fit(np.full((500, 3), 0.1))
    assert same.inertia_ == 0 and (same.labels_ == 0).all()


def test_counters():
    X = np.random.default_rng(0).normal(size=(10_000, 8))
    run = engine.Run(engine.Data(X, None, 2, True), X[:20].copy(), 5, 0.0, "lloyd")
    run.finish()
    work = run.counters()
    assert work["filtered"] == 10_000 * 20 * (run.n_iter + 1)  # and the last assignment
    assert 0 < work["decided"] < 0.01 * 10_000 * run.n_iter
    assert work["exact"] == 20 * work["decided"]
