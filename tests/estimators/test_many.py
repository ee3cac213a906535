"""Many fits in one call: the bits of each group are those of a fit of its rows alone."""

import signal
import threading
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ckmeans
from ckmeans import KMeans, fit_many
from ckmeans._estimators import many


def alone(rows, k, fits, weights=None, n_init=1, **options):
    return KMeans(k, init="k-means++", n_init=n_init, random_state=fits.seed, **options).fit(
        rows, sample_weight=weights
    )


def assert_same(fits, g, labels, model):
    """That one group has the bits of a fit of its own."""
    assert np.array_equal(fits.centers[g], model.cluster_centers_)
    assert fits.centers.dtype == model.cluster_centers_.dtype
    assert np.array_equal(labels, model.labels_)
    assert fits.inertia[g] == model.inertia_
    assert fits.n_iter[g] == model.n_iter_
    assert np.array_equal(fits.counts[g], model.counts_)


def data(g, d=3, dtype=np.float64, least=6, seed=0):
    """Rows, and the group of each, in no order; groups of several sizes."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(least, 40, size=g)
    groups = rng.permutation(np.repeat(np.arange(g), sizes))
    return (30 * rng.normal(size=(len(groups), d))).round(1).astype(dtype), groups


@pytest.fixture(params=["alone", "shared"])
def way(request, monkeypatch):
    """Groups in one thread, and shared out to several."""
    monkeypatch.setattr(many, "SHARED", 0 if request.param == "shared" else 1 << 60)


# ------------------------------------------------------------------------------------------- equal


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int32", "uint8"])
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.usefixtures("way")
def test_groups(dtype, n_threads):
    X, groups = data(30, dtype="int32" if dtype == "uint8" else dtype)
    X = np.abs(X).astype(dtype) if dtype == "uint8" else X
    before = X.tobytes(), groups.tobytes()
    fits = fit_many(X, 4, groups, random_state=3, n_threads=n_threads)
    assert fits.seed == 3 and len(fits) == 30
    assert np.array_equal(fits.n_rows, np.bincount(groups))
    for g in range(30):
        some = groups == g
        assert_same(fits, g, fits.labels[some], alone(X[some], 4, fits))
    assert np.array_equal(fits.predict(X, groups, n_threads=n_threads), fits.labels)
    assert (X.tobytes(), groups.tobytes()) == before


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
    st.sampled_from([0, 1e-4]),
    st.booleans(),
    st.integers(0, 2),
)
def test_any_groups(k, d, seed, n_init, tol, weighted, spread):
    """Few distinct values, so that there are ties, equal rows and empty clusters."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(4, size=60)
    X = rng.integers(0, (2, 9, 1000)[spread], size=(60, d)).astype(float)
    weights = rng.integers(0, 3, size=60) + (rng.random(60) < 0.3) if weighted else None
    if weighted:
        weights[:8] = 1.0
        groups[:4] = range(4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        fits = fit_many(
            X,
            k,
            groups,
            random_state=seed,
            n_init=n_init,
            tol=tol,
            sample_weight=weights,
            too_few="skip",
        )
        for g, key in enumerate(fits.keys):
            some = groups == key
            if some.sum() < k:
                assert np.isnan(fits.centers[g]).all() and (fits.labels[some] == -1).all()
                continue
            w = None if weights is None else weights[some]
            model = alone(X[some], k, fits, w, n_init, tol=tol)
            assert_same(fits, g, fits.labels[some], model)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.integers(1, 5),
    st.sampled_from(["float64", "float32", "float16", "int16"]),
    st.sampled_from([0, 1e-4, 0.1]),
    st.sampled_from([1, 2, 300]),
)
def test_values_of_any_size(seed, k, d, dtype, tol, max_iter):
    """Few rows have loops of their own, whose sums must be as exact as those of any others: columns
    of very different sizes, values that differ in their last bits, zeros of either sign.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, k + int(rng.integers(20)), d))
    if dtype == "float64":
        X *= 10.0 ** rng.integers(-40, 40, size=(12, 1, d))
        X[6:] *= 10.0 ** rng.integers(-12, 12, size=(6, X.shape[1], d))
    elif dtype == "float32":
        X *= 10.0 ** rng.integers(-10, 10, size=(12, 1, d))
    X[3:5] = 1 + X[3:5].round(1) * 2.0**-40
    X[5][rng.random(X[5].shape) < 0.5] *= -0.0
    X = (X * 100).astype(dtype) if dtype == "int16" else X.astype(dtype)
    if rng.random() < 0.3:
        X = np.asfortranarray(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        options = {"tol": tol, "max_iter": max_iter}
        fits = fit_many(X, k, random_state=seed % 1000, n_init=2, **options)
        for g, rows in enumerate(X):
            assert_same(fits, g, fits.labels[g], alone(rows, k, fits, n_init=2, **options))


@pytest.mark.usefixtures("way")
def test_3d_arrays():
    X = np.random.default_rng(0).normal(size=(20, 25, 3))
    fits = fit_many(X, 3, random_state=1, n_init=2)
    assert fits.labels.shape == (20, 25)
    for layout in (np.asfortranarray(X), np.ascontiguousarray(X[::-1])[::-1], X.tolist()):
        other = fit_many(layout, 3, random_state=1, n_init=2)
        assert np.array_equal(other.centers, fits.centers)
    for g in range(20):
        assert_same(fits, g, fits.labels[g], alone(X[g], 3, fits, n_init=2))
    new = np.random.default_rng(1).normal(size=(20, 7, 3))
    labels = fits.predict(new)
    for g in range(20):
        assert np.array_equal(labels[g], alone(X[g], 3, fits, n_init=2).predict(new[g]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("way")
def test_subspaces(dtype):
    X = np.random.default_rng(0).normal(size=(300, 12)).astype(dtype)
    for rows in (X, np.asfortranarray(X)):
        fits = fit_many(rows, 8, subspaces=4, random_state=0, max_iter=5)
        assert fits.centers.shape == (4, 8, 3) and fits.labels.shape == (300, 4)
        for g in range(4):
            model = alone(X[:, 3 * g : 3 * g + 3], 8, fits, max_iter=5)
            assert_same(fits, g, fits.labels[:, g], model)
        assert np.array_equal(fits.predict(rows), fits.labels)
    assert np.array_equal(fits.predict(X[:5]), fits.labels[:5])


def test_one_large_group_has_all_threads():
    X = np.random.default_rng(0).normal(size=(20000, 8))
    fits = fit_many(X, 16, np.zeros(len(X), int), random_state=0, max_iter=4, n_threads=2)
    assert_same(fits, 0, fits.labels, alone(X, 16, fits, max_iter=4))


def test_a_group_does_not_depend_on_others():
    X, groups = data(12)
    all_groups = fit_many(X, 3, groups, random_state=5)
    some = groups >= 4
    few = fit_many(X[some], 3, groups[some], random_state=5)
    assert np.array_equal(few.centers, all_groups.centers[4:])
    assert np.array_equal(few.labels, all_groups.labels[some])


@pytest.mark.parametrize(
    "random_state", [np.random.RandomState(3), np.random.default_rng(3), None, 7]
)
def test_seeds(random_state):
    X, groups = data(5)
    fits = fit_many(X, 3, groups, random_state=random_state)
    again = fit_many(X, 3, groups, random_state=fits.seed)
    assert np.array_equal(fits.centers, again.centers)


# ------------------------------------------------------------------------------------------ labels


def as_strings(groups):
    return np.array(["b", "a", "d", "c"])[groups]


@pytest.mark.parametrize(
    ("label", "keys"),
    [
        (lambda groups: groups.tolist(), [0, 1, 2, 3]),
        (lambda groups: groups.astype(np.uint8), [0, 1, 2, 3]),
        (lambda groups: groups * 0.5, [0.0, 0.5, 1.0, 1.5]),
        (lambda groups: groups > 1, [False, True]),
        (as_strings, ["a", "b", "c", "d"]),
        (lambda groups: as_strings(groups).astype(object), ["a", "b", "c", "d"]),
        (lambda groups: as_strings(groups).tolist(), ["a", "b", "c", "d"]),
        (lambda groups: [("x", int(g)) for g in groups], [("x", g) for g in range(4)]),
        (lambda groups: [None.__class__ if g else "x" for g in groups], None),
        (lambda groups: groups.astype("M8[D]"), None),
        (lambda groups: pytest.importorskip("pandas").Series(as_strings(groups)), list("abcd")),
        (
            lambda groups: pytest.importorskip("pandas").Categorical(
                as_strings(groups), categories=list("dcbax")
            ),
            list("abcd"),
        ),
        (lambda groups: pytest.importorskip("polars").Series(as_strings(groups)), list("abcd")),
        (lambda groups: pytest.importorskip("pyarrow").array(as_strings(groups)), list("abcd")),
    ],
)
def test_labels_of_every_kind(label, keys):
    X, groups = data(4, seed=2)
    labels = label(groups)
    fits = fit_many(X, 3, labels, random_state=0)
    if keys is not None:
        assert fits.keys.tolist() == keys
    plain = np.asarray(labels) if not isinstance(labels, list) else labels
    for g, key in enumerate(fits.keys):
        some = np.array([value == key for value in plain])
        assert_same(fits, g, fits.labels[some], alone(X[some], 3, fits))
    assert np.array_equal(fits.predict(X, labels), fits.labels)


@pytest.mark.parametrize(
    ("labels", "error", "said"),
    [
        ([1, None, 2], ValueError, r"1 missing label\(s\), the first at row 1"),
        ([1.0, np.nan, np.nan], ValueError, r"2 missing label\(s\), the first at row 1"),
        (["a", float("nan"), "b"], ValueError, "row 1"),
        (np.array(["2020-01-01", "NaT", "NaT"], "M8[D]"), ValueError, "row 1"),
        ([1, 2], ValueError, r"shape \(2,\).*shape \(3,\)"),
        ([[1], [2], [3]], (TypeError, ValueError), "groups has"),
        ([[1], [2], {}], TypeError, "cannot be one"),
        (3, TypeError, "one label per row"),
        ("name", ValueError, "names no column"),
    ],
)
def test_labels_that_cannot_be_used(labels, error, said):
    with pytest.raises(error, match=said):
        fit_many(np.eye(3), 1, labels)


# ---- tables


def frame_of(X, groups):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["u", "v", "w"], index=np.arange(len(X))[::-1] + 5)
    frame.insert(1, "shop", as_strings(groups))
    return frame


def test_group_by_of_pandas():
    X, groups = data(4)
    frame = frame_of(X, groups)
    plain = fit_many(X, 3, as_strings(groups), random_state=0)
    before = frame.copy()
    named = fit_many(frame, 3, "shop", random_state=0)
    assert named.feature_names_in_.tolist() == ["u", "v", "w"] and named.n_features_in_ == 3
    for by in (
        frame.groupby("shop"),
        frame.groupby("shop", sort=False),
        frame.groupby("shop", as_index=False),
        frame.groupby("shop")[["u", "v", "w"]],
        frame.assign(shop=frame["shop"].astype("category")).groupby("shop", observed=False),
        frame.drop(columns="shop").groupby(as_strings(groups)),
    ):
        fits = fit_many(by, 3, random_state=0)
        assert fits.keys.tolist() == list("abcd")
        assert np.array_equal(fits.centers, plain.centers)
        assert np.array_equal(fits.labels, plain.labels)
        assert fits.feature_names_in_.tolist() == ["u", "v", "w"]
        assert np.array_equal(fits.predict(by), plain.labels)
    assert np.array_equal(named.centers, plain.centers)
    assert before.equals(frame)
    two = fit_many(frame_of(X, groups).assign(x=groups % 2).groupby(["shop", "x"]), 3)
    assert two.keys[0] == ("a", 1) and len(two) == 4


def test_missing_keys_of_pandas():
    X, groups = data(4)
    frame = frame_of(X, groups)
    frame.iloc[3, 1] = None
    with pytest.raises(ValueError, match=r"1 missing label\(s\), the first at row 3.*dropna"):
        fit_many(frame.groupby("shop"), 3)


def test_group_by_of_polars():
    polars = pytest.importorskip("polars")
    X, groups = data(4)
    frame = polars.DataFrame({"shop": as_strings(groups), "u": X[:, 0], "v": X[:, 1], "w": X[:, 2]})
    plain = fit_many(X, 3, as_strings(groups), random_state=0)
    for fits in (
        fit_many(frame.group_by("shop"), 3, random_state=0),
        fit_many(frame, 3, "shop", random_state=0),
    ):
        assert fits.keys.tolist() == list("abcd")
        assert np.array_equal(fits.centers, plain.centers)
        assert np.array_equal(fits.labels, plain.labels)
        assert fits.feature_names_in_.tolist() == ["u", "v", "w"]
    two = fit_many(frame.with_columns(x=polars.col("u") > 0).group_by("shop", "x"), 1)
    assert two.keys[0] == ("a", False) and len(two) == 8


def test_tables_of_pyarrow_by_the_name_of_a_column():
    pyarrow = pytest.importorskip("pyarrow")
    X, groups = data(4)
    table = pyarrow.table({"u": X[:, 0], "shop": as_strings(groups), "v": X[:, 1]})
    fits = fit_many(table, 3, "shop", random_state=0)
    plain = fit_many(X[:, :2], 3, groups, random_state=0)
    assert (
        fits.keys.tolist() == list("abcd")
        and fits.inertia.sum() == plain.inertia[[1, 0, 3, 2]].sum()
    )


def test_frame_of_centers():
    pytest.importorskip("pandas")
    X, groups = data(4)
    fits = fit_many(frame_of(X, groups).groupby("shop"), 2, random_state=0)
    frame = fits.to_frame()
    assert frame.columns.tolist() == ["group", "cluster", "n_rows", "u", "v", "w"]
    assert frame["group"].tolist() == list("aabbccdd") and frame["n_rows"].sum() == len(X)
    assert np.array_equal(frame[["u", "v", "w"]].to_numpy().reshape(4, 2, 3), fits.centers)
    assert fit_many(X[:40].reshape(2, 20, 3), 2).to_frame().columns[-1] == "x2"


# -------------------------------------------------------------------------------------- few, wrong


def test_groups_of_too_few_rows():
    X, groups = data(3)
    more = np.concatenate([groups, np.repeat(np.arange(10, 25), 2)])
    X = np.concatenate([X, np.ones((30, 3))])
    with pytest.raises(
        ValueError, match=r"^15 of 18 groups have fewer rows than n_clusters=3: 10 \(2\), .* 5 more"
    ):
        fit_many(X, 3, more)
    fits = fit_many(X, 3, more, too_few="skip", random_state=0)
    assert np.isnan(fits.centers[3:]).all() and np.isnan(fits.inertia[3:]).all()
    assert (fits.labels[-30:] == -1).all() and (fits.labels[:-30] >= 0).all()
    assert not fits.n_iter[3:].any() and not fits.counts[3:].any()
    assert np.array_equal(fits.predict(X, more), fits.labels)
    with pytest.raises(ValueError, match="20 rows|fewer rows than n_clusters=4"):
        fit_many(np.zeros((3, 2, 2)), 4)


def test_few_distinct_rows_are_warned_of():
    X = np.array([[0.0], [0.0], [0.0], [1.0], [2.0], [3.0]])
    groups = ["same", "same", "same", "all", "all", "all"]
    with pytest.warns(ckmeans.ConvergenceWarning, match=r"^1 group \('same'\) with fewer distinct"):
        fits = fit_many(X, 2, groups, random_state=0)
    with pytest.warns(ckmeans.ConvergenceWarning):
        model = alone(X[:3], 2, fits)
    assert_same(fits, 1, fits.labels[:3], model)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("kind", ["groups", "array", "subspaces"])
def test_values_that_are_refused(value, kind):
    """With their places in X, not in the order of the groups."""
    X, groups = data(4)
    X, groups = X[:48], groups[:48]
    fine, bad = X.copy(), X.copy()
    bad[17, 2] = value
    if kind == "groups":
        fits = fit_many(fine, 2, groups)
        uses = lambda: fit_many(bad, 2, groups), lambda: fits.predict(bad, groups)
        said = "at row 17, column 2"
    elif kind == "array":
        shape = 4, 12, 3
        fits = fit_many(fine.reshape(shape), 2)
        uses = lambda: fit_many(bad.reshape(shape), 2), lambda: fits.predict(bad.reshape(shape))
        said = r"at row 5, column 2.*\(in group 1\)"
    else:
        fits = fit_many(fine, 2, subspaces=3)
        uses = lambda: fit_many(bad, 2, subspaces=3), lambda: fits.predict(bad)
        said = "at row 17, column 2"
    for use in uses:
        with pytest.raises(ValueError, match=f"X contains .*{said}"):
            use()


def test_ranges_that_underflow():
    X = np.concatenate([np.random.default_rng(0).normal(size=(9, 2)), 1e-150 * np.ones((9, 2))])
    X[9:] *= np.arange(9)[:, None]
    groups = np.repeat(["fine", "tiny"], 9)
    with pytest.raises(ValueError, match=r"spans 8e-150 .*\(in group 'tiny'\)"):
        fit_many(X, 2, groups)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"groups": np.arange(6) % 2, "subspaces": 2}, ValueError, "cannot be used together"),
        ({"subspaces": 3}, ValueError, "does not divide the 4 features"),
        ({"subspaces": 0}, ValueError, "subspaces"),
        ({}, ValueError, "does not say what the groups are"),
        ({"groups": np.zeros(6, int), "n_init": 0}, ValueError, "n_init"),
        ({"groups": np.zeros(6, int), "max_iter": 0}, ValueError, "max_iter"),
        ({"groups": np.zeros(6, int), "too_few": "drop"}, ValueError, "too_few"),
        ({"groups": np.zeros(6, int), "random_state": -1}, ValueError, "random_state"),
        ({"groups": np.zeros(6, int), "n_threads": 0}, ValueError, "n_threads"),
        ({"subspaces": 2, "sample_weight": np.ones(6)}, ValueError, "goes with groups"),
        ({"groups": np.zeros(6, int), "sample_weight": -np.ones(6)}, ValueError, "negative"),
        ({"groups": [0, 0, 0, 0, 1, 1], "sample_weight": [1, 1, 1, 1, 0, 0]}, ValueError, "zero"),
        ({"group": np.zeros(6, int)}, TypeError, "Did you mean 'groups'"),
    ],
)
def test_parameters_that_are_refused(options, error, said):
    with pytest.raises(error, match=said):
        fit_many(np.random.default_rng(0).normal(size=(6, 4)), 2, **options)


@pytest.mark.parametrize("k", [0, 1.5, "3", True])
def test_numbers_of_clusters_that_are_refused(k):
    with pytest.raises((TypeError, ValueError), match="n_clusters"):
        fit_many(np.ones((2, 5, 2)), k)


def test_rows_that_are_refused():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="sparse"):
        fit_many(scipy_sparse.eye(6, format="csr"), 1, np.zeros(6, int))
    with pytest.raises(ValueError, match="unequal length"):
        fit_many([[[1.0], [2.0]], [[1.0]]], 1)
    with pytest.raises(ValueError, match="whose entries are the groups"):
        fit_many(np.ones((2, 3, 1)), 1, [0, 1])
    for shape in ((0, 3, 2), (2, 0, 2), (2, 3, 0)):
        with pytest.raises(ValueError, match="while a minimum of 1"):
            fit_many(np.ones(shape), 1)


def test_what_predict_refuses():
    X, groups = data(4)
    fits = fit_many(X, 3, groups, random_state=0)
    with pytest.raises(ValueError, match=r"2 groups \(8, 9\) that no fit knows"):
        fits.predict(X[:4], [8, 1, 9, 9])
    with pytest.raises(ValueError, match="X has 2 features"):
        fits.predict(X[:, :2], groups)
    with pytest.raises(ValueError, match="does not say what the groups are"):
        fits.predict(X)
    with pytest.raises(ValueError, match="fits of rows with groups, but X is given as a 3-D"):
        fits.predict(X[None])
    bad = X.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        fits.predict(bad, groups)
    assert len(fits.predict(X[:1], groups[:1])) == 1
    with pytest.raises(ValueError, match="X has 2 groups, but 3 were fitted"):
        fit_many(np.random.default_rng(0).normal(size=(3, 9, 2)), 2).predict(np.ones((2, 9, 2)))


# ---------------------------------------------------------------------------------------- interrupt


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs pthread_kill")
@pytest.mark.usefixtures("way")
def test_interrupts():
    """A fit of minutes ends when it is interrupted, and leaves no thread behind."""
    X = np.random.default_rng(0).normal(size=(400, 3000, 8))
    before = threading.active_count()
    main = threading.main_thread().ident
    timer = threading.Timer(0.5, lambda: signal.pthread_kill(main, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        fit_many(X, 100, random_state=0, tol=0, n_init=30, n_threads=2)
    timer.join()
    until = time.monotonic() + 60
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)  # a thread that was just being started ends a little later
    assert threading.active_count() <= before


def test_an_error_in_a_thread_ends_all(monkeypatch):
    monkeypatch.setattr(many, "SHARED", 0)
    X = np.random.default_rng(0).normal(size=(50, 40, 2))
    X[37] = 1e-150 * np.arange(80).reshape(40, 2)
    with pytest.raises(ValueError, match=r"in group 37\)"):
        fit_many(X, 2, n_threads=2)
