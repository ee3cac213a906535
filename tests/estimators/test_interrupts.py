"""Any exception that ends a fit leaves the results so far in the estimator, and propagates."""

import signal
import threading
import warnings

import numpy as np
import pytest

import ckmeans
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3)) + 3 * RNG.integers(3, size=(400, 1))


class Alarm(Exception):
    """An exception that a user's signal handler raises."""


ENDS = [KeyboardInterrupt, Alarm, MemoryError, SystemExit, ValueError, TimeoutError]


@pytest.fixture(params=ENDS, ids=lambda kind: kind.__name__)
def end(request):
    return request.param("the end")


def check_whole(model, rows=X, labels=True):
    """The attributes are those of one fit, and consistent."""
    if labels:
        assert np.array_equal(model.labels_, model.predict(rows))
        assert np.array_equal(
            model.counts_, np.bincount(model.labels_, minlength=len(model.cluster_centers_))
        )
        assert model.inertia_ == -model.score(rows)
    else:
        assert not any(
            hasattr(model, name) for name in ("labels_", "counts_", "inertia_", "history_")
        )
        assert len(model.predict(rows)) == len(rows)
    assert model.n_features_in_ == rows.shape[1] and not hasattr(model, "feature_names_in_")


def ended(fit, end):
    """Run a fit that must end with this exception object."""
    with pytest.raises(type(end)) as caught:
        fit()
    assert caught.value is end


def at(run, n_iter, end):
    """A callback that raises in an iteration of a run."""

    def callback(state):
        if (state.run, state.n_iter) == (run, n_iter):
            raise end

    return callback


# -- KMeans ----------------------------------------


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("order", [None, "size"])
def test_the_best_finished_run_is_kept(end, order, history):
    model = KMeans(6, n_init=5, random_state=3, tol=0, label_order=order, history=history)
    full = KMeans(**model.get_params()).fit(X)
    ended(lambda: model.set_params(callback=at(3, 2, end)).fit(X), end)
    assert [run[:4] for run in model.runs_] == [run[:4] for run in full.runs_[:3]]
    best = min(full.runs_[:3], key=lambda run: run.inertia)
    alone = KMeans(6, n_init=1, random_state=best.seed, tol=0, label_order=order).fit(X)
    assert np.array_equal(model.cluster_centers_, alone.cluster_centers_) and np.array_equal(
        model.labels_, alone.labels_
    )
    assert (model.inertia_, model.n_iter_) == (best.inertia, best.n_iter)
    assert model.stop_reason_ == "interrupted" and model.converged_ is False
    check_whole(model)
    assert hasattr(model, "history_") is history and (not history or len(model.history_) == 3)


def test_the_centers_so_far_where_no_run_has_finished(end):
    frame = pytest.importorskip("pandas").DataFrame(X, columns=list("abc"))
    model = KMeans(6, n_init=2, random_state=3, tol=0, history=True).fit(
        frame
    )  # none of whose attributes must stay
    _, *states = KMeans(6, n_init=1, random_state=3, tol=0).iter_fit(X)
    ended(lambda: model.set_params(callback=at(0, 2, end)).fit(X), end)
    assert (
        np.array_equal(model.cluster_centers_, states[1].centers)
        and model.n_iter_ == 2
        and model.runs_ == ()
    )
    assert model.stop_reason_ == "interrupted"
    check_whole(model, labels=False)


def test_what_ends_before_there_is_anything_changes_nothing(end):
    def init(X, k, random_state):
        raise end

    model = KMeans(4, random_state=0).fit(X)
    before = dict(model.__dict__)
    ended(lambda: model.set_params(init=init).fit(X), end)
    assert {**model.__dict__, "init": "auto"} == before


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="signals of POSIX")
@pytest.mark.parametrize("name", ["fit", "fit_chunks", "MiniBatchKMeans", "dask"])
def test_an_exception_of_a_signal_handler(name, end):
    def handler(number, frame):
        raise end

    def callback(state):
        if state.n_iter == 2:
            signal.raise_signal(signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, handler)
    try:
        cls = KMeans
        if name == "MiniBatchKMeans":
            cls = MiniBatchKMeans
        elif name == "dask":
            cls = pytest.importorskip("ckmeans.dask").KMeans
            da = pytest.importorskip("dask.array")
        model = cls(4, random_state=0, tol=0, n_init=1, callback=callback)
        data = {
            "fit_chunks": lambda: model.fit_chunks(lambda: iter([X])),
            "dask": lambda: model.fit(da.from_array(X, chunks=(150, 3))),
        }
        ended(data.get(name, lambda: model.fit(X)), end)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert model.stop_reason_ == "interrupted" and model.cluster_centers_.shape == (4, 3)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="signals of POSIX")
