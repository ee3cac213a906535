"""Objects that Python code can change while compiled code uses them: attributes, states, rows and
indices.

No memory outside of them may be read or written. The outcome is a correct result, or an error that
says what is wrong.
"""

import copy
import pickle
import signal
import sys
import threading

import numpy as np
import pytest
from checks import assert_same

import ckmeans
from ckmeans import BisectingKMeans, FuzzyCMeans, KMeans, MiniBatchKMeans, metrics
from ckmeans._input.sparse import _in_order
from ckmeans._native import Search, engine, kernel

X = np.random.default_rng(0).normal(size=(300, 4)) + 6 * (np.arange(300) % 3)[:, None]
MODELS = (KMeans, MiniBatchKMeans, BisectingKMeans)
USES = {
    "predict": lambda model: model.predict(X),
    "transform": lambda model: model.transform(X),
    "score": lambda model: model.score(X),
    "match": lambda model: ckmeans.match(model, model, X),
    "names": lambda model: model.get_feature_names_out(),
    "save": lambda model: model.save("/dev/null"),
    "deepcopy": lambda model: copy.deepcopy(model).predict(X),
}


def fitted(cls, **params):
    return cls(3, random_state=0, **params).fit(X)


# ---- attributes


@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c: c[:, :2], "has 2 features, but n_features_in_ is 4"),
        (lambda c: np.repeat(c, 2, axis=1), "has 8 features"),
        (lambda c: c[:0], "0 sample|no centers"),
        (lambda c: c.ravel(), "1D array"),
        (lambda c: c[None], "dim 3"),
        (lambda c: np.where(np.eye(3, 4) > 0, np.nan, c), "contains NaN at row 0, column 0"),
        (lambda c: c - np.inf, "contains -infinity"),
        (lambda c: c * 1e200, "above the largest magnitude"),
        (lambda c: None, "NoneType"),
        (lambda c: "centers", "str"),
        (lambda c: c + 1j, "Complex"),
        (lambda c: np.full(c.shape, "a", dtype=object), "not a number"),
    ],
)
def test_centers_that_are_none(cls, use, change, message):
    model = fitted(cls)
    model.cluster_centers_ = change(model.cluster_centers_)
    with pytest.raises((TypeError, ValueError), match=message):
        USES[use](model)


@pytest.mark.parametrize("cls", [KMeans, MiniBatchKMeans])
@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray,
        lambda c: np.repeat(c, 2, axis=1)[:, ::2],
        lambda c: c.tolist(),
        lambda c: c.astype(object),
        lambda c: c.astype(">f8"),
        lambda c: np.frombuffer(c.tobytes()).reshape(c.shape),
    ],
)
def test_centers_in_another_form_are_the_same_centers(cls, change):
    model, other = fitted(cls), fitted(cls)
    other.cluster_centers_ = change(model.cluster_centers_)
    assert np.array_equal(other.predict(X), model.predict(X)) and other.score(X) == model.score(X)
    assert np.array_equal(other.transform(X), model.transform(X))


def test_fewer_centers_are_a_model_of_fewer_clusters():
    model = fitted(KMeans)
    model.cluster_centers_ = model.cluster_centers_[:2]
    assert model.transform(X).shape == (300, 2) and model.predict(X).max() == 1
    with pytest.raises(
        ValueError, match="labels_ holds 0 to 2, but must hold finite whole numbers from -1 to 1"
    ):
        ckmeans.match(model, model, same_rows=True)


