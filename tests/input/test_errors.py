"""Every error is of a fitting type and tells where the problem is, what the limit is, or what to
do.
"""

import copy
import pickle
import re
import warnings

import numpy as np
import pytest

import ckmeans
from ckmeans import KMeans
from ckmeans._input import checks as _validate

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
MODEL = KMeans(3, n_init=1, random_state=0).fit(X)


def raises(error, *words):
    """`pytest.raises` for a message that has all these words in this order, whatever is between
    them.
    """
    return pytest.raises(error, match="(?s)" + ".*".join(map(re.escape, words)))


def with_entry(row, column, value, dtype=float):
    bad = X.astype(dtype)
    bad[row, column] = value
    return bad


def table(**columns):
    return pytest.importorskip("pandas").DataFrame(columns)


# Everything that takes data.
TAKES_DATA = {
    "fit": lambda bad: KMeans(3, n_init=1).fit(bad),
    "fit_predict": lambda bad: KMeans(3, n_init=1).fit_predict(bad),
    "fit_transform": lambda bad: KMeans(3, n_init=1).fit_transform(bad),
    "iter_fit": lambda bad: list(KMeans(3, n_init=1).iter_fit(bad)),
    "predict": MODEL.predict,
    "transform": MODEL.transform,
    "score": MODEL.score,
    "k_means": lambda bad: ckmeans.k_means(bad, 3),
    "kmeans_plusplus": lambda bad: ckmeans.kmeans_plusplus(bad, 3),
}
takes_data = pytest.mark.parametrize("take", TAKES_DATA.values(), ids=TAKES_DATA.keys())


# A function that makes the data, the error, and what its message says.
BAD_DATA = {
    "NaN": (
        lambda: with_entry(7, 1, np.nan),
        ValueError,
        "X contains NaN at row 7, column 1: drop such rows, fill in the values, or leave them to "
        "KMeans(..., missing='ignore')",
    ),
    "infinity": (
        lambda: with_entry(7, 1, np.inf),
        ValueError,
        "X contains infinity at row 7, column 1",
    ),
    "-infinity": (
        lambda: with_entry(29, 2, -np.inf),
        ValueError,
        "X contains -infinity at row 29, column 2",
    ),
    "float32 NaN": (
        lambda: with_entry(0, 0, np.nan, "f4"),
        ValueError,
        "X contains NaN at row 0, column 0",
    ),
    "float16 infinity": (
        lambda: with_entry(3, 2, np.inf, "f2"),
        ValueError,
        "infinity at row 3, column 2",
    ),
    "column-major": (
        lambda: np.asfortranarray(with_entry(3, 2, np.nan)),
        ValueError,
        "NaN at row 3, column 2",
    ),
    "too large": (
        lambda: with_entry(4, 0, 1e141),
        ValueError,
        "1e+141 at row 4, column 0",
        "1e+140",
        "rescale",
    ),
    "too small": (
        lambda: with_entry(4, 0, -1e300),
        ValueError,
        "-1e+300 at row 4, column 0",
        "rescale",
    ),
    "None": (lambda: with_entry(2, 1, None, object), ValueError, "NaN at row 2, column 1"),
    "a word": (lambda: with_entry(2, 1, "blue", object), ValueError, "'blue'", "row 2, column 1"),
    "None and a word": (
        lambda: [[1, None, 2], [3, 4, None], [5, "blue", 6]],
        ValueError,
        "'blue'",
        "row 2, column 1",
    ),
    "a dict": (
        lambda: with_entry(2, 1, {"a": 1}, object),
        TypeError,
        "{'a': 1}",
        "row 2, column 1",
        "argument must be a string or a real number",
    ),
    "text": (lambda: X.astype(str), ValueError, "dtype <U", "text", "astype(float)"),
    "bytes": (lambda: X.astype("S"), ValueError, "dtype |S", "text"),
    "list of words": (lambda: [["a", "b", "c"]] * 5, ValueError, "dtype <U1", "text"),
    "complex": (lambda: X + 1j, ValueError, "Complex data not supported", "complex128", "X.real"),
    "dates": (lambda: X.astype("M8[s]"), TypeError, "datetime64[s]", "convert times to numbers"),
    "durations": (
        lambda: X.astype("m8[s]"),
        TypeError,
        "timedelta64[s]",
        "convert times to numbers",
    ),
    "records": (
        lambda: np.zeros(9, [("a", "f8"), ("b", "f4")]),
        TypeError,
        "fields a, b",
        "structured_to_unstructured",
    ),
    "raw bytes": (lambda: np.zeros((9, 3), "V3"), TypeError, "dtype |V3"),
    "masked": (
        lambda: np.ma.masked_array(X, X == X[5, 2]),
        ValueError,
        "1 masked value",
        "X[5, 2]",
        "filled",
    ),
    "one dimension": (
        lambda: X[0],
        ValueError,
        "Expected 2D array, got 1D array",
        "Reshape your data",
        "X.reshape(1, -1) for one row",
        "X.reshape(-1, 1) for one feature",
    ),
    "a flat list": (
        lambda: [1.0, 2.0, 3.0],
        ValueError,
        "got 1D array",
        "np.asarray(X).reshape(1, -1)",
    ),
    "a scalar": (lambda: 3.0, ValueError, "got scalar array", "Reshape your data"),
    "three dimensions": (
        lambda: X[None],
        ValueError,
        "dim 3",
        "(1, 30, 3)",
        "X.reshape(len(X), -1)",
    ),
    "no rows": (
        lambda: X[:0],
        ValueError,
        "Found array with 0 sample(s) (shape=(0, 3)) while a minimum of 1 is required.",
    ),
    "no columns": (
        lambda: X[:, :0],
        ValueError,
        "Found array with 0 feature(s) (shape=(30, 0)) while a minimum of 1 is required.",
    ),
    "an empty list": (lambda: [], ValueError, "0 sample(s)"),
    "a list of nothing": (lambda: [[]], ValueError, "0 feature(s) (shape=(1, 0))"),
    "ragged lists": (
        lambda: [[1, 2, 3], [1, 2, 3], [1, 2]],
        ValueError,
        "unequal length",
        "row 0 has 3",
        "row 2 has 2",
    ),
    "a huge integer": (
        lambda: [[1, 2, 3], [1, 10**400, 3]],
        ValueError,
        "row 1, column 1",
        "too large",
    ),
    "nothing": (lambda: None, TypeError, "X must be a 2-D array or a table, got NoneType"),
    "a string": (lambda: "data.csv", TypeError, "X must be a 2-D array or a table, got str"),
    "a dictionary": (lambda: {"a": [1, 2]}, TypeError, "got dict"),
    "a generator": (lambda: (row for row in X), TypeError, "got generator"),
}


