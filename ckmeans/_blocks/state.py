"""The state of a run over blocks, which a checkpoint holds."""


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
        Iterations of the run that this one goes on from, after a refinement.
    """

    fields = (
        "seed",
        "chosen",
        "positions",
        "bound",
        "round",
        "centers",
        "n_iter",
        "earlier",
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
        self.seed, self.n_iter, self.earlier, self.shift, self.seconds = seed, 0, 0, 0.0, 0.0
