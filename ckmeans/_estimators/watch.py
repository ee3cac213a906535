"""Time limits, callbacks and printed progress of a fit."""

from threading import get_ident
from time import perf_counter
from typing import Any

from .callbacks import Teller


class Window:
    """Access to a native run, for as long as a callback is running.

    A run may be used only while its fit waits for the callback, and by one caller at a time.
    Access is therefore refused after the callback, from other threads, and while another access is
    under way (as from a signal handler). Copies of a state share its window; a pickled state has
    none.
    """

    def __init__(self, native=None, outside=None):
        self.native, self.outside, self.thread = native, outside, get_ident()

    def __reduce__(self):
        return Window, ()

    def ask(self, question: Any) -> Any:
        """The result of a function of the run."""
        native = self.native if get_ident() == self.thread else None
        if native is None:
            raise RuntimeError(
                "centers, labels and inertia of a state are there during its "
                "callback only, in the thread of the callback: "
                "keep copies of them, as in kept = state.centers."
            )
        self.native = None
        try:
            return question(native)
        finally:
            self.native = native

    def close(self) -> None:
        self.native = self.outside = None


class FitState:
    """The argument of a callback after each iteration, or for `MiniBatchKMeans` after each batch.

    Attributes
    ----------
    run, n_runs : int
        Which run this is, from 0, and how many there will be at most.
    seed : int or None
        The run's seed, as in ``runs_``.
    n_iter, max_iter : int
        Iterations of this run, or batches, so far and at most.
    n_changed : int or None
        Labels changed in this iteration; None for a batch.
    shift : float
        Total squared movement of the centers in this iteration.
    seconds : float
        Since the fit began.
    stop_reason : str or None
        Why the run ends here; None while it goes on.
    last : bool
        Whether the fit ends here.
    best_inertia : float or None
        The lowest inertia of the runs that have ended before this one.
    n_filled : int or None
        Clusters that were empty and took the row farthest from its own center; None for a batch.

    `centers`, `labels` and `inertia` can be asked for during the callback only, in the thread that
    it is called in; after that they raise RuntimeError. What was asked for are copies to keep.
    """

    n_filled: int | None

    def __init__(self, watch, native, seed, best_inertia, n_filled=None):
        self.n_filled = n_filled
        self.run, self.n_runs, self.max_iter = watch.run, watch.n_runs, watch.max_iter
        self.seed, self.best_inertia = seed, best_inertia
        self.n_iter, self.n_changed, self.shift = native.n_iter, native.n_changed, native.shift
        self.stop_reason = native.stop_reason
        self.seconds = perf_counter() - watch.began
        self.last = self.stop_reason is not None and not watch.goes_on
        self._window = Window(native, watch.outside)

    @property
    def centers(self):
        """Copy of the centers after this iteration, (k, d). During the callback only."""
        centers = self._window.ask(lambda native: native.result_centers())
        return self._window.outside(centers)

    @property
    def labels(self):
        """Copy of the labels that this iteration gave, (n,) int32; a batch's to its rows. During
        the callback only.
        """
        return self._window.ask(lambda native: native.labels().copy())

    @property
    def inertia(self):
        """Inertia of these labels to these centers, which takes a pass over the rows when it is
        read. For a batch: the mean inertia per unit of weight, to the centers before the batch.
        During the callback only.
        """
        return self._window.ask(lambda native: native.inertia())

    @property
    def unit(self):
        """What `n_iter` counts."""
        return "batch" if self.n_changed is None else "iteration"

    def __repr__(self):
        return (
            f"{type(self).__name__}(run={self.run}, n_iter={self.n_iter}, "
            f"n_changed={self.n_changed}, shift={self.shift:.6g}, "
            f"stop_reason={self.stop_reason!r})"
        )


