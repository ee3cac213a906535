"""Fuzzy c-means against its definition in plain NumPy."""

import warnings

import numpy as np
import oracle
import oracle_fuzzy
import pytest
from checks import assert_same_output_with_every_instruction_set, failed_estimator_checks
from hypothesis import given
from hypothesis import strategies as st

import ckmeans
from ckmeans import ConvergenceWarning, FuzzyCMeans, KMeans, NotFittedError

rng = np.random.default_rng(0)
MIDDLES = rng.normal(scale=6, size=(4, 3))
X = MIDDLES[rng.integers(4, size=500)] + rng.normal(size=(500, 3))


@given(
    st.integers(0, 10**6),
    st.integers(1, 40),
    st.integers(1, 20),
    st.sampled_from([1.05, 1.3, 2.0, 2.7]),
    st.sampled_from(["f4", "f8"]),
    st.booleans(),
)
def test_every_fit_is_that_of_the_definition(seed, d, k, fuzziness, dtype, weighted):
    own = np.random.default_rng(seed)
    n = int(own.integers(k, k + 150))
    rows = (own.normal(size=(n, d)) + 5 * own.integers(3, size=(n, 1))).astype(dtype)
    weights = own.random(n) + 0.01 if weighted else None
    init = rows[:k] + own.normal(size=(k, d)).astype(dtype) * 0.1
    model = FuzzyCMeans(k, fuzziness=fuzziness, init=init, max_iter=3, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, sample_weight=weights)
    centers, _ = oracle_fuzzy.fit(rows, init, fuzziness, weights, max_iter=3, tol=0)
    tolerance = 1e-3 if dtype == "f4" else 1e-8
    np.testing.assert_allclose(model.cluster_centers_, centers, rtol=tolerance, atol=tolerance)
    assert model.cluster_centers_.dtype == dtype
    final = model.cluster_centers_.astype(float)
    shares = oracle_fuzzy.memberships(rows, final, fuzziness)
    np.testing.assert_allclose(model.predict_proba(rows), shares, rtol=1e-9, atol=1e-15)
    wanted = oracle_fuzzy.objective(rows, final, fuzziness, weights)
    np.testing.assert_allclose(model.inertia_, wanted, rtol=1e-9)
    np.testing.assert_allclose(-model.score(rows, sample_weight=weights), wanted, rtol=1e-9)
    assert np.array_equal(model.labels_, oracle.assign(rows, final)[0])
    assert np.array_equal(model.predict(rows), model.labels_)
    assert np.array_equal(model.counts_, np.bincount(model.labels_, minlength=k))


def test_a_whole_fit_and_why_it_ends():
    model = FuzzyCMeans(4, init=X[:4]).fit(X)
    centers, n_iter = oracle_fuzzy.fit(X, X[:4], 2.0)
    np.testing.assert_allclose(model.cluster_centers_, centers, rtol=1e-10)
    assert (model.n_iter_, model.stop_reason_, model.converged_) == (n_iter, "tol", True)
    short = FuzzyCMeans(4, init=X[:4], max_iter=2).fit(X)
    assert (short.n_iter_, short.stop_reason_, short.converged_) == (2, "max_iter", False)


def test_the_objective_falls_in_every_iteration():
    seen = []
    FuzzyCMeans(4, init=X[:4], callback=lambda state: seen.append(state.inertia)).fit(X)
    assert len(seen) > 3 and all(b <= a * (1 + 1e-12) for a, b in zip(seen, seen[1:]))


@pytest.mark.parametrize("fuzziness", [1.4, 2.0])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_threads_and_layouts_change_no_bit(fuzziness, dtype):
    rows = (np.random.default_rng(3).normal(size=(20_000, 9)) * 9).astype(dtype)
    fits = [
        FuzzyCMeans(7, fuzziness=fuzziness, init=rows[:7], max_iter=4, n_threads=n).fit(
            layout(rows)
        )
        for n, layout in ((1, np.ascontiguousarray), (2, np.asfortranarray), (5, np.array))
    ]
    for other in fits[1:]:
        assert other.cluster_centers_.tobytes() == fits[0].cluster_centers_.tobytes()
        assert other.inertia_ == fits[0].inertia_
        assert np.array_equal(other.labels_, fits[0].labels_)


def test_rows_on_centers():
    rows = np.array([[0.0], [0.0], [4.0], [10.0]])
    model = FuzzyCMeans(2, init=[[0.0], [10.0]], max_iter=1).fit(rows)
    model.cluster_centers_ = np.array([[0.0], [0.0]])
    assert model.predict_proba([[0.0], [3.0]]).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    model.cluster_centers_ = np.array([[0.0], [10.0]])
    assert model.predict_proba([[0.0], [10.0], [5.0]]).tolist() == [[1, 0], [0, 1], [0.5, 0.5]]