@pytest.mark.parametrize("cls", (*MODELS, FuzzyCMeans))
def test_attributes_of_a_fit_that_were_deleted(cls, tmp_path):
    """Each method works without the attribute, or says that it is not there."""
    uses = {
        **USES,
        "save": lambda model: model.save(tmp_path / "model.npz"),
        "distances": lambda model: model.distances(X),
        "anomalies": lambda model: model.anomaly_scores(X),
        "shares": lambda model: model.predict_proba(X),
        "names of features": lambda model: model.get_feature_names_out(["a", "b", "c", "d"]),
        "export": lambda model: model.to_json(),
        "notebook": lambda model: model._repr_html_() if hasattr(model, "_repr_html_") else "",
        "more": lambda model: getattr(model, "partial_fit", model.fit)(X),
        "explain": lambda model: ckmeans.explain(model, X),
    }
    whole = fitted(cls)
    failing = []
    for use in uses:
        try:
            uses[use](copy.deepcopy(whole))
        except (TypeError, ValueError):  # not for this estimator
            failing.append(use)
    names = [name for name in vars(whole) if name.endswith("_") and not name.startswith("_")]
    assert {"cluster_centers_", "n_features_in_"} <= set(names)
    for name in names:
        for use in uses.keys() - failing:
            model = copy.deepcopy(whole)
            delattr(model, name)
            try:
                uses[use](model)
            except ckmeans.NotFittedError as error:
                assert name in str(error) or "is not fitted yet" in str(error)
            except ValueError as error:
                assert name in str(error), (name, use)


@pytest.mark.parametrize(
    "children",
    [
        [[0, -1], [-2, -3]],
        [[1, -1], [0, -3]],
        [[1, -1], [5, -2]],
        [[1, -4], [-2, -3]],
        [[-1, -1], [-2, -3]],
        [[1, -1]],
        [[1.5, -1], [-2, -3]],
        [[2**40, -1], [-2, -3]],
        None,
    ],
)
def test_splits_that_form_no_tree(children):
    model = fitted(BisectingKMeans)
    model.tree_children_ = children if children is None else np.array(children)
    for use in "predict", "score":
        with pytest.raises(ValueError, match="tree_children_"):
            USES[use](model)


@pytest.mark.parametrize(
    "change",
    [lambda c: c[:, :, :2], lambda c: c[:1], lambda c: c * np.nan, lambda c: c.astype(str)],
)
def test_centers_of_splits(change):
    model = fitted(BisectingKMeans)
    model.tree_centers_ = change(model.tree_centers_)
    with pytest.raises(ValueError, match="tree_centers_ .* it has been changed since the fit"):
        model.predict(X)


@pytest.mark.parametrize(
    "seen",
    [
        np.ones(2),
        np.ones((3, 1)),
        -np.ones(3),
        np.full(3, np.nan),
        np.full(3, np.inf),
        np.array(["a"] * 3),
    ],
)
def test_weights_of_a_stream(seen):
    model = fitted(MiniBatchKMeans)
    model.seen_weights_ = seen
    with pytest.raises(ValueError, match="seen_weights_"):
        model.partial_fit(X)


def test_pictures_and_pages_check_the_model():
    pytest.importorskip("matplotlib").use("agg")
    from ckmeans import plot
    from ckmeans.report import report

    for name, value, message in (
        ("counts_", np.ones(2, int), r"counts_ has shape \(2,\) where \(3,\) belongs"),
        ("counts_", np.array([1, 2, -3]), "counts_ holds -3 to 2"),
        ("counts_", np.ones(3), "counts_ has dtype float64, but holds whole numbers"),
        ("cluster_centers_", np.ones((3, 2)), "cluster_centers_ has 2 features"),
    ):
        model = fitted(KMeans)
        setattr(model, name, value)
        for draw in (plot.sizes, plot.profiles, lambda model: report(model, X)):
            with pytest.raises(ValueError, match=message):
                draw(model)
    with pytest.raises(ValueError, match="labels must be integers from 0 to 2"):
        plot.clusters(fitted(KMeans), X, labels=np.arange(300))


# ---- threads


@pytest.mark.parametrize(
    "value, error",
    [
        (200_000, ValueError),
        (0, ValueError),
        (-1, ValueError),
        (True, TypeError),
        (2.0, TypeError),
        ("2", TypeError),
        (2**70, ValueError),
    ],
)
@pytest.mark.parametrize("cls", MODELS)
def test_a_number_of_threads_is_checked_wherever_it_is_used(cls, value, error, tmp_path):
    model = fitted(cls)
    if isinstance(value, int):  # a file may bring it
        model.n_threads = value
        model.save(tmp_path / "m.npz")
        loaded = ckmeans.load(tmp_path / "m.npz")
        assert loaded.n_threads == value
        model = loaded
    model.n_threads = value
    for use in (
        *(USES[name] for name in ("predict", "transform", "score")),
        lambda model: model.fit(X),
        lambda model: metrics.silhouette_samples(X, X[:, 0] > 3, n_threads=value),
    ):
        with pytest.raises(error, match="n_threads must be"):
            use(model)


