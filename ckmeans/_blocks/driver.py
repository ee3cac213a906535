"""k-means over rows that are not in one array: the driver, written once for every engine that can
run a function on blocks of rows.

An engine is an object with

* ``map(task, *broadcast)``: calls ``task(X, sample_weight, index, *broadcast)`` for each block,
  index = 0, 1, ..., and gives the results in any order, each as soon as it is there, or sums (+) of
  some of them; the same blocks whenever it is called. `task` is a function of a module, and it,
  what is broadcast and the results can be pickled. sample_weight is None for all blocks or for
  none; a block may have no rows.
* ``n_threads``: how many threads a task may use.
* ``keeps``: whether blocks stay in their processes as `_kept.Block`, which may then keep what helps
  the next pass.
* ``few_rows``: set before a pass, whether that looks at few rows only.
* ``in_process``: whether tasks run in this process and share its memory, so that what they
  broadcast may hold results; then also ``held_bytes``, what labels (those for the caller included),
  bounds and packed rows may take together, and ``mapped``, whether reading rows costs so little
  that packed ones are worth keeping.

All that differs from run to run is written as a generator (an init, Lloyd's iterations) that yields
a request, (task, *arguments), and is sent the sum of the blocks' answers. Runs go in step: one pass
over the blocks answers one request of each.
"""

import os
from time import perf_counter

import numpy as np

from .._estimators.base import keep_centers, keep_result, leaving, warn_of_few_clusters
from .._estimators.labels import check_label_order, label_order
from .._estimators.restarts import ALGORITHMS, Result, Run, begin
from .._estimators.watch import BlockState
from .._input import checks as check
from .._native import engine as native
from ..partial import as_partial, assign_block
from . import checkpoint as files
from . import inits as seeding
from .state import State
from .tasks import Whole, _digest, _sum, answer, assign_task, held_task, survey

#: Bytes of labels that are held for the runs in step, where the engine works in this process;
#: without, all sums are made anew.
LABELS_LIMIT = 64 << 20


def moments_task(X, sample_weight, index, whole):
    """A block's share of the exact moments of the columns, by which their variance is found where
    others are not good enough.
    """
    if not len(X):
        return seeding.Added(np.zeros((1, 1), dtype=np.int64))
    return seeding.Added(native.exact_moments(seeding.open_block(X, sample_weight, whole)))


