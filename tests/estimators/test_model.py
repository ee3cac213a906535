"""Models as files: what is restored, and what is refused."""

import copy
import io
import json
import os
import pickle
import stat
import threading
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from checks import run_python

import ckmeans
from ckmeans import KMeans
from ckmeans._estimators.loading import load
from ckmeans._estimators.model_files import ModelFileError, save
from ckmeans._output.files import write_atomically

RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 3)) + 4 * RNG.integers(3, size=(200, 1))
FITTED = ("inertia_", "n_iter_", "n_features_in_", "converged_", "stop_reason_", "runs_")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@pytest.fixture
def rewrite(path):
    """Saves a model, changes header and arrays in its file, and returns the path."""

    def change(header=None, model=None, **arrays):
        (model or KMeans(3, random_state=0).fit(X)).save(path)
        with np.load(path) as archive:
            members = {name: archive[name] for name in archive.files}
        facts = json.loads(members["ckmeans"].item())
        facts.update(header or {})
        members["ckmeans"] = np.array(json.dumps(facts).encode())
        members.update(arrays)
        with open(path, "wb") as file:
            np.savez(file, **{name: array for name, array in members.items() if array is not None})
        return path

    return change


def refused(path):
    """The message with which the file is refused."""
    with pytest.raises(ModelFileError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value)


# ------------------------------------------------------------------------------------------- what c


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_loaded_model_is_the_saved_one(path, dtype):
    data = X.astype(dtype)
    model = KMeans(5, n_init=3, max_iter=50, tol=1e-7, random_state=7).fit(data)
    model.save(path)
    loaded = ckmeans.load(path)

    assert type(loaded) is KMeans
    assert loaded.get_params() == model.get_params()
    for name in FITTED:
        assert getattr(loaded, name) == getattr(model, name), name
        assert type(getattr(loaded, name)) is type(getattr(model, name)), name
    assert loaded.cluster_centers_.tobytes() == model.cluster_centers_.tobytes()
    assert loaded.cluster_centers_.dtype == dtype
    assert (
        np.array_equal(loaded.counts_, model.counts_)
        and loaded.counts_.dtype == model.counts_.dtype
    )
    assert isinstance(loaded.runs_[0], ckmeans.Run)

    new = (data * 1.5).astype(dtype)
    assert np.array_equal(loaded.predict(new), model.predict(new))
    assert loaded.transform(new).tobytes() == model.transform(new).tobytes()
    assert loaded.score(new) == model.score(new)
    assert np.array_equal(loaded.fit(data).labels_, model.labels_)


def test_labels_are_saved_when_asked_for(path):
    model = KMeans(3, random_state=0).fit(X)
    save(model, path)
    assert not hasattr(load(path), "labels_")
    save(model, path, labels=True)
    assert (
        np.array_equal(load(path).labels_, model.labels_) and load(path).labels_.dtype == np.int32
    )


def test_feature_names(path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["größe", "", "a,b"])
    model = KMeans(3, random_state=0).fit(frame)
    model.save(path)
    loaded = load(path)
    assert loaded.feature_names_in_.tolist() == ["größe", "", "a,b"]
    assert loaded.feature_names_in_.dtype == object
    assert np.array_equal(loaded.predict(frame), model.labels_)


@pytest.mark.parametrize(
    "init", [X[:3], X[:3].tolist(), X[:6].reshape(2, 3, 3), X[:3].astype(np.float32)]
)
def test_initial_centers_are_kept_as_an_array(path, init):
    KMeans(3, init=init).fit(X).save(path)
    assert np.array_equal(load(path).init, init)