def test_no_more_threads_than_make_sense():
    rows = np.random.default_rng(0).normal(size=(20_000, 8))
    model = KMeans(50, init=rows[:50], max_iter=2, n_threads=1).fit(rows)
    expected, before = model.transform(rows), threads_of_this_process()
    model.n_threads, most = 4096, 0
    data = engine.Data(rows, None, 4096, False)
    assert data.n_threads == engine.MOST_THREADS
    for _ in range(3):
        data.assign(np.ascontiguousarray(model.cluster_centers_))
        most = max(most, threads_of_this_process() - before)
    assert most <= engine.MOST_THREADS
    assert np.array_equal(model.transform(rows), expected)


def threads_of_this_process():
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Threads:"))
    except OSError:
        pytest.skip("there is no /proc here")


# ---- states of a callback


@pytest.mark.parametrize("cls", [KMeans, MiniBatchKMeans])
def test_a_state_is_there_during_its_callback_only(cls):
    kept, answers = [], []

    def callback(state):
        kept.append((state, copy.copy(state), state.centers, state.labels, state.inertia))
        asked = threading.Thread(target=lambda: answers.append(attempt(state)))
        asked.start()
        asked.join()
        answers.append(attempt(kept[0][0]) if len(kept) > 1 else True)

    def attempt(state):
        for name in "centers", "labels", "inertia":
            with pytest.raises(
                RuntimeError, match="during its callback only, in the thread of the callback"
            ):
                getattr(state, name)
        return True

    model = cls(3, random_state=0, callback=callback).fit(X)
    assert len(answers) == 2 * len(kept) and all(answers)
    assert_same(model, cls(3, random_state=0).fit(X)) if cls is KMeans else None
    for state, twin, centers, labels, inertia in kept:
        assert centers.shape == (3, 4) and labels.max() < 3 and inertia >= 0
        assert (
            attempt(state)
            and attempt(twin)
            and attempt(pickle.loads(pickle.dumps(state)))
            and "n_iter" in repr(state)
        )


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers here")
def test_a_signal_handler_that_asks_a_state_gets_an_error():
    rows = np.random.default_rng(0).normal(size=(60_000, 6))
    kept, said = [], []

    def handler(number, frame):
        if kept:
            try:
                kept[-1].inertia
            except RuntimeError as error:
                said.append(str(error))
            try:
                model.fit(rows[:100])
            except RuntimeError as error:
                said.append(str(error))

    def callback(state):
        kept.append(state)
        for _ in range(3):
            state.inertia  # a pass, in which signals are looked for

    model = KMeans(20, init=rows[:20], max_iter=30, callback=callback, n_threads=2)
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        model.fit(rows)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert_same(model, KMeans(20, init=rows[:20], max_iter=30).fit(rows))
    assert all(
        "during its callback only" in text or "is being fitted already" in text for text in said
    )


@pytest.mark.parametrize("cls", [KMeans, MiniBatchKMeans])
@pytest.mark.parametrize("again", ["fit", "fit_predict", "partial_fit", "fit_chunks"])
def test_a_fit_inside_its_own_callback_is_refused(cls, again):
    if not hasattr(cls, again):
        pytest.skip(f"{cls.__name__} has no {again}")

    def callback(state):
        with pytest.raises(
            RuntimeError, match="being fitted already, by the call that this one comes from"
        ):
            getattr(model, again)(X[:50])
        others.append(cls(2, random_state=0).fit(X[:50]).labels_)  # another estimator may fit

    others, model = [], cls(3, random_state=0, callback=callback)
    model.fit(X)
    plain = cls(3, random_state=0).fit(X)
    assert (
        np.array_equal(model.labels_, plain.labels_) and model.inertia_ == plain.inertia_ and others
    )
    model.set_params(callback=None).fit(X)


