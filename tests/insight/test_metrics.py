"""Indices of how good a clustering is: against scikit-learn's, and against definitions written
out.
"""

import math
import tracemalloc
import warnings

import numpy as np
import pytest
from checks import Interruption, run_python

from ckmeans import KMeans, metrics

sklearn_metrics = pytest.importorskip("sklearn.metrics")


def problem(n, d, k, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) + 3 * rng.normal(size=(k, d))[rng.integers(k, size=n)]).astype(
        dtype
    )
    return X, rng.integers(k, size=n) if seed % 2 else KMeans(k, n_init=1, random_state=seed).fit(
        X
    ).labels_


@pytest.mark.parametrize(
    "n, d, k",
    [
        (3, 1, 2),
        (5, 2, 4),
        (17, 3, 2),
        (64, 5, 7),
        (200, 1, 3),
        (333, 16, 5),
        (1000, 40, 20),
        (257, 129, 3),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_as_scikit_learn(n, d, k, seed):
    X, labels = problem(n, d, k, seed)
    if not 2 <= len(np.unique(labels)) < n:
        labels = np.arange(n) % 2
    names = np.array(list("abcdefghijklmnopqrstuvwxyz"))[labels]
    theirs = sklearn_metrics.silhouette_samples(X, labels)
    assert np.abs(metrics.silhouette_samples(X, names) - theirs).max() < 1e-10
    assert (
        abs(metrics.silhouette_score(X, labels) - sklearn_metrics.silhouette_score(X, labels))
        < 1e-10
    )
    for name in "calinski_harabasz_score", "davies_bouldin_score":
        ours, theirs = getattr(metrics, name)(X, labels), getattr(sklearn_metrics, name)(X, labels)
        assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-10), name


def test_float32_rows_are_measured_in_float64():
    X, labels = problem(500, 6, 4, dtype=np.float32)
    theirs = sklearn_metrics.silhouette_samples(X.astype(np.float64), labels)
    assert np.abs(metrics.silhouette_samples(X, labels) - theirs).max() < 1e-10
    assert metrics.davies_bouldin_score(X, labels) == metrics.davies_bouldin_score(
        X.astype(np.float64), labels
    )
    centers = X[:4]
    simple = metrics.simplified_silhouette_samples(X, centers)
    assert np.array_equal(
        simple, metrics.simplified_silhouette_samples(X.astype(np.float64), centers)
    )


def test_silhouettes_are_the_definition_to_the_last_bits():
    X, labels = problem(90, 3, 4)
    distances = [[math.sqrt(math.fsum((x - y) ** 2)) for y in X] for x in X]
    for i, value in enumerate(metrics.silhouette_samples(X, labels)):
        means = {}
        for c in np.unique(labels):
            total = math.fsum(distances[i][j] for j in range(len(X)) if labels[j] == c)
            means[c] = total / max(1, np.count_nonzero(labels == c) - (labels[i] == c))
        a = means.pop(labels[i])
        assert value == pytest.approx(
            (min(means.values()) - a) / max(a, min(means.values())), rel=1e-14, abs=1e-15
        )


def test_no_value_depends_on_threads_or_order():
    X, labels = problem(3001, 7, 6)
    ours = metrics.silhouette_samples(X, labels, n_threads=1)
    for threads in 2, 3, 7:
        assert np.array_equal(metrics.silhouette_samples(X, labels, n_threads=threads), ours)
    order = np.random.default_rng(0).permutation(len(X))
    assert np.array_equal(
        metrics.silhouette_samples(np.asfortranarray(X[order]), labels[order]), ours[order]
    )
    for score in (
        metrics.silhouette_score,
        metrics.calinski_harabasz_score,
        metrics.davies_bouldin_score,
    ):
        assert score(X, labels) == score(X[order], labels[order])


@pytest.mark.parametrize(
    "n, d, k", [(5, 1, 2), (130, 3, 2), (700, 5, 90), (1500, 2, 3), (1031, 17, 11)]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_pairs_once_or_twice_give_the_same_bits(n, d, k, seed, monkeypatch):
    X, labels = problem(n, d, k, seed)
    labels[:2] = 0, 1
    once = metrics.silhouette_samples(X, labels, n_threads=2)
    monkeypatch.setattr(metrics, "_SUMS_BYTES", 0)
    assert np.array_equal(metrics.silhouette_samples(X, labels, n_threads=2), once)


def test_nor_on_the_instruction_set():
    from ckmeans import _native

    source = (
        "import numpy as np; from ckmeans import metrics\n"
        "rng = np.random.default_rng(0); X = rng.normal(size=(501, 9)); labels = rng.integers(5, "
        "size=501)\n"
        "print(metrics.silhouette_samples(X, labels).tobytes().hex())"
    )
    assert len({run_python(source, CKMEANS_ISA=isa) for isa in _native.available}) == 1


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-9, 1e9, 1e138])
def test_any_scale_gives_the_same_silhouettes(scale):
    X, labels = problem(200, 3, 4)
    power = 2.0 ** round(math.log2(scale))
    assert np.array_equal(
        metrics.silhouette_samples(X * power, labels), metrics.silhouette_samples(X, labels)
    )
    assert (
        np.abs(
            metrics.silhouette_samples(X * scale, labels) - metrics.silhouette_samples(X, labels)
        ).max()
        < 1e-10
    )


