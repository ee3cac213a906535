"""Use within scikit-learn: its own estimator checks, clone, pipelines, searches, containers,
routing, diagrams.
"""

import pickle
import warnings

import numpy as np
import pytest
from checks import run_python

import ckmeans

sklearn = pytest.importorskip("sklearn")
if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 6):
    pytest.skip("tags came with scikit-learn 1.6", allow_module_level=True)

from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin, clone, is_clusterer  # noqa: E402
from sklearn.cluster import Birch  # noqa: E402
from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer, StandardScaler  # noqa: E402
from sklearn.utils import estimator_checks  # noqa: E402
from sklearn.utils.validation import check_is_fitted  # noqa: E402

ESTIMATORS = ["KMeans", "MiniBatchKMeans", "BisectingKMeans"]


@pytest.fixture(params=ESTIMATORS)
def cls(request):
    return getattr(ckmeans, request.param)


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 3))[rng.integers(4, size=200)] * 6 + rng.normal(size=(200, 3))


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimator_checks(name, metric):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = estimator_checks.check_estimator(
            getattr(ckmeans, name)(metric=metric), on_fail=None, on_skip=None
        )
    assert len(results) > 40
    failed = {
        result["check_name"]: result["exception"]
        for result in results
        if result["status"] == "failed"
    }
    assert not failed
    # scikit-learn's own classes fail this one, as they draw rows by position. Here they are drawn
    # by their values.
    assert "check_sample_weight_equivalence_on_dense_data" in {
        result["check_name"] for result in results
    }


