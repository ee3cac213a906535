"""Engines in this process: blocks of rows from arrays, files on disk and whatever else can be read
again and again; see `_blocks/driver.py`.
"""

import errno
import mmap
import os
import queue
import tempfile
import threading
import weakref
from typing import NamedTuple

import numpy as np

from .._input import checks as check
from .._input.configuration import thread_count
from .._input.optional_packages import need
from .._input.sparse import is_sparse
from .._output.files import open_partial, sweep
from .._output.safe_text import terminal

#: Bytes that a block of rows takes, about: small beside memory, large beside what a pass costs for
#: each block.
BLOCK_BYTES = 8 << 20

#: Such blocks that are taken at once of an array: its ranges are no copies, and threads wait less
#: often for each other.
ARRAY_BLOCKS = 2

#: Bytes of a row group of a Parquet file up to which that is read at once. Of larger ones up to
#: SIDE_BY_SIDE columns are read side by side, each of which takes about 2.5 MB; of still more
#: COLUMNS at a time are written to a temporary file.
GROUP_BYTES, SIDE_BY_SIDE, COLUMNS = 64 << 20, 24, 8

#: Bytes of chunks that may be in memory so that one is read while another one is worked on.
IN_FLIGHT = 64 << 20

#: Bytes of labels from which on those of a memory-mapped array are held in a file of their own.
LABELS_IN_MEMORY = 64 << 20


class LocalEngine:
    """Blocks one after the other, each worked on by all threads.

    Attributes
    ----------
    names : list of str or None
        Column names, where the source has them.
    on_rows : function of a number of rows, or None
        Called when a block is done.
    few_rows : bool
        Set by the driver: the next pass looks at few rows of each block, so that nothing is to be
        read ahead.
    """

    in_process, keeps = True, False
    held_bytes, mapped = 64 << 20, False
    names = None
    on_rows = None
    few_rows = False

    def __init__(self, n_threads=None):
        self.n_threads = thread_count(n_threads)

    def blocks(self):
        """Yield (rows, their weights or None), the same at every call."""
        raise NotImplementedError

    def check(self):
        """Raise where rows cannot be looked at any more."""

    def close(self):
        """End what a pass that was broken off has left."""

    def map(self, task, *broadcast):
        index = 0
        for block in self.blocks():
            X, sample_weight = block
            count = len(X)
            answer = task(X, sample_weight, index, *broadcast)
            del block, X  # before the next one is read
            yield answer
            index += 1
            if self.on_rows is not None:
                self.on_rows(count)


class ArrayEngine(LocalEngine):
    """An array, cut into ranges of rows. Of a memory-mapped file no more than two blocks stay
    mapped.

    Parameters
    ----------
    array : ndarray of shape (n, d)
    weights : ndarray of shape (n,) or None
    cuts : increasing ints, optional
        Where to cut; default: so that blocks have about ARRAY_BLOCKS * BLOCK_BYTES.
    """

    held_bytes, mapped = 120 << 20, True

    def __init__(self, array, weights=None, n_threads=None, cuts=None):
        super().__init__(n_threads)
        self.array, self.weights = array, weights
        self.pages, self.reading = Pages.of(array), None
        if cuts is None:
            rows = ARRAY_BLOCKS * block_rows(array.dtype, array.shape[1])
            cuts = range(rows, len(array), rows)
        self.cuts = [0, *cuts, len(array)]

    def blocks(self):
        for i, (start, stop) in enumerate(zip(self.cuts, self.cuts[1:])):
            self.close()  # or pages would be mapped after they were left
            self.check()
            if self.pages is not None and i + 2 < len(self.cuts) and not self.few_rows:
                # A thread for each block: one that waited for the next could be left waiting by an
                # interrupt.
                self.reading = threading.Thread(
                    target=self.pages.read_ahead,
                    args=(self.array[stop : self.cuts[i + 2]],),
                    name="ckmeans-reader",
                    daemon=True,
                )
                self.reading.start()
            yield self.array[start:stop], None if self.weights is None else self.weights[start:stop]
            if self.pages is not None:
                self.pages.leave(self.array[start:stop])

    def check(self):
        if self.pages is not None:
            self.pages.check()

    def close(self):
        if self.reading is not None and self.reading.ident is not None:
            self.reading.join()
        self.reading = None