@pytest.mark.parametrize("other_thread", [False, True])
def test_a_signal_in_any_step_around_a_fit_leaves_an_estimator_that_can_be_fitted(other_thread):
    """An interrupt is raised before each line that keeps two fits of one estimator apart."""
    model, wanted = KMeans(3, random_state=0), KMeans(3, random_state=0).fit(X).inertia_

    def fit_and_break_off(step):
        steps = iter(range(step + 1))

        def trace(frame, event, arg):
            if frame.f_code.co_name != "fit_alone":
                return None
            if event == "line" and next(steps, None) == step:
                raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            model.fit(X)
            broken_off.append(False)
        except KeyboardInterrupt:
            broken_off.append(True)
        finally:
            sys.settrace(None)

    broken_off = [True]
    for step in range(20):
        if other_thread:
            thread = threading.Thread(target=fit_and_break_off, args=(step,))
            thread.start()
            thread.join()
        else:
            fit_and_break_off(step)
        assert model.fit(X).inertia_ == wanted
        if not broken_off[-1]:
            break
    assert 3 <= step < 20


def test_threads_that_feed_one_stream_wait_for_each_other():
    stream, seen = MiniBatchKMeans(3, random_state=0).partial_fit(X), []

    def feed():
        for _ in range(10):
            stream.partial_fit(X)
            seen.append((stream.labels_.max() < 3, len(stream.counts_)))  # never half of a result

    threads = [threading.Thread(target=feed) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = MiniBatchKMeans(3, random_state=0)
    for _ in range(61):
        alone.partial_fit(X)
    assert seen == [(True, 3)] * 60 and stream.n_steps_ == 61
    assert np.array_equal(stream.cluster_centers_, alone.cluster_centers_)


# ---- rows that change while they are used

quiet = pytest.mark.filterwarnings("ignore")  # about few clusters, and NumPy's about garbage
GARBAGE = (np.nan, -np.nan, np.inf, -np.inf, 1e300, 0.0)


@quiet
@pytest.mark.parametrize("algorithm", ["auto", "lloyd", "boxes", "yinyang", "projected"])
@pytest.mark.parametrize("d", [2, 40, 150])
def test_values_that_change_after_they_were_checked(algorithm, d):
    """An init sees the rows themselves, and may write to them."""
    for garbage in GARBAGE:
        rows = np.random.default_rng(1).normal(size=(1500, d))

        def init(X, k, random_state):
            X[::3] = garbage
            return np.arange(k)[:, None] + np.zeros((k, d))

        model = KMeans(40, init=init, n_init=1, algorithm=algorithm, max_iter=12, random_state=0)
        try:
            assert 0 <= model.fit(rows).labels_.min() <= model.labels_.max() < 40
        except (ValueError, OverflowError) as error:
            assert str(error)


RULES = {
    "sizes": (KMeans, {"size_min": 300, "size_max": 400}),
    "outliers": (KMeans, {"n_outliers": 40}),
    "medians": (KMeans, {"metric": "manhattan"}),
    "gaps": (KMeans, {"missing": "ignore"}),
    "memberships": (FuzzyCMeans, {}),
    "scale": (KMeans, {"scale": "robust"}),
}


@quiet
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("weighted", [False, True])
def test_values_and_weights_that_change_in_fits_with_rules(name, weighted):
    """Every fit ends, and no memory is damaged."""
    cls, params = RULES[name]
    if weighted and "size_min" in params:
        params = {"size_min": 100, "size_max": 600}
    for garbage in GARBAGE:
        for part in (0, 1) if weighted else (0,):
            rows = np.random.default_rng(1).normal(size=(1500, 5))
            weights = np.random.default_rng(2).random(1500) if weighted else None

            def init(X, k, random_state):
                (rows, weights)[part][::3] = garbage
                return np.arange(k)[:, None] + np.zeros((k, 5))

            model = cls(4, init=init, n_init=1, max_iter=9, tol=0, random_state=0, **params)
            try:
                model.fit(rows, sample_weight=weights)
                assert -1 <= model.labels_.min() <= model.labels_.max() < 4
            except (ValueError, ArithmeticError, IndexError) as error:
                assert str(error)


@pytest.mark.parametrize("d", [64, 130, 500])
def test_rows_that_are_no_longer_mostly_zero(d):
    """`transform` reads rows that are mostly zero once more, for what else there is."""
    rows, over = np.zeros((3000, d)), threading.Event()
    model = KMeans(3, init=np.eye(3, d), max_iter=1).fit(np.eye(5, d))

    def disturb():
        while not over.is_set():
            rows[:] = 1
            rows[:] = 0

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        for _ in range(30):
            assert np.isfinite(model.transform(rows)).all()
    finally:
        over.set()
        disturber.join()


@quiet
@pytest.mark.parametrize("name", RULES)
def test_weights_that_come_and_go_while_rows_are_counted(name):
    """Rows are counted by their weights, and then listed by them."""
    rng = np.random.default_rng(3)
    rows, weights = rng.normal(size=(20_000, 2)), rng.random(20_000) + 0.5
    kept, over = weights.copy(), threading.Event()
    cls, params = RULES[name]
    params = {"size_max": 9000} if "size_min" in params else params

    def disturb():
        while not over.is_set():
            weights[:] = 0
            weights[:] = kept

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        for seed in range(4):
            model = cls(4, random_state=seed, n_init=1, max_iter=8, tol=0, n_threads=2, **params)
            try:
                assert model.fit(rows, sample_weight=weights).labels_.max() < 4
            except (ValueError, ArithmeticError, IndexError) as error:
                assert str(error)
    finally:
        over.set()
        disturber.join()


@quiet
@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_csr_parts_that_change_during_a_fit(cls, metric, index):
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(2)
    dense = np.where(rng.random((400, 60)) < 0.1, rng.random((400, 60)), 0)
    dense[:, 0] += 1

    def changed_by(change):
        S = sparse.csr_matrix(dense)
        S.indices, S.indptr = S.indices.astype(index), S.indptr.astype(index)

        def init(X, n_clusters, random_state):
            change(S)
            return dense[:n_clusters]

        model = cls(5, init=init, random_state=0, max_iter=5, metric=metric)
        try:
            labels = model.fit(S).labels_
            assert 0 <= labels.min() <= labels.max() < 5
        except (ValueError, OverflowError, IndexError, ZeroDivisionError) as error:
            assert str(error)

    for low, high in ((-(2**31), 2**31 - 1), (-3, 0), (60, 64), (10**6, 10**9)):
        changed_by(
            lambda S: S.indices.__setitem__(slice(None), rng.integers(low, high, size=S.nnz))
        )
    changed_by(lambda S: S.indptr.__setitem__(slice(None), 2**30))
    changed_by(lambda S: S.indptr.__setitem__(slice(None), S.indptr[::-1].copy()))
    for garbage in GARBAGE:
        changed_by(lambda S: S.data.__setitem__(slice(None, None, 2), garbage))
        changed_by(lambda S: S.data.__setitem__(slice(None), garbage))


def test_labels_of_a_block_are_looked_at_before_they_are_used():
    from ckmeans.partial import assign_block, survey_block

    survey, labels = survey_block(X), np.full(300, 7, dtype=np.int32)
    with pytest.raises(ValueError, match="labels must be from -1 to 2"):
        assign_block(X, X[:3], survey, labels=labels)
    whole = survey.n_rows, survey.low, survey.high, survey.tiny, 1.0, 1.0
    with pytest.raises(ValueError, match="labels must be from -1 to 2, got -1 to 7"):
        engine.assign_block(
            engine.Data(X, None, 1, False, False), whole, X[:3], labels, 0, None, -1.0
        )


# ---- the entries of compiled code, whoever calls them


def native_calls():
    """(name, call) with something that does not fit."""
    data, centers, labels = engine.Data(X, None, 1, False), X[:3].copy(), np.zeros(300, np.int32)
    whole = 300, data.low, data.high, np.ones(4), 1.0, 1.0
    run, running = engine.Run(data, centers, 5, 0.0), engine.Running(data, centers, np.zeros(3))
    stream = engine.Stream(
        whole, np.dtype(np.float64), False, np.array([0, 100, 300]), 3, 1, 1, "auto", 1 << 20, True
    )
    fresh = engine.Stream(
        whole, np.dtype(np.float64), False, np.array([0, 100, 300]), 3, 1, 1, "auto", 0, True
    )
    yield "block of no pass", lambda: fresh.block(0, 0, X[:100], None)
    stream.begin(0, centers, -1.0, False, True)
    search, silhouette = Search(X, None, centers), kernel("silhouette")
    bad_centers = (
        centers[:, :2],
        centers.astype("f4"),
        np.asfortranarray(centers),
        centers[:0],
        centers[0],
        centers.astype(object),
        None,
    )
    bad_labels = (
        labels[:-1],
        labels.astype(int),
        labels[::-1].astype("i8"),
        labels + 3,
        labels - 1,
        None,
        np.zeros((300, 1), np.int32),
    )
    for bad in bad_centers:
        yield "assign", lambda: data.assign(bad)
        yield "distances", lambda: data.distances(bad)
        yield "inertia", lambda: data.inertia(bad, labels)
        yield "squares", lambda: data.squares(bad, labels)
        yield "Run", lambda: engine.Run(data, bad, 5, 0.0)
        yield "held_run", lambda: engine.held_run(data, whole, bad)
        yield "held_assign", lambda: engine.held_assign(run, bad)
        yield "block_bound", lambda: engine.block_bound(whole, bad)
        yield "begin", lambda: stream.begin(0, bad, -1.0, False, True)
        yield "Search", lambda: Search(X, None, bad)
        yield "set_centers", lambda: search.set_centers(bad)
        yield (
            "assign_block",
            lambda: engine.assign_block(data, whole, bad, labels.copy(), 0, None, -1.0),
        )
    for bad in bad_labels:
        yield "inertia", lambda: data.inertia(centers, bad)
        yield "squares", lambda: data.squares(centers, bad)
        yield "means", lambda: data.means(bad, 3)
        yield (
            "assign_block",
            lambda: engine.assign_block(
                data,
                whole,
                centers,
                None if bad is None else bad - (bad.max() == 0) * 2,
                0,
                None,
                -1.0,
            ),
        )
    for bad in (
        None,
        X[0],
        X.astype(">f8"),
        X[:, :0],
        X.astype("c16"),
        X.astype(str),
        np.frombuffer(b"x" * 65, "u1")[1:].view("f8").reshape(2, 4),
    ):
        yield "Data", lambda: engine.Data(bad, None, 1, False)
    for bad in (np.ones(299), np.ones((300, 1)), np.ones(300, "f4"), np.ones(600)[::2]):
        yield "Data", lambda: engine.Data(X, bad, 1, False)
    for bad in (0, -1, 2**40, None):
        yield "threads", lambda: engine.Data(X, None, bad, False)
    for bad in (
        (300, data.low[:2], data.high, np.ones(4), 1.0, 1.0),
        (300, data.low, None, np.ones(4), 1.0, 1.0),
        (1, 2),
        None,
    ):
        yield "whole", lambda: engine.block_bound(bad, centers)
    yield "uniforms", lambda: data.kmeans_plusplus(3, 2, np.zeros(4))
    yield "k", lambda: data.kmeans_plusplus(0, 2, np.zeros(5))
    yield "batch", lambda: data.batch(np.array([0, 300]))
    yield "batch", lambda: data.batch(np.array([-1]))
    yield "learn", lambda: running.learn(engine.Data(X[:, :2].copy(), None, 1, False))
    yield "put", lambda: running.put(np.array([3]), data, np.array([0]))
    yield "put", lambda: running.put(np.array([0]), data, np.array([300]))
    yield "put", lambda: running.put(np.array([0, 1]), data, np.array([0]))
    yield "Running", lambda: engine.Running(data, centers, np.zeros(2))
    yield "Running", lambda: engine.Running(None, centers, np.zeros(3))
    yield "Run", lambda: engine.Run(None, centers, 5, 0.0)
    yield "block", lambda: stream.block(0, 5, X, None)
    yield "block", lambda: stream.block(0, 0, X, None)
    yield "block", lambda: stream.block(0, 0, X[:100].astype("f4"), None)
    yield "block", lambda: stream.block(0, 0, X[:100], np.ones(99))
    yield "block", lambda: stream.labels(0, 9)
    unbegun = engine.Stream(
        whole, np.dtype(np.float64), False, np.array([0, 100, 300]), 3, 1, 1, "auto", 1 << 20, True
    )
    yield "block", lambda: unbegun.block(0, 0, X[:100], None)
    for bad in (np.dtype("c16"), np.dtype(object), None):
        yield (
            "dtype",
            lambda: engine.Stream(
                whole, bad, False, np.array([0, 100, 300]), 3, 1, 1, "auto", 0, True
            ),
        )
        yield "dtype", lambda: engine.block_cut(whole, bad, False)
    for bad in (0, -1):
        yield "plus", lambda: engine.PlusPlus(data, bad, 2)
        yield "plus", lambda: engine.PlusPlus(data, 2, bad)
    yield "plus", lambda: engine.PlusPlus(data, 3, 2).draw(np.zeros(4))
    least, most = np.array([50, 50, 50]), np.array([200, 200, 200])

    def by_rule(make):
        engine.Run(data, centers, 5, 0.0, "auto", make()).iterate()

    for bad in (least[:2], least[:, None], least + 200, -least):
        yield "sizes", lambda: by_rule(lambda: engine.Sizes(bad, most))
    for bad in (most[:2], most - 101):
        yield "sizes", lambda: by_rule(lambda: engine.Sizes(least, bad))
    yield "sizes", lambda: by_rule(lambda: engine.Sizes(least + 51, most))
    for bad in (np.ones(299), np.ones((300, 1)), -np.ones(300), np.full(300, 2**50)):
        yield "sizes", lambda: by_rule(lambda: engine.Sizes(least, most, bad))
    yield "outliers", lambda: by_rule(lambda: engine.Outliers(-1))
    yield "outliers", lambda: by_rule(lambda: engine.Outliers(300))
    for bad in (*bad_labels[:4], None, np.zeros((300, 1), np.int32)):
        yield "known", lambda: by_rule(lambda: engine.KnownLabels(bad))
    for bad in (1.0, 0.0, np.nan, np.inf):
        yield "fuzzy", lambda: by_rule(lambda: engine.Fuzzy(bad))
        yield "fuzzy", lambda: engine.fuzzy_shares(data, centers, bad)
    for bad in bad_centers:
        yield "fuzzy", lambda: engine.fuzzy_shares(data, bad, 2.0)
        yield "fuzzy", lambda: engine.fuzzy_objective(data, bad, 2.0)
    shared = engine.Outliers(3)
    by_rule(lambda: shared)
    yield "a rule of two runs", lambda: by_rule(lambda: shared)
    yield "a rule of two runs", lambda: engine.Both(shared, engine.Outliers(3))
    for bad in (engine.FuzzySearch, engine.Nothing):
        yield "algorithm", lambda: _run_of(data, centers, ((engine.Floats,), (bad,)))
    yield "algorithm", lambda: _run_of(data, centers, ((), (engine.AllCenters,)))
    yield "algorithm", lambda: _run_of(data, centers, ((engine.Floats, int), (engine.AllCenters,)))
    yield "algorithm", lambda: _run_of(data, centers, ((engine.Floats,), (engine.GroupSearch,)))
    yield "algorithm", lambda: _run_of(data, centers, ((engine.Packing,), (engine.Search,)))
    yield "algorithm", lambda: _run_of(data, centers, (None, None))
    yield (
        "starts",
        lambda: engine.Stream(
            whole, np.dtype(np.float64), False, np.array([0, 200, 100]), 3, 1, 1, "auto", 0, True
        ),
    )
    yield "swap", lambda: search.swap(3, 0)
    yield "swap", lambda: search.swap(0, 300)
    yield "best_removal", lambda: search.best_removal(-1)
    yield "plusplus", lambda: search.plusplus(np.zeros(2))
    room, bounds = np.empty((4, silhouette.GROUP)), np.array([0, 100, 300])
    for start, stop, limits in (
        (0, 301, bounds),
        (-1, 5, bounds),
        (0, 5, np.array([0, 400, 300])),
        (0, 5, np.array([0, 299])),
    ):
        yield (
            "silhouettes",
            lambda: silhouette.silhouettes(X, limits, start, stop, 1.0, 1.0, room, np.empty(300)),
        )
        yield (
            "pair_sums",
            lambda: silhouette.pair_sums(
                X, limits, 0, start, stop, 1.0, 1.0, room, np.zeros((2, 2, 300))
            ),
        )
    yield (
        "silhouettes",
        lambda: silhouette.silhouettes(X, bounds, 0, 5, 1.0, 1.0, room[:3], np.empty(300)),
    )
    yield (
        "silhouettes",
        lambda: silhouette.silhouettes(X, bounds, 0, 5, 1.0, 1.0, room, np.empty(299)),
    )
    yield (
        "pair_sums",
        lambda: silhouette.pair_sums(X, bounds, 2, 0, 5, 1.0, 1.0, room, np.zeros((2, 2, 300))),
    )
    layout = engine.own_layout(np.array([0, 1, 2]), np.array([0, 3], np.int32), 4)
    yield "layout", lambda: layout.rows(1, 3)
    yield "take_rows", lambda: engine.take_rows(np.ones(2), layout, np.array([2]))
    yield "take_rows", lambda: engine.take_rows(np.ones(1), layout, np.array([0]))
    yield "take_rows", lambda: engine.take_rows(np.ones(2), engine.Layout(), np.array([0]))


def _run_of(data, centers, row):
    """A run with an invalid row of the table of algorithms."""
    engine.ALGORITHMS["bad"] = engine.Algorithm(*row)
    try:
        return engine.Run(data, centers, 5, 0.0, "bad")
    finally:
        del engine.ALGORITHMS["bad"]


def test_compiled_code_takes_nothing_that_does_not_fit():
    for name, call in native_calls():
        try:
            call()
        except (TypeError, ValueError, IndexError, OverflowError, RuntimeError) as error:
            assert str(error), name
        else:
            raise AssertionError(f"{name} took what does not fit")


def test_row_starts_cannot_be_changed():
    layout = engine.own_layout(np.array([0, 1, 2]), np.array([0, 3], np.int32), 4)
    for array in layout.indptr, layout.rows(0, 1).indptr:
        with pytest.raises(ValueError):
            array[0] = 5
        with pytest.raises(ValueError):
            array.flags.writeable = True
    for change in ("indptr", "indices", "d"):
        with pytest.raises(AttributeError):
            setattr(layout, change, None)
    assert engine.own_layout(np.array([0, 2, 1]), np.array([0, 3], np.int32), 4) is None
    assert engine.own_layout(np.array([0, 1, 2]), np.array([0, 4], np.int32), 4) is None
    assert engine.own_layout(np.array([0, 1, 2]), np.array([0, -1]), 4) is None
    assert engine.own_layout(np.array([0, 1, 2]), np.array([0, 2**32]), 4) is None


@pytest.mark.parametrize("column", [4, 10**6, -1])
def test_columns_that_change_while_sparse_rows_are_put_in_order(column):
    indptr, indices = np.array([0, 3, 5]), np.array([3, 0, 1, 2, 0], dtype=np.int32)
    layout = engine.own_layout(indptr, indices, 4)
    assert not layout.ordered
    indices[:] = column
    with pytest.raises(ValueError, match="changed while it was read: pass a copy"):
        _in_order(np.ones(5), layout)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_bad_value_that_another_thread_took_back_is_a_change(sparse):
    """The engine saw it, and the search for it does not."""
    from ckmeans._estimators.base import bad_value
    from ckmeans._input.checks import as_matrix

    rows = np.arange(6.0).reshape(3, 2)
    if sparse:
        rows = pytest.importorskip("scipy.sparse").csr_array(rows)
    array = as_matrix(rows, sparse=True)[0]
    assert "has been changed while it was read" in str(bad_value(array, None))
