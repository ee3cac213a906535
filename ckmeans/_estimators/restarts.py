"""Restarts: where each run starts, its result, and which run is kept."""

from collections.abc import Callable, Collection, Generator, Iterator
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from .._inits import DETERMINISTIC, INITS, automatic, initial_centers
from .._inits.given import given_centers
from .._input.checks import check_name, check_random_state, seeded, seeds
from .._input.contiguous import contiguous
from .._input.other_libraries import here
from .._input.random_states import borrowed, give_back
from .._input.sparse import shown
from .._native import engine as native
from .._native.engine import Data
from .._refine import Plan, improve_all
from .._rules.base import Rule
from .defaults_by_size import Effort
from .history import Recorded
from .labels import label_order, relabeled
from .scaling import UNSCALED, Scaling

#: Names for `algorithm` and what the engine calls them. All give the same bits; they differ in
#: speed and memory.
ALGORITHMS = {**{name: name for name in native.ALGORITHMS}, "elkan": "auto"}

#: Restarts of a drawn init when n_init="auto" but init or refine is given; where none of the three
#: is, defaults_by_size.py decides.
AUTO_RESTARTS = 10

#: Restarts whose initial centers are drawn before any of them is run.
DRAWN_AHEAD = 32


#: Makes the centers of a restart from its seed, None where nothing is drawn.
Make = Callable[[Any], np.ndarray]
#: The seed of a restart, and a function that makes its centers.
Start = tuple[int | None, Callable[[], np.ndarray]]


class Run(NamedTuple):
    """Record of one restart."""

    #: `random_state` that repeats this run with n_init=1; None if nothing was drawn.
    seed: int | None
    inertia: float
    n_iter: int
    stop_reason: str
    seconds: float


class IterState(NamedTuple):
    """The start or one Lloyd iteration, as `KMeans.iter_fit` yields it. At the start no row has a
    label, and everything is still to change.
    """

    n_iter: int  #: iterations so far, this one included; 0 at the start
    centers: np.ndarray  #: centers after the update, (k, d); at the start the initial ones
    labels: np.ndarray  #: nearest of the centers before the update, (n,) int32; -1 at the start
    inertia: float  #: of these labels, to the centers before the update; inf at the start
    shift: float  #: total squared movement of the centers in the update; inf at the start
    n_changed: int  #: labels that differ from the last iteration's; n at the start
    n_filled: int  #: clusters that were empty, and took the row farthest from its own center
    scale_: np.ndarray | None = None  #: what columns are divided by for distances, (d,); None: 1


class Result(NamedTuple):
    """The result of a finished run."""

    centers: np.ndarray
    labels: np.ndarray | None  # None if they stay with the blocks
    counts: np.ndarray
    inertia: float
    n_iter: int
    stop_reason: str


def starts(
    init: Any,
    n_init: Any,
    k: int,
    random_state: Any,
    X: Any,
    data: Data,
    scaling: Scaling = UNSCALED,
) -> list[Start]:
    """The starts of all runs: a list of (seed, function that makes the initial centers).

    X and the centers that users give are in the units of the data; `data` and what is returned are
    scaled.
    """

    def named(name):
        def make(seed):
            if seed is None:
                return initial_centers(name, data, k, None)
            random_state = borrowed(seed)
            centers = initial_centers(name, data, k, random_state)
            give_back(random_state)
            return centers

        return make

    def called(seed):
        # Not from `seeded`, whose generators are shared: the user's function may start other fits.
        centers = given_centers(
            init(shown(X), k, random_state=np.random.RandomState(seed)),
            k,
            data,
            "the centers that init returned",
        )
        return scaling.inside(centers)

    return begin(
        init,
        n_init,
        random_state,
        data.shape[1],
        INITS,
        named,
        called,
        lambda centers: scaling.inside(given_centers(centers, k, data)),
    )