def block_rows(dtype, d):
    """Rows of a block."""
    return max(64, BLOCK_BYTES // max(1, np.dtype(dtype).itemsize * d) // 64 * 64)


class Pages:
    """The pages of a `numpy.memmap`: asked for before they are needed, and given back (to the file
    cache) when they are done with.

    Parameters
    ----------
    file : numpy.memmap
        Of mode "r", "r+" or "w+": a shared map of a file, whose pages hold nothing that the file
        does not.
    """

    def __init__(self, file):
        self.file, self.map = file, file.base
        self.start = np.frombuffer(self.map, np.uint8).ctypes.data
        self.stamp = self._stamp()

    def _stamp(self):
        """Which file this is and when it was last written to; None where that cannot be told."""
        try:
            found = os.stat(self.file.filename)
        except (OSError, TypeError, ValueError):  # removed, or it never had a name
            return None
        return found.st_dev, found.st_ino, found.st_mtime_ns

    @classmethod
    def of(cls, array):
        """Those of an array in a memmap; None for any other array.

        Nor for one in any other map (`mmap.mmap`, shared memory, mode "c"), which may be private or
        have no file: what was written there is nowhere else, and giving its pages back would wipe
        it.
        """
        while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
            array = array.base
        known = (
            isinstance(array, np.memmap)
            and type(array.base) is mmap.mmap
            and getattr(array, "_mmap", None) is array.base
            and array.mode in ("r", "r+", "w+")
            and hasattr(mmap, "MADV_DONTNEED")
        )
        return cls(array) if known else None

    def range(self, rows):
        """The whole pages that an array is in: from, to."""
        span = [(size - 1) * stride for size, stride in zip(rows.shape, rows.strides)]
        low = rows.ctypes.data - self.start + sum(min(0, step) for step in span)
        high = min(low + sum(map(abs, span)) + rows.itemsize, len(self.map))
        low = low // mmap.PAGESIZE * mmap.PAGESIZE
        return (low, high) if len(rows) and 0 <= low else (0, 0)

    def read_ahead(self, rows):
        """Read a byte of each page; returns once all are mapped.

        Not MADV_WILLNEED: what that reads lies in the file cache by single pages, which take ten
        times as long to map in every pass.
        """
        low, high = self.range(rows)
        np.frombuffer(self.map, np.uint8, high - low, low)[:: mmap.PAGESIZE].max(initial=0)

    def leave(self, rows):
        low, high = self.range(rows)
        if low < high:
            self.map.madvise(mmap.MADV_DONTNEED, low, high - low)

    def check(self):
        """Raise where the file has become too short: a look at rows that it has no more would end
        the process.

        Warns, once, where it was written to.
        """
        needed, now = self.file.offset + self.file.nbytes, self._stamp()
        if (
            now != self.stamp
            and self.stamp is not None
            and now is not None
            and now[:2] == self.stamp[:2]
        ):
            self.stamp = now
            check.warn(
                f"{terminal(self.file.filename)} was written to while it was read (its "
                "modification time has changed): the result "
                "may be of rows of before and after. Fit again once the file is complete."
            )
        if self.map.size() < needed:
            raise OSError(
                errno.EIO,
                "the file was cut short while it was read: the array takes "
                f"{needed} bytes of it, and it has "
                f"{self.map.size()} now",
                None if self.file.filename is None else os.fspath(self.file.filename),
            )


class ChunkEngine(LocalEngine):
    """Chunks that a function gives anew for every pass, read one ahead by a thread of their own.

    Parameters
    ----------
    open_ : function that returns an iterable of chunks: arrays or tables of shape (m, d), or pairs
    of one and its weights weights : array-like of shape (n,), sliceable, or None regroup : bool
        Whether to put small chunks together and cut large ones, into blocks of about BLOCK_BYTES.
    """

    def __init__(self, open_, weights=None, n_threads=None, regroup=True):
        super().__init__(n_threads)
        self.open, self.weights, self.regroup, self.reader = open_, weights, regroup, None

    def chunks(self):
        """Yield (array, weights or None) for each chunk."""
        position = 0
        for chunk in self.open():
            X, sample_weight = chunk if type(chunk) is tuple and len(chunk) == 2 else (chunk, None)
            array, names = _rows_of(X)
            if names is not None:
                if self.names is not None and list(names) != list(self.names):
                    raise ValueError(
                        "chunks have different columns: "
                        f"{terminal(', '.join(self.names), 300)} and "
                        f"{terminal(', '.join(names), 300)}."
                    )
                self.names = names
            if not array.flags.c_contiguous:
                array = np.ascontiguousarray(array)
            if self.weights is not None:
                sample_weight = np.asarray(self.weights[position : position + len(array)])
            position += len(array)
            pair = array, sample_weight
            del chunk, X, array  # what is read next takes their place
            yield pair
            del pair
        if self.weights is not None and len(self.weights) != position:
            raise ValueError(
                f"sample_weight has {len(self.weights)} values, but there are {position} rows."
            )

    def blocks(self):
        self.close()
        chunks = self.chunks()
        reader = self.reader = Reader(
            regrouped(chunks) if self.regroup else chunks
        )  # `close` knows it before it starts
        try:
            reader.start()
            yield from reader
        finally:
            reader.close()

    def close(self):
        if self.reader is not None:
            self.reader.close()
            self.reader = None


def _rows_of(X):
    """A chunk as an array, and its column names. Columns of an Arrow batch go right to where they
    belong.
    """
    if isinstance(X, Named):
        return X
    if is_sparse(X):
        raise TypeError(
            f"chunks are dense rows, and one is a sparse {type(X).__name__}: pass its "
            "toarray(), or all rows to fit(X)."
        )
    if (
        type(X).__name__ == "RecordBatch"
        and X.num_columns
        and all(column.null_count == 0 for column in X.columns)
    ):
        columns = [column.to_numpy(zero_copy_only=False) for column in X.columns]
        if all(column.dtype.kind in "iuf" for column in columns):
            array = np.empty(
                (X.num_rows, len(columns)), np.result_type(*{column.dtype for column in columns})
            )
            for out, column in zip(array.T, columns):
                out[:] = column
            return array, check.string_names(X.schema.names)
    return check.as_matrix(X, min_rows=0)


def regrouped(chunks):
    """The same rows in blocks of about BLOCK_BYTES."""
    held, size = [], 0
    for X, sample_weight in chunks:
        if X.nbytes > 2 * BLOCK_BYTES:
            yield from joined(held)
            held, size = [], 0
            rows = block_rows(X.dtype, X.shape[1])
            for start in range(0, len(X), rows):
                yield (
                    X[start : start + rows],
                    None if sample_weight is None else sample_weight[start : start + rows],
                )
            del X
            continue
        held.append((X, sample_weight))
        size += X.nbytes
        if size >= BLOCK_BYTES // 2:
            yield from joined(held)
            held, size = [], 0
    yield from joined(held)


def joined(held):
    if len(held) < 2:
        yield from held
        return
    arrays, weights = zip(*held)
    if len({array.shape[1] for array in arrays}) > 1:
        raise ValueError(
            f"chunks have {' and '.join(str(array.shape[1]) for array in arrays[:2])} "
            "columns: all must have the same."
        )
    if len({one is None for one in weights}) > 1:
        raise ValueError("some chunks have weights and others have none.")
    yield np.concatenate(arrays), None if weights[0] is None else np.concatenate(weights)


class Reader:
    """Blocks that a thread makes while those before are worked on: up to two ahead; of large ones
    the next is read when one is done.

    Whatever interrupts those who iterate, the thread ends: with its items, when `close` is called,
    and when nobody has this object any more. It only ever waits for a fraction of a second at a
    time, and on queues whose operations are single steps: an interrupt cannot leave a lock behind,
    as it can in a `threading.Condition`.

    Parameters
    ----------
    items : generator of pairs (array, weights or None)
        Begun, run and closed in the thread.
    """

    def __init__(self, items):
        self.shared, self.given = _Shared(), False
        self.thread = threading.Thread(
            target=_read,
            args=(items, self.shared, weakref.ref(self)),
            name="ckmeans-reader",
            daemon=True,
        )

    def start(self):
        """Begin to read. Whoever calls this must have seen to it before that `close` will be
        called.
        """
        self.thread.start()

    def __iter__(self):
        return self

    def __next__(self):
        if self.given:
            self.shared.done.put(True)
        while True:
            try:
                item, error = self.shared.ready.get(timeout=1.0)
                break
            except queue.Empty:
                if not self.thread.is_alive() and self.shared.ready.empty():
                    raise RuntimeError(
                        "the thread that reads rows is gone, as it is in a process "
                        "that was forked during a pass: begin "
                        "the fit there."
                    ) from None
        if error is not None:
            raise error
        if item is None:
            raise StopIteration
        self.given = True
        return item

    def close(self):
        """End the thread; returns once what it is reading has been read."""
        self.shared.closed = True
        self.shared.done.put(True)  # so that it wakes at once
        if self.thread.ident is not None and self.thread is not threading.current_thread():
            self.thread.join()


class _Shared:
    """What a `Reader` and its thread tell each other."""

    def __init__(self):
        self.ready, self.done, self.closed = queue.SimpleQueue(), queue.SimpleQueue(), False


def _read(items, shared, owner):
    """What a reader's thread does."""
    given = done = 0
    error = None
    try:
        for item in items:
            room = 1 if 2 * _held(item[0]) > IN_FLIGHT else 3
            shared.ready.put((item, None))
            del item
            given += 1
            while given - done >= room and not shared.closed and owner() is not None:
                try:
                    shared.done.get(timeout=0.2)
                    done += 1
                except queue.Empty:
                    pass
            if shared.closed or owner() is None:
                break
    except BaseException as raised:  # raised again where the items are used
        error = raised
    finally:
        shared.ready.put((None, error))
        del error
        items.close()  # what the source has open is closed here, not wherever it is dropped


def _held(array):
    """Bytes that stay in memory as long as this array does."""
    owner = array.base if isinstance(array.base, np.ndarray) else array
    return owner.nbytes if owner.flags.owndata else array.nbytes


# -- where labels go -------------------------------------------------------------------------------


class LabelFile:
    """Labels written to a .npy file block by block; it has its name once it holds all of them."""

    def __init__(self, path):
        self.path = os.fspath(path)
        sweep(self.path)
        self.partial, self.file = open_partial(self.path)  # before any work
        self.after = None

    def open(self, n):
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(np.int32)),
            "fortran_order": False,
            "shape": (n,),
        }
        np.lib.format.write_array_header_1_0(self.file, header)
        self.after = self.file.tell()

    def __call__(self, start, labels):
        self.file.seek(self.after + 4 * start)
        self.file.write(memoryview(labels))

    def done(self):
        """The labels, mapped."""
        self.file.close()
        os.replace(self.partial, self.path)
        return np.load(self.path, mmap_mode="r")

    def drop(self):
        self.file.close()
        if os.path.exists(self.partial):
            os.remove(self.partial)


