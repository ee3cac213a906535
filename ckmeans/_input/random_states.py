"""`random_state`: its check, the seeds of restarts, and generators for them."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from .errors import with_type

_MAX_SEED = 2**32 - 1
_DRAWN_SEEDS = 2**31 - 1
_spare: list[np.random.RandomState] = []  # not in use at the moment: see `seeded`


def check_random_state(random_state: Any) -> None:
    """Raise unless seeds can be drawn from this."""
    if (
        random_state is None
        or random_state is np.random
        or isinstance(random_state, (np.random.RandomState, np.random.Generator))
    ):
        return
    if not isinstance(random_state, (int, np.integer)) or isinstance(random_state, bool):
        raise TypeError(
            "random_state must be None, an integer, a numpy RandomState or a numpy Generator, got "
            f"{with_type(random_state)}."
        )
    if not 0 <= random_state <= _MAX_SEED:
        raise ValueError(
            f"random_state must be an integer from 0 to {_MAX_SEED}, got {int(random_state)}."
        )


def seeds(random_state: Any, n: int) -> list[int]:
    """Draw the seeds of n restarts in advance: a list of ints, each of which reproduces its restart
    by itself.
    """
    check_random_state(random_state)
    if random_state is None or random_state is np.random:
        return np.random.randint(_DRAWN_SEEDS, size=n).tolist()
    if isinstance(random_state, (int, np.integer)):
        seed = int(random_state)
        # The first restart takes the seed itself: n_init=1 with a recorded seed is that restart
        # again.
        if n == 1:
            return [seed]
        with seeded(seed) as state:
            return [seed, *state.randint(_DRAWN_SEEDS, size=n)[1:].tolist()]
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(_DRAWN_SEEDS, size=n).tolist()
    return random_state.integers(_DRAWN_SEEDS, size=n).tolist()


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[np.random.RandomState]:
    """A RandomState seeded with `seed`, for exclusive use: not shared with another thread or with a
    fit in a signal handler.

    Objects are reused: making one takes longer than a small fit, seeding it a microsecond.
    """
    try:
        state = _spare.pop()
    except IndexError:
        state = np.random.RandomState()
    state.seed(seed)
    yield state
    _spare.append(state)  # not after an error: its traceback may still refer to the state
