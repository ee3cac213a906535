"""Where runs start, which one is kept, and their records."""

import warnings

import numpy as np
import oracle
import pytest
from checks import assert_same, expected, fit
from hypothesis import given
from hypothesis import strategies as st
from strategies import Problem, problems

from ckmeans import ConvergenceWarning, IterState, KMeans, Run, k_means, kmeans_plusplus

DRAWN = ["k-means++", "random", "random-partition"]


@pytest.fixture(scope="module")
def X():
    """Overlapping blobs, with many local minima."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(12, 3))[rng.integers(12, size=400)] * 4 + rng.normal(size=(400, 3))


def some_rows(X, n_clusters, random_state):
    return X[random_state.choice(len(X), n_clusters, replace=False)]


# ---- seeds and records


@pytest.mark.parametrize("init", [*DRAWN, some_rows])
def test_every_restart_can_be_repeated_alone(X, init):
    model = KMeans(9, init=init, n_init=6, random_state=42).fit(X)
    assert len(model.runs_) == 6
    assert len({run.seed for run in model.runs_}) == 6
    for run in model.runs_:
        alone = KMeans(9, init=init, n_init=1, random_state=run.seed).fit(X)
        assert (alone.inertia_, alone.n_iter_) == (run.inertia, run.n_iter)
        assert alone.stop_reason_ == run.stop_reason
        assert alone.runs_[0].seed == run.seed
        if run.inertia == model.inertia_:
            assert_same(alone, model)
            break


def test_records(X):
    model = KMeans(9, n_init=5, random_state=1).fit(X)
    for run in model.runs_:
        assert isinstance(run, Run)
        assert Run._fields == ("seed", "inertia", "n_iter", "stop_reason", "seconds")
        assert [type(value) for value in run] == [int, float, int, str, float]
        assert run.stop_reason in ("labels", "tol", "max_iter")
        assert run.seconds >= 0
    assert isinstance(model.runs_, tuple)


@pytest.mark.parametrize("init", DRAWN)
def test_the_best_run_is_kept(X, init):
    model = KMeans(9, init=init, n_init=8, random_state=5).fit(X)
    best = min(model.runs_, key=lambda run: run.inertia)
    assert (model.inertia_, model.n_iter_) == (best.inertia, best.n_iter)
    assert model.stop_reason_ == best.stop_reason
    assert len({run.inertia for run in model.runs_}) > 1


def test_an_integer_seeds_the_first_restart_itself(X):
    seeds = [run.seed for run in KMeans(4, n_init=5, random_state=11).fit(X).runs_]
    assert seeds == [11, *np.random.RandomState(11).randint(2**31 - 1, size=5)[1:]]


def test_seeds_of_more_restarts_begin_with_those_of_fewer(X):
    few = [run.seed for run in KMeans(4, n_init=3, random_state=8).fit(X).runs_]
    many = [run.seed for run in KMeans(4, n_init=9, random_state=8).fit(X).runs_]
    assert many[:3] == few


def test_kinds_of_random_state(X):
    def seeds(random_state):
        return [run.seed for run in KMeans(4, n_init=4, random_state=random_state).fit(X).runs_]

    assert (
        seeds(np.random.RandomState(3))
        == np.random.RandomState(3).randint(2**31 - 1, size=4).tolist()
    )
    assert (
        seeds(np.random.default_rng(3))
        == np.random.default_rng(3).integers(2**31 - 1, size=4).tolist()
    )
    assert seeds(np.int64(3)) == seeds(3)
    np.random.seed(7)
    drawn = seeds(None)
    np.random.seed(7)
    assert seeds(None) == drawn
    assert seeds(None) != drawn


@pytest.mark.parametrize("init", [*DRAWN, "first"])
def test_the_global_generator_is_left_alone_when_there_is_a_seed(X, init):
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    KMeans(4, init=init, random_state=0).fit(X)
    assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("random_state", [-1, 2**32, 1.5, "seed", True])
def test_impossible_random_states(X, random_state):
    with pytest.raises((TypeError, ValueError), match="random_state"):
        KMeans(4, random_state=random_state).fit(X)


# ---- how many restarts


@pytest.mark.parametrize(
    "init, n_runs", [*((name, 10) for name in DRAWN), (some_rows, 10), ("first", 1)]
)
def test_auto_restarts(X, init, n_runs):
    model = KMeans(4, init=init, random_state=0).fit(X)
    assert len(model.runs_) == n_runs


def test_given_centers_run_once(X):
    model = KMeans(4, init=X[:4], random_state=0).fit(X)
    assert len(model.runs_) == 1
    assert model.runs_[0].seed is None
    assert len(KMeans(4, init=X[:4].tolist()).fit(X).runs_) == 1


@pytest.mark.parametrize("collect", [np.stack, list, tuple, iter])
def test_one_restart_for_each_of_several_centers(X, collect):
    starts = [X[i : i + 6] for i in (0, 50, 100)]
    model = KMeans(6, init=collect(starts)).fit(X)
    alone = [KMeans(6, init=start).fit(X) for start in starts]
    assert [run.inertia for run in model.runs_] == [one.inertia_ for one in alone]
    assert [run.seed for run in model.runs_] == [None] * 3
    assert_same(model, min(alone, key=lambda one: one.inertia_))


def test_a_tie_keeps_the_earlier_run():
    """The same partition under other numbers has the same inertia to the last bit."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 2)) + 1e4 * rng.integers(0, 3, size=(300, 1))
    first = np.array([X[X[:, 0] < 5e3][0], X[abs(X[:, 0] - 1e4) < 5e3][0], X[X[:, 0] > 15e3][0]])
    orders = [[2, 0, 1], [0, 1, 2], [1, 2, 0]]
    model = KMeans(3, init=[first[order] for order in orders]).fit(X)
    assert len({run.inertia for run in model.runs_}) == 1
    assert_same(model, KMeans(3, init=first[orders[0]]).fit(X))


