"""Fits over blocks of rows: the bits of a fit in one array, for any partition."""
import pickle
import warnings

from hypothesis import given, settings, strategies as st
import numpy as np
import pytest

import ckmeans
from ckmeans import KMeans
from ckmeans._blockwise import Fit
from ckmeans._sources import ArrayEngine
from ckmeans.partial import assign_block, survey_block

from checks import assert_same, fit
from strategies import problems


class Pickled(ArrayEngine):
    """An engine elsewhere: whatever goes to a task or comes back is pickled, and results come in another order."""

    in_process = False

    def map(self, task, *broadcast):
        results = []
        for index, (X, sample_weight) in enumerate(self.blocks()):
            sent = pickle.loads(pickle.dumps((task, X, sample_weight, index, broadcast)))
            results.append(pickle.dumps(sent[0](*sent[1:4], *sent[4])))
        return map(pickle.loads, results[::-1])


def solved(engine, model):
    """A model with what a fit over blocks found."""
    labels = np.full(len(engine.array), -1, np.int32)

    def sink(start, block):
        labels[start : start + len(block)] = block

    out = KMeans(model.n_clusters)
    best, out.runs_ = Fit(engine, model, sink if engine.in_process else None).solve()
    out.cluster_centers_, _, out.counts_, out.inertia_, out.n_iter_, out.stop_reason_ = best
    out.labels_ = labels if engine.in_process else KMeans.predict(_fitted(out, best.centers), engine.array)
    return out


def _fitted(model, centers):
    model.n_features_in_ = centers.shape[1]
    return model


@st.composite
def cuts(draw, n):
    return sorted(draw(st.lists(st.integers(0, n), max_size=5)))


@settings(max_examples=120, deadline=None)
@given(st.data())
@pytest.mark.parametrize("engine", [ArrayEngine, Pickled])
def test_any_partition_gives_the_bits_of_one_array(engine, data):
    problem = data.draw(problems())
    n = len(problem.X)
    whole = fit(problem)
    at = data.draw(cuts(n))
    model = KMeans(problem.k, init=problem.init, tol=problem.tol, max_iter=problem.max_iter)
    X = problem.X.copy()
    blocks = solved(engine(X, problem.weights, data.draw(st.integers(1, 3)), at), model)
    assert_same(blocks, whole)
    assert X.tobytes() == problem.X.tobytes()


@settings(max_examples=50, deadline=None)
@given(st.data())
@pytest.mark.parametrize("engine", [ArrayEngine, Pickled])
@pytest.mark.parametrize("init", ["k-means++", "random", "first", "k-means||"])
def test_draws_are_those_in_one_array(engine, init, data):
    problem = data.draw(problems())
    seed = data.draw(st.integers(0, 1000))
    model = KMeans(problem.k, init=init, n_init=data.draw(st.sampled_from([1, 3])), tol=problem.tol, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        whole = ckmeans.KMeans(**model.get_params()).fit(problem.X, sample_weight=problem.weights)
    blocks = solved(engine(problem.X, problem.weights, 1, data.draw(cuts(len(problem.X)))), model)
    assert [run[:4] for run in blocks.runs_] == [run[:4] for run in whole.runs_]
    assert_same(blocks, whole)
