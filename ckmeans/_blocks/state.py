"""The state of a run over blocks, which a checkpoint holds."""

from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)  # two runs are never the same one
class State:
    """The state of a run, from which it can be resumed. None stands for what is not known yet.

    Attributes
    ----------
    seed : int or None
    chosen : ndarray of shape (c, d) or None
        Initial centers drawn so far.
    centers : ndarray of shape (k, d) or None
        From when all initial centers are known.
    n_iter, shift, check, counts, stop, inertia : those of the run so far
    earlier : int
        Iterations of the run that this one continues after a refinement.
    """

    seed: Any
    chosen: Any = None
    positions: Any = None
    bound: Any = None
    round: Any = None
    centers: Any = None
    n_iter: int = 0
    earlier: int = 0
    shift: float = 0.0
    check: Any = None
    n_changed: Any = None
    stop: Any = None
    inertia: Any = None
    counts: Any = None
    seconds: float = 0.0


FIELDS = tuple(State.__dataclass_fields__)