@pytest.mark.parametrize("init", [np.zeros((2, 3, 4)), [np.zeros((9, 3)), np.zeros((8, 3))], []])
def test_impossible_centers(X, init):
    with pytest.raises(ValueError):
        KMeans(9, init=init).fit(X)


# ---- callables


def test_a_callable_gets_the_data_the_count_and_a_generator(X):
    calls = []

    def init(X, n_clusters, random_state):
        calls.append((X, n_clusters, random_state.randint(1 << 30)))
        return X[: n_clusters + 2][2:]

    model = KMeans(5, init=init, n_init=3, random_state=4).fit(X)
    assert len(calls) == 3
    for (data, k, drawn), run in zip(calls, model.runs_):
        assert np.array_equal(data, X)
        assert k == 5
        assert drawn == np.random.RandomState(run.seed).randint(1 << 30)
    assert_same(model, KMeans(5, init=X[2:7]).fit(X))


def test_a_callable_may_fit_and_draw_in_turn(X):
    """The generator that an init gets is not shared with other code."""

    def init(X, n_clusters, random_state):
        random_state.random_sample()
        KMeans(3, n_init=2, random_state=9).fit(X)
        kmeans_plusplus(X, 3, random_state=1)
        return X[random_state.choice(len(X), n_clusters, replace=False)]

    def plain(X, n_clusters, random_state):
        random_state.random_sample()
        return X[random_state.choice(len(X), n_clusters, replace=False)]

    one, other = (KMeans(5, init=f, n_init=3, random_state=4).fit(X) for f in (init, plain))
    assert_same(one, other)


def test_a_callable_that_keeps_its_generator(X):
    kept = []

    def init(X, n_clusters, random_state):
        kept.append(random_state)
        return X[:n_clusters]

    model = KMeans(3, init=init, n_init=2, random_state=4).fit(X)
    assert [r.randint(1 << 30) for r in kept] == [
        np.random.RandomState(run.seed).randint(1 << 30) for run in model.runs_
    ]


