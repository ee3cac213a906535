"""The first rows of the data."""

from .rows import Distinct, deterministic, weighted_rows


@deterministic
def first_rows(data, k, random_state):
    """The first k distinct rows (MacQueen 1967)."""
    return data.take(Distinct(data, k).fill(weighted_rows(data)))
