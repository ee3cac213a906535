"""Tables from files: every format and layout, and what is said when a file is no table of numbers."""

import bz2
import gzip
import io
import re
import sys
import types
from importlib.util import find_spec

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckmeans import KMeans
from ckmeans._readers import Ambiguous, LeftOut, ReadError, read_table

needs_arrow = pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow reads this")
SMALL = np.array([[1.0, 2.5], [3.0, -4.0], [0.125, 1e-3]])


@pytest.fixture
def file(tmp_path):
    """Writes text or bytes to a file and returns its path."""

    def write(content, name="data.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def refused(path, *args, **kwargs):
    """The message with which the file is refused."""
    with pytest.raises(ReadError) as error:
        read_table(path, *args, **kwargs)
    assert str(error.value).startswith(str(path))
    return str(error.value)


# --------------------------------------------------------------------------------------- layouts of text


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", "  ", ", ", " \t"])
@pytest.mark.parametrize("header", [None, ["x", "y"], ["long name", 'q"uoted']])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separator_header_and_line_end_are_found(file, separator, header, end):
    rows = [[format(value, "g") for value in row] for row in SMALL]
    if header:
        rows.insert(0, ['"' + name.replace('"', '""') + '"' for name in header])
    if separator.isspace():
        pytest.importorskip("pyarrow")
    table = read_table(file(end.join(map(separator.join, rows)) + end), header=bool(header))
    assert np.array_equal(table.values, SMALL)
    assert table.values.dtype == np.float64 and table.values.flags.c_contiguous
    assert table.names == (header or ["1", "2"])
    assert table.columns == (header or [])
    assert len(table) == 3 and table.weights is None and table.left_out == []


@pytest.mark.parametrize("name", ["data.txt", "data", "data.TSV", "data.tsv.gz", "data.csv.gz", "d.csv.bz2"])
def test_suffix_tells_the_compression_and_nothing_else(file, name):
    text = b"x\ty\n1\t2\n"
    packed = {"gz": gzip.compress, "bz2": bz2.compress}.get(name.rpartition(".")[2], bytes)(text)
    assert read_table(file(packed, name)).values.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@needs_arrow
@pytest.mark.filterwarnings("ignore:.*not UTF-8")
def test_encodings(file, encoding):
    table = read_table(file("größe;name\n1,5;Jürgen\n2;Zoë\n", encoding=encoding))
    assert table.names == ["größe"]
    assert table.values.tolist() == [[1.5], [2.0]]


def test_byte_order_mark_before_a_number(file):
    assert read_table(file("1,2\n3,4\n", encoding="utf-8-sig"), header=False).values.tolist() == [[1, 2], [3, 4]]


def test_decimal_commas_between_semicolons(file):
    table = read_table(file("a;b;c\n1,5;2;-3,25e-2\n0,5;10,125;7\n"))
    assert table.values.tolist() == [[1.5, 2.0, -0.0325], [0.5, 10.125, 7.0]]


def test_decimal_commas_between_tabs(file):
    assert read_table(file("1,5\t2\n3\t4,5\n"), header=False).values.tolist() == [[1.5, 2], [3, 4.5]]


def test_decimal_commas_that_appear_late(file):
    table = read_table(file("a;b\n" + "1;2\n" * 1500 + "3,5;4\n"))
    assert table.values[-1].tolist() == [3.5, 4.0]


def test_quoted_cells(file):
    table = read_table(file('"x, in m","note","y"\n"1.5","a ""b"", c",2\n3,"two\nlines",4\n'))
    assert table.names == ["x, in m", "y"]
    assert table.values.tolist() == [[1.5, 2], [3, 4]]


def test_blank_lines_are_no_rows(file):
    assert len(read_table(file("\n\nx,y\n\n1,2\n   \n3,4\n\n\n"))) == 2
    assert len(read_table(file("x\n1\n\n2\n \n"))) == 2


def test_one_column(file):
    assert read_table(file("x\n1\n2\n")).values.tolist() == [[1], [2]]
    assert read_table(file("1\n2\n"), header=False).values.tolist() == [[1], [2]]
    assert read_table(file("5")).values.tolist() == [[5]]


def test_no_line_end_at_the_end(file):
    assert read_table(file("x,y\n1,2")).values.tolist() == [[1, 2]]


def test_rows_as_numpy_savetxt_writes_them(file):
    text = io.StringIO()
    np.savetxt(text, SMALL, header="width height")
    table = read_table(file(text.getvalue(), "data.txt"))
    assert np.array_equal(table.values, SMALL)
    assert table.columns == ["width", "height"]


def test_comments_above_the_table(file):
    table = read_table(file("# made by hand, in 2 hours\n#\nx,y\n1,2\n"))
    assert table.columns == ["x", "y"]
    assert table.values.tolist() == [[1, 2]]
    assert "line 4, column 'x'" in refused(file("# comment\nx,y\n1,2\n?,3\n"))


def test_rows_as_r_writes_them(file):
    table = read_table(file('"x" "y"\n"1" 4 53\n"2" 5 63\n', "data.txt"))
    assert table.columns == ["x", "y"]
    assert table.values.tolist() == [[4, 53], [5, 63]]
    assert table.left_out == [LeftOut("1", "row names")]


@pytest.mark.parametrize("name", ["", "rownames", "Unnamed: 0"])
@pytest.mark.parametrize("index", [(0, 1, 7), (7, 1, 0), (2, 0, 1), (10**15, -5, 3)])
def test_a_written_index_is_left_out(file, name, index):
    table = read_table(file(f"{name},x\n" + "".join(f"{i},{x}\n" for i, x in zip(index, (5, 6, 7)))))
    assert table.names == ["x"]
    assert [column.why for column in table.left_out] == ["row numbers"]


def test_a_column_of_numbers_without_a_name_is_used(file):
    assert read_table(file(",x\n0.5,5\n1.5,6\n"), index=[]).names == ["1", "x"]
    assert read_table(file("x,\n5,0\n6,1\n")).names == ["x", "2"]


@pytest.mark.parametrize("text", ["a,b,\n1,2,\n3,4,\n", "a,b\n1,2,\n3,4,\n", "1,2,\n3,4,\n"])
def test_a_separator_at_the_end_of_lines_is_no_column(file, text):
    table = read_table(file(text), header=text.startswith("a"))
    assert table.values.tolist() == [[1, 2], [3, 4]]
    assert table.left_out == []


def test_columns_of_one_name_are_told_apart(file):
    assert read_table(file("x,x,x.1\n1,2,3\n")).names == ["x", "x.1", "x.1.1"]


def test_a_header_may_hold_years(file):
    table = read_table(file("id,2019,2020\n7,1.5,2.5\n8,1,2\n"))
    assert table.names == ["id", "2019", "2020"]


@given(
    values=arrays.arrays(
        np.float64,
        arrays.array_shapes(min_dims=2, max_dims=2),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    ),
    separator=st.sampled_from(",;\t| "),
)
def test_every_float_comes_back(tmp_path_factory, values, separator):
    path = tmp_path_factory.mktemp("floats") / "data.txt"
    path.write_text("\n".join(separator.join(map(repr, row)) for row in values.tolist()))
    assert read_table(path, header=False).values.tobytes() == values.tobytes()


# --------------------------------------------------------------------------------------- columns and weights


def test_columns_that_are_no_numbers_are_left_out_and_told(file):
    table = read_table(file("name,x,day,y,empty\nBob,1,2020-01-01,2,\nEve,3,2020-01-02,4,\n"))
    assert table.names == ["x", "y"]
    assert table.left_out == [
        LeftOut("name", "not numbers, e.g. 'Bob'"),
        LeftOut("day", "not numbers, e.g. '2020-01-01'"),
        LeftOut("empty", "no values"),
    ]


def test_columns_by_name_number_and_order(file):
    path = file("name,x,y,2\nBob,1,2,3\nEve,4,5,6\n")
    assert read_table(path, columns=["y", "x"]).values.tolist() == [[2, 1], [5, 4]]
    assert read_table(path, columns=["3"]).names == ["y"]
    assert read_table(path, columns=["2"]).values.tolist() == [[3], [6]]  # a name comes before a number
    assert read_table(path, columns=["x"]).left_out == []


def test_columns_there_are_not(file):
    named, nameless = file("x,y\n1,2\n"), file("1,2\n", "nameless.csv")
    assert "no column 'z'; there are 2: x, y" in refused(named, columns=["z"])
    assert "no column '0'" in refused(named, columns=["0"])
    assert "no column 'x'; without names, they are 1 to 2" in refused(nameless, columns=["x"], header=False)
    assert "no column '3'" in refused(nameless, weights="3", header=False)


def test_a_column_asked_for_must_be_numeric(file):
    path = file("name,x\nBob,1\n")
    assert "line 2, column 'name': 'Bob' is not a number" in refused(path, columns=["x", "name"])
    assert "line 2, column 'name'" in refused(path, weights="name")


def test_weights_are_no_feature(file):
    table = read_table(file("x,w,y\n1,2,3\n4,5,6\n"), weights="w")
    assert table.names == ["x", "y"]
    assert table.values.tolist() == [[1, 3], [4, 6]] and table.values.flags.c_contiguous
    assert table.weights.tolist() == [2, 5]
    assert read_table(file("1,2\n3,4\n", "n.csv"), weights="1", header=False).weights.tolist() == [1, 3]


def test_columns_if_named(file):
    named, nameless = file("y,x,z\n1,2,\n3,4,\n"), file("1,2\n3,4\n", "nameless.csv")
    assert read_table(named, columns_if_named=["x", "y"]).values.tolist() == [[2, 1], [4, 3]]
    assert read_table(nameless, columns_if_named=["x", "y"], header=False).values.tolist() == [[1, 2], [3, 4]]
    assert read_table(named, ["x"], columns_if_named=["y"]).names == ["x"]


def test_gaps_elsewhere_do_not_matter(file):
    assert read_table(file("x,y\n1,\n2,3\n"), columns=["x"]).values.tolist() == [[1], [2]]


# ------------------------------------------------------------------------------------------- files refused


@pytest.mark.parametrize("gap", ["", " ", "NA", "nan", "NaN", "NULL", "None", "?", "-", '""', "#N/A"])
def test_a_missing_cell_is_told_by_line_and_column(file, gap):
    message = refused(file(f"age,height\n1,2\n\n3,{gap}\n5,6\n"))
    assert "line 4, column 'height'" in message
    assert ("missing" if gap.strip(' "') else "empty") in message


def test_a_missing_cell_without_header(file):
    assert "line 2, column '1': the cell is empty" in refused(file("1,2\n,3\n4,5\n"), header=False)


def test_a_missing_cell_far_down(file):
    assert "line 5002, column 'y'" in refused(file("x,y\n" + "1,2\n" * 5000 + "1,\n"))


def test_lines_are_counted_through_quoted_line_ends(file):
    assert "line 6, column 'x'" in refused(file('"a\nb",x\n"p\nq",3\nr,5\ns,\n'))


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite(file, cell):
    assert f"line 3, column 'x': {cell!r} is not a finite number" in refused(file(f"x,y\n1,2\n{cell},4\n"))


@pytest.mark.parametrize("cell", ["12a", "1_000", "1 000", "0x1f", "1.2.3", "ten"])
def test_a_slip_in_a_column_of_numbers(file, cell):
    assert f"line 3, column 'x': {cell!r} is not a number" in refused(file(f"x,y\n1,2\n{cell},4\n5,6\n"))


@pytest.mark.parametrize("row, cells", [("5", 1), ("5,6,7", 3), ("5,6,", 3)])
def test_ragged_lines(file, row, cells):
    message = refused(file(f"x,y\n1,2\n3,4\n{row}\n"))
    assert f"line 4: {cells} cell(s), where 2 are expected" in message


def test_a_row_of_empty_cells_is_not_passed_over(file):
    assert "line 3, column 'x': the cell is empty" in refused(file("x,y\n1,2\n,\n"))


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "the file is empty"),
        ("\n\n \n", "no rows"),
        ("# nothing\n", "no rows"),
        ("x,y\n", "no rows below the header"),
        ("name\nBob\nEve\n", "no column of numbers"),
        ("a line of text\nand another one\n", "no column of numbers"),
        (b"\x00\x01\x02\x03binary", "not a format ckmeans reads"),
        (b"\xff\xfe\x00\xd8\x00\x00", "utf-16"),
    ],
)
def test_files_without_a_table(file, text, why):
    assert why in refused(file(text))