def test_a_callable_that_fails_is_heard(X):
    def init(X, n_clusters, random_state):
        raise LookupError("no centers today")

    with pytest.raises(LookupError, match="today"):
        KMeans(3, init=init).fit(X)
    with pytest.raises(ValueError):
        KMeans(3, init=lambda X, n_clusters, random_state: X[:2]).fit(X)


# ---- the named inits


def test_first_takes_the_first_distinct_rows():
    X = np.array([[1.0], [1], [2], [1], [2], [7], [7], [3], [50]])
    start = next(KMeans(4, init="first").iter_fit(X))
    at_first = np.array([[1.0], [2], [7], [3]])
    assert np.array_equal(start.centers, at_first)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_drawn_rows_are_distinct(init):
    X = np.repeat(np.arange(10.0)[:, None], 50, axis=0)
    for seed in range(10):
        # Starting from 10 distinct rows is the only way to end after one update without inertia.
        assert KMeans(10, init=init, n_init=1, max_iter=1, random_state=seed).fit(X).inertia_ == 0


def test_kmeans_plusplus_draws_what_the_estimator_starts_from(X):
    centers, indices = kmeans_plusplus(X, 7, random_state=21)
    assert np.array_equal(centers, X[indices])
    assert indices.shape == (7,) and indices.dtype.kind == "i"
    assert_same(KMeans(7, n_init=1, random_state=21).fit(X), KMeans(7, init=centers).fit(X))


@given(problems(max_rows=40), st.integers(0, 2**32 - 1), st.sampled_from([None, None, 1, 2, 5, 20]))
def test_kmeans_plusplus_equals_the_oracle(problem, seed, trials):
    n_drawn = 1 + (problem.k - 1) * (trials or 2 + int(np.log(problem.k)))
    uniforms = np.random.RandomState(seed).random_sample(n_drawn)
    indices = oracle.kmeans_plusplus(problem.X, problem.k, uniforms, problem.weights)
    centers, drawn = kmeans_plusplus(
        problem.X,
        problem.k,
        sample_weight=problem.weights,
        random_state=seed,
        n_local_trials=trials,
    )
    assert np.array_equal(drawn, indices)
    assert np.array_equal(centers, problem.X[indices])
    assert centers.dtype == problem.X.dtype


def test_kmeans_plusplus_of_many_rows_equals_the_oracle():
    """Across several chunks of rows."""
    X = np.random.default_rng(1).normal(size=(9000, 2)).round(2)
    weights = np.random.default_rng(2).integers(0, 3, size=9000) / 4
    uniforms = np.random.RandomState(5).random_sample(1 + 5 * 3)
    for w in (None, weights):
        _, drawn = kmeans_plusplus(X, 6, sample_weight=w, random_state=5)
        assert np.array_equal(drawn, oracle.kmeans_plusplus(X, 6, uniforms, w))


@pytest.mark.parametrize("n", [60, 3000, 40_000])
@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_the_order_of_the_rows_does_not_matter(init, n):
    """Rows are drawn by their values: permuted rows give permuted labels and the same numbers."""
    rng = np.random.default_rng(n)
    rows = rng.normal(size=(n, 3)) + 4 * rng.integers(3, size=(n, 1))
    weights = rng.exponential(size=n)
    mixed = rng.permutation(n)
    for w in (None, weights):
        one = KMeans(7, init=init, n_init=3, random_state=4).fit(rows, sample_weight=w)
        other = KMeans(7, init=init, n_init=3, random_state=4).fit(
            rows[mixed], sample_weight=None if w is None else w[mixed]
        )
        assert np.array_equal(other.labels_, one.labels_[mixed])
        assert other.cluster_centers_.tobytes() == one.cluster_centers_.tobytes()
        assert [run[:4] for run in other.runs_] == [run[:4] for run in one.runs_]


@pytest.mark.parametrize("n", [40, 2000])
@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_weights_draw_like_repeated_rows(init, n):
    rng = np.random.default_rng(n)
    rows, weights = rng.normal(size=(n, 2)).round(3), rng.integers(0, 5, size=n)
    repeated = rng.permutation(np.repeat(rows, weights, axis=0))
    one = KMeans(5, init=init, random_state=1).fit(rows, sample_weight=weights)
    other = KMeans(5, init=init, random_state=1).fit(repeated)
    assert np.allclose(one.cluster_centers_, other.cluster_centers_, rtol=1e-12)
    assert one.inertia_ == pytest.approx(other.inertia_, rel=1e-12)


