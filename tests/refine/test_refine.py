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
from ckmeans._estimators.defaults_by_size import HUGE, Effort
from ckmeans._native import Search, available, engine
from ckmeans._refine import PLANS, REFINEMENTS, improve, plan, within_reason
from ckmeans._refine.axes import AXES, orthonormal, shortened
from ckmeans._refine.genetic import cross
from ckmeans._refine.groups import MEMBERS, neighbors

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


# -- along axes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n, d, m", [(1, 1, 1), (70, 5, 3), (200, 300, 63), (65, 64, 32)])
def test_products_along_axes_are_those_of_numpy(n, d, m):
    rng = np.random.default_rng(n)
    rows, axes = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    assert np.allclose(engine.along(rows, axes), rows @ axes.T, rtol=1e-12, atol=1e-12)


def test_products_along_axes_do_not_depend_on_the_rows_beside():
    rng = np.random.default_rng(4)
    rows, axes = rng.standard_normal((150, 90)), rng.standard_normal((20, 90))
    whole = engine.along(rows, axes)
    for part in slice(1, 2), slice(63, 129), slice(149, 150):
        assert np.array_equal(engine.along(rows[part].copy(), axes), whole[part])
    with pytest.raises(IndexError):
        engine.along(rows, np.ones((64, 90)))


@pytest.mark.parametrize("rank", [0, 1, 7, 20])
def test_orthonormal_directions(rank):
    rng = np.random.default_rng(rank)
    directions = rng.standard_normal((20, rank)) @ rng.standard_normal((rank, 100))
    found = orthonormal(orthonormal(directions))
    assert found.shape == (rank, 100)
    assert np.allclose(found @ found.T, np.eye(rank), atol=1e-12)
    assert np.allclose(directions @ found.T @ found, directions, atol=1e-6)


@pytest.mark.parametrize("size", [1e-200, 1e200, np.nan])
def test_no_directions_where_squares_are_no_numbers(size):
    assert len(orthonormal(np.full((4, 70), size))) == 0


def test_axes_hold_what_clusters_differ_in():
    """Of 200 features, clusters differ in 10, which no feature is along."""
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((12, 10)) @ rng.standard_normal((10, 200))
    labels = np.arange(12).repeat(50)
    rows = middles[labels] + 0.1 * rng.standard_normal((600, 200)) + 1e6
    seen, centers = shortened(rows, None, middles + 1e6)
    assert len(seen) == 600 and len(centers) == 12
    assert seen.shape[1] == centers.shape[1] <= AXES
    before = ((middles[:, None] - middles) ** 2).sum(axis=2)
    after = ((centers[:, None] - centers) ** 2).sum(axis=2)
    assert np.allclose(before, after, rtol=0.01)


def test_wide_rows_are_refined_along_axes():
    """Swaps along axes find the clusters that a bad start misses, weighted or not."""
    rng = np.random.default_rng(1)
    labels = np.arange(20).repeat(60)
    X = 3 * rng.standard_normal((20, 150))[labels] + rng.standard_normal((1200, 150))
    ideal = ((X - np.array([X[labels == j].mean(axis=0) for j in range(20)])[labels]) ** 2).sum()
    how = plan("swap")._replace(shortcuts=True)
    for weights in None, np.ones(1200):
        start = X[rng.choice(60, 20, replace=False)]  # all in one cluster
        nowhere = np.zeros(1200, dtype=np.int32)
        found = improve(how, X, weights, start, nowhere, np.random.RandomState(0))
        assert KMeans(20, init=found, refine=None).fit(X).inertia_ < 1.001 * ideal