def begin(
    init: Any,
    n_init: Any,
    random_state: Any,
    d: int,
    names: Collection[str],
    named: Callable[[str], Make],
    called: Make,
    checked: Callable[[Any], Any],
) -> list[Start]:
    """The starts of all runs: a list of (seed, function that makes the initial centers).

    All seeds are drawn here, so that a restart does not depend on those before it. Errors in names
    and shapes are raised here, before any work.

    Parameters
    ----------
    names : collection of str
        The named inits that are available.
    named : callable
        Takes the name of an init; returns a function of the seed that makes centers.
    called : callable
        Takes a seed and makes centers by the init that the user has passed as a function.
    checked : callable
        Takes centers that the user has passed; checks them and returns them in the type of results.
    """
    check_random_state(random_state)

    def given(centers):
        centers = checked(centers)
        return None, lambda: centers

    init = here(init, "init")
    if isinstance(init, str):
        check_name(init, ("auto", *names), "init")
        init = automatic(d, names) if init == "auto" else init
        make = named(init)
        if init in DETERMINISTIC:
            return [(None, lambda: make(None))]
    elif callable(init):
        make = called
    elif hasattr(init, "__array__") or hasattr(init, "__dataframe__"):
        many = getattr(init, "ndim", 2) == 3
        return [given(centers) for centers in (init if many else [init])]
    else:
        init = check_iterable(init)
        many = np.ndim(init[0]) == 2  # one array of centers for each restart, else the rows of one
        return [given(centers) for centers in (init if many else [init])]
    drawn = seeds(random_state, AUTO_RESTARTS if n_init == "auto" else n_init)
    return [(seed, partial(make, seed)) for seed in drawn]


def check_iterable(init: Any) -> list[Any]:
    try:
        init = list(init)
    except TypeError:
        raise TypeError(
            f"init must be one of {', '.join(map(repr, INITS))}, an array, an iterable "
            "of arrays or a callable, "
            f"got {init!r} ({type(init).__name__})."
        ) from None
    if not init:
        raise ValueError("init is empty: pass at least one array of initial centers.")
    return init