@takes_data
@pytest.mark.parametrize("case", BAD_DATA.values(), ids=BAD_DATA.keys())
def test_data(case, take):
    make, error, *words = case
    with raises(error, *words):
        take(make())


def lazy_frame():
    return pytest.importorskip("polars").LazyFrame({"a": [1, 2], "b": [3, 4]})


def polars_frame(**columns):
    return pytest.importorskip("polars").DataFrame(columns)


def arrow_table(**columns):
    return pytest.importorskip("pyarrow").table(columns)


def nullable(*values):
    return pytest.importorskip("pandas").array(values, dtype="Int64")


def dates(n):
    return pytest.importorskip("pandas").date_range("2020-01-01", periods=n)


BAD_TABLES = {
    "NaN": (
        lambda: table(age=[1.0, 2.0], size=[1.0, np.nan]),
        ValueError,
        "NaN at row 1, column 1 ('size')",
    ),
    "infinity": (
        lambda: table(age=[1.0, np.inf]),
        ValueError,
        "infinity at row 1, column 0 ('age')",
    ),
    "too large": (lambda: table(age=[1.0, 1e200]), ValueError, "1e+200 at row 1, column 0 ('age')"),
    "pandas NA": (
        lambda: table(a=[1, 2, 3], size=nullable(1, None, None)),
        ValueError,
        "2 missing value(s) (NaN) in column 'size', the first at row 1",
    ),
    "pandas None": (
        lambda: table(a=[1, 2], size=[1, None]).astype(object),
        ValueError,
        "NaN at row 1, column 1 ('size')",
    ),
    "pandas None among strings": (
        lambda: table(a=[1, 2], size=["1", None]).astype({"size": "string"}),
        ValueError,
        "1 missing value(s) (NaN) in column 'size'",
        "row 1",
    ),
    "polars null": (
        lambda: polars_frame(a=[1, 2], size=[1, None]),
        ValueError,
        "1 missing value(s) (NaN) in column 'size'",
        "row 1",
    ),
    "pyarrow null": (
        lambda: arrow_table(a=[1, 2], size=[None, 1.5]),
        ValueError,
        "1 missing value(s) (NaN) in column 'size'",
        "row 0",
    ),
    "polars NaN": (
        lambda: polars_frame(a=[1.0, np.nan]),
        ValueError,
        "NaN at row 1, column 0 ('a')",
    ),
    "pandas words": (
        lambda: table(a=[1, 2], b=["2", "Rome"]),
        ValueError,
        "'Rome'",
        "row 1, column 'b'",
        "Leave the column out, or convert it to numbers.",
    ),
    "polars words": (
        lambda: polars_frame(a=[1], b=["Rome"]),
        ValueError,
        "'Rome'",
        "row 0, column 'b'",
    ),
    "pyarrow words": (
        lambda: arrow_table(a=[1], b=["Rome"]),
        ValueError,
        "'Rome'",
        "row 0, column 'b'",
    ),
    "pandas dates": (
        lambda: table(a=[1, 2], day=dates(2)),
        TypeError,
        "datetime64",
        "column 'day'",
    ),
    "polars lists": (
        lambda: polars_frame(a=[[1, 2], [3, 4]], b=[1, 2]),
        TypeError,
        "vectors in column 'a'",
    ),
    "polars arrays": (
        lambda: polars_frame(b=[1, 2], a=np.ones((2, 3))),
        TypeError,
        "vectors in column 'a'",
        "1 other column(s)",
    ),
    "names and numbers": (
        lambda: table(a=[1, 2], b=[3, 4]).rename(columns={"a": 1}),
        TypeError,
        "string names",
        "['int', 'str']",
        "astype(str)",
    ),
    "no columns": (lambda: table(a=[1, 2])[[]], ValueError, "0 feature(s) (shape=(2, 0))"),
    "no rows": (lambda: table(a=[1, 2])[:0], ValueError, "0 sample(s) (shape=(0, 1))"),
    "a column": (
        lambda: table(a=[1, 2])["a"],
        ValueError,
        "got 1D array",
        "np.asarray(X).reshape(-1, 1)",
    ),
    "a lazy frame": (lazy_frame, TypeError, "got LazyFrame", "X.collect()"),
}


