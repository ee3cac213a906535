"""Long and repeated work: time limits, callbacks, verbosity, progress bars, labels that stay the
same, models that are copied and pickled.
"""

import copy
import io
import itertools
import json
import pickle
import time

import numpy as np
import pytest
from checks import assert_same, run_python

import ckmeans
from ckmeans import KMeans, MiniBatchKMeans, match
from ckmeans._estimators.labels import assignment
from ckmeans.progress import ProgressBar


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(9, 3))[rng.integers(9, size=600)] * 4 + rng.normal(size=(600, 3))


# ---- max_time


def test_max_time_ends_a_fit(X):
    big = np.random.default_rng(1).random((60_000, 6))
    model = KMeans(
        60,
        init="random",
        n_init=500,
        tol=0.0,
        max_iter=100_000,
        random_state=0,
        max_time=0.3,
        n_threads=2,
    )
    started, computed = time.perf_counter(), time.process_time()
    model.fit(big)
    assert time.perf_counter() - started >= 0.3
    assert (
        time.process_time() - computed < 3.0
    )  # CPU time of two threads, which a busy machine does not change
    assert len(model.runs_) < 500
    assert model.runs_[-1].stop_reason in ("max_time", "labels")
    assert model.inertia_ == min(run.inertia for run in model.runs_)
    assert np.array_equal(model.predict(big), model.labels_)
    assert -model.score(big) == model.inertia_


def test_a_run_cut_short_says_so(X):
    model = KMeans(9, n_init=4, random_state=0, tol=0.0, max_time=1e-9).fit(X)
    assert (model.stop_reason_, model.n_iter_, len(model.runs_), model.converged_) == (
        "max_time",
        1,
        1,
        False,
    )
    one = KMeans(9, n_init=1, random_state=0, tol=0.0, max_iter=1).fit(X)
    assert np.array_equal(model.labels_, one.labels_) and model.inertia_ == one.inertia_


def test_enough_time_changes_nothing(X):
    assert_same(KMeans(5, random_state=0, max_time=1e6).fit(X), KMeans(5, random_state=0).fit(X))


@pytest.mark.parametrize(
    "bad, error",
    [
        (0, ValueError),
        (-1.0, ValueError),
        (float("nan"), ValueError),
        ("1", TypeError),
        (True, TypeError),
    ],
)
def test_bad_max_time(X, bad, error):
    with pytest.raises(error, match="max_time must be"):
        KMeans(2, max_time=bad).fit(X)


# ---- callback


def test_a_callback_sees_every_iteration(X):
    seen = []
    model = KMeans(
        6,
        n_init=3,
        random_state=1,
        callback=lambda state: seen.append(
            (
                state.run,
                state.n_iter,
                state.n_changed,
                state.stop_reason,
                state.last,
                state.seed,
                state.best_inertia,
            )
        ),
    ).fit(X)
    assert_same(model, KMeans(6, n_init=3, random_state=1).fit(X))
    assert [sum(row[0] == run for row in seen) for run in range(3)] == [
        run.n_iter for run in model.runs_
    ]
    ends = [row for row in seen if row[3] is not None]
    assert [row[3] for row in ends] == [run.stop_reason for run in model.runs_]
    assert [row[4] for row in seen] == [False] * (len(seen) - 1) + [True]
    assert [row[5] for row in ends] == [run.seed for run in model.runs_]
    inertias = [run.inertia for run in model.runs_]
    assert [row[6] for row in ends] == [None, inertias[0], min(inertias[:2])]


def test_what_a_state_shows_is_that_of_iter_fit(X):
    states = []
    init = X[:4]
    KMeans(
        4,
        init=init,
        callback=lambda state: states.append(
            (state.centers, state.labels, state.shift, state.inertia)
        ),
    ).fit(X)
    _, *stepwise = KMeans(4, init=init).iter_fit(X)
    assert len(states) == len(stepwise)
    for (centers, labels, shift, inertia), step in zip(states, stepwise):
        assert np.array_equal(centers, step.centers) and np.array_equal(labels, step.labels)
        assert shift == step.shift
        assert inertia == pytest.approx(((X - centers[labels]) ** 2).sum(), rel=1e-12)


@pytest.mark.parametrize("stop_at", [1, 3])
def test_a_callback_may_stop(X, stop_at):
    model = KMeans(
        6,
        n_init=4,
        random_state=1,
        tol=0.0,
        callback=lambda state: state.run == 1 and state.n_iter == stop_at,
    ).fit(X)
    assert len(model.runs_) == 2
    assert model.runs_[1][2:4] == (stop_at, "callback")
    assert model.inertia_ == min(run.inertia for run in model.runs_)
    assert np.array_equal(model.predict(X), model.labels_)


