"""`random_state`: its check, the seeds of restarts, and generators for them."""

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


def one_source(random_state: Any, rng: Any, default: Any = None) -> Any:
    """The `random_state` of a function that takes `rng` as well (SPEC 7).

    default : None or int
        That of `random_state`.
    """
    if rng is None:
        return random_state
    if random_state is not default:
        raise TypeError(
            "random_state and rng are two ways to give one thing, and both were given: "
            f"random_state={random_state!r}, rng={rng!r}. Leave one of them out."
        )
    if rng is np.random or isinstance(rng, (np.random.RandomState, bool)):
        legacy = "" if isinstance(rng, bool) else ": give it as random_state"
        raise TypeError(
            "rng must be None, an integer, a SeedSequence, a BitGenerator or a numpy Generator, "
            f"got {with_type(rng)}{legacy}."
        )
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            "rng must be None, an integer of at least 0, a SeedSequence, a BitGenerator or a numpy "
            f"Generator, got {with_type(rng)}."
        ) from None


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


class seeded:
    """Context that gives a RandomState seeded with `seed`, a number or a list of numbers, for
    exclusive use: not shared with another thread or with a fit in a signal handler.

    Objects are reused: making one takes longer than a small fit, seeding it a microsecond.
    """

    __slots__ = ("seed", "state")

    def __init__(self, seed: int | list[int]) -> None:
        self.seed = seed

    def __enter__(self) -> np.random.RandomState:
        self.state = borrowed(self.seed)
        return self.state

    def __exit__(self, error: type[BaseException] | None, *others: object) -> None:
        if error is None:  # else its traceback may still refer to the state
            give_back(self.state)


def borrowed(seed: int | list[int]) -> np.random.RandomState:
    """The RandomState of `seeded`, for code that runs so often that a context would be felt: to be
    given back, by `give_back`, unless an exception is raised.
    """
    try:
        state = _spare.pop()
    except IndexError:
        state = np.random.RandomState()
    state.seed(seed)
    return state


give_back = _spare.append
