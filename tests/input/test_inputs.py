"""Any container of numbers: the results are those of a plain float64 array, and nothing is written
to.
"""

import warnings
from functools import cache

import numpy as np
import pytest

import ckmeans
from ckmeans import KMeans
from ckmeans._input import checks as _validate

K = 5


def _data():
    """Integers from 0 to 100, which every dtype can hold; enough rows for several blocks."""
    rng = np.random.default_rng(0)
    middles = rng.integers(15, 86, size=(K, 6))
    X = middles[rng.integers(K, size=2503)] + rng.normal(scale=6, size=(2503, 6))
    return X.round().clip(0, 100)


DATA = _data()
WEIGHTS = np.random.default_rng(1).integers(0, 5, size=len(DATA)) / 4


def data(dtype):
    """DATA in a dtype, and in the one that it is computed in."""
    X = (DATA > 50 if dtype == "bool" else DATA).astype(dtype)
    return X, X.astype(np.float32 if dtype == "float32" else np.float64)


def outcome(X, weights=None):
    """All results that a user can get for X."""
    found = {}
    models = {
        "drawn": KMeans(K, n_init=2, random_state=0),
        "given": KMeans(K, init=DATA[:K] / 100, tol=0),
    }
    for name, model in models.items():
        model.fit(X, sample_weight=weights)
        found |= {
            f"{name} labels": model.labels_,
            f"{name} centers": model.cluster_centers_,
            f"{name} inertia": model.inertia_,
            f"{name} n_iter": model.n_iter_,
            f"{name} counts": model.counts_,
            f"{name} predict": model.predict(X),
            f"{name} transform": model.transform(X),
            f"{name} score": model.score(X, sample_weight=weights),
        }
    *_, last = models["given"].iter_fit(X, sample_weight=weights)
    centers, indices = ckmeans.kmeans_plusplus(X, K, sample_weight=weights, random_state=1)
    return found | {
        "iter_fit labels": last.labels,
        "iter_fit centers": last.centers,
        "iter_fit inertia": last.inertia,
        "plusplus centers": centers,
        "plusplus indices": indices,
    }


@cache
def expected(dtype, weighted=False):
    return outcome(data(dtype)[1], WEIGHTS if weighted else None)


def assert_same_outcome(found, wanted):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert np.asarray(found[name]).dtype == np.asarray(value).dtype, name
        assert np.array_equal(found[name], value), name


def state(array):
    """All that could change about an array."""
    return array.dtype, array.shape, array.strides, array.flags.writeable, array.tobytes()


# ------------------------------------------------------------------------------------------ dtype a


def strided(X):
    wide = np.full((2 * X.shape[0], 3 * X.shape[1]), 1, X.dtype)
    wide[::2, ::3] = X
    return wide[::2, ::3]


def rows_backwards(X):
    return np.ascontiguousarray(X[::-1])[::-1]


def backwards(X):
    return np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]


def column_major_backwards(X):
    return np.asfortranarray(X[::-1, ::-1])[::-1, ::-1]


def inside_a_box(X):
    box = np.full((X.shape[1], 3, X.shape[0]), 1, X.dtype)
    box[:, 1, :] = X.T
    return box[:, 1, :].T


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def byte_swapped(X):
    return X.astype(X.dtype.newbyteorder())


def unaligned(X):
    view = np.zeros(X.nbytes + 1, np.uint8)[1:].view(X.dtype).reshape(X.shape)
    view[...] = X
    return view


def field_of_records(X):
    """The stride from row to row is not a multiple of the item size."""
    records = np.zeros(len(X), [("mark", np.uint8), ("values", X.dtype, X.shape[1:])])
    records["values"] = X
    return records["values"]


def masked_nowhere(X):
    return np.ma.masked_array(X, mask=np.zeros(X.shape, bool))


LAYOUTS = [
    np.ascontiguousarray,
    np.asfortranarray,
    strided,
    rows_backwards,
    backwards,
    column_major_backwards,
    inside_a_box,
    read_only,
    byte_swapped,
    unaligned,
    field_of_records,
    np.asmatrix,
    masked_nowhere,
]
DTYPES = [
    "float64",
    "float32",
    "float16",
    "longdouble",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
]


