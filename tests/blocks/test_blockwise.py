"""Fits over blocks of rows: the bits of a fit in one array, for any partition."""

import functools
import operator
import pickle
import warnings
import weakref

import numpy as np
import pytest
from checks import assert_same, fit
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import problems

import ckmeans
from ckmeans import KMeans
from ckmeans._blocks.driver import Fit
from ckmeans._blocks.resident import Block
from ckmeans._blocks.sources.arrays import ArrayEngine
from ckmeans.partial import assign_block, survey_block


class Pickled(ArrayEngine):
    """An engine like one in other processes: arguments and results of tasks are pickled, and
    results come in another order.
    """

    in_process = False

    def map(self, task, *broadcast):
        results = []
        for index, (X, sample_weight) in enumerate(self.blocks()):
            sent = pickle.loads(pickle.dumps((task, X, sample_weight, index, broadcast)))
            results.append(pickle.dumps(sent[0](*sent[1:4], *sent[4])))
        return map(pickle.loads, results[::-1])


class Staying(ArrayEngine):
    """An engine with resident blocks; now and then one is lost and made again, and answers come as
    sums.
    """

    in_process, keeps = False, True
    held, calls, lost = None, 0, 7

    def map(self, task, *broadcast):
        if self.held is None:
            self.held = [Block(X, sample_weight) for X, sample_weight in self.blocks()]
        results = []
        for index, block in enumerate(self.held):
            self.calls += 1
            if self.calls % self.lost == 0:
                block = self.held[index] = pickle.loads(pickle.dumps(block))
            results.append(block.run(task, index, *pickle.loads(pickle.dumps(broadcast))))
        middle = len(results) // 2
        return [
            functools.reduce(operator.add, some)
            for some in (results[:middle], results[middle:])
            if some
        ]


def solved(engine, model, fits=None):
    """A model with the results of a fit over blocks. fits: list to which the fit is added"""
    labels = np.full(len(engine.array), -1, np.int32)

    def sink(start, block):
        labels[start : start + len(block)] = block

    out = KMeans(model.n_clusters)
    fit_ = Fit(engine, model, sink if engine.in_process else None)
    if fits is not None:
        fits.append(fit_)
    best, out.runs_ = fit_.solve()
    out.cluster_centers_, _, out.counts_, out.inertia_, out.n_iter_, out.stop_reason_ = best
    out.labels_ = (
        labels if engine.in_process else KMeans.predict(_fitted(out, best.centers), engine.array)
    )
    return out


def _fitted(model, centers):
    model.n_features_in_ = centers.shape[1]
    return model


@st.composite
def cuts(draw, n):
    return sorted(draw(st.lists(st.integers(0, n), max_size=5)))


@settings(max_examples=80, deadline=None)
@given(st.data())
@pytest.mark.parametrize("engine", [ArrayEngine, Pickled, Staying])
def test_any_partition_gives_the_bits_of_one_array(engine, data):
    problem = data.draw(problems())
    n = len(problem.X)
    whole = fit(problem)
    at = data.draw(cuts(n))
    model = KMeans(
        problem.k,
        init=problem.init,
        tol=problem.tol,
        max_iter=problem.max_iter,
        algorithm=data.draw(st.sampled_from(["auto", "lloyd", "yinyang"])),
    )
    X = problem.X.copy()
    blocks = solved(engine(X, problem.weights, data.draw(st.integers(1, 3)), at), model)
    assert_same(blocks, whole)
    assert X.tobytes() == problem.X.tobytes()


