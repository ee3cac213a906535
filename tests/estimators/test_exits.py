"""Every estimator and every way out of it (pages, pictures, explanations, other systems, files,
copies): each works, or is refused in one line that says what goes instead.
"""

import copy
import pickle
import re
import warnings

import numpy as np
import pytest

import ckmeans
from ckmeans import BisectingKMeans, FuzzyCMeans, KMeans, MiniBatchKMeans

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)) + np.repeat([[4.0], [-4.0], [0.0]], 20, axis=0)
WITH_GAPS = np.where(rng.random(X.shape) < 0.05, np.nan, X)
KNOWN = np.where(np.arange(60) % 20 == 0, np.arange(60) // 20, -1)


def stopped(model):
    """The model as an interrupt in the first iteration leaves it."""

    def interrupt(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.set_params(callback=interrupt).fit(X)
    return model.set_params(callback=None)


def from_theirs(name):
    cluster = pytest.importorskip("sklearn.cluster")
    return ckmeans.from_sklearn(getattr(cluster, name)(3, random_state=0, n_init=1).fit(X))


def on_dask():
    array = pytest.importorskip("dask.array")
    from ckmeans.dask import KMeans as Distributed

    return Distributed(3, random_state=0).fit(array.from_array(X, chunks=(30, 3)))


def named():
    pandas = pytest.importorskip("pandas")
    return KMeans(3, random_state=0).fit(pandas.DataFrame(X, columns=["a", "b", "c"]))


def sparse():
    scipy = pytest.importorskip("scipy.sparse")
    return KMeans(3, random_state=0).fit(scipy.csr_matrix(X))


#: name -> a fitted model. Every public class with a `fit` must be among them.
MODELS = {
    "plain": lambda: KMeans(3, random_state=0).fit(X),
    "cosine": lambda: KMeans(3, metric="cosine", random_state=0).fit(X),
    "manhattan": lambda: KMeans(3, metric="manhattan", random_state=0).fit(X),
    "gaps": lambda: KMeans(3, missing="ignore", random_state=0).fit(WITH_GAPS),
    "sizes": lambda: KMeans(3, size_min=15, random_state=0).fit(X),
    "outliers": lambda: KMeans(3, n_outliers=4, random_state=0).fit(X),
    "known labels": lambda: KMeans(3, random_state=0).fit(X, labels_known=KNOWN),
    "scaled": lambda: KMeans(3, scale="standard", random_state=0).fit(X),
    "history": lambda: KMeans(3, history=True, random_state=0).fit(X),
    "names": named,
    "one cluster": lambda: KMeans(1, random_state=0).fit(X),
    "in chunks": lambda: KMeans(3, random_state=0).fit_chunks(lambda: iter([X[:30], X[30:]])),
    "sparse": sparse,
    "one iteration": lambda: KMeans(3, max_iter=1, random_state=0).fit(X),
    "interrupted": lambda: stopped(KMeans(3, random_state=0)),
    "mini-batches": lambda: MiniBatchKMeans(3, random_state=0).fit(X),
    "one batch": lambda: MiniBatchKMeans(3, random_state=0).partial_fit(X),
    "bisecting": lambda: BisectingKMeans(3, random_state=0).fit(X),
    "bisecting, one": lambda: BisectingKMeans(1, random_state=0).fit(X),
    "fuzzy": lambda: FuzzyCMeans(3, random_state=0).fit(X),
    "fuzzy, interrupted": lambda: stopped(FuzzyCMeans(3, random_state=0)),
    "of JSON": lambda: ckmeans.from_json(KMeans(3, random_state=0).fit(X).to_json()),
    "of bare JSON": lambda: ckmeans.from_json('{"centers": [[0, 0, 0], [4, 4, 4], [1, 1, 9]]}'),
    "scikit-learn's": lambda: from_theirs("KMeans"),
    "scikit-learn's batches": lambda: from_theirs("MiniBatchKMeans"),
    "Dask": on_dask,
    "unfitted": lambda: KMeans(3),
    "unfitted batches": lambda: MiniBatchKMeans(3),
    "unfitted bisecting": lambda: BisectingKMeans(3),
    "unfitted fuzzy": lambda: FuzzyCMeans(3),
}


def plots():
    pytest.importorskip("matplotlib").use("Agg")
    return ckmeans.plot


def explained(model, X):
    found = ckmeans.explain(model, X)
    return str(found), found._repr_html_(), found.tree.to_sql("t")


def drifted(model, X):
    found = ckmeans.drift(model, X[::2], reference=X)
    return str(found), found._repr_html_(), plots().drift(found)


def animated(model, X):
    plots().animation(model, X)._draw_was_started = True  # lest it complains of not being shown


def onnx(model, X):
    pytest.importorskip("onnx")
    return model.to_onnx()


def cloned(model, X):
    return pytest.importorskip("sklearn.base").clone(model)


def theirs(model, X):
    pytest.importorskip("sklearn")
    return model.to_sklearn(X)


def chosen(model, X):
    plots()
    selection = ckmeans.select_k(X, range(2, 4), criteria=("silhouette",), random_state=0)
    return ckmeans.plot.overview(model, X, selection=selection)


EXITS = {
    "repr": lambda model, X: repr(model),
    "report": lambda model, X: plots() and ckmeans.report.report(model, X),
    "notebook": lambda model, X: model._repr_html_(),
    "clusters": lambda model, X: plots().clusters(model, X),
    "projection": lambda model, X: plots().projection(model, X),
    "clusters_3d": lambda model, X: plots().clusters_3d(model, X),
    "pairs": lambda model, X: plots().pairs(model, X),
    "compare": lambda model, X: plots().compare(model, X, np.arange(60) // 20),
    "sizes": lambda model, X: plots().sizes(model),
    "profiles": lambda model, X: plots().profiles(model),
    "center_distances": lambda model, X: plots().center_distances(model),
    "silhouette": lambda model, X: plots().silhouette(model, X),
    "overview": lambda model, X: plots().overview(model, X),
    "overview of a choice": chosen,
    "trace": lambda model, X: plots().trace(model, X),
    "animation": animated,
    "plot.drift": lambda model, X: plots().drift(model),
    "plot.selection": lambda model, X: plots().selection(model),
    "selection of a report": lambda model, X: (
        plots() and ckmeans.report.report(model, X, selection=model)
    ),
    "explain": explained,
    "drift": drifted,
    "to_sklearn": theirs,
    "from_sklearn": lambda model, X: ckmeans.from_sklearn(model),
    "to_sql": lambda model, X: model.to_sql("t", columns=["a", "b", "c"]),
    "to_sql without names": lambda model, X: model.to_sql("t"),
    "to_onnx": onnx,
    "to_json": lambda model, X: model.to_json(),
    "pickle": lambda model, X: pickle.loads(pickle.dumps(model)),
    "copy": lambda model, X: copy.deepcopy(model),
    "clone": cloned,
    "match": lambda model, X: ckmeans.match(model, KMeans(3, random_state=1).fit(X), X),
    "predict": lambda model, X: model.predict(X),
    "transform": lambda model, X: model.transform(X),
    "predict_proba": lambda model, X: model.predict_proba(X),
    "score": lambda model, X: model.score(X),
    "anomaly_scores": lambda model, X: model.anomaly_scores(X),
}

#: What Python says of itself, and no check of ours does.
RAW = re.compile(
    r"has no attribute|object is not|unsupported operand|unexpected keyword|required positional"
    r"|positional argument|not subscriptable|object of type|cannot unpack"
)


def tried(way_out, model, rows):
    """Whether it works; fails unless it works or is refused clearly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            EXITS[way_out](model, rows)
        except (TypeError, ValueError) as error:
            message = str(error)
            assert not RAW.search(message) and "\n" not in message and len(message) > 20, message
            assert type(error) in (TypeError, ValueError) or type(error).__module__.startswith(
                ("ckmeans", "sklearn")
            )
            return False
        finally:
            if way_out not in ("repr", "pickle", "copy", "predict"):
                pytest.importorskip("matplotlib.pyplot").close("all")
    return True


def rows_of(model):
    if hasattr(model, "feature_names_in_"):
        return pytest.importorskip("pandas").DataFrame(X, columns=["a", "b", "c"])
    return X


@pytest.mark.parametrize("name", MODELS)
def test_every_way_out_works_or_is_refused(name, tmp_path):
    model = MODELS[name]()
    rows = rows_of(model)
    works = {way_out for way_out in EXITS if tried(way_out, model, rows)}
    assert {"repr", "pickle", "copy", "clone", "notebook"} <= works
    if hasattr(model, "cluster_centers_"):
        assert {"predict", "transform"} <= works
    if hasattr(model, "counts_") and name not in ("manhattan", "gaps"):
        assert {"report", "overview", "explain", "drift", "sizes", "profiles"} <= works
    if not hasattr(model, "cluster_centers_") or name == "Dask":
        return
    model.save(tmp_path / "model")
    loaded = ckmeans.load(tmp_path / "model")
    assert np.array_equal(loaded.predict(rows), model.predict(rows))
    # What a file leaves out (labels, histories) is not needed for any way out that worked.
    for way_out in ("report", "notebook", "silhouette", "explain", "to_json", "anomaly_scores"):
        assert tried(way_out, loaded, rows) == (way_out in works)


def test_every_estimator_is_among_the_models():
    public = {
        value
        for name in ckmeans.__all__
        if isinstance(value := getattr(ckmeans, name), type) and hasattr(value, "fit")
    }
    made = {type(MODELS[name]()) for name in MODELS if not name.startswith(("names", "scikit"))}
    assert public and public <= made


@pytest.mark.parametrize("kind", ["KMeans", "MiniBatchKMeans", "BisectingKMeans"])
def test_models_of_scikit_learn_are_told_how_to_come_in(kind):
    cluster = pytest.importorskip("sklearn.cluster")
    model = getattr(cluster, kind)(3, random_state=0).fit(X)
    remedy = (
        r"init=model\.cluster_centers_" if kind[0] == "B" else r"ckmeans\.from_sklearn\(model\)"
    )
    for way_out in ("clusters", "sizes", "profiles", "silhouette", "report", "explain", "drift"):
        with pytest.raises(
            TypeError, match=f"a model of ckmeans, got sklearn's {kind}: .*{remedy}"
        ):
            EXITS[way_out](model, X)


@pytest.mark.parametrize(
    "thing", [None, X, KMeans, "model.npz"], ids=["none", "array", "class", "path"]
)
@pytest.mark.parametrize(
    "way_out",
    ["clusters", "sizes", "trace", "animation", "explain", "drift", "plot.drift", "plot.selection"],
)
def test_what_is_no_model(way_out, thing):
    assert not tried(way_out, thing, X)