def test_files_that_cannot_be_opened(tmp_path):
    assert "No such file" in refused(tmp_path / "none.csv")
    assert "directory" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(b"x,y\n" + b"1,2\n" * 1000)[:-20], b""])
def test_damaged_compression(file, content):
    refused(file(content, "data.csv.gz"))


def test_garbled_compression(file):
    packed = bytearray(gzip.compress(bytes(np.random.default_rng(0).integers(33, 99, 5000, dtype=np.uint8))))
    packed[500:600] = bytes(100)
    refused(file(bytes(packed), "data.csv.gz"))


@given(
    content=st.binary(max_size=200)
    | st.text(alphabet='01.,;|-+ex_NA"# \t\r\n\ufeff', max_size=200).map(str.encode)
    | st.sampled_from([b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"PAR1", b"ARROW1", b"FEA1"]).flatmap(
        lambda magic: st.binary(max_size=100).map(magic.__add__)
    )
)
def test_any_bytes_are_a_table_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "data.csv"
    path.write_bytes(content)
    try:
        table = read_table(path)
    except ReadError:
        return
    assert table.values.shape == (len(table), len(table.names))
    assert np.isfinite(table.values).all()


# ------------------------------------------------------------------------------------------- NumPy's formats


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "u1", "?", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(tmp_path, dtype, order):
    array = np.asarray([[1, 0], [0, 1], [1, 1]], dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    table = read_table(tmp_path / "a.npy")
    assert np.array_equal(table.values, array) and table.values.dtype == array.dtype
    assert table.names == ["1", "2"] and table.columns == []
    assert isinstance(table.values, np.memmap)


def test_npy_columns_weights_and_compression(tmp_path):
    array = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "a.npy", array)
    (tmp_path / "a.npy.gz").write_bytes(gzip.compress((tmp_path / "a.npy").read_bytes()))
    for name in "a.npy", "a.npy.gz":
        table = read_table(tmp_path / name, columns=["3", "1"], weights="2")
        assert np.array_equal(table.values, array[:, [2, 0]])
        assert table.names == ["3", "1"]
        assert np.array_equal(table.weights, array[:, 1])


