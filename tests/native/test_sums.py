"""Sums over rows are the exact sums, rounded once, for any mix of magnitudes; values that are too
small or too large are refused.
"""

import math
import warnings
from fractions import Fraction

import numpy as np
import oracle
import pytest
from checks import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st

import ckmeans
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans, kmeans_plusplus, metrics
from ckmeans._blocks.driver import inertia as inertia_of_blocks
from ckmeans._blocks.sources.arrays import ArrayEngine
from ckmeans._native import engine
from ckmeans.partial import assign_block, survey_block
from ckmeans.select import select_k

sparse = pytest.importorskip("scipy.sparse")


def true_sum(terms):
    return float(sum(map(Fraction, terms), Fraction(0)))


def mixed(rng, size, low=-1074, high=900):
    """Float64 numbers whose sums are often halfway between two float64 numbers, or very close to
    that.
    """
    kind = rng.integers(5)
    if kind == 0:
        digits, places = (
            rng.integers(-(2**53), 2**53, size=size),
            rng.integers(low, high, size=size),
        )
    elif kind == 1:
        digits, places = (
            rng.choice([1, -1, 3, 2**52, 2**53 - 1, -(2**52) - 1], size=size),
            rng.choice([0, -52, -53, -54, -106, -107], size=size),
        )
    elif kind == 2:
        digits, places = (
            rng.choice([1, -1, 3, 2**53 - 1], size=size),
            rng.choice([0, -53, -500, -1074], size=size),
        )
    elif kind == 3:
        digits, places = rng.integers(-(2**53), 2**53, size=size), rng.integers(-5, 60, size=size)
    else:  # subnormal
        digits, places = (
            rng.integers(-(2**20), 2**20, size=size),
            rng.integers(-1074, -1040, size=size),
        )
    terms = [math.ldexp(int(a), int(b)) for a, b in zip(np.ravel(digits), np.ravel(places))]
    return np.reshape(np.clip(terms, -(2.0**high), 2.0**high), size)


# ---- the value of a sum