@pytest.mark.parametrize("case", BAD_TABLES.values(), ids=BAD_TABLES.keys())
def test_tables(case):
    make, error, *words = case
    with raises(error, *words):
        KMeans(1).fit(make())


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_first_bad_entry_in_row_order_is_named(dtype, order, n_threads):
    big = np.ones((50_000, 3), dtype, order)
    big[::2] = 2
    big[40_000, 0] = np.inf
    big[12_345, 2] = big[12_346, 1] = np.nan
    with raises(ValueError, "NaN at row 12345, column 2"):
        KMeans(2, n_threads=n_threads).fit(big)
    model = KMeans(2, random_state=0, n_threads=n_threads).fit(big[:12_000])
    with raises(ValueError, "NaN at row 12345, column 2"):
        model.predict(big)


def test_the_largest_magnitude_is_allowed():
    wide = X.copy()
    wide[0], wide[1] = 1e140, -1e140
    model = KMeans(3, init=wide[:3]).fit(wide)
    assert model.labels_[:3].tolist() == [0, 1, 2]
    assert np.isfinite(model.cluster_centers_).all() and np.isfinite(model.inertia_)


# --------------------------------------------------------------------------------------------------

TAKES_WEIGHTS = {
    "fit": lambda weights: KMeans(3, n_init=1).fit(X, sample_weight=weights),
    "fit_predict": lambda weights: KMeans(3, n_init=1).fit_predict(X, sample_weight=weights),
    "fit_transform": lambda weights: KMeans(3, n_init=1).fit_transform(X, sample_weight=weights),
    "iter_fit": lambda weights: list(KMeans(3, n_init=1).iter_fit(X, sample_weight=weights)),
    "score": lambda weights: MODEL.score(X, sample_weight=weights),
    "k_means": lambda weights: ckmeans.k_means(X, 3, sample_weight=weights),
    "kmeans_plusplus": lambda weights: ckmeans.kmeans_plusplus(X, 3, sample_weight=weights),
}


def weights_with(row, value):
    weights = np.ones(len(X))
    weights[row] = value
    return weights