class LabelArray:
    """Labels in an array: a new one, on disk where it would take much memory, or the caller's."""

    def __init__(self, array=None):
        self.array, self.given = array, array is not None

    def open(self, n):
        if not self.given:
            if 4 * n > LABELS_IN_MEMORY:
                self.array = np.memmap(
                    tempfile.TemporaryFile(), dtype=np.int32, mode="w+", shape=(n,)
                )
            else:
                self.array = np.empty(n, dtype=np.int32)
        elif self.array.shape != (n,):
            raise ValueError(
                f"labels has shape {self.array.shape}, but there are {n} rows: shape "
                f"({n},) is needed."
            )
        self.pages = Pages.of(self.array)

    def __call__(self, start, labels):
        part = self.array[start : start + len(labels)]
        part[:] = labels
        if self.pages is not None:
            self.pages.leave(part)

    def done(self):
        return self.array

    def drop(self):
        pass


def label_sink(labels):
    """Where `fit_chunks` puts labels, as its argument says."""
    if labels is None or labels is False:
        return None
    if labels is True:
        return LabelArray()
    if isinstance(labels, (str, os.PathLike)):
        return LabelFile(labels)
    if (
        isinstance(labels, np.ndarray)
        and labels.ndim == 1
        and labels.dtype == np.int32
        and labels.flags.writeable
    ):
        return LabelArray(labels)
    raise TypeError(
        "labels must be None, True, the path of a .npy file or a writable "
        "one-dimensional int32 array, got "
        f"{check.with_type(labels)}."
    )


