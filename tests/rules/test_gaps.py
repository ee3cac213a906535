"""Rows with gaps: `missing="ignore"` against its definition, to the last bit."""

import numpy as np
import oracle
import oracle_gaps
import pytest
from checks import (
    assert_agrees,
    assert_same,
    assert_same_output_with_every_instruction_set,
    failed_estimator_checks,
    fit,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from rules_data import long_run
from strategies import problems

import ckmeans
from ckmeans import KMeans
from ckmeans._native import engine

rng = np.random.default_rng(0)
WHOLE = rng.normal(scale=6, size=(6, 5))[rng.integers(6, size=600)] + rng.normal(size=(600, 5))


def with_gaps(X, share, seed=0):
    """A copy in which this share of the values is missing, but none of the rows and columns."""
    own = np.random.default_rng(seed)
    X = X.astype(np.result_type(X.dtype, np.float32))
    gaps = own.random(X.shape) < share
    gaps[np.arange(len(X)), own.integers(X.shape[1], size=len(X))] = False
    gaps[own.integers(len(X), size=X.shape[1]), np.arange(X.shape[1])] = False
    X[gaps] = np.nan
    return X


GAPS = with_gaps(WHOLE, 0.3)


@st.composite
def problems_with_gaps(draw):
    problem = draw(problems())
    problem.X = with_gaps(
        problem.X, draw(st.sampled_from([0, 0.05, 0.4, 0.9])), draw(st.integers()) % 99
    )
    return problem


@given(problems_with_gaps())
def test_every_fit_is_that_of_the_definition(problem):
    model = fit(problem, missing="ignore")
    wanted = oracle.lloyd(
        problem.X,
        problem.init,
        problem.weights,
        max_iter=problem.max_iter,
        tol=problem.tol,
        metric=oracle_gaps,
    )
    assert_agrees(model, wanted)
    assert np.array_equal(model.predict(problem.X), model.labels_)
    assert -model.score(problem.X, sample_weight=problem.weights) == model.inertia_


@given(problems_with_gaps(), st.sampled_from([0.0, 1e-4, 0.3]))
def test_columns_that_only_rows_without_weight_have(problem, tol):
    """Such a column has no variance, and no mean: the middle of its range stands for that."""
    rows = np.arange(len(problem.X))
    problem.X = np.column_stack([problem.X, np.where(rows % 3, np.nan, 2.0 + rows % 2)])
    problem.init = np.column_stack([problem.init, np.ones(len(problem.init))])
    weights = np.ones(len(rows)) if problem.weights is None else problem.weights
    problem.weights = np.where(rows % 3, weights, 0)
    assume(problem.weights.any())
    problem.tol, problem.max_iter = tol, min(problem.max_iter, 5)
    settings = {"max_iter": problem.max_iter, "tol": tol, "metric": oracle_gaps}
    wanted = oracle.lloyd(problem.X, problem.init, problem.weights, **settings)
    assert_agrees(fit(problem, missing="ignore"), wanted)


@given(problems_with_gaps(), st.integers(2, 4))
def test_threads_layouts_and_packing_change_no_bit(problem, n_threads):
    one = fit(problem, missing="ignore", n_threads=1)
    assert_same(one, fit(problem, missing="ignore", n_threads=n_threads, copy_x=False))
    problem.X = np.asfortranarray(problem.X)
    assert_same(one, fit(problem, missing="ignore"))


@given(problems())
def test_without_gaps_it_is_plain_k_means(problem):
    assert_same(fit(problem, missing="ignore"), fit(problem))


@given(problems_with_gaps())
def test_the_objective_falls_in_every_iteration(problem):
    model = fit(problem, missing="ignore", history=True)
    inertias = [step.inertia for step in model.history_[0]]
    if not (model.counts_ == 0).any():
        assert all(b <= a * (1 + 1e-9) + 1e-290 for a, b in zip(inertias, inertias[1:]))


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
@pytest.mark.parametrize("d", [2, 17, 33, 70])
def test_widths(dtype, d):
    X = with_gaps((rng.normal(size=(500, d)) * 3 + 5).astype(dtype), 0.3).astype(dtype)
    init = rng.normal(size=(11, d)) * 3 + 5
    model = KMeans(11, init=init, missing="ignore", tol=0).fit(X)
    assert_agrees(model, oracle.lloyd(X, init, tol=0, metric=oracle_gaps))


@given(st.integers(0, 10**6), st.sampled_from(["f4", "f8"]), st.booleans())
def test_the_order_of_the_rows_changes_no_center(seed, dtype, weighted):
    own = np.random.default_rng(seed)
    X = with_gaps((own.normal(size=(150, 4)) * 4).round(own.integers(3)).astype(dtype), 0.3, seed)
    weights = own.random(150) if weighted else None
    order = own.permutation(150)
    model = KMeans(6, n_init=2, random_state=seed, missing="ignore")
    model.fit(X, sample_weight=weights)
    centers, labels, inertia = model.cluster_centers_, model.labels_, model.inertia_
    model.fit(X[order], sample_weight=None if weights is None else weights[order])
    assert model.cluster_centers_.tobytes() == centers.tobytes() and model.inertia_ == inertia
    assert np.array_equal(model.labels_, labels[order])


@given(problems_with_gaps(), st.integers(0, 2**32 - 1))
def test_seeding_goes_by_what_is_there(problem, seed):
    X, k = problem.X, problem.k
    uniforms = np.random.RandomState(seed).random_sample(1 + (k - 1) * 2)
    drawn = engine.Data(X, problem.weights, 2, True, metric="gaps").kmeans_plusplus(k, 2, uniforms)
    plain = engine.Data(X, problem.weights, 1, False, metric="gaps").kmeans_plusplus(k, 2, uniforms)
    assert np.array_equal(drawn, plain)


def test_transform_and_shares_are_scaled_to_all_features():
    model = KMeans(6, random_state=0, missing="ignore").fit(GAPS)
    there = (~np.isnan(GAPS)).sum(axis=1)
    wanted = np.sqrt(oracle_gaps.sq_distances(GAPS, model.cluster_centers_))
    found = model.transform(GAPS)
    np.testing.assert_allclose(found, wanted * np.sqrt(5 / there)[:, None], rtol=1e-14)
    shares = model.predict_proba(GAPS)
    assert np.array_equal(shares.argmax(axis=1), model.labels_)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-14)