class Solver:
    """Runs all starts over one data set and keeps the best.

    Attributes
    ----------
    data : engine Data
    names : ndarray of str or None
        Column names of the rows.
    runs : list of Run
        Finished runs, in order.
    best : Result or None
        The finished run of lowest inertia; of equal ones the earliest.
    unexhausted : tuple of (int, Result) or None
        The number and the result of the best finished run that `max_iter` leaves iterations: what
        `refine_best` goes on from.
    current : engine Run or None
        The run under way: what an interrupt leaves.
    refine : Plan or None
        How each run is refined.
    scaling : Scaling
        Of the rows. `best` and `current` are scaled; results of `best_in_units` and `states` are in
        the units of the data.
    dtype : type of the rows in the units of the data
    histories : list of lists of Iteration, or None
        What the iterations of each finished run did; set to an empty list to have it kept.
    """

    histories: list[list[Any]] | None = None
    refine: Plan | None = None
    best: Any
    unexhausted: Any
    current: Any

    def __init__(
        self,
        data: Data,
        names: np.ndarray | None,
        max_iter: int,
        tol: float,
        algorithm: str,
        rule: Rule | None = None,
        scaling: Scaling = UNSCALED,
        dtype: Any = np.float64,
    ) -> None:
        self.scaling, self.dtype = scaling, dtype
        self.data, self.names, self.max_iter, self.algorithm = data, names, max_iter, algorithm
        self.tol, self.rule = tol, rule
        self.runs: list[Run] = []
        self.best, self.unexhausted, self.current = None, None, None

    def draw(
        self, restarts: list[Start], ahead: int = DRAWN_AHEAD
    ) -> Iterator[tuple[int | None, np.ndarray, float]]:
        """Yield (seed, initial centers, start time) of each restart; the start time is shifted so
        that it excludes the time spent on other restarts.

        The centers of `ahead` restarts are drawn before the first of them is run: drawing needs the
        rows packed in their original order, and runs may pack them in another.
        """
        for first in range(0, len(restarts), ahead):
            drawn = []
            for seed, make in restarts[first : first + ahead]:
                began = perf_counter()
                centers = make()
                drawn.append((seed, centers, perf_counter() - began))
            for seed, centers, seconds in drawn:
                yield seed, centers, perf_counter() - seconds

    def run(
        self, seed: int | None, centers: np.ndarray, began: float, watch: Any = None
    ) -> str | None:
        """Do one run; returns the reason for ending the fit after it, or None.

        `watch`, if given, is called after each iteration.
        """
        run, reason = self.finished(seed, centers, watch)
        n_iter = 0
        if self.refine is not None and reason is None and run.n_iter < self.max_iter:
            try:
                centers = self.refined(self.refine, seed, run.centers(), run.labels(), run.n_iter)
                again, reason = self.finished(seed, centers, watch, run.n_iter)
            except BaseException:  # the run before its refinement is finished, and kept
                self.keep(seed, run, 0, perf_counter() - began)
                raise
            run, n_iter = self.better(run, again)
        self.keep(seed, run, n_iter, perf_counter() - began)
        if watch is not None:
            watch.finished(self.runs[-1])
        return reason

    def finished(
        self, seed: int | None, centers: np.ndarray, watch: Any, before: int = 0
    ) -> tuple[Any, str | None]:
        """Do one run without refinement; returns it, and the reason for ending the fit or None.

        before : iterations of the run that this one continues
        """
        run = self.current = self.new_run(centers, before)
        reason = None
        if watch is not None:
            best = self.best.inertia if self.best is not None else None
            while reason is None:
                start = run.centers() if watch.tells else None
                more = run.iterate()
                filled = None if start is None else self.n_filled(run, start)
                left = run.n_iter < self.max_iter
                watch.refines = self.refine is not None and before == 0 and left
                watch.refines_best = left or self.unexhausted is not None
                reason = watch(run, seed, best, filled)
                if not more:
                    break
        run.finish()
        return run, reason

    def refine_best(self, how: Effort, watch: Any = None) -> None:
        """Refine the best run that `max_iter` leaves iterations, if there is one, and record this
        as one more run, which continues from it.
        """
        if self.unexhausted is None:
            return
        began = perf_counter()
        at, best = self.unexhausted
        record, plan = self.runs[at], how.refinement(best.n_iter)
        centers = best.centers.astype(np.float64)
        centers = self.refined(plan, record.seed, centers, best.labels, record.n_iter)
        run, _ = self.finished(record.seed, centers, watch, record.n_iter)
        if self.histories is not None:
            before = self.histories[at]
            run.history[:] = before + [
                each._replace(n_iter=each.n_iter + record.n_iter) for each in run.history
            ]
        self.keep(record.seed, run, record.n_iter, perf_counter() - began)
        if watch is not None:
            watch.finished(self.runs[-1])

    def refined(
        self, plan: Plan, seed: Any, centers: np.ndarray, labels: np.ndarray, n_iter: int
    ) -> np.ndarray:
        """Centers after refinement, in float64, of a finished run of so many iterations."""
        with seeded([seed, 1]) as random_state:
            refined = improve_all(plan, self.data, centers, labels, n_iter, random_state)
        single = self.data.array.dtype == np.float32
        return refined.astype(np.float32).astype(np.float64) if single else refined

    def better(self, run: Any, again: Any) -> tuple[Any, int]:
        """The better of a run and the run after its refinement, and the number of iterations before
        that run.
        """
        if again.inertia() > run.inertia():
            return run, 0
        if self.histories is not None:
            again.history[:0] = run.history
            again.history[len(run.history) :] = [
                each._replace(n_iter=each.n_iter + run.n_iter)
                for each in again.history[len(run.history) :]
            ]
        return again, run.n_iter

    def states(self, seed: int | None, make: Callable[[], np.ndarray]) -> Iterator[IterState]:
        """The same as `run`, yielding an IterState for the start and for each iteration."""
        began = perf_counter()
        run = yield from self.each_state(make(), 0)
        n_iter = 0
        if self.refine is not None and run.n_iter < self.max_iter:
            again = yield from self.each_state(
                self.refined(self.refine, seed, run.centers(), run.labels(), run.n_iter),
                run.n_iter,
            )
            run, n_iter = self.better(run, again)
        self.keep(seed, run, n_iter, perf_counter() - began)

    def each_state(self, centers: np.ndarray, n_iter: int) -> Generator[IterState, None, Any]:
        run = self.current = self.new_run(centers, n_iter)
        if n_iter == 0:
            n = self.data.shape[0]
            unlabeled = np.full(n, -1, dtype=np.int32)
            start = self.outside(run.result_centers())
            yield IterState(0, start, unlabeled, np.inf, np.inf, n, 0, self.scaling.divisors)
        more = True
        while more:
            before = run.centers()
            more = run.iterate()
            yield IterState(
                n_iter + run.n_iter,
                self.outside(run.result_centers()),
                run.labels().copy(),
                run.inertia_to(before),
                run.shift,
                run.n_changed,
                self.n_filled(run, before),
                self.scaling.divisors,
            )
        run.finish()
        return run

    def n_filled(self, run: Any, before: np.ndarray) -> int:
        """How many empty clusters got a row in the last iteration, which began with these centers.
        (If there is no row to give, the center stays.)
        """
        labels = run.labels()
        there = labels >= 0
        if self.data.weights is not None:
            there &= np.asarray(self.data.weights) > 0
        empty = np.bincount(labels[there], minlength=len(before)) == 0
        return int(np.count_nonzero(empty & (run.centers() != before).any(axis=1)))

    def new_run(self, centers: np.ndarray, before: int = 0) -> Any:
        """A run from these centers; before : iterations of the run that it continues."""
        rule = None if self.rule is None else self.rule.of_run(self.data)
        run = native.Run(self.data, centers, self.max_iter - before, self.tol, self.algorithm, rule)
        return run if self.histories is None else Recorded(run)

    def outside(self, centers: np.ndarray) -> np.ndarray:
        """Centers in the units of the data."""
        return self.scaling.outside(centers, self.dtype)

    def best_result(self, order: Any = None, metric: str = "euclidean") -> Result:
        """The best run in the units of the data, its clusters in the order that `label_order`
        gives.

        metric : that of the estimator

        If rounding to these units changes centers, or their order changes, rows are assigned again:
        labels are always those of `predict`, unless a rule has assigned them.
        """
        best = self.best
        scaled = self.scaling.divisors is not None
        if order is None and not scaled:
            return best
        centers, kept = self.outside(best.centers), np.arange(len(best.centers))
        if order is not None:
            kept = label_order(order, centers, best.counts, self.scaling, metric)
            centers = centers[kept]
        if self.rule is not None and not self.rule.labels_are_nearest:
            labels, counts = relabeled(best.labels, kept), best.counts[kept]
            return best._replace(centers=centers, labels=labels, counts=counts)
        inside = contiguous(self.scaling.inside(centers), np.float64)
        labels = self.data.assign(inside)
        return best._replace(
            centers=centers,
            labels=labels,
            counts=np.bincount(labels, minlength=len(centers)),
            inertia=self.data.inertia(inside, labels) if scaled else best.inertia,
        )

    def keep(self, seed: int | None, run: Any, n_iter: int, seconds: float) -> None:
        """Record a finished run, to whose iterations `n_iter` earlier ones are added."""
        inertia, n_iter = run.inertia(), n_iter + run.n_iter
        open_ = self.unexhausted
        best = self.best is None or inertia < self.best.inertia
        best_open = n_iter < self.max_iter and (open_ is None or inertia < open_[1].inertia)
        if best or best_open:
            result = Result(
                run.result_centers(), run.labels(), run.counts(), inertia, n_iter, run.stop_reason
            )
            self.best = result if best else self.best
            self.unexhausted = (len(self.runs), result) if best_open else open_
        if self.histories is not None:
            self.histories.append(run.history)
        self.runs.append(Run(seed, inertia, n_iter, run.stop_reason, seconds))
        self.current = None