def test_errors_in_a_callback_are_the_callers(X):
    def fail(state):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        KMeans(2, callback=fail).fit(X)
    with pytest.raises(TypeError, match="callback must be None or a callable"):
        KMeans(2, callback="print").fit(X)


@pytest.mark.parametrize("verbose", [0, 1, True])
def test_verbose(X, capsys, verbose):
    model = KMeans(3, n_init=2, random_state=0, verbose=verbose).fit(X)
    out = capsys.readouterr().out
    assert out.count("\n") == bool(verbose) * (2 * 3 + sum(run.n_iter for run in model.runs_))
    assert "inertia\n" not in out
    if verbose:
        assert (
            f"run 2 of 2: inertia {model.runs_[1].inertia:.10g}, {model.runs_[1].n_iter} iterations"
        ) in out


def test_more_verbose(X, capsys):
    model = KMeans(3, n_init=2, random_state=0, verbose=2).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * 3 + sum(run.n_iter for run in model.runs_)
    assert lines[1].endswith("inertia") and float(lines[2].split()[3]) > model.inertia_


# ---- progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_bar(X):
    pytest.importorskip("tqdm")
    screen = Terminal()
    model = KMeans(5, n_init=3, random_state=0, callback=ProgressBar(screen, mininterval=0)).fit(X)
    assert "100%" in screen.getvalue() and "3/3" in screen.getvalue()
    assert_same(model, KMeans(5, n_init=3, random_state=0).fit(X))
    once_more = model.set_params(n_init=2).fit(X)
    assert "2/2" in screen.getvalue() and len(once_more.runs_) == 2


def test_progress_bar_is_silent_elsewhere(X):
    pytest.importorskip("tqdm")
    file = io.StringIO()
    KMeans(5, random_state=0, callback=ProgressBar(file)).fit(X)
    assert file.getvalue() == ""


@pytest.fixture
def bars(monkeypatch):
    """Every bar that is made, each drawn on a terminal of its own."""
    tqdm = pytest.importorskip("tqdm")
    made = []

    class Noted(tqdm.tqdm):
        def __init__(self, *args, **options):
            made.append(self)
            super().__init__(*args, **{**options, "file": Terminal(), "mininterval": 0})

    monkeypatch.setattr(tqdm, "tqdm", Noted)
    return made


WITH_A_BAR = {
    "KMeans": lambda X, bar: KMeans(4, random_state=0, callback=bar).fit(X),
    "one iteration": lambda X, bar: KMeans(4, max_iter=1, random_state=0, callback=bar).fit(X),
    "refined runs": lambda X, bar: KMeans(
        4, n_init=2, refine="auto", random_state=0, callback=bar
    ).fit(X),
    "no time": lambda X, bar: KMeans(4, max_time=1e-9, random_state=0, callback=bar).fit(X),
    "sizes": lambda X, bar: KMeans(4, size_min=20, random_state=0, callback=bar).fit(X),
    "batches": lambda X, bar: ckmeans.MiniBatchKMeans(4, random_state=0, callback=bar).fit(X),
    "fuzzy": lambda X, bar: ckmeans.FuzzyCMeans(4, random_state=0, callback=bar).fit(X),
    "chunks": lambda X, bar: KMeans(4, random_state=0, callback=bar).fit_chunks([X[:50], X[50:]]),
    "chunks, one iteration": lambda X, bar: KMeans(
        4, max_iter=1, random_state=0, callback=bar
    ).fit_chunks([X[:50], X[50:]]),
    "passes": lambda X, bar: KMeans(4, random_state=0).fit_chunks([X[:50], X[50:]], progress=True),
    "select_k": lambda X, bar: ckmeans.select_k(
        X, range(2, 5), criteria=("silhouette", "gap"), random_state=0, progress=True
    ),
}


@pytest.mark.parametrize("name", WITH_A_BAR)
def test_bars_are_shown_and_closed(X, bars, name):
    WITH_A_BAR[name](X, ProgressBar())
    assert len(bars) == 1
    assert "%" in bars[0].fp.getvalue() or "rows" in bars[0].fp.getvalue()
    assert bars[0].disable  # which closing sets