@pytest.mark.parametrize("init", ["k-means++", "random", "random-partition", "first"])
def test_inits_give_centers_without_gaps(init):
    model = KMeans(6, init=init, n_init=2, random_state=0, missing="ignore").fit(GAPS)
    assert np.isfinite(model.cluster_centers_).all() and len(np.unique(model.labels_)) == 6


def test_clusters_are_found_in_spite_of_the_gaps():
    metrics = pytest.importorskip("sklearn.metrics")
    labels = KMeans(6, random_state=0).fit_predict(WHOLE)
    model = KMeans(6, random_state=0, missing="ignore").fit(GAPS)
    means = np.where(np.isnan(GAPS), np.nanmean(GAPS, axis=0), GAPS)
    filled = KMeans(6, random_state=0).fit_predict(means)
    found = metrics.adjusted_rand_score(labels, model.labels_)
    assert found > metrics.adjusted_rand_score(labels, filled)


def test_null_values_of_tables():
    model = KMeans(6, random_state=0, missing="ignore").fit(GAPS)
    names = list("abcde")
    for name in ("pandas", "polars", "pyarrow"):
        package = pytest.importorskip(name)
        columns = {n: [None if np.isnan(v) else v for v in GAPS[:, j]] for j, n in enumerate(names)}
        if name == "pandas":
            table = package.DataFrame(columns).astype("Float64")
        else:
            table = package.DataFrame(columns) if name == "polars" else package.table(columns)
        again = KMeans(6, random_state=0, missing="ignore").fit(table)
        assert_same(model, again)
        assert np.array_equal(again.predict(table), model.labels_)
        with pytest.raises(ValueError, match="missing value"):
            KMeans(6).fit(table)


def test_rows_and_columns_without_any_value():
    X = GAPS.copy()
    X[7] = np.nan
    with pytest.raises(ValueError, match="1 row.s. without any value, the first at row 7: drop"):
        KMeans(3, missing="ignore").fit(X)
    model = KMeans(3, random_state=0, missing="ignore").fit(GAPS)
    for use in (model.predict, model.transform, model.score, model.predict_proba):
        with pytest.raises(ValueError, match="first at row 7"):
            use(X)
    X = WHOLE.copy()
    X[:, 2] = np.nan
    with pytest.raises(ValueError, match="no value in column 2: drop that column"):
        KMeans(3, missing="ignore").fit(X)
    assert model.predict(X).shape == (600,)  # new rows may do without a column
    for value in (np.inf, 1e200):
        X = GAPS.copy()
        X[5, 1] = value
        with pytest.raises(ValueError, match="row 5, column 1"):
            KMeans(3, missing="ignore").fit(X)
        with pytest.raises(ValueError, match="row 5, column 1"):
            model.predict(X)