def test_kmeans_plusplus_prefers_far_rows():
    X = np.concatenate(
        [np.zeros((1000, 2)) + np.linspace(0, 1e-3, 1000)[:, None], [[100.0, 0], [0, 100]]]
    )
    for seed in range(10):
        _, indices = kmeans_plusplus(X, 3, random_state=seed)
        assert {1000, 1001} <= set(indices)


def test_more_trials_give_a_lower_start(X):
    def potential(n_local_trials):
        total = 0.0
        for seed in range(30):
            centers, _ = kmeans_plusplus(X, 12, random_state=seed, n_local_trials=n_local_trials)
            total += -KMeans(12, init=centers, max_iter=1).fit(X).score(X)
        return total

    assert potential(20) < potential(1)


@pytest.mark.parametrize("n_local_trials", [0, -1, 1.5, "many"])
def test_impossible_numbers_of_trials(X, n_local_trials):
    with pytest.raises((TypeError, ValueError), match="n_local_trials"):
        kmeans_plusplus(X, 3, n_local_trials=n_local_trials)


def test_row_order_decides_only_which_equal_rows_are_drawn():
    """Rows of weight 0 in between change nothing either, since draws use exact prefix sums."""
    rng = np.random.default_rng(9)
    X = rng.normal(size=(200, 2))
    weights = rng.random(200)
    gaps = np.sort(rng.integers(0, 200, size=300))
    wide = np.insert(X, gaps, 1e3, axis=0)
    wide_weights = np.insert(weights, gaps, 0.0)
    for seed in range(5):
        centers, _ = kmeans_plusplus(X, 6, sample_weight=weights, random_state=seed)
        same, _ = kmeans_plusplus(wide, 6, sample_weight=wide_weights, random_state=seed)
        assert np.array_equal(centers, same)


# ---- one iteration at a time


@given(problems(max_rows=80))
def test_iter_fit_yields_every_iteration(problem):
    result = expected(problem)
    model = KMeans(problem.k, init=problem.init, tol=problem.tol, max_iter=problem.max_iter)
    start, *states = _quietly(model.iter_fit(problem.X, sample_weight=problem.weights))
    assert_same(model, fit(problem))
    assert np.array_equal(start.centers, np.asarray(problem.init, start.centers.dtype))
    assert (start.labels == -1).all() and start.labels.dtype == states[0].labels.dtype
    assert start[0] == 0 and start[3:] == (np.inf, np.inf, len(problem.X), 0, None)
    assert len(states) == len(result.steps)
    for state, step in zip(states, result.steps):
        assert isinstance(state, IterState)
        assert np.array_equal(state.labels, step.labels)
        assert np.array_equal(state.centers, step.centers)
        assert state.centers.dtype == step.centers.dtype
        assert (state.n_iter, state.inertia, state.n_changed) == (
            step.n_iter,
            step.inertia,
            step.n_changed,
        )
        assert state.shift == step.shift


def _quietly(states):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield from states


@pytest.mark.parametrize("init", [*DRAWN, "first", some_rows])
def test_iter_fit_leaves_the_estimator_as_fit_does(X, init):
    one = KMeans(9, init=init, n_init=1, random_state=3).fit(X)
    other = KMeans(9, init=init, n_init=1, random_state=3)
    _, *states = other.iter_fit(X)
    assert_same(other, one)
    assert [run[:4] for run in other.runs_] == [run[:4] for run in one.runs_]
    assert len(states) == one.n_iter_
    assert np.array_equal(other.predict(X), one.predict(X))