def test_clustering_checks(cls):
    """scikit-learn runs these for subclasses of its own mixin only."""
    checks = [check for check in vars(estimator_checks) if check.startswith("check_cluster")]
    assert {"check_clustering", "check_clusterer_compute_labels_predict"} <= set(checks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator_checks.check_clustering(cls.__name__, cls())
        estimator_checks.check_clustering(cls.__name__, cls(), readonly_memmap=True)
        estimator_checks.check_clusterer_compute_labels_predict(cls.__name__, cls())
        estimator_checks.check_non_transformer_estimators_n_iter(cls.__name__, cls())


@pytest.mark.parametrize("name", ESTIMATORS)
def test_scikit_learn_is_imported_by_the_caller_only(name):
    run_python(f"""
import sys, pickle, copy
import numpy as np, ckmeans
X = np.random.default_rng(0).normal(size=(50, 2))
model = ckmeans.{name}(3, random_state=0).fit(X)
model.predict(X), model.transform(X), model.score(X), repr(model), model._repr_mimebundle_()
copy.deepcopy(pickle.loads(pickle.dumps(model))).set_output(transform="default").fit_transform(X)
try:
    model.set_fit_request(sample_weight=True)
except RuntimeError:
    pass
try:
    ckmeans.{name}().predict(X)
except ckmeans.NotFittedError as error:
    assert type(error) is ckmeans.NotFittedError
others = ("sklearn", "scipy", "pandas", "polars")
assert not [name for name in sys.modules if name.startswith(others)]
""")


def test_clone(cls, X):
    model = cls(5, random_state=3, max_iter=7).set_output(transform="pandas").fit(X)
    copy = clone(model)
    assert copy.get_params() == model.get_params() and not hasattr(copy, "labels_")
    assert type(copy.fit_transform(X)).__name__ == "DataFrame"
    assert np.array_equal(copy.labels_, model.labels_)
    assert is_clusterer(model)


def test_pipeline(cls, X):
    pipe = make_pipeline(StandardScaler(), cls(4, random_state=0)).fit(X)
    scaled = StandardScaler().fit_transform(X)
    alone = cls(4, random_state=0).fit(scaled)
    assert np.array_equal(pipe.predict(X), alone.labels_)
    assert np.array_equal(pipe.transform(X), alone.transform(scaled))
    assert pipe.score(X) == alone.score(scaled)
    step = type(alone).__name__.lower()
    assert list(pipe.get_feature_names_out()) == [f"{step}{j}" for j in range(4)]
    weights = np.arange(200.0)
    pipe.fit(X, **{f"{step}__sample_weight": weights})
    assert np.array_equal(
        pipe[-1].labels_, cls(4, random_state=0).fit(scaled, sample_weight=weights).labels_
    )


def test_grid_search(cls, X):
    grid = GridSearchCV(cls(random_state=0), {"n_clusters": [2, 3, 4]}, cv=3, n_jobs=2).fit(X)
    assert grid.best_params_ == {"n_clusters": 4}
    assert np.array_equal(grid.predict(X), cls(4, random_state=0).fit(X).labels_)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize("how", ["set_output", "config", "pipeline"])
def test_set_output(cls, X, kind, how):
    frames = pytest.importorskip(kind)
    model = cls(3, random_state=0).fit(X)
    if how == "config":
        with sklearn.config_context(transform_output=kind):
            out = model.transform(X)
    elif how == "pipeline":
        pipe = Pipeline([("model", model)]).set_output(transform=kind)
        out = pipe.fit_transform(X)
    else:
        out = model.set_output(transform=kind).fit_transform(X)
    assert isinstance(out, frames.DataFrame)
    assert list(out.columns) == list(model.get_feature_names_out())
    assert np.array_equal(out.to_numpy(), model.set_output(transform="default").transform(X))


def test_set_output_keeps_the_index(cls, X):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abc"), index=pandas.RangeIndex(1000, 1200))
    out = cls(3, random_state=0).set_output(transform="pandas").fit_transform(frame)
    assert out.index.equals(frame.index)


def test_set_output_knows_its_containers(cls):
    with pytest.raises(ValueError, match="'arrow'.*|.*'pandas', 'polars', got 'arrow'"):
        cls().set_output(transform="arrow")
    assert not hasattr(cls().set_output(transform=None), "_sklearn_output_config")


def test_metadata_routing(cls, X, routing):
    weights = np.random.default_rng(1).exponential(size=len(X))
    model = (
        cls(3, random_state=0)
        .set_fit_request(sample_weight=True)
        .set_score_request(sample_weight=True)
    )
    pipe = make_pipeline(FunctionTransformer(np.sqrt), model)
    X = np.abs(X)
    scaled = np.sqrt(X)
    pipe.fit(X, sample_weight=weights)
    alone = cls(3, random_state=0).fit(scaled, sample_weight=weights)
    assert np.array_equal(pipe[-1].labels_, alone.labels_)
    assert pipe[-1].inertia_ == alone.inertia_
    assert pipe.score(X, sample_weight=weights) == alone.score(scaled, sample_weight=weights)
    assert clone(model).get_metadata_routing().fit.requests == {"sample_weight": True}
    with pytest.raises(ValueError, match="sample_weight"):  # neither wanted nor refused
        make_pipeline(FunctionTransformer(np.sqrt), cls(3)).fit(X, sample_weight=weights)
    unwanted = cls(3, random_state=0).set_fit_request(sample_weight=False)
    with pytest.raises(TypeError, match="sample_weight"):
        make_pipeline(FunctionTransformer(np.sqrt), unwanted).fit(X, sample_weight=weights)


def test_metadata_routing_of_partial_fit(routing):
    model = clone(ckmeans.MiniBatchKMeans().set_partial_fit_request(sample_weight=True))
    requests = model.get_metadata_routing()
    assert requests.partial_fit.requests == {"sample_weight": True} and requests.fit.requests == {
        "sample_weight": None
    }


def test_metadata_routing_must_be_enabled(cls):
    with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
        cls().set_fit_request(sample_weight=True)


def test_diagram(cls, X):
    model = cls(7)
    assert model.__class__.__name__ in model._repr_mimebundle_()["text/html"]
    assert "n_clusters=7" in model._repr_mimebundle_()["text/plain"]
    assert cls.__name__ in make_pipeline(StandardScaler(), model)._repr_html_()
    with sklearn.config_context(display="text"):
        assert set(model._repr_mimebundle_()) == {"text/plain"}


def test_not_fitted(cls, X):
    with pytest.raises(NotFittedError):
        check_is_fitted(cls())
    with pytest.raises(NotFittedError) as caught:
        cls().predict(X)
    assert isinstance(caught.value, ckmeans.NotFittedError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, ckmeans.NotFittedError) and str(again) == str(caught.value)
    check_is_fitted(cls(2).fit(X))


def test_convergence_warning_is_both(cls):
    for category in (ConvergenceWarning, ckmeans.ConvergenceWarning):
        with pytest.warns(category, match="distinct"):
            cls(3, random_state=0).fit([[0.0], [0.0], [1.0]])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", category)
            cls(3, random_state=0).fit([[0.0], [0.0], [1.0]])


def test_joblib(cls, X):
    joblib = pytest.importorskip("joblib")
    seeds = range(4)
    with joblib.parallel_backend("loky", n_jobs=2):
        models = joblib.Parallel()(
            joblib.delayed(cls(3, random_state=seed).fit)(X) for seed in seeds
        )
    for seed, model in zip(seeds, models):
        here = cls(3, random_state=seed).fit(X)
        assert np.array_equal(model.labels_, here.labels_) and model.inertia_ == here.inertia_
        assert model.cluster_centers_.tobytes() == here.cluster_centers_.tobytes()


def test_signature_begins_as_scikit_learns(cls):
    import inspect

    from sklearn import cluster

    theirs = list(inspect.signature(getattr(cluster, cls.__name__)).parameters.values())
    ours = list(inspect.signature(cls).parameters.values())
    assert [p.name for p in ours[: len(theirs)]] == [p.name for p in theirs]
    assert [p.kind for p in ours[: len(theirs)]] == [p.kind for p in theirs]
    assert all(p.kind is p.KEYWORD_ONLY for p in ours[len(theirs) :])


# -- of the family ---------------------------------------------------------------------------------


def test_estimators_are_subclasses(cls):
    import ckmeans.dask
    import ckmeans.ray

    for one in (cls, ckmeans.dask.KMeans, ckmeans.ray.KMeans):
        for theirs in (BaseEstimator, ClusterMixin, TransformerMixin):
            assert issubclass(one, theirs) and isinstance(one(), theirs)
        assert one._estimator_type == "clusterer" and is_clusterer(one())


ORDERS = {
    "before": "import sklearn.base, ckmeans",
    "after": "import ckmeans, sklearn.base",
    "after, by name": "import ckmeans\nfrom sklearn.base import clone",
    "after, through another": "import ckmeans, sklearn.cluster",
    "after a model was made": "import ckmeans\nmodel = ckmeans.KMeans(3)\nimport sklearn.cluster",
    "in a thread": "import ckmeans, threading, importlib\nt = "
    "threading.Thread(target=importlib.import_module, args=['sklearn.base'])\n"
    "t.start(), t.join()",
    "looked for first": "import ckmeans, importlib.util\nassert "
    "importlib.util.find_spec('sklearn.base')\nimport sklearn.base",
}


@pytest.mark.parametrize("order", ORDERS)
def test_whenever_scikit_learn_is_imported(order):
    run_python(f"""
{ORDERS[order]}
import inspect, sys
from sklearn import base
for theirs in (base.BaseEstimator, base.ClusterMixin, base.TransformerMixin):
    assert issubclass(ckmeans.KMeans, theirs), theirs
    assert isinstance(globals().get("model", ckmeans.BisectingKMeans()), theirs)
assert "class BaseEstimator" in inspect.getsource(base)
assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("ckmeans")]
assert type(base.__loader__).__module__ != "ckmeans._estimators.sklearn_manners"
assert base.__spec__.loader is base.__loader__
""")


def test_without_scikit_learn():
    run_python("""
import sys
sys.modules["sklearn"] = None
import ckmeans, copy, pickle
model = ckmeans.KMeans(2, random_state=0).fit([[0.0, 1], [2, 3], [9, 9]])
assert pickle.loads(pickle.dumps(model)).inertia_ == copy.deepcopy(model).inertia_ == model.inertia_
assert [base.__name__ for base in ckmeans.KMeans.__mro__[-3:]] == ["Manners", "Root", "object"]
try:
    import sklearn.base
except ImportError:
    pass
else:
    raise AssertionError
""")


def test_a_broken_scikit_learn_is_told_as_it_is(tmp_path):
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "__init__.py").write_text("")
    (tmp_path / "sklearn" / "base.py").write_text("raise OSError('broken')")
    run_python(f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import ckmeans
for _ in range(2):
    try:
        import sklearn.base
    except OSError as error:
        assert str(error) == "broken"
    else:
        raise AssertionError
with open({str(tmp_path / "sklearn" / "base.py")!r}, "w") as file:
    file.write("class BaseEstimator:\\n    __slots__ = ()\\n")
import importlib
importlib.invalidate_caches()
import sklearn.base                        # of another make: no mixins
ckmeans.KMeans(2, random_state=0).fit([[0.0, 1], [2, 3], [9, 9]])
""")


def test_what_asks_for_a_cluster_mixin(cls, X):
    model = Birch(n_clusters=cls(4, random_state=0), threshold=0.5).fit(X)
    assert set(model.labels_.tolist()) == {0, 1, 2, 3}


class Renamed(ckmeans.KMeans):
    """A subclass whose __init__ fixes some parameters and adds one."""

    def __init__(self, clusters=3, *, factor=1.0, seed=0):
        super().__init__(clusters, random_state=seed, n_init=2)
        self.clusters, self.factor, self.seed = clusters, factor, seed

    def fit(self, X, y=None, sample_weight=None):
        self.n_clusters, self.random_state = self.clusters, self.seed
        return super().fit(np.asarray(X) * self.factor, sample_weight=sample_weight)


class HandedOn(ckmeans.MiniBatchKMeans):
    """A subclass that adds a parameter and passes all others on."""

    def __init__(self, n_clusters=3, *, scaler=None, **options):
        super().__init__(n_clusters, **options)
        self.scaler = scaler


class Needed(ckmeans.BisectingKMeans):
    """A subclass with a parameter without a default."""

    def __init__(self, n_clusters, verbose=0):
        super().__init__(n_clusters, verbose=verbose)


class Plain(ckmeans.KMeans):
    pass


class Wrapped(ckmeans.KMeans):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)


@pytest.mark.parametrize(
    "model, name, values",
    [
        (Renamed(5, factor=2.0), "clusters", [2, 4]),
        (Renamed(), "factor", [1.0, 2.0]),
        (HandedOn(random_state=0, batch_size=50), "n_clusters", [2, 4]),
        (HandedOn(2, scaler=StandardScaler(), random_state=3), "scaler__with_mean", [True, False]),
        (Needed(3), "n_clusters", [2, 4]),
        (Plain(random_state=0), "n_clusters", [2, 4]),
        (Wrapped(3, n_init=2), "n_clusters", [2, 4]),
    ],
)
def test_subclasses_with_an_init_of_their_own(model, name, values, X):
    before = repr(model.get_params(deep=False))
    twin = clone(model)
    assert (
        type(twin) is type(model)
        and repr(twin.get_params(deep=False)) == before
        and repr(twin) == repr(model)
    )
    grid = GridSearchCV(model, {name: values}, cv=2).fit(X)
    assert (
        grid.best_params_[name] in values
        and grid.best_estimator_.get_params()[name] == grid.best_params_[name]
    )
    assert repr(model.get_params(deep=False)) == before and not hasattr(model, "labels_")
    again = pickle.loads(pickle.dumps(model.fit(X)))
    assert repr(again.get_params(deep=False)) == before and np.array_equal(
        again.labels_, model.labels_
    )


def test_parameters_of_a_subclass():
    assert list(Renamed().get_params()) == ["clusters", "factor", "seed"]
    assert (
        list(Needed(2).get_params()) == ["n_clusters", "verbose"]
        and repr(Needed(2)) == "Needed(n_clusters=2)"
    )
    assert set(HandedOn().get_params()) == {"scaler", *ckmeans.MiniBatchKMeans().get_params()}
    with pytest.raises(ValueError, match="Invalid parameter 'n_init' for estimator Renamed"):
        Renamed().set_params(n_init=3)
    with pytest.raises(ValueError, match="'scaler' has no parameters"):
        HandedOn().set_params(scaler__with_mean=True)
    model = HandedOn().set_params(scaler=StandardScaler(), scaler__with_mean=False)
    assert model.scaler.with_mean is False and model.get_params()["scaler__with_mean"] is False

    class Nameless(ckmeans.KMeans):
        def __init__(self, *args):
            super().__init__(*args)

    with pytest.raises(RuntimeError, match="give each a name"):
        Nameless().get_params()


# -- pickles and iterators -------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["n_threads", "metric", "max_iter", "all"])
def test_older_pickles(cls, X, lost):
    """Pickles of a version that had fewer parameters."""
    model = cls(3, random_state=0).fit(X)
    state = model.__getstate__()
    for name in list(cls().get_params()) if lost == "all" else [lost]:
        del state[name]
    old = cls.__new__(cls)
    old.__setstate__(state)
    kept = {} if lost == "all" else {"n_clusters": 3, "random_state": 0}
    assert old.get_params() == {**cls().get_params(), **kept} and np.array_equal(
        old.predict(X), model.predict(X)
    )
    old.fit(X)
    repr(old), clone(old), pickle.loads(pickle.dumps(old))


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: (row for row in rows),
        lambda rows: iter(list(rows)),
        lambda rows: map(np.array, rows),
    ],
)
@pytest.mark.parametrize("kind", ["KMeans", "MiniBatchKMeans", "chunks"])
def test_an_iterator_of_centers_serves_every_fit(kind, make, X):
    def fitted(model):
        return model.fit_chunks(lambda: iter([X])) if kind == "chunks" else model.fit(X)

    name = "KMeans" if kind == "chunks" else kind
    iterator = make(X[:3])
    model = getattr(ckmeans, name)(3, init=iterator, random_state=0)
    expected = fitted(getattr(ckmeans, name)(3, init=X[:3], random_state=0)).cluster_centers_
    unread = clone(getattr(ckmeans, name)(3, init=make(X[:3]), random_state=0))
    for each in (model, model, clone(model), pickle.loads(pickle.dumps(model)), unread):
        assert np.array_equal(fitted(each).cluster_centers_, expected)
    assert model.get_params()["init"] is iterator
    model.set_params(init=make(X[3:6]))
    assert np.array_equal(
        fitted(model).cluster_centers_,
        fitted(getattr(ckmeans, name)(3, init=X[3:6], random_state=0)).cluster_centers_,
    )