def test_npy_of_one_dimension_is_a_column(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3.0))
    assert read_table(tmp_path / "a.npy").values.shape == (3, 1)


def test_npy_with_fields(tmp_path):
    array = np.array([(1, 2.5, b"a"), (3, 4.5, b"b")], dtype=[("x", "i4"), ("y", "f4"), ("name", "S1")])
    np.save(tmp_path / "a.npy", array)
    table = read_table(tmp_path / "a.npy")
    assert table.columns == ["x", "y"] and table.values.tolist() == [[1, 2.5], [3, 4.5]]
    assert table.left_out[0].name == "name"
    assert "column 'name' cannot be used" in refused(tmp_path / "a.npy", columns=["name"])


@pytest.mark.parametrize(
    "array, why",
    [
        (np.zeros((2, 2, 2)), "shape (2, 2, 2)"),
        (np.zeros((2, 2), complex), "complex128"),
        (np.array([["a"]]), "<U1"),
        (np.array([[{}]], dtype=object), "could run code"),
        (np.float64(1.0), "shape ()"),
    ],
)
def test_npy_without_a_table(tmp_path, array, why):
    np.save(tmp_path / "a.npy", array)
    assert why in refused(tmp_path / "a.npy")


def test_npy_truncated(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((100, 2)))
    content = (tmp_path / "a.npy").read_bytes()
    for length in 9, 60, 500:
        (tmp_path / "a.npy").write_bytes(content[:length])
        assert "truncated or damaged" in refused(tmp_path / "a.npy")


