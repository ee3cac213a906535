"""Models in other systems label rows as `predict` does: scikit-learn, ONNX, SQL on two databases,
JSON.
"""

import sqlite3
import sys
import warnings

import numpy as np
import pytest

import ckmeans
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans, from_json, from_sklearn

NAMES = ["plain", "with space", 'a "quoted" one', "select", "Größe"]


def grid(dtype, n=600, d=5, seed=0):
    """Rows on a small grid, so that many are equally near to several centers."""
    return np.random.default_rng(seed).integers(0, 4, (n, d)).astype(dtype)


def spread(dtype, n=600, d=5, seed=1):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) * 10.0 ** rng.integers(-3, 4, d) + 1e4).astype(dtype)


def tied_model(X, k=6):
    """Centers on the grid and one iteration: ties everywhere."""
    return KMeans(k, init=X[:: len(X) // k][:k].astype(float), n_init=1, max_iter=1).fit(X)


CASES = [
    pytest.param(make(dtype), id=f"{make.__name__}-{np.dtype(dtype)}")
    for make in (grid, spread)
    for dtype in (np.float32, np.float64)
]


@pytest.fixture(params=CASES)
def rows(request):
    return request.param


# ------------------------------------------------------------------------------------ scikit-learn


def test_to_sklearn(rows):
    cluster = pytest.importorskip("sklearn.cluster")
    model = KMeans(4, random_state=0).fit(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # near ties, counted below
        other = model.to_sklearn(rows)
    assert type(other) is cluster.KMeans
    assert np.array_equal(other.cluster_centers_, model.cluster_centers_)
    assert other.inertia_ == model.inertia_ and np.array_equal(other.labels_, model.labels_)
    assert other.cluster_centers_ is not model.cluster_centers_
    assert np.allclose(other.transform(rows), model.transform(rows), rtol=1e-3, atol=1e-2)


def test_near_ties_are_counted():
    pytest.importorskip("sklearn")
    # Halfway between two centers in exact arithmetic; far out, where float32 products are rounded.
    centers = np.array([[1000.1, 3], [1000.3, 3]], dtype=np.float32)
    between = (centers[0].astype(float) + centers[1]) / 2
    X = (between + np.random.default_rng(0).normal(0, 1e-6, (200, 2))).astype(np.float32)
    model = KMeans(2, init=centers, n_init=1, max_iter=1).fit(np.vstack([centers, centers]))
    differing = np.count_nonzero(model.to_sklearn().predict(X) != model.predict(X))
    if differing:
        with pytest.warns(UserWarning, match=rf"^{differing} of 200 rows are equally near"):
            model.to_sklearn(X)
    else:
        model.to_sklearn(X)


def test_to_sklearn_sees_wrong_labels(monkeypatch):
    cluster = pytest.importorskip("sklearn.cluster")
    model = KMeans(2, random_state=0).fit([[0.0], [9.0]])
    monkeypatch.setattr(cluster.KMeans, "predict", lambda self, X: np.zeros(len(X), dtype=np.int32))
    with pytest.raises(ValueError, match="not a near tie"):
        model.to_sklearn([[0.0], [9.0]])


def test_sklearn_and_back(rows):
    pytest.importorskip("sklearn")
    model = KMeans(4, random_state=0, max_iter=7, tol=1e-3).fit(rows)
    back = from_sklearn(model.to_sklearn())
    assert type(back) is KMeans and (back.max_iter, back.tol) == (7, 1e-3)
    for name in ("cluster_centers_", "labels_", "counts_", "inertia_", "n_iter_"):
        assert np.array_equal(getattr(back, name), getattr(model, name)), name
    assert np.array_equal(back.predict(rows), model.labels_)


@pytest.mark.parametrize("name", ["KMeans", "MiniBatchKMeans"])
def test_from_sklearn(name):
    cluster = pytest.importorskip("sklearn.cluster")
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(spread(np.float64), columns=NAMES)
    theirs = getattr(cluster, name)(3, n_init=1, random_state=0).fit(X)
    ours = from_sklearn(theirs)
    assert list(ours.feature_names_in_) == NAMES
    assert np.mean(ours.predict(X) == theirs.predict(X)) > 0.99
    assert ours.counts_.sum() == len(X)


def test_from_sklearn_refuses():
    cluster = pytest.importorskip("sklearn.cluster")
    with pytest.raises(TypeError, match="KMeans or MiniBatchKMeans"):
        from_sklearn(cluster.DBSCAN().fit([[0.0]]))
    with pytest.raises(ckmeans.NotFittedError):
        from_sklearn(cluster.KMeans(2))


def test_cosine_becomes_a_pipeline():
    pipeline = pytest.importorskip("sklearn.pipeline")
    X = spread(np.float64)
    model = KMeans(4, metric="cosine", random_state=0).fit(X)
    other = model.to_sklearn()
    assert type(other) is pipeline.Pipeline
    assert np.mean(other.predict(X) == model.labels_) > 0.99


# -------------------------------------------------------------------------------------------- ONNX


def run_onnx(graph, X):
    runtime = pytest.importorskip("onnxruntime")
    if not isinstance(graph, (str, bytes)):
        graph = graph.SerializeToString()
    session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(["labels", "distances"], {"X": X})


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_onnx(rows, metric):
    pytest.importorskip("onnx")
    model = KMeans(4, metric=metric, random_state=0).fit(rows + (metric == "cosine"))
    X = rows + rows.dtype.type(metric == "cosine")
    labels, distances = run_onnx(model.to_onnx(), X)
    assert np.array_equal(labels, model.predict(X))
    assert np.allclose(distances, model.transform(X), rtol=1e-5, atol=1e-9)


def test_onnx_ties():
    pytest.importorskip("onnx")
    X = grid(np.float64)
    model = tied_model(X)
    labels, distances = run_onnx(model.to_onnx(), X)
    assert np.array_equal(labels, model.predict(X))
    assert np.array_equal(distances, model.transform(X))


def test_onnx_rows_of_zeros_and_of_extreme_sizes():
    pytest.importorskip("onnx")
    X = np.array([[0, 0], [1e-200, 0], [0, 1e150], [3, 4], [0, 0]], dtype=float)
    model = KMeans(2, metric="cosine", random_state=0).fit(X)
    labels, distances = run_onnx(model.to_onnx(), X)
    assert np.array_equal(labels, model.predict(X))
    assert np.allclose(distances, model.transform(X))


def test_onnx_file(tmp_path):
    onnx = pytest.importorskip("onnx")
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(grid(np.float32), columns=NAMES)
    model = KMeans(3, random_state=0).fit(X)
    path = tmp_path / "model.onnx"
    assert model.to_onnx(path) is None
    properties = {item.key: item.value for item in onnx.load(path).metadata_props}
    assert "Größe" in properties["feature_names"].encode().decode("unicode_escape")
    assert np.array_equal(run_onnx(str(path), X.to_numpy())[0], model.labels_)


# --------------------------------------------------------------------------------------------- SQL


def in_sqlite(statement, X, table="points"):
    connection = sqlite3.connect(":memory:")
    columns = ", ".join('"' + name.replace('"', '""') + '" REAL' for name in NAMES)
    connection.execute(f'CREATE TABLE "{table}" ({columns})')
    connection.executemany(
        f'INSERT INTO "{table}" VALUES (?, ?, ?, ?, ?)', X.astype(float).tolist()
    )
    return connection.execute(statement).fetchall()


def in_duckdb(statement, X, table="points"):
    duckdb = pytest.importorskip("duckdb")
    pandas = pytest.importorskip("pandas")
    connection = duckdb.connect()
    connection.register(table, pandas.DataFrame(X, columns=NAMES))
    return connection.execute(statement).fetchall()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize(
    "run, dialect",
    [
        (in_sqlite, "sqlite"),
        (in_sqlite, "standard"),
        (in_duckdb, "duckdb"),
        (in_duckdb, "standard"),
        (in_duckdb, "postgresql"),
    ],
)
def test_sql(rows, run, dialect, metric):
    model = KMeans(4, metric=metric, random_state=0).fit(rows)
    found = run(model.to_sql("points", dialect=dialect, columns=NAMES), rows)
    assert np.array_equal(np.array(found)[:, :-1].astype(rows.dtype), rows)
    assert np.array_equal(np.array(found)[:, -1], model.labels_)


@pytest.mark.parametrize("run, dialect", [(in_sqlite, "sqlite"), (in_duckdb, "standard")])
def test_sql_ties(run, dialect):
    X = grid(np.float64)
    model = tied_model(X)
    found = run(model.to_sql("points", dialect=dialect, columns=NAMES), X)
    assert np.array_equal(np.array(found)[:, -1], model.predict(X))


def test_sql_of_many_clusters():
    X = grid(np.float64, n=400)
    model = KMeans(230, random_state=0, n_init=1, max_iter=3).fit(X)
    found = in_sqlite(model.to_sql("points", dialect="sqlite", columns=NAMES), X)
    assert np.array_equal(np.array(found)[:, -1], model.predict(X))


def test_sql_takes_names_of_the_fit_and_odd_tables():
    pandas = pytest.importorskip("pandas")
    X = grid(np.float64)
    model = KMeans(3, random_state=0).fit(pandas.DataFrame(X, columns=NAMES))
    table = 'a "table"; --'
    statement = model.to_sql(("main", table), dialect="sqlite", label="my cluster")
    assert 'AS "my cluster"' in statement
    connection = sqlite3.connect(":memory:")
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in NAMES)
    connection.execute('CREATE TABLE "a ""table""; --" (' + quoted + ")")
    connection.execute('INSERT INTO "a ""table""; --" VALUES (0, 1, 2, 3, 0), (0, NULL, 2, 3, 0)')
    labels = [row[-1] for row in connection.execute(statement)]
    assert labels == [model.predict(pandas.DataFrame([[0.0, 1, 2, 3, 0]], columns=NAMES))[0], None]


def test_sql_refuses():
    model = KMeans(2, random_state=0).fit([[0.0, 1.0], [5.0, 6.0]])
    with pytest.raises(ValueError, match="no feature names: pass columns="):
        model.to_sql("points")
    with pytest.raises(ValueError, match="columns has 1 names, but the model has 2 features"):
        model.to_sql("points", columns=["x"])
    with pytest.raises(ValueError, match="dialect.*'sqlite'"):
        model.to_sql("points", columns=["x", "y"], dialect="oracle7")
    with pytest.raises(ValueError, match="cannot be the name"):
        model.to_sql("", columns=["x", "y"])
    wide = KMeans(1).fit(np.zeros((2, 1000)))
    with pytest.raises(ValueError, match="label the rows with predict"):
        wide.to_sql("points", columns=[f"x{i}" for i in range(1000)])


# -------------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_json(rows, metric, tmp_path):
    model = KMeans(4, metric=metric, random_state=0).fit(rows)
    path = tmp_path / "centers.json"
    assert model.to_json(path) is None
    for back in (from_json(model.to_json()), from_json(path), from_json(str(path))):
        assert back.cluster_centers_.dtype == model.cluster_centers_.dtype
        for name in ("cluster_centers_", "counts_", "inertia_"):
            assert np.array_equal(getattr(back, name), getattr(model, name)), name
        assert np.array_equal(back.predict(rows), model.labels_)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"centers": []}',
        '{"centers": [[]]}',
        '{"centers": [[1], [2, 3]]}',
        '{"centers": [["a"]]}',
        '{"centers": [[NaN]]}',
        '{"centers": [[1e999]]}',
        '{"centers": 7}',
        '{"centers": [[1]], "format": "other"}',
        '{"centers": [[1]], "version": 3}',
        '{"centers": [[1]], "dtype": "int8"}',
        '{"centers": [[1]], "metric": "manhattan"}',
        '{"centers": [[1]], "feature_names": ["a", "b"]}',
        '{"centers": [[1]], "counts": [-1]}',
        '{"centers": [[1]], "counts": [1.5]}',
        '{"centers": [[1]], "inertia": "much"}',
        '{"centers": [[1]], "inertia": -1}',
        '{"centers": [[[1]]]}',
        '{"centers": [[1' + "0" * 400 + "]]}",
    ],
)
def test_damaged_json(text, tmp_path):
    path = tmp_path / "centers.json"
    path.write_text(text)
    with pytest.raises(ckmeans.ModelFileError):
        from_json(path)


