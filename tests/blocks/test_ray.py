"""Fits on Ray, on a cluster of this machine: the bits of a fit in one array, also when an actor is
killed.
"""

import os
import signal
import time

import numpy as np
import pytest
from checks import PATIENCE, assert_same

import ckmeans

ray = pytest.importorskip("ray")

from ckmeans.ray import Engine, KMeans  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory):
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # On a busy machine processes take long to start and to answer, and Ray would consider them
    # dead.
    for name in (
        "worker_register_timeout_seconds",
        "raylet_start_wait_time_s",
        "health_check_failure_threshold",
    ):
        os.environ[f"RAY_{name}"] = str(PATIENCE)
    os.environ["RAY_worker_niceness"] = "0"  # not 15, with which other work would starve them
    # Actors import from the folder that Ray was started in, which is not to be that of the sources.
    here = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("ray"))
    # Actors of other processes import the package that is being tested.
    path = os.path.dirname(os.path.dirname(os.path.abspath(ckmeans.__file__)))
    for tries_left in range(5, -1, -1):
        try:
            ray.init(
                num_cpus=2,
                include_dashboard=False,
                log_to_driver=False,
                object_store_memory=100 << 20,
                runtime_env={
                    "env_vars": {
                        "PYTHONPATH": os.pathsep.join([path, os.environ.get("PYTHONPATH", "")])
                    }
                },
            )
            break
        except Exception:  # it has not started within the 15 or 30 seconds that Ray allows
            ray.shutdown()
            if not tries_left:
                raise
    os.chdir(here)
    yield
    ray.shutdown()


def data(n=9000, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 4 * rng.integers(0, 3, size=(n, 1))


def assert_same_fit(ours, X, weights=None, **params):
    plain = ckmeans.KMeans(**{**ours.get_params(), **params}).fit(X, sample_weight=weights)
    model = ours.compute()
    assert type(model) is ckmeans.KMeans and not hasattr(model, "labels_")
    model.labels_ = model.predict(X)
    assert_same(model, plain)


@pytest.mark.parametrize("weighted", [False, True])
def test_blocks(weighted):
    X = data()
    blocks = [X[:100], ray.put(X[100:5000]), X[5000:5000], X[5000:]]
    weights = np.arange(len(X)) % 4.0 if weighted else None
    parts = (
        [weights[:100], ray.put(weights[100:5000]), weights[5000:5000], weights[5000:]]
        if weighted
        else None
    )
    model = KMeans(5, random_state=1, n_init=2).fit(blocks, sample_weight=parts)
    assert_same_fit(model, X, weights)
    assert np.array_equal(
        np.concatenate(ray.get(model.predict(blocks))), model.compute().predict(X)
    )
    assert np.array_equal(model.predict(X), model.compute().predict(X))
    assert model.score(blocks, sample_weight=parts) == -model.inertia_
    if not weighted:
        assert [len(labels) for labels in ray.get(model.fit_predict(blocks))] == [
            100,
            4900,
            0,
            4000,
        ]


def test_nothing_given_gives_the_same_bits():
    X = data(600)
    assert_same_fit(KMeans(random_state=0).fit([X[:250], X[250:]]), X)
    assert ckmeans.KMeans().init == KMeans().init


def test_the_order_of_labels_and_a_time_limit():
    X = data()
    assert_same_fit(
        KMeans(5, random_state=1, n_init=2, label_order="size").fit([X[:4000], X[4000:]]), X
    )
    assert KMeans(5, random_state=1, tol=0, max_time=1e-9).fit([X]).stop_reason_ == "max_time"


def test_a_callback_ends_a_fit():
    model = KMeans(
        5, random_state=1, tol=0, n_init=1, callback=lambda state: state.n_iter == 2
    ).fit([data()])
    assert model.stop_reason_ == "callback" and model.n_iter_ == 2
    assert len(ray.get(model.predict([data(50)]))[0]) == 50


def test_a_dataset():
    pandas = pytest.importorskip("pandas")
    data_ = pytest.importorskip("ray.data")
    frame = pandas.DataFrame(data(600), columns=list("abcd")).assign(w=np.arange(600) % 3)
    rows = data_.from_pandas([frame[:200], frame[200:]])
    model = KMeans(3, init=frame[list("abcd")][:3]).fit(rows, sample_weight="w")
    assert list(model.feature_names_in_) == list("abcd")
    assert_same_fit(model, frame[list("abcd")], frame.w)
    labels = np.concatenate(ray.get(model.predict(rows.drop_columns(["w"]))))
    assert np.array_equal(labels, model.compute().predict(frame[list("abcd")]))
    with pytest.raises(ValueError, match="sample_weight must be one of 'a', 'b'"):
        model.fit(rows, sample_weight="z")


def test_blocks_that_are_done_out_of_order():
    pandas = pytest.importorskip("pandas")
    data_ = pytest.importorskip("ray.data")
    frame = pandas.DataFrame(data(600), columns=list("abcd")).assign(w=np.arange(600) % 7)
    first = frame.a[0]

    def slow(block):
        time.sleep(2 if block.a.iloc[0] == first else 0)
        return block

    rows = data_.from_pandas([frame[:300], frame[300:]]).map_batches(
        slow, batch_format="pandas", batch_size=None
    )
    X = frame[list("abcd")]
    model = KMeans(3, init=X[:3]).fit(rows, sample_weight="w")
    assert_same_fit(model, X, frame.w)
    labels = np.concatenate(ray.get(model.predict(rows.drop_columns(["w"]))))
    assert np.array_equal(labels, model.compute().predict(X))
    assert model.score(rows, sample_weight="w") == -model.inertia_
    assert not rows.context.execution_options.preserve_order  # as it was


def test_a_killed_actor_changes_nothing(monkeypatch):
    X = data(seed=4)
    passes, killed = [], []

    class Dangerous(Engine):
        def map(self, task, *broadcast):
            passes.append(task)
            if len(passes) == 4:
                pid = ray.get(self.actors[0].__ray_call__.remote(lambda actor: os.getpid()))
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            return super().map(task, *broadcast)

    monkeypatch.setattr("ckmeans.ray.Engine", Dangerous)
    model = KMeans(6, init=X[:6], tol=0, max_iter=9).fit([X[:4000], X[4000:]])
    assert killed and len(passes) > 6
    assert_same_fit(model, X)


@pytest.mark.parametrize(
    "X, weights, error, message",
    [
        ([], None, ValueError, "empty list"),
        (np.zeros((3, 2)), None, TypeError, "list of blocks, got ndarray"),
        ([np.zeros((3, 2))], [np.ones(3), np.ones(3)], ValueError, "2 blocks and X has 1"),
    ],
)
def test_errors(X, weights, error, message):
    with pytest.raises(error, match=message):
        KMeans(2).fit(X, sample_weight=weights)
    with pytest.raises(ckmeans.NotFittedError):
        KMeans(2).predict(X)