# -- what can be a source --------------------------------------------------------------------------


def open_source(source, sample_weight=None, n_threads=None, columns=None, regroup=True):
    """An engine over the rows of whatever can be read again and again; see `KMeans.fit_chunks`."""
    if columns is not None and not _is_parquet(source):
        raise ValueError(
            "columns are chosen of Parquet data only: cut other sources down before "
            "they are passed."
        )
    if is_sparse(source):
        raise TypeError(
            "chunks are dense rows, and the source is a sparse "
            f"{type(source).__name__}: fit(X) takes that as it is."
        )
    if isinstance(source, (str, os.PathLike)):
        if _is_parquet(source):
            return _parquet(source, sample_weight, n_threads, columns, regroup)
        source = _open_npy(source)
    if isinstance(source, np.ndarray):
        array, _ = check.as_matrix(source)
        return ArrayEngine(array, check.as_weights(sample_weight, len(array)), n_threads)
    if _is_parquet(source):
        return _parquet(source, sample_weight, n_threads, columns, regroup)
    if callable(source):
        return ChunkEngine(lambda: _again(source), sample_weight, n_threads, regroup)
    if isinstance(source, (list, tuple)):
        if not source:
            raise ValueError("the list of chunks is empty.")
        return ChunkEngine(lambda: _each(source), sample_weight, n_threads, regroup)
    if (
        hasattr(source, "shape") and hasattr(source, "__getitem__") and hasattr(source, "dtype")
    ):  # h5py, zarr
        if len(source.shape) != 2:
            raise ValueError(f"Expected 2D array, got shape {tuple(source.shape)} instead.")
        return ChunkEngine(lambda: _slices(source), sample_weight, n_threads, regroup)
    if hasattr(source, "__next__"):
        raise TypeError(
            "an iterator can be gone through once only, and a fit takes many passes: "
            "pass the function that makes it."
        )
    raise TypeError(
        "a source of chunks is an array, a .npy file or a list of them, Parquet data, "
        "something with shape and slices (HDF5, "
        "Zarr) or a function that returns an iterator of chunks; got "
        f"{check.with_type(source)}."
    )