def name_of(function):
    return function.__name__


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype):
    X, _ = data(dtype)
    before = state(X)
    assert_same_outcome(outcome(X), expected(dtype))
    assert state(X) == before


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("layout", LAYOUTS, ids=name_of)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8", "int32", "bool"])
def test_layouts(dtype, layout):
    X = layout(data(dtype)[0])
    before = state(X)
    assert_same_outcome(outcome(X), expected(dtype))
    assert state(X) == before


@pytest.mark.parametrize("layout", [np.asfortranarray, strided, backwards], ids=name_of)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16"])
def test_layouts_with_weights(dtype, layout):
    assert_same_outcome(outcome(layout(data(dtype)[0]), WEIGHTS), expected(dtype, weighted=True))


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8"])
def test_memory_maps(tmp_path, dtype, mode):
    path = tmp_path / "data.npy"
    np.save(path, data(dtype)[0])
    before = path.read_bytes()
    X = np.load(path, mmap_mode=mode)
    assert isinstance(X, np.memmap)
    assert_same_outcome(outcome(X), expected(dtype))
    X.flush()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "nested",
    [
        lambda X: X.tolist(),
        lambda X: X.astype(int).tolist(),
        lambda X: tuple(map(tuple, X.tolist())),
        list,
        lambda X: X.astype(object),
        lambda X: X.astype(str).astype(object),
    ],
    ids=[
        "lists",
        "lists of ints",
        "tuples",
        "list of arrays",
        "objects",
        "objects that read as numbers",
    ],
)
def test_sequences_and_objects(nested):
    X = nested(DATA)
    before = repr(X)
    assert_same_outcome(outcome(X), expected("float64"))
    assert repr(X) == before


def test_one_row_many_times():
    X = np.broadcast_to(DATA[0], (50, 6))  # strides of zero
    with pytest.warns(ckmeans.ConvergenceWarning):
        model = KMeans(2, random_state=0).fit(X)
    assert np.array_equal(model.cluster_centers_[0], DATA[0])
    assert not model.labels_.any()
    assert model.inertia_ == 0.0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fitted_on_one_dtype_and_used_on_another(dtype):
    model = KMeans(K, init=DATA[:K], max_iter=3).fit(DATA.astype(dtype))
    for other in DTYPES[:-1]:
        assert np.array_equal(model.predict(DATA.astype(other)), model.labels_), other


@pytest.mark.parametrize("copy_x", [True, False])
def test_copy_x_changes_nothing(copy_x):
    X = DATA.copy()
    model = KMeans(K, n_init=2, random_state=0, copy_x=copy_x).fit(X)
    assert X.tobytes() == DATA.tobytes()
    assert np.array_equal(model.cluster_centers_, expected("float64")["drawn centers"])


def test_results_are_not_views_of_the_input():
    X, init = DATA[:K].copy(), DATA[:K].copy()
    model = KMeans(K, init=init).fit(X)  # every row a center: nothing needs computing
    centers, _ = ckmeans.kmeans_plusplus(X, K, random_state=0)
    for result in (model.cluster_centers_, centers):
        assert not np.shares_memory(result, X) and not np.shares_memory(result, init)
    model.cluster_centers_[...] = -1.0
    assert np.array_equal(X, DATA[:K]) and np.array_equal(init, DATA[:K])


def test_y_is_ignored():
    y = np.arange(3)
    plain = KMeans(K, random_state=0, n_init=1).fit(DATA)
    assert np.array_equal(KMeans(K, random_state=0, n_init=1).fit(DATA, y).labels_, plain.labels_)
    assert np.array_equal(KMeans(K, random_state=0, n_init=1).fit_predict(DATA, y), plain.labels_)
    assert plain.score(DATA, y) == plain.score(DATA)


@pytest.mark.parametrize("layout", LAYOUTS[:8], ids=name_of)
@pytest.mark.parametrize("dtype", DTYPES[:3] + DTYPES[4:])
def test_what_the_kernels_can_read_is_not_copied(dtype, layout):
    X = layout(data(dtype)[0])
    array, names = _validate.as_matrix(X)
    assert array is X
    assert names is None


@pytest.mark.parametrize("layout", [byte_swapped, unaligned], ids=name_of)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "int64"])
def test_what_they_cannot_read_is_copied_in_its_dtype(dtype, layout):
    array, _ = _validate.as_matrix(layout(data(dtype)[0]))
    assert array.dtype == np.dtype(dtype) and array.dtype.isnative and array.flags.aligned