@settings(max_examples=500)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.booleans())
def test_sums_are_rounded_as_fractions_say(seed, n, cancel):
    terms = mixed(np.random.default_rng(seed), n)
    if cancel:
        terms = np.concatenate([terms, -terms[: n // 2]])
    expected = true_sum(terms)
    assert engine.exact_sum(terms) == expected
    assert engine.sum_values(terms) == expected  # parts of any kind, in any order
    assert engine.sum_values(np.stack([terms, -terms], axis=1)).tolist() == [expected, -expected]
    halves = engine.exact_limbs(terms[: n // 2]) + engine.exact_limbs(terms[n // 2 :])
    assert engine.limbs_value(halves) == expected


@pytest.mark.parametrize(
    "terms",
    [
        [
            "-0x1.0dbe066666667p+119",
            "0x1.f1c41cccccccdp-5",
            "-0x1.45f1b9999999ap-5",
            "-0x1.1731080000000p+119",
        ],
        ["0x1p0", "0x1p-53"],
        ["0x1p0", "0x1p-53", "0x1p-1074"],
        ["0x1p0", "0x1p-53", "-0x1p-1074"],
        ["0x1.0000000000001p0", "0x1p-53"],
        ["0x1p0", "-0x1p-54", "-0x1p-400"],
        ["0x1p-1022", "-0x1p-1074"],
        ["0x1p-1074", "0x1p-1074"],
        ["0x1p900", "-0x1p900", "0x1p-1074"],
        ["0x0p0"],
        ["0x1p900", "0x1p847", "0x1p-1074"],
    ],
)
def test_halfway_sums(terms):
    numbers = [float.fromhex(term) for term in terms]
    for signed in (numbers, [-number for number in numbers]):
        assert engine.exact_sum(signed) == engine.sum_values(signed) == true_sum(signed)


def test_many_terms_carry():
    terms = np.concatenate([np.full(70_000, 2.0**900), np.full(70_000, -1.5), np.full(3, 5e-324)])
    assert engine.exact_sum(terms) == true_sum(terms)


# ---- centers, weights and inertia


def expected_means(X, labels, weights, k):
    """As promised: the exact sum of the rounded products, rounded once, over the rounded sum of
    weights.
    """
    X = np.asarray(X, np.float64)
    w = np.ones(len(X)) if weights is None else weights
    return np.array(
        [
            [
                true_sum(w[labels == j] * column[labels == j]) / true_sum(w[labels == j])
                for column in X.T
            ]
            for j in range(k)
        ]
    )


def huge_ratio_cases():
    rng = np.random.default_rng(7)
    near_and_far = np.vstack([rng.normal([10, 3], 1, (60, 2)), [[1e100, 1e100]]])
    three = np.column_stack(
        [np.concatenate([rng.normal(5, 1, 500), rng.normal(50, 1, 500), [1e80]]), np.zeros(1001)]
    )
    heavy = np.ones(1001)
    heavy[3] = 1e100
    light = np.ones(1001)
    light[500:1000] = 1e-120
    halves = np.column_stack([mixed(rng, 200, -300, 440), mixed(rng, 200, -300, 440)])
    return {
        "one far row": (near_and_far, near_and_far[[0, 60]], None),
        "two clusters and a far row": (three, [[5, 0], [50, 0], [1e80, 0]], None),
        "one heavy row": (three * [1e-60, 1], [[5e-60, 0], [50e-60, 0], [1e20, 0]], heavy),
        "a light cluster": (three, [[5, 0], [50, 0], [1e80, 0]], light),
        "halfway sums": (halves, halves[[0, 1, 2, 3]], 2.0 ** rng.integers(-300, 30, size=200)),
        "far and small": (
            np.array([[1e140], [1e-300], [3e-300], [-1e140], [1.0], [2.0]]) * [1, 1],
            [[1e140] * 2, [1] * 2, [-1e140] * 2],
            None,
        ),
    }


CASES = huge_ratio_cases()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "how", ["dense", "lean", "threads", "csr", "columns", "yinyang", "chunks", "held"]
)
def test_huge_beside_small(case, how):
    X, init, weights = CASES[case]
    k = len(init)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        result = oracle.lloyd(X, init, weights, tol=0)
        model = KMeans(
            k,
            init=init,
            tol=0,
            copy_x=how != "lean",
            n_threads=3 if how == "threads" else 1,
            algorithm="yinyang" if how == "yinyang" else "auto",
        )
        if how == "chunks":
            pieces = [slice(0, 7), slice(7, 100), slice(100, None)]
            model.fit_chunks(
                lambda: ((X[s] if weights is None else (X[s], weights[s])) for s in pieces)
            )
        elif how == "held":
            model.fit_chunks(X, sample_weight=weights, labels=True)
        else:
            model.fit(
                {"csr": sparse.csr_matrix, "columns": np.asfortranarray}.get(how, np.array)(X),
                sample_weight=weights,
            )
    assert model.stop_reason_ == result.stop_reason != "max_iter"
    assert np.array_equal(model.cluster_centers_, result.centers)
    assert np.array_equal(model.counts_, np.bincount(result.labels, minlength=k))
    assert model.inertia_ == result.inertia
    has_weight = np.array([weights is None or weights[result.labels == j].any() for j in range(k)])
    assert np.array_equal(
        model.cluster_centers_[has_weight], expected_means(X, result.labels, weights, k)[has_weight]
    )


@pytest.mark.parametrize("case", CASES)
def test_sums_of_batches_and_blocks(case):
    X, init, weights = CASES[case]
    k = len(init)
    labels, _ = oracle.assign(X, np.array(init, float))
    # The first batch of all rows moves centers to its means.
    batch = MiniBatchKMeans(k, init=np.array(init, float), reassignment_ratio=0).partial_fit(
        X, sample_weight=weights
    )
    seen = np.array(
        [true_sum((np.ones(len(X)) if weights is None else weights)[labels == j]) for j in range(k)]
    )
    assert np.array_equal(batch.seen_weights_, seen)
    pairs = [
        (X[s], None if weights is None else weights[s])
        for s in (slice(0, 50), slice(50, 51), slice(51, None))
    ]
    whole = sum(survey_block(*pair) for pair in pairs)
    total = sum(assign_block(x, init, whole, w) for x, w in pairs)
    assert np.array_equal(total.weights, seen)
    assert np.array_equal(
        total.centers(np.array(init, float)), expected_means(X, labels, weights, k)
    )
    moved = total.copy()
    row, weight = X[5], 1.0 if weights is None else weights[5]
    moved.move(row, int(labels[5]), -weight)
    moved.move(row, int(labels[5]), weight)
    assert np.array_equal(
        moved.centers(np.array(init, float)), total.centers(np.array(init, float))
    )
    own = oracle.sq_distances(X, np.array(init, float)).min(axis=1)
    assert (
        total.inertia
        == inertia_of_blocks(ArrayEngine(X, weights), np.array(init, float))
        == oracle.inertia(own, weights)
    )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 3, 5, 70]),
    st.sampled_from([np.float32, np.float64]),
    st.booleans(),
)
def test_means_of_any_rows(seed, d, dtype, weighted):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    low, high = (-149, 120) if dtype == np.float32 else (-1074, 460)
    X = mixed(rng, (n, d), low, high).astype(dtype)
    weights = np.abs(mixed(rng, n, -400, 60)) if weighted else None
    labels = np.zeros(n, dtype=np.int32)
    if weighted and not weights.any():
        return
    expected = expected_means(X, labels, weights, 1).astype(dtype).astype(np.float64)
    for array in (X, sparse.csr_matrix(X) * 1):
        rows = ckmeans._input.checks.as_matrix(array, sparse=True)[0]
        assert np.array_equal(engine.Data(rows, weights, 1, False).means(labels, 1), expected)
    data = engine.Data(X, weights, 1, False)
    assert data.total_weight() == (n if weights is None else true_sum(weights))
    w = np.ones(n) if weights is None else weights
    total = sum(map(Fraction, w))
    columns = [[*map(Fraction, column)] for column in X.astype(np.float64).T.tolist()]
    moments = [
        (
            sum(a * x for a, x in zip(map(Fraction, w), column)),
            sum(a * x * x for a, x in zip(map(Fraction, w), column)),
        )
        for column in columns
    ]
    variance = sum(square / total - (first / total) ** 2 for first, square in moments) / d
    if low > -200 and not weighted:  # else products end below the smallest float64
        assert engine.exact_variance(engine.exact_moments(data)) == float(variance)
        assert data.variance() == pytest.approx(float(variance), rel=1e-5, abs=1e-300)


def test_rows_without_weight_change_no_variance():
    """Rows of weight 0: their values count for the ranges, but are not in any sum."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 2))
    padded = np.vstack([X, [[1e130, -1e100]]])
    weights = np.append(rng.random(300), 0.0)
    there = engine.Data(padded, weights, 1, False).variance()
    assert there == pytest.approx(oracle.mean_variance(X, weights[:-1]), rel=1e-5)
    init = X[:4]
    removed = KMeans(4, init=init).fit(X, sample_weight=weights[:-1])
    model = KMeans(4, init=init).fit(padded, sample_weight=weights)
    assert (
        np.array_equal(model.cluster_centers_, removed.cluster_centers_)
        and model.n_iter_ == removed.n_iter_
    )
    blocks = KMeans(4, init=init).fit_chunks(
        lambda: ((padded[i : i + 50], weights[i : i + 50]) for i in range(0, 301, 50))
    )
    assert (
        np.array_equal(blocks.cluster_centers_, removed.cluster_centers_)
        and blocks.n_iter_ == removed.n_iter_
    )


# ---- draws


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_draws_at_running_sums_that_parts_leave_over(seed):
    """Shares and numbers with few digits: targets equal running sums, or differ from them by
    2**-300 of their value.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    X = rng.normal(size=(n, 2))
    weights = rng.integers(1, 4, size=n) * 2.0 ** rng.choice(
        [0, 0, -1, -53, -54, -300, -600], size=n
    )
    uniforms = rng.integers(0, 64, size=200) / 64
    order = oracle.content_order(X)
    drawn = engine.Data(X, weights, 1, False).draw(uniforms)
    assert drawn.tolist() == [int(order[oracle.draw(weights[order], u)]) for u in uniforms]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_kmeans_plusplus_where_potentials_are_halfway(seed, weighted):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(6, 40)), 5
    X = (
        rng.integers(-2, 3, size=(n, 2))
        * 2.0 ** rng.choice([0, 0, 27, -27, 150, -150], size=(n, 1))
    ).astype(float)
    weights = 2.0 ** rng.choice([0, 0, 53, -53, 200], size=n) if weighted else None
    uniforms = np.random.RandomState(seed).random_sample(1 + (k - 1) * 3)
    expected = oracle.kmeans_plusplus(X, k, uniforms, weights)
    _, drawn = kmeans_plusplus(X, k, sample_weight=weights, random_state=seed)
    assert np.array_equal(drawn, expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        one = KMeans(k, random_state=seed, n_init=1, init="k-means++").fit(X, sample_weight=weights)
        cuts = sorted(rng.integers(0, n, size=2).tolist())
        pieces = [slice(0, cuts[0]), slice(*cuts), slice(cuts[1], None)]
        many = KMeans(k, random_state=seed, n_init=1, init="k-means++").fit_chunks(
            lambda: ((X[s] if weights is None else (X[s], weights[s])) for s in pieces), labels=True
        )
    assert_same(one, many)


# ---- too small, too large


TINY = [1e-170, 1e-155, 2.0**-600, 1e-320]
FITS = {
    "KMeans": lambda X: KMeans(2).fit(X),
    "without a copy": lambda X: KMeans(2, copy_x=False).fit(X),
    "given centers": lambda X: KMeans(2, init=X[:2]).fit(X),
    "sparse": lambda X: KMeans(2).fit(sparse.csr_matrix(X)),
    "MiniBatchKMeans": lambda X: MiniBatchKMeans(2).fit(X),
    "partial_fit": lambda X: MiniBatchKMeans(2).partial_fit(X),
    "BisectingKMeans": lambda X: BisectingKMeans(2).fit(X),
    "fit_chunks": lambda X: KMeans(2).fit_chunks([X]),
    "kmeans_plusplus": lambda X: kmeans_plusplus(X, 2),
    "blocks": lambda X: assign_block(X, X[:2], survey_block(X)),
    "select_k": lambda X: select_k(np.tile(X, (5, 1)), [2, 3]),
}


@pytest.mark.parametrize("scale", TINY)
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("name", FITS)
def test_rows_that_are_too_near_are_refused(name, d, scale):
    X = np.array([[0.0, 0], [1, 2], [100, 0], [101, 2]])[:, :d] * scale
    before = X.copy()
    with pytest.raises(
        ValueError,
        match=r"X spans .* smallest range that can be computed with \(1e-140\).*Rescale the data",
    ) as raised:
        FITS[name](X)
    assert f"{X[3, 0]:g}" in str(raised.value)
    assert np.array_equal(X, before)
    FITS[name]((X - X.min(axis=0)) / X[3, 0])  # the remedy


@pytest.mark.parametrize("scale", [1e-141, 1e-100, 1e-45, 1.0, 1e100, 3e137])
def test_clusters_at_all_scales(scale):
    X = np.array([[0.0, 0], [1, 2], [100, 0], [101, 2]]) * scale
    assert KMeans(2, random_state=0).fit(X).counts_.tolist() == [2, 2]
    assert KMeans(2, random_state=0).fit(X + X[3]).counts_.tolist() == [2, 2]


def test_equal_rows_and_tiny_new_rows_are_no_matter():
    with pytest.warns(ckmeans.ConvergenceWarning):
        KMeans(2).fit(np.full((5, 2), 1e-200))
    model = KMeans(2, random_state=0).fit([[0.0, 0], [1, 2], [100, 0], [101, 2]])
    tiny = np.array([[1e-300, 0], [0, 5e-324]])
    assert len(set(model.predict(tiny))) == 1 and model.score(tiny) == -2.5
    assert metrics.silhouette_score([[0.0], [1e-170], [1e-168], [1.01e-168]], [0, 0, 1, 1]) > 0.9


def test_weights_that_are_too_light_are_refused():
    X = np.array([[0.0, 0], [1, 2], [100, 0], [101, 2]]) * 1e-100
    for fit in (KMeans(2).fit, MiniBatchKMeans(2).fit, BisectingKMeans(2).fit):
        with pytest.raises(
            ValueError,
            match="sample_weight up to 1e-150 and X that spans 1.01e-98 are too small "
            "together.*Rescale",
        ):
            fit(X, sample_weight=np.full(4, 1e-150))
        fit(X, sample_weight=[1e-150, 1, 1e-150, 1])


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize(("n", "d"), [(3, 2), (40, 2), (3, 9), (40, 9), (200, 300)])
def test_the_one_distance_that_float32_cannot_hold(n, d, metric):
    X = np.zeros((n, d), np.float32)
    model = KMeans(2, init=X[:2], metric=metric)
    with pytest.warns(ckmeans.ConvergenceWarning):
        model.fit(X)
    model.cluster_centers_ = np.zeros((20, d), np.float32)
    model.cluster_centers_[18, 1] = -2e38
    X[n - 1, 1] = 1.4e38
    assert model.transform(X)[n - 1, 18] == np.float32(3.4e38)
    X[n - 1, 1] = 1.41e38
    with pytest.raises(
        ValueError, match=f"row {n - 1} to center 18 is 3.41e.38, above the largest"
    ):
        model.transform(X)
    model.cluster_centers_[18, 1] = 0
    model.cluster_centers_[0, 1] = 2e38
    assert model.transform(X).max() < 2.1e38


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [1, 7, 63, 64, 65, 200])
def test_inertia_with_terms_that_the_parts_do_not_hold(n, weighted):
    random = np.random.default_rng(n)
    for exponents in (0, 0), (-30, 30), (-70, 70), (-70, -60):
        X = random.normal(size=(n, 3)) * 10.0 ** random.uniform(*exponents, size=(n, 1))
        centers = X[:1] * 0.5
        weights = random.uniform(0.5, 2, n) if weighted else None
        terms = oracle.sq_distances(X, centers)[:, 0]
        data = engine.Data(X, weights, 1, False)
        found = data.inertia(centers, np.zeros(n, np.int32))
        assert found == math.fsum(terms if weights is None else terms * weights)


