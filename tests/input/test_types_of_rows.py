"""Types of rows beside NumPy's own: floats of 16 bits, columns of vectors, arrays of other
libraries. The answers are those of the dense array, to the last bit, and nothing is written to.
"""

import sys
import tracemalloc
import types
import warnings
from functools import cache

import numpy as np
import pytest

import ckmeans
from ckmeans import BisectingKMeans, FuzzyCMeans, KMeans, MiniBatchKMeans, metrics
from ckmeans._input import checks

# Rows of few whole numbers are not all different.
pytestmark = pytest.mark.filterwarnings("ignore:Number of distinct clusters")

X = np.random.default_rng(0).normal(size=(150, 5)).astype(np.float32)


def everything(rows, dense):
    """What the entry points make of rows; `dense` are the same in an array, for what is given
    beside them.
    """
    model = KMeans(3, n_init=2, random_state=0).fit(rows)
    found = {
        "labels": model.labels_,
        "centers": model.cluster_centers_,
        "inertia": model.inertia_,
        "predict": model.predict(rows),
        "transform": model.transform(rows),
        "score": model.score(rows),
        "fit_predict": KMeans(3, random_state=1).fit_predict(rows),
        "k_means": ckmeans.k_means(rows, 3, random_state=1)[0],
        "given": KMeans(3, init=dense[:3].astype(float)).fit(rows).cluster_centers_,
        "init": KMeans(len(dense), init=rows).fit(dense).cluster_centers_,
        "bisecting": BisectingKMeans(4, random_state=0).fit(rows).cluster_centers_,
        "fuzzy": FuzzyCMeans(3, random_state=0, max_iter=5).fit(rows).cluster_centers_,
        "minibatch": MiniBatchKMeans(3, random_state=0, max_iter=3).fit(rows).cluster_centers_,
        "partial": MiniBatchKMeans(3, random_state=0).partial_fit(rows).cluster_centers_,
        "chunks": KMeans(3, n_init=1, random_state=0)
        .fit_chunks(lambda: iter([rows, rows]))
        .cluster_centers_,
        "silhouette": metrics.silhouette_score(rows, model.labels_),
        "davies_bouldin": metrics.davies_bouldin_score(rows, model.labels_),
        "select_k": ckmeans.select_k(rows, range(2, 5), random_state=0).table["inertia"],
        "kmeans_plusplus": ckmeans.kmeans_plusplus(rows, 3, random_state=0)[0],
        "explain": str(ckmeans.explain(model, rows)),
    }
    return found


@cache
def expected(values, dtype):
    """What is made of dense rows with these bytes."""
    dense = np.frombuffer(values, dtype).reshape(-1, 5)
    return everything(dense, dense)


def assert_equal_outcome(rows, dense):
    before = dense.tobytes()
    found, wanted = everything(rows, dense), expected(before, dense.dtype)
    for name, value in wanted.items():
        if isinstance(value, str):
            assert found[name] == value, name
        else:
            assert np.asarray(found[name]).dtype == np.asarray(value).dtype, name
            assert np.array_equal(found[name], value), name
    assert dense.tobytes() == before


# -------------------------------------------------------------------------------- 8 and 16 bits


def small(kind):
    """Rows of a dtype, by its name, that have every sort of its values."""
    rng = np.random.default_rng(1)
    if kind in ("int8", "uint8"):
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max + 1, size=(300, 5)).astype(kind)
    if kind == "bfloat16":
        kind = pytest.importorskip("ml_dtypes").bfloat16
    return (rng.normal(size=(300, 5)) * 2.0 ** rng.integers(-20, 8, size=(300, 5))).astype(kind)


SMALL = ["int8", "uint8", "float16", "bfloat16"]


@pytest.mark.parametrize("kind", SMALL)
def test_small_types(kind):
    rows = small(kind)
    assert_equal_outcome(rows, rows.astype(np.float64))