def test_lists_of_numbers_are_float64():
    for X in (
        [[1, 2], [3, 4]],
        ((True, False), (False, True)),
        [[1.5, 2], [3, 4]],
        [[1, 2**70], [3, 4]],
    ):
        assert _validate.as_matrix(X)[0].dtype == np.float64


def test_memory_maps_and_frames_are_not_copied(tmp_path):
    np.save(tmp_path / "data.npy", DATA)
    X = np.load(tmp_path / "data.npy", mmap_mode="r")
    assert np.shares_memory(_validate.as_matrix(X)[0], X)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(DATA)
    assert np.shares_memory(_validate.as_matrix(frame)[0], frame.to_numpy())


# ------------------------------------------------------------------------------------------ weights


@pytest.mark.parametrize(
    "container",
    [
        list,
        np.float32,
        lambda w: np.repeat(w, 3)[::3],
        lambda w: np.ascontiguousarray(w[::-1])[::-1],
        read_only,
        byte_swapped,
        lambda w: w.astype(object),
        lambda w: pytest.importorskip("pandas").Series(w, index=np.arange(len(w))[::-1]),
        lambda w: pytest.importorskip("pandas").Series(w, dtype="Float64"),
        lambda w: pytest.importorskip("polars").Series(w),
        lambda w: pytest.importorskip("pyarrow").array(w),
    ],
    ids=[
        "list",
        "float32",
        "strided",
        "backwards",
        "read-only",
        "byte-swapped",
        "objects",
        "pandas",
        "pandas nullable",
        "polars",
        "pyarrow",
    ],
)
def test_weights(container):
    weights = container(WEIGHTS)
    before = state(weights) if isinstance(weights, np.ndarray) else repr(weights)
    assert_same_outcome(outcome(DATA, weights), expected("float64", weighted=True))
    assert (state(weights) if isinstance(weights, np.ndarray) else repr(weights)) == before


@pytest.mark.parametrize(
    "weights", [1, 1.0, np.ones(len(DATA)), np.ones(len(DATA), bool), [1] * len(DATA)]
)
def test_weights_of_one_are_no_weights(weights):
    assert_same_outcome(outcome(DATA, weights), expected("float64"))


INITS = {
    "lists": lambda init: init.tolist(),
    "float32": lambda init: init.astype(np.float32),
    "integers": lambda init: init.astype(np.int16),
    "column-major": np.asfortranarray,
    "strided": strided,
    "backwards": backwards,
    "read-only": read_only,
    "byte-swapped": byte_swapped,
    "pandas": lambda init: pytest.importorskip("pandas").DataFrame(init, columns=list("abcdef")),
    "polars": lambda init: pytest.importorskip("polars").DataFrame(init),
    "a stack of one": lambda init: init[None],
    "a list of one": lambda init: [init],
    "an iterator of one": lambda init: iter([init]),
    "callable": lambda init: lambda X, n_clusters, random_state: init,
}


@pytest.mark.parametrize("container", INITS.values(), ids=INITS.keys())
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_init(dtype, container):
    X = DATA.astype(dtype)
    plain = KMeans(K, init=DATA[:K], n_init=1).fit(X)
    init = container(DATA[:K].copy())
    before = state(init) if isinstance(init, np.ndarray) else None
    model = KMeans(K, init=init, n_init=1).fit(X)
    assert np.array_equal(model.cluster_centers_, plain.cluster_centers_)
    assert np.array_equal(model.labels_, plain.labels_)
    assert before is None or state(init) == before
    assert model.init is init


def test_several_inits_give_one_restart_each():
    stack = np.stack([DATA[:K], DATA[K : 2 * K], DATA[2 * K : 3 * K]])
    inertias = [KMeans(K, init=init).fit(DATA).inertia_ for init in stack]
    for init in (stack, list(stack), iter(stack)):
        model = KMeans(K, init=init).fit(DATA)
        assert [run.inertia for run in model.runs_] == inertias
        assert model.inertia_ == min(inertias)