def test_bars_are_closed_after_an_error(X, bars):
    passes = []

    def chunks():
        passes.append(None)
        yield X[:50]
        if len(passes) > 3:
            raise OSError("the disk is gone")
        yield X[50:]

    with pytest.raises(OSError, match="the disk is gone"):
        KMeans(4, random_state=0).fit_chunks(chunks, progress=True)
    assert len(bars) == 1 and bars[0].disable


def test_without_a_bar_there_is_none(X, bars):
    ckmeans.select_k(X, range(2, 4), criteria=("silhouette",), random_state=0)
    KMeans(4, random_state=0).fit_chunks([X])
    assert bars == []


def test_progress_bar_without_tqdm():
    run_python("""
import sys
sys.modules["tqdm"] = None
from ckmeans import KMeans
from ckmeans.progress import ProgressBar
try:
    KMeans(2, callback=ProgressBar()).fit([[0.0], [1.0], [9.0]])
except ImportError as error:
    assert "pip install 'ckmeans-cython[progress]'" in str(error)
else:
    raise AssertionError
""")


# ---- the order of the labels


def test_by_size(X):
    plain = KMeans(7, random_state=0).fit(X)
    model = KMeans(7, random_state=0, label_order="size").fit(X)
    assert list(model.counts_) == sorted(plain.counts_, reverse=True)
    assert model.inertia_ == plain.inertia_
    assert np.array_equal(model.predict(X), model.labels_)
    assert np.array_equal(np.bincount(model.labels_), model.counts_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_by_center(X, dtype):
    rows = X.astype(dtype)
    models = [
        KMeans(4, random_state=seed, n_init=20, label_order="center").fit(rows) for seed in range(4)
    ]
    for model in models:
        assert model.cluster_centers_.dtype == dtype
        assert model.cluster_centers_.tolist() == sorted(model.cluster_centers_.tolist())
        assert np.array_equal(model.predict(rows), model.labels_)
        if model.inertia_ == models[0].inertia_:  # the same partition has the same labels
            assert np.array_equal(model.labels_, models[0].labels_)
    assert sum(model.inertia_ == models[0].inertia_ for model in models) > 1


def test_rows_between_two_centers_follow_the_new_labels():
    rows = np.array([[0.0], [2.0], [4.0]])
    model = KMeans(2, init=[[4.0], [0.0]], max_iter=1, label_order="center").fit(rows)
    assert np.array_equal(model.predict(rows), model.labels_)
    assert np.array_equal(np.bincount(model.labels_, minlength=2), model.counts_)


def test_like_an_earlier_model(X):
    monday = KMeans(9, random_state=0, n_init=20).fit(X)
    moved = X + np.random.default_rng(1).normal(size=X.shape) * 0.05
    tuesday = KMeans(9, random_state=5, n_init=20, label_order=monday.cluster_centers_).fit(moved)
    found = match(tuesday, monday, same_rows=True)
    assert np.array_equal(found.continues, np.arange(9))
    assert np.array_equal(found.changed, np.flatnonzero(monday.labels_ != tuesday.labels_))
    assert found.table.trace() == len(X) - len(found.changed)
    assert np.allclose(
        found.shifts, np.linalg.norm(tuesday.cluster_centers_ - monday.cluster_centers_, axis=1)
    )


@pytest.mark.parametrize("k, k_before", [(3, 5), (5, 3)])
def test_match_of_different_numbers(X, k, k_before):
    now, before = KMeans(k, random_state=0).fit(X), KMeans(k_before, random_state=0).fit(X[::2])
    found = match(now, before, X)
    taken = found.continues[found.continues >= 0]
    assert len(set(taken)) == len(taken) == 3
    assert np.isnan(found.shifts).sum() == max(0, k - k_before)
    assert found.table.shape == (k_before, k) and found.table.sum() == len(X)
    same = found.continues[now.predict(X)] == before.predict(X)
    assert np.array_equal(found.changed, np.flatnonzero(~same))
    with pytest.raises(ValueError, match="pass the rows to compare as X"):
        match(now, before, same_rows=True)
    with pytest.raises(ValueError, match="3 and 2 features"):
        match(now, KMeans(2).fit(X[:, :2]))
    with pytest.raises(ckmeans.NotFittedError):
        match(now, KMeans(2))


@pytest.mark.parametrize("rows", [None, "same", "X"])
def test_match_does_not_guess_which_rows_are_compared(X, rows):
    """Two months of the same number of rows: only the caller knows whether row i is row i."""
    may, june = KMeans(3, random_state=0).fit(X), KMeans(3, random_state=1).fit(X[::-1])
    if rows is None:
        with pytest.raises(ValueError, match=r"which rows are to be compared\? Pass them as X"):
            match(june, may)
        with pytest.raises(ValueError, match="not both"):
            match(june, may, X, same_rows=True)
        for value in ("no", X, 1, None):  # (rows in the wrong place, too)
            with pytest.raises(TypeError, match="same_rows must be True or False, got"):
                match(june, may, same_rows=value)
    elif rows == "X":
        found = match(june, may, X)
        assert len(found.changed) == 0 and (np.count_nonzero(found.table, axis=0) == 1).all()
    else:
        found = match(june, may, same_rows=True)
        wrong = found.continues[june.labels_] != may.labels_
        assert np.array_equal(found.changed, np.flatnonzero(wrong)) and wrong.any()
    unlabeled = MiniBatchKMeans(3, compute_labels=False, random_state=0).fit(X)
    with pytest.raises(ValueError, match="no labels_ of both fits"):
        match(unlabeled, may, same_rows=True)


def inertia_of(centers, like, metric):
    """What a pairing of centers costs, written out."""
    if metric == "manhattan":
        return np.abs(centers - like).sum()
    if metric == "cosine":
        a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (centers, like))
        return (1 - (a * b).sum(axis=1)).sum()
    return ((centers - like) ** 2).sum()


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
@pytest.mark.parametrize("seed", range(12))
def test_clusters_are_paired_by_the_distances_of_the_fit(metric, seed):
    """The pairing of least cost among all, in `match` and in `label_order`."""
    rng = np.random.default_rng(seed)
    # One far column: squares and absolute differences disagree on which pairs are best.
    rows, like = (rng.standard_cauchy((60, 4)) for _ in range(2))
    before = KMeans(4, metric=metric, init=like[:4], max_iter=1, tol=0).fit(like)
    model = KMeans(4, metric=metric, random_state=seed, n_init=1).fit(rows)
    orders = [list(order) for order in itertools.permutations(range(4))]
    old, new = before.cluster_centers_, model.cluster_centers_
    best = min(orders, key=lambda order: inertia_of(new, old[order], metric))
    found = match(model, before, rows)
    assert found.continues.tolist() == best
    each = [inertia_of(new[[j]], old[[best[j]]], metric) for j in range(4)]
    assert np.allclose(found.shifts, np.sqrt(each) if metric == "euclidean" else each)
    # Given centers may have any length.
    given = old * rng.uniform(0.1, 9, size=(4, 1)) if metric == "cosine" else old
    kinds = [KMeans(4, metric=metric, random_state=seed, n_init=1, label_order=given)]
    if metric == "cosine":
        kinds.append(MiniBatchKMeans(4, metric=metric, random_state=seed, label_order=given))
    for fitted in (kind.fit(rows) for kind in kinds):
        assert match(fitted, before, rows).continues.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("rows, columns", [(1, 1), (3, 3), (3, 6), (5, 5), (1, 7)])