def npz(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return tmp_path / "a.npz"


def test_npz_of_one_array(tmp_path):
    table = read_table(npz(tmp_path, whatever=SMALL))
    assert np.array_equal(table.values, SMALL) and table.columns == []


def test_npz_of_a_matrix_and_weights(tmp_path):
    path = npz(tmp_path, points=SMALL, w=np.array([1, 2, 3]))
    assert np.array_equal(read_table(path).values, SMALL)
    assert read_table(path, weights="w").weights.tolist() == [1, 2, 3]
    assert read_table(path, weights="1").values.shape == (3, 1)
    assert "2 weights for 3 rows" in refused(npz(tmp_path, points=SMALL, w=np.ones(2)), weights="w")


def test_npz_of_several_matrices(tmp_path):
    assert np.array_equal(read_table(npz(tmp_path, X=SMALL, Y=SMALL[:1])).values, SMALL)
    assert "P (3, 2), Q (1, 2); call it 'X'" in refused(npz(tmp_path, P=SMALL, Q=SMALL[:1]))


def test_npz_of_columns(tmp_path):
    columns = {"x": np.arange(3), "y": np.ones(3, np.float32), "name": np.array(["a", "b", "c"])}
    table = read_table(npz(tmp_path, **columns))
    assert table.columns == ["x", "y"] and table.values.tolist() == [[0, 1], [1, 1], [2, 1]]


def test_npz_without_a_table(tmp_path):
    KMeans(1).fit(SMALL).save(tmp_path / "model.npz")
    assert "this is a ckmeans model, not data" in refused(tmp_path / "model.npz")
    sparse = npz(tmp_path, indptr=[0], indices=[0], data=[0.0], shape=[1, 1])
    assert "sparse" in refused(sparse)
    sparse.write_bytes(sparse.read_bytes()[:100])
    assert "truncated or damaged" in refused(sparse)
    objects = npz(tmp_path, a=np.array([[{}]], dtype=object))
    assert "could run code" in refused(objects)


def test_a_workbook_is_refused_with_advice(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    assert "save the sheet as .csv" in refused(tmp_path / "book.xlsx")


# ------------------------------------------------------------------------------------------- Arrow's formats


def write_arrow(path, columns):
    pyarrow = pytest.importorskip("pyarrow")
    table = columns if isinstance(columns, pyarrow.Table) else pyarrow.table(columns)
    if path.suffix == ".parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, path)
    else:
        import pyarrow.feather

        pyarrow.feather.write_feather(table, path)
    return path


@pytest.fixture(params=["data.parquet", "data.feather"])
def arrow_path(request, tmp_path):
    return tmp_path / request.param


def test_parquet_and_feather(arrow_path):
    path = write_arrow(arrow_path, {"name": ["a", "b"], "x": [1, 2], "y": [0.5, 1.5], "up": [True, False]})
    table = read_table(path)
    assert table.columns == ["x", "y", "up"]
    assert table.values.tolist() == [[1, 0.5, 1], [2, 1.5, 0]]
    assert table.left_out == [LeftOut("name", "string, not numbers")]
    table = read_table(path, columns=["y"], weights="x")
    assert table.values.tolist() == [[0.5], [1.5]] and table.weights.tolist() == [1, 2]
    assert "column 'name' cannot be used" in refused(path, columns=["name"])


def test_arrow_dtypes(arrow_path):
    from decimal import Decimal

    single = {"x": np.ones(2, np.float32), "y": np.zeros(2, np.float32)}
    assert read_table(write_arrow(arrow_path, single)).values.dtype == np.float32
    mixed = {"x": np.ones(2, np.float32), "y": np.zeros(2, np.int64)}
    assert read_table(write_arrow(arrow_path, mixed)).values.dtype == np.float64
    decimals = {"x": [Decimal("1.5"), Decimal("2.25")]}
    assert read_table(write_arrow(arrow_path, decimals)).values.tolist() == [[1.5], [2.25]]


def test_arrow_nulls_are_told_by_row_and_column(arrow_path):
    path = write_arrow(arrow_path, {"x": [1.0, 2.0, 3.0], "y": [1, None, 2]})
    assert "row 1, column 'y': the value is missing" in refused(path)
    assert read_table(path, columns=["x"]).values.shape == (3, 1)


def test_an_index_that_pandas_wrote_is_left_out(arrow_path):
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"x": [1.5, 2.5]}, index=[7, 9])
    table = read_table(write_arrow(arrow_path, pyarrow.Table.from_pandas(frame)))
    assert table.columns == ["x"] and "index" in table.left_out[0].why