@settings(max_examples=25, deadline=None)
@given(st.data())
@pytest.mark.parametrize("engine", [ArrayEngine, Pickled])
@pytest.mark.parametrize("init", ["k-means++", "random", "first", "k-means||"])
def test_draws_are_those_in_one_array(engine, init, data):
    problem = data.draw(problems())
    seed = data.draw(st.integers(0, 1000))
    model = KMeans(
        problem.k,
        init=init,
        n_init=data.draw(st.sampled_from([1, 3])),
        tol=problem.tol,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        whole = ckmeans.KMeans(**model.get_params()).fit(problem.X, sample_weight=problem.weights)
    blocks = solved(engine(problem.X, problem.weights, 1, data.draw(cuts(len(problem.X)))), model)
    assert [run[:4] for run in blocks.runs_] == [run[:4] for run in whole.runs_]
    assert_same(blocks, whole)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("algorithm", ["auto", "lloyd", "yinyang"])
@pytest.mark.parametrize(
    "held_bytes, mapped, kept, bounded",
    [
        (10**9, True, 5, 5),
        (10**9, False, 0, 5),
        (820_000, True, 3, 5),
        (300_000, False, 0, 3),
        (0, True, 0, 0),
    ],
)
def test_what_is_held_between_passes_changes_no_bit(
    held_bytes, mapped, kept, bounded, algorithm, dtype
):
    """Bounds of all, some or no blocks, and packed rows of some."""
    rng = np.random.default_rng(2)
    X = (
        (
            (
                rng.normal(size=(40, 12))[rng.integers(40, size=20_000)] * 3
                + rng.normal(size=(20_000, 12))
            )
            * 8
            + 128
        )
        .clip(0, 255)
        .astype(dtype)
    )
    weights = rng.integers(0, 3, size=len(X)).astype(float)
    weights[:3000] = 1
    for n_runs, sample_weight in ((1, None), (2, weights)):
        init = X[rng.choice(len(X), (n_runs, 40), replace=False)].astype(float)
        model = KMeans(40, init=init, tol=0, max_iter=40, algorithm=algorithm)
        engine = ArrayEngine(X, sample_weight, 2, [100, 7001, 7001, 15_000])
        engine.held_bytes, engine.mapped = held_bytes, mapped
        fits = []
        blocks = solved(engine, model, fits)
        whole = model.fit(X, sample_weight=sample_weight)
        assert_same(blocks, whole)
        state = fits[0].held.state(0)
        if n_runs == 1 and algorithm == "yinyang":
            assert (state["bounding"], state["bounded"], state["kept"]) == (
                bounded > 0,
                bounded,
                kept,
            )
            assert not bounded or state["pairs_per_row"] < 20
        if algorithm == "lloyd":
            assert state["bounded"] == 0 and not state["bounding"]


@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_that_stay_are_large_enough_for_boxes(weighted):
    rng = np.random.default_rng(3)
    X = (rng.normal(size=(60_000, 2)) + 6 * rng.integers(6, size=(60_000, 2))).astype(np.float32)
    weights = rng.integers(0, 4, size=len(X)).astype(float) if weighted else None
    model = KMeans(100, init=[X[:100], X[100:200]], tol=0, max_iter=30)
    engine = Staying(X, weights, cuts=[25_000])
    engine.lost = 10**6
    blocks = solved(engine, model)
    assert_same(blocks, model.fit(X, sample_weight=weights))
    runs = [run for block in engine.held for run, _ in block.rows.kept.runs.values()]
    assert all(run.counters()["boxed"] for run in runs)


def test_a_run_over_rows_that_another_run_has_put_in_order():
    """Boxes pay for the first of two runs over the same kept rows, and not for the second."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(64, 2)) * 3
    X = middles[rng.integers(64, size=8000)] + rng.normal(size=(8000, 2)) * 0.05
    survey = survey_block(X)
    kept = Block(X).rows.kept
    for _ in range(14):
        near, far = (
            middles + rng.normal(size=(64, 2)) * 0.01,
            X.mean(axis=0) + rng.normal(size=(64, 2)) * 1e-6,
        )
        for slot, centers in enumerate((near, far)):
            ours = kept.assign(centers, survey, 0, slot, 1)
            whole = assign_block(X, centers, survey, inertia=False)
            assert ours.check == whole.check
            assert np.array_equal(ours.sums, whole.sums)
    assert kept.runs[0][0].counters()["boxed"]


def test_an_interrupt_leaves_no_half_made_run_behind(monkeypatch):
    X = np.random.default_rng(0).normal(size=(200, 2))
    survey = survey_block(X)
    kept = Block(X).rows.kept
    kept.assign(X[:3].copy(), survey, 0, 0, 1)

    def interrupted(run, centers):
        run.iterate()  # labels, sums and centers have changed by now
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr("ckmeans._blocks.resident.native.held_assign", interrupted)
        with pytest.raises(KeyboardInterrupt):
            kept.assign(X[3:6].copy(), survey, 0, 0, 1)
    ours, whole = (
        kept.assign(X[3:6].copy(), survey, 0, 0, 1),
        assign_block(X, X[3:6].copy(), survey, inertia=False),
    )
    assert ours.check == whole.check
    assert np.array_equal(ours.sums, whole.sums)
    assert ours.n_changed == len(X)


def test_what_is_kept_goes_with_the_block():
    block = Block(np.arange(8.0).reshape(4, 2))
    survey = survey_block(block.array)
    for slot in range(2):
        assert block.rows.kept.assign(np.zeros((1, 2)), survey, 0, slot, 1).counts == [4]
    kept = weakref.ref(block.rows.kept)
    del block
    assert kept() is None
