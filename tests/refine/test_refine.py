"""Refinements: better than their start, repeatable, correct weights and labels."""

import csv
import json

import checks
import numpy as np
import oracle
import pytest
from real_data import SHARED as DATA

import ckmeans
from ckmeans import KMeans, k_means
from ckmeans._native import Search, available
from ckmeans._refine import PLANS, REFINEMENTS
from ckmeans._refine.genetic import cross

NAMES = (*PLANS, *REFINEMENTS)


def blobs(n=600, d=3, k=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-20, 20, (k, d))[rng.integers(k, size=n)] + rng.normal(size=(n, d))


@pytest.mark.parametrize("refine", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_worse_than_without_and_the_result_is_a_clustering(refine, dtype):
    for seed in range(4):
        X = blobs(seed=seed).astype(dtype)
        weights = np.random.default_rng(seed).integers(0, 4, len(X)).astype(float)
        plain = KMeans(12, n_init=1, random_state=seed).fit(X, sample_weight=weights)
        model = KMeans(12, n_init=1, random_state=seed, refine=refine).fit(X, sample_weight=weights)
        assert model.inertia_ <= plain.inertia_
        labels, sq_own = oracle.assign(X, model.cluster_centers_)
        assert np.array_equal(model.labels_, labels)
        assert model.inertia_ == oracle.inertia(sq_own, weights)
        assert model.cluster_centers_.dtype == dtype
        assert np.array_equal(model.predict(X), model.labels_)


@pytest.mark.parametrize("refine", ["auto", "best", "swap", "genetic"])
def test_finds_the_groups_that_a_bad_start_misses(refine):
    X = blobs(n=1200, d=2, k=12, seed=3)
    start = X[:12] * 1e-3  # all in one place
    truth = KMeans(12, n_init=50, random_state=0).fit(X).inertia_
    assert KMeans(12, init=start).fit(X).inertia_ > 1.05 * truth
    assert KMeans(12, init=start, refine=refine, random_state=0).fit(X).inertia_ <= truth * (
        1 + 1e-3
    )


def test_single_rows_move_where_lloyd_is_stuck():
    rng = np.random.default_rng(1)
    better = 0
    for seed in range(30):
        X = rng.normal(size=(25, 2))
        plain = KMeans(6, n_init=1, random_state=seed, tol=0).fit(X)
        model = KMeans(6, n_init=1, random_state=seed, tol=0, refine="hartigan-wong").fit(X)
        better += model.inertia_ < plain.inertia_ * (1 - 1e-9)
        # No single row can move any more.
        counts, centers = model.counts_.astype(float), model.cluster_centers_
        table = oracle.sq_distances(X, centers)
        own = table[np.arange(25), model.labels_]
        with np.errstate(divide="ignore", invalid="ignore"):
            leave = np.where(
                counts[model.labels_] > 1,
                own * counts[model.labels_] / (counts[model.labels_] - 1),
                0,
            )
        join = table * counts / (counts + 1)
        join[np.arange(25), model.labels_] = np.inf
        assert (join.min(axis=1) >= leave * (1 - 1e-9)).all()
    assert better > 5


@pytest.mark.parametrize("refine", NAMES)
def test_repeatable_whatever_the_threads_and_layout(refine):
    X = blobs(n=3000, d=4, k=9)
    model = KMeans(9, n_init=2, random_state=5, refine=refine, n_threads=1).fit(X)
    checks.assert_same(
        model,
        KMeans(9, n_init=2, random_state=5, refine=refine, n_threads=3).fit(np.asfortranarray(X)),
    )
    best = min(model.runs_, key=lambda run: run.inertia)
    checks.assert_same(model, KMeans(9, n_init=1, random_state=best.seed, refine=refine).fit(X))


def test_the_same_bits_with_every_instruction_set():
    source = """
import numpy as np
from ckmeans import KMeans
X = np.random.default_rng(0).normal(size=(2000, 9))
for name in ("auto", "best"):
    print(KMeans(20, n_init=1, random_state=0, refine=name).fit(X).inertia_.hex())
"""
    assert len({checks.run_python(source, CKMEANS_ISA=isa) for isa in available}) == 1


def test_given_centers_repeat_too():
    X = blobs()
    models = [KMeans(3, init=X[:3], refine="auto", random_state=7).fit(X) for _ in range(2)]
    checks.assert_same(*models)
    assert models[0].runs_[0].seed == 7


def test_whole_weights_count_like_copies():
    X = blobs(n=300, d=2, k=6)
    weights = np.random.default_rng(0).integers(0, 3, len(X)).astype(float)
    weighted = KMeans(6, n_init=1, random_state=0, refine="best").fit(X, sample_weight=weights)
    copied = KMeans(6, n_init=1, random_state=0, refine="best").fit(
        np.repeat(X, weights.astype(int), axis=0)
    )
    assert weighted.inertia_ == pytest.approx(copied.inertia_, rel=1e-6)


def test_iter_fit_ends_as_fit_does():
    X = blobs()
    model = KMeans(12, n_init=1, random_state=0, refine="auto")
    _, *states = model.iter_fit(X)
    assert [state.n_iter for state in states] == list(range(1, len(states) + 1))
    checks.assert_same(model, KMeans(12, n_init=1, random_state=0, refine="auto").fit(X))


def test_history_goes_on_after_the_refinement():
    model = KMeans(12, n_init=1, random_state=0, refine="auto", history=True).fit(blobs())
    (history,) = model.history_
    assert [each.n_iter for each in history] == list(range(1, model.n_iter_ + 1))


def test_large_data_is_sampled():
    X = blobs(n=60000, d=2, k=5)
    plain = KMeans(5, n_init=1, random_state=0).fit(X)
    assert KMeans(5, n_init=1, random_state=0, refine="auto").fit(X).inertia_ <= plain.inertia_


@pytest.mark.filterwarnings("ignore::ckmeans.ConvergenceWarning")
@pytest.mark.parametrize("refine", NAMES)
def test_nothing_to_improve(refine):
    assert KMeans(1, refine=refine).fit([[1.0, 2], [3, 4]]).inertia_ == 4
    assert KMeans(2, refine=refine).fit([[1.0, 2], [3, 4]]).inertia_ == 0
    assert KMeans(3, refine=refine).fit([[1.0, 2], [1, 2], [1, 2], [1, 2]]).inertia_ == 0
    assert KMeans(3, refine=refine).fit([[1.0, 2], [1, 2], [5, 2], [1, 2]]).inertia_ == 0
    assert KMeans(2, refine=refine).fit([[1.0], [2.0], [9.0]]).inertia_ == 0.5


def test_several_by_name():
    X = blobs()
    _, _, inertia = k_means(X, 12, n_init=1, random_state=0, refine=["swap", "hartigan-wong"])
    assert inertia <= KMeans(12, n_init=1, random_state=0, refine="swap").fit(X).inertia_ * (
        1 + 1e-3
    )


def test_a_saved_model_knows_its_refinements(tmp_path):
    model = KMeans(3, random_state=0, refine=["swap", "hartigan-wong"]).fit(blobs())
    model.save(tmp_path / "m.npz")
    assert ckmeans.load(tmp_path / "m.npz").refine == ["swap", "hartigan-wong"]


@pytest.mark.parametrize(
    "refine, error, message",
    [
        (
            "fast",
            ValueError,
            "refine must be one of 'default', 'auto', 'best', 'swap', 'hartigan-wong', 'genetic', "
            "got 'fast'",
        ),
        (["swap", "auto"], ValueError, "got 'auto'"),
        ([], TypeError, "refine must be None"),
        (3, TypeError, "refine must be None"),
    ],
)
def test_errors(refine, error, message):
    with pytest.raises(error, match=message):
        KMeans(2, refine=refine).fit(np.eye(3))


def test_the_command_line_knows_the_names(tmp_path, capsys):
    from ckmeans import cli
    from ckmeans._cli import fit
    from ckmeans._inits import INITS

    assert set(fit.REFINEMENTS) == {"default", "none", *NAMES}
    assert set(fit.STARTS) == {"auto", *INITS} - {"optimal"}
    np.savetxt(tmp_path / "d.csv", blobs(), delimiter=",")
    command = [
        "fit",
        str(tmp_path / "d.csv"),
        "--no-header",
        "-k",
        "12",
        "--n-init",
        "1",
        "--refine",
        "auto",
        "--json",
    ]
    assert cli.main(command) in (0, None)
    facts = json.loads(capsys.readouterr().out)
    assert (
        facts["inertia"]
        == KMeans(12, n_init=1, random_state=0, refine="auto").fit(blobs()).inertia_
    )


def test_a_range_of_k_is_not_refined(tmp_path, capsys):
    from ckmeans import cli

    np.savetxt(tmp_path / "d.csv", blobs(), delimiter=",")
    assert cli.main(["fit", str(tmp_path / "d.csv"), "-k", "2:4", "--refine", "auto"]) != 0
    assert "leave --refine out" in capsys.readouterr().err


# ---- the state of the search ---------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 7])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_search_keeps_its_books(d, weighted):
    """After any sequence of swaps and iterations the state equals one computed from its centers."""
    rng = np.random.default_rng(d)
    X = np.ascontiguousarray(rng.normal(size=(500, d)).round(1))
    w = rng.integers(1, 5, 500).astype(float) if weighted else None
    search = Search(X, w, X[:20].copy())
    for step in range(60):
        row = int(rng.integers(500))
        before = search.inertia
        center, change = search.best_removal(row)
        search.swap(center, row)
        assert search.inertia == pytest.approx(before + change, rel=1e-9)
        if step % 3:
            search.lloyd(5, np.inf)
        if step % 10 == 9:
            search.hartigan(3)
        fresh = Search(X, w, search.centers())
        assert search.inertia == pytest.approx(fresh.inertia, rel=1e-12)
        assert search.potentials() == pytest.approx(fresh.potentials(), abs=1e-12)
        assert search.removal_costs().sum() == pytest.approx(fresh.removal_costs().sum(), rel=1e-9)
    search.keep()
    kept, centers = search.inertia, search.centers()
    search.swap(3, 44)
    search.lloyd(3, np.inf)
    search.give_back()
    assert search.inertia == kept and np.array_equal(search.centers(), centers)


@pytest.mark.parametrize("seed", range(12))
def test_rounding_is_not_taken_for_the_weight_of_a_cluster(seed):
    """A cluster that a heavy row leaves keeps the small weights that rounding had hidden in its
    sum.
    """
    rng = np.random.default_rng(seed)
    n, k = 120, 6
    X = rng.normal(size=(n, 2))
    weights = 10.0 ** rng.uniform(-40, 0, n)
    search = Search(X, weights, X[rng.permutation(n)[:k]].copy())

    def check():
        centers = search.centers()
        assert np.all((X.min(axis=0) <= centers) & (centers <= X.max(axis=0)))
        assert np.isfinite(search.inertia)

    search.hartigan(20)
    check()
    for row in rng.integers(n, size=30):
        search.swap(search.best_removal(row)[0], row)
        search.lloyd(3, 0.0)
        check()
    for refine in PLANS:
        model = KMeans(k, refine=refine, n_init=1, random_state=seed).fit(X, sample_weight=weights)
        assert np.isfinite(model.cluster_centers_).all() and np.isfinite(model.inertia_)


def test_a_crossing_takes_one_center_of_each_pair():
    a = np.arange(10.0).reshape(5, 2) * 10
    b = a[::-1] + 1
    child = cross(a, b, np.random.RandomState(0))
    from_b = np.array([(row == b).all(axis=1).any() for row in child])
    assert np.array_equal(np.where(from_b[:, None], child - 1, child), a)
    assert from_b.any() and not from_b.all()


@pytest.mark.skipif(
    not (DATA / "best_known.csv").exists(), reason="the data sets for measuring are not here"
)
@pytest.mark.parametrize(
    "name, ks", [("breast", (10, 20, 50)), ("pr2392", (8, 16, 100)), ("iris", (8, 9))]
)
def test_published_figures_are_reached(name, ks):
    with open(DATA / "best_known.csv", newline="") as file:
        known = {
            int(row["k"]): float(row["sse"]) for row in csv.DictReader(file) if row["set"] == name
        }
    X = np.loadtxt(DATA / f"{name}.csv.gz", delimiter=",")
    gaps = [
        KMeans(k, n_init=1, random_state=seed, refine="auto").fit(X).inertia_ / known[k] - 1
        for k in ks
        for seed in range(3)
    ]
    assert np.mean(gaps) < 0.006
    assert (
        np.mean(
            [
                KMeans(k, n_init=1, random_state=0, refine="best").fit(X).inertia_ / known[k] - 1
                for k in ks
            ]
        )
        < 1e-4
    )