def test_a_signal_in_the_middle_of_native_work():
    """The fit would take minutes; the alarm comes after a moment, wherever the fit is by then."""

    def handler(number, frame):
        raise Alarm

    rows = RNG.random((200_000, 8))
    before = signal.signal(signal.SIGALRM, handler)
    model = KMeans(400, init=rows[:400], tol=0, max_iter=10**6)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(Alarm):
            model.fit(np.tile(rows, (4, 1)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if hasattr(model, "cluster_centers_"):
        assert model.stop_reason_ == "interrupted" and np.isfinite(model.cluster_centers_).all()


@pytest.mark.parametrize("where", ["refine", "after"])
def test_a_run_is_there_before_its_refinement(monkeypatch, where, end):
    import ckmeans._estimators.restarts as solve

    plain = KMeans(4, n_init=1, random_state=0, tol=0).fit(X)

    def improve(*args):
        raise end

    callback = None
    if where == "refine":
        monkeypatch.setattr(solve, "improve_all", improve)
    else:
        seen = []

        def callback(state):
            seen.append(state.n_iter)
            if len(seen) > plain.n_iter_:  # an iteration after the refinement
                raise end

    model = KMeans(4, n_init=1, random_state=0, tol=0, refine="swap", callback=callback)
    ended(lambda: model.fit(X), end)
    assert model.inertia_ == plain.inertia_ and np.array_equal(model.labels_, plain.labels_)
    assert model.stop_reason_ == "interrupted" and len(model.runs_) == 1


def test_memory_that_runs_out_in_a_later_restart(monkeypatch):
    from ckmeans._native import engine

    native, made = engine.Run, []

    def new_run(*args):
        made.append(1)
        if len(made) == 3:
            raise MemoryError
        return native(*args)

    monkeypatch.setattr(engine, "Run", new_run)
    model = KMeans(5, n_init=4, random_state=1)
    with pytest.raises(MemoryError):
        model.fit(X)
    assert len(model.runs_) == 2 and model.inertia_ == min(run.inertia for run in model.runs_)
    check_whole(model)


def test_what_keeping_raises_does_not_hide_the_reason(monkeypatch, end):
    def no_memory(*args):
        raise MemoryError

    monkeypatch.setattr("ckmeans._estimators.kmeans.keep_result", no_memory)
    ended(lambda: KMeans(4, n_init=3, random_state=0, tol=0, callback=at(2, 1, end)).fit(X), end)


def test_a_warning_that_is_an_error_comes_after_the_fit():
    for model in (
        KMeans(3, random_state=0),
        MiniBatchKMeans(3, random_state=0),
        BisectingKMeans(3, random_state=0),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ckmeans.ConvergenceWarning, match="distinct"):
                model.fit(np.array([[0.0, 1], [0, 1], [5, 5]]))
        assert model.labels_.shape == (3,) and getattr(model, "stop_reason_", "") != "interrupted"


def test_iter_fit(end):
    model = KMeans(5, random_state=0, tol=0, n_init=1)
    states = model.iter_fit(X)
    next(states), next(states), next(states)  # the start and two iterations
    ended(lambda: states.throw(end), end)
    assert model.stop_reason_ == "interrupted" and model.n_iter_ == 2
    check_whole(model, labels=False)
    left = KMeans(5, random_state=0, tol=0)
    states = left.iter_fit(X)
    next(states)
    states.close()  # closed at once: as if it had not begun
    assert not hasattr(left, "cluster_centers_")


# -- the others ----------------------------------------


def test_fit_chunks(end):
    model = KMeans(6, n_init=4, random_state=3, tol=0).fit(X).set_params(callback=at(0, 2, end))
    ended(lambda: model.fit_chunks(lambda: iter(np.array_split(X, 3))), end)
    _, *states = KMeans(6, n_init=1, random_state=3, tol=0).iter_fit(X)
    assert (
        np.array_equal(model.cluster_centers_, states[1].centers)
        and model.runs_ == ()
        and model.n_iter_ == 2
    )
    check_whole(model, labels=False)


@pytest.mark.parametrize("order", [None, "size"])
@pytest.mark.parametrize("kind", ["chunks", "dask"])
def test_the_best_of_the_runs_over_blocks_that_have_finished(kind, order, end):
    full = KMeans(6, n_init=6, random_state=3, tol=0).fit(X)
    lengths = [run.n_iter for run in full.runs_]
    last = max(range(6), key=lengths.__getitem__)
    assert lengths[last] > min(lengths) + 2  # some run has ended well before that
    cls = KMeans if kind == "chunks" else pytest.importorskip("ckmeans.dask").KMeans
    model = cls(
        6,
        n_init=6,
        random_state=3,
        tol=0,
        init="k-means++",
        label_order=order,
        callback=at(last, lengths[last], end),
    )
    if kind == "chunks":
        ended(lambda: model.fit_chunks(lambda: iter(np.array_split(X, 3))), end)
    else:
        da = pytest.importorskip("dask.array")
        import dask

        with dask.config.set(scheduler="synchronous"):
            ended(lambda: model.fit(da.from_array(X, chunks=(150, 3))), end)
    assert 0 < len(model.runs_) < 6 and model.stop_reason_ == "interrupted"
    assert {run[:4] for run in model.runs_} <= {run[:4] for run in full.runs_}
    assert model.inertia_ == min(run.inertia for run in model.runs_) and not hasattr(
        model, "labels_"
    )
    counts = np.bincount(model.predict(X), minlength=6)
    assert (
        order is None
        and np.array_equal(model.counts_, counts)
        or not hasattr(model, "counts_")
        and (np.diff(counts) <= 0).all()
    )
    assert -KMeans(6, init=model.cluster_centers_, max_iter=1).fit(X).score(X) <= model.inertia_


@pytest.mark.parametrize("compute_labels", [True, False])
def test_mini_batches(end, compute_labels):
    seen = []

    def callback(state):
        seen.append(state.centers)
        if state.n_iter == 3:
            raise end

    model = MiniBatchKMeans(5, batch_size=50, random_state=0, compute_labels=compute_labels)
    model.fit(X).set_params(callback=callback)
    ended(lambda: model.fit(X), end)
    assert (
        np.array_equal(model.cluster_centers_, seen[-1])
        and model.n_steps_ == 3
        and model.stop_reason_ == "interrupted"
    )
    assert model.seen_weights_.sum() == pytest.approx(150)
    check_whole(model, labels=False)
    model.partial_fit(X)  # continues from there
    assert model.n_steps_ == 4


def test_a_batch_that_cannot_be_learnt_changes_nothing(monkeypatch, end):
    def learn(self, batch, random):
        self.seen[:] = 0
        self.centers[:] = 0
        raise end

    for model in (
        MiniBatchKMeans(5, random_state=0),
        MiniBatchKMeans(5, random_state=0, half_life=50).partial_fit(X),
    ):
        before = {name: np.copy(value) for name, value in model.__dict__.items()}
        with monkeypatch.context() as context:
            context.setattr("ckmeans._estimators.minibatch.Learner.learn", learn)
            ended(lambda model=model: model.partial_fit(X), end)
        assert model.__dict__.keys() == before.keys()
        assert all(
            np.array_equal(before[name], value)
            for name, value in model.__dict__.items()
            if name != "_random_state"
        )


@pytest.mark.parametrize("splits", [0, 1, 3])
def test_the_tree_so_far(monkeypatch, splits, end):
    model = BisectingKMeans(6, random_state=0)
    fitted = BisectingKMeans(splits + 1, random_state=0).fit(X) if splits else None
    split, done = BisectingKMeans._split, []

    def until(self, leaf, random):
        done.append(1)
        if len(done) > splits:
            raise end
        return split(self, leaf, random)

    monkeypatch.setattr(BisectingKMeans, "_split", until)
    ended(lambda: model.fit(X), end)
    if not splits:
        assert not hasattr(model, "cluster_centers_")
        return
    for name in (
        "cluster_centers_",
        "labels_",
        "counts_",
        "inertia_",
        "tree_centers_",
        "tree_children_",
        "n_iter_",
    ):
        assert np.array_equal(getattr(model, name), getattr(fitted, name)), name
    check_whole(model)


def test_a_half_made_split_leaves_no_trace(monkeypatch, end):
    leaf, made = BisectingKMeans._leaf, []

    def until(self, *args):
        made.append(1)
        if len(made) == 6:  # the second half of the third split
            raise end
        return leaf(self, *args)

    monkeypatch.setattr(BisectingKMeans, "_leaf", until)
    model = BisectingKMeans(6, random_state=0)
    ended(lambda: model.fit(X), end)
    monkeypatch.undo()
    fitted = BisectingKMeans(3, random_state=0).fit(X)
    assert np.array_equal(model.tree_children_, fitted.tree_children_) and np.array_equal(
        model.labels_, fitted.labels_
    )
    check_whole(model)


def test_an_interrupted_model_can_be_saved(tmp_path, end):
    for model in (
        KMeans(4, n_init=3, random_state=0, tol=0, callback=at(2, 1, end)),
        KMeans(4, tol=0, callback=at(0, 2, end)),
        MiniBatchKMeans(4, batch_size=50, random_state=0, callback=at(0, 2, end)),
    ):
        ended(lambda model=model: model.fit(X), end)
        model.save(tmp_path / "model.npz")
        assert np.array_equal(ckmeans.load(tmp_path / "model.npz").predict(X), model.predict(X))


def test_in_another_thread(end):
    caught = []

    def work():
        try:
            model.fit(X)
        except BaseException as error:
            caught.append(error)

    model = KMeans(6, n_init=5, random_state=3, tol=0, callback=at(2, 2, end))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert caught == [end] and len(model.runs_) == 2