@pytest.mark.parametrize("metric", ["cosine", "manhattan"])
@pytest.mark.parametrize("kind", SMALL)
def test_small_types_by_other_metrics(kind, metric):
    rows = small(kind)
    models = [
        KMeans(3, metric=metric, random_state=0).fit(one) for one in (rows, rows.astype(float))
    ]
    assert np.array_equal(models[0].cluster_centers_, models[1].cluster_centers_)
    assert np.array_equal(models[0].transform(rows), models[1].transform(rows.astype(float)))


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda a: np.repeat(a, 2, 1)[::-1, ::2]])
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_every_value_of_16_bits(kind, layout):
    """All that are finite, subnormal ones too."""
    dtype = np.float16 if kind == "float16" else pytest.importorskip("ml_dtypes").bfloat16
    values = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    with np.errstate(all="ignore"):
        wide = values.astype(np.float64)
    rows = layout(values[np.isfinite(wide)].reshape(-1, 4))
    models = [
        KMeans(7, init=rows[::99][:7].astype(float), max_iter=3, algorithm="lloyd").fit(one)
        for one in (rows, rows.astype(np.float64))
    ]
    assert np.array_equal(models[0].cluster_centers_, models[1].cluster_centers_)
    assert np.array_equal(models[0].transform(rows), models[1].transform(rows.astype(float)))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN"), (-np.inf, "-infinity")])
def test_what_is_not_finite_in_16_bits(kind, value, said):
    rows = small(kind)
    rows[7, 2] = value
    with pytest.raises(ValueError, match=f"X contains {said} at row 7, column 2"):
        KMeans(3).fit(rows)


@pytest.mark.parametrize("kind", SMALL)
def test_small_types_are_read_where_they_lie(kind, tmp_path):
    rows = np.tile(small(kind), (20, 60))
    mapped = np.memmap(tmp_path / "rows", rows.dtype, "w+", shape=rows.shape)
    mapped[:] = rows
    model = KMeans(3, random_state=0, n_init=1).fit(rows[:300])
    for one in (rows, mapped):
        assert np.shares_memory(checks.as_matrix(one)[0], one)
        labels = model.predict(one)
        tracemalloc.start()
        try:
            model.predict(one)
            model.transform(one)
            model.score(one)
            KMeans(3, random_state=0, n_init=1, max_iter=2).fit(one)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < rows.size / 4, f"{peak} bytes for {rows.size} values"
        assert np.array_equal(labels, model.predict(rows.astype(np.float64)))


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "int4", "uint4"])
def test_smaller_types_are_converted(kind):
    dtype = getattr(pytest.importorskip("ml_dtypes"), kind)
    rows = np.random.default_rng(0).integers(0, 7, size=(50, 3)).astype(dtype)
    models = [KMeans(3, random_state=0).fit(one) for one in (rows, rows.astype(float))]
    assert np.array_equal(models[0].labels_, models[1].labels_)
    assert np.allclose(models[0].cluster_centers_, models[1].cluster_centers_, rtol=1e-6)


def test_weights_and_values_of_16_bits():
    rows = small("bfloat16")
    weights = np.abs(rows[: len(X), 0])
    models = [
        KMeans(3, random_state=0).fit(X, sample_weight=one)
        for one in (weights, weights.astype("d"))
    ]
    assert np.array_equal(models[0].cluster_centers_, models[1].cluster_centers_)
    assert np.array_equal(ckmeans.breaks(rows[:, 0], 3), ckmeans.breaks(rows[:, 0].astype("d"), 3))


def test_unknown_bytes_of_npy_files():
    with pytest.raises(TypeError, match=r"pass X\.view\(ml_dtypes\.bfloat16\)"):
        KMeans(2).fit(small("float16").view("V2"))


# ---------------------------------------------------------------------------- columns of vectors


def arrow_fixed(rows):
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), rows.shape[1])


def arrow_list(rows):
    pyarrow = pytest.importorskip("pyarrow")
    return arrow_fixed(rows).cast(pyarrow.list_(pyarrow.from_numpy_dtype(rows.dtype)))


def arrow_large_list(rows):
    pyarrow = pytest.importorskip("pyarrow")
    return arrow_fixed(rows).cast(pyarrow.large_list(pyarrow.from_numpy_dtype(rows.dtype)))


