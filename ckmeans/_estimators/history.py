"""A record of each iteration of a run, for ``KMeans(history=True)``."""

from typing import Any, NamedTuple

from .._native.engine import Run


class Iteration(NamedTuple):
    """One iteration, as ``KMeans(..., history=True).history_`` keeps it."""

    n_iter: int  #: iterations so far, this one included
    inertia: float  #: of the its labels, to the centers before its update
    shift: float  #: total squared movement of the centers in its update
    n_changed: int  #: labels that differ from the last iteration's
    n_distances: int  #: distances that were computed, approximately or exactly


class Recorded:
    """A native run that records its iterations in `history`."""

    def __init__(self, run: Run) -> None:
        self._run, self._distances = run, 0
        self.history: list[Iteration] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def iterate(self) -> bool:
        """Do one iteration and record it."""
        run, before = self._run, self._run.centers()
        more = run.iterate()
        counters = run.counters()
        distances = counters["filtered"] + counters["exact"]
        self.history.append(
            Iteration(
                run.n_iter,
                run.inertia_to(before),
                run.shift,
                run.n_changed,
                distances - self._distances,
            )
        )
        self._distances = distances
        return more

    def finish(self) -> None:
        """Iterate until the run stops, and record each iteration."""
        while self._run.stop_reason is None and self.iterate():
            pass
        self._run.finish()
