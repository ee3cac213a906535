"""scikit-learn's callbacks: what they are told, alone and below a search."""

import pickle

import numpy as np
import pytest

import ckmeans
from ckmeans import BisectingKMeans, FuzzyCMeans, KMeans, MiniBatchKMeans

sklearn_callback = pytest.importorskip("sklearn.callback")

from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402

X = np.random.default_rng(0).normal(size=(300, 3)) + 6 * np.eye(3)[np.arange(300) % 3]


class Record:
    """What a callback was told: (what, task, its number, the number of its parent)."""

    def __init__(self, stop_at=None, look=None):
        self.told, self.stop_at, self.look = [], stop_at, look

    def setup(self, estimator, context):
        self.told.append(("setup", context.task_name, context.max_subtasks))

    def on_fit_task_begin(self, estimator, context, *, X=None, metadata=None):
        self.told.append(("begin", context.task_name, context.task_id))
        self.seen = X, metadata

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.told.append(("end", context.task_name, context.task_id))
        if self.look is not None:
            self.look(context, fitted_estimator)
        return context.task_name == "iteration" and context.task_id + 1 == self.stop_at

    def teardown(self, estimator, context):
        self.told.append(("teardown", context.task_name, context.max_subtasks))


class Propagated(Record):
    max_propagation_depth = None


def nested(told):
    """Check that tasks end in the order of a tree; count them by name."""
    open_, counts = [], {}
    for what, name, number in told:
        if what == "begin":
            open_.append((name, number))
        elif what == "end":
            assert open_.pop() == (name, number)
            counts[name] = counts.get(name, 0) + 1
    assert open_ == []
    return counts


@pytest.mark.parametrize(
    "model",
    [
        KMeans(4, random_state=0),
        KMeans(4, random_state=0, n_init=3, refine=None, scale="standard"),
        KMeans(4, random_state=0, n_init=2, refine="swap"),
        KMeans(4, random_state=0, max_iter=2),
        KMeans(4, random_state=0, metric="cosine"),
        FuzzyCMeans(3, random_state=0),
        MiniBatchKMeans(3, random_state=0, max_iter=2, batch_size=50),
    ],
)
def test_a_callback_sees_fit_runs_and_iterations(model):
    states, record = [], Record()
    plain = clone(model).set_params(callback=lambda state: states.append(state.n_iter)).fit(X)
    watched = clone(model).set_callbacks(record)
    assert watched.fit(X) is watched
    assert np.array_equal(watched.cluster_centers_, plain.cluster_centers_)
    assert record.told[0][:2] == ("setup", "fit") and record.told[-1][0] == "teardown"
    assert record.told[1] == ("begin", "fit", 0) and record.told[-2] == ("end", "fit", 0)
    counts = nested(record.told[1:-1])
    runs = getattr(watched, "runs_", [None])
    assert counts["fit"] == 1 and counts["run"] == len(runs) <= record.told[0][2]
    assert counts.get("iteration", 0) + counts.get("batch", 0) == len(states) > 0
    left = {"_told", "_callback_fit_ctx", "_skl_callbacks_to_teardown"}
    assert not left & watched.__dict__.keys()
    assert record.seen[0] is X and record.seen[1] is None
    weights = np.ones(len(X))
    watched.fit(X, sample_weight=weights)
    assert [*record.seen[1]] == ["sample_weight"] and record.seen[1]["sample_weight"] is weights


@pytest.mark.parametrize("scale", [None, "standard"])
def test_the_fitted_estimator_is_that_of_the_iteration(scale):
    data, scores, last = X * [1, 50, 1], [], []

    def look(context, fitted):
        if context.task_name == "iteration":
            scores.append(fitted.score(data))
            last[:] = [fitted]

    model = KMeans(3, n_init=1, random_state=1, refine=None, scale=scale, tol=0, init="random")
    model.set_callbacks(Record(look=look))
    model.fit(data)
    assert len(scores) == model.n_iter_ and np.all(np.diff(scores) >= -1e-6 * abs(scores[0]))
    assert np.array_equal(last[0].predict(data), model.labels_)
    assert np.array_equal(last[0].cluster_centers_, model.cluster_centers_)
    last[0].set_callbacks().fit(data)  # a model of its own
    assert len(scores) == model.n_iter_


def test_a_true_result_ends_the_fit_and_our_callback_is_called_as_well():
    seen, record = [], Record(stop_at=2)
    model = KMeans(6, n_init=1, random_state=0, init="random", callback=seen.append)
    model.set_callbacks(record).fit(X)
    assert model.n_iter_ == 2 and model.stop_reason_ == "callback" and len(seen) == 2
    nested(record.told[1:-1])


@pytest.mark.parametrize("bad", [np.full((9, 2), np.nan), np.zeros((2, 2))])
def test_errors_take_leave_of_callbacks(bad):
    record = Record()
    with pytest.raises(ValueError):
        KMeans(3).set_callbacks(record).fit(bad)
    names = [what for what, *_ in record.told]
    assert names.count("setup") == names.count("teardown")

    def fail(state):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        KMeans(3, callback=fail).set_callbacks(record).fit(X)
    assert record.told[-1][0] == "teardown"


def test_below_a_search():
    record = Propagated()
    search = GridSearchCV(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}, cv=2)
    search.set_callbacks(record).fit(X)
    names = [name for what, name, _ in record.told if what == "end"]
    assert names.count("run") >= 5 and names.count("iteration") >= 5
    assert names.count("fit") >= 5  # four fits of the search and the last one
    plain = GridSearchCV(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}, cv=2).fit(X)
    assert np.array_equal(
        search.best_estimator_.cluster_centers_, plain.best_estimator_.cluster_centers_
    )


def test_its_progress_bars_show_ours(capsys):
    pytest.importorskip("rich")
    model = KMeans(4, n_init=2, random_state=0, refine=None)
    model.set_callbacks(sklearn_callback.ProgressBar()).fit(X)
    out = capsys.readouterr().out
    assert "KMeans - fit" in out and "KMeans - run" in out and "100%" in out


def test_its_score_monitor_sees_every_iteration():
    monitor = sklearn_callback.ScoringMonitor(scoring=lambda model, X, y=None: model.score(X))
    model = KMeans(4, n_init=1, random_state=0, refine=None, init="random")
    model.set_callbacks(monitor).fit(X)
    log = str(monitor.get_logs().data)
    assert log.count("iteration") >= model.n_iter_


def test_clones_copies_and_pickles():
    record = Record()
    model = KMeans(3, random_state=0).set_callbacks(record)
    clone(model).fit(X)
    assert record.told
    model.set_callbacks()
    assert not model.__dict__.get("_skl_callbacks")
    assert pickle.loads(pickle.dumps(model.fit(X))).n_iter_ == model.n_iter_


def test_only_what_can_be_watched_has_it():
    assert not hasattr(BisectingKMeans(2), "set_callbacks")
    with pytest.raises(TypeError, match="FitCallback"):
        KMeans(2).set_callbacks(print)


def test_older_versions_give_one_line(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    with pytest.raises(ImportError, match="set_callbacks needs scikit-learn 1.9"):
        ckmeans.KMeans(2).set_callbacks()


def test_mapped_rows_and_chunks(tmp_path, monkeypatch):
    from ckmeans._estimators import chunk_fits

    monkeypatch.setattr(chunk_fits, "MAPPED_LIMIT", 0)
    np.save(tmp_path / "x.npy", X)
    record = Record()
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = KMeans(3, n_init=1, random_state=0).set_callbacks(record).fit(mapped)
    assert nested(record.told[1:-1])["run"] == len(model.runs_)