# ---------------------------------------------------------------------------------------- for all


EXPORTS = {
    "to_sklearn": lambda model: model.to_sklearn(),
    "to_onnx": lambda model: model.to_onnx(),
    "to_sql": lambda model: model.to_sql("points", columns=NAMES),
    "to_json": lambda model: model.to_json(),
}


@pytest.mark.parametrize("export", EXPORTS)
def test_what_cannot_be_exported(export):
    for module in {"to_sklearn": ["sklearn"], "to_onnx": ["onnx"]}.get(export, []):
        pytest.importorskip(module)
    with pytest.raises(ckmeans.NotFittedError):
        EXPORTS[export](KMeans(2))
    with pytest.raises(TypeError, match="descends its tree: fit KMeans"):
        EXPORTS[export](BisectingKMeans(3, random_state=0).fit(grid(np.float64)))


@pytest.mark.parametrize("export", EXPORTS)
def test_mini_batches_are_exported_and_nothing_is_changed(export):
    for module in {"to_sklearn": ["sklearn"], "to_onnx": ["onnx"]}.get(export, []):
        pytest.importorskip(module)
    model = MiniBatchKMeans(3, random_state=0).fit(grid(np.float64))
    before = {name: np.copy(value) for name, value in vars(model).items() if name.endswith("_")}
    assert EXPORTS[export](model)
    assert before.keys() == {name for name in vars(model) if name.endswith("_")}
    assert all(np.array_equal(getattr(model, name), before[name]) for name in before)