def test_states_are_kept_apart(X):
    """A state is not overwritten by the next iteration, and writing to it changes nothing."""
    untouched = [state.centers.copy() for state in KMeans(5, init=X[:5]).iter_fit(X)]
    model = KMeans(5, init=X[:5])
    states = []
    for state in model.iter_fit(X):
        states.append(state)
    assert all(np.array_equal(a.centers, b) for a, b in zip(states, untouched))
    model = KMeans(5, init=X[:5])
    for state in model.iter_fit(X):
        if state.centers.flags.writeable:
            state.centers[...] = 0
        if state.labels.flags.writeable:
            state.labels[...] = 0
    assert_same(model, KMeans(5, init=X[:5]).fit(X))


def test_iter_fit_can_be_left_early(X):
    model = KMeans(5, init=X[:5], tol=0.0)
    for state in model.iter_fit(X):
        if state.n_iter == 2:
            break
    assert_same(model.fit(X), KMeans(5, init=X[:5], tol=0.0).fit(X))


def test_iter_fit_inertia_never_rises(X):
    inertias = [state.inertia for state in KMeans(9, init=X[:9], tol=0.0).iter_fit(X)]
    assert len(inertias) > 3
    assert all(a >= b for a, b in zip(inertias, inertias[1:]))


def test_iter_fit_checks_its_input_before_the_first_iteration(X):
    with pytest.raises(ValueError):
        next(iter(KMeans(5, init=X[:4]).iter_fit(X)))


# ---- the function


def test_k_means_is_the_estimator_as_a_function(X):
    model = KMeans(6, n_init=3, random_state=2).fit(X)
    centers, labels, inertia = k_means(X, 6, n_init=3, random_state=2)
    assert np.array_equal(centers, model.cluster_centers_)
    assert np.array_equal(labels, model.labels_)
    assert inertia == model.inertia_
    *_, n_iter = k_means(X, 6, n_init=3, random_state=2, return_n_iter=True)
    assert n_iter == model.n_iter_


def test_k_means_passes_weights_on(X):
    weights = np.random.default_rng(0).random(len(X))
    problem = Problem(X, X[:5], weights, 1e-4, 300)
    centers, labels, inertia = k_means(X, 5, init=X[:5], sample_weight=weights)
    assert np.array_equal(centers, fit(problem).cluster_centers_)
    assert inertia == fit(problem).inertia_


# ---- refitting


def test_a_second_fit_forgets_the_first(X):
    model = KMeans(6, n_init=3, random_state=2).fit(X)
    model.set_params(n_clusters=4, n_init=2)
    model.fit(X[:100, :2])
    fresh = KMeans(4, n_init=2, random_state=2).fit(X[:100, :2])
    assert_same(model, fresh)
    assert len(model.runs_) == 2
    assert model.n_features_in_ == 2


def test_fitting_does_not_change_the_parameters(X):
    model = KMeans(6, init=some_rows, random_state=np.random.RandomState(0))
    before = model.get_params()
    model.fit(X)
    after = model.get_params()
    assert before.keys() == after.keys()
    assert all(before[name] is after[name] for name in before)


def test_two_rows_far_from_all_others_do_not_hide_those():
    rng = np.random.default_rng(0)
    X = rng.random((1000, 2))
    X[500], X[501] = 1e25, 1.5e25
    _, indices = kmeans_plusplus(X, 12, random_state=0)
    assert {500, 501} < set(indices.tolist()) and not {0, 1, 2, 3} < set(indices.tolist())


# ---- empty clusters


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("refine", [None, "swap"])
def test_filled_clusters_are_told(dtype, refine, capsys):
    """Equal centers: all but the first lose every row, and take the farthest ones."""
    X = np.array([[0, 1], [1, 0], [4, 4], [50, 0], [0, 99]], dtype)
    same = np.zeros((4, 2))
    model = KMeans(4, init=same, refine=refine, random_state=0)
    _, *states = model.iter_fit(X)
    assert [state.n_filled for state in states] == [3] + [0] * (len(states) - 1)
    assert states[0].labels.tolist() == [0] * 5
    model.set_params(verbose=1).fit(X)
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if "empty" in line]
    assert len(told) == 1 and told[0].endswith("empty clusters filled: 3")
    assert told[0].split()[0] == "1"
    seen = []
    model.set_params(verbose=0, callback=lambda state: seen.append(state.n_filled)).fit(X)
    assert seen == [3] + [0] * (len(seen) - 1)
    if refine is None:
        over_blocks, seen = seen, []
        model.fit_chunks([X[:2], X[2:]])
        assert seen == over_blocks