def test_numpy_scalars_are_kept_as_numbers(path):
    KMeans(np.int64(3), tol=np.float32(0.5), max_iter=np.int32(9), random_state=np.uint8(1)).fit(
        X
    ).save(path)
    loaded = load(path)
    assert (loaded.n_clusters, loaded.tol, loaded.max_iter, loaded.random_state) == (3, 0.5, 9, 1)
    assert type(loaded.n_clusters) is int


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_a_random_generator_is_not_kept_but_its_seeds_are(path, make):
    model = KMeans(3, n_init=2, random_state=make(3)).fit(X)
    model.save(path)
    loaded = load(path)
    assert loaded.random_state is None
    assert [run.seed for run in loaded.runs_] == [run.seed for run in model.runs_]


def test_numpy_alone_can_read_a_model(path):
    model = KMeans(3, random_state=0).fit(X)
    model.save(path)
    with np.load(path, allow_pickle=False) as archive:
        assert np.array_equal(archive["centers"], model.cluster_centers_)
        header = json.loads(archive["ckmeans"].item())
    assert header["version"] == 1 and header["package"] == ckmeans.__version__
    assert header["fitted"]["inertia_"] == model.inertia_


def test_the_same_model_gives_the_same_bytes(path, tmp_path):
    model = KMeans(3, random_state=0).fit(X)
    model.save(path)
    model.save(tmp_path / "again")
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_a_loaded_model_can_be_saved_again(path, tmp_path):
    KMeans(3, init=X[:3]).fit(X).save(path)
    load(path).save(tmp_path / "again")
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_a_fit_interrupted_in_its_first_run_has_its_centers(path):
    model = KMeans(3, random_state=0).fit(X)
    for name in ("labels_", "counts_", "inertia_"):
        delattr(model, name)
    model.runs_, model.converged_, model.stop_reason_ = (), False, "interrupted"
    model.save(path)
    loaded = load(path)
    assert np.array_equal(loaded.predict(X), model.predict(X))
    assert loaded.stop_reason_ == "interrupted" and not hasattr(loaded, "inertia_")


def test_loading_in_another_process(path):
    model = KMeans(3, random_state=0).fit(X)
    model.save(path)
    np.save(path.with_name("X.npy"), X)
    source = f"""
import ckmeans, numpy
print(ckmeans.load({str(path)!r}).predict(numpy.load({str(path.with_name("X.npy"))!r})).tobytes().hex())
"""
    assert run_python(source).strip() == model.labels_.tobytes().hex()


# ----------------------------------------------------------------------------------------- what is


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices here")
def test_devices_and_pipes(tmp_path, path):
    """They cannot be gone back in, whatever they say of that."""
    model = KMeans(2, random_state=0).fit(np.arange(40.0).reshape(20, 2))
    model.save("/dev/null")
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(Path(pipe).read_bytes()))
    reader.start()
    model.save(pipe)
    reader.join()
    Path(path).write_bytes(found[0])
    assert np.array_equal(ckmeans.load(path).cluster_centers_, model.cluster_centers_)


def test_an_unfitted_model_is_not_saved(path):
    with pytest.raises(ckmeans.NotFittedError):
        KMeans(3).save(path)
    assert not path.exists()


def test_a_callable_init_is_not_saved(path):
    model = KMeans(3, init=lambda X, k, random_state: X[:k]).fit(X)
    with pytest.raises(
        TypeError,
        match=r"init is a "
        r"function.*set_params\(init=model.cluster_centers_\)",
    ):
        model.save(path)
    assert not path.exists()
    model.set_params(init=model.cluster_centers_).save(path)
    assert np.array_equal(load(path).predict(X), model.labels_)


def test_a_subclass_is_not_saved(path):
    class Mine(KMeans):
        pass

    with pytest.raises(TypeError, match="not a Mine"):
        Mine(3).fit(X).save(path)


# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model", "model.npz", "model.bin", "no suffix.here", "mödel"])
def test_the_path_is_taken_as_given(tmp_path, name):
    KMeans(2, random_state=0).fit(X).save(str(tmp_path / name))
    assert os.listdir(tmp_path) == [name]
    assert load(str(tmp_path / name)).n_clusters == 2