def test_the_random_state_of_a_callable_is_its_own():
    """Using the package inside an init leaves the stream that the init was given alone."""
    drawn = []

    def init(X, n_clusters, random_state):
        first = random_state.random_sample()
        KMeans(n_clusters, n_init=2, random_state=5).fit(X)
        drawn.append((first, random_state.random_sample()))
        return ckmeans.kmeans_plusplus(X, n_clusters, random_state=random_state)[0]

    model = KMeans(K, init=init, n_init=3, random_state=0).fit(DATA[:100])
    assert drawn == [tuple(np.random.RandomState(run.seed).random_sample(2)) for run in model.runs_]


def test_init_is_rounded_like_the_data():
    """Centers of float32 data are float32 numbers from the start: the first labels already depend
    on it.
    """
    init = DATA[:K] + 1e-9
    X = DATA.astype(np.float32)
    model = KMeans(K, init=init, max_iter=1).fit(X)
    assert np.array_equal(
        model.labels_, KMeans(K, init=init.astype(np.float32), max_iter=1).fit(X).labels_
    )


# --------------------------------------------------------------------------------------------------

NAMES = ["height", "width", "length", "mass", "age", "Straße"]


def pandas_frame(X, **options):
    return pytest.importorskip("pandas").DataFrame(X, columns=NAMES, **options)


def pandas_odd_index(X):
    return pandas_frame(X, index=np.arange(len(X))[::-1])


def pandas_columns_apart(X):
    frame = pandas_frame(X[:, :1].repeat(6, axis=1))
    for j, name in enumerate(NAMES):
        frame[name] = X[:, j]
    return frame


def pandas_mixed(X):
    types = ["float64", "float32", "int8", "uint16", "int64", "float64"]
    return pandas_frame(X).astype(dict(zip(NAMES, types)))


def pandas_integers(X):
    return pandas_frame(X).astype(
        dict(zip(NAMES, ["int8", "uint8", "int16", "uint32", "int64", "int64"]))
    )


def pandas_nullable(X):
    types = ["Float64", "Float32", "Int8", "UInt16", "Int64", "float64"]
    return pandas_frame(X).astype(dict(zip(NAMES, types)))


def pandas_arrow(X):
    pytest.importorskip("pyarrow")
    types = ["double", "int8", "int64", "uint16", "float", "double"]
    return pandas_frame(X).astype({name: f"{kind}[pyarrow]" for name, kind in zip(NAMES, types)})


def pandas_categories(X):
    return pandas_frame(X).astype({"age": "category"})


def pandas_objects(X):
    return pandas_frame(X, dtype=object)


def polars_frame(X):
    return pytest.importorskip("polars").DataFrame(X, schema=NAMES)


def polars_mixed(X):
    polars = pytest.importorskip("polars")
    types = [
        polars.Float64,
        polars.Float32,
        polars.Int8,
        polars.UInt16,
        polars.Int64,
        polars.Float64,
    ]
    return polars_frame(X).cast(dict(zip(NAMES, types)))


def polars_decimals(X):
    return polars_frame(X).cast({"age": pytest.importorskip("polars").Decimal(10, 2)})


def pyarrow_table(X):
    return pytest.importorskip("pyarrow").table(dict(zip(NAMES, np.ascontiguousarray(X.T))))


def pyarrow_chunked(X):
    return pytest.importorskip("pyarrow").concat_tables(
        [pyarrow_table(X[:1000]), pyarrow_table(X[1000:])]
    )


def pyarrow_batch(X):
    return pyarrow_table(X).combine_chunks().to_batches()[0]


def pyarrow_mixed(X):
    pyarrow = pytest.importorskip("pyarrow")
    types = [
        pyarrow.float64(),
        pyarrow.float32(),
        pyarrow.int8(),
        pyarrow.uint16(),
        pyarrow.int64(),
    ]
    return pyarrow_table(X).cast(pyarrow.schema(zip(NAMES, types + [pyarrow.float64()])))


class OnlyStream:
    """A table whose only method is to export itself as an Arrow stream, like those of databases."""

    def __init__(self, X):
        self.table = pyarrow_table(X)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


class OnlyInterchange:
    """A table that supports only the DataFrame interchange protocol."""

    def __init__(self, X):
        self.table = pyarrow_table(X)

    def __dataframe__(self, nan_as_null=False, allow_copy=True):
        return self.table.__dataframe__(nan_as_null, allow_copy)


class OnlyToNumpy:
    def __init__(self, X):
        self.columns, self.values = NAMES, X

    def to_numpy(self):
        return self.values