def test_means_by_cluster():
    rng = np.random.default_rng(2)
    rows, weights = rng.standard_normal((40, 2)), rng.random(40) + 0.1
    centers = np.array([[0.0, 0], [1, 1], [99, 99]])
    search = Search(rows, weights, centers)
    other, otherwise = rng.standard_normal((40, 5)), rng.standard_normal((3, 5))
    labels = ((rows[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
    want = np.array(
        [np.average(other[labels == j], axis=0, weights=weights[labels == j]) for j in range(2)]
    )
    found = search.means(other, otherwise)
    assert np.allclose(found[:2], want) and np.array_equal(found[2], otherwise[2])


@pytest.mark.parametrize("name", ["auto", "best"])
def test_plans_that_users_name_are_limited_where_work_is_large(name):
    how = plan(name)
    assert within_reason(how, 10_000, 10, 900, 20) == how
    before = np.inf
    for n in 100_000, 1_000_000, 10_000_000:
        limited = within_reason(how, n, 384, 1000, 20)
        assert limited.shortcuts and limited.distances < np.inf
        share = limited.distances / (n * 1000)  # in distances per row and cluster
        assert share <= before * (1 + 1e-12) and share < how.budget
        before = share
    assert within_reason(plan("swap"), n, 384, 1000, 20) == plan("swap")


# -- many clusters in groups -----------------------------------------------------------------------


@pytest.mark.parametrize("k, most", [(1, 4), (4, 4), (5, 4), (130, 64), (33, 1)])
def test_groups_of_neighbors_have_every_center_once(k, most):
    centers = np.random.default_rng(k).standard_normal((k, 3))
    groups = neighbors(centers, most)
    assert np.array_equal(np.sort(np.concatenate(groups)), np.arange(k))
    assert max(map(len, groups)) <= most
    assert all((np.diff(group) > 0).all() for group in groups)
    assert all(len(group) == 1 for group in neighbors(np.zeros((5, 2)), 1))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d", [3, 70])
def test_many_clusters_are_refined_in_groups_by_any_number_of_threads(weighted, d):
    rng = np.random.default_rng(d)
    X = rng.standard_normal((150, d))[rng.integers(150, size=3000)] * 5
    X += rng.standard_normal(X.shape)
    weights = rng.random(3000) + 0.1 if weighted else None
    start = X[rng.choice(3000, 2 * MEMBERS + 3, replace=False)]
    labels = ((X[:, None, :1] - start[None, :, :1]) ** 2).sum(axis=2).argmin(axis=1)
    how = plan("swap")._replace(shortcuts=True, distances=3000 * len(start) * 30.0)
    found = [
        improve(how, X, weights, start, labels, np.random.RandomState(0), n_threads)
        for n_threads in (1, 2, 5)
    ]
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])
    plain = KMeans(len(start), init=start, refine=None)
    better = KMeans(len(start), init=found[0], refine=None)
    assert (
        better.fit(X, sample_weight=weights).inertia_
        < 0.97 * plain.fit(X, sample_weight=weights).inertia_
    )


def test_a_small_budget_limits_iterations_along_axes():
    """What would run to convergence stops where it may take no more."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((4000, 100))
    search = Search(X[:, :32].copy(), None, X[:40, :32].copy())
    search.most_iterations = 2
    before = search.work
    search.lloyd(100, np.inf)
    assert search.work - before <= 2 * 4000 * 40
    search.most_iterations = 100
    before = search.work
    search.lloyd(100, np.inf)
    assert search.work - before > 2 * 4000 * 40


@pytest.mark.parametrize(("name", "beyond"), [("swap", 3), ("hartigan-wong", 3), ("genetic", 8)])
@pytest.mark.parametrize("k", [5, 40])
def test_a_refinement_keeps_to_its_budget(name, beyond, k):
    rng = np.random.default_rng(k)
    X = rng.normal(size=(4000, 6))
    once = len(X) * k  # distances of one iteration
    for share in (0.5, 2, 6, 20):
        search = Search(X, None, X[:k].copy())  # far from a local optimum
        search.most_iterations = 1
        before = search.work
        REFINEMENTS[name](search, np.random.RandomState(0), before + share * once)
        assert search.work - before <= (share + beyond) * once


@pytest.mark.parametrize(("d", "k"), [(2, 5), (16, 100), (300, 40), (768, 1000)])
def test_by_default_larger_problems_get_fewer_starts_and_less_refinement(d, k):
    sizes = [max(2 * k, int(work / (d * k))) for work in np.logspace(3, 10.5, 60)]
    efforts = [Effort(n, d, k) for n in sorted(set(sizes))]
    starts = [effort.starts for effort in efforts]
    assert starts == sorted(starts, reverse=True)
    assert set(starts) <= {4, 2, 1}
    # The time that may be added for each iteration, relative to the iterations before it.
    shares = [effort.most(20) for effort in efforts]
    assert shares == sorted(shares, reverse=True)
    for effort in efforts:
        assert effort.refines or effort.work > 1e7 or effort.n < 15 * k
        assert effort.work < HUGE or effort.most(20) < 0.01