@pytest.mark.parametrize("make", [np.array, sparse.csr_matrix])
def test_distances_that_float32_cannot_hold(make):
    X = np.array([[3e38, 3e38], [-3e38, -3e38], [0, 0], [1, 1]], np.float32)
    model = KMeans(2, init=X[:2]).fit(make(X))
    with pytest.raises(
        ValueError,
        match=r"row 0 to center 1 is 8\.48528e\+38, above the largest float32 \(3\.40282e\+38\): "
        r"pass X as float64",
    ):
        model.transform(make(X))
    distances = model.transform(make(X.astype(np.float64)))
    assert distances.dtype == np.float64 and np.array_equal(
        distances, np.sqrt(oracle.sq_distances(X, model.cluster_centers_))
    )
    near = KMeans(2, init=X[:2] / 4).fit(make(X / 4))
    assert np.array_equal(
        near.transform(make(X / 4)), oracle.distances(X / 4, near.cluster_centers_)
    )


# ---- metrics


def plain_silhouettes(X, labels):
    out = []
    for i, row in enumerate(X):
        with np.errstate(under="ignore"):
            distances = np.array([math.hypot(*(row - other)) for other in X])
        means = [
            math.fsum(distances[labels == j]) / max(1, np.sum(labels == j) - (j == labels[i]))
            for j in range(labels.max() + 1)
        ]
        a, b = means[labels[i]], min(mean for j, mean in enumerate(means) if j != labels[i])
        out.append(
            0.0 if np.sum(labels == labels[i]) == 1 or max(a, b) == 0 else (b - a) / max(a, b)
        )
    return np.array(out)