TABLES = [
    pandas_frame,
    pandas_odd_index,
    pandas_columns_apart,
    pandas_mixed,
    pandas_integers,
    pandas_nullable,
    pandas_arrow,
    pandas_categories,
    pandas_objects,
    polars_frame,
    polars_mixed,
    polars_decimals,
    pyarrow_table,
    pyarrow_chunked,
    pyarrow_batch,
    pyarrow_mixed,
    OnlyStream,
    OnlyInterchange,
    OnlyToNumpy,
]


@pytest.mark.parametrize("table", TABLES, ids=name_of)
def test_tables(table):
    X = table(DATA)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # names fit names: nothing to warn of
        assert_same_outcome(outcome(X), expected("float64"))
        model = KMeans(K, n_init=1, random_state=0).fit(X)
    assert model.n_features_in_ == 6
    assert model.feature_names_in_.dtype == object
    assert model.feature_names_in_.tolist() == NAMES
    assert all(type(name) is str for name in model.feature_names_in_)


@pytest.mark.parametrize("table", [pandas_frame, polars_frame, pyarrow_table])
def test_tables_of_float32_are_computed_as_float32(table):
    assert_same_outcome(outcome(table(DATA.astype(np.float32))), expected("float32"))


@pytest.mark.parametrize("table", [pandas_frame, polars_frame, pyarrow_table])
def test_tables_of_booleans(table):
    assert_same_outcome(outcome(table(data("bool")[0])), expected("bool"))


def test_pandas_is_not_written_to():
    pandas = pytest.importorskip("pandas")
    for make in (pandas_frame, pandas_mixed, pandas_nullable):
        frame = make(DATA)
        before = frame.copy(deep=True)
        outcome(frame)
        pandas.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "labels", [range(6), [(name, 1) for name in NAMES]], ids=["numbers", "levels"]
)
def test_labels_that_are_no_strings_are_no_names(labels):
    pandas = pytest.importorskip("pandas")
    columns = pandas.MultiIndex.from_tuples(labels) if isinstance(labels, list) else labels
    model = KMeans(K, n_init=1, random_state=0).fit(pandas.DataFrame(DATA, columns=columns))
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 6


def test_columns_of_one_name():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": DATA[:, 0], "b": DATA[:, 1].astype(int)})
    frame.columns = ["a", "a"]
    model = KMeans(K, n_init=1, random_state=0).fit(frame)
    assert np.array_equal(
        model.labels_, KMeans(K, n_init=1, random_state=0).fit(DATA[:, :2]).labels_
    )


def test_names_follow_the_last_fit():
    model = KMeans(K, n_init=1, random_state=0).fit(pandas_frame(DATA))
    model.fit(DATA[:, :4])
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 4
    model.fit(pandas_frame(DATA))
    assert model.feature_names_in_.tolist() == NAMES


def test_one_column_and_one_row_tables():
    pandas = pytest.importorskip("pandas")
    model = KMeans(2, n_init=1, random_state=0).fit(pandas.DataFrame({"a": [1, 2, 10, 11]}))
    assert sorted(model.cluster_centers_.ravel().tolist()) == [1.5, 10.5]
    assert model.predict(pandas.DataFrame({"a": [10.4]})) == model.labels_[2]


# ---- xarray


def test_xarray():
    xarray = pytest.importorskip("xarray")
    X = np.random.default_rng(0).normal(size=(50, 3))
    plain = KMeans(3, random_state=0).fit(X)
    array = xarray.DataArray(X, dims=("row", "feature"), coords={"feature": ["a", "b", "c"]})
    assert np.shares_memory(_validate.as_matrix(array)[0], X)
    dataset = xarray.Dataset({name: ("row", X[:, j]) for j, name in enumerate("abc")})
    for data in (array, dataset):
        model = KMeans(3, random_state=0).fit(data)
        assert np.array_equal(model.labels_, plain.labels_) and model.inertia_ == plain.inertia_
        assert list(model.feature_names_in_) == ["a", "b", "c"]
    assert not hasattr(KMeans(3).fit(array.drop_vars("feature")), "feature_names_in_")
    with pytest.raises(ValueError, match=r"variable 'b' has the dimensions \('col',\)"):
        KMeans(3).fit(xarray.Dataset({"a": ("row", X[:, 0]), "b": ("col", X[:5, 1])}))