def test_far_from_the_origin():
    X, labels = problem(300, 2, 3)
    X = np.round(X * 1024) / 1024  # so that shifting rounds nothing
    assert (
        np.abs(
            metrics.silhouette_samples(X + 2.0**40, labels) - metrics.silhouette_samples(X, labels)
        ).max()
        < 1e-12
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        far = np.column_stack([np.full(4, 1e140), [0, 1e-200, 1, 2]])
        assert np.isfinite(metrics.silhouette_samples(far, [0, 0, 1, 1])).all()


def test_single_rows_and_equal_rows():
    assert metrics.silhouette_samples([[0.0], [1.0], [1.0]], [0, 1, 1]).tolist() == [0.0, 1.0, 1.0]
    assert metrics.silhouette_samples(np.zeros((4, 2)), [0, 0, 1, 1]).tolist() == [0.0] * 4
    assert metrics.davies_bouldin_score(np.zeros((4, 2)), [0, 0, 1, 1]) == 0.0
    assert metrics.calinski_harabasz_score([[0], [0], [1], [1]], [0, 0, 1, 1]) == 1.0
    assert metrics.simplified_silhouette_samples([[1.0], [1.0]], [[1.0], [1.0]]).tolist() == [
        0.0,
        0.0,
    ]


def test_the_simplified_silhouette_is_its_definition():
    X, labels = problem(2000, 5, 7)
    model = KMeans(7, n_init=1, random_state=0).fit(X)
    distances = np.sort(model.transform(X), axis=1)
    expected = (distances[:, 1] - distances[:, 0]) / distances[:, 1]
    assert (
        np.abs(metrics.simplified_silhouette_samples(X, model.cluster_centers_) - expected).max()
        < 1e-14
    )
    given = metrics.simplified_silhouette_samples(X, model.cluster_centers_, model.labels_)
    assert np.array_equal(given, metrics.simplified_silhouette_samples(X, model.cluster_centers_))
    assert metrics.simplified_silhouette_samples([[0.0]], [[1.0], [3.0]], [1]).tolist() == [-2 / 3]


def test_a_sample_of_the_rows():
    X, labels = problem(2000, 3, 5)
    full = metrics.silhouette_score(X, labels)
    some = metrics.silhouette_score(X, labels, sample_size=800, random_state=3)
    assert some != full and abs(some - full) < 0.05
    assert some == metrics.silhouette_score(X, labels, sample_size=800, random_state=3)
    assert metrics.silhouette_score(X, labels, sample_size=2000, random_state=3) == full


def test_weights_count_as_rows():
    X, labels = problem(60, 2, 3)
    times = np.random.default_rng(0).integers(1, 4, size=60)
    Y, many = X.repeat(times, axis=0), labels.repeat(times)
    for score in metrics.calinski_harabasz_score, metrics.davies_bouldin_score:
        assert score(X, labels, sample_weight=times) == pytest.approx(score(Y, many), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_weights_that_are_no_counts(seed):
    """Only the ratios of weights matter: their sum is not a number of rows."""
    X, labels = problem(60, 2, 3, 2 * seed)
    weights = np.random.default_rng(seed).random(60) + 0.01
    for score in metrics.calinski_harabasz_score, metrics.davies_bouldin_score:
        value = score(X, labels, sample_weight=weights)
        assert value > 0
        for factor in 1 / weights.sum(), 1e-9, 1e9:
            assert score(X, labels, sample_weight=weights * factor) == pytest.approx(
                value, rel=1e-9
            )
        for equal in 1 / 60, 0.5, 1:
            assert score(X, labels, sample_weight=np.full(60, equal)) == pytest.approx(
                score(X, labels), rel=1e-12
            )
    n, k = 60, len(np.unique(labels))
    means = [np.average(X[labels == c], axis=0, weights=weights[labels == c]) for c in range(k)]
    within = sum(
        (weights[labels == c] * ((X[labels == c] - means[c]) ** 2).sum(axis=1)).sum()
        for c in range(k)
    )
    total = (weights * ((X - np.average(X, axis=0, weights=weights)) ** 2).sum(axis=1)).sum()
    expected = (total - within) / (k - 1) / (within / (n - k))
    assert metrics.calinski_harabasz_score(X, labels, sample_weight=weights) == pytest.approx(
        expected, rel=1e-9
    )


def test_rows_of_weight_0_are_left_out():
    X, labels = problem(60, 2, 3)
    weights = np.random.default_rng(0).integers(0, 3, size=60) / 2
    labels[:2], weights[:2] = 7, 0  # a cluster without any other row
    kept = weights > 0
    for score in metrics.calinski_harabasz_score, metrics.davies_bouldin_score:
        assert score(X, labels, sample_weight=weights) == score(
            X[kept], labels[kept], sample_weight=weights[kept]
        )
    with pytest.raises(ValueError, match="Number of labels is 1"):
        metrics.davies_bouldin_score(X, labels, sample_weight=(labels == 0).astype(float))


@pytest.mark.parametrize("power", [-1000, -600, -450, 300, 440])
@pytest.mark.parametrize("sparse", [False, True])
def test_any_scale_gives_the_same_scores(power, sparse):
    X, labels = problem(60, 3, 3)
    centers = np.array([X[labels == c].mean(axis=0) for c in range(3)])
    container = pytest.importorskip("scipy.sparse").csr_matrix if sparse else np.asarray
    for score in (
        lambda X, scale: metrics.calinski_harabasz_score(X, labels),
        lambda X, scale: metrics.davies_bouldin_score(X, labels),
        lambda X, scale: metrics.simplified_silhouette_score(X, centers * scale, labels),
    ):
        assert score(container(X * 2.0**power), 2.0**power) == pytest.approx(
            score(container(X), 1.0), rel=1e-9
        )


def test_adjusted_rand():
    rng = np.random.default_rng(0)
    for k in 1, 2, 5, 50:
        a, b = rng.integers(k, size=(2, 60))
        b[:30] = a[:30]
        assert metrics.adjusted_rand_score(a, b) == pytest.approx(
            sklearn_metrics.adjusted_rand_score(a, b), abs=1e-12
        )


def test_exact_sums():
    rng = np.random.default_rng(0)
    for values in (
        rng.normal(size=1000) * 10.0 ** rng.integers(-12, 3, size=1000),
        np.full(10, 0.1),
        np.zeros(3),
        np.ones(0),
    ):
        assert metrics.exact_sum(values) == math.fsum(values)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda X: metrics.silhouette_samples(X, [0, 0, 0, 0]),
            ValueError,
            "Number of labels is 1. Valid values are 2 to",
        ),
        (
            lambda X: metrics.silhouette_samples(X, [0, 1, 2, 3]),
            ValueError,
            "Number of labels is 4",
        ),
        (
            lambda X: metrics.silhouette_samples(X, [0, 1]),
            ValueError,
            r"one label per row is "
            r"needed: shape \(4,\)",
        ),
        (lambda X: metrics.silhouette_samples(X, [0.5, 1, 1, 0]), ValueError, "whole numbers"),
        (lambda X: metrics.silhouette_samples(X * np.nan, [0, 1, 1, 0]), ValueError, "NaN"),
        (
            lambda X: metrics.silhouette_samples(X, [0, 1, 1, 0], n_threads=0),
            ValueError,
            "n_threads must be",
        ),
        (
            lambda X: metrics.silhouette_score(X, [0, 1, 1, 0], sample_size=9),
            ValueError,
            "more than the 4 rows",
        ),
        (
            lambda X: metrics.silhouette_score(X, [0, 1, 1, 0], sample_size=2.5),
            TypeError,
            "sample_size must be",
        ),
        (
            lambda X: metrics.simplified_silhouette_samples(X, [[1.0, 2.0]]),
            ValueError,
            "minimum of 2",
        ),
        (
            lambda X: metrics.simplified_silhouette_samples(X, [[1.0], [2.0]]),
            ValueError,
            "1 features, X has 2",
        ),
        (
            lambda X: metrics.simplified_silhouette_samples(X, X[:2], [0, 1, 2, 0]),
            ValueError,
            "integers from 0 to 1",
        ),
        (lambda X: metrics.simplified_silhouette_samples(X, X[:2] * np.inf), ValueError, "centers"),
    ],
)
def test_errors(call, error, message):
    X = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 9.0], [7.0, 1.0]])
    before = X.copy()
    with pytest.raises(error, match=message), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        call(X)
    assert np.array_equal(X, before)