BAD_WEIGHTS = {
    "negative": (weights_with(4, -0.5), ValueError, "sample_weight", "negative", "-0.5", "row 4"),
    "NaN": (weights_with(4, np.nan), ValueError, "sample_weight contains NaN at row 4"),
    "infinite": (weights_with(4, np.inf), ValueError, "sample_weight contains infinity at row 4"),
    "all zero": (np.zeros(30), ValueError, "sample_weight is zero for every row"),
    "zero": (0, ValueError, "sample_weight is zero for every row"),
    "negative number": (-1.0, ValueError, "sample_weight", "negative"),
    "too few": (np.ones(29), ValueError, "sample_weight has shape (29,)", "(30,)"),
    "a column": (np.ones((30, 1)), ValueError, "sample_weight has shape (30, 1)", "(30,)"),
    "ragged": ([[1], [2, 3]] + [1] * 28, ValueError, "sample_weight", "(30,)"),
    "text": (["heavy"] * 30, ValueError, "sample_weight has dtype <U5", "text"),
    "a word": (
        np.array([1] * 29 + ["heavy"], object),
        ValueError,
        "sample_weight has 'heavy'",
        "row 29",
    ),
    "complex": (np.ones(30) + 1j, ValueError, "Complex data not supported", "sample_weight"),
    "a dict": ({"a": 1}, TypeError, "sample_weight", "dict"),
    "masked": (
        np.ma.masked_array(np.ones(30), X[:, 0] == X[9, 0]),
        ValueError,
        "masked",
        "sample_weight[9]",
    ),
}


@pytest.mark.parametrize("take", TAKES_WEIGHTS.values(), ids=TAKES_WEIGHTS.keys())
@pytest.mark.parametrize("case", BAD_WEIGHTS.values(), ids=BAD_WEIGHTS.keys())
def test_weights(case, take):
    weights, error, *words = case
    with raises(error, *words):
        take(weights)


UNIT = X / np.abs(X).max()


@pytest.mark.parametrize(
    "weight, scale", [(1e308, 1e-100), (1e304, 1.0), (1e200, 1e100), (1e100, 1e140)]
)
def test_weights_and_data_too_large_together(weight, scale):
    weights = weights_with(4, weight)
    with raises(ValueError, "sample_weight up to", "X up to", "would overflow", "Rescale"):
        KMeans(3, n_init=1).fit(UNIT * scale, sample_weight=weights)
    with raises(ValueError, "sample_weight up to", "would overflow"):
        ckmeans.kmeans_plusplus(UNIT * scale, 3, sample_weight=weights)
    with raises(ValueError, "sample_weight up to", "would overflow"):
        KMeans(3, init=UNIT[:3] * scale).fit(UNIT * scale).score(
            UNIT * scale, sample_weight=weights
        )


@pytest.mark.parametrize(
    "weight, scale", [(1e295, 1e-3), (1e200, 1e45), (1e-300, 1e140), (1e20, 1e130)]
)
def test_large_weights_and_data_that_fit(weight, scale):
    model = KMeans(3, n_init=2, random_state=0).fit(UNIT * scale, sample_weight=np.full(30, weight))
    assert np.isfinite(model.cluster_centers_).all() and np.isfinite(model.inertia_)


# ------------------------------------------------------------------------------------------------ p