def test_clusters_that_cannot_be_filled_are_not_told():
    """Two distinct rows give at most two clusters; rows of weight 0 do not count as members."""
    X = np.array([[0.0, 0.0]] * 3 + [[9.0, 0.0]] * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, *states = KMeans(4, init=np.zeros((4, 2))).iter_fit(X)
    assert [state.n_filled for state in states][0] == 1
    assert not any(state.n_filled for state in states[1:])
    light = np.array([[0.0, 0.0], [1.0, 0.0], [30.0, 0.0], [31.0, 0.0]])
    init = np.array([[0.5, 0.0], [30.5, 0.0]])
    _, *states = KMeans(2, init=init).iter_fit(light, sample_weight=[1.0, 1.0, 0.0, 0.0])
    assert states[0].labels.tolist() == [0, 0, 1, 1] and states[0].n_filled == 1


@pytest.mark.parametrize("max_iter", [1, 2, 4, 7, 300])
@pytest.mark.parametrize(
    "params", [{}, {"refine": "auto"}, {"refine": "swap", "n_init": 2}, {"missing": "ignore"}]
)
def test_no_run_has_more_iterations_than_max_iter(X, max_iter, params):
    model = KMeans(5, max_iter=max_iter, random_state=0, **params).fit(X)
    assert model.n_iter_ <= max_iter and all(run.n_iter <= max_iter for run in model.runs_)
    assert model.inertia_ == min(run.inertia for run in model.runs_)
    if "missing" not in params and params.get("refine") != "swap":
        in_blocks = KMeans(5, max_iter=max_iter, random_state=0, **params)
        in_blocks.fit_chunks(lambda: iter([X[:100], X[100:]]))
        assert [run[:4] for run in in_blocks.runs_] == [run[:4] for run in model.runs_]
    if params.get("refine") == "auto":
        states = list(KMeans(5, max_iter=max_iter, random_state=0, **params).iter_fit(X))
        assert states[-1].n_iter <= max_iter


def test_what_max_iter_ended_is_not_refined(X):
    asked = {"n_clusters": 5, "max_iter": 1, "random_state": 0}
    plain = KMeans(**asked, n_init=4, refine=None).fit(X)
    for params in ({}, {"n_init": 4, "refine": "auto"}):
        model = KMeans(**asked, **params).fit(X)
        assert [run[:4] for run in model.runs_] == [run[:4] for run in plain.runs_]
        assert model.stop_reason_ == "max_iter" and not model.converged_


def test_the_best_run_that_may_go_on_is_refined():
    """Though a run that `max_iter` ended has a lower inertia."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    found = False
    for max_iter in range(4, 20):
        own = KMeans(6, n_init=4, refine=None, max_iter=max_iter, random_state=1).fit(X).runs_
        ended = [run for run in own if run.n_iter < max_iter]
        if not ended or min(own, key=lambda run: run.inertia) in ended:
            continue
        found = True
        *first, last = KMeans(6, max_iter=max_iter, random_state=1).fit(X).runs_
        assert [run[:4] for run in first] == [run[:4] for run in own]
        assert last.seed == min(ended, key=lambda run: run.inertia).seed
        assert last.n_iter <= max_iter
    assert found


@pytest.mark.parametrize("fit", ["fit", "fit_chunks"])
@pytest.mark.parametrize("max_iter", [1, 3, 300])
@pytest.mark.parametrize(
    "params", [{}, {"refine": "auto", "n_init": 2}, {"refine": None}, {"n_init": 1}]
)
def test_the_last_state_says_so_once(X, fit, max_iter, params):
    last = []
    model = KMeans(
        4,
        max_iter=max_iter,
        random_state=0,
        callback=lambda state: last.append(state.last),
        **params,
    )
    getattr(model, fit)(X)
    assert last[-1] and last.count(True) == 1
