"""k-medians: `metric="manhattan"` against its definition, to the last bit."""

import numpy as np
import oracle
import oracle_manhattan
import pytest
from checks import (
    assert_agrees,
    assert_same,
    assert_same_output_with_every_instruction_set,
    failed_estimator_checks,
    fit,
)
from hypothesis import given
from hypothesis import strategies as st
from rules_data import long_run
from strategies import problems

import ckmeans
from ckmeans import KMeans, kmeans_plusplus
from ckmeans._native import engine

rng = np.random.default_rng(0)
BLOBS = rng.normal(scale=6, size=(12, 5))[rng.integers(12, size=700)] + rng.normal(size=(700, 5))


def expected(problem):
    return oracle.lloyd(
        problem.X,
        problem.init,
        problem.weights,
        max_iter=problem.max_iter,
        tol=problem.tol,
        metric=oracle_manhattan,
    )


@given(problems())
def test_every_fit_is_that_of_the_definition(problem):
    assert_agrees(fit(problem, metric="manhattan"), expected(problem))


@given(problems(), st.integers(2, 4))
def test_threads_layouts_and_packing_change_no_bit(problem, n_threads):
    one = fit(problem, metric="manhattan", n_threads=1)
    assert_same(one, fit(problem, metric="manhattan", n_threads=n_threads, copy_x=False))
    problem.X = np.asfortranarray(problem.X)
    assert_same(one, fit(problem, metric="manhattan"))


@given(st.integers(0, 10**6), st.sampled_from(["f4", "f8"]), st.booleans())
def test_the_order_of_the_rows_changes_no_center(seed, dtype, weighted):
    own = np.random.default_rng(seed)
    X = (own.normal(size=(150, 3)) * 4).round(own.integers(3)).astype(dtype)
    weights = 10.0 ** own.uniform(-9, 9, size=150) if weighted else None
    order = own.permutation(150)
    model = KMeans(6, n_init=2, random_state=seed, metric="manhattan")
    model.fit(X, sample_weight=weights)
    centers, labels, inertia = model.cluster_centers_, model.labels_, model.inertia_
    model.fit(X[order], sample_weight=None if weights is None else weights[order])
    assert model.cluster_centers_.tobytes() == centers.tobytes() and model.inertia_ == inertia
    assert np.array_equal(model.labels_, labels[order])


@given(problems())
def test_predict_transform_and_score(problem):
    model = fit(problem, metric="manhattan")
    table = oracle_manhattan.distances(problem.X, model.cluster_centers_)
    assert np.array_equal(model.predict(problem.X), model.labels_)
    with np.errstate(over="ignore"):
        if np.isfinite(table.astype(oracle.compute_dtype(problem.X))).all():
            assert np.array_equal(
                model.transform(problem.X), table.astype(oracle.compute_dtype(problem.X))
            )
    assert -model.score(problem.X, sample_weight=problem.weights) == model.inertia_


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u1", "f2", "?"])
@pytest.mark.parametrize("d", [1, 3, 17, 70, 130])
def test_types_and_widths(dtype, d):
    X = (rng.normal(size=(200, d)) * 3 + 5).clip(0, 9).astype(dtype)
    init = X[rng.choice(200, size=9, replace=False)].astype("f8") + rng.random((9, d))
    model = KMeans(9, init=init, metric="manhattan", tol=0).fit(X)
    assert_agrees(model, oracle.lloyd(X, init, tol=0, metric=oracle_manhattan))