@pytest.mark.parametrize("make", [np.array, sparse.csr_matrix])
@pytest.mark.parametrize("far", [1e3, 1e20, 1e80, 1e139])
@pytest.mark.parametrize("d", [1, 2, 30])
def test_silhouettes_beside_a_far_row(far, d, make):
    rng = np.random.default_rng(d)
    X = np.vstack(
        [
            rng.normal(5, 1, (20, d)),
            rng.normal(50, 1, (30, d)),
            np.tile([[7.0], [9.0]], (2, d)),
            np.full((2, d), far),
        ]
    )
    labels = np.repeat([0, 1, 2, 3, 4], [20, 30, 2, 2, 2])
    labels = np.where(X[:, 0] == far, 3, np.minimum(labels, 2))
    expected = plain_silhouettes(X, labels)
    assert np.abs(expected[:50]).max() > 0.5
    for threads in (1, 2):
        assert metrics.silhouette_samples(make(X), labels, n_threads=threads) == pytest.approx(
            expected, abs=1e-7
        )
    assert (
        metrics.silhouette_samples(make(X), labels).tobytes()
        == metrics.silhouette_samples(X, labels).tobytes()
    )
    spread = metrics.davies_bouldin_score(X, labels)
    assert spread == pytest.approx(metrics.davies_bouldin_score(X[::-1], labels[::-1]), rel=1e-12)


@pytest.mark.parametrize("scale", TINY[:3])
def test_scores_have_no_scale(scale):
    X, labels = np.array([[0.0, 0], [1, 2], [100, 0], [101, 2]]), [0, 0, 1, 1]
    for score in (
        metrics.silhouette_score,
        metrics.davies_bouldin_score,
        metrics.calinski_harabasz_score,
    ):
        assert score(X * scale, labels) == pytest.approx(score(X, labels), rel=1e-12)


def test_exact_sums_of_metrics():
    assert metrics.exact_sum(np.array([1e200, 1.0, 2.0**-60, -1e200])) == 1.0 + 2.0**-60 == 1.0
    assert metrics.exact_mean(np.array([1.0, 3.0]), np.array([1e-300, 1e-300])) == 2.0
    assert (
        math.isnan(metrics.exact_sum(np.array([1.0, np.nan])))
        and metrics.exact_sum(np.array([1.0, np.inf])) == np.inf
    )
