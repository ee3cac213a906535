"""The rows, weights and hashes of a block, and distances to centers."""

import numpy as np

from ..._input import checks as check
from ..._input.contiguous import contiguous
from ..._native import engine as native
from .cache import cache


def as_rows(X, whole):
    """The rows of a block, in the dtype of all rows together."""
    array, _ = check.as_matrix(X, min_rows=0)
    return array if array.dtype == whole.survey.dtype else array.astype(whole.survey.dtype)


def weights_of(X, sample_weight):
    """The weights of a block's rows: 1 where there are none."""
    return (
        np.ones(len(X))
        if sample_weight is None
        else check.as_weights(sample_weight, len(X), all_zero=True)
    )


def open_block(X, sample_weight, whole):
    """A block as the engine's Data."""
    weights = (
        None
        if sample_weight is None or not len(X)
        else check.as_weights(sample_weight, len(X), all_zero=True)
    )
    return native.Data(as_rows(X, whole), weights, whole.n_threads, False, False)


def codes_of(X, index, whole):
    """The hash of each row of a block."""
    key = whole.token, "codes", index
    known = cache.get(key)
    if known is not None:
        return known[1]
    codes = native.block_codes(open_block(X, None, whole))
    cache.put(key, None, codes)
    return codes


def buckets_of(X, index, whole, bits):
    """The first `bits` bits of each hash."""
    key = whole.token, ("bucket", bits), index
    known = cache.get(key)
    if known is not None:
        return known[1]
    bucket = (codes_of(X, index, whole) >> np.uint64(64 - bits)).astype(np.uint16)
    cache.put(key, None, bucket)
    return bucket


def sq_exact(array, centers, whole):
    """Squared distance of rows to the nearest of these centers, as the native code rounds it."""
    data = native.Data(contiguous(array), None, whole.n_threads, False, False)
    return native.block_squares(data, whole.survey._native, centers, data.assign(centers))