class BlockState(FitState):
    """The argument of a callback after each iteration of a fit over blocks of rows, in which all
    runs advance together.

    As `FitState`; `n_changed` is None where the blocks are in other processes. There are no
    `labels` and no `inertia`.
    """

    unit = "iteration"

    def __init__(self, fit, state, n_filled=0):
        self.n_filled = n_filled
        best = fit.best()
        self.run, self.n_runs, self.max_iter, self.seed = (
            fit.states.index(state),
            len(fit.states),
            fit.max_iter,
            state.seed,
        )
        self.best_inertia = None if best is None else best.inertia
        self.n_iter, self.n_changed, self.shift, self.stop_reason = (
            state.n_iter,
            state.n_changed,
            state.shift,
            state.stop,
        )
        self.seconds = perf_counter() - fit.began
        self.last = not fit.goes_on()
        self._centers, self._dtype = state.centers, fit.survey.result_dtype

    @property
    def centers(self):
        return self._centers.astype(self._dtype)

    @property
    def labels(self):
        raise AttributeError(
            "there are no labels to see while rows come in blocks: predict gives "
            "those of `centers`."
        )

    @property
    def inertia(self):
        raise AttributeError(
            "there is no inertia to see while rows come in blocks: it takes "
            "another pass over all of them."
        )


class Watch:
    """Called after each iteration; returns the reason for ending the fit, or None.

    Parameters
    ----------
    began : float
        The value of `perf_counter` when the fit began.
    n_runs, max_iter : int
    max_time : float or None
        Seconds that the fit may take.
    callback : callable or None
        Called with a FitState; a true result ends the fit.
    verbose : int
        1: a line for each iteration and each run; 2: the iterations' inertia, too, which takes a
        pass over the rows for each.
    outside : callable
        Converts centers of the engine to those that a callback sees.
    refining : bool
        Whether the last of the runs refines the best of the others, if `max_iter` has left one of
        them iterations.
    """

    def __init__(
        self,
        began,
        n_runs,
        max_iter,
        max_time,
        callback,
        verbose,
        outside=lambda centers: centers,
        refining=False,
    ):
        self.outside, self.refining = outside, refining
        self.n_runs, self.max_iter, self.callback, self.verbose = (
            n_runs,
            max_iter,
            callback,
            int(verbose),
        )
        #: Whether what an iteration did is told to anyone.
        self.tells = bool(self.verbose) or callback is not None
        self.began = began
        self.deadline = self.began + max_time if max_time is not None else float("inf")
        self.run = 0
        #: Whether a refinement goes on from the present run where it ends, and whether there is a
        #: run that the last one by default may refine.
        self.refines, self.refines_best = False, True
        if isinstance(callback, Teller):
            callback.begin(n_runs, max_iter)

    @property
    def goes_on(self) -> bool:
        """Whether the fit goes on after the present run."""
        left = self.n_runs - self.run - 1
        return self.refines or left > (self.refining and not self.refines_best)

    def __call__(self, native, seed, best_inertia, n_filled=None):
        """Reason to end the fit after this iteration, or None.

        n_filled : int or None
            Empty clusters that were given a row, as in `IterState`; None for a batch.
        """
        reason = "max_time" if perf_counter() >= self.deadline else None
        if reason and native.stop_reason is None:
            native.halt(reason)
        if self.callback is not None:
            state = FitState(self, native, seed, best_inertia, n_filled)
            state.last = state.last or reason is not None
            try:
                called_off = self.callback(state)
            finally:
                state._window.close()
            if called_off:
                reason = reason or "callback"
                if native.stop_reason is None:
                    native.halt(reason)
        if self.verbose:
            self.show(native, n_filled)
        return reason

    def show(self, native: Any, n_filled: int | None = None) -> None:
        """Print what an iteration did."""
        more = self.verbose > 1
        if native.n_iter == 1:
            print(
                f"run {self.run + 1} of {self.n_runs}\n{'iteration':>9}  {'labels changed':>14}  "
                f"{'squared shift':>13}" + (f"  {'inertia':>16}" if more else "")
            )
        print(
            f"{native.n_iter:>9}  {native.n_changed:>14}  {native.shift:>13.6g}"
            + (f"  {native.inertia():>16.10g}" if more else "")
            + (f"  {native.stop_reason}" if native.stop_reason else "")
            + (f"  empty clusters filled: {n_filled}" if n_filled else "")
        )

    def finished(self, record: Any) -> None:
        """Note that a run has ended."""
        if self.verbose:
            print(
                f"run {self.run + 1} of {self.n_runs}: inertia {record.inertia:.10g}, "
                f"{record.n_iter} iterations, "
                f"stopped by {record.stop_reason}, {record.seconds:.3g} s"
            )
        self.run += 1
