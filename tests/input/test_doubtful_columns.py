"""Warnings of columns that number the rows, and of columns whose spreads differ much."""

import warnings

import numpy as np
import pytest

import ckmeans
from ckmeans import (
    BisectingKMeans,
    ColumnsWarning,
    FuzzyCMeans,
    KMeans,
    MiniBatchKMeans,
    fit_many,
    k_means,
    select_k,
)

pandas = pytest.importorskip("pandas")
N = 120


def frame(**more):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, N)) + 9 * (np.arange(N) % 3)
    return pandas.DataFrame({"x": x, "y": y, **more})


def said(work):
    """The texts of the warnings of the columns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        work()
    return [str(one.message) for one in caught if one.category is ColumnsWarning]


FITS = {
    "KMeans": lambda X: KMeans(3, random_state=0).fit(X),
    "steps": lambda X: list(KMeans(3, random_state=0).iter_fit(X)),
    "MiniBatchKMeans": lambda X: MiniBatchKMeans(3, random_state=0).fit(X),
    "BisectingKMeans": lambda X: BisectingKMeans(3, random_state=0).fit(X),
    "FuzzyCMeans": lambda X: FuzzyCMeans(3, random_state=0).fit(X),
    "manhattan": lambda X: KMeans(3, metric="manhattan", random_state=0).fit(X),
    "k_means": lambda X: k_means(X, 3, random_state=0),
    "select_k": lambda X: select_k(X, [2, 3], criteria="elbow", random_state=0),
}
RANDOM = np.random.default_rng(1)
IDS = {
    "id": 7 * RANDOM.permutation(N),
    "customerId": RANDOM.choice(2**40, N, replace=False),
    "id.1": 7 * RANDOM.permutation(N),  # the second column "id" of a file
    "order no": np.arange(500.0, 500 + N),
    "n": np.arange(1, N + 1)[::-1],
    "counted": RANDOM.permutation(N).astype(np.float32),
}
NO_IDS = {
    "id": np.arange(N) // 2,  # of groups
    "code": np.arange(N) + 0.5,
    "q.1": 7 * RANDOM.permutation(N),
    "year": 1900 + np.arange(N),
    "size": 7 * RANDOM.permutation(N),
}


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("name", IDS)
def test_ids_are_told(fit, name):
    (text,) = said(lambda: FITS[fit](frame(**{name: IDS[name]})))
    assert f"rather than to measure something: {name!r}. Differences of such numbers" in text


@pytest.mark.parametrize("name", NO_IDS)
def test_measurements_are_no_ids(name):
    assert not any("number the rows" in text for text in said(
        lambda: FITS["KMeans"](frame(**{name: NO_IDS[name]}))
    ))  # fmt: skip


@pytest.mark.parametrize("fit", FITS)
def test_spreads_that_differ_are_told(fit):
    X = frame(income=30_000 * RANDOM.random(N), age=RANDOM.integers(20, 60, N))
    (text,) = said(lambda: FITS[fit](X))
    assert "spreads of the columns of X differ by more than 10 times" in text
    assert "'income' counts for much more than" in text and "KMeans(scale='standard')" in text


@pytest.mark.parametrize(
    "fit",
    [
        lambda X: KMeans(3, scale="standard", random_state=0).fit(X),
        lambda X: KMeans(3, metric="cosine", random_state=0).fit(X),
        lambda X: KMeans(3, random_state=0).fit(X.to_numpy()),
        lambda X: KMeans(3, random_state=0).fit((X - X.mean()) / X.std()),
        lambda X: KMeans(3, random_state=0).fit(X.set_axis(range(3), axis=1)),
        lambda X: select_k(X, [2, 3], criteria="elbow", random_state=0, scale="robust"),
        lambda X: KMeans(3, random_state=0).fit(X[["x", "y"]]).predict(X[["x", "y"]]),
    ],
)
def test_where_there_is_nothing_to_say(fit):
    assert said(lambda: fit(frame(income=30_000 * RANDOM.random(N)))) == []


def test_rare_yeses_are_no_small_unit():
    """Their standard deviation is small, but the two values are as far apart as any."""
    rare = np.zeros(N)
    rare[5] = 1
    table = frame(rare=rare)
    assert table["rare"].std() < 0.1 * 4 < 0.1 * 4.5 * table["x"].std()
    table[["x", "y"]] /= table[["x", "y"]].std()
    assert said(lambda: KMeans(3, random_state=0).fit(table)) == []


def test_gaps_are_left_out():
    table = frame(income=30_000 * RANDOM.random(N))
    table.loc[::7, "income"] = np.nan
    table.loc[0, "x"] = np.nan
    assert len(said(lambda: KMeans(3, random_state=0, missing="ignore").fit(table))) == 1


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_tables_of_all_kinds(kind):
    table = frame(id=IDS["id"])
    if kind == "polars":
        table = pytest.importorskip("polars").DataFrame(table.to_dict("list"))
    elif kind == "pyarrow":
        table = pytest.importorskip("pyarrow").table(table.to_dict("list"))
    assert len(said(lambda: KMeans(3, random_state=0).fit(table))) == 1


IN_PARTS = {
    "fit_chunks": lambda X, at: KMeans(3, random_state=0).fit_chunks(lambda: chunks_of(X, at)),
    "fit_many": lambda X, at: fit_many(X, 3, groups=np.arange(N) < at, random_state=0),
    "group-by": lambda X, at: fit_many(X.groupby(np.arange(N) < at), 3, random_state=0),
}


def chunks_of(X, at):
    """Any two chunks; in the first one a column may be constant."""
    return iter([X[:at], X[at:]])


@pytest.mark.parametrize("fit", IN_PARTS)
@pytest.mark.parametrize("at", [1, 40, N - 1])
def test_fits_in_parts_tell_of_spreads(fit, at):
    if fit != "fit_chunks":
        at = min(max(at, 10), N - 10)
    X = frame(income=30_000 * RANDOM.random(N))
    (text,) = said(lambda: IN_PARTS[fit](X, at))
    assert "'income' counts for much more than" in text and "scale=" not in text
    assert said(lambda: IN_PARTS[fit]((X - X.mean()) / X.std(), at)) == []


def test_chunks_without_names_and_many_chunks():
    X = frame(income=30_000 * RANDOM.random(N))
    rows = X.to_numpy()
    assert said(lambda: KMeans(3, random_state=0).fit_chunks(rows)) == []
    every = lambda: (X[i : i + 1] for i in range(N))  # noqa: E731
    assert len(said(lambda: KMeans(3, random_state=0).fit_chunks(every))) == 1


def test_chunks_of_parquet_files(tmp_path):
    pytest.importorskip("pyarrow")
    X = frame(id=IDS["id"], income=30_000 * RANDOM.random(N))
    X.to_parquet(tmp_path / "x.parquet")
    (text,) = said(lambda: KMeans(3, random_state=0).fit_chunks(tmp_path / "x.parquet"))
    assert "'income' counts for much more than" in text


@pytest.mark.parametrize("name", ["id", "customerId", "n"])
@pytest.mark.parametrize("gaps", [1, 30, 70])
def test_ids_with_gaps(name, gaps):
    """Some missing ids do not make the others measurements; a column with few values is no id."""
    column = np.array(IDS[name], float)
    column[np.arange(1, 1 + gaps)] = np.nan
    work = lambda: KMeans(3, missing="ignore", random_state=0).fit(  # noqa: E731
        frame(**{name: column})
    )
    told = any("rather than to measure something" in text for text in said(work))
    inside = name != "n" or {column[0], column[-1]} == {1, N}  # 1 to n in spite of the gaps
    assert told == (gaps <= 30 and inside)


def test_a_loop_warns_once():
    """Other rows of the same columns, as of folds and samples, say the same."""
    table = frame(income=30_000 * RANDOM.random(N), id=IDS["id"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for seed in range(20):
            KMeans(3, random_state=0, n_init=1).fit(table.sample(60, random_state=seed))
    assert len(caught) == 2 and {one.category for one in caught} == {ColumnsWarning}
    assert all(one.filename == __file__ for one in caught)


@pytest.mark.parametrize("scale", [None, "standard"])
def test_a_call_of_many_fits_warns_once(scale):
    """Also where every warning is shown."""
    table = frame(a=30_000 * RANDOM.random(N), b=RANDOM.random(N), id=IDS["id"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = select_k(table, range(1, 5), random_state=0, scale=scale)
    assert len(caught) == (2 if scale is None else 1)
    for model in found.models.values():
        assert model.feature_names_in_.tolist() == ["x", "y", "a", "b", "id"]


def test_the_warning_can_be_turned_off():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ckmeans.ColumnsWarning)
        KMeans(3, random_state=0).fit(frame(id=IDS["id"]))


def test_many_rows_and_columns_are_looked_at_in_part():
    rng = np.random.default_rng(0)
    wide = pandas.DataFrame(rng.normal(size=(300, 9000)), columns=[f"c{j}" for j in range(9000)])
    assert ckmeans._input.doubtful_columns.far_apart(
        ckmeans._input.doubtful_columns.spreads(wide.to_numpy() * np.geomspace(1, 11, 9000))
    )[0] < 4000  # fmt: skip
    assert said(lambda: KMeans(2, max_iter=1, init="first", n_init=1).fit(wide)) == []


# ---- whole numbers that float64 rounds

BIG = 2**60 + np.array([[1, 7], [2, 3], [900, 5], [905, 4]])
ROUNDED = {
    "int64": lambda: KMeans(2).fit(BIG),
    "uint64": lambda: KMeans(2).fit((BIG + 2**62).astype(np.uint64)),
    "negative": lambda: KMeans(2).fit(-BIG),
    "strides": lambda: KMeans(2).fit(np.asfortranarray(BIG)[::2]),
    "lists": lambda: KMeans(2).fit(BIG.tolist()),
    "objects": lambda: KMeans(2).fit([[2**90 + 1], [5]]),
    "frame": lambda: KMeans(2).fit(pandas.DataFrame({"a": BIG[:, 0], "b": [0.5, 1, 2, 3]})),
    "minibatch": lambda: MiniBatchKMeans(2).fit(BIG),
    "bisecting": lambda: BisectingKMeans(2).fit(BIG),
    "weights": lambda: KMeans(2).fit([[1.0], [2.0]], sample_weight=[2**53 + 1, 5]),
    "centers": lambda: KMeans(2, init=BIG[::2]).fit(BIG.astype(float)),
    "breaks": lambda: ckmeans.breaks(BIG[:, 0], 2),
}


def roundings(work):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        work()
    return [str(one.message) for one in caught if "beyond 2**53" in str(one.message)]


@pytest.mark.parametrize("case", ROUNDED)
def test_whole_numbers_that_are_rounded_are_told(case):
    (text,) = set(roundings(ROUNDED[case]))
    assert text.startswith({"weights": "sample_weight", "centers": "init", "breaks": "data"}.get(
        case, "X"
    ))  # fmt: skip
    assert ("in column 'a'" in text) == (case == "frame")
    assert "subtract an offset first" in text


def test_sparse_whole_numbers_that_are_rounded():
    sparse = pytest.importorskip("scipy.sparse")
    assert len(set(roundings(lambda: KMeans(2).fit(sparse.csr_array(BIG))))) == 1


@pytest.mark.parametrize(
    "exact",
    [
        np.array([[2**53], [-(2**53)], [0]]),
        np.array([[2**60], [2**61 + 2**40], [5]]),  # which float64 holds
        [[2**70], [3]],
        np.array([[1e300], [5.0]]) * 1e-200,
        np.array([[2**31], [7]], np.uint32),
    ],
    ids=str,
)
def test_whole_numbers_that_are_not_rounded(exact):
    assert roundings(lambda: KMeans(2).fit(exact)) == []