@pytest.mark.parametrize(
    "export, module, extra", [("to_onnx", "onnx", "onnx"), ("to_sklearn", "sklearn", "sklearn")]
)
def test_a_missing_package_is_named(export, module, extra, monkeypatch):
    model = KMeans(2, random_state=0).fit([[0.0], [1.0]])
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"ckmeans-cython\[{extra}\]"):
        EXPORTS[export](model)


# ------------------------------------------------------------------------------------------- scale


@pytest.mark.parametrize("scale", ["standard", "robust"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exports_carry_the_scaling(tmp_path, scale, dtype):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(spread(dtype), columns=NAMES)
    model = KMeans(4, random_state=0, n_init=2, scale=scale).fit(X)
    expected = model.predict(X)
    assert not np.array_equal(expected, KMeans(4, random_state=0, n_init=2).fit_predict(X))
    back = from_json(model.to_json())
    assert np.array_equal(back.predict(X), expected) and back.scale == scale
    assert back.transform(X).tobytes() == model.transform(X).tobytes()
    model.save(tmp_path / "m.npz")
    loaded = ckmeans.load(tmp_path / "m.npz")
    assert loaded.transform(X).tobytes() == model.transform(X).tobytes()

    database = sqlite3.connect(":memory:")
    columns = ", ".join('"' + name.replace('"', '""') + '" REAL' for name in NAMES)
    database.execute(f"CREATE TABLE t ({columns})")
    database.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", X.to_numpy().tolist())
    rows = database.execute(model.to_sql("t", dialect="sqlite")).fetchall()
    assert [row[-1] for row in rows] == expected.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_to_sklearn_and_onnx_scale(dtype, seed):
    pytest.importorskip("sklearn")
    X = spread(dtype, seed=seed)
    model = KMeans(4, random_state=0, n_init=2, scale="standard").fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # near ties
        pipeline = model.to_sklearn(X)
    assert [type(step).__name__ for _, step in pipeline.steps] == ["StandardScaler", "KMeans"]
    assert np.mean(pipeline.predict(X) == model.predict(X)) > 0.99
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(model.to_onnx().SerializeToString())
    labels, distances = session.run(None, {"X": X})
    assert np.array_equal(labels, model.predict(X))
    assert np.allclose(distances, model.transform(X), rtol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"divisors": None},
        {"scale": None},
        {"scale": "cubic"},
        {"divisors": [1.0]},
        {"divisors": [0.0, 1.0]},
        {"divisors": [1.0, float("inf")]},
        {"divisors": ["a", 1.0]},
        {"version": 3},
    ],
)
def test_from_json_refuses_a_broken_scaling(change):
    import json

    text = KMeans(2, random_state=0, scale="standard").fit([[0.0, 1], [1, 3], [9, 9]]).to_json()
    with pytest.raises(ckmeans.ModelFileError):
        from_json(json.dumps({**json.loads(text), **change}))


