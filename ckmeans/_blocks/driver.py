"""k-means over rows that are not in one array: the driver, which is the same for every engine that
can run a function on blocks of rows.

An engine is an object with

* ``map(task, *broadcast)``: calls ``task(X, sample_weight, index, *broadcast)`` for each block,
  index = 0, 1, ..., and yields the results in any order, each as soon as it is computed, or sums
  (+) of some of them. Every call has the same blocks. `task` is a function of a module; it, the
  broadcast arguments and the results can be pickled. sample_weight is None for all blocks or for
  none; a block may have no rows.
* ``n_threads``: the number of threads of a task.
* ``keeps``: whether blocks stay in their processes as `resident.Block`, which keeps data that makes
  the next pass faster.
* ``few_rows``: set before a pass: whether it looks at few rows only.
* ``in_process``: whether tasks run in this process and share its memory, so that broadcast
  arguments may be objects that take results. Then there are also ``held_bytes``, the memory that
  labels (those for the caller included), bounds and packed rows may take together, and ``mapped``,
  whether reading rows is cheap enough that packed rows are worth keeping.

Whatever differs between runs is written as a generator (an init, Lloyd's iterations), which yields
a request, (task, *arguments), and is sent the sum of the blocks' answers. All runs advance
together: one pass over the blocks answers one request of each.
"""

import math
import os
from time import perf_counter
from typing import Any

import numpy as np

from .._estimators.base import keep_centers, keep_result, leaving, warn_of_few_clusters
from .._estimators.defaults_by_size import default_effort
from .._estimators.labels import check_label_order, label_order
from .._estimators.restarts import ALGORITHMS, Result, Run, begin
from .._estimators.watch import BlockState
from .._input import checks as check
from .._native import engine as native
from .._refine import Plan, improve, plan, sample_size, sample_start, within_reason
from .._rules import rule_for
from ..partial import as_partial, assign_block
from . import checkpoint as files
from .inits import BLOCK_INITS, called, named
from .inits.answers import Added, Ranked
from .inits.cache import cache
from .inits.draws import rows_task
from .inits.views import as_rows, codes_of, open_block, weights_of
from .sample import sample_task
from .state import State
from .tasks import Whole, _digest, _sum, answer, assign_task, held_task, survey

#: Memory for the labels of all runs, where the engine works in this process. If they take more,
#: labels are not kept and all sums are computed anew in each pass.
LABELS_LIMIT = 64 << 20


def moments_task(X, sample_weight, index, whole):
    """The exact moments of a block's columns, used where other moments are not accurate enough for
    the variance of the columns.
    """
    if not len(X):
        return Added(np.zeros((1, 1), dtype=np.int64))
    return Added(native.exact_moments(open_block(X, sample_weight, whole)))


def far_task(X, sample_weight, index, whole, centers, limit):
    """A block's rows farthest from their centers, with labels and weights: candidates for the
    centers of empty clusters.
    """
    labels = np.full(len(X), -1, dtype=np.int32)
    assign_block(
        X,
        centers,
        whole.survey,
        sample_weight,
        labels=labels,
        inertia=False,
        n_threads=whole.n_threads,
    )
    array = as_rows(X, whole)
    weights = weights_of(X, sample_weight)
    far = native.block_squares(
        native.Data(array, None, whole.n_threads, False, False),
        whole.survey._native,
        centers,
        labels,
    )
    rows = np.flatnonzero((far > 0) & (weights > 0))
    return Ranked.of(
        array,
        rows,
        -far[rows],
        int(whole.starts[index]) + rows,
        limit,
        labels[rows],
        weights[rows],
        codes_of(X, index, whole)[rows],
    )


