"""Chunks of what is sliced (HDF5, Zarr) and of lists of arrays and .npy files."""

import os

import numpy as np

from ..._input.npy_files import load_npy
from . import local
from .chunks import ChunkEngine
from .pages import Pages


def open_sliced(source, ask):
    """An engine over something with shape, dtype and slices."""
    if len(source.shape) != 2:
        raise ValueError(f"Expected 2D array, got shape {tuple(source.shape)} instead.")
    return ChunkEngine(lambda: _slices(source), ask.sample_weight, ask.n_threads, ask.regroup)


def open_list(source, ask):
    """An engine over a list of chunks and .npy files."""
    if not source:
        raise ValueError("the list of chunks is empty.")
    return ChunkEngine(lambda: _each(source), ask.sample_weight, ask.n_threads, ask.regroup)


def _each(sources):
    """Chunks of a list of .npy files and arrays; mapped ones in slices."""
    for source in sources:
        array = load_npy(source) if isinstance(source, (str, os.PathLike)) else source
        if isinstance(array, np.ndarray) and Pages.of(array) is not None:
            yield from _slices(array)
        else:
            yield array


def _slices(source):
    """Chunks of something that returns arrays for slices: whole multiples of its own chunks, where
    it has any.
    """
    rows = local.block_rows(source.dtype, source.shape[1])
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
            if len(given) > 3:  # up to three may still be in use: worked on, waiting and read
                pages.give_back(given.pop(0))
        yield np.asarray(given[-1])
        if pages is None:
            given.clear()
    if pages is not None:
        for part in given:
            pages.give_back(part)
