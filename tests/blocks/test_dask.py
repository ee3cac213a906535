"""Fits on Dask: the bits of a fit in one array, on threads and on processes, also when one of those
is killed.
"""

import os
import pickle
import signal
import threading
import warnings

import numpy as np
import pytest
from checks import PATIENCE, assert_same, fit, run_python
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import problems

import ckmeans

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

from ckmeans.dask import Engine, KMeans  # noqa: E402


def data(n=3000, d=4, k=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 4 * rng.integers(0, 3, size=(n, 1))


@pytest.fixture
def synchronous():
    with dask.config.set(scheduler="synchronous"):
        yield


# -- the same bits ---------------------------------------------------------------------------------


@st.composite
def chunks(draw, n):
    cuts = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
    return tuple(np.diff([0, *cuts, n]).tolist())


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_chunks_give_the_bits_of_one_array(drawn):
    problem = drawn.draw(problems())
    n, d = problem.X.shape
    rows = drawn.draw(chunks(n))
    X = da.from_array(problem.X, chunks=(rows, drawn.draw(st.integers(1, d))))
    weights = problem.weights
    if weights is not None and drawn.draw(st.booleans()):
        weights = da.from_array(weights, chunks=drawn.draw(chunks(n)))
    with dask.config.set(scheduler="synchronous"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ckmeans.ConvergenceWarning)
        model = KMeans(
            problem.k, init=problem.init, tol=problem.tol, max_iter=problem.max_iter
        ).fit(X, sample_weight=weights)
        assert_same(model.compute(), fit(problem))


@pytest.mark.parametrize("init", ["k-means||", "k-means++", "random", "first"])
def test_inits_draw_what_they_draw_in_one_array(init, synchronous):
    X = data(700)
    lazy = da.from_array(X, chunks=((300, 0, 399, 1), 2))
    ours = KMeans(4, init=init, n_init=2, random_state=3).fit(lazy)
    plain = ckmeans.KMeans(4, init=init, n_init=2, random_state=3).fit(X)
    assert_same(ours.compute(), plain)
    assert [run[:4] for run in ours.runs_] == [run[:4] for run in plain.runs_]


@pytest.mark.parametrize("params", [{}, {"random_state": 7}, {"n_clusters": 3, "random_state": 1}])
def test_nothing_given_gives_the_same_bits(params, synchronous):
    X = data(500)
    params = {"random_state": 0, **params}  # without a seed, nothing repeats
    plain = ckmeans.KMeans(**params).fit(X)
    ours = KMeans(**params).fit(da.from_array(X, chunks=(200, 4)))
    assert_same(ours.compute(), plain)
    assert [run[:4] for run in ours.runs_] == [run[:4] for run in plain.runs_]
    shared = ours.get_params().keys() & plain.get_params().keys()
    assert {name: KMeans().get_params()[name] for name in shared} == {
        name: ckmeans.KMeans().get_params()[name] for name in shared
    }


def test_one_feature_starts_from_kmeans_plusplus(synchronous):
    X = data(300, 1)
    ours = KMeans(4, random_state=0).fit(da.from_array(X, chunks=(120, 1))).compute()
    drawn = ckmeans.KMeans(4, init="k-means++", random_state=0).fit(X)
    assert (
        np.array_equal(ours.cluster_centers_, drawn.cluster_centers_)
        and ours.inertia_ == drawn.inertia_
    )
    assert np.array_equal(ours.labels_, drawn.labels_)
    assert "one feature" in KMeans.__doc__  # the promise says so


def test_threads(tmp_path):
    X = data(20_000).astype(np.float32)
    ours = KMeans(6, init=X[:6]).fit(
        da.from_array(X, chunks=(1000, 4))
    )  # more blocks than are added up at once
    assert_same(ours.compute(), ckmeans.KMeans(6, init=X[:6]).fit(X))


def test_many_blocks_are_added_up_in_a_tree(synchronous, monkeypatch):
    import ckmeans.dask

    seen = []
    compute = dask.compute
    monkeypatch.setattr(ckmeans.dask, "FAN_IN", 3)
    monkeypatch.setattr(
        dask,
        "compute",
        lambda *what, **options: seen.append(len(what)) or compute(*what, **options),
    )
    X = data(500)
    ours = KMeans(3, init=X[:3]).fit(da.from_array(X, chunks=(20, 4)))
    assert max(seen) <= 3 and len(seen) > 3
    assert_same(ours.compute(), ckmeans.KMeans(3, init=X[:3]).fit(X))


# -- models ----------------------------------------------------------------------------------------


def test_what_is_lazy_stays_so(synchronous):
    X = data(1000)
    lazy = da.from_array(X, chunks=(300, 2))
    model = KMeans(3, random_state=0, n_init=1).fit(lazy)
    plain = model.compute()
    assert type(plain) is ckmeans.KMeans and type(plain.labels_) is np.ndarray
    assert not hasattr(model.compute(labels=False), "labels_")
    pickle.loads(pickle.dumps(plain)).predict(X)
    for ours, expected in (
        (model.labels_, plain.labels_),
        (model.predict(lazy), plain.predict(X)),
        (model.transform(lazy), plain.transform(X)),
        (model.fit_predict(lazy), plain.labels_),
    ):
        assert (
            isinstance(ours, da.Array)
            and ours.chunks[0] == lazy.chunks[0]
            and ours.shape == expected.shape
        )
        assert ours.dtype == expected.dtype and np.array_equal(ours.compute(), expected)
    assert model.transform(lazy.astype(np.float32)).dtype == np.float32
    assert model.score(lazy) == plain.score(X) == -plain.inertia_
    # An array that is not lazy gets its labels at once.
    assert np.array_equal(model.predict(X), plain.labels_)
    assert model.get_params() == KMeans(3, random_state=0, n_init=1).get_params()
    assert repr(model) == "KMeans(n_clusters=3, n_init=1, random_state=0)"


def test_nothing_is_computed_but_blocks(synchronous):
    """Rows of an array larger than memory: a test can only check that no task holds more than a
    block.
    """

    def rows(block_info=None):
        (start, stop), _ = block_info[None]["array-location"]
        return np.arange(start, stop)[:, None] % 97 * np.ones((1, 2))

    X = da.map_blocks(rows, chunks=((1000,) * 5, (2,)), dtype=float)
    model = KMeans(4, init="first").fit(X)
    assert_same(model.compute(), ckmeans.KMeans(4, init="first").fit(X.compute()))


def test_numpy_arrays_are_cut_by_dask(synchronous):
    X = data(200)
    weights = np.arange(200.0)
    assert_same(
        KMeans(3, init=X[:3]).fit(X, sample_weight=weights).compute(),
        ckmeans.KMeans(3, init=X[:3]).fit(X, sample_weight=weights),
    )


def test_data_frames(synchronous):
    pandas = pytest.importorskip("pandas")
    dd = pytest.importorskip("dask.dataframe")
    frame = pandas.DataFrame(data(900), columns=list("abcd")).assign(w=np.arange(900) % 5)
    lazy = dd.from_pandas(frame, npartitions=4)
    lazy, frame = (
        lazy[lazy.a > 0],
        frame[frame.a > 0],
    )  # so that the number of rows is unknown
    X, weights = frame[list("abcd")], frame.w
    model = KMeans(3, init=X[:3]).fit(lazy[list("abcd")], sample_weight=lazy.w)
    plain = ckmeans.KMeans(3, init=X[:3]).fit(X, sample_weight=weights)
    assert_same(model.compute(), plain)
    assert list(model.feature_names_in_) == list("abcd") and model.n_features_in_ == 4
    for ours, expected in (
        (model.predict(lazy[list("abcd")]), plain.predict(X)),
        (model.transform(lazy[list("abcd")]), plain.transform(X)),
    ):
        assert isinstance(ours, da.Array) and np.array_equal(ours.compute(), expected)
    assert model.score(lazy[list("abcd")], sample_weight=lazy.w) == -plain.inertia_
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(lazy[list("abcw")])
    with pytest.raises(ValueError, match="whose rows are not known"):
        model.fit(lazy[list("abcd")], sample_weight=np.ones(len(frame)))
    with pytest.raises(ValueError, match="4 blocks and X has 2"):
        model.fit(lazy[list("abcd")].repartition(npartitions=2), sample_weight=lazy.w)


def test_unknown_rows(synchronous):
    X = data(500)
    lazy = da.from_array(X, chunks=(200, 2))
    some = lazy[lazy[:, 0] > 1]
    model = KMeans(3, init=X[:3]).fit(some, sample_weight=lazy[lazy[:, 0] > 1][:, 1] ** 2)
    X = X[X[:, 0] > 1]
    plain = ckmeans.KMeans(3, init=model.init).fit(X, sample_weight=X[:, 1] ** 2)
    assert_same(model.compute(), plain)
    assert np.array_equal(model.transform(some).compute(), plain.transform(X))


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("label_order", ["size", "center", "array"])
def test_the_order_of_labels(label_order, synchronous):
    X = np.random.default_rng(5).normal(size=(500, 3))
    label_order = X[[7, 3, 1, 9]] if label_order == "array" else label_order
    model = KMeans(4, random_state=0, n_init=2, label_order=label_order).fit(
        da.from_array(X, chunks=(120, 3))
    )
    assert_same(model.compute(), ckmeans.KMeans(**model.get_params()).fit(X))
    assert model.compute().label_order is label_order


def test_a_time_limit_ends_a_fit(synchronous):
    X = np.random.default_rng(5).normal(size=(500, 3))
    model = KMeans(4, random_state=0, n_init=3, tol=0, max_time=1e-9).fit(
        da.from_array(X, chunks=(120, 3))
    )
    assert model.stop_reason_ == "max_time" and model.n_iter_ == 1 and len(model.runs_) == 1
    assert np.array_equal(model.labels_.compute(), model.compute().predict(X))


def test_a_callback_is_told_of_each_iteration_and_may_end_the_fit(synchronous):
    X = np.random.default_rng(5).normal(size=(500, 3))
    states = []
    model = KMeans(
        4,
        random_state=0,
        n_init=1,
        tol=0,
        callback=lambda state: states.append(state) or state.n_iter == 3,
    )
    model.fit(da.from_array(X, chunks=(120, 3)))
    assert (
        model.stop_reason_ == "callback"
        and model.n_iter_ == 3
        and [state.n_iter for state in states] == [1, 2, 3]
    )
    assert states[0].n_changed is None and states[2].centers.shape == (4, 3)
    assert np.array_equal(
        model.predict(da.from_array(X)).compute(), model.compute().predict(X)
    )  # (a lambda does not go to workers)
    whole = ckmeans.KMeans(4, random_state=0, n_init=1, tol=0, max_iter=3).fit(X)
    assert (
        np.array_equal(model.cluster_centers_, whole.cluster_centers_)
        and model.inertia_ == whole.inertia_
    )


def test_lines_of_passes(synchronous, capsys):
    KMeans(2, init="first", n_init=1, max_iter=2, verbose=1).fit(
        da.random.default_rng(0).random((100, 2), chunks=(30, 2))
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("pass 1: survey, ") and any(
        ": iteration 2, " in line for line in lines
    )


@pytest.mark.parametrize(
    "params, error, message",
    [
        (dict(n_clusters=0), ValueError, "n_clusters"),
        (dict(init="kmeans"), ValueError, "'k-means||'"),
        (dict(n_init=0), ValueError, "n_init"),
        (dict(tol=-1), ValueError, "tol"),
        (dict(max_iter=1.5), TypeError, "max_iter"),
        (dict(n_clusters=101), ValueError, "n_samples=100 should be >= n_clusters=101"),
        (dict(random_state="0"), TypeError, "random_state"),
        (dict(init=np.zeros((3, 2))), ValueError, "does not match the number of features"),
        (dict(n_threads=0), ValueError, "n_threads"),
        (dict(init=lambda X, k, random_state: X[:k]), TypeError, "init cannot be a function"),
        (dict(max_time=0), ValueError, "max_time"),
        (dict(verbose=-1), ValueError, "verbose"),
        (dict(callback=3), TypeError, "callback"),
        (dict(label_order="sizes"), ValueError, "label_order must be None, 'size', 'center'"),
        (dict(label_order=3), TypeError, "label_order"),
        (dict(label_order=np.zeros((3, 2))), ValueError, r"label_order has shape \(3, 2\)"),
    ],
)
def test_parameters(params, error, message, synchronous):
    with pytest.raises(error, match=message):
        KMeans(**{"n_clusters": 3, **params}).fit(da.zeros((100, 4), chunks=(50, 4)))


@pytest.mark.parametrize(
    "make, weights, error, message",
    [
        (lambda: da.zeros(100), None, ValueError, "Expected 2D array, got 1D"),
        (lambda: da.zeros((100, 2), dtype="U3"), None, ValueError, "which is text"),
        (
            lambda: dask.delayed(np.zeros)((3, 2)),
            None,
            TypeError,
            "dask array or DataFrame, got Delayed",
        ),
        (lambda: da.zeros((100, 2)), np.ones(99), ValueError, "99"),
        (lambda: da.zeros((100, 2)), da.ones(99), ValueError, "99 entries, X has 100 rows"),
        (lambda: da.zeros((100, 2)), da.ones((100, 1)), ValueError, "one-dimensional"),
        (lambda: da.zeros((100, 2)), da.zeros(100), ValueError, "zero for every row"),
        (
            lambda: da.concatenate([da.zeros((70, 2)), da.full((30, 2), np.nan)]),
            None,
            ValueError,
            "row 70, column 0",
        ),
    ],
)
def test_data(make, weights, error, message, synchronous):
    with pytest.raises(error, match=message):
        KMeans(1).fit(make(), sample_weight=weights)


def test_a_model_that_is_not_fitted():
    for method in KMeans().compute, lambda: KMeans().predict(da.zeros((3, 2))):
        with pytest.raises(ckmeans.NotFittedError):
            method()


def test_what_to_install():
    source = (
        "import sys; sys.modules['dask'] = None; from ckmeans.dask import KMeans\n"
        "try: KMeans().fit([[1.0]])\nexcept ImportError as e: print(e)"
    )
    assert run_python(source) == "ckmeans.dask needs dask: pip install 'ckmeans-cython[dask]'\n"


# -- what goes over the network --------------------------------------------------------------------


def test_what_is_sent_does_not_depend_on_the_rows(synchronous, monkeypatch):
    sent = []

    class Weighed(Engine):
        def map(self, task, *broadcast):
            out = len(pickle.dumps((task, broadcast)))
            back = super().map(task, *broadcast)
            sent.append((out, max(len(pickle.dumps(answer)) for answer in back)))
            return back

    monkeypatch.setattr("ckmeans.dask.Engine", Weighed)
    k, d = 20, 10
    for n in 4_000, 40_000:
        sent.clear()
        X = data(n, d, seed=1)
        KMeans(k, init=X[:k], tol=0, max_iter=8).fit(da.from_array(X, chunks=(n // 4, d)))
        assert len(sent) > 8
        # Centers and the survey go out; back come sums in up to six parts, counts, weights and
        # moments.
        assert max(out for out, _ in sent) < 8 * k * d + 8 * 6 * d + 3000
        assert max(back for _, back in sent) < 8 * k * (6 * d + 6 + 1) + 8 * 8 * d + 3000


# -- processes -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
def client(cluster):
    distributed = pytest.importorskip("distributed")
    cluster.scale(2)
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


def outgoing(client):
    return sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())


def test_processes(client, monkeypatch):
    sent = []

    class Watched(Engine):
        def map(self, task, *broadcast):
            sent.append(outgoing(client))
            return super().map(task, *broadcast)

    monkeypatch.setattr("ckmeans.dask.Engine", Watched)
    X = data(80_000, 8)
    lazy = client.persist(da.from_array(X, chunks=(20_000, 8)))
    model = KMeans(8, init=X[:8], tol=0, max_iter=9).fit(lazy)
    assert_same(model.compute(), ckmeans.KMeans(8, init=X[:8], tol=0, max_iter=9).fit(X))
    # Once blocks are on their workers, only centers and sums are sent, 8 x 8 numbers in up to six
    # parts, and small objects; a block has 1.3 MB.
    assert sent[-1] - sent[2] < (len(sent) - 3) * 4 * (7 * 8 * 8 * 8 + 8000)
    drawn = KMeans(8, random_state=0, n_init=2, max_iter=5).fit(lazy)
    assert_same(drawn.compute(), ckmeans.KMeans(8, random_state=0, n_init=2, max_iter=5).fit(X))


@pytest.mark.parametrize("quick, fails", [(0, False), (np.inf, False), (np.inf, True)])
def test_passes_go_straight_to_workers_or_by_graphs(client, monkeypatch, quick, fails):
    seen = []

    async def failing(places, task, broadcast, dask_worker):
        raise OSError("gone")

    class Watched(Engine):
        def by_graph(self, *args):
            seen.append("graph")
            return super().by_graph(*args)

        def straight(self, *args):
            answers = super().straight(*args)
            if answers is not None:
                seen.append("straight")
                assert len(answers) <= 2  # one from each worker
            return answers

    monkeypatch.setattr("ckmeans.dask.Engine", Watched)
    monkeypatch.setattr("ckmeans.dask.QUICK", quick)
    if fails:
        monkeypatch.setattr("ckmeans.dask.run_here", failing)
    X = data(20_000, 8)
    model = KMeans(8, init=X[:8], tol=0, max_iter=9).fit(da.from_array(X, chunks=(4000, 8)))
    assert_same(model.compute(), ckmeans.KMeans(8, init=X[:8], tol=0, max_iter=9).fit(X))
    assert (
        len(seen) == 11
        and seen[0] == "graph"
        and set(seen[1:]) == {"straight" if quick and not fails else "graph"}
    )


def test_a_fit_in_a_task(client):
    X = data(4000, 8)

    def inside(X):
        with distributed.get_client().as_current():
            return (
                KMeans(8, init=X[:8], tol=0, max_iter=9)
                .fit(da.from_array(X, chunks=(1000, 8)))
                .compute()
            )

    distributed = pytest.importorskip("distributed")
    model = client.submit(inside, X).result(timeout=PATIENCE)
    assert_same(model, ckmeans.KMeans(8, init=X[:8], tol=0, max_iter=9).fit(X))


@pytest.mark.parametrize("quick", [0, np.inf])
@pytest.mark.parametrize("while_waiting", [False, True])
def test_a_killed_worker_changes_nothing(client, cluster, monkeypatch, while_waiting, quick):
    X = data(40_000, 8, seed=5)
    plain = ckmeans.KMeans(8, init=X[:8], tol=0, max_iter=12).fit(X)
    assert plain.n_iter_ > 8
    passes, victims = [], []

    def kill():
        victims.append(next(iter(cluster.workers.values())).pid)
        os.kill(victims[0], signal.SIGKILL)

    class Dangerous(Engine):
        def map(self, task, *broadcast):
            passes.append(task)
            if len(passes) == 5:
                threading.Timer(0.01, kill).start() if while_waiting else kill()
            return super().map(task, *broadcast)

    monkeypatch.setattr("ckmeans.dask.Engine", Dangerous)
    monkeypatch.setattr("ckmeans.dask.QUICK", quick)
    model = KMeans(8, init=X[:8], tol=0, max_iter=12).fit(da.from_array(X, chunks=(10_000, 8)))
    assert victims and len(passes) > 6
    with pytest.raises(OSError):
        os.kill(victims[0], 0)
    assert_same(model.compute(), plain)


def test_blocks_of_one_row_may_have_any_stride(synchronous):
    X = data(20)
    rows = [
        da.from_delayed(dask.delayed(lambda i: X[i][None])(i), (1, X.shape[1]), X.dtype)
        for i in range(len(X))
    ]
    ours = KMeans(4, init="k-means++", random_state=3).fit(da.concatenate(rows))
    assert_same(ours.compute(), ckmeans.KMeans(4, init="k-means++", random_state=3).fit(X))