def far_task(X, sample_weight, index, whole, centers, limit):
    """A block's rows farthest from their own centers, with label and weight: what empty clusters
    may take.
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
    array = seeding.as_rows(X, whole)
    weights = seeding.weights_of(X, sample_weight)
    far = native.block_squares(
        native.Data(array, None, whole.n_threads, False, False),
        whole.survey._native,
        centers,
        labels,
    )
    rows = np.flatnonzero((far > 0) & (weights > 0))
    return seeding.Ranked.of(
        array, rows, -far[rows], int(whole.starts[index]) + rows, limit, labels[rows], weights[rows]
    )


class Fit:
    """All runs of a fit, in step.

    Parameters
    ----------
    engine : see the top of this file
    model : KMeans
        Parameters are taken from it; nothing is set.
    sink : function of (start, labels) or None
        Is given the labels of the best run, block by block; needs an engine in this process.
    checkpoint : path or None
        Where to write the state after each pass; a fit goes on from what is there.
    watch : object with before(fit) and after(fit), called around each pass, or None
    """

    def __init__(self, engine, model, sink=None, checkpoint=None, watch=None):
        if model.metric != "euclidean":
            raise ValueError(
                f"metric={model.metric!r} needs the rows in one array: fit(X); in "
                "blocks there is metric='euclidean'."
            )
        self.engine, self.sink, self.checkpoint, self.watch = engine, sink, checkpoint, watch
        self.k, self.max_iter, self.tol = int(model.n_clusters), model.max_iter, model.tol
        self.began = perf_counter()
        self.deadline = self.began + (model.max_time or np.inf)
        self.callback, self.called_off = model.callback, False
        self.label_order = model.label_order
        self.passes, self.whole, self.variance, self.names = 0, None, None, None
        self.sums = None  # of all rows, column by column, and of their weights
        saved = None if checkpoint is None else files.read(checkpoint)
        if saved is not None:
            header, arrays, self.survey = saved
            self.passes, self.variance = header["passes"], header["variance"]
            self.names = arrays["names"].astype(object) if "names" in arrays else None
            self.whole = Whole(self.survey, arrays["starts"], engine.n_threads, os.urandom(8).hex())
            self.content = header["content"]
            found, _, content = survey(
                engine, True
            )  # a pass: else the result of other rows would be taken for that of these
            files.compare_rows(checkpoint, self.whole, found, content == self.content)
        else:
            self.before()
            self.whole, self.names, self.content = survey(engine, checkpoint is not None)
            self.survey = self.whole.survey
            if self.names is None and getattr(engine, "names", None) is not None:
                self.names = np.array(engine.names, dtype=object)
            self.passes += 1
        check.check_n_clusters(self.k, self.survey.n_rows)
        self.d = len(self.survey.low)
        check_label_order(self.label_order, self.k, self.d)
        if self.tol == 0:
            self.variance = 0.0
        self.restarts = begin(
            model._init(),
            model.n_init,
            model.random_state,
            self.d,
            seeding.BLOCK_INITS,
            seeding.named,
            seeding.called,
            lambda centers: check.as_centers(centers, self.k, self.d, self.survey.result_dtype),
        )
        self.states = [State(seed) for seed, _ in self.restarts]
        # What a checkpoint must agree with.
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
        }
        if saved is not None:
            files.compare(checkpoint, header, self.asked)
            for i, state in enumerate(self.states):
                files.restore(state, i, header, arrays)
        else:
            self.after()
        self.algorithm = ALGORITHMS[getattr(model, "algorithm", "auto")]
        self.holds = engine.in_process and 4 * self.survey.n_rows * len(self.states) <= LABELS_LIMIT
        self.held, self.final_labels = (
            None,
            set(),
        )  # native.Stream; runs whose labels there are those of their results
        # Where labels are not held, those of a lone run are final with its last pass, unless its
        # clusters are put in order then.
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

    def best(self):
        """The state of the best run that has ended; None where none has."""
        done = [state for state in self.states if state.inertia is not None]
        return (
            min(done, key=lambda state: state.inertia) if done else None
        )  # the first of equal ones

    def solve(self):
        """Run all; returns (Result without labels, list of Run)."""
        try:
            self.step([self.run(i) for i in range(len(self.states))])
        finally:
            seeding.cache.drop(self.whole.token)
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
            Run(state.seed, state.inertia, state.n_iter, state.stop, state.seconds)
            for state in self.states
            if state.inertia is not None
        ]

    def result(self, state, centers, counts):
        return Result(
            centers.astype(self.survey.result_dtype),
            None,
            counts,
            state.inertia,
            state.n_iter,
            state.stop,
        )

    def step(self, generators):
        """Run generators to their ends, all in step."""
        asked = {}
        for generator in generators:
            try:
                asked[generator] = next(generator)
            except StopIteration:  # a run that had ended already
                pass
        while asked:
            requests = [request for request in asked.values() if request is not None]
            self.before()
            self.engine.few_rows = all(task is seeding.rows_task for task, *_ in requests)
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
        if i > 0 and state.n_iter == 0 and (self.called_off or perf_counter() > self.deadline):
            return
        total = None
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
        """Iterations until no label changes, the centers stay or there were enough; see lloyd/lloyd.pxi,
        which does the same in one array.

        Returns the Partial of the last assignment.
        """
        slot = i if self.engine.keeps else None
        total = None
        checked = not self.holds or self.checkpoint is not None
        while state.stop is None:
            middle = self.survey.middle if self.variance is None and i == 0 else None
            if not self.holds:
                change = yield (
                    assign_task,
                    self.whole,
                    state.centers,
                    False,
                    middle,
                    None,
                    None,
                    slot,
                    checked,
                )
            elif middle is not None:
                change = yield (
                    assign_task,
                    self.whole,
                    state.centers,
                    False,
                    middle,
                    (self.hold(), i),
                    None,
                    slot,
                    checked,
                )
            else:
                change = yield from self.held_pass(i, state.centers, None, checked)
            if middle is not None:
                yield from self.find_variance(change, middle, state.centers)
            while self.variance is None:
                yield None  # run 0 is about to find it
            total = total.apply(change) if self.holds and total is not None else change
            self.check_rows(total)
            changed = total.check != state.check if checked else change.n_changed > 0
            fresh = state.centers
            if changed:
                fresh = total.centers(state.centers)
                if not total.weights.all():
                    fresh = yield from self.fill_empty(total, state.centers)
            # All at once, with no pass in between: a checkpoint holds what is true after an
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
            elif state.n_iter >= self.max_iter:
                state.stop = "max_iter"
            elif perf_counter() > self.deadline:
                state.stop = "max_time"
            if self.callback is not None and not self.called_off:
                self.called_off = bool(self.callback(BlockState(self, state)))
            if self.called_off and state.stop is None:
                state.stop = "callback"
        return total

    def held_pass(self, i, centers, bound, checked):
        """What an assignment changes of the labels held for run i; bound: as in `Partial`."""
        held = self.hold()
        drawn = all(state.centers is not None for state in self.states)
        if drawn:
            seeding.cache.drop(self.whole.token)  # what is held takes its room
        held.begin(i, centers, -1.0 if bound is None else bound, checked, drawn)
        yield held_task, self.whole, held, i
        return as_partial(self.survey, held.end(i), bound)

    def hold(self):
        """What is held in this process from pass to pass."""
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
        """Raise where a pass had other rows than those before: sums over all rows are exact, and so
        a checksum that costs nothing.

        Where labels are held only what changes is summed up, and other values of a row are not
        noticed.
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
        """The mean variance of the columns, from moments that were taken on the way; about their
        means where those are far off.
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
        """New centers where clusters are empty: each takes, in order, the row farthest from its own
        center; see lloyd/empty_clusters.pxi.
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
        """The assignment to the final centers, which a run ends on: counts, inertia, labels.

        held : the number of the run and what `lloyd` returned, where labels are held
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


def fit_blocks(model, engine, sink=None, checkpoint=None, watch=None, names=None):
    """Fit a model over an engine; arguments as of `Fit`. names: of the columns, where the engine's
    blocks do not have them.
    """
    fit = Fit(
        engine, model, sink, checkpoint, watch
    )  # a survey: what ends that has reached nothing
    if names is not None:
        fit.names = names
    if sink is not None:
        sink.open(fit.survey.n_rows)
    with leaving(lambda: keep_interrupted(model, fit)):
        best, runs = fit.solve()
        keep_result(model, best, runs, fit.names, fit.d)
    warn_of_few_clusters(model)


def keep_interrupted(model, fit):
    best = fit.best()
    if best is not None:
        centers, counts = best.centers, best.counts
        if (
            fit.label_order is not None
        ):  # then rows as far from two centers may be counted elsewhere, which takes a pass
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
    whole, _, _ = survey(engine)
    (total,) = _sum(engine.map(answer, [(assign_task, whole, centers, True)]))
    return total.inertia