def arrow_sliced(rows):
    return arrow_list(np.concatenate([rows[:7], rows, rows[:3]]))[7:-3]


def arrow_chunked(rows):
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.chunked_array([arrow_fixed(rows[:100]), arrow_fixed(rows[100:])])


def arrow_tensors(rows):
    pyarrow = pytest.importorskip("pyarrow")
    kind = pyarrow.fixed_shape_tensor(pyarrow.from_numpy_dtype(rows.dtype), [rows.shape[1]])
    return pyarrow.ExtensionArray.from_storage(kind, arrow_fixed(rows))


def arrow_table(rows):
    return pytest.importorskip("pyarrow").table({"v": arrow_chunked(rows)})


def arrow_batch(rows):
    return pytest.importorskip("pyarrow").record_batch({"v": arrow_fixed(rows)})


def polars_array(rows):
    return pytest.importorskip("polars").Series("v", rows)


def polars_list(rows):
    return polars_array(rows).arr.to_list()


def polars_frame(rows):
    return polars_array(rows).to_frame()


def pandas_objects(rows):
    return pytest.importorskip("pandas").Series(list(rows), name="v", index=range(9, 9 + len(rows)))


def pandas_frame(rows):
    return pandas_objects(rows).to_frame()


def pandas_arrow(rows):
    pandas = pytest.importorskip("pandas")
    return pandas.Series(pandas.arrays.ArrowExtensionArray(arrow_chunked(rows)), name="v")


def numpy_objects(rows):
    array = np.empty(len(rows), object)
    array[:] = list(rows)
    return array


def list_of_arrays(rows):
    return list(rows)


IN_PLACE = [arrow_fixed, arrow_list, arrow_large_list, arrow_sliced, arrow_tensors, arrow_batch]
IN_PLACE += [polars_array, polars_list, polars_frame]
VECTORS = [*IN_PLACE, arrow_chunked, arrow_table, pandas_objects, pandas_frame, pandas_arrow]
VECTORS += [numpy_objects, list_of_arrays]


@pytest.mark.parametrize("container", VECTORS)
def test_columns_of_vectors(container):
    assert_equal_outcome(container(X), X)


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "int64", "float64"])
@pytest.mark.parametrize("container", VECTORS)
def test_types_of_vectors(container, dtype):
    rows = (X * 30).clip(0, 100).astype(dtype)
    if container in (polars_array, polars_list, polars_frame) and dtype == "float16":
        pytest.importorskip("polars", minversion="1.40")
    if container is list_of_arrays and rows.dtype.kind in "iu":
        pytest.skip("lists of whole numbers become floats")
    array, names = checks.as_matrix(container(rows))
    assert names is None and array.dtype == rows.dtype and np.array_equal(array, rows)


@pytest.mark.parametrize("container", IN_PLACE)
def test_vectors_are_read_where_they_lie(container):
    held = container(np.tile(X, (100, 1)))
    checks.as_matrix(held)
    tracemalloc.start()
    try:
        array, _ = checks.as_matrix(held)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # the lengths of lists and the mask of missing ones are looked at: some bytes for each row
    assert not array.flags.owndata and peak < 1e6 + 40 * len(array)
    again, _ = checks.as_matrix(held)
    assert np.shares_memory(array, again)


def lists(values, library):
    if library == "lists":
        return values
    if library == "objects":
        array = np.empty(len(values), object)
        array[:] = values
        return array
    module = pytest.importorskip(library)
    if library == "pandas":
        return module.DataFrame({"v": module.Series(values)})
    return module.table({"v": values}) if library == "pyarrow" else module.DataFrame({"v": values})