class Fit:
    """All runs of a fit, one pass at a time.

    Parameters
    ----------
    engine : see the top of this file
    model : KMeans
        Only its parameters are read.
    sink : function of (start, labels) or None
        Receives the labels of the best run, block by block; needs an engine in this process.
    checkpoint : path or None
        Where to write the state after each pass; a fit is resumed from an existing file.
    watch : object with before(fit) and after(fit), called around each pass, or None
    """

    def __init__(self, engine, model, sink=None, checkpoint=None, watch=None):
        if model.metric != "euclidean":
            raise ValueError(
                f"metric={model.metric!r} needs the rows in one array: fit(X); in "
                "blocks there is metric='euclidean'."
            )
        rule_for(model.get_params(deep=False), blocks=True)
        self.engine, self.sink, self.checkpoint, self.watch = engine, sink, checkpoint, watch
        self.k, self.max_iter, self.tol = int(model.n_clusters), model.max_iter, model.tol
        self.began = perf_counter()
        self.deadline = self.began + (model.max_time or np.inf)
        self.callback, self.called_off = model._watcher(), False
        self.label_order = model.label_order
        self.passes, self.variance, self.names = 0, None, None
        self.whole: Any = None  # from the first pass on: the rows of all blocks
        self.sums = None  # (sums of the columns, sum of the weights)
        self.weight = None  # of all rows, once they are labelled; None where it is their number
        saved = None if checkpoint is None else files.read(checkpoint)
        if saved is not None:
            header, arrays, self.survey = saved
            self.passes, self.variance = header["passes"], header["variance"]
            self.names = arrays["names"].astype(object) if "names" in arrays else None
            self.whole = Whole(self.survey, arrays["starts"], engine.n_threads, os.urandom(8).hex())
            self.content = header["content"]
            # One pass, to make sure that these are the rows of the checkpoint.
            found, _, content, self.some = survey(engine, True)
            files.compare_rows(checkpoint, self.whole, found, content == self.content)
        else:
            self.before()
            self.whole, self.names, self.content, self.some = survey(engine, checkpoint is not None)
            self.survey = self.whole.survey
            if self.names is None and getattr(engine, "names", None) is not None:
                self.names = np.array(engine.names, dtype=object)
            self.passes += 1
        check.check_n_clusters(self.k, self.survey.n_rows)
        self.d = len(self.survey.low)
        check_label_order(self.label_order, self.k, self.d)
        if self.tol == 0:
            self.variance = 0.0
        self.effort = default_effort(model, self.survey.n_rows, self.d)
        self.restarts = begin(
            model._init(),
            model.n_init if self.effort is None else self.effort.starts,
            model.random_state,
            self.d,
            BLOCK_INITS,
            named,
            called,
            lambda centers: check.as_centers(centers, self.k, self.d, self.survey.result_dtype),
        )
        # What was asked for is done to each run, the default to the best of them.
        refine = getattr(model, "refine", "default")
        self.plan: Plan | None = None if refine in (None, "default") else plan(refine)
        if self.plan is not None:
            drawn = check.seeds(model.random_state, len(self.restarts))
            self.restarts = [
                (seed if own is None else own, make)
                for seed, (own, make) in zip(drawn, self.restarts)
            ]
        self.states = [State(seed) for seed, _ in self.restarts]
        self.refines = self.plan is not None or self.effort is not None and self.effort.refines
        if self.refines:  # the last ones are others, refined
            count = 1 if self.plan is None else len(self.restarts)
            self.states += [State(None) for _ in range(count)]
        # Parameters that must be those of the checkpoint.
        seed = model.random_state
        self.asked = {
            "n_clusters": self.k,
            "max_iter": int(self.max_iter),
            "tol": float(self.tol),
            "runs": len(self.states),
            "random_state": int(seed) if isinstance(seed, (int, np.integer)) else None,
            "init": model.init
            if isinstance(model.init, str)
            else _digest([make() for _, make in self.restarts]),
            "refine": None if self.plan is None else repr(refine),
        }
        if saved is not None:
            files.compare(checkpoint, header, self.asked)
            for i, state in enumerate(self.states):
                files.restore(state, i, header, arrays)
        else:
            self.after()
        self.algorithm = ALGORITHMS[getattr(model, "algorithm", "auto")]
        self.holds = engine.in_process and 4 * self.survey.n_rows * len(self.states) <= LABELS_LIMIT
        self.held: Any = None  # native.Stream, with labels, bounds and packed rows
        self.final_labels = set()  # numbers of runs whose labels in `held` are final
        # If labels are not held, the last pass of a single run writes them, unless its clusters
        # are to be sorted afterwards.
        self.at_once = (
            self.sink is not None
            and not self.holds
            and len(self.states) == 1
            and self.label_order is None
        )
        self.given = False

    def before(self):
        if self.watch is not None:
            self.watch.before(self)

    def after(self):
        if self.checkpoint is not None:
            files.write(self.checkpoint, self)
        if self.watch is not None:
            self.watch.after(self)

    def ended(self):
        """The states of the runs that have ended; of a run and its refinement the better one."""
        if self.plan is None:
            return [state for state in self.states if state.inertia is not None]
        count = len(self.restarts)
        return [
            own if again.inertia is None or again.inertia > own.inertia else again
            for own, again in zip(self.states[:count], self.states[count:])
            if own.inertia is not None
        ]

    def best(self):
        """The state of the best run that has ended, the first of equal ones; None if none has."""
        return min(self.ended(), key=lambda state: state.inertia, default=None)

    def solve(self):
        """Do all runs; returns (Result without labels, list of Run)."""
        try:
            self.step([self.run(i) for i in range(len(self.restarts))])
            if self.refines:
                count = len(self.restarts)
                self.step([self.refined(i) for i in range(len(self.states) - count)])
        finally:
            cache.drop(self.whole.token)
        best = self.best()
        centers, counts = best.centers, best.counts
        if self.label_order is not None:
            order = label_order(self.label_order, centers.astype(self.survey.result_dtype), counts)
            best = State(best.seed)
            best.centers = centers = np.ascontiguousarray(centers[order])
        elif self.sink is not None and self.states.index(best) in self.final_labels:
            for index, start in enumerate(self.whole.starts[:-1]):
                self.sink(int(start), self.held.labels(self.states.index(best), index))
            self.given = True
        if self.label_order is not None or self.sink is not None and not self.given:
            self.step([self.final(best, self.sink)])
            counts = best.counts
        return self.result(self.best(), centers, counts), self.runs()

    def runs(self):
        """Records of the runs that have ended."""
        return [
            Run(
                state.seed,
                state.inertia,
                state.earlier + state.n_iter,
                state.stop,
                state.seconds,
            )
            for state in self.ended()
        ]

    def result(self, state, centers, counts):
        return Result(
            centers.astype(self.survey.result_dtype),
            None,
            counts,
            state.inertia,
            state.earlier + state.n_iter,
            state.stop,
        )

    def step(self, generators):
        """Run generators to their ends; each pass answers one request of each."""
        asked = {}
        for generator in generators:
            try:
                asked[generator] = next(generator)
            except StopIteration:  # this run had ended before the checkpoint
                pass
        while asked:
            requests = [request for request in asked.values() if request is not None]
            self.before()
            self.engine.few_rows = all(task is rows_task for task, *_ in requests)
            answers = _sum(self.engine.map(answer, requests))
            if answers is None:
                raise RuntimeError(
                    f"there were {self.survey.n_rows} rows in the first pass and "
                    "none in a later one: each pass needs all "
                    "rows again, so a function must make a new iterator whenever it "
                    "is called."
                )
            totals = iter(answers)
            self.passes += 1
            for generator, request in list(asked.items()):
                try:
                    asked[generator] = generator.send(None if request is None else next(totals))
                except StopIteration:
                    del asked[generator]
            self.after()

    def run(self, i):
        """One run, from its init to its end."""
        began = perf_counter()
        state = self.states[i]
        if state.centers is None:
            make = self.restarts[i][1]
            centers = make()
            state.centers = (yield from centers(self, state)) if callable(centers) else centers
        if i > 0 and state.n_iter == 0 and self.is_over():
            return
        yield from self.iterations(i, began)

    def is_over(self):
        """Whether no further run is to begin."""
        return self.called_off or perf_counter() > self.deadline

    def goes_on(self):
        """Whether a run still goes on, or one is to be refined."""
        count = len(self.restarts)
        own, refined = self.states[:count], self.states[count:]
        if any(state.stop is None for state in own):
            return True
        left = [state.n_iter < self.max_iter and not self.is_over() for state in own]
        left = left if self.plan is not None else [any(left)]
        return any(
            state.stop is None and (more or state.centers is not None)
            for state, more in zip(refined, left)
        )

    def to_refine(self, i):
        """The state of run i, or by default of the best one, if it has ended before `max_iter`
        iterations; else None.
        """
        of = self.states[: len(self.restarts)] if self.plan is None else [self.states[i]]
        ended = [one for one in of if one.inertia is not None and one.n_iter < self.max_iter]
        return min(ended, key=lambda state: state.inertia, default=None)

    def refined(self, i):
        """Run i, or by default the best one, refined: a run more, that goes on where it has
        ended.
        """
        began, at = perf_counter(), len(self.restarts) + i
        state = self.states[at]
        if state.centers is None:
            best = self.to_refine(i)
            if self.is_over() or best is None:
                return
            n, n_threads = self.survey.n_rows, self.engine.n_threads
            if self.plan is not None:
                how = within_reason(self.plan, n, self.d, self.k, best.n_iter)
            else:
                assert self.effort is not None
                how = self.effort.refinement(best.n_iter)
            random_state = np.random.RandomState([best.seed, 1])
            size = sample_size(how, n, self.d, self.k)
            start = sample_start(n, size, random_state)
            found = yield sample_task, self.whole, start, size
            labels = native.Data(found.rows, None, n_threads, False).assign(best.centers)
            weights = found.weights if self.survey.weighted else None
            centers = improve(
                how, found.rows, weights, best.centers, labels, random_state, n_threads
            )
            state.seed, state.earlier = best.seed, best.n_iter
            state.centers = centers.astype(self.survey.result_dtype).astype(np.float64)
        yield from self.iterations(at, began)

    def iterations(self, i, began):
        """The part of a run after its initial centers."""
        state, total = self.states[i], None
        if state.stop is None:
            total = yield from self.lloyd(i, state)
        if state.inertia is None:
            yield from self.final(
                state, self.sink if self.at_once else None, (i, total) if self.holds else None
            )
            self.given = self.at_once
            if self.holds:
                self.final_labels.add(i)
        state.seconds += perf_counter() - began

    def lloyd(self, i, state):
        """Iterations until no label changes, the centers move less than the tolerance, or a limit
        is reached; `lloyd/lloyd.pxi` does the same in one array.

        Returns the Partial of the last assignment.
        """
        slot = i if self.engine.keeps else None
        total = None
        checked = not self.holds or self.checkpoint is not None
        while state.stop is None:
            middle = self.survey.middle if self.variance is None and i == 0 else None
            if self.holds and middle is None:
                change = yield from self.held_pass(i, state.centers, None, checked)
            else:
                held = (self.hold(), i) if self.holds else None
                arguments = state.centers, False, middle, held, None, slot, checked
                change = yield assign_task, self.whole, *arguments
            if middle is not None:
                yield from self.find_variance(change, middle, state.centers)
            while self.variance is None:
                yield None  # run 0 will compute it in this pass
            total = total.apply(change) if self.holds and total is not None else change
            self.check_rows(total)
            changed = total.check != state.check if checked else change.n_changed > 0
            fresh, n_filled = state.centers, 0
            if changed:
                fresh = total.centers(state.centers)
                if not total.weights.all():
                    fresh = yield from self.fill_empty(total, state.centers)
                    moved = (fresh != state.centers).any(axis=1)
                    n_filled = int(np.count_nonzero(moved & (total.weights == 0)))
            # All attributes change between two passes, so a checkpoint has the state after an
            # iteration.
            steps = (fresh - state.centers).ravel()
            state.shift = float(np.add.accumulate(steps * steps)[-1])
            state.n_changed = (change.n_changed if self.holds else None) if changed else 0
            state.centers, state.check, state.counts = fresh, total.check, total.counts
            state.n_iter += 1
            if not changed:
                state.stop = "labels"
            elif state.shift <= self.tol * self.variance:
                state.stop = "tol"
            elif state.earlier + state.n_iter >= self.max_iter:
                state.stop = "max_iter"
            elif perf_counter() > self.deadline:
                state.stop = "max_time"
            if self.callback is not None and not self.called_off:
                self.called_off = bool(self.callback(BlockState(self, state, n_filled)))
            if self.called_off and state.stop is None:
                state.stop = "callback"
        return total

    def held_pass(self, i, centers, bound, checked):
        """What an assignment changes of the labels held for run i; bound: as in `Partial`."""
        held = self.hold()
        drawn = all(state.centers is not None for state in self.states[: len(self.restarts)])
        if drawn:
            cache.drop(self.whole.token)  # its memory is needed for labels, bounds and packed rows
        held.begin(i, centers, -1.0 if bound is None else bound, checked, drawn)
        yield held_task, self.whole, held, i
        return as_partial(self.survey, held.end(i), bound)

    def hold(self):
        """The labels, bounds and packed rows that this process keeps between passes."""
        if self.held is None:
            runs = len(self.states)
            room = max(0, self.engine.held_bytes - 4 * self.survey.n_rows * (runs + 1))
            self.held = native.Stream(
                self.survey._native,
                self.survey.dtype,
                self.survey.weighted,
                self.whole.starts,
                self.k,
                self.engine.n_threads,
                runs,
                self.algorithm,
                room,
                self.engine.mapped,
            )
        return self.held

    def check_rows(self, total):
        """Raise if a pass had other rows than the passes before: the sums over all rows are exact,
        so they serve as a checksum.

        If labels are held, only changes are summed, and a row that has changed is not noticed.
        """
        if total.n_rows != self.survey.n_rows:
            raise RuntimeError(
                f"there were {self.survey.n_rows} rows in the first pass and "
                f"{total.n_rows} in a later one."
            )
        sums, weight = total.total_sums, total.total_weight
        if self.sums is None:
            self.sums = sums, weight
        before = np.append(*self.sums)
        now = np.append(sums, weight)
        for j in np.flatnonzero(before != now)[:1]:
            what = f"column {j}" if j < self.d else "the weights"
            raise RuntimeError(
                f"the rows have changed between two passes: the sum of {what} was "
                f"{before[j]:.17g} and is {now[j]:.17g} now. "
                "Each pass needs the same rows."
            )

    def find_variance(self, partial, middle, centers):
        """The mean variance of the columns, from moments about `middle` that an assignment has
        computed; with more passes if `middle` is too far from the means.
        """
        variance, middle = partial.variance(middle)
        for _ in range(2):
            if middle is None:
                break
            partial = yield assign_task, self.whole, centers[:1], False, middle
            variance, middle = partial.variance(middle)
        if middle is not None or variance != variance:
            (moments,) = (yield moments_task, self.whole).arrays
            variance = native.exact_variance(moments)
        self.variance = variance

    def fill_empty(self, total, centers):
        """New centers, if clusters are empty: each of these gets, in turn, the row farthest from
        its center, as in `lloyd/empty_clusters.pxi`.
        """
        candidates = yield (
            far_task,
            self.whole,
            centers,
            int(np.count_nonzero(total.weights == 0)) + self.k,
        )
        left, taken, given = total.copy(), {}, set()
        candidates = iter(candidates)
        for cluster in np.flatnonzero(total.weights == 0):
            for row, label, weight in candidates:
                left.move(row, int(label), -weight)
                if (row + 0.0).tobytes() not in given and left.weights[int(label)] > 0:
                    given.add((row + 0.0).tobytes())  # -0.0 equals 0.0
                    taken[cluster] = row
                    break
                left.move(row, int(label), weight)
        fresh = left.centers(centers)
        for cluster, row in taken.items():
            fresh[cluster] = row
        return fresh

    def final(self, state, sink=None, held=None):
        """The assignment to the final centers: counts, inertia, labels.

        held : the number of the run and what `lloyd` returned, if labels are held
        """
        if held is None:
            total = yield assign_task, self.whole, state.centers, True, None, None, sink
        else:
            i, before = held
            total = yield from self.held_pass(
                i, state.centers, self.survey.bound(state.centers), False
            )
            total = total if before is None else before.apply(total)
        self.check_rows(total)
        state.counts, state.inertia = total.counts, total.inertia
        self.weight = math.fsum(total.weights) if self.survey.weighted else None

    def warn_of_spreads(self):
        """Warn of columns whose spreads differ, judged by some of the rows."""
        if self.names is None:
            return
        numbers = [str(self.names[j]) for j in check.numbers_of_rows(self.some, self.names)]
        remedy = "divide them by their spreads first"
        check.warn_of_spreads(self.some, self.names, numbers, remedy)