def of_scikit_learn(name, learn):
    cluster = pytest.importorskip("sklearn.cluster")
    return from_sklearn(getattr(getattr(cluster, name)(3, n_init=1), learn)(spread(np.float64)))


def of_json(*absent):
    import json

    found = json.loads(KMeans(3, random_state=0, n_init=1).fit(spread(np.float64)).to_json())
    return from_json(json.dumps({key: found[key] for key in found if key not in absent}))


@pytest.mark.parametrize(
    "make",
    [
        of_json,
        lambda: of_json("inertia"),
        lambda: of_json("counts"),
        lambda: of_json("inertia", "counts", "dtype", "metric"),
        lambda: of_scikit_learn("KMeans", "fit"),
        lambda: of_scikit_learn("MiniBatchKMeans", "fit"),
        lambda: of_scikit_learn("MiniBatchKMeans", "partial_fit"),
    ],
)
def test_centers_from_elsewhere_make_a_model_for_everything(make, tmp_path):
    """They come without what only a fit knows, such as how it ended."""
    X = spread(np.float64)
    model = make()
    model.save(tmp_path / "model.npz")
    loaded = ckmeans.load(tmp_path / "model.npz")
    loaded.save(tmp_path / "again.npz")
    for each in (model, loaded, ckmeans.load(tmp_path / "again.npz")):
        assert np.array_equal(each.predict(X), model.predict(X))
        assert each.to_json() == model.to_json()
        html = each._repr_html_()
        assert ("iteration" in html) == hasattr(model, "n_iter_") and "ended by" not in html


@pytest.mark.parametrize(
    "make", [lambda: of_json("inertia"), lambda: of_scikit_learn("KMeans", "fit")]
)
def test_a_report_of_centers_from_elsewhere(make):
    pytest.importorskip("matplotlib")
    model = make()
    page = ckmeans.report.report(model, spread(np.float64, n=60))
    assert "ended by" not in page and ("iteration" in page) == hasattr(model, "n_iter_")
    assert f"inertia {getattr(model, 'inertia_', 0):.8g}" in page or not hasattr(model, "inertia_")