@pytest.mark.parametrize("n", [599, 600, 601, 4001, 20_000])
@pytest.mark.parametrize("values", ["normal", "ties", "sorted", "cauchy", "two"])
def test_medians_of_large_clusters(n, values):
    X = {
        "normal": lambda: rng.normal(size=(n, 9)),
        "ties": lambda: rng.integers(4, size=(n, 9)).astype(float),
        "sorted": lambda: np.sort(rng.normal(size=(n, 9)), axis=0),
        "cauchy": lambda: rng.standard_cauchy(size=(n, 9)),
        "two": lambda: (rng.random((n, 9)) < 0.5) * 1.0,
    }[values]()
    model = KMeans(1, init=X[:1], metric="manhattan").fit(X)
    assert np.array_equal(model.cluster_centers_[0], np.sort(X, axis=0)[(n - 1) // 2])
    weights = rng.integers(1, 5, size=n).astype(float)
    repeated = np.repeat(X, weights.astype(int), axis=0)
    weighted = KMeans(1, init=X[:1], metric="manhattan").fit(X, sample_weight=weights)
    assert np.array_equal(
        weighted.cluster_centers_[0], np.sort(repeated, axis=0)[(len(repeated) - 1) // 2]
    )


@given(problems(), st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_kmeans_plusplus_draws_by_manhattan_distances(problem, seed, trials):
    X, k = problem.X, problem.k
    uniforms = np.random.RandomState(seed).random_sample(1 + (k - 1) * trials)
    data = engine.Data(X, problem.weights, 2, True, metric="manhattan")
    drawn = data.kmeans_plusplus(k, trials, uniforms)
    wanted = oracle_manhattan.kmeans_plusplus(X, k, uniforms, problem.weights)
    assert np.array_equal(X[drawn], X[wanted])


@pytest.mark.parametrize("offset", [0, 1000])
def test_a_broken_bound_would_be_noticed(offset):
    """Pairs of centers so near each other that float32 takes the wrong one of many rows."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3000, 40)) + offset
    init = np.concatenate([X[:25], X[:25] + 1e-6 * rng.normal(size=(25, 40))])
    wanted = np.array([np.abs(X - center).sum(axis=1) for center in init]).argmin(axis=0)

    def labels():
        states = KMeans(50, init=init, metric="manhattan").iter_fit(X)
        next(states)  # the start
        return next(states).labels

    engine.scale_guard(1e-3)
    try:
        broken = labels()
    finally:
        engine.scale_guard(1)
    assert np.array_equal(labels(), wanted)
    assert not np.array_equal(broken, wanted)


def test_far_rows_move_no_center():
    X = np.concatenate([BLOBS, np.full((5, 5), 1e6)])
    init = KMeans(12, random_state=0, metric="manhattan").fit(BLOBS).cluster_centers_
    model = KMeans(12, init=init, metric="manhattan").fit(X)
    assert np.abs(model.cluster_centers_).max() < 100


def test_better_in_its_own_measure_than_means():
    medians = KMeans(12, random_state=0, metric="manhattan").fit(BLOBS)
    means = KMeans(12, random_state=0).fit(BLOBS)
    cost = np.abs(BLOBS - means.cluster_centers_[means.labels_]).sum()
    assert medians.inertia_ <= cost


@pytest.mark.parametrize("init", ["k-means++", "random", "random-partition", "first"])
def test_inits_restarts_history_and_iter_fit(init):
    model = KMeans(12, init=init, n_init=3, random_state=3, metric="manhattan", history=True)
    model.fit(BLOBS)
    assert model.inertia_ == min(run.inertia for run in model.runs_)
    for steps in model.history_:
        inertias = [step.inertia for step in steps]
        assert all(a >= b * (1 - 1e-12) for a, b in zip(inertias, inertias[1:]))
    _, *states = KMeans(12, init=BLOBS[:12], metric="manhattan").iter_fit(BLOBS)
    run = oracle.lloyd(BLOBS, BLOBS[:12], metric=oracle_manhattan)
    assert [state.inertia for state in states] == [step.inertia for step in run.steps]
    assert all(np.array_equal(a.centers, b.centers) for a, b in zip(states, run.steps))


def test_functions_labels_in_order_and_files(tmp_path):
    centers, labels, inertia = ckmeans.k_means(BLOBS, 12, random_state=0, metric="manhattan")
    model = KMeans(12, random_state=0, metric="manhattan", label_order="size").fit(BLOBS)
    assert inertia == model.inertia_ and sorted(model.counts_)[::-1] == model.counts_.tolist()
    assert np.array_equal(model.labels_, model.predict(BLOBS))
    model.save(tmp_path / "m.npz")
    again = ckmeans.load(tmp_path / "m.npz")
    assert again.metric == "manhattan" and np.array_equal(again.predict(BLOBS), model.labels_)
    rows, indices = kmeans_plusplus(BLOBS, 12, random_state=0, metric="manhattan")
    assert np.array_equal(rows, BLOBS[indices])
    proba = model.predict_proba(BLOBS)
    beyond = model.transform(BLOBS) / (model.inertia_ / BLOBS.size)
    wanted = np.exp(-(beyond - beyond.min(axis=1, keepdims=True)))
    np.testing.assert_allclose(proba, wanted / wanted.sum(axis=1, keepdims=True), rtol=1e-12)


def test_what_does_not_go_together_says_what_does():
    sparse = pytest.importorskip("scipy.sparse")
    for wrong, X in (
        ({"refine": "swap"}, BLOBS),
        ({"algorithm": "boxes"}, BLOBS),
        ({"missing": "ignore"}, BLOBS),
        ({"init": "variance-partition"}, BLOBS),
        ({"init": "optimal"}, BLOBS[:, :1]),
        ({}, sparse.csr_matrix(BLOBS)),
    ):
        with pytest.raises(ValueError, match=r"cannot be used with .* goes with|it goes with"):
            KMeans(3, metric="manhattan", **wrong).fit(X)
    with pytest.raises(ValueError, match="goes with"):
        KMeans(3, metric="manhattan").fit_chunks([BLOBS])
    model = KMeans(3, metric="manhattan", random_state=0).fit(BLOBS)
    with pytest.raises(ValueError, match="sparse"):
        model.predict(sparse.csr_matrix(BLOBS))
    for use in (model.to_sklearn, model.to_json, lambda: model.to_sql("t")):
        with pytest.raises(ValueError, match="goes with metric='euclidean'"):
            use()
    for use in (ckmeans.explain, lambda m, X: ckmeans.drift(m, X, X)):
        with pytest.raises(ValueError, match="goes with metric='euclidean'"):
            use(model, BLOBS)
    for other in (ckmeans.MiniBatchKMeans, ckmeans.BisectingKMeans):
        with pytest.raises(ValueError, match="metric must be one of 'euclidean', 'cosine'"):
            other(3, metric="manhattan").fit(BLOBS)
    with pytest.raises(ValueError, match="NaN"):
        model.predict([[np.nan] * 5])


def test_nothing_that_was_passed_is_changed():
    X, weights, init = BLOBS.copy(), rng.random(700), BLOBS[:12].copy()
    kept = X.copy(), weights.copy(), init.copy()
    KMeans(12, init=init, metric="manhattan").fit(X, sample_weight=weights)
    assert all(np.array_equal(a, b) for a, b in zip((X, weights, init), kept))


PROGRAM = """
import hashlib, numpy as np
from ckmeans import KMeans
rng = np.random.default_rng(0)
out = hashlib.sha256()
for dtype in ("f4", "f8"):
    for d, k in ((2, 7), (20, 30), (100, 5)):
        X = (rng.normal(size=(900, d)) + 3 * rng.integers(4, size=(900, 1))).astype(dtype)
        model = KMeans(k, n_init=2, random_state=1, metric="manhattan").fit(
            X, sample_weight=rng.random(900))
        for part in (model.cluster_centers_, model.labels_, model.inertia_, model.transform(X)):
            out.update(np.asarray(part).tobytes())
print(out.hexdigest())
"""


def test_instruction_sets_give_the_same_bits():
    assert_same_output_with_every_instruction_set(PROGRAM)


def test_scikit_learn_checks():
    assert not failed_estimator_checks(KMeans(metric="manhattan"))


@pytest.mark.parametrize("kind", ["plain", "grid", "far", "equal centers"])
@pytest.mark.parametrize("seed", range(3))
def test_rows_that_are_not_compared_keep_their_labels(kind, seed):
    X, init = long_run(kind, seed)
    model = KMeans(12, init=init, metric="manhattan", tol=0).fit(X)
    assert_agrees(model, oracle.lloyd(X, init, tol=0, metric=oracle_manhattan))


def test_most_rows_are_not_compared_once_centers_hardly_move():
    X, init = long_run("plain", 0)
    data = engine.Data(X, None, 1, True, metric="manhattan")
    run = engine.Run(data, init, 300, 0.0, "auto", engine.MedianRule())
    pairs = [0]
    while run.iterate():
        pairs.append(run.counters()["filtered"])
    assert len(pairs) > 20
    assert pairs[-1] - pairs[-5] < 0.2 * 4 * len(X) * len(init)