def _again(make):
    chunks = make()
    if not hasattr(chunks, "__iter__"):
        raise TypeError(
            f"the function must return an iterator of chunks, got {check.with_type(chunks)}."
        )
    return chunks


def _open_npy(path):
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{os.fspath(path)} is no .npy file of numbers, or was cut short: {error}"
        ) from None
    if not isinstance(array, np.ndarray):
        raise ValueError(
            f"{os.fspath(path)} is an archive of arrays: pass .npy files, or a list of the arrays."
        )
    return array


def _each(sources):
    """Chunks of a list of .npy files or arrays."""
    for source in sources:
        array = _open_npy(source) if isinstance(source, (str, os.PathLike)) else source
        if Pages.of(array) is None if isinstance(array, np.ndarray) else True:
            yield array
        else:
            yield from _slices(array)


def _slices(source):
    """Chunks of something that gives arrays for slices; a multiple of its own chunks where it has
    any.
    """
    rows = block_rows(source.dtype, source.shape[1])
    own = (getattr(source, "chunks", None) or (1,))[0]
    if isinstance(own, int) and own > 1:
        rows = max(own, rows // own * own)
    pages = Pages.of(source) if isinstance(source, np.ndarray) else None
    given = []
    for start in range(0, source.shape[0], rows):
        if pages is not None:
            pages.check()
        given.append(source[start : start + rows])
        if pages is not None:
            pages.read_ahead(given[-1])
            if len(given) > 3:  # the one before those that are worked on, wait and are read
                pages.leave(given.pop(0))
        yield np.asarray(given[-1])
        if pages is None:
            given.clear()
    for part in given:
        pages.leave(part)


def _is_parquet(source):
    if isinstance(source, (str, os.PathLike)):
        return os.path.isdir(source) or os.fspath(source).endswith((".parquet", ".pq"))
    if isinstance(source, (list, tuple)):
        return bool(source) and all(
            isinstance(one, (str, os.PathLike)) and _is_parquet(one) for one in source
        )
    return type(source).__module__.partition(".")[0] == "pyarrow" and hasattr(source, "files")


def _parquet(source, sample_weight, n_threads, columns, regroup):
    """Rows of Parquet files, in the order of their names."""
    parquet = need("pyarrow.parquet", "reading Parquet files")
    if not hasattr(source, "files"):
        dataset = need("pyarrow.dataset", "reading Parquet files")
        paths = (
            [os.fspath(one) for one in source]
            if isinstance(source, (list, tuple))
            else os.fspath(source)
        )
        if not isinstance(paths, list) and not os.path.exists(paths):
            raise FileNotFoundError(f"no such file or directory: {paths}")
        source = dataset.dataset(paths, format="parquet")
    if not source.files:
        raise ValueError("there are no Parquet files.")
    weight = sample_weight if isinstance(sample_weight, str) else None
    names = (
        list(columns)
        if columns is not None
        else [name for name in source.schema.names if name != weight]
    )
    for name in [*names, *([weight] if weight else [])]:
        if name not in source.schema.names:
            raise ValueError(
                f"there is no column {name!r}; there are: "
                f"{terminal(', '.join(source.schema.names), 300)}."
            )

    def chunks():
        for path in source.files:
            # Each column that is being read takes its pages; buffers of their own would double
            # that.
            with parquet.ParquetFile(
                source.filesystem.open_input_file(path), buffer_size=1 << 16, pre_buffer=False
            ) as file:
                for group in range(file.num_row_groups):
                    yield from _row_group(file, group, names, weight)

    return ChunkEngine(chunks, None if weight else sample_weight, n_threads, regroup)


def _write_strips(file, group, names, dtype, scratch):
    """Write a row group strip by strip of COLUMNS columns, each with its rows one after the other.
    False where a value is missing.
    """
    for first in range(0, len(names), COLUMNS):
        some = names[first : first + COLUMNS]
        for batch in file.iter_batches(1 << 16, [group], some, use_threads=False):
            if any(column.null_count for column in batch.columns):
                return False
            strip = np.empty((batch.num_rows, len(some)), dtype)
            for f, name in enumerate(some):  # (batches have the order of the file)
                strip[:, f] = batch.column(name)
            scratch.write(strip)
    return True


def _read_strips(file, group, names, dtype, scratch, n, weight):
    """The chunks of a row group from its strips."""
    weights = (
        None
        if weight is None
        else np.asarray(file.read_row_group(group, columns=[weight]).column(0))
    )
    rows, named = block_rows(dtype, len(names)), check.string_names(names)
    for start in range(0, n, rows):
        array = np.empty((min(rows, n - start), len(names)), dtype)
        for first in range(0, len(names), COLUMNS):
            part = array[:, first : first + COLUMNS]
            strip = np.empty(part.shape, dtype)
            scratch.seek((n * first + start * strip.shape[1]) * dtype.itemsize)
            scratch.readinto(strip)
            part[:] = strip
        chunk = Named(array, named)
        yield chunk if weight is None else (chunk, weights[start : start + rows])
        del array, part, chunk


class Named(NamedTuple):
    """A chunk with column names."""

    array: np.ndarray
    names: object


def _row_group(file, group, names, weight):
    """Chunks of a row group of a Parquet file: at once, some columns after the other, or, where
    that is large, a few rows of all columns.
    """
    fields = [file.schema_arrow.field(name) for name in names]
    types = {np.dtype(field.type.to_pandas_dtype()) for field in fields}
    n = file.metadata.row_group(group).num_rows
    plain = all(dtype.kind in "iuf" for dtype in types)
    large = n * len(names) * max(dtype.itemsize for dtype in types) > GROUP_BYTES
    if plain and large and len(names) > SIDE_BY_SIDE:
        with tempfile.TemporaryFile() as scratch:
            if _write_strips(file, group, names, np.result_type(*types), scratch):
                yield from _read_strips(
                    file, group, names, np.result_type(*types), scratch, n, weight
                )
                return
    elif plain and not large:
        array = np.empty((n, len(names)), np.result_type(*types))
        for first in range(0, len(names), COLUMNS):
            some = names[first : first + COLUMNS]
            table = file.read_row_group(group, columns=some, use_threads=False)
            if any(table.column(name).null_count for name in some):
                break
            for f, name in enumerate(some, first):
                start = 0
                for piece in table.column(name).chunks:
                    array[start : start + len(piece), f] = piece
                    start += len(piece)
        else:
            rows = Named(array, check.string_names(names))
            yield (
                rows
                if weight is None
                else (rows, np.asarray(file.read_row_group(group, columns=[weight]).column(0)))
            )
            return
    rows = max(
        64, BLOCK_BYTES // 4 // (8 * len(names))
    )  # (also where values are missing: whoever looks at them says which)
    for batch in file.iter_batches(
        rows, [group], names + ([weight] if weight else []), use_threads=False
    ):
        table = batch.select(names)
        yield table if weight is None else (table, np.asarray(batch.column(weight)))