def test_a_failed_write_leaves_what_was_there(path, monkeypatch):
    model = KMeans(2, random_state=0).fit(X)
    model.save(path)
    before = path.read_bytes()

    def broken(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", broken)
    with pytest.raises(OSError, match="no space left"):
        model.save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_links_and_devices(tmp_path):
    with write_atomically(tmp_path / "plain") as file:
        file.write(b"x")
    (tmp_path / "usual").touch()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "usual")]
    assert modes[0] == modes[1]

    (tmp_path / "link").symlink_to("plain")
    with write_atomically(tmp_path / "link") as file:
        file.write(b"y")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "plain").read_bytes() == b"y"

    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with write_atomically(tmp_path / "pipe") as file:
        file.write(b"z")
    assert os.read(reader, 9) == b"z"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


# ------------------------------------------------------------------------------------------- what i


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz")
    with pytest.raises(IsADirectoryError):
        load(tmp_path)


def test_files_of_other_kinds(path):
    np.save(path.with_suffix(".npy"), X)
    assert "not a ckmeans model file" in refused(path.with_suffix(".npy"))
    np.savez(path, centers=X)
    assert "not a ckmeans model file" in refused(path)
    np.savez_compressed(path, ckmeans=X)
    assert "compressed" in refused(path)
    for content in b"", b"x,y\n1,2\n", pickle.dumps(X):
        path.write_bytes(content)
        assert "not a ckmeans model file" in refused(path)
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("workbook.xml", "<workbook/>")
    assert "not a ckmeans model file" in refused(path)


def test_truncated_at_any_length(path):
    KMeans(2, random_state=0).fit(X).save(path)
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        refused(path)


def test_any_flipped_byte_is_noticed_or_harmless(path):
    KMeans(2, random_state=0).fit(X).save(path)
    content = path.read_bytes()
    for at in range(0, len(content), 5):
        damaged = bytearray(content)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        try:
            loaded = load(path)
        except ModelFileError:
            continue
        assert np.isfinite(loaded.cluster_centers_).all()