def fit_blocks(model, engine, sink=None, checkpoint=None, watch=None, names=None):
    """Fit a model over an engine; arguments as of `Fit`.

    names : names of the columns, if the engine's blocks do not have them
    """
    # (This makes a pass, before there is anything to keep.)
    fit = Fit(engine, model, sink, checkpoint, watch)
    if names is not None:
        fit.names = names
    fit.warn_of_spreads()
    if sink is not None:
        sink.open(fit.survey.n_rows)
    with leaving(lambda: keep_interrupted(model, fit)):
        best, runs = fit.solve()
        keep_result(model, best, runs, fit.names, fit.d, weight=fit.weight)
    warn_of_few_clusters(model)


def keep_interrupted(model, fit):
    """Set the attributes of a model from the best result so far."""
    best = fit.best()
    if best is not None:
        centers, counts = best.centers, best.counts
        if fit.label_order is not None:
            # Rows at equal distances may get another center now: the counts would take a pass.
            centers, counts = (
                centers[
                    label_order(fit.label_order, centers.astype(fit.survey.result_dtype), counts)
                ],
                None,
            )
        keep_result(
            model, fit.result(best, centers, counts), fit.runs(), fit.names, fit.d, interrupted=True
        )
    elif fit.states[0].centers is not None:
        keep_centers(
            model,
            fit.states[0].centers.astype(fit.survey.result_dtype),
            fit.states[0].n_iter,
            fit.names,
            fit.d,
        )


def inertia(engine, centers):
    """Weighted sum of the squared distances of all rows to the nearest of these centers."""
    whole, *_ = survey(engine)
    (total,) = _sum(engine.map(answer, [(assign_task, whole, centers, True)]))
    return total.inertia