BAD_PARAMS = [
    ("n_clusters", 0, ValueError, "n_clusters", "at least 1", "0"),
    ("n_clusters", -3, ValueError, "n_clusters", "at least 1", "-3"),
    ("n_clusters", 10**30, ValueError, "n_clusters", "at most"),
    ("n_clusters", 2.0, TypeError, "n_clusters must be an integer", "2.0 (float)"),
    ("n_clusters", "3", TypeError, "n_clusters must be an integer", "'3' (str)"),
    ("n_clusters", True, TypeError, "n_clusters must be an integer", "True (bool)"),
    ("n_clusters", None, TypeError, "n_clusters must be an integer", "NoneType"),
    ("n_clusters", 31, ValueError, "n_samples=30 should be >= n_clusters=31"),
    ("n_init", 0, ValueError, "n_init must be 'auto' or an integer of at least 1, got 0"),
    ("n_init", "warn", ValueError, "n_init must be 'auto' or an integer", "'warn'"),
    ("n_init", 1.5, TypeError, "n_init", "1.5 (float)"),
    ("n_init", False, TypeError, "n_init", "False (bool)"),
    ("n_init", np.array(["auto", "auto"]), TypeError, "n_init", "ndarray"),
    ("max_iter", 0, ValueError, "max_iter", "at least 1", "0"),
    ("max_iter", 2**31, ValueError, "max_iter", "at most 2147483647"),
    ("max_iter", 300.0, TypeError, "max_iter must be an integer", "300.0 (float)"),
    ("max_iter", None, TypeError, "max_iter must be an integer"),
    ("tol", -1e-9, ValueError, "tol", "at least 0", "-1e-09"),
    ("tol", np.nan, ValueError, "tol", "finite", "nan"),
    ("tol", np.inf, ValueError, "tol", "finite", "inf"),
    ("tol", 10**400, ValueError, "tol", "finite"),
    ("tol", "1e-4", TypeError, "tol must be a number", "'1e-4' (str)"),
    ("tol", True, TypeError, "tol must be a number", "True (bool)"),
    ("tol", None, TypeError, "tol must be a number"),
    ("verbose", -1, ValueError, "verbose", "at least 0"),
    ("verbose", "yes", TypeError, "verbose", "'yes' (str)"),
    ("copy_x", "no", TypeError, "copy_x must be True or False", "'no' (str)"),
    ("copy_x", None, TypeError, "copy_x must be True or False"),
    ("algorithm", "loyd", ValueError, "algorithm must be one of", "'auto'", "'loyd'"),
    ("algorithm", ["auto"], TypeError, "algorithm must be one of", "'auto'", "list"),
    ("algorithm", None, TypeError, "algorithm must be one of", "'auto'", "NoneType"),
    ("n_threads", 0, ValueError, "n_threads", "at least 1", "0"),
    ("n_threads", -1, ValueError, "n_threads", "None", "at least 1", "-1"),
    ("n_threads", 10**6, ValueError, "n_threads", "at most 4096", "1000000"),
    ("n_threads", 2.0, TypeError, "n_threads", "2.0 (float)"),
    ("n_threads", "all", TypeError, "n_threads", "'all' (str)"),
    ("random_state", -1, ValueError, "random_state", "0 to 4294967295", "-1"),
    ("random_state", 2**32, ValueError, "random_state", "0 to 4294967295"),
    ("random_state", "seed", TypeError, "random_state", "RandomState", "Generator", "'seed' (str)"),
    ("random_state", 1.0, TypeError, "random_state", "1.0 (float)"),
    ("random_state", True, TypeError, "random_state", "True (bool)"),
    (
        "init",
        "kmeans++",
        ValueError,
        "'k-means++', 'random', 'random-partition', 'first'",
        "'kmeans++'",
    ),
    ("init", 5, TypeError, "init must be one of 'k-means++'", "callable", "int"),
    ("init", None, TypeError, "init must be one of 'k-means++'", "callable", "NoneType"),
    ("init", X[:2], ValueError, "(2, 3) does not match the number of clusters 3"),
    ("init", X[:3, :2], ValueError, "(3, 2) does not match the number of features of the data 3"),
    ("init", X[0], ValueError, "init"),
    ("init", [[1.0, 2.0, 3.0], [4.0, 5.0]], ValueError, "init"),
    ("init", with_entry(1, 2, np.nan)[:3], ValueError, "init", "NaN at row 1, column 2"),
    ("init", with_entry(1, 2, np.inf)[:3], ValueError, "init", "infinity at row 1, column 2"),
    ("init", with_entry(1, 2, 1e150)[:3], ValueError, "init", "1e+150 at row 1, column 2"),
    ("init", X[:3] + 1j, ValueError, "Complex data not supported", "init"),
    ("init", [X[:3], X[:2]], ValueError, "(2, 3) does not match the number of clusters 3"),
    ("init", np.zeros((2, 2, 3, 3)), ValueError, "init"),
    ("init", [], ValueError, "init"),
    (
        "init",
        lambda X, n_clusters, random_state: X[:1],
        ValueError,
        "(1, 3)",
        "number of clusters 3",
    ),
    ("init", lambda X, n_clusters, random_state: None, TypeError, "init"),
]


def _shown(value):
    """Its repr, the same in every process: without addresses."""
    return re.sub(" at 0x[0-9a-fA-F]+", "", repr(value))