def test_it_stays_an_error_without_being_asked():
    with pytest.raises(ValueError, match="contains NaN"):
        KMeans(3).fit(GAPS)
    with pytest.raises(ValueError, match="missing must be one of 'error', 'ignore'"):
        KMeans(3, missing="drop").fit(GAPS)


def test_what_does_not_go_together_says_what_does(tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    for wrong, X in (
        ({"refine": "swap"}, GAPS),
        ({"metric": "cosine"}, GAPS),
        ({"metric": "manhattan"}, GAPS),
        ({"algorithm": "yinyang"}, GAPS),
        ({"init": "k-means||"}, GAPS),
        ({}, sparse.csr_matrix(WHOLE)),
    ):
        with pytest.raises(ValueError, match=r"cannot be used with .* goes with|it goes with"):
            KMeans(3, missing="ignore", **wrong).fit(X)
    model = KMeans(3, missing="ignore", random_state=0).fit(GAPS)
    with pytest.raises(ValueError, match="goes with metric='euclidean'"):
        model.to_sql("t", columns=list("abcde"))
    model.save(tmp_path / "m.npz")
    again = ckmeans.load(tmp_path / "m.npz")
    assert again.missing == "ignore" and np.array_equal(again.predict(GAPS), model.labels_)


def test_nothing_that_was_passed_is_changed():
    X, weights = GAPS.copy(), np.linspace(1, 2, 600)
    KMeans(3, missing="ignore").fit(X, sample_weight=weights).transform(X)
    assert np.array_equal(X, GAPS, equal_nan=True) and np.array_equal(
        weights, np.linspace(1, 2, 600)
    )


PROGRAM = """
import hashlib, numpy as np
from ckmeans import KMeans
rng = np.random.default_rng(0)
out = hashlib.sha256()
for dtype in ("f4", "f8"):
    for d, k in ((2, 7), (20, 30), (70, 5)):
        X = (rng.normal(size=(900, d)) + 3 * rng.integers(4, size=(900, 1))).astype(dtype)
        X[:, 1:][rng.random((900, d - 1)) < 0.3] = np.nan
        model = KMeans(k, n_init=2, random_state=1, missing="ignore").fit(
            X, sample_weight=rng.random(900))
        for part in (model.cluster_centers_, model.labels_, model.inertia_, model.transform(X)):
            out.update(np.asarray(part).tobytes())
print(out.hexdigest())
"""


def test_instruction_sets_give_the_same_bits():
    assert_same_output_with_every_instruction_set(PROGRAM)


def test_scikit_learn_checks():
    assert not failed_estimator_checks(KMeans(missing="ignore"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_by_default_a_last_run_starts_from_refined_filled_rows(dtype, weighted):
    rng = np.random.default_rng(2)
    X = (rng.normal(scale=3, size=(15, 6))[rng.integers(15, size=900)]).astype(dtype)
    X += rng.normal(size=X.shape).astype(dtype)
    X[rng.random(X.shape) < 0.1] = np.nan
    weights = rng.integers(1, 4, size=len(X)).astype(float) if weighted else None
    models = [
        KMeans(15, missing="ignore", random_state=0, n_threads=threads).fit(rows, None, some)
        for threads, rows, some in (
            (1, X, weights),
            (3, np.asfortranarray(X), weights),
            (2, X[::-1], None if weights is None else weights[::-1]),
        )
    ]
    model = models[0]
    assert len(model.runs_) == 11 and model.runs_[-1].seed == model.runs_[0].seed == 0
    assert model.inertia_ == min(run.inertia for run in model.runs_)
    assert_same(model, models[1])
    assert np.array_equal(model.cluster_centers_, models[2].cluster_centers_)
    # Where there are many clusters, few starts are as good.
    assert model.runs_[-1].inertia < np.median([run.inertia for run in model.runs_[:-1]])
    plain = KMeans(15, missing="ignore", random_state=0, n_init=10).fit(X, None, weights)
    assert [run.inertia for run in plain.runs_] == [run.inertia for run in model.runs_[:-1]]


@pytest.mark.parametrize("kind", ["plain", "grid", "far", "equal centers"])
@pytest.mark.parametrize("share", [0.05, 0.4])
def test_rows_that_are_not_compared_keep_their_labels(kind, share):
    X, init = long_run(kind, 7, d=4)
    X = with_gaps(X, share)
    model = KMeans(12, init=init, missing="ignore", tol=0).fit(X)
    assert_agrees(model, oracle.lloyd(X, init, tol=0, metric=oracle_gaps))