def test_assignment_is_the_best(rows, columns):
    rng = np.random.default_rng(rows + columns)
    for _ in range(30):
        cost = rng.integers(0, 6, size=(rows, columns)).astype(float)
        best = min(
            sum(cost[i, j] for i, j in enumerate(picked))
            for picked in itertools.permutations(range(columns), rows)
        )
        found = assignment(cost)
        assert len(set(found)) == rows
        assert cost[np.arange(rows), found].sum() == best


def test_assignment_agrees_with_scipy():
    optimize = pytest.importorskip("scipy.optimize")
    cost = np.random.default_rng(0).random((60, 80))
    found = assignment(cost)
    assert cost[np.arange(60), found].sum() == pytest.approx(
        cost[optimize.linear_sum_assignment(cost)].sum(), rel=1e-12
    )


@pytest.mark.parametrize(
    "bad, error, message",
    [
        ("weight", ValueError, "'size', 'center' or an array"),
        (3, TypeError, "label_order must be"),
        (KMeans(2), TypeError, "without cluster_centers_: pass a fitted model"),
        (np.zeros((2, 3)), ValueError, r"shape \(2, 3\), but there are centers of shape \(4, 3\)"),
        (np.full((4, 3), np.nan), ValueError, "label_order contains NaN"),
    ],
)
def test_bad_label_order(X, bad, error, message):
    with pytest.raises(error, match=message):
        KMeans(4, label_order=bad).fit(X)


# ---- copies and pickles of models


