"""Chunks of rows that a function produces anew for every pass."""

from typing import NamedTuple

import numpy as np

from ..._input import checks as check
from ..._input.contiguous import contiguous
from ..._input.sparse import is_sparse
from ..._output.safe_text import terminal
from . import local
from .reader import Reader


class Named(NamedTuple):
    """A chunk with column names."""

    array: np.ndarray
    names: object


class ChunkEngine(local.LocalEngine):
    """Blocks of chunks that a function produces anew for every pass; a thread reads ahead.

    Parameters
    ----------
    open_ : function that returns an iterable of chunks
        A chunk is an array or table of shape (m, d), or a pair of that and its weights.
    weights : array-like of shape (n,) or None
        Sliced for each chunk.
    regroup : bool
        Whether to join small chunks and cut large ones, into blocks of about BLOCK_BYTES.
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
                array = contiguous(array)
            if self.weights is not None:
                sample_weight = np.asarray(self.weights[position : position + len(array)])
            position += len(array)
            pair = array, sample_weight
            del chunk, X, array  # free the memory before the next chunk is read
            yield pair
            del pair
        if self.weights is not None and len(self.weights) != position:
            raise ValueError(
                f"sample_weight has {len(self.weights)} values, but there are {position} rows."
            )

    def blocks(self):
        self.close()
        chunks = self.chunks()
        # Kept before it starts, so that `close` finds it whenever an interrupt comes.
        reader = self.reader = Reader(regrouped(chunks) if self.regroup else chunks)
        try:
            reader.start()
            yield from reader
        finally:
            reader.close()

    def close(self):
        if self.reader is not None:
            self.reader.close()
            self.reader = None


def open_function(source, ask):
    """An engine over the chunks of a function's iterators."""

    def chunks():
        made = source()
        if not hasattr(made, "__iter__"):
            raise TypeError(
                f"the function must return an iterator of chunks, got {check.with_type(made)}."
            )
        return made

    return ChunkEngine(chunks, ask.sample_weight, ask.n_threads, ask.regroup)


def _rows_of(X):
    """A chunk as an array, and its column names. The columns of an Arrow batch are copied once,
    directly into the array.
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
    held: list[tuple] = []
    size = 0
    for X, sample_weight in chunks:
        if X.nbytes > 2 * local.BLOCK_BYTES:
            yield from joined(held)
            held, size = [], 0
            rows = local.block_rows(X.dtype, X.shape[1])
            for start in range(0, len(X), rows):
                yield (
                    X[start : start + rows],
                    None if sample_weight is None else sample_weight[start : start + rows],
                )
            del X
            continue
        held.append((X, sample_weight))
        size += X.nbytes
        if size >= local.BLOCK_BYTES // 2:
            yield from joined(held)
            held, size = [], 0
    yield from joined(held)


def joined(held):
    """Some chunks as one."""
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
