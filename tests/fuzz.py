"""Random use of the whole public interface: nothing may crash, and what is returned must keep its promises.

    python tests/fuzz.py --seconds 3600             # fresh cases; prints the number of each that fails
    python tests/fuzz.py --case 123456              # one of them again

A case is a number and nothing else, and the tests run the first few hundred. What it finds becomes a test of its own, since numbers
mean other cases once this file changes. To look for memory errors
too, build with ``CFLAGS='-fsanitize=address,undefined -g' python setup.py build_ext --inplace -f`` and run this with
``LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0``.
"""
import argparse
import copy
import io
import os
import pickle
import sys
import tempfile
import time
import traceback
import warnings

import numpy as np

import ckmeans
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans

DTYPES = ("f8", "f8", "f8", "f4", "f4", "f2", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?", ">f8", ">i4", "g", "c16", "O", "U3")
ODD = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e140, 1.1e140, 1e-300, 5e-324, -0.0)


def pick(rng, options):
    return options[rng.integers(len(options))]


def some_rows(rng, d=None):
    """An array of almost any kind."""
    n, d = int(pick(rng, (1, 2, 3, 7, 40, 63, 64, 65, 200, 1500))), d or int(pick(rng, (1, 1, 2, 3, 5, 16, 65, 130)))
    scale = 10.0 ** pick(rng, (0, 0, 0, 2, -3, 8, 40, -40, 139, -160))
    X = rng.normal(size=(n, d)) * scale + pick(rng, (0, 0, 1e3, 1e8)) * scale
    if rng.random() < 0.4:
        X = X.round(-int(np.floor(np.log10(scale)))) if 1e-100 < scale < 1e100 else X
    if rng.random() < 0.3:
        X = X[rng.integers(max(1, n // 8), size=n)]
    if rng.random() < 0.15:
        X[rng.integers(n), rng.integers(d)] = pick(rng, ODD)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X = X.astype(pick(rng, DTYPES))
    layout = rng.integers(9)
    if layout == 0:
        X = np.asfortranarray(X)
    elif layout == 1:
        X = X[::-1]
    elif layout == 2:
        X = np.repeat(X, 2, axis=1)[:, ::2]
    elif layout == 3:
        X = np.broadcast_to(X[:1], X.shape)
    elif layout == 4:
        X = X[:, ::-1]
    elif layout == 5:
        X.flags.writeable = False
    if rng.random() < 0.1:
        X = X.tolist()
    elif rng.random() < 0.1 and X.dtype.kind in "fiu" and X.dtype.isnative and X.dtype != np.longdouble and X.dtype != np.float16:
        X = as_table(rng, X)
    elif rng.random() < 0.04:
        X = pick(rng, (X[0], X[None], X[:0], X[:, :0], None, 3, "X", [], [[]], {"a": 1}, [[1], [2, 3]]))
    return X


def as_table(rng, X):
    names = [f"c{j}" for j in range(X.shape[1])]
    try:
        if rng.random() < 0.5:
            import pandas

            return pandas.DataFrame(np.ascontiguousarray(X), columns=names)
        import polars

        return polars.DataFrame(np.ascontiguousarray(X), schema=names)
    except ImportError:
        return X


def some_params(rng, cls, d):
    k = int(pick(rng, (1, 2, 2, 3, 5, 8, 17, 64)))
    params = {"n_clusters": k, "random_state": int(rng.integers(2**32))}
    choices = {
        "max_iter": (1, 2, 5, 300), "tol": (0, 0.0, 1e-4, 0.5), "n_threads": (None, 1, 2, 5), "copy_x": (True, False),
        "init": ("k-means++", "random", "random-partition", "first", rng.normal(size=(k, d)), "bogus"),
        "n_init": ("auto", 1, 2, 3), "verbose": (0, 0, 0, 1, 2), "label_order": (None, None, "size", "center", rng.normal(size=(k, d))),
        "max_time": (None, None, 1e-9, 10.0), "callback": (None, None, lambda state: state.n_iter > 1 and state.inertia < 0),
        "batch_size": (1, 10, 100, 1024), "half_life": (None, 10, 1e5), "reassignment_ratio": (0, 0.01, 1.0), "init_size": (None, 1, 50),
        "max_no_improvement": (None, 0, 10), "compute_labels": (True, False), "bisecting_strategy": ("biggest_inertia", "largest_cluster"),
        "algorithm": ("lloyd",),
    }
    known = cls().get_params()
    for name, values in choices.items():
        if name in known and rng.random() < 0.4:
            params[name] = pick(rng, values)
    if rng.random() < 0.08:
        params[pick(rng, sorted(known))] = pick(rng, (None, -1, 0, 1.5, "x", np.nan, np.inf, 2**40, [], True, object(), 10**400))
    if cls is MiniBatchKMeans and params.get("batch_size", 1024) in (1, 10):     # as many steps as that takes, else
        params["max_iter"] = pick(rng, (1, 2))
    return params


def some_weights(rng, n):
    kind = rng.integers(8)
    if kind < 4:
        return None
    weights = rng.exponential(size=n) * 10.0 ** pick(rng, (0, 0, 30, -200, 300))
    if kind == 5:
        weights = rng.integers(0, 3, size=n)
    elif kind == 6:
        weights = np.where(rng.random(n) < 0.5, 0.0, weights)
    elif kind == 7 and rng.random() < 0.5:
        weights = pick(rng, (-weights, weights[:-1], np.full(n, np.nan), "w", np.zeros(n), 2.0))
    return weights


def frozen(value):
    """What a value holds, to see that it was left alone."""
    return value.tobytes() if isinstance(value, np.ndarray) and value.dtype != object else repr(value)


def check_fitted(model, X, weights):
    k = int(model.n_clusters)
    centers = model.cluster_centers_
    assert centers.shape == (k, model.n_features_in_) and np.isfinite(centers).all()
    if not hasattr(model, "labels_"):
        return
    labels = model.labels_
    assert labels.dtype == np.int32 and labels.min() >= 0 and labels.max() < k
    assert np.array_equal(model.predict(X), labels), "labels_ differ from predict(X)"
    assert np.array_equal(np.bincount(labels, minlength=k), model.counts_)
    assert np.isfinite(model.inertia_) and model.inertia_ >= 0
    assert -model.score(X, sample_weight=weights) == model.inertia_
    distances = model.transform(X)
    assert distances.shape == (len(labels), k) and np.all(distances >= 0)


def run_case(number):
    """One case: whatever it does must end well or in an error that is meant for users."""
    rng = np.random.default_rng(number)
    cls = pick(rng, (KMeans, KMeans, MiniBatchKMeans, BisectingKMeans))
    X = some_rows(rng)
    shape = np.shape(X) if isinstance(X, np.ndarray) else getattr(X, "shape", None) or (len(X) if hasattr(X, "__len__") else 1, 2)
    d = shape[1] if len(shape) == 2 and shape[1] else 2
    weights = some_weights(rng, max(1, shape[0] if shape else 1))
    params = some_params(rng, cls, d)
    before = frozen(X), frozen(weights)
    try:
        model = cls(**params)
        model.fit(X, sample_weight=weights)
        check_fitted(model, X, weights)
        if params.get("max_time") is None and params["random_state"] is not None:
            again = cls(**{**params, "n_threads": pick(rng, (1, 2, 3)), "verbose": 0}).fit(X, sample_weight=weights)
            assert again.cluster_centers_.tobytes() == model.cluster_centers_.tobytes(), "another number of threads, other centers"
        for other in (copy.deepcopy(model) if params.get("callback") is None else model, through_a_file(model)):
            assert np.array_equal(other.predict(X), model.predict(X))
        if params.get("callback") is None:
            assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
        repr(model)
        fresh = some_rows(rng, d if rng.random() < 0.9 else None)
        if isinstance(model, MiniBatchKMeans) and rng.random() < 0.5:
            model.partial_fit(fresh)
        model.transform(fresh)
        ckmeans.match(model, model, X)
    except (TypeError, ValueError, ImportError, OverflowError) as error:
        assert str(error), "an error without a message"
        frame = traceback.extract_tb(error.__traceback__)[-1]
        # Errors come from checks and from what NumPy says to a bad input, not from deep inside.
        assert "_native" not in frame.filename or isinstance(error, OverflowError), f"raised in {frame.filename}: {error!r}"
    assert (frozen(X), frozen(weights)) == before, "the input was changed"


def through_a_file(model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.npz")
        model.save(path)
        return ckmeans.load(path)


def quietly(number):
    """Run a case without what it prints and warns."""
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            run_case(number)
    finally:
        sys.stdout = out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--start", type=int, default=time.time_ns() % 2**40, help="number of the first case")
    parser.add_argument("--case", type=int)
    args = parser.parse_args()
    if args.case is not None:
        run_case(args.case)
        return 0
    deadline, number, failed = time.monotonic() + args.seconds, args.start, 0
    while time.monotonic() < deadline:
        try:
            quietly(number)
        except Exception as error:
            failed += 1
            print(f"case {number}: {type(error).__name__}: {' '.join(str(error).split())[:300]}", flush=True)
        number += 1
    print(f"{number - args.start} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