LIBRARIES = ["pyarrow", "polars", "pandas", "objects", "lists"]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        (
            [[1.0, 2.0], [3.0, 4.0], [5.0]],
            ValueError,
            "rows of unequal length.*: row 0 has 2 values, row 2 has 1",
        ),
        (
            [[1.0, 2.0], None, None],
            ValueError,
            r"2 missing vector\(s\).*, the first at row 1: drop",
        ),
        (
            [[1.0, 2.0], [3.0, None]],
            ValueError,
            "1 missing value.*, the first at row 1, position 1|NaN at row 1, column 1",
        ),
        ([["a", "b"], ["c", "d"]], (TypeError, ValueError), "not numbers|which is text"),
        ([[], []], ValueError, r"0 feature\(s\)"),
        ([[[1.0], [2.0]], [[3.0], [4.0]]], (TypeError, ValueError), "not numbers|dimension|dim 3"),
    ],
)
def test_what_is_no_vector(library, values, error, said):
    rows = lists(values, library)
    for use in (
        KMeans(2).fit,
        MiniBatchKMeans(2).partial_fit,
        KMeans(2).fit(X[:, :2]).predict,
        KMeans(2).fit(X[:, :2]).transform,
    ):
        with pytest.raises(error, match=said) as caught:
            use(rows)
        assert "\n" not in str(caught.value)
        assert library not in ("pyarrow", "polars", "pandas") or (
            "column 'v'" in str(caught.value) or "feature" in str(caught.value)
        )


@pytest.mark.parametrize("library", ["pyarrow", "polars", "pandas"])
def test_vectors_beside_other_columns(library):
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame
    rows = make({"id": [1, 2, 3], "v": [[1.0, 2.0]] * 3})
    with pytest.raises(TypeError, match=r"vectors in column 'v', and 1 other column\(s\)"):
        KMeans(2).fit(rows)


def test_vectors_and_numbers_in_one_column():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="at row 1 a value of type int"):
        KMeans(1).fit(pandas.Series([[1.0], 2]))


@pytest.mark.parametrize("library", ["pyarrow", "polars", "pandas"])
def test_missing_values_in_vectors(library):
    values = [[1.0, 2.0], [None, 3.0], [5.0, None], [6.0, 7.0]]
    wanted = np.array(values, float)
    rows = lists(values, library)
    models = [KMeans(2, missing="ignore", random_state=0).fit(one) for one in (rows, wanted)]
    assert np.array_equal(models[0].cluster_centers_, models[1].cluster_centers_)


def test_one_dimensional_vectors_are_no_values():
    assert np.array_equal(
        KMeans(3).fit(arrow_fixed(X[:, :1])).labels_, KMeans(3).fit(X[:, :1]).labels_
    )