@pytest.mark.parametrize("case", BAD_PARAMS, ids=lambda case: f"{case[0]}={_shown(case[1]):.30}")
@pytest.mark.parametrize("call", ["fit", "iter_fit"])
def test_parameters(case, call):
    name, value, error, *words = case
    params = {"n_clusters": 3, "n_init": 1, name: value}
    model = KMeans(**params)  # nothing is checked before it is used
    with raises(error, *words):
        model.fit(X) if call == "fit" else list(model.iter_fit(X))


def test_init_too_large_for_float32():
    with raises(ValueError, "init", "1e+39 at row 1, column 2", "3.40282e+38"):
        KMeans(3, init=with_entry(1, 2, 1e39)[:3]).fit(X.astype(np.float32))


@pytest.mark.parametrize("function", [ckmeans.k_means, ckmeans.kmeans_plusplus])
def test_parameters_of_functions(function):
    with raises(ValueError, "n_samples=30 should be >= n_clusters=31"):
        function(X, 31)
    with raises(ValueError, "n_clusters", "at least 1"):
        function(X, 0)
    with raises(TypeError, "n_clusters must be an integer", "2.5 (float)"):
        function(X, 2.5)
    with raises(TypeError, "random_state", "'seed' (str)"):
        function(X, 3, random_state="seed")


def test_local_trials():
    with raises(ValueError, "n_local_trials", "at least 1", "0"):
        ckmeans.kmeans_plusplus(X, 3, n_local_trials=0)
    with raises(TypeError, "n_local_trials", "1.5 (float)"):
        ckmeans.kmeans_plusplus(X, 3, n_local_trials=1.5)


@pytest.mark.parametrize(
    "params",
    [
        {"n_clusters": np.int32(3), "n_init": np.int64(2), "max_iter": np.uint8(5)},
        {"tol": 0},
        {"tol": np.float32(0.1)},
        {"tol": np.int64(1)},
        {"copy_x": np.bool_(True)},
        {"algorithm": np.str_("auto"), "init": np.str_("random")},
        {"max_iter": 2**31 - 1},
        {"verbose": False},
        {"verbose": True},
        {"n_threads": np.int64(1)},
        {"random_state": np.uint32(7)},
        {"random_state": 2**32 - 1},
        {"random_state": np.random.RandomState(0)},
        {"random_state": np.random.default_rng(0)},
        {"random_state": np.random},
    ],
    ids=_shown,
)
def test_parameters_of_numpy_types(params):
    KMeans(**{"n_clusters": 3, "n_init": 1, **params}).fit(X)


def test_long_values_are_shortened():
    long = "x" * 10_000
    for name, value in (
        ("n_clusters", long),
        ("tol", [long]),
        ("algorithm", {long}),
        ("random_state", long),
    ):
        with pytest.raises(TypeError) as caught:
            KMeans(**{name: value}).fit(X)
        assert len(str(caught.value)) < 200


def test_unknown_parameters():
    with raises(TypeError, "clusters"):
        KMeans(clusters=3)
    with raises(TypeError):
        KMeans(3, "random")  # only n_clusters may go without its name
    with raises(ValueError, "Invalid parameter", "clusters", "KMeans", "n_clusters"):
        KMeans().set_params(clusters=3)


def test_weighted_rows_may_be_fewer_than_clusters():
    """Rows of weight zero count as rows, so this is a valid call with fewer clusters to find."""
    weights = np.zeros(30)
    weights[:2] = 1.0
    with pytest.warns(ckmeans.ConvergenceWarning):
        model = KMeans(3, n_init=1, random_state=0).fit(X, sample_weight=weights)
    assert model.inertia_ == 0.0


# ----------------------------------------------------------------------------------- a model and ne


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.predict(X),
        lambda model: model.transform(X),
        lambda model: model.score(X),
        lambda model: model.get_feature_names_out(),
        lambda model: model.save("never-written.npz"),
    ],
    ids=["predict", "transform", "score", "get_feature_names_out", "save"],
)
def test_not_fitted(use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in (ckmeans.NotFittedError, ValueError, AttributeError):
        with raises(kind, "This KMeans instance is not fitted yet. Call 'fit'"):
            use(KMeans())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "use", [MODEL.predict, MODEL.transform, MODEL.score], ids=lambda use: use.__name__
)
def test_other_number_of_features(use):
    with raises(ValueError, "X has 2 features, but KMeans is expecting 3 features as input."):
        use(X[:, :2])
    with raises(ValueError, "X has 6 features, but KMeans is expecting 3 features as input."):
        use(np.hstack([X, X]))