class Bomb:
    """Unpickling this runs code."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize(
    "member", ["ckmeans", "centers", "counts", "feature_names", "param_init", "other"]
)
def test_a_pickled_payload_is_not_opened(rewrite, tmp_path, monkeypatch, member):
    monkeypatch.chdir(tmp_path)
    payload = np.array([Bomb()], dtype=object)
    path = rewrite(**{} if member == "ckmeans" else {member: payload})
    if member == "ckmeans":
        with open(path, "wb") as file:
            np.savez(file, ckmeans=payload, centers=X[:3])
    assert "allow_pickle=False" in refused(path)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("version", [2, 99, 0, -1, "1", None])
def test_a_version_it_does_not_know(rewrite, version):
    message = refused(rewrite({"version": version, "package": "9.1"}))
    assert f"written by ckmeans 9.1 in version {version!r}" in message
    assert "reads up to 1: a later ckmeans is needed" in message


@pytest.mark.parametrize(
    "header, why",
    [
        ({"format": "other"}, "not a ckmeans model file"),
        ({"class": "MeanShift"}, "'MeanShift', which this version does not know"),
        ({"class": "load"}, "'load', which this version does not know"),
        ({"params": {"colour": "red"}}, "the parameter 'colour', which this version does not know"),
        ({"params": {"metric": "dot"}}, "the metric 'dot', which this version does not know"),
        ({"params": [1]}, "damaged"),
        ({"fitted": {}}, "damaged"),
        ({"fitted": {"n_features_in_": 3, "predict": "x"}}, "has 'x' as predict"),
        ({"fitted": {"n_features_in_": "3"}}, "has '3' as n_features_in_"),
        ({"fitted": {"n_features_in_": 4}}, "3 features in its centers and 4 in its header"),
        ({"runs": [[1, 2]]}, "damaged"),
    ],
)
def test_a_header_that_does_not_fit(rewrite, header, why):
    assert why in refused(rewrite(header))


@pytest.mark.parametrize(
    "arrays, why",
    [
        ({"centers": None}, "damaged"),
        ({"centers": np.zeros((3, 3), int)}, "centers of int64"),
        ({"centers": np.zeros(3)}, "shape (3,)"),
        ({"centers": np.zeros((0, 3))}, "shape (0, 3)"),
        ({"centers": np.full((3, 3), np.nan)}, "not finite"),
        ({"centers": np.full((3, 3), np.inf)}, "not finite"),
        ({"centers": np.zeros((3, 4))}, "4 features in its centers"),
        ({"counts": np.zeros(2, np.int64)}, "counts"),
        ({"counts": np.full(3, -1)}, "counts"),
        ({"counts": np.zeros(3)}, "counts"),
        ({"feature_names": np.array(["a", "b"])}, "names for its 3 features"),
        ({"feature_names": np.zeros(3)}, "names for its 3 features"),
        ({"labels": np.array([0, 3], np.int32)}, "labels"),
        ({"labels": np.array([-1, 0], np.int32)}, "labels"),
        ({"labels": np.zeros((2, 2), np.int32)}, "labels"),
    ],
)
def test_arrays_that_do_not_fit(rewrite, arrays, why):
    assert why in refused(rewrite(**arrays))


def test_a_header_that_claims_more_than_there_is(path):
    KMeans(2, random_state=0).fit(X).save(path)
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    claim = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        claim, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 1 << 10)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in members.items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(
                f"{name}.npy", claim.getvalue() if name == "centers" else content.getvalue()
            )
    assert "damaged" in refused(path)


def central(path, members):
    """Writes an archive whose directory lists several members at one place."""
    content = io.BytesIO()
    np.save(content, np.zeros((1000, 8)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("centers.npy", content.getvalue())
        first = archive.infolist()[0]
        for name in members:
            again = copy.copy(first)
            again.filename = again.orig_filename = name
            archive.filelist.append(again)
        archive._didModify = True


def test_members_that_overlap_are_not_unfolded(path):
    central(path, [f"{name}.npy" for name in ("ckmeans", "counts", *range(1000))])
    assert os.path.getsize(path) < 200_000
    tracemalloc.start()
    try:
        assert "more than the" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    central(path, ["centers.npy"])
    assert "twice" in refused(path)


@pytest.mark.parametrize(
    "member", ["ckmeans", "centers", "counts", "feature_names", "labels", "param_init", "other"]
)
@pytest.mark.parametrize(
    "descr, shape",
    [
        ("<f8", (1 << 40, 1 << 10)),
        ("<f8", (1 << 62, 4)),
        ("<f8", (3,)),
        ("<f8", (-3, -3)),
        ("|S0", (1 << 40,)),
        ("<U0", (1 << 40,)),
        ("|V8", (9,)),
        ([("a", "<f8")], (9,)),
        ("|O", (9,)),
        ("<M8[s]", (9,)),
        ("<c16", (3, 3)),
    ],
)
def test_headers_of_members_that_lie(path, member, descr, shape):
    """Type and shape in an array's header are checked against its size before memory is taken."""
    save(KMeans(3, random_state=0).fit(X), path, labels=True)
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    claim = io.BytesIO()
    np.lib.format.write_array_header_2_0(
        claim, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    members[member] = np.zeros((3, 3))
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in members.items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(
                f"{name}.npy",
                claim.getvalue() + bytes(72) if name == member else content.getvalue(),
            )
    tracemalloc.start()
    try:
        assert "damaged" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_long_header_and_strange_members(path):
    KMeans(3, random_state=0).fit(X).save(path)
    good = path.read_bytes()
    for name, content in (
        ("big.npy", b"\x93NUMPY\2\0\xff\xff\xff\0" + b"(" * 100_000),
        ("x.txt", b"x"),
        ("y.npy", b""),
        ("z.npy", b"\x93NUMPY\7\0"),
    ):
        path.write_bytes(good)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, content)
        assert "damaged" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ckmeans.npy", good[:100])
    assert "damaged" in refused(path)