def test_pickle_and_deepcopy(X):
    pytest.importorskip("tqdm")
    model = KMeans(
        4,
        random_state=np.random.RandomState(0),
        callback=ProgressBar(Terminal()),
        label_order="size",
    ).fit(X)
    for again in (
        copy.deepcopy(model),
        copy.copy(model),
        *(
            pickle.loads(pickle.dumps(model, protocol))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
    ):
        assert_same(again, model)
        assert np.array_equal(again.predict(X), model.labels_)
        assert again.runs_ == model.runs_
    later = copy.deepcopy(model)
    later.cluster_centers_[0] = 1e6
    assert model.cluster_centers_[0, 0] != 1e6
    assert pickle.loads(pickle.dumps(KMeans(3))).get_params() == KMeans(3).get_params()


def test_save_with_the_session_parameters(X, tmp_path):
    model = KMeans(3, random_state=0, max_time=60.0, callback=print, label_order=X[:3]).fit(X[:100])
    model.save(tmp_path / "m.npz")
    again = ckmeans.load(tmp_path / "m.npz")
    assert (
        again.callback is None
        and again.max_time == 60.0
        and np.array_equal(again.label_order, X[:3])
    )
    assert np.array_equal(again.predict(X), model.predict(X))


def test_the_command_line_has_a_progress_bar_for_terminals(X, tmp_path, capsys, monkeypatch):
    from ckmeans import cli

    np.save(tmp_path / "x.npy", X)
    command = [
        "fit",
        str(tmp_path / "x.npy"),
        "-k",
        "3",
        "--json",
        "--max-time",
        "100",
        "--label-order",
        "size",
    ]
    assert cli.main(command) == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert err == ""
    sizes = [cluster["size"] for cluster in facts["clusters"]]
    assert sizes == sorted(sizes, reverse=True)
    assert facts["settings"]["max_time"] == 100 and facts["settings"]["label_order"] == "size"

    pytest.importorskip("tqdm")
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    assert cli.main(command) == 0
    assert "k-means runs" in screen.getvalue()
    screen.truncate(0)
    assert cli.main([*command, "--no-progress"]) == 0
    assert "k-means runs" not in screen.getvalue()


# -- submodules ------------------------------------------------------------------------------------

MODULES = [
    "dask",
    "image",
    "metrics",
    "partial",
    "plot",
    "progress",
    "ray",
    "report",
    "select",
    "tutorial",
]


@pytest.mark.parametrize("name", MODULES)
def test_modules_load_when_they_are_touched(name):
    run_python(f"""
import sys
import ckmeans
before = set(sys.modules)
assert {name!r} in dir(ckmeans) and "ckmeans.{name}" not in sys.modules
module = ckmeans.{name}
assert module is sys.modules["ckmeans.{name}"] is ckmeans.{name}
assert module.__name__ == "ckmeans.{name}"
assert hasattr(ckmeans, {name!r})
""")


def test_importing_the_package_imports_no_module_that_is_not_needed():
    run_python(f"""
import sys
import ckmeans
dir(ckmeans)
loaded = [name for name in {MODULES!r} if "ckmeans." + name in sys.modules]
assert not loaded, loaded
extras = ["matplotlib", "PIL", "dask", "ray", "pandas", "pyarrow", "sklearn", "scipy", "tqdm"]
for name in {MODULES!r}:
    getattr(ckmeans, name)
assert not [name for name in extras if name in sys.modules]
assert callable(ckmeans.ckmeans) and callable(ckmeans.match)
assert callable(ckmeans.load) and callable(ckmeans.select_k)
assert callable(ckmeans.report.report) and callable(ckmeans.breaks)
""")


@pytest.mark.parametrize(
    "call, extra",
    [
        ("ckmeans.plot.clusters(model, X)", "plot"),
        ("ckmeans.dask.KMeans(2).fit(X)", "dask"),
        ("ckmeans.ray.KMeans(2).fit([X])", "ray"),
        ("ckmeans.report.report(model, X, 'r.html')", "plot"),
    ],
)
def test_a_missing_extra_gives_its_line(call, extra):
    run_python(f"""
import sys
for name in ("matplotlib", "dask", "ray"):
    sys.modules[name] = None
import numpy as np
import ckmeans
X = np.arange(20.0).reshape(10, 2)
model = ckmeans.KMeans(2, random_state=0).fit(X)
try:
    {call}
except ImportError as error:
    assert str(error).endswith("pip install 'ckmeans-cython[{extra}]'"), error
else:
    raise AssertionError
""")


def test_no_module_hides_a_function():
    import ckmeans

    assert not {*MODULES} & {*ckmeans.__all__} and {*MODULES} <= {*dir(ckmeans)}
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        ckmeans.nothing