def frame(*names):
    return pytest.importorskip("pandas").DataFrame(X, columns=names)


def test_other_names():
    model = KMeans(3, n_init=1, random_state=0).fit(frame("a", "b", "c"))
    head = "The feature names should match those that were passed during fit.\n"
    for use in (model.predict, model.transform, model.score):
        with raises(
            ValueError, head + "Feature names must be in the same order as they were in fit.\n"
        ):
            use(frame("b", "a", "c"))
        remedy = "\nPass the columns of the fit: X[list(model.feature_names_in_)].\n"
        for other in (frame("b", "a", "c"), frame("a", "b", "c").assign(d=1.0)):
            with raises(ValueError, remedy):
                use(other)
            assert len(use(other[list(model.feature_names_in_)])) if use != model.score else True
        with raises(
            ValueError,
            head + "Feature names unseen at fit time:\n- x\n- y\n"
            "Feature names seen at fit time, yet now missing:\n- b\n- c\n",
        ):
            use(frame("x", "a", "y"))
        with raises(ValueError, head + "Feature names seen at fit time, yet now missing:\n- c\n"):
            use(frame("a", "b", "c")[["a", "b"]])


@pytest.mark.parametrize(
    ("fitted", "given", "places"),
    [("abc", "aabc", [0, 2, 3]), ("aab", "baac", [1, 2, 0]), ("aba", "aab", [0, 2, 1])],
)
def test_names_of_several_columns(fitted, given, places):
    """A choice of columns by name would take all that have it."""
    pandas = pytest.importorskip("pandas")
    rows = np.random.default_rng(0).normal(size=(30, 4))
    model = KMeans(3, n_init=1, random_state=0)
    model.fit(pandas.DataFrame(rows[:, :3], columns=list(fitted)))
    table = pandas.DataFrame(rows[:, : len(given)], columns=list(given))
    with pytest.raises(ValueError, match=r"Several columns are called a.*X\.iloc") as caught:
        model.predict(table)
    assert ("same order" in str(caught.value)) == (sorted(given) == sorted(fitted))
    assert len(model.predict(table.iloc[:, places])) == 30


def test_many_other_names_are_not_all_listed():
    pandas = pytest.importorskip("pandas")
    wide = pandas.DataFrame(np.arange(20.0).reshape(2, 10), columns=[f"a{j}" for j in range(10)])
    model = KMeans(2, n_init=1).fit(wide)
    with raises(
        ValueError, "unseen at fit time:\n- b0\n- b1\n- b2\n- b3\n- b4\n- ...\nFeature names seen"
    ):
        model.predict(wide.rename(columns=lambda name: name.replace("a", "b")))


def test_names_on_one_side_only_warn_at_the_line_of_the_user():
    named = KMeans(3, n_init=1, random_state=0).fit(frame("a", "b", "c"))
    for model, data, words in (
        (named, X, "X does not have valid feature names, but KMeans was fitted with feature names"),
        (
            MODEL,
            frame("a", "b", "c"),
            "X has feature names, but KMeans was fitted without feature names",
        ),
    ):
        for use in (model.predict, model.transform, model.score):
            with pytest.warns(UserWarning, match=words) as seen:
                use(data)
            assert [warning.filename for warning in seen] == [__file__]


def test_get_feature_names_out():
    assert MODEL.get_feature_names_out().tolist() == ["kmeans0", "kmeans1", "kmeans2"]
    with raises(ValueError, "input_features"):
        MODEL.get_feature_names_out(["a", "b"])
    named = KMeans(3, n_init=1, random_state=0).fit(frame("a", "b", "c"))
    with raises(ValueError, "input_features is not equal to feature_names_in_"):
        named.get_feature_names_out(["a", "b", "x"])


FAILING_FITS = {
    "NaN": lambda model: model.fit(with_entry(3, 1, np.nan)),
    "a word": lambda model: model.fit([["a"]]),
    "names": lambda model: model.fit(table(a=[1.0, 2.0, np.nan])),
    "weights": lambda model: model.fit(X[:, :2], sample_weight=-np.ones(30)),
    "too few rows": lambda model: model.fit(X[:2, :2]),
    "parameter": lambda model: model.set_params(max_iter=-1).fit(X[:, :2]),
    "init": lambda model: model.set_params(init="best").fit(X[:, :2]),
    "init shape": lambda model: model.set_params(init=X[:2]).fit(X[:, :2]),
    "init that raises": lambda model: model.set_params(init=lambda *_, **__: 1 / 0).fit(X[:, :2]),
}


