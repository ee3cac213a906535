"""Tables from files: every format and layout, and the errors for files that are not tables of
numbers.
"""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import re
import sys
import types
import warnings
import zipfile
from importlib.util import find_spec

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckmeans import KMeans
from ckmeans._cli.readers import Ambiguous, LeftOut, ReadError, read_table

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


# --------------------------------------------------------------------------------------- layouts of


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


def zipped(*names, content=b"x\ty\n1\t2\n"):
    """A zip archive in bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in names:
            file.writestr(name, content)
    return archive.getvalue()


def zstandard(text):
    """Bytes compressed by pyarrow."""
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.Codec("zstd").compress(text, asbytes=True)


PACKERS = {
    "none": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard,
    "zip": lambda text: zipped("folder/t.csv", "__MACOSX/t.csv", content=text),
}


@pytest.mark.parametrize(
    "name", ["data.txt", "data", "data.TSV", "data.csv.gz", "d.csv.bz2", "d.npy"]
)
@pytest.mark.parametrize("packer", PACKERS)
def test_first_bytes_tell_the_compression_not_the_name(file, name, packer, monkeypatch):
    packed = PACKERS[packer](b"x\ty\n1\t2\n")
    assert read_table(file(packed, name)).values.tolist() == [[1.0, 2.0]]
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(packed)))
    assert read_table("-").values.tolist() == [[1.0, 2.0]]
    array = io.BytesIO()
    np.save(array, SMALL)
    assert np.array_equal(read_table(file(PACKERS[packer](array.getvalue()), name)).values, SMALL)


@pytest.mark.parametrize("packer", ["gz", "bz2", "xz", "zst", "zip"])
def test_compressed_and_cut_short(file, packer):
    packed = PACKERS[packer](b"x,y\n" + b"1,2\n" * 1000)
    for length in len(packed) // 2, len(packed) - 3:
        refused(file(packed[:length]))


def test_archives_with_damage(file):
    whole = zipped("t.csv", content=b"x,y\n" + b"1,2\n" * 50)
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        with contextlib.suppress(ReadError):
            read_table(file(bytes(damaged)))


def test_archives_of_several_files(file):
    assert "2 files (a.csv, b.csv): unpack it and give one" in refused(
        file(zipped("a.csv", "b.csv"))
    )
    assert "0 files" in refused(file(zipped()))
    assert "Office; save the sheet as .csv" in refused(
        file(zipped("[Content_Types].xml", "xl/workbook.xml"))
    )
    assert "OpenDocument" in refused(file(zipped("mimetype", "content.xml")))
    nested = zipped("t.csv", content=gzip.compress(b"x\n1\n"))
    assert read_table(file(nested)).values.tolist() == [[1]]


@pytest.mark.parametrize(
    "start, why",
    [
        (b"SQLite format 3\0" + bytes(80), "SQLite"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(80), "old Office"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\xff\xd8\xff\xe0", "a picture"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n <HTML>\n", "a web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"\x80\x04\x95\x0b\0\0\0", "a pickle"),
        (b"RDX3\nX\n", "data of R"),
        (gzip.compress(b"RDX3\nX\n", mtime=0), "data of R"),
        (b"@RELATION iris\n@ATTRIBUTE x REAL\n@DATA\n1\n", "ARFF"),
        (b"% a comment\n@relation iris\n", "ARFF"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (gzip.compress(b"t.csv" + bytes(252) + b"ustar\x0000", mtime=0), "a tar archive"),
        (b"Obj\x01", "Avro"),
        (b"7z\xbc\xaf\x27\x1c", "an archive of another kind"),
    ],
)
def test_files_of_other_kinds_are_told(file, start, why):
    message = refused(file(start))
    assert why in message and "\n" not in message


@pytest.mark.parametrize(
    "address", ["http://a.org/x.csv", "https://a.org/x.parquet", "s3://b/x.csv", "file:///x.csv"]
)
def test_addresses_are_not_opened(address):
    assert "an address is not opened: download it first" in refused(address)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@needs_arrow
@pytest.mark.filterwarnings("ignore:.*not UTF-8")
def test_encodings(file, encoding):
    table = read_table(file("größe;name\n1,5;Jürgen\n2;Zoë\n", encoding=encoding))
    assert table.names == ["größe"]
    assert table.values.tolist() == [[1.5], [2.0]]


def test_byte_order_mark_before_a_number(file):
    assert read_table(file("1,2\n3,4\n", encoding="utf-8-sig"), header=False).values.tolist() == [
        [1, 2],
        [3, 4],
    ]


@needs_arrow
def test_decimal_commas_between_semicolons(file):
    table = read_table(file("a;b;c\n1,5;2;-3,25e-2\n0,5;10,125;7\n"))
    assert table.values.tolist() == [[1.5, 2.0, -0.0325], [0.5, 10.125, 7.0]]


@needs_arrow
def test_decimal_commas_between_tabs(file):
    assert read_table(file("1,5\t2\n3\t4,5\n"), header=False).values.tolist() == [
        [1.5, 2],
        [3, 4.5],
    ]


@needs_arrow
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


@needs_arrow
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


@needs_arrow
def test_rows_as_r_writes_them(file):
    table = read_table(file('"x" "y"\n"1" 4 53\n"2" 5 63\n', "data.txt"))
    assert table.columns == ["x", "y"]
    assert table.values.tolist() == [[4, 53], [5, 63]]
    assert table.left_out == [LeftOut("1", "row names")]


@pytest.mark.parametrize("name", ["", "rownames", "Unnamed: 0"])
@pytest.mark.parametrize("index", [(0, 1, 7), (7, 1, 0), (2, 0, 1), (10**15, -5, 3)])
def test_a_written_index_is_left_out(file, name, index):
    table = read_table(
        file(f"{name},x\n" + "".join(f"{i},{x}\n" for i, x in zip(index, (5, 6, 7))))
    )
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
    assert read_table(file("y,,2,x\n1,2,3,4\n")).names == ["y", "2.1", "2", "x"]


@given(
    values=arrays.arrays(
        np.float64,
        arrays.array_shapes(min_dims=2, max_dims=2),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    ),
    separator=st.sampled_from(",;\t| " if find_spec("pyarrow") else ",;\t|"),
)
def test_every_float_comes_back(tmp_path_factory, values, separator):
    path = tmp_path_factory.mktemp("floats") / "data.txt"
    path.write_text("\n".join(separator.join(map(repr, row)) for row in values.tolist()))
    assert read_table(path, header=False).values.tobytes() == values.tobytes()


# ------------------------------------------------------------------------------------------ what is


def asked(path, *options, **given):
    """The message of a file that has several readings; `options` are those that it offers."""
    with pytest.raises(Ambiguous) as error:
        read_table(path, **given)
    assert [option for option, _ in error.value.readings] == list(options)
    assert str(error.value).startswith(str(path))
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "0,1\n0.5,0.6\n0.7,0.8\n",
        "2019,2020\n1.5,1.6\n2.5,2.6\n",
        "400.5,401.5,402.5\n1,2,3\n2,1,3\n",
        "1e3,1e4\n1,2\n2,1\n",
        "3;1;2\n1,5;2;3\n2,5;4;5\n",
        "1\n2\n3\n",
        "5.1,3.5,setosa\n4.9,3.0,setosa\n",
        "Bob,5,7\nEve,6,8\n",
        "5.1,3.5x\n4.9,3.0\n4.7,3.2\n",
        "name,,\nBob,1,2\nEve,3,4\n",
        "-1,+1\n2,3\n4,5\n",
    ],
)
def test_a_first_line_that_may_be_a_row_is_asked(file, text):
    if ";" in text:
        pytest.importorskip("pyarrow")
    path, lines = file(text), text.splitlines()
    message = asked(path, "--header", "--no-header")
    assert "line 1: is it a header or the first row?" in message
    assert f"{len(lines) - 1} row(s)" in message and f"{len(lines)} row(s)" in message
    with_header = read_table(path, header=True)
    separator = ";" if ";" in text else ","
    assert len(with_header) == len(lines) - 1
    assert set(filter(None, with_header.columns)) <= {*lines[0].split(separator), "2", "3"}
    if not re.search("[a-z]x?", lines[0].replace("1e", "")) or "setosa" in text or "Bob,5" in text:
        without = read_table(path, header=False)
        assert len(without) == len(lines) and without.columns == []
        assert without.values[1:].tolist() == with_header.values.tolist()


@pytest.mark.parametrize(
    "text, names",
    [
        ("country,2019,2020\nA,1.5,1.6\nB,2.5,2.6\n", ["2019", "2020"]),
        ("country,1970,1971,1972\nA,0,2010,5\nB,7,1,2\n", ["1970", "1971", "1972"]),
        ("id,2019,2020\n7,1.5,2.5\n7,1,2\n", ["id", "2019", "2020"]),
        (",0,1\n0,0.5,0.6\n1,0.7,0.8\n", ["0", "1"]),
        (",5,3\n9,0.5,0.6\n4,0.7,0.8\n", ["5", "3"]),
        ("x,y\n1,2\n", ["x", "y"]),
    ],
)
def test_words_or_an_index_beside_numbers_make_a_header(file, text, names):
    table = read_table(file(text))
    assert table.columns == names and len(table) == text.count("\n") - 1


def test_years_among_years_are_asked(file):
    asked(file("Bob,1990,2001\nEve,1985,1999\n"), "--header", "--no-header")


def test_a_model_knows_its_header(file):
    table = read_table(file("1,0\n5,6\n7,8\n"), columns_if_named=["0", "1"])
    assert table.columns == ["0", "1"] and table.values.tolist() == [[6, 5], [8, 7]]


def test_a_cell_more_than_the_header_has(file):
    decimals = file("Temperatur\n21,5\n22,1\n23,7\n")
    message = asked(decimals, "--index 1", "--no-index", "--sep ';'")
    assert "(21,5), (22,1)" in message and "(21, 5), (22, 1)" in message and "(5), (1)" in message
    assert read_table(decimals, index=["1"]).values.tolist() == [[5], [1], [7]]
    assert read_table(decimals, index=[]).values.tolist() == [[21, 5], [22, 1], [23, 7]]
    if find_spec("pyarrow"):
        assert read_table(decimals, sep=";").values.tolist() == [[21.5], [22.1], [23.7]]
    asked(file("a;b\n1;2;3\n2;5;6\n"), "--index 1", "--no-index")
    words = read_table(file("a,b\nMazda,4,53\nFiat,5,63\n"))
    assert words.columns == ["a", "b"] and words.left_out[0].why == "not numbers, e.g. 'Mazda'"
    assert "line 2: 3 cell(s), where 2 are expected" in refused(file("1,2\n3,4,5\n"))
    assert "line 2: 3 cell(s), where 2 are expected" in refused(file("a,b\n3,4,5\n"), header=False)


STRAY = 'the 1 2\n" 2 3\nof 3 4\n"it 4 5\nin 5 6\na 6 7\n'


@needs_arrow
@pytest.mark.parametrize("separator", [" ", "\t", ",", ";", "|"])
@pytest.mark.filterwarnings("ignore:.*whole number in each row")
def test_a_quotation_mark_that_quotes_nothing_loses_no_line(file, separator):
    path = file(STRAY.replace(" ", separator))
    asked(path, "--quotes", "--no-quotes", header=False)
    table = read_table(path, header=False, quotes=False)
    assert table.values.tolist() == [[i + 1, i + 2] for i in range(6)]
    assert "quotation mark is out of place" in refused(path, header=False, quotes=True)
    pair = file('w,x\n"a,1\nb",2\nc,3\n'.replace(",", separator))
    asked(pair, "--quotes", "--no-quotes")
    assert len(read_table(pair, quotes=True)) == 2 and len(read_table(pair, quotes=False)) == 3
    beside = file('id,w,x\n1,"a,b",2\n2,"c,3\n4,d",5\n'.replace(",", separator))
    asked(beside, "--quotes", "--no-quotes")
    assert read_table(beside, quotes=True, index=[]).columns == ["id", "x"]
    whole = file('w,x\n"a\nb",2\n"c\n\nd",3\n'.replace(",", separator))
    assert read_table(whole).values.tolist() == [[2], [3]]
    first = file('w,"x\n1,"2\n3,4\n'.replace(",", separator))
    asked(first, "--quotes", "--no-quotes")
    assert "quotation mark" in refused(file('x,n\n1,"a\n2,b,c\n3,"d\n'.replace(",", separator)))


@needs_arrow
@pytest.mark.parametrize(
    "text, options",
    [
        ("a;b\n1,234;0.6\n2,345;0.7\n", ["--decimal . --thousands ,", "--decimal ,"]),
        ("a;b\n1,5;0.6\n2,5;0.7\n", ["--decimal .", "--decimal ,"]),
        ("a;b\n0.6;1\n0.7;2\n0,8;3\n", ["--decimal .", "--decimal ,"]),
        ("a;b\n1,234;1\n2,345;2\n", ["--decimal ,", "--decimal . --thousands ,"]),
        ("a;b\n1.234;1\n2.345;2\n", ["--decimal .", "--decimal , --thousands ."]),
        ('a,b\n"1,234",1\n"2,345",2\n', ["--decimal ,", "--decimal . --thousands ,"]),
        ("a\tb\n1,234\t1\n2,345\t2\n", ["--decimal ,", "--decimal . --thousands ,"]),
        ("a;b\n1.234.567;1,234,567\n2;1\n", ["--decimal .", "--decimal ,"]),
    ],
)
def test_marks_with_two_readings_are_asked(file, text, options):
    message = asked(file(text), *options)
    assert "which mark is the decimal one" in message


@needs_arrow
@pytest.mark.parametrize(
    "text, first",
    [
        ("a;b\n1,234;2,5\n2,345;0,7\n", [1.234, 2.5]),
        ("a;b\n1.234,5;2\n2,3;1\n", [1234.5, 2]),
        ("a;b\n1,234.5;2\n2,300;1\n", [1234.5, 2]),
        ("a;b\n1,234,567;2.5\n2,300;1\n", [1234567, 2.5]),
        ("a;b\n1.234;2.5\n2.345;1\n", [1.234, 2.5]),
        ("a,b\n1.234,2\n2.345,1\n", [1.234, 2]),
        ('a,b\n"1,5","2"\n"2,345","1"\n', [1.5, 2]),
        ("a b\n1,5 2\n2,5 1\n", [1.5, 2]),
        ("a;b\n-1,5e-3;+2\n,5;1\n", [-1.5e-3, 2]),
    ],
)
def test_marks_with_one_reading_are_read(file, text, first):
    assert read_table(file(text)).values[0].tolist() == first


@needs_arrow
@pytest.mark.parametrize(
    "cell, options, value",
    [
        ("1,234", {"decimal": ","}, 1.234),
        ("1,234", {"thousands": ","}, 1234),
        ("1,234", {"decimal": ".", "thousands": ","}, 1234),
        ("1.234", {"thousands": "."}, 1234),
        ("1.234", {"decimal": "."}, 1.234),
        ("1.234,5", {"decimal": ",", "thousands": "."}, 1234.5),
        ("12 345 678", {"thousands": " "}, 12345678),
        ("1\u00a0234,5", {"thousands": "\u00a0"}, 1234.5),
        ("1'234.5", {"thousands": "'"}, 1234.5),
        ("12,34,567", {"thousands": ","}, 1234567),
        ("1_000", {"thousands": "_"}, 1000),
    ],
)
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_marks_that_are_given(file, cell, options, value, separator):
    path = file(f"a{separator}b\n{cell}{separator}2\n{cell}{separator}3\n")
    assert read_table(path, **options).values.tolist() == [[value, 2], [value, 3]]


@needs_arrow
def test_thousands_are_groups(file):
    path = file("a;b\n1,5;1\n1,23,4;2\n")
    assert "no column of numbers" in refused(path, columns=None, thousands=",", index=["b"])
    assert "'1,5' is not a number" in refused(path, columns=["a"], thousands=",")


@pytest.mark.parametrize(
    "text",
    [",x\n0,5\n0,6\n1,7\n", ",x\n0.5,5\n1.5,6\n", "Unnamed: 0,x\n1,5\n1,6\n", ",x\n2.5,5\n-2,6\n"],
)
def test_a_nameless_first_column_that_is_no_count_is_asked(file, text):
    path = file(text)
    asked(path, "--index 1", "--no-index")
    assert read_table(path, index=["1"]).names == ["x"]
    assert read_table(path, index=["1"]).left_out[0].why == "row names, as asked"
    assert read_table(path, index=[]).values.shape[1] == 2
    assert read_table(path, columns=["1", "x"]).values.shape[1] == 2


def test_index_by_name(file):
    path = file("id,x,y\n1,2,3\n4,5,6\n")
    table = read_table(path, index=["y", "id"])
    assert table.names == ["x"] and [column.name for column in table.left_out] == ["id", "y"]
    assert "no column 'z'" in refused(path, index=["z"])
    assert "no column of numbers" in refused(path, index=["1", "2", "3"])


@pytest.mark.parametrize("name", ["id", "customer_id", "customerId", "ID", "index", "No"])
def test_a_column_called_an_id_is_told(file, name):
    path = file(f"{name},x\n907,5\n103,6\n455,7\n")
    table = read_table(path)
    assert table.names == ["x"] and [column.name for column in table.left_out] == [name]
    assert "another whole number in each row" in table.left_out[0].why
    assert np.array_equal(table.values.ravel(), [5, 6, 7])
    assert read_table(path, index=[]).names == [name, "x"]
    with pytest.warns(UserWarning, match=f"column '{name}' has another whole number in each row"):
        assert read_table(file(f"{name}\n907\n103\n455\n")).names == [name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = file(f"{name},x\n907,5\n103,6\n455,7\n")
        read_table(path, columns=[name]), read_table(path, index=[name])
        read_table(file(f"{name},x\n907,5\n103,6\n907,7\n"))
        read_table(file(f"{name},x\n907.5,5\n103,6\n907,7\n"))
        read_table(file("width,x\n907,5\n103,6\n455,7\n"))


@pytest.mark.parametrize("rows", [range(7), range(1, 8), (3, 0, 2, 1, 5, 4)])
def test_a_column_that_counts_the_rows_is_told(file, rows):
    table = read_table(file("x,obs\n" + "".join(f"{i / 2},{i}\n" for i in rows)))
    assert table.names == ["x"] and table.left_out[0].name == "obs"


def test_codes_are_no_numbers_unless_asked_for(file):
    path = file("zip,x\n90210,5\n01234,6\n")
    table = read_table(path)
    assert table.names == ["x"] and table.left_out == [
        LeftOut("zip", "codes with leading zeros, e.g. '01234'")
    ]
    assert read_table(path, columns=["zip"]).values.tolist() == [[90210], [1234]]
    assert read_table(file("x\n0\n0.5\n00.5\n-0\n")).values.ravel().tolist() == [0, 0.5, 0.5, 0]


def test_columns_of_other_things_are_told(file):
    cells = {
        "share": "12%",
        "price": "$3.50",
        "euro": "5 €",
        "hex": "0x1f",
        "yes": "true",
        "day": "2020-01-01",
        "time": "12:30",
        "under": "1_000",
        "blank": "1 000",
        "fortran": "1d5",
        "complex": "1+2j",
    }
    table = read_table(
        file(",".join(["x", *cells]) + "\n" + (",".join(["1.5", *cells.values()]) + "\n") * 2)
    )
    assert table.names == ["x"]
    assert table.left_out == [
        LeftOut(name, f"not numbers, e.g. {cell!r}") for name, cell in cells.items()
    ]


def test_a_cell_of_other_blanks_is_text(file):
    for blank in "\n", "\u00a0", "\u2003":
        table = read_table(file(f'x,y\n1,"{blank}"\n2,"{blank}"\n'))
        assert table.left_out == [LeftOut("y", f"not numbers, e.g. {blank!r}")]


def test_values_far_below_are_looked_at(file):
    head = "x,y,z\n" + "1,,Bob\n" * 3000
    assert read_table(file(head)).left_out[0] == LeftOut("y", "no values")
    assert "line 2, column 'y': the cell is empty" in refused(file(head + "1,5,Bob\n"))
    assert read_table(file("x,c\n" + "1,10\n" * 3000 + "1,01\n")).names == ["x"]


@needs_arrow
@pytest.mark.parametrize("content", ["x,y\n1,2\n", "größe;b\n1,5;2\n"])
@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "cp037"]
)
@pytest.mark.filterwarnings("ignore:.*not UTF-8")
def test_encodings_found_and_given(file, content, encoding):
    path = file(content, encoding=encoding)
    table = read_table(path, encoding=encoding)
    assert table.values.shape == (1, 2) and table.columns[0] in ("x", "größe")
    if encoding != "cp037":
        assert read_table(path).columns == table.columns


@needs_arrow
def test_a_guessed_encoding_is_told(file):
    path = file("größe,y\n1,2\n", encoding="latin-1")
    with pytest.warns(UserWarning, match="not UTF-8, so read as Latin-1"):
        read_table(path)
    assert "unknown encoding 'none'" in refused_option(path, encoding="none")
    assert "codec" in refused(path, encoding="utf-8")


def refused_option(path, **options):
    """The message with which options are refused."""
    with pytest.raises(ReadError) as error:
        read_table(path, **options)
    return str(error.value)


def test_options_that_make_no_sense(file):
    path = file("x,y\n1,2\n")
    assert "sep is one character" in refused_option(path, sep="::")
    assert "sep is one character" in refused_option(path, sep='"')
    assert "decimal is a point or a comma, not ':'" in refused_option(path, decimal=":")
    assert "thousands is one of" in refused_option(path, thousands="x")
    assert "at once" in refused_option(path, thousands=",", decimal=",")
    assert "at once" in refused_option(path, thousands=" ", sep=" ")
    assert "skip is a number of lines" in refused_option(path, skip=-1)


@pytest.mark.parametrize("separator", [":", "\t", "x", "§", "^", "~", " "])
def test_a_separator_that_is_given(file, separator):
    if separator == " ":
        pytest.importorskip("pyarrow")
    path = file(separator.join("ab") + "\n" + separator.join("12") + "\n")
    assert read_table(path, sep=separator).values.tolist() == [[1, 2]]
    hint = file(
        f"sep={separator}\n" + separator.join("ab") + "\n" + separator.join("12") + "\n",
        encoding="latin-1",
    )
    if separator != "§" and separator != " ":
        assert read_table(hint).columns == ["a", "b"]


def test_lines_to_skip(file):
    path = file("made by me\non a day, it was 5\nx,y\n1,2\n3,4\n")
    assert read_table(path, skip=2).values.tolist() == [[1, 2], [3, 4]]
    assert "line 5, column 'y'" in refused(file("a\n\n# b\nx,y\n1,\n2,3\n"), skip=1)
    assert "no rows" in refused(path, skip=99)


def test_long_cells_and_many_columns(file):
    table = read_table(file("x,note\n1," + "a" * 6_000_000 + "\n2,b\n"))
    assert table.values.tolist() == [[1], [2]] and len(table.left_out[0].why) < 60
    table = read_table(file("x," + "9" * 200_000 + "\n1,2\n"))
    assert table.values.tolist() == [[1, 2]]
    n = 2_000
    for names in (
        ["c"] * n,
        [""] * n,
        [f"c.{i % 2}" for i in range(n)],
        list(map("c{}".format, range(n))),
    ):
        table = read_table(
            file(",".join(names) + "\n" + (",".join(["1"] * n) + "\n") * 2), header=True, index=[]
        )
        assert table.values.shape == (2, n) and len(set(table.names)) == n
    assert (
        read_table(file(",".join(names) + "\n" + ",".join(["1"] * n)), columns=names[::-1]).names
        == names[::-1]
    )


def layouts():
    """Tables as programs write them: (bytes, options that fully describe the file, names or None,
    values).
    """

    @st.composite
    def layout(draw):
        n, d = draw(st.integers(1, 5)), draw(st.integers(1, 4))
        decimal = draw(st.sampled_from(".,"))
        separator = draw(st.sampled_from(",;\t| "))
        thousands = draw(st.sampled_from([None, None, "." if decimal == "," else ","]))
        numbers = draw(
            st.sampled_from(
                [st.integers(-999, 999), st.integers(-(10**7), 10**7), st.floats(-1e7, 1e7)]
            )
        )
        values = [[draw(numbers) for _ in range(d)] for _ in range(n)]

        def text(value):
            cell = format(value, ",") if thousands else repr(value)
            if thousands and ("e" in cell):
                cell = repr(value)
            cell = cell.translate({ord(","): thousands, ord("."): decimal})
            return f'"{cell}"' if separator in cell or draw(st.integers(0, 9)) == 0 else cell

        named = draw(st.sampled_from(["words", "numbers", "years", "no"]))
        names = {
            "words": "abcd",
            "numbers": "0123",
            "years": ("2019", "2020", "2021", "2022"),
            "no": (),
        }[named][:d]
        rows = [list(map(text, row)) for row in values]
        lines = [list(names), *rows] if names else rows
        word = draw(st.sampled_from([None, 0, d]))  # where a column of words goes
        for i, line in enumerate(lines):
            if word is not None:
                line.insert(word, "name" if names and not i else f"w{i}")
        index = draw(st.sampled_from([None, None, "asc", "shuffled"])) if names else None
        if index:
            numbers_of_rows = list(range(n)) if index == "asc" else draw(st.permutations(range(n)))
            for i, line in enumerate(lines):
                line.insert(0, str(numbers_of_rows[i - 1]) if i else '""')
        end = draw(st.sampled_from(["\n", "\r\n"]))
        content = end.join(map(separator.join, lines)) + draw(st.sampled_from(["", end]))
        options = {
            "header": bool(names),
            "sep": separator,
            "decimal": decimal,
            "thousands": thousands,
            "quotes": True,
        }
        options["index"] = ["1.1" if "1" in names else "1"] if index else []
        return (
            content.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))),
            options,
            names,
            values,
        )

    return layout()


@needs_arrow
@given(layouts())
@settings(deadline=None)
@pytest.mark.filterwarnings("ignore:.*whole number in each row")
def test_a_table_is_read_right_or_asked_and_options_overrule(tmp_path_factory, layout):
    content, options, names, values = layout
    path = tmp_path_factory.mktemp("layouts") / "data.csv"
    path.write_bytes(content)
    table = read_table(path, **options)
    assert np.array_equal(table.values, np.array(values, dtype=float))
    if names:
        assert table.names == list(names)
    try:
        found = read_table(path)
    except ReadError:
        return
    if options["thousands"] == "." and options["sep"] != ";":
        return  # 1.234 is a number with a decimal point, but in the files of German spreadsheets
    assert np.array_equal(found.values, table.values) and found.names == table.names


# --------------------------------------------------------------------------------------- columns an


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
    assert read_table(path, columns=["2"]).values.tolist() == [
        [3],
        [6],
    ]  # a name comes before a number
    assert read_table(path, columns=["x"]).left_out == []


def test_columns_there_are_not(file):
    named, nameless = file("x,y\n1,2\n"), file("1,2\n", "nameless.csv")
    assert "no column 'z'; there are 2: x, y" in refused(named, columns=["z"])
    assert "no column '0'" in refused(named, columns=["0"])
    assert "no column 'x'; without names, they are 1 to 2" in refused(
        nameless, columns=["x"], header=False
    )
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
    assert read_table(file("1,2\n3,4\n", "n.csv"), weights="1", header=False).weights.tolist() == [
        1,
        3,
    ]


def test_columns_if_named(file):
    named, nameless = file("y,x,z\n1,2,\n3,4,\n"), file("1,2\n3,4\n", "nameless.csv")
    assert read_table(named, columns_if_named=["x", "y"]).values.tolist() == [[2, 1], [4, 3]]
    assert read_table(nameless, columns_if_named=["x", "y"], header=False).values.tolist() == [
        [1, 2],
        [3, 4],
    ]
    assert read_table(named, ["x"], columns_if_named=["y"]).names == ["x"]


def test_gaps_elsewhere_do_not_matter(file):
    assert read_table(file("x,y\n1,\n2,3\n"), columns=["x"]).values.tolist() == [[1], [2]]


# ------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    "gap", ["", " ", "NA", "nan", "NaN", "NULL", "None", "?", "-", '""', "#N/A"]
)
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
    assert f"line 3, column 'x': {cell!r} is not a finite number" in refused(
        file(f"x,y\n1,2\n{cell},4\n")
    )


@pytest.mark.parametrize("cell", ["12a", "1_000", "1 000", "0x1f", "1.2.3", "ten"])
def test_a_slip_in_a_column_of_numbers(file, cell):
    assert f"line 3, column 'x': {cell!r} is not a number" in refused(
        file(f"x,y\n1,2\n{cell},4\n5,6\n")
    )


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
        ("\x0c\n\x0b\n", "no column of numbers"),
        ("\x1c\x0c", "no rows below the header"),
        ("x,y\n", "no rows below the header"),
        ("name\nBob\nEve\n", "no column of numbers"),
        ("a line of text\nand another one\n", "no column of numbers"),
        (b"\x00\x01\x02\x03binary", "not a format ckmeans reads"),
        pytest.param(b"\xff\xfe\x00\xd8\x00\x00", "utf-16", marks=needs_arrow),
    ],
)
def test_files_without_a_table(file, text, why):
    assert why in refused(file(text))


def test_files_that_cannot_be_opened(tmp_path):
    assert "No such file" in refused(tmp_path / "none.csv")
    assert "directory" in refused(tmp_path)


@pytest.mark.parametrize(
    "content", [b"no gzip at all", gzip.compress(b"x,y\n" + b"1,2\n" * 1000, mtime=0)[:-20], b""]
)
def test_damaged_compression(file, content):
    refused(file(content, "data.csv.gz"))


def test_garbled_compression(file):
    packed = bytearray(
        gzip.compress(bytes(np.random.default_rng(0).integers(33, 99, 5000, dtype=np.uint8)))
    )
    packed[500:600] = bytes(100)
    refused(file(bytes(packed), "data.csv.gz"))


@given(
    content=st.binary(max_size=200)
    | st.text(alphabet='01.,;|-+ex_NA"# \t\r\n\ufeff', max_size=200).map(str.encode)
    | st.sampled_from([b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"PAR1", b"ARROW1", b"FEA1"]).flatmap(
        lambda magic: st.binary(max_size=100).map(magic.__add__)
    )
)
@pytest.mark.filterwarnings("ignore")
def test_any_bytes_are_a_table_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "data.csv"
    path.write_bytes(content)
    try:
        table = read_table(path)
    except ReadError:
        return
    assert table.values.shape == (len(table), len(table.names))
    assert np.isfinite(table.values).all()


# ------------------------------------------------------------------------------------------- NumPy'


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
    array = np.array(
        [(1, 2.5, b"a"), (3, 4.5, b"b")], dtype=[("x", "i4"), ("y", "f4"), ("name", "S1")]
    )
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


# --------------------------------------------------------------------------------------------------

RECORDS = [{"x": 1, "name": "a", "y": 0.5}, {"x": 2, "name": "b", "y": -1e300}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "\n".join(map(json.dumps, RECORDS)),
        "\ufeff" + "\r\n\r\n".join(map(json.dumps, RECORDS)) + "\n",
        json.dumps({"x": [1, 2], "name": ["a", "b"], "y": [0.5, -1e300]}),
        json.dumps(
            {
                "columns": ["x", "name", "y"],
                "index": [7, 9],
                "data": [[1, "a", 0.5], [2, "b", -1e300]],
            }
        ),
    ],
)
@pytest.mark.parametrize("name", ["data.json", "data.jsonl", "data"])
def test_json(file, text, name):
    table = read_table(file(text, name))
    assert table.columns == ["x", "y"] and table.values.tolist() == [[1, 0.5], [2, -1e300]]
    assert table.left_out == [LeftOut("name", "not numbers, e.g. 'a'")]
    table = read_table(file(text, name), columns=["y"], weights="x")
    assert table.values.tolist() == [[0.5], [-1e300]] and table.weights.tolist() == [1, 2]


@pytest.mark.parametrize("text", ["[[1, 2], [3, 4]]", "[1, 2]\n[3, 4]\n", " [\n[1, 2],\n[3, 4]]"])
def test_json_without_names(file, text):
    table = read_table(file(text))
    assert (
        table.columns == []
        and table.names == ["1", "2"]
        and table.values.tolist() == [[1, 2], [3, 4]]
    )
    assert read_table(file("[1, 2.5, true]")).values.tolist() == [[1], [2.5], [1]]


@pytest.mark.parametrize(
    "text, why",
    [
        ('[{"x": 1}, {"y": 2}]', "record 2, column 'x': the value is missing"),
        ('[{"x": 1}, {"x": null}, {"x": 2}]', "record 2, column 'x': the value is missing"),
        ('[{"x": 1}, {"x": "2"}, {"x": 2}]', "record 2, column 'x': '2' is not a number"),
        ('[{"x": 1}, {"x": NaN}]', "record 2, column 'x': nan is not a finite number"),
        ('[{"x": 1}, {"x": 1e999}]', "is not a finite number"),
        ('[{"x": 1}, {"x": 1' + "0" * 400 + "}]", "is not a finite number"),
        ('[{"x": {"y": 1}}]', "no column of numbers ('x': not numbers, e.g. {'y': 1})"),
        ('{"x": {"0": 1, "1": 2}}', "JSON of another shape"),
        ('{"x": [1, 2], "y": [1]}', "columns of different lengths"),
        ("[[1, 2], [3]]", "record 2 is not a list of 2 values"),
        ('[[1, 2], {"x": 3}]', "mixes"),
        ('[{"x": 1}, {"x": ', "damaged JSON"),
        ('{"x": 1}\n{"x": 2\n', "damaged JSON: line 2"),
        ("[]", "no rows"),
        ("{}", "no rows"),
        ("[" * 100_000, "damaged JSON"),
    ],
)
def test_json_without_a_table(file, text, why):
    assert why in refused(file(text))


def test_a_header_in_brackets_is_no_json(file):
    assert read_table(file("[id],[size]\n1,2\n")).columns == ["[id]", "[size]"]


# ------------------------------------------------------------------------------------------- Arrow'


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
    path = write_arrow(
        arrow_path, {"name": ["a", "b"], "x": [1, 2], "y": [0.5, 1.5], "up": [True, False]}
    )
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
    assert "row 2, column 'y': the value is missing" in refused(path)
    assert read_table(path, columns=["x"]).values.shape == (3, 1)


@pytest.mark.parametrize("name", [None, "id", "year"])
def test_an_index_that_pandas_wrote_is_left_out(arrow_path, name):
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    from ckmeans._cli.tables_on_disk import open_table

    frame = pandas.DataFrame({"x": [1.5, 2.5]}, index=pandas.Index([9, 7], name=name))
    path = write_arrow(arrow_path, pyarrow.Table.from_pandas(frame))
    name = name or "__index_level_0__"
    reads = [read_table, open_table] if path.suffix == ".parquet" else [read_table]
    for read in reads:
        table = read(path)
        assert table.columns == ["x"] and table.left_out == [
            LeftOut(name, "the index that pandas wrote along")
        ]
        assert read(path, index=[]).names == ["x", name]
        assert read(path, columns=[name]).names == [name]
        assert read(path, index=["x"]).names == [name]


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
    arrow_path.write_bytes(
        {".parquet": b"PAR1", ".feather": b"ARROW1"}[arrow_path.suffix] + bytes(20)
    )
    message = refused(arrow_path)
    assert "takes pyarrow, which is not installed: pip install 'ckmeans-cython[cli]'" in message
    assert re.search("Parquet|Feather", message)


# ------------------------------------------------------------------------- text with and without py

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
    "last digit": "x\n0.1000000000000000055511151231257827\n2.2250738585072011e-308\n5e-324\n"
    "1.797693e308\n",
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
@pytest.mark.filterwarnings("ignore")
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
        assert (
            "takes pyarrow, which is not installed: pip install 'ckmeans-cython[cli]'" in outcome()
        )
    else:
        assert outcome() == fast


# -------------------------------------------------------------------------------------------- what


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