@pytest.mark.parametrize("container", [arrow_fixed, arrow_list])
def test_parquet_files_of_vectors(container, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    weights = np.arange(len(X)) % 3 + 1.0
    path = tmp_path / "vectors.parquet"
    parquet.write_table(
        pyarrow.table({"v": container(X), "w": weights, "id": range(len(X))}), path, 128
    )
    model = KMeans(3, random_state=0, n_init=1)
    plain = model.fit_chunks(X, sample_weight=weights).cluster_centers_
    found = model.fit_chunks(path, columns=["v"], sample_weight="w").cluster_centers_
    assert np.array_equal(found, plain)
    labels = np.concatenate(list(model.predict_chunks(path, columns=["v"])))
    assert np.array_equal(labels, model.predict(X))
    with pytest.raises(TypeError, match="vectors in column 'v', and 2 other"):
        model.fit_chunks(path)


# ------------------------------------------------------------------------ arrays of other libraries


class ByDLPack:
    """An array that has nothing but DLPack, on a device of this number."""

    def __init__(self, array, device=1):
        self.array, self.device = array, device

    def __dlpack__(self, **options):
        if self.device not in (1, 3, 11):
            raise AssertionError("nobody should ask for memory that cannot be read")
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device, 0


class ByInterface:
    def __init__(self, array):
        self.array, self.__array_interface__ = array, array.__array_interface__


class Tensor(ByDLPack):
    """As one of PyTorch's behaves: of the type bfloat16 it is not handed over, only as whole
    numbers.
    """

    def __init__(self, array, dtype="torch.float32", requires_grad=False):
        super().__init__(array)
        self.dtype, self.requires_grad = dtype, requires_grad

    def __dlpack__(self, **options):
        if self.requires_grad or self.dtype == "torch.bfloat16":
            raise BufferError("cannot be exported")
        return super().__dlpack__(**options)

    def __array__(self, *args, **options):
        if self.requires_grad or self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.array

    def view(self, dtype):
        return Tensor(self.array.view(dtype))


class DeviceOnly:
    """As arrays of CuPy's and Numba's."""

    __cuda_array_interface__: dict = {}


@pytest.mark.parametrize("container", [ByDLPack, ByInterface, Tensor])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8"])
def test_arrays_of_other_libraries(container, dtype):
    rows = (X * 30).clip(0, 100).astype(dtype)
    held = container(rows)
    assert np.shares_memory(checks.as_matrix(held)[0], rows)
    assert_equal_outcome(held, rows if dtype == "float32" else rows.astype(np.float64))


@pytest.mark.parametrize("container", [ByDLPack, ByInterface, Tensor])
def test_other_arguments_by_protocols(container):
    weights = np.arange(len(X)) / 8
    fit = KMeans(3, random_state=0).fit
    assert np.array_equal(
        fit(X, sample_weight=container(weights)).labels_, fit(X, sample_weight=weights).labels_
    )
    assert np.array_equal(ckmeans.breaks(container(X[:, 0].copy()), 3), ckmeans.breaks(X[:, 0], 3))
    chunks = KMeans(3, random_state=0, n_init=1).fit_chunks
    assert np.array_equal(chunks(container(X)).cluster_centers_, chunks(X).cluster_centers_)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ByDLPack(X, 2), "CUDA, number 0"),
        (ByDLPack(X, 8), "Metal"),
        (ByDLPack(X, 10), "ROCm"),
        (ByDLPack(X, 99), "DLPack device 99"),
        (DeviceOnly(), "CUDA"),
        (Tensor(X, requires_grad=True), r"requires grad.*\.detach\(\)"),
        (Tensor(X.astype(complex), "torch.complex64"), "Complex data"),
    ],
)
def test_what_is_not_handed_over(rows, said):
    model = KMeans(2).fit(X)
    for use in (
        KMeans(2).fit,
        model.predict,
        model.transform,
        MiniBatchKMeans(2).partial_fit,
        KMeans(2).fit_chunks,
        lambda rows: KMeans(2).fit_chunks(lambda: iter([rows])),
        lambda rows: ckmeans.select_k(rows, range(2, 4)),
        lambda rows: ckmeans.breaks(rows, 2),
        lambda rows: metrics.silhouette_score(rows, model.labels_),
        lambda rows: KMeans(2).fit(X, sample_weight=rows),
    ):
        with pytest.raises((TypeError, ValueError), match=said) as caught:
            use(rows)
        assert "\n" not in str(caught.value)


def test_a_refusal_is_explained():
    class Refusing(ByDLPack):
        def __dlpack__(self, **options):
            raise BufferError("strides of this sort\nand more")

    with pytest.raises(TypeError, match="Refusing that cannot be read .*: strides of this sort$"):
        KMeans(2).fit(Refusing(X))


def test_tensors_of_bfloat16(monkeypatch):
    rows = small("bfloat16")
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(int16=np.int16))
    held = Tensor(rows, "torch.bfloat16")
    array, _ = checks.as_matrix(held)
    assert array.dtype == rows.dtype and np.shares_memory(array, rows)


def test_tensors_of_pytorch():
    torch = pytest.importorskip("torch")
    assert_equal_outcome(torch.from_numpy(X), X)
    assert np.shares_memory(checks.as_matrix(torch.from_numpy(X))[0], X)
    short = torch.from_numpy(X).to(torch.bfloat16)
    assert np.array_equal(checks.as_matrix(short)[0].astype(np.float32), short.float().numpy())
    with pytest.raises(TypeError, match=r"X\.detach\(\)"):
        KMeans(2).fit(torch.from_numpy(X.copy()).requires_grad_())