def test_arrow_truncated(arrow_path):
    path = write_arrow(arrow_path, {"x": np.arange(1000.0)})
    content = path.read_bytes()
    for length in 10, 500, len(content) - 3:
        path.write_bytes(content[:length])
        assert "truncated or damaged" in refused(path)


@pytest.fixture
def no_pyarrow(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # import then raises


def test_pyarrow_absent(arrow_path, no_pyarrow):
    arrow_path.write_bytes({".parquet": b"PAR1", ".feather": b"ARROW1"}[arrow_path.suffix] + bytes(20))
    message = refused(arrow_path)
    assert "takes pyarrow, which is not installed: pip install 'ckmeans-cython[cli]'" in message
    assert re.search("Parquet|Feather", message)


# ------------------------------------------------------------------------- text with and without pyarrow

TEXTS = {
    "plain": "x,y\n1.5,2\n-3e-5,0.1\n",
    "no header": "1.5,2\n-3e-5,0.1\n",
    "blanks": "x, y\n 1.5 , 2\n3,+4 \n",
    "text between": 'x,name,y\n1,"a, b",2\n3,"c\nd",4\n',
    "quoted numbers": '"x","y"\n"1","2"\n',
    "decimal commas": "x;y\n1,5;2\n3;4,25\n",
    "windows": "x,y\r\n1,2\r\n3,4\r\n",
    "blank lines": "x,y\n\n1,2\n\n\n3,4\n",
    "comments": "# made\n# x,y\n1,2\n",
    "byte order mark": "\ufeffx,y\n1,2\n",
    "byte order mark, no header": "\ufeff1,2\n3,4\n",
    "one column": "x\n1\n\n2\n",
    "last digit": "x\n0.1000000000000000055511151231257827\n2.2250738585072011e-308\n5e-324\n1.797693e308\n",
    "spaces": "x y\n1 2\n3  4\n",
    "gap": "x,y\n1,\n2,3\n",
    "gap as nan": "x,y\n1,nan\n2,3\n",
    "infinite": "x,y\n1,2\n2,inf\n",
    "overflow": "x,y\n1,2\n2,1e999\n",
    "underscore": "x,y\n1,2\n2,1_0\n3,4\n",
    "hexadecimal": "x,y\n1,2\n2,0x1\n3,4\n",
    "ragged": "x,y\n1,2\n2\n",
    "too long": "x,y\n1,2\n2,3,4\n",
    "empty cells": "x,y\n1,2\n,\n",
    "true": "x,y\n1,2\ntrue,3\n4,5\n",
    "thousands": 'x,y\n"1,234,567.5",2\n"1,500",3\n',
    "latin-1": "größe,y\n1,2\n".encode("latin-1"),
    "asked: header": "0,1\n0.5,0.6\n",
    "asked: row names": "a,b\n1,2,3\n4,5,6\n",
    "asked: quotes": 'w,x\n"a,1\nb",2\nc,3\n',
    "long cell": "x,y\n1," + "a" * 200_000 + "\n2,b\n",
    "codes": "zip,x\n01234,1\n12345,2\n",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.filterwarnings("ignore:.*whole number in each row")
def test_pyarrow_makes_no_difference_to_plain_text(file, name, request):
    pytest.importorskip("pyarrow")
    path, options = file(TEXTS[name]), {"header": False} if "no header" in name else {}

    def outcome():
        try:
            table = read_table(path, **options)
        except ReadError as error:
            return str(error)
        return table.values.tobytes(), table.values.shape, table.names, table.left_out

    fast = outcome()
    request.getfixturevalue("no_pyarrow")
    if name in ("spaces", "decimal commas", "thousands", "latin-1"):
        assert "takes pyarrow, which is not installed: pip install 'ckmeans-cython[cli]'" in outcome()
    else:
        assert outcome() == fast


# -------------------------------------------------------------------------------------------- what comes out


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(b"x,y\n1,2\n")))
    assert read_table("-").columns == ["x", "y"]
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(b"")))
    with pytest.raises(ReadError, match="standard input: the file is empty"):
        read_table("-")


def test_kmeans_takes_a_table_with_its_names(file):
    model = KMeans(1).fit(read_table(file("x,y\n1,2\n3,4\n")))
    assert model.feature_names_in_.tolist() == ["x", "y"]
    assert model.cluster_centers_.tolist() == [[2, 3]]
    nameless = KMeans(1).fit(read_table(file("1,2\n3,4\n", "nameless.csv"), header=False))
    assert not hasattr(nameless, "feature_names_in_")


def test_a_large_array_is_not_read_into_memory_to_be_clustered(tmp_path):
    np.save(tmp_path / "a.npy", SMALL)
    table = read_table(tmp_path / "a.npy")
    assert np.shares_memory(table.to_numpy(), table.values)
    assert KMeans(1).fit(table).counts_.tolist() == [3]
