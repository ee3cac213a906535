"""The work on each block of rows, in any process, and how its results are combined.

A task is a function of (X, sample_weight, index, ...), which engines call for each block.
"""

import hashlib
import os
from typing import NamedTuple

import numpy as np

from .._input import checks as check
from .._input.contiguous import contiguous
from .._native import engine as native
from .._output.safe_text import terminal
from ..partial import assign_block, changed_rows, checked_block, survey_block


def answer(X, sample_weight, index, requests):
    """A block's answers to several requests, so that its rows are read once."""
    if not isinstance(X, np.ndarray):
        X, _ = check.as_matrix(X, min_rows=0)
    whole = requests[0][1]
    expected = whole.starts[index + 1] - whole.starts[index] if index + 1 < len(whole.starts) else 0
    if len(X) != expected:
        raise RuntimeError(
            f"block {index} had {expected} rows in the first pass and has {len(X)} now."
        )
    return Answers(
        task(X, sample_weight, index, *map(_aligned, arguments)) for task, *arguments in requests
    )


def _aligned(argument):
    """An array as native code reads it: one from another process need not be aligned."""
    return contiguous(argument) if isinstance(argument, np.ndarray) else argument


class Answers(list):
    """Answers to several requests, added one by one."""

    def __add__(self, other):
        return Answers(a + b for a, b in zip(self, other))


class Whole(NamedTuple):
    """Facts about all rows, known to every task after the survey."""

    survey: object  #: Survey
    starts: np.ndarray  #: (blocks + 1,) position of each block's first row
    n_threads: int
    token: str  #: identifies the fit in the caches of processes

    @property
    def spare_bits(self):
        """The number of leading zeros in the 64 bits of every position."""
        return 64 - max(1, int(self.starts[-1]).bit_length())


def _digest(centers):
    """A hash of initial centers, to check whether a checkpoint has the same."""
    return hashlib.sha256(np.ascontiguousarray(centers, dtype=np.float64).tobytes()).hexdigest()[
        :16
    ]


# -- the survey ------------------------------------------------------------------------------------


class Surveyed:
    """The survey of some blocks: numbers of rows by index, the indices of blocks with errors, a
    checksum of the rows, and some of the rows, a list of arrays.
    """

    def __init__(self, survey, names, rows, wrong, content=0, some=()):
        self.survey, self.names, self.rows, self.wrong, self.content = (
            survey,
            names,
            rows,
            wrong,
            content,
        )
        self.some = some

    def __add__(self, other):
        survey = (
            other.survey
            if self.survey is None
            else self.survey
            if other.survey is None
            else self.survey + other.survey
        )
        some = [*self.some, *other.some]
        for one in (self, other):
            if (
                (one.names is None) != (self.names is None)
                or one.names is not None
                and list(one.names) != list(self.names)
            ):
                raise ValueError(
                    f"blocks have different column names: {_listed(self.names)} and "
                    f"{_listed(other.names)}."
                )
        return Surveyed(
            survey,
            self.names,
            {**self.rows, **other.rows},
            self.wrong + other.wrong,
            (self.content + other.content) % 2**64,
            some if len(some) <= _BLOCKS_LOOKED_AT else some[::2],
        )


#: About so many rows of a block, and so many blocks, are looked at for the spreads of the columns.
_ROWS_LOOKED_AT, _BLOCKS_LOOKED_AT = 64, 64


def _listed(names):
    return "none" if names is None else terminal(", ".join(map(str, names)), 300)


def survey_task(X, sample_weight, index, n_threads, starts=None, content=False):
    """Survey a block. Errors in its rows are only raised if `starts` is given, so that the message
    has their positions among all rows.

    content : whether to compute a checksum of the rows and their weights, which does not depend on
    their order
    """
    array, names = check.as_matrix(X, min_rows=0)
    try:
        survey = survey_block(
            array,
            sample_weight,
            start=0 if starts is None else int(starts[index]),
            n_threads=n_threads,
        )
    except ValueError:
        if starts is not None:
            raise
        return Surveyed(None, names, {index: len(array)}, [index])
    code = 0
    if content and len(array):
        codes = native.block_codes(native.Data(array, None, n_threads, False, False))
        if survey.weighted:
            codes = (
                codes ^ np.asarray(sample_weight, dtype=np.float64).view(np.uint64)
            ) * np.uint64(0x9E3779B97F4A7C15)
        code = int(codes.sum(dtype=np.uint64))
    some = np.array(array[:: max(1, len(array) // _ROWS_LOOKED_AT)])
    return Surveyed(survey, names, {index: len(array)}, [], code, [some])


def survey(engine, content=False):
    """The first pass; returns (Whole, column names, checksum of the rows if asked for, some of the
    rows).
    """
    found = _sum(engine.map(survey_task, engine.n_threads, None, content))
    if found is None:
        raise ValueError("there are no blocks of rows.")
    starts = np.zeros(len(found.rows) + 1, dtype=np.int64)
    np.cumsum([found.rows[index] for index in range(len(found.rows))], out=starts[1:])
    if found.wrong:
        _sum(engine.map(survey_task, engine.n_threads, starts))
        raise RuntimeError("the blocks of rows have changed between two passes.")
    whole = found.survey
    if whole.n_rows < 1:
        raise check.too_small_error("sample", (0, len(whole.low)), 0, 1)
    if whole.weighted and whole.heaviest == 0:
        raise ValueError(
            "sample_weight is zero for every row: at least one weight must be positive."
        )
    check.check_span(whole.span, whole.heaviest)
    if whole.weighted:
        check.check_products(
            np.array([whole.heaviest]), whole.largest, whole.n_rows, len(whole.low)
        )
    known = Whole(whole, starts, engine.n_threads, os.urandom(8).hex())
    return known, found.names, found.content, np.concatenate(found.some)


def _sum(results):
    total = None
    for result in results:
        total = result if total is None else total + result
    return total


# -- Lloyd's iterations ----------------------------------------------------------------------------


def held_task(X, sample_weight, index, whole, held, i):
    """Let `held`, which has begun a pass of run i, assign a block; in this process only. Returns
    the number of its rows.
    """
    start = int(whole.starts[index])
    array, weights, _ = checked_block(X, sample_weight, start)
    if not held.block(
        i,
        index,
        array if array.dtype == whole.survey.dtype else array.astype(whole.survey.dtype),
        weights,
    ):
        raise changed_rows(array, whole.survey, start)
    return len(X)


def assign_task(
    X,
    sample_weight,
    index,
    whole,
    centers,
    inertia,
    middle=None,
    held=None,
    sink=None,
    slot=None,
    checked=False,
):
    """A block's part of an assignment.

    held : pair of a native.Stream and the number of a run, or None; in this process only
        Labels are held there, and the Partial is the change since the last assignment.
    sink : function of (start, labels), or None; in this process only
        Called with the block's labels.
    slot : int or None
        Number of the run, for what resident blocks keep of it.
    """
    labels = None
    if held is not None:
        labels = held[0].labels(held[1], index)
    elif sink is not None:
        labels = np.full(len(X), -1, dtype=np.int32)
    start = int(whole.starts[index])
    if slot is not None and inertia is False and middle is None and len(X):
        partial = X.kept.assign(centers, whole.survey, start, slot, whole.n_threads)
        if partial is not None:
            return partial
    partial = assign_block(
        X,
        centers,
        whole.survey,
        sample_weight,
        start=start,
        labels=labels,
        inertia=inertia,
        middle=middle,
        checked=checked,
        n_threads=whole.n_threads,
    )
    if sink is not None:
        sink(start, labels)
    return partial