@pytest.mark.parametrize(
    "pair",
    [
        ("centers", "counts"),
        ("centers", "feature_names"),
        ("labels", "counts"),
        ("centers", "labels"),
    ],
)
def test_swapped_members(path, pair):
    class Table:
        columns = ["a", "b", "c"]

        def to_numpy(self):
            return X

    save(KMeans(4, random_state=0).fit(Table()), path, labels=True)
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    one, other = pair
    members[one], members[other] = members[other], members[one]
    with open(path, "wb") as file:
        np.savez(file, **members)
    refused(path)


@pytest.mark.parametrize(
    "fitted",
    [
        {"inertia_": float("nan")},
        {"inertia_": float("inf")},
        {"inertia_": -1.0},
        {"n_iter_": -3},
        {"n_iter_": True},
        {"stop_reason_": 3},
        {"converged_": 1},
        {"counts_": 3},
    ],
)
def test_fitted_numbers_that_cannot_be(rewrite, fitted):
    usual = {
        "inertia_": 0.5,
        "n_iter_": 2,
        "n_features_in_": 3,
        "converged_": True,
        "stop_reason_": "labels",
    }
    (name,) = fitted
    assert f"as {name}" in refused(rewrite({"fitted": {**usual, **fitted}}))


@pytest.mark.parametrize(
    "run",
    [
        [0, 0.5, 2, "labels"],
        ["<b>", 0.5, 2, "labels", 0.1],
        [0, "x", 2, "labels", 0.1],
        [0, 0.5, 2, 7, 0.1],
        3,
        None,
    ],
)
def test_records_of_runs_that_cannot_be(rewrite, run):
    assert "damaged" in refused(rewrite({"runs": [run]}))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "</small><img src=x onerror=alert(1)>",
        "a\"b'c&",
        "\x1b[31m\u202e",
    ],
)
def test_strings_of_a_file_are_escaped_in_html(rewrite, text):
    usual = {
        "inertia_": 0.5,
        "n_iter_": 2,
        "n_features_in_": 3,
        "converged_": True,
        "stop_reason_": text,
    }
    path = rewrite(
        {"fitted": usual, "params": {"n_clusters": 3, "init": text}},
        feature_names=np.array([text, "b", "c"]),
    )
    shown = load(path)._repr_html_()
    assert text not in shown and not any(
        bad in shown for bad in ("<script", "<img", "\x1b", "\u202e")
    )


def test_parameters_that_came_later_take_their_defaults(rewrite):
    loaded = load(rewrite({"params": {"n_clusters": 3}}))
    assert loaded.get_params() == KMeans(3).get_params()


def test_the_format_of_today_stays_readable(path):
    """A file as version 1 writes it, written out: later versions must still read it."""
    header = {
        "format": "ckmeans model",
        "version": 1,
        "package": "0.1.0",
        "class": "KMeans",
        "params": {"n_clusters": 2, "init": "k-means++", "random_state": 0},
        "fitted": {
            "inertia_": 0.5,
            "n_iter_": 2,
            "n_features_in_": 1,
            "converged_": True,
            "stop_reason_": "labels",
        },
        "runs": [[0, 0.5, 2, "labels", 0.001]],
    }
    with open(path, "wb") as file:
        np.savez(
            file,
            ckmeans=np.array(json.dumps(header).encode()),
            centers=np.array([[0.5], [9.0]]),
            counts=np.array([2, 1]),
            feature_names=np.array(["x"]),
        )
    model = load(path)
    assert model.cluster_centers_.tolist() == [[0.5], [9.0]]
    assert model.runs_ == (ckmeans.Run(0, 0.5, 2, "labels", 0.001),)
