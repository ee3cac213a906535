"""Where a run over blocks is: what a checkpoint holds of it."""


class State:
    """Where a run is: all that it takes to go on with it. What is None has not come up yet.

    Attributes
    ----------
    seed : int or None
    chosen : ndarray of shape (c, d) or None
        Initial centers that were drawn so far.
    centers : ndarray of shape (k, d) or None
        Once all were.
    n_iter, shift, check, counts, stop, inertia : the run's so far
    """

    fields = (
        "seed",
        "chosen",
        "positions",
        "bound",
        "round",
        "centers",
        "n_iter",
        "shift",
        "check",
        "n_changed",
        "stop",
        "inertia",
        "counts",
        "seconds",
    )

    def __init__(self, seed):
        for name in self.fields:
            setattr(self, name, None)
        self.seed, self.n_iter, self.shift, self.seconds = seed, 0, 0.0, 0.0