def test_weights_are_repetitions():
    weights = rng.integers(0, 4, size=500)
    one = FuzzyCMeans(4, init=MIDDLES).fit(X, sample_weight=weights)
    two = FuzzyCMeans(4, init=MIDDLES).fit(np.repeat(X, weights, axis=0))
    np.testing.assert_allclose(one.cluster_centers_, two.cluster_centers_, rtol=1e-9)


def test_close_to_one_it_is_k_means():
    model = FuzzyCMeans(4, fuzziness=1.02, init=MIDDLES).fit(X)
    plain = KMeans(4, init=MIDDLES).fit(X)
    assert np.abs(model.cluster_centers_ - plain.cluster_centers_).max() < 0.05


def test_centers_that_coincide_are_warned_of():
    wide = np.random.default_rng(0).normal(size=(400, 60))
    with pytest.warns(ConvergenceWarning, match="Centers 0 and 1 coincide.*fuzziness=2"):
        FuzzyCMeans(3, random_state=0).fit(wide)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FuzzyCMeans(4, random_state=0).fit(X)
    with pytest.warns(ConvergenceWarning, match="coincide"):
        FuzzyCMeans(3, random_state=0).fit(np.ones((10, 2)))


def test_restarts_seeds_names_and_files(tmp_path):
    model = FuzzyCMeans(4, n_init=5, init="random", random_state=1).fit(X)
    assert len(model.runs_) == 5 and model.inertia_ == min(run.inertia for run in model.runs_)
    again = FuzzyCMeans(4, n_init=5, init="random", random_state=1).fit(X)
    assert again.cluster_centers_.tobytes() == model.cluster_centers_.tobytes()
    model.save(tmp_path / "m.npz")
    loaded = ckmeans.load(tmp_path / "m.npz")
    assert isinstance(loaded, FuzzyCMeans) and loaded.fuzziness == 2.0
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    frame = pytest.importorskip("pandas").DataFrame(X, columns=list("abc"))
    named = FuzzyCMeans(4, random_state=0).fit(frame)
    assert list(named.feature_names_in_) == list("abc")
    assert named.set_output(transform="pandas").transform(frame).columns[0] == "fuzzycmeans0"


def test_a_callback_and_the_clock_end_a_fit():
    model = FuzzyCMeans(4, init=X[:4], callback=lambda state: state.n_iter == 2).fit(X)
    assert (model.n_iter_, model.stop_reason_) == (2, "callback")
    assert FuzzyCMeans(4, init=X[:4], max_time=1e-9).fit(X).stop_reason_ == "max_time"


def test_what_is_refused():
    with pytest.raises(NotFittedError):
        FuzzyCMeans(2).predict_proba(X)
    for value, error in (
        (1, ValueError),
        (0.5, ValueError),
        (np.nan, ValueError),
        (1e9, ValueError),
    ):
        with pytest.raises(error, match="fuzziness must be from 1.001"):
            FuzzyCMeans(2, fuzziness=value).fit(X)
    with pytest.raises(TypeError, match="fuzziness must be a number above 1"):
        FuzzyCMeans(2, fuzziness="2").fit(X)
    with pytest.raises(ValueError, match="it goes with 'auto', 'k-means"):
        FuzzyCMeans(2, init="variance-partition").fit(X)
    with pytest.raises(ValueError, match="NaN"):
        FuzzyCMeans(2).fit([[0.0], [np.nan]])
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match="dense rows only, got sparse"):
        FuzzyCMeans(2).fit(sparse.csr_matrix(X))


PROGRAM = """
import hashlib, numpy as np
from ckmeans import FuzzyCMeans
rng = np.random.default_rng(0)
out = hashlib.sha256()
for dtype in ("f4", "f8"):
    for d, k in ((2, 7), (21, 30)):
        X = (rng.normal(size=(900, d)) + 3 * rng.integers(4, size=(900, 1))).astype(dtype)
        model = FuzzyCMeans(k, init=X[:k], max_iter=5).fit(X, sample_weight=rng.random(900))
        for part in (model.cluster_centers_, model.labels_, model.inertia_, model.predict_proba(X)):
            out.update(np.asarray(part).tobytes())
print(out.hexdigest())
"""


def test_instruction_sets_give_the_same_bits():
    assert_same_output_with_every_instruction_set(PROGRAM)


def test_scikit_learn_checks():
    assert not failed_estimator_checks(FuzzyCMeans())