@pytest.mark.parametrize("failing", FAILING_FITS.values(), ids=FAILING_FITS.keys())
def test_a_fit_that_fails_leaves_the_earlier_one(failing):
    model = KMeans(3, n_init=1, random_state=0).fit(X)
    with pytest.raises((ValueError, TypeError, ZeroDivisionError)):
        failing(model)
    assert np.array_equal(model.labels_, MODEL.labels_)
    assert np.array_equal(model.predict(X), MODEL.labels_)
    assert model.n_features_in_ == 3 and not hasattr(model, "feature_names_in_")


def test_errors_do_not_change_what_was_passed():
    for make, error, *_ in BAD_DATA.values():
        bad = make()
        if isinstance(bad, np.ndarray) and bad.dtype.kind != "O":
            before = bad.tobytes()
            with pytest.raises(error):
                KMeans(3).fit(bad)
            assert bad.tobytes() == before


# --------------------------------------------------------------------------------------------------

FEW_DISTINCT = np.repeat([[0.0, 1.0], [5.0, 5.0]], 10, axis=0)


def test_too_few_distinct_rows_warn_once_at_the_line_of_the_user():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = KMeans(4, n_init=5, random_state=0).fit(FEW_DISTINCT)
    (warning,) = seen
    assert issubclass(warning.category, ckmeans.ConvergenceWarning)
    assert warning.filename == __file__
    assert "2" in str(warning.message) and "4" in str(warning.message)
    assert model.inertia_ == 0.0


def test_the_warning_can_be_switched_off():
    assert issubclass(ckmeans.ConvergenceWarning, UserWarning)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        KMeans(4, random_state=0).fit(FEW_DISTINCT)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"n_init": "auto"},
        {"init": "random"},
        {"init": "random-partition"},
        {"init": "first"},
        {"init": X[:8]},
        {"init": X[:8], "n_init": 1},
        {"init": X[:16].reshape(2, 8, 3)},
        {"max_iter": 1},
        {"tol": 0},
    ],
    ids=lambda params: ", ".join(params),
)
def test_ordinary_fits_never_warn(params):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KMeans(**{"random_state": 0, **params}).fit(X)


def test_errors_and_warnings_are_known_by_their_public_names():
    for kind in (ckmeans.NotFittedError, ckmeans.ConvergenceWarning):
        assert kind.__module__ == "ckmeans"
        assert getattr(ckmeans, kind.__name__) is kind
        assert type(pickle.loads(pickle.dumps(kind("words")))) is kind


# --------------------------------------------------------------------------------------------------


def test_seeds():
    """The rule that lets every restart be repeated alone, with the seed it is recorded under."""
    drawn = np.random.RandomState(7).randint(2**31 - 1, size=5).tolist()
    assert _validate.seeds(7, 5) == [7, *drawn[1:]]
    assert _validate.seeds(np.int64(7), 1) == [7]
    assert _validate.seeds(np.random.RandomState(7), 5) == drawn
    from_generator = np.random.default_rng(7).integers(2**31 - 1, size=5).tolist()
    assert _validate.seeds(np.random.default_rng(7), 5) == from_generator
    state = np.random.get_state()
    try:
        np.random.seed(7)
        assert _validate.seeds(None, 5) == drawn
        np.random.seed(7)
        assert _validate.seeds(np.random, 5) == drawn
    finally:
        np.random.set_state(state)
    assert all(type(seed) is int for seed in _validate.seeds(7, 5))


def test_seeded_is_a_new_random_state():
    for seed in (0, 7, 2**32 - 1):
        fresh = np.random.RandomState(seed)
        with _validate.seeded(seed) as state:
            state.normal()  # leaves one of a pair of normal numbers in the state
        with _validate.seeded(seed) as again:
            assert again.randint(100, size=20).tolist() == fresh.randint(100, size=20).tolist()
            assert again.normal(size=3).tolist() == fresh.normal(size=3).tolist()


def test_generators_move_on():
    generator = np.random.default_rng(0)
    first, second = (
        KMeans(3, init="random", n_init=2, random_state=generator).fit(X) for _ in range(2)
    )
    assert [run.seed for run in first.runs_] != [run.seed for run in second.runs_]
    assert copy.copy(first).get_params()["random_state"] is generator