@pytest.mark.parametrize("k", [2, 40])
def test_nothing_of_size_n_times_n(k):
    rng = np.random.default_rng(0)
    X, labels = rng.random((12_000, 3)), rng.integers(k, size=12_000)
    tracemalloc.start()
    metrics.silhouette_samples(X, labels, n_threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 12_000 * (3 * k + 30) < 12_000**2


def test_ctrl_c_ends_a_long_silhouette():
    X, labels = problem(60_000, 16, 5)
    interruption = Interruption()
    with pytest.raises(KeyboardInterrupt):
        while True:
            metrics.silhouette_samples(X, labels, n_threads=2)
    assert interruption.went_on(n_threads=2) < 1.0


# -- labels ----------------------------------------------------------------------------------------


def labels_of(base):
    """The same labels in all forms that are accepted."""
    pandas = pytest.importorskip("pandas")
    names = np.array(["x", "longer", ""])[base]
    yield from (
        base,
        base.tolist(),
        base.astype(float),
        base.astype(np.float16),
        base.astype(object),
        base.astype(">i2"),
        base * 2**62 - 5,
    )
    yield from (
        names,
        names.tolist(),
        names.astype(object),
        names.astype("S"),
        pandas.Categorical(names),
        pandas.Series(names),
    )
    yield from (
        pandas.Series(base, dtype="category"),
        pandas.array(base, dtype="Int64"),
        base.astype("M8[D]"),
        tuple(base.tolist()),
    )
    yield from (
        [2**70 * int(label) for label in base],
        [float(label) if label else 0 for label in base],
    )
    yield from (
        [np.datetime64("2020") + int(label) for label in base],
        ["a\0" if label == 1 else ["a", 0, "b"][label] for label in base],
    )


@pytest.mark.parametrize(
    "score",
    [metrics.silhouette_score, metrics.calinski_harabasz_score, metrics.davies_bouldin_score],
)
def test_labels_of_any_kind(score):
    rng = np.random.default_rng(0)
    X, base = rng.normal(size=(30, 2)), rng.integers(3, size=30)
    for labels in labels_of(base):
        assert score(X, labels) == score(X, base)
        assert metrics.adjusted_rand_score(labels, base) == 1.0


ODD_LABELS = [
    ([0, 0, None, 1], ValueError, r"1 missing label\(s\), the first \(None\) at row 2: drop"),
    (["a", "a", None, "b"], ValueError, "missing.*row 2"),
    ([0, np.nan, 1, 1], ValueError, "missing.*nan.*row 1"),
    (np.array([0, np.nan, 1, np.nan]), ValueError, "2 missing.*row 1"),
    (np.array(["2020", "NaT", "2021", "2021"], "M8[D]"), ValueError, "missing.*NaT.*row 1"),
    (np.ma.array([0, 0, 1, 1], mask=[0, 0, 0, 1]), ValueError, "missing.*masked.*row 3"),
    ([0.0, np.inf, 1.0, 1.0], ValueError, "inf at row 1.*not measurements"),
    ([0.5, 0.5, 1, 1], ValueError, "0.5 at row 0"),
    (np.array([0, 0.25, 1, 1], dtype=object), ValueError, "0.25 at row 1"),
    (["1", "1", 1, 1], TypeError, "mixes text and numbers, the first of these 1 at row 2"),
    ([0, 0, "a", "a"], TypeError, "mixes numbers and text, the first of these 'a' at row 2"),
    ([b"a", b"a", "a", "b"], TypeError, "mixes bytes and text"),
    (np.array([0, 0, 1, 1]) * 1j, TypeError, "complex"),
    (np.zeros(4, dtype="i4,i4"), TypeError, "dtype"),
    ([[0], [0], [1], [1]], ValueError, r"shape \(4, 1\)"),
    ([[0], [0, 1], 1, 1], ValueError, "one label per row"),
    (3, ValueError, r"shape \(\)"),
    (None, ValueError, r"shape \(\)"),
    (iter([0, 0, 1, 1]), ValueError, r"shape \(\)"),
    ([object, object, int, int], TypeError, "no order"),
]


@pytest.mark.parametrize("labels, error, message", ODD_LABELS)
def test_labels_that_are_none(labels, error, message):
    X = np.arange(8.0).reshape(4, 2)
    for call in (
        lambda: metrics.silhouette_samples(X, labels),
        lambda: metrics.calinski_harabasz_score(X, labels),
        lambda: metrics.davies_bouldin_score(X, labels),
        lambda: metrics.adjusted_rand_score([0, 0, 1, 1], labels),
        lambda: metrics.adjusted_rand_score(labels, [0, 0, 1, 1]),
    ):
        with pytest.raises(error, match=message):
            call()


def test_missing_labels_of_tables():
    X = np.arange(8.0).reshape(4, 2)
    pandas = pytest.importorskip("pandas")
    for labels in (
        pandas.Categorical(["a", None, "b", "b"]),
        pandas.array([1, None, 2, 2], dtype="Int64"),
        np.array([1, pandas.NA, 2, 2], dtype=object),
        pandas.Series(["a", None, "b", "b"], dtype="string"),
    ):
        with pytest.raises(ValueError, match="1 missing label.*row 1"):
            metrics.silhouette_samples(X, labels)
