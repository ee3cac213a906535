"""What all greedy k-means++ has in common, over rows in one array and over blocks of rows."""

import numpy as np


def local_trials(k):
    """Number of candidates that are tried for each center by default."""
    return 2 + int(np.log(k))


def uniforms_of(k, trials, random_state):
    """The random numbers that candidates are drawn by: one for the first row, then `trials` for
    each of the others.
    """
    return random_state.random_sample(1 + (k - 1) * trials)