@pytest.mark.parametrize(
    "make",
    [
        lambda torch: torch.zeros((4, 2), device="meta"),
        lambda torch: torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (4, 2)),
        lambda torch: torch.zeros((4, 2)).requires_grad_(),
        lambda torch: torch.zeros((4, 2), dtype=torch.complex64),
    ],
    ids=["meta", "sparse", "grad", "complex"],
)
def test_tensors_that_are_refused_are_told_why(make):
    tensor = make(pytest.importorskip("torch"))
    with pytest.raises((TypeError, ValueError)) as caught:
        KMeans(2).fit(tensor)
    message = str(caught.value)
    assert "has no attribute" not in message and "\n" not in message and "X" in message


#: Every argument that takes an array.
ARGUMENTS = {
    "X": lambda v: KMeans(3).fit(v[:, :2]),
    "init": lambda v: KMeans(3, init=v[:3]).fit(X),
    "init of batches": lambda v: ckmeans.MiniBatchKMeans(3, init=v[:3]).fit(X),
    "init of fuzzy": lambda v: ckmeans.FuzzyCMeans(3, init=v[:3]).fit(X),
    "sample_weight": lambda v: KMeans(3).fit(X, sample_weight=v[:, 0]),
    "size_min": lambda v: KMeans(3, size_min=v[:3, 0]).fit(X),
    "labels_known": lambda v: KMeans(3).fit(X, labels_known=v[:, 0]),
    "labels of distances": lambda v: KMeans(3, random_state=0).fit(X).distances(X, v[:, 0]),
    "labels of metrics": lambda v: ckmeans.metrics.silhouette_score(X, v[:, 0]),
    "labels of plots": lambda v: ckmeans.plot.clusters(KMeans(3).fit(X), X, labels=v[:, 0]),
    "groups": lambda v: ckmeans.fit_many(X, 2, groups=v[:, 0]),
    "image": lambda v: ckmeans.image.quantize(v, 2),
    "data": lambda v: ckmeans.ckmeans(v[:, 0], 3),
    "data of breaks": lambda v: ckmeans.breaks(v[:, 0], 3),
    "chunk": lambda v: KMeans(3).fit_chunks([v]),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_tensor_that_requires_grad_is_told_so_wherever_it_comes(name):
    torch = pytest.importorskip("torch")
    if "plots" in name:
        pytest.importorskip("matplotlib").use("Agg")
    values = torch.from_numpy(X.astype(np.float64)).requires_grad_()
    with pytest.raises(TypeError, match=r"is a tensor that requires grad.*: pass \w+\.detach\(\)"):
        ARGUMENTS[name](values)


def test_dlpack_is_asked_for_with_a_version():
    """Else Arrow warns of a deprecation that users can do nothing about."""
    pyarrow = pytest.importorskip("pyarrow")
    rows = X.astype(np.float64)
    column = pyarrow.array(rows.tolist())
    fixed = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), rows.shape[1])
    codes, weights = np.arange(len(X)) % 2, np.abs(rows[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        for given in (column, fixed):
            by_arrow = KMeans(3, init=given[:3]).fit(given, sample_weight=pyarrow.array(weights))
            plain = KMeans(3, init=rows[:3]).fit(rows, sample_weight=weights)
            assert np.array_equal(by_arrow.labels_, plain.labels_)
        for groups in (pyarrow.array(codes), pyarrow.array(codes.astype(str))):
            fits = ckmeans.fit_many(rows, 2, groups=groups, random_state=0)
            again = ckmeans.fit_many(rows, 2, groups=codes, random_state=0)
            assert np.array_equal(fits.labels, again.labels)
        labels = pyarrow.array(codes)
        score = ckmeans.metrics.silhouette_score(rows, labels)
        assert score == ckmeans.metrics.silhouette_score(rows, codes)


@pytest.mark.parametrize("error", [TypeError("no such type"), BufferError("no")])
def test_what_refuses_a_version_is_asked_once(error):
    asked = []

    class Refusing(ByDLPack):
        def __dlpack__(self, **options):
            asked.append(options)
            raise error

    with pytest.raises(TypeError, match=str(error)):
        KMeans(2).fit(Refusing(X))
    assert len(asked) == 1


def test_what_does_not_know_versions_is_read():
    class Old(ByDLPack):
        def __dlpack__(self, *, stream=None):
            return self.array.__dlpack__()

    assert np.shares_memory(checks.as_matrix(Old(X))[0], X)
