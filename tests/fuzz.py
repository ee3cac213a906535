"""Random use of the whole public interface: nothing may crash, and what is returned must keep its
promises.

    python tests/fuzz.py --seconds 3600             # fresh cases; prints those that fail
    python tests/fuzz.py --target tables            # of one kind only; --help lists them
    python tests/fuzz.py --case models:123456       # one of them again
    python tests/fuzz.py --guided models            # bytes that coverage leads on, by atheris (pip
    install atheris)

A case is a target and a number, and the tests run the first few of each. What it finds becomes a
test of its own, since numbers mean other cases once this file changes; files that were read wrongly
are kept in tests/cases. CONTRIBUTING.md says how to look for memory errors with it.
"""

import argparse
import bz2
import contextlib
import copy
import gzip
import inspect
import io
import itertools
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import oracle
import oracle_cosine
import oracle_fuzzy
import oracle_gaps
import oracle_manhattan
import rules_data

import ckmeans
from ckmeans import (
    BisectingKMeans,
    FuzzyCMeans,
    KMeans,
    MiniBatchKMeans,
    _native,
    cli,
    metrics,
    partial,
    plot,
)
from ckmeans._cli import csv_columns, csv_files, csv_header, csv_layout, csv_numbers
from ckmeans._cli.readers import Ambiguous, ReadError, read_table
from ckmeans._estimators import loading
from ckmeans._estimators.kmeans import ALGORITHMS
from ckmeans._estimators.model_files import ModelFileError
from ckmeans._inits import INITS
from ckmeans._native import Sorted, engine, instruction_sets
from ckmeans._refine import PLANS, REFINEMENTS
from ckmeans.image import quantize
from ckmeans.select import CRITERIA

DTYPES = (
    "f8",
    "f8",
    "f8",
    "f4",
    "f4",
    "f2",
    "i1",
    "u1",
    "i2",
    "u2",
    "i4",
    "u4",
    "i8",
    "u8",
    "?",
    ">f8",
    ">i4",
    "g",
    "c16",
    "O",
    "U3",
)
ODD = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e140, 1.1e140, 1e-300, 5e-324, -0.0)
ODD_PARAMS = (None, -1, 0, 1.5, "x", np.nan, np.inf, 2**40, [], True, object(), 10**400)
CASES = Path(__file__).parent / "cases"


# -- what cases are made of ------------------------------------------------------------------------


def pick(rng, options):
    return options[rng.integers(len(options))]


def some_values(rng, n, d):
    """Numbers near or far from the origin and each other, with ties and repeated rows."""
    scale = 10.0 ** pick(rng, (0, 0, 0, 2, -3, 8, 40, -40, 139, -160))
    X = rng.normal(size=(n, d)) * scale + pick(rng, (0, 0, 1e3, 1e8)) * scale
    if rng.random() < 0.4:
        X = X.round(-int(np.floor(np.log10(scale)))) if 1e-100 < scale < 1e100 else X
    if rng.random() < 0.3:
        X = X[rng.integers(max(1, n // 8), size=n)]
    if rng.random() < 0.15:
        X[rng.integers(n), rng.integers(d)] = pick(rng, ODD)
    if rng.random() < 0.1:
        with np.errstate(over="ignore"):
            X = X * magnitudes_of(rng, (n, 1))
    return X


def magnitudes_of(rng, shape):
    """Powers of two of a few ranges, or of all: mostly equal ones, so that sums of what they scale
    may end halfway between numbers.
    """
    kind = rng.integers(3)
    if kind == 0:
        return np.where(rng.random(shape) < 0.1, 2.0 ** rng.integers(50, 440), 1.0)
    if kind == 1:
        return 2.0 ** rng.choice([0, 0, 0, 27, -27, 53, -53, 300, -300], size=shape)
    return 2.0 ** rng.integers(-500, 440, size=shape)


def some_rows(rng, d=None):
    """An array of almost any kind."""
    n, d = (
        int(pick(rng, (1, 2, 3, 7, 40, 63, 64, 65, 200, 1500))),
        d or int(pick(rng, (1, 1, 2, 3, 5, 16, 65, 130))),
    )
    X = some_values(rng, n, d)
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
    elif (
        rng.random() < 0.1
        and X.dtype.kind in "fiu"
        and X.dtype.isnative
        and X.dtype != np.longdouble
        and X.dtype != np.float16
    ):
        X = as_table(rng, X)
    elif (
        rng.random() < 0.1
        and X.dtype.kind in "fiu"
        and X.dtype.isnative
        and X.dtype.itemsize <= 8
        and X.dtype != np.float16
    ):
        X = as_sparse(rng, X)
    elif rng.random() < 0.04:
        X = pick(
            rng, (X[0], X[None], X[:0], X[:, :0], None, 3, "X", [], [[]], {"a": 1}, [[1], [2, 3]])
        )
    return X


def as_sparse(rng, X):
    """A sparse matrix of one of SciPy's kinds, half of the time one whose parts do not fit
    together.
    """
    try:
        from scipy import sparse
    except ImportError:
        return X
    X = np.where(rng.random(X.shape) < pick(rng, (0.1, 0.5, 1.0)), X, 0).astype(X.dtype)
    matrix = getattr(
        sparse, pick(rng, ("csr_matrix", "csr_array", "csr_array", "csc_array", "coo_array"))
    )(X)
    if matrix.format == "csr" and matrix.nnz and rng.random() < 0.5:
        if rng.random() < 0.5:
            matrix.indices, matrix.indptr = (
                matrix.indices.astype(np.int64),
                matrix.indptr.astype(np.int64),
            )
        part = pick(rng, (matrix.indices, matrix.indptr))
        what = rng.integers(5)
        if what == 0:
            part[rng.integers(len(part))] = pick(
                rng, (-1, 2**31 - 1, X.shape[1], -(2**31), 0, matrix.nnz + 1)
            )
        elif what == 1:
            rng.shuffle(matrix.indices)  # not in order, some columns perhaps twice
        elif what == 2:
            matrix.data = matrix.data[:-1]
        elif what == 3:
            matrix.indptr = matrix.indptr[
                pick(rng, (slice(1, None), slice(None, -1), slice(None, None, -1)))
            ]
        else:
            part[:] = part[rng.integers(len(part))]
    return matrix


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


def shape_of(X):
    """Rows and columns of what `some_rows` made, or something like them."""
    shape = (
        np.shape(X)
        if isinstance(X, np.ndarray)
        else getattr(X, "shape", None) or (len(X) if hasattr(X, "__len__") else 1, 2)
    )
    if isinstance(X, list) and X and isinstance(X[0], list):
        shape = len(X), len(X[0])
    return max(1, shape[0] if shape else 1), shape[1] if len(shape) == 2 and shape[1] else 2


def some_params(rng, cls, d):
    k = int(pick(rng, (1, 2, 2, 3, 5, 8, 17, 64)))
    params = {"n_clusters": k, "random_state": int(rng.integers(2**32))}
    choices = {
        "max_iter": (1, 2, 5, 300),
        "tol": (0, 0.0, 1e-4, 0.5),
        "n_threads": (None, 1, 2, 5),
        "copy_x": (True, False),
        "init": (
            *INITS,
            "auto",
            rng.normal(size=(k, d)),
            rng.normal(size=(2, k, d)),
            lambda X, k, random_state: X[:k],
            "bogus",
        ),
        "n_init": ("auto", 1, 2, 3),
        "verbose": (0, 0, 0, 1, 2),
        "label_order": (None, None, "size", "center", rng.normal(size=(k, d))),
        "max_time": (None, None, 1e-9, 10.0),
        "callback": (None, None, lambda state: state.n_iter > 1 and state.inertia < 0),
        "batch_size": (1, 10, 100, 1024),
        "half_life": (None, 10, 1e5),
        "reassignment_ratio": (0, 0.01, 1.0),
        "init_size": (None, 1, 50),
        "max_no_improvement": (None, 0, 10),
        "compute_labels": (True, False),
        "bisecting_strategy": ("biggest_inertia", "largest_cluster"),
        "algorithm": ("lloyd",) if cls is BisectingKMeans else tuple(ALGORITHMS),
        "history": (False, False, True),
        "refine": (None, None, *PLANS, *REFINEMENTS, ["hartigan-wong", "swap"]),
        "metric": ("euclidean", "cosine"),
    }
    known = cls().get_params()
    for name, values in choices.items():
        if name in known and rng.random() < 0.4:
            params[name] = pick(rng, values)
    if rng.random() < 0.08:
        params[pick(rng, sorted(known))] = pick(rng, ODD_PARAMS)
    if cls is MiniBatchKMeans and params.get("batch_size", 1024) in (
        1,
        10,
    ):  # as many steps as that takes, else
        params["max_iter"] = pick(rng, (1, 2))
    return params


def some_weights(rng, n):
    kind = rng.integers(8)
    if kind < 4:
        return None
    weights = rng.exponential(size=n) * 10.0 ** pick(rng, (0, 0, 30, -200, 300))
    if kind == 5:
        weights = rng.integers(0, 3, size=n)
    elif kind == 4 and rng.random() < 0.5:
        weights = rng.integers(1, 4, size=n) * magnitudes_of(rng, n) * 2.0**-200
    elif kind == 6:
        weights = np.where(rng.random(n) < 0.5, 0.0, weights)
    elif kind == 7 and rng.random() < 0.5:
        weights = pick(rng, (-weights, weights[:-1], np.full(n, np.nan), "w", np.zeros(n), 2.0))
    return weights


def some_model(rng):
    """A fitted model of one of the classes, its rows and weights."""
    cls = pick(rng, (KMeans, KMeans, MiniBatchKMeans, BisectingKMeans))
    X = some_rows(rng)
    n, d = shape_of(X)
    weights = some_weights(rng, n)
    params = some_params(rng, cls, d)
    with unchanged(X, weights):
        model = cls(**params).fit(X, sample_weight=weights)
    return model, X, weights, params


@contextlib.contextmanager
def unchanged(*values):
    """What was passed is to be left alone, also by what fails."""

    def held(value):
        if hasattr(value, "nnz"):
            return [
                getattr(value, name).tobytes()
                for name in ("data", "indices", "indptr", "coords")
                if hasattr(getattr(value, name, None), "tobytes")
            ]
        return (
            value.tobytes()
            if isinstance(value, np.ndarray) and value.dtype != object
            else repr(value)
        )

    before = [held(value) for value in values]
    try:
        yield
    finally:
        assert [held(value) for value in values] == before, "the input was changed"


@contextlib.contextmanager
def meant_for_users(*kinds):
    """What is wrong with a case may be said in an error, from a check or by NumPy, not from deep
    inside.
    """
    kinds = kinds or (TypeError, ValueError, ImportError, OverflowError)
    try:
        yield
    except kinds as error:
        assert str(error), "an error without a message"
        frame = traceback.extract_tb(error.__traceback__)[-1]
        assert (
            "_native" not in frame.filename
            or isinstance(error, OverflowError)
            or "changed while" in str(error)
            or str(error).startswith("labels must be from")  # labels_known was changed
        ), f"raised in {frame.filename}: {error!r}"


# -- targets ---------------------------------------------------------------------------------------


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


def estimators(rng):
    """Fit, predict, transform, pickle, save; again with another number of threads and another
    algorithm.
    """
    with meant_for_users():
        model, X, weights, params = some_model(rng)
        check_fitted(model, X, weights)
        if params.get("max_time") is None and params["random_state"] is not None:
            other = {**params, "n_threads": pick(rng, (1, 2, 3)), "verbose": 0}
            if isinstance(model, KMeans):
                other["algorithm"] = pick(rng, tuple(ALGORITHMS))
                other["copy_x"] = pick(rng, (True, False))
            again = type(model)(**other).fit(X, sample_weight=weights)
            assert again.cluster_centers_.tobytes() == model.cluster_centers_.tobytes(), (
                "other threads or algorithm, other centers"
            )
        repr(model)
        if not callable(params.get("init")):
            assert np.array_equal(through_a_file(model).predict(X), model.predict(X))
            if params.get("callback") is None:
                for other in copy.deepcopy(model), pickle.loads(pickle.dumps(model)):
                    assert np.array_equal(other.predict(X), model.predict(X))
        fresh = some_rows(rng, model.n_features_in_ if rng.random() < 0.9 else None)
        model.transform(fresh)
        ckmeans.match(model, model, X)


def through_a_file(model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.npz")
        model.save(path)
        return ckmeans.load(path)


def careers(rng):
    """One estimator that is fitted, fed, interrupted in the middle, told other parameters and
    fitted again.
    """
    d = int(pick(rng, (1, 2, 3, 16)))
    cls = pick(rng, (KMeans, MiniBatchKMeans, MiniBatchKMeans, BisectingKMeans))
    model = None
    for _ in range(rng.integers(2, 7)):
        with meant_for_users():
            model = cls(**some_params(rng, cls, d)) if model is None else model
            X = some_rows(rng, d if rng.random() < 0.95 else None)
            weights = some_weights(rng, shape_of(X)[0])
            before = getattr(model, "cluster_centers_", None)
            before = None if before is None else (before, before.copy())
            what = rng.integers(8)
            try:
                with unchanged(X, weights):
                    if what <= 2 and cls is MiniBatchKMeans:
                        model.partial_fit(X, sample_weight=weights)
                    elif what <= 1 and cls is KMeans:
                        for state in model.iter_fit(X, sample_weight=weights):
                            assert state.inertia >= 0 and state.centers.shape == (
                                int(model.n_clusters),
                                shape_of(X)[1],
                            )
                            if rng.random() < 0.1:
                                break
                    elif what == 3:
                        model.fit(X, sample_weight=weights)
                    elif what == 4:
                        model.set_params(**some_params(rng, cls, d))
                    elif what == 5:
                        assert model.predict(X).max() < len(model.cluster_centers_)
                    elif what == 6:
                        model.score(X, sample_weight=weights), model.transform(X)
                    else:
                        model = (
                            pickle.loads(pickle.dumps(model))
                            if rng.random() < 0.5
                            else copy.copy(model)
                        )
            except (AttributeError, pickle.PicklingError) as error:  # callables of ours
                assert "lambda" in str(error) or "fit" in str(error), repr(error)
            if before is not None:
                assert before[0].tobytes() == before[1].tobytes(), (
                    "centers of an earlier fit were changed in place"
                )


def functions(rng):
    """The functions around the estimators."""
    X = some_rows(rng)
    n, d = shape_of(X)
    weights = some_weights(rng, n)
    k = int(pick(rng, (1, 2, 3, 8, 40)))
    seed = int(rng.integers(2**32))
    with meant_for_users(), unchanged(X, weights):
        what = rng.integers(4)
        if what == 0:
            centers, labels, inertia = ckmeans.k_means(
                X,
                k,
                sample_weight=weights,
                random_state=seed,
                n_init=pick(rng, ("auto", 1)),
                init=pick(rng, tuple(INITS)),
                refine=pick(rng, (None, *PLANS)),
                metric=pick(rng, ("euclidean", "cosine")),
            )
            assert inertia >= 0 and len(centers) == k and labels.max() < k
        elif what == 1:
            metric = pick(rng, ("euclidean", "cosine"))
            centers, indices = ckmeans.kmeans_plusplus(
                X,
                k,
                sample_weight=weights,
                random_state=seed,
                metric=metric,
                n_local_trials=pick(rng, (None, None, 1, 5, 0)),
            )
            X = X.toarray() if hasattr(X, "nnz") else X
            assert metric == "cosine" or np.array_equal(
                centers, np.asarray(X)[indices].astype(centers.dtype)
            )
        elif what == 2:
            image = rng.integers(
                0,
                pick(rng, (2, 5, 256)),
                size=pick(rng, ((1, 1, 3), (7, 5, 3), (40, 30), (9, 9, 3), (3, 0, 3))),
            ).astype(pick(rng, (np.uint8, np.uint8, np.uint8, np.int8)))
            found = quantize(image, k, random_state=seed)
            assert np.array_equal(found.palette[found.indices].reshape(image.shape), found.image)
        else:
            one, other = (
                KMeans(int(pick(rng, (1, 2, 5, 9))), n_init=1, random_state=seed + i).fit(X)
                for i in (0, 1)
            )
            found = ckmeans.match(one, other, X)
            assert found.table.sum() == len(one.labels_) and len(found.continues) == one.n_clusters


def numbers(rng, n, d, dtypes=("f8", "f8", "f4", "f4", "i2", "u1")):
    """Rows that can be fitted: of small and middling size, now and then enough for threads and for
    what only many rows are worth.
    """
    X = some_values(rng, n, d)
    X[~(np.abs(X) <= 1e30)] = 0
    if rng.random() < 0.3:
        X = X[rng.integers(max(1, n // 50), size=n)]
    with np.errstate(all="ignore"):
        return X.astype(pick(rng, dtypes))


def well_weighted(rng, n):
    weights = pick(rng, (None, None, rng.exponential(size=n), rng.integers(0, 3, size=n)))
    return weights if weights is None or weights.any() else None


def algorithms(rng):
    """Rows and clusters enough for boxes, groups of centers and threads: the same bits from each
    algorithm.
    """
    n, d = int(pick(rng, (300, 3000, 12_000))), int(pick(rng, (1, 2, 3, 7, 16, 60, 150)))
    n = n if d < 60 else n // 4
    X, weights = numbers(rng, n, d), well_weighted(rng, n)
    params = dict(
        n_clusters=int(pick(rng, (2, 5, 33, 64, 100, 257))),
        random_state=int(rng.integers(2**32)),
        n_init=int(pick(rng, (1, 1, 2))),
        init=pick(rng, ("k-means++", "random", "first", "auto", "random-partition")),
        max_iter=int(pick(rng, (2, 10, 40))),
        tol=pick(rng, (0, 1e-4)),
        metric=pick(rng, ("euclidean", "euclidean", "cosine")),
    )
    with meant_for_users(), unchanged(X, weights):
        results = []
        for algorithm in ("lloyd", *rng.choice(sorted(ALGORITHMS), 2)):
            model = KMeans(
                **params,
                algorithm=str(algorithm),
                n_threads=int(pick(rng, (1, 2, 3))),
                copy_x=bool(rng.random() < 0.8),
            )
            results.append(model.fit(X, sample_weight=weights))
        check_fitted(model, X, weights)
        for other in results[1:]:
            same_bits(results[0], other)


def magnitudes(rng):
    """Rows and weights of very different magnitudes, on all paths: what the oracle finds with exact
    sums.
    """
    n, d = int(pick(rng, (3, 20, 65, 150))), int(pick(rng, (1, 2, 3, 17)))
    X = rng.integers(-3, 4, size=(n, d)) + (rng.normal(size=(n, d)) if rng.random() < 0.5 else 0.0)
    X = X * magnitudes_of(rng, pick(rng, ((n, 1), (n, d), (1, d))))
    if rng.random() < 0.2:
        with np.errstate(over="ignore", under="ignore"):
            X = np.nan_to_num(X.astype(np.float32), posinf=1e30, neginf=-1e30)
    weights = None
    if rng.random() < 0.6:
        largest = max(1.0, float(np.abs(X).max()))
        weights = rng.integers(0 if n > 3 else 1, 4, size=n) * magnitudes_of(rng, n) + 0.0
        weights[0] = weights[0] or 1.0
        weights *= 2.0 ** -max(0.0, np.ceil(np.log2(weights.max()) + 2 * np.log2(largest) - 960))
    k, seed = int(rng.integers(1, min(n, 7) + 1)), int(rng.integers(2**32))
    uniforms = np.random.RandomState(seed).random_sample(1 + (k - 1) * (2 + int(np.log(k))))
    with meant_for_users(), unchanged(X, weights):
        centers, drawn = ckmeans.kmeans_plusplus(X, k, sample_weight=weights, random_state=seed)
        assert drawn.tolist() == [
            int(row) for row in oracle.kmeans_plusplus(X, k, uniforms, weights)
        ]
        expected = oracle.lloyd(X, centers, weights, max_iter=30, tol=0)
        cut, threads = int(rng.integers(n + 1)), int(pick(rng, (1, 2, 3)))
        params = dict(
            n_clusters=k,
            init=centers,
            max_iter=30,
            tol=0,
            algorithm=pick(rng, ("auto", *ALGORITHMS)),
            n_threads=threads,
        )
        models = [KMeans(**params, copy_x=bool(rng.random() < 0.5)).fit(X, sample_weight=weights)]
        models.append(
            KMeans(**params).fit_chunks(
                lambda: (
                    X[a:b] if weights is None else (X[a:b], weights[a:b])
                    for a, b in ((0, cut), (cut, n))
                ),
                labels=True,
            )
        )
        try:
            models.append(
                KMeans(**{**params, "algorithm": "auto"}).fit(
                    sparse_of(rng, X), sample_weight=weights
                )
            )
        except ImportError:
            pass
        for model in models:
            if len(model.labels_) == n:  # (`sparse_of` may have left a row out)
                assert np.array_equal(model.labels_, expected.labels) and np.array_equal(
                    model.cluster_centers_, expected.centers
                )
                assert (model.inertia_, model.n_iter_) == (expected.inertia, expected.n_iter)


def same_bits(one, other):
    for name in (
        "cluster_centers_",
        "labels_",
        "inertia_",
        "n_iter_",
        "counts_",
        "seen_weights_",
        "tree_centers_",
    ):
        if hasattr(one, name) and hasattr(other, name):
            assert np.array_equal(getattr(one, name), getattr(other, name)), (
                f"{name} of {one} and of {other} differ"
            )
    assert one.cluster_centers_.dtype == other.cluster_centers_.dtype


def sparse_of(rng, X):
    """The same rows as CSR, put down in one of many ways."""
    from scipy import sparse

    rows, columns = np.nonzero(
        (X != 0) | (rng.random(X.shape) < pick(rng, (0, 0, 0.1)))
    )  # some zeros may be stored
    if rng.random() < 0.3:  # in any order
        order = rng.permutation(len(rows))
        order = order[np.argsort(rows[order], kind="stable")]
        rows, columns = rows[order], columns[order]
    index = pick(rng, (np.int32, np.int64))
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(X)))]).astype(index)
    kind = pick(rng, (sparse.csr_matrix, sparse.csr_array))
    found = kind((X[rows, columns], columns.astype(index), starts), shape=X.shape)
    found = getattr(found, "to" + pick(rng, ("csr", "csr", "csr", "csc", "coo")))()
    if found.format == "csr" and rng.random() < 0.2:
        found = found[int(rng.integers(0, 2)) :] if rng.random() < 0.5 else found
    return found


def sparse_rows(rng):
    """Sparse rows in all that takes them: the bits of the dense array."""
    try:
        from scipy import sparse  # noqa: F401
    except ImportError:
        return
    n, d = int(pick(rng, (5, 40, 64, 130, 700))), int(pick(rng, (1, 3, 30, 300)))
    X = numbers(rng, n, d, ("f8", "f4", "i4"))
    X[rng.random(X.shape) < pick(rng, (0, 0.5, 0.9, 0.99))] = 0
    S = sparse_of(rng, X)
    X = X[len(X) - S.shape[0] :]
    weights, k = well_weighted(rng, len(X)), int(pick(rng, (1, 2, 5, 20)))
    cls = pick(rng, (KMeans, KMeans, MiniBatchKMeans, BisectingKMeans))
    params = {
        **some_params(rng, cls, d),
        "n_clusters": k,
        "callback": None,
        "max_time": None,
        "init": pick(rng, tuple(INITS)),
        "refine": None,
        "random_state": int(rng.integers(2**32)),
        "verbose": 0,
        "label_order": None,
    }
    params = {
        name: value
        for name, value in params.items()
        if name in cls().get_params() and name != "compute_labels"
    }
    with meant_for_users(), unchanged(X, S, weights):
        dense = cls(**params).fit(X, sample_weight=weights)
        if "n_threads" in params:
            params["n_threads"] = int(pick(rng, (1, 2, 3)))
        thin = cls(**params).fit(S, sample_weight=weights)
        same_bits(dense, thin)
        if cls is MiniBatchKMeans:
            same_bits(
                dense.partial_fit(X, sample_weight=weights),
                thin.partial_fit(S, sample_weight=weights),
            )
        assert np.array_equal(dense.transform(X), thin.transform(S)) and np.array_equal(
            dense.predict(X), thin.predict(S)
        )
        assert dense.score(X, sample_weight=weights) == thin.score(S, sample_weight=weights)
        for metric in ("euclidean", "cosine"):
            one, other = (
                ckmeans.kmeans_plusplus(
                    rows, k, sample_weight=weights, random_state=1, metric=metric
                )
                for rows in (X, S)
            )
            assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
        if k > 1 and len(np.unique(dense.labels_)) == k < len(X):
            assert np.array_equal(
                metrics.silhouette_samples(X, dense.labels_),
                metrics.silhouette_samples(S, dense.labels_),
            )


def layouts(rng):
    """Predict, transform and score of the same values in any layout, in parts, by any number of
    threads: the same bits.
    """
    n, d, k = (
        int(pick(rng, (1, 2, 63, 64, 65, 500, 5000))),
        int(pick(rng, (1, 2, 3, 8, 16, 17, 100))),
        int(pick(rng, (1, 2, 3, 4, 8, 16, 17, 70))),
    )
    X = numbers(rng, n + k, d)
    cls = pick(rng, (KMeans, KMeans, MiniBatchKMeans, BisectingKMeans))
    with meant_for_users():
        model = cls(
            k, random_state=1, max_iter=3, n_init=1, metric=pick(rng, ("euclidean", "cosine"))
        ).fit(X)
        labels, distances, score = model.predict(X), model.transform(X), model.score(X)
        padded = np.zeros((2 * len(X), d + 3), dtype=X.dtype)
        padded[::2, 1:-2] = X
        shifted = (
            np.frombuffer(b"\0" + X.tobytes(), dtype=np.uint8)[1:].view(X.dtype).reshape(X.shape)
        )  # not aligned
        others = [
            np.asfortranarray(X),
            X[::-1].copy()[::-1],
            padded[::2, 1:-2],
            np.repeat(X, 2, axis=1)[:, ::2],
            shifted,
            as_table(rng, X),
            X[:, ::-1].copy()[:, ::-1],
        ]
        for other in others:
            with unchanged(other):
                model.n_threads = int(pick(rng, (1, 2, 4)))
                assert np.array_equal(model.predict(other), labels) and np.array_equal(
                    model.transform(other), distances
                )
                assert model.score(other) == score
        cut = int(rng.integers(1, len(X))) if len(X) > 1 else 1
        parts = [part for part in (X[:cut], X[cut:]) if len(part)]
        assert np.array_equal(np.concatenate([model.predict(part) for part in parts]), labels)
        assert np.array_equal(np.concatenate([model.transform(part) for part in parts]), distances)
        if model.metric == "euclidean":
            thin = oracle.is_thin(X.astype(float)) & (distances.dtype == np.float64)
            for j in range(0, k, 3):
                exact = np.zeros(len(X))
                for f in range(d):  # the definition: one feature after the other
                    exact += (X[:, f].astype(float) - float(model.cluster_centers_[j, f])) ** 2
                shown = np.sqrt(exact).astype(distances.dtype)
                assert np.array_equal(distances[~thin, j], shown[~thin])
            some = np.flatnonzero(thin)[:5]  # mostly zero: exact, and rounded once
            if len(some):
                shown = oracle.distances(X[some].astype(float), model.cluster_centers_[:5])
                assert np.array_equal(distances[some, :5], shown)


def chunks(rng):
    """Fits of rows that come in chunks, in any: the bits of a fit of all rows."""
    from ckmeans._blocks.sources import local as _local
    from ckmeans._estimators import chunk_fits as _chunks

    n, d = int(pick(rng, (8, 100, 3000))), int(pick(rng, (1, 2, 5, 30)))
    X, weights = numbers(rng, n, d), well_weighted(rng, n)
    params = dict(
        n_clusters=int(pick(rng, (1, 2, 7))),
        random_state=int(rng.integers(2**32)),
        n_init=int(pick(rng, (1, 2))),
        max_iter=8,
        init=pick(rng, ("k-means++", "random", "first", "k-means||")),
        n_threads=int(pick(rng, (1, 2))),
    )
    cuts = np.sort(rng.integers(0, n + 1, size=pick(rng, (0, 1, 5))))
    parts = np.split(X, cuts)
    before = _local.BLOCK_BYTES, _chunks.MAPPED_LIMIT
    with tempfile.TemporaryDirectory() as folder, meant_for_users(), unchanged(X, weights):
        whole = KMeans(**params).fit(X, sample_weight=weights)
        _local.BLOCK_BYTES, _chunks.MAPPED_LIMIT = int(pick(rng, (1000, 20_000, before[0]))), 0
        try:
            kind, path, options = (
                rng.integers(5),
                os.path.join(folder, "x.npy"),
                {"sample_weight": weights},
            )
            np.save(path, X)
            if kind == 0:
                found = KMeans(**params).fit(np.load(path, mmap_mode="r"), sample_weight=weights)
                assert np.array_equal(found.labels_, whole.labels_)
            else:
                source = (lambda: iter(parts), parts, path, X)[kind - 1]
                if kind == 1 and weights is not None:
                    split, options = np.split(weights, cuts), {}
                    source = lambda: zip(parts, split)  # noqa: E731
                if rng.random() < 0.3:
                    options["checkpoint"] = os.path.join(folder, "state")
                labels = pick(rng, (None, True, os.path.join(folder, "labels.npy")))
                found = KMeans(**params).fit_chunks(source, labels=labels, **options)
                assert labels is None or np.array_equal(found.labels_, whole.labels_)
                assert np.array_equal(
                    np.concatenate(list(found.predict_chunks(lambda: iter(parts)))), whole.labels_
                )
            for name in ("cluster_centers_", "inertia_", "n_iter_", "counts_"):
                assert np.array_equal(getattr(found, name), getattr(whole, name)), f"{name} differs"
            found.labels_ = None  # an open map, which some systems do not let be removed
        finally:
            _local.BLOCK_BYTES, _chunks.MAPPED_LIMIT = before


def blocks(rng):
    """Partial statistics: rows in any blocks, added in any order, give the centers of one block."""
    X = some_rows(rng)
    n, d = shape_of(X)
    weights = some_weights(rng, n)
    k = int(pick(rng, (1, 2, 7)))
    with meant_for_users(), unchanged(X, weights):
        centers = some_values(rng, k, d if rng.random() < 0.95 else d + 1)
        labels = pick(
            rng,
            (
                None,
                None,
                np.full(n, -1, np.int32),
                rng.integers(-2, k + 1, size=n).astype(np.int32),
                np.zeros(n),
            ),
        )
        whole = partial.survey_block(X, weights)
        total = partial.assign_block(
            X,
            centers,
            whole,
            weights,
            n_threads=pick(rng, (1, 2)),
            labels=labels,
            middle=pick(rng, (None, whole.middle, centers[0], [0.0])),
        )
        new = total.centers(centers)
        assert new.shape == (k, d)
        if isinstance(X, np.ndarray) and n > 1 and labels is None:
            cut = int(rng.integers(1, n))
            parts = [
                (X[a:b], None if weights is None else weights[a:b], a)
                for a, b in ((0, cut), (cut, n))
            ]
            survey = sum(partial.survey_block(rows, w, start=a) for rows, w, a in parts)
            again = sum(
                partial.assign_block(rows, centers, survey, w, start=a)
                for rows, w, a in parts[:: pick(rng, (1, -1))]
            )
            assert again.centers(centers).tobytes() == new.tobytes(), "other blocks, other centers"
            assert again.inertia == total.inertia
        pickle.loads(pickle.dumps(total)), repr(total), repr(whole)


def paths(rng):
    """select_k, its tables and sentences."""
    X = some_rows(rng)
    n, d = shape_of(X)
    first = int(pick(rng, (1, 2, 4)))
    criteria = [name for name in CRITERIA if rng.random() < 0.4] or "all"
    with meant_for_users(), unchanged(X):
        found = ckmeans.select_k(
            X,
            range(first, first + int(pick(rng, (1, 2, 5)))),
            criteria=criteria,
            random_state=int(rng.integers(2**32)),
            sample_weight=some_weights(rng, n),
            n_refs=2,
            n_resamples=1,
            max_iter=20,
            n_threads=pick(rng, (1, 2)),
            sample_size=pick(rng, (None, 100)),
        )
        str(found), found.lines(40), found.html_table(), repr(found)
        assert all(best is None or best in found.k_range for best in found.best_k.values())
        assert found.suggested_k is None or found.suggested_k in found.models
        assert "nan" not in str(found).lower(), "NaN in the text"


def scores(rng):
    """What ckmeans.metrics says of rows and labels."""
    X = some_rows(rng)
    n, d = shape_of(X)
    k = int(pick(rng, (1, 2, 3, 9, 30)))
    labels = rng.integers(k, size=n)
    if rng.random() < 0.3:
        labels = pick(
            rng,
            (
                labels.astype(str),
                labels * 2**40,
                labels - 1.0,
                labels[:-1],
                labels + 0.5,
                labels.astype(object),
                "x",
                None,
            ),
        )
    weights = some_weights(rng, n)
    threads = pick(rng, (1, 2, 5))
    with meant_for_users(), unchanged(X, labels, weights):
        what = rng.integers(6)
        if what == 0:
            values = metrics.silhouette_samples(X, labels, n_threads=threads)
            assert values.shape == (n,) and np.all(np.abs(values) <= 1)
            assert values.tobytes() == metrics.silhouette_samples(X, labels, n_threads=3).tobytes()
        elif what == 1:
            assert (
                -1
                <= metrics.silhouette_score(
                    X, labels, sample_size=pick(rng, (None, 5, n)), random_state=1
                )
                <= 1
            )
        elif what == 2:
            centers = some_values(rng, k, d)
            values = metrics.simplified_silhouette_samples(
                X, centers, pick(rng, (None, labels)), n_threads=threads
            )
            assert np.all(np.abs(values) <= 1)
        elif what == 3:
            value = metrics.calinski_harabasz_score(X, labels, sample_weight=weights)
            assert (
                value >= 0 or weights is not None and np.sum(weights) < k
            )  # weights count as so many rows
        elif what == 4:
            assert metrics.davies_bouldin_score(X, labels, sample_weight=weights) >= 0
        else:
            assert metrics.adjusted_rand_score(labels, labels) == 1
            assert -1 <= metrics.adjusted_rand_score(labels, rng.integers(3, size=len(labels))) <= 1


def one_column(rng):
    """Optimal clusters of a list of numbers; KMeans must find the same sum of squares."""
    n = int(pick(rng, (1, 2, 3, 10, 64, 300, 3000)))
    data = some_values(rng, n, 1)[:, 0]
    if rng.random() < 0.2:
        data = pick(
            rng,
            (
                data.tolist(),
                data.astype(np.float32),
                data.round(),
                data[None],
                np.full(n, np.inf),
                [-np.inf, *data, np.inf],
                "abc",
                [],
                data.astype(object),
                data > 0,
            ),
        )
    k = pick(rng, (1, 2, 3, 7, 20, n, n + 1, 0, -1, 2.0, None))
    with meant_for_users(), unchanged(data), np.errstate(all="ignore"):
        what = rng.integers(3)
        if what == 0:
            clusters = ckmeans.ckmeans(data, k)
            assert np.array_equal(np.concatenate(clusters), np.sort(np.asarray(data, dtype=float)))
            assert len(clusters) <= k and all(len(cluster) for cluster in clusters)
            if (
                isinstance(data, np.ndarray)
                and data.ndim == 1
                and np.all((np.abs(data) < 1e60) & ((np.abs(data) > 1e-60) | (data == 0)))
            ):
                model = KMeans(k, n_threads=pick(rng, (1, 2)), label_order="center").fit(
                    data[:, None]
                )
                assert model.counts_[model.counts_ > 0].tolist() == [
                    len(cluster) for cluster in clusters
                ], "KMeans finds other clusters"
        elif what == 1:
            limits = ckmeans.breaks(data, k)
            assert np.all(np.diff(limits) > 0) and len(limits) < k
        else:
            low, high = sorted(int(pick(rng, (1, 2, 5, 9))) for _ in range(2))
            found = ckmeans.ckmeans_optimal(data, low, high)
            assert low <= found.k <= high or found.k <= len(np.unique(data))
            assert found.sizes.sum() == len(data)


def many_decades(rng):
    """One column, its values and weights over any number of decades: the split must be the best,
    also to exact arithmetic.
    """
    n = int(pick(rng, (2, 3, 5, 9, 12, 300, 1000, 3000)))
    reach = pick(rng, (0, 0, 8, 30, 60))
    X = np.sort(rng.normal(size=n) * 10.0 ** rng.uniform(-reach, reach, n))
    if rng.random() < 0.3:
        X[-1] = 10.0 ** rng.integers(0, 100)
        X.sort()
    reach = pick(rng, (0, 1, 8, 8, 20, 40, 70, 150))
    weights = 10.0 ** rng.uniform(-reach, min(reach, 120), n)
    if rng.random() < 0.3:
        weights = np.where(rng.random(n) < 0.5, weights, pick(rng, (1.0, 1e-40, 1e100)))
    distinct = len(np.unique(X))
    k = min(distinct, int(rng.integers(1, 61)))
    problem = Sorted(X, weights, pick(rng, (1, 2)))
    bounds = problem.split(k)
    assert bounds[0] == 0 and bounds[-1] == n and np.all(np.diff(bounds) > 0), "no split"
    if n <= 12:
        costs = oracle.interval_costs(X, weights)
        found = sum(costs[pair] for pair in itertools.pairwise(bounds.tolist()))
        assert found <= oracle.least_costs(costs, n)[k - 1] * (1 + Fraction(1, 10**14)), (
            "not the best split"
        )
    with meant_for_users():
        order = rng.permutation(n)
        model = KMeans(k, n_threads=pick(rng, (1, 2)), refine=pick(rng, (None, "auto"))).fit(
            X[order, None], sample_weight=weights[order]
        )
        assert (
            np.array_equal(model.predict(X[order, None]), model.labels_)
            and np.isfinite(model.cluster_centers_).all()
        )


# -- what fits do otherwise than plain k-means -----------------------------------------------------


class Problem(NamedTuple):
    """A fit of one of KINDS."""

    kind: str
    cls: type
    params: dict[str, Any]
    X: Any
    of_fit: dict[str, Any]  #: other arguments of `fit`

    @property
    def weights(self):
        return self.of_fit.get("sample_weight")

    def model(self, **more):
        return self.cls(**{**self.params, **more})

    def fit(self, model=None, X=None, **more):
        model = self.model(**more) if model is None else model
        return model.fit(self.X if X is None else X, **self.of_fit)


def sizes_of(rng, n, d, k, weights):
    """Bounds of sizes, now and then some that cannot be kept."""
    total = n if weights is None else float(weights.sum())
    low = total / k * pick(rng, (0, 0.3, 0.8, 0.99, 1, 1))
    high = total / k * pick(rng, (1, 1, 1.01, 1.3, 3, 1e9))
    if rng.random() < 0.5:
        low, high = np.floor(low), np.ceil(high)
    if rng.random() < 0.3:
        low = low * rng.random(k)
    if rng.random() < 0.3:
        high = high * (1 + rng.random(k))
    found = {"size_min": low, "size_max": high}
    if rng.random() < 0.4:
        del found[pick(rng, tuple(found))]
    return found


def with_gaps(rng, X):
    """A copy in which values are missing, but seldom a whole row or column."""
    X = X.astype(np.result_type(X.dtype, np.float32))
    gaps = rng.random(X.shape) < pick(rng, (0, 0.05, 0.4, 0.9))
    if rng.random() < 0.95:
        gaps[np.arange(len(X)), rng.integers(X.shape[1], size=len(X))] = False
        gaps[rng.integers(len(X), size=X.shape[1]), np.arange(X.shape[1])] = False
    X[gaps] = np.nan
    return X


def known_of(rng, n, k):
    """Labels of some rows, -1 for the others."""
    known = np.full(n, -1, dtype=pick(rng, (np.int32, np.int32, np.int64, np.int8)))
    some = rng.random(n) < pick(rng, (0, 0.02, 0.3, 1.0))
    known[some] = rng.integers(pick(rng, (1, k)), size=some.sum())
    return known


#: The kinds of fits beside plain k-means, and whether they take sparse rows.
KINDS = {
    "sizes": True,
    "outliers": True,
    "known labels": True,
    "medians": False,
    "gaps": False,
    "memberships": False,
    "scale": True,
    "bytes": False,
    "default": True,
}


def some_problem(rng, kinds=tuple(KINDS), n=None):
    """A fit of any of these kinds, of a size that takes milliseconds."""
    kind, cls = pick(rng, kinds), KMeans
    n = int(n or pick(rng, (8, 30, 64, 130, 130, 700)))
    d = int(pick(rng, (1, 2, 3, 7, 20)))
    k = int(pick(rng, (1, 2, 3, 5, 8)))
    if kind == "bytes":
        n, d = max(n, 130), int(pick(rng, (5, 40, 64, 72, 130, 257)))
        k = int(pick(rng, (20, 33, 64, 100)))
    X = numbers(rng, n, d)
    weights = well_weighted(rng, n)
    params = {
        "n_clusters": k,
        "random_state": int(rng.integers(2**32)),
        "max_iter": int(pick(rng, (1, 3, 10, 40))),
        "tol": pick(rng, (0, 0, 1e-4)),
        "n_threads": int(pick(rng, (1, 2, 3))),
        "n_init": int(pick(rng, (1, 1, 2))),
        "init": pick(rng, ("k-means++", "random", "random-partition", "first")),
    }
    if rng.random() < 0.4:
        params["init"] = X[rng.choice(n, k)].astype(float)
        if rng.random() < 0.3:
            params["init"] *= 10.0 ** rng.integers(0, 9, size=(k, 1))
        params["n_init"] = 1
    of_fit = {"sample_weight": weights}
    if kind == "memberships":
        cls, params["fuzziness"] = FuzzyCMeans, float(pick(rng, (1.05, 1.3, 2.0, 2.0, 2.7, 20)))
    if kind == "sizes":
        params |= sizes_of(rng, n, d, k, weights)
    if kind == "outliers":
        params["n_outliers"] = pick(rng, (0, 1, 3, n // 4, n - k, 0.01, 0.2))
    if kind == "known labels" or kind in ("sizes", "outliers") and rng.random() < 0.3:
        params["known"] = pick(rng, ("constrained", "seeded"))
        of_fit["labels_known"] = known_of(rng, n, k)
    if kind == "medians":
        params["metric"] = "manhattan"
    if kind == "gaps":
        X, params["missing"] = with_gaps(rng, X), "ignore"
    if kind == "scale":
        params["scale"] = pick(rng, ("standard", "robust"))
    if kind == "bytes":
        params["algorithm"] = pick(rng, ("bytes", "bytes", "auto"))
    if kind == "default":
        params = {name: params[name] for name in ("n_clusters", "random_state", "n_threads")}
        params["max_iter"] = 30
    if kind in ("sizes", "outliers", "known labels"):
        params["metric"] = pick(rng, ("euclidean", "euclidean", "cosine"))
        params["algorithm"] = pick(rng, ("auto", *ALGORITHMS))
    if cls is KMeans:
        params["copy_x"] = bool(rng.random() < 0.8)
    if KINDS[kind] and rng.random() < 0.2:
        X = np.where(rng.random(X.shape) < 0.5, X, 0).astype(X.dtype)
        with contextlib.suppress(ImportError):
            from scipy import sparse

            X = sparse.csr_array(X)
    return Problem(kind, cls, params, X, of_fit)


def dense(X):
    return X.toarray() if hasattr(X, "nnz") else X


@contextlib.contextmanager
def instruction_set(name):
    """Fits that begin within use the kernels of this instruction set."""
    before = instruction_sets.isa
    instruction_sets.use(name)
    try:
        yield
    finally:
        instruction_sets.use(before)


@contextlib.contextmanager
def insisting():
    """What an algorithm is named after is used on small data, too, where it does not pay."""
    before = engine.insist(True)
    try:
        yield
    finally:
        engine.insist(before)


def kinds_of_fits(rng):
    """Fits of other kinds than plain k-means: what the definition says, and the same bits from
    other threads, instruction sets and layouts.
    """
    problem = some_problem(rng)
    insists = insisting() if rng.random() < 0.6 else contextlib.nullcontext()
    with meant_for_users(), insists, unchanged(problem.X, *problem.of_fit.values()):
        model = problem.fit()
        check_kind(rng, problem, model)
        X = problem.X
        with instruction_set(pick(rng, _native.available)):
            more = {"n_threads": int(pick(rng, (1, 2, 3)))}
            if problem.cls is KMeans:
                more["copy_x"] = bool(rng.random() < 0.5)
            if problem.kind == "bytes":
                more["algorithm"] = pick(rng, ("lloyd", "boxes", "bytes"))
            if isinstance(X, np.ndarray):
                X = pick(rng, (np.asfortranarray(X), X[:, ::-1].copy()[:, ::-1], X))
            same_bits(model, problem.fit(X=X, **more))
            assert np.array_equal(model.predict(X), model.predict(problem.X))
        again = through_a_file(model)
        assert np.array_equal(again.predict(X), model.predict(X))
        assert np.array_equal(again.transform(X), model.transform(X))
        shares = model.predict_proba(dense(X))
        assert shares.shape == (X.shape[0], model.n_clusters)
        assert np.all((shares >= 0) & (shares <= 1)) and np.all(np.abs(shares.sum(1) - 1) < 1e-12)
        own = model.predict(X)
        assert np.array_equal(model.distances(X), model.transform(X)[np.arange(len(own)), own]), (
            "distances differ from those of transform"
        )
        model.anomaly_scores(X), model.get_feature_names_out(), repr(model)


def check_kind(rng, problem, model):
    """What a fit of this kind promises."""
    X, weights, k = problem.X, problem.weights, model.n_clusters
    n = X.shape[0]
    labels = model.labels_
    least = -1 if problem.kind == "outliers" else 0
    assert labels.shape == (n,) and least <= labels.min() <= labels.max() < k
    assert np.isfinite(model.cluster_centers_).all() and model.inertia_ >= 0
    assert np.array_equal(np.bincount(labels[labels >= 0], minlength=k), model.counts_)
    if problem.kind not in ("sizes", "outliers", "known labels"):
        assert np.array_equal(model.predict(X), labels)
        assert -model.score(X, sample_weight=weights) == model.inertia_
    CHECKS[problem.kind](rng, problem, model)
    kept = kept_of(problem)
    assert np.array_equal(model.labels_[kept >= 0], kept[kept >= 0])


def kept_of(problem):
    """Labels that rows must keep, -1 for the others."""
    known = problem.of_fit.get("labels_known")
    if known is None or problem.params["known"] == "seeded":
        return np.full(problem.X.shape[0], -1)
    return known


def check_sizes(rng, problem, model):
    weights = np.ones(problem.X.shape[0]) if problem.weights is None else problem.weights
    heaviest = 0 if len(set(weights[weights > 0].tolist())) == 1 else float(weights.max())
    sizes = np.bincount(model.labels_, weights, minlength=model.n_clusters)
    spare = heaviest + 1e-9 * weights.sum()
    assert np.all(sizes >= (0 if model.size_min is None else model.size_min) - spare)
    assert np.all(sizes <= (np.inf if model.size_max is None else model.size_max) + spare)
    X, init = problem.X, problem.params["init"]
    if (
        isinstance(init, str)
        or problem.weights is not None
        or "labels_known" in problem.of_fit
        or model.metric == "cosine"
        or not isinstance(X, np.ndarray)
        or len(X) > 130
    ):
        return
    first = list(problem.model(max_iter=1).iter_fit(X))[1].labels
    rule = model_rule(problem, len(X))
    centers = oracle.given(init, oracle.compute_dtype(X))
    X = X.astype(float)
    cost = ((X - centers[first]) ** 2).sum()
    with contextlib.suppress(ImportError):
        best = rules_data.least_cost(X, centers, rule.least, rule.most)
        span = ((X.max(0) - X.min(0)) ** 2).sum() + ((X[:, None] - centers) ** 2).sum(2).max()
        assert cost - best <= 1e-12 * len(X) * span, f"{cost} where {best} can be had"


def model_rule(problem, n):
    """The rule of a problem without weights, whose bounds are numbers of rows."""
    from ckmeans._rules import rule_for

    rule = rule_for({**problem.model().get_params(), "labels_known": None})
    rule.check(n, problem.X.shape[1], None)
    return rule


def check_outliers(rng, problem, model):
    X, weights = dense(problem.X), problem.weights
    weights = np.ones(len(X)) if weights is None else weights
    if model.metric == "cosine":
        weights = oracle_cosine.directed(X, weights)
    out, asked = model.labels_ == -1, problem.params["n_outliers"]
    count = int(asked * np.count_nonzero(weights)) if isinstance(asked, float) else asked
    assert np.all(weights[out] > 0), "a row of weight 0 is left out"
    assert out.sum() == count, f"{out.sum()} rows are left out, not {count}"
    nearest, kept = model.predict(problem.X), kept_of(problem) >= 0
    free = ~out & ~kept
    assert np.array_equal(nearest[free], model.labels_[free])
    if model.metric == "euclidean":
        _, own = oracle.assign(X, model.cluster_centers_)
        scores = weights * own
        if out.any():
            assert scores[out].min() >= scores[free & (weights > 0)].max(initial=0.0)
        if not kept.any():
            assert model.inertia_ == oracle.inertia(own[~out], weights[~out])


def check_known(rng, problem, model):
    free = kept_of(problem) < 0
    assert np.array_equal(model.labels_[free], model.predict(problem.X)[free])


def by_oracle(metric):
    """A check that a fit from given centers is that of the definition."""

    def check(rng, problem, model):
        init, X = problem.params["init"], problem.X
        if isinstance(init, str) or X.shape[0] * X.shape[1] * len(init) > 40_000:
            return
        params = {name: problem.params[name] for name in ("max_iter", "tol")}
        found = oracle.lloyd(X, init, problem.weights, **params, metric=metric)
        assert np.array_equal(model.labels_, found.labels)
        assert np.array_equal(model.cluster_centers_, found.centers)
        assert (model.inertia_, model.n_iter_) == (found.inertia, found.n_iter)

    return check


def check_memberships(rng, problem, model):
    """(The oracle is another order of floating-point operations: rows of usual size only.)"""
    X, init, m = problem.X.astype(float), problem.params["init"], model.fuzziness
    if isinstance(init, str) or not 1e-3 < np.abs(X).max() < 1e4 or problem.X.dtype != np.float64:
        return
    final = model.cluster_centers_
    shares = oracle_fuzzy.memberships(X, final, m)
    assert np.allclose(model.predict_proba(X), shares, rtol=1e-6, atol=1e-9)
    wanted = oracle_fuzzy.objective(X, final, m, problem.weights)
    assert np.isclose(model.inertia_, wanted, rtol=1e-8, atol=1e-13 * (X**2).sum())


def check_scale(rng, problem, model):
    """The fit of divided rows, whose centers are multiplied again (and rounded then, which may have
    a say in ties).
    """
    X, d = dense(problem.X), problem.X.shape[1]
    assert model.scale_.shape == (d,) and np.all((model.scale_ > 0) & np.isfinite(model.scale_))
    order = rng.permutation(len(X))
    weights = None if problem.weights is None else problem.weights[order]
    other = problem.model(max_iter=1).fit(X[order], sample_weight=weights)
    assert np.array_equal(other.scale_, model.scale_), "the order of the rows has a say"
    params = {**problem.params, "scale": None}
    if not isinstance(params["init"], str):
        params["init"] = params["init"] / model.scale_
    rows = X / model.scale_
    plain = KMeans(**params).fit(rows, sample_weight=problem.weights)
    kind = np.finfo(model.cluster_centers_.dtype)
    off = 4 * kind.eps * max(1.0, np.abs(rows).max(), np.abs(plain.cluster_centers_).max())
    off += float(kind.smallest_subnormal) / model.scale_.min()
    assert np.abs(plain.cluster_centers_ - model.cluster_centers_ / model.scale_).max() <= off
    total = d * (len(X) if problem.weights is None else problem.weights.sum())
    assert abs(np.sqrt(plain.inertia_) - np.sqrt(model.inertia_)) <= np.sqrt(total) * off


def check_default(rng, problem, model):
    best = min(run.inertia for run in model.runs_)
    assert model.inertia_ == best and (model.counts_ > 0).any()
    if problem.X.shape[1] > 1:
        assert len(model.runs_) >= 2, "no refinement"


CHECKS = {
    "sizes": check_sizes,
    "outliers": check_outliers,
    "known labels": check_known,
    "medians": by_oracle(oracle_manhattan),
    "gaps": by_oracle(oracle_gaps),
    "memberships": check_memberships,
    "scale": check_scale,
    "bytes": by_oracle(oracle),
    "default": check_default,
}


class BrokenOff(BaseException):
    """What ends a fit, as Ctrl-C does."""


def broken_off(seconds, job):
    """Do a job that BrokenOff ends after so long, unless it is done before; in other threads than
    the main one, and where there are no timers, it never comes.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        return job()
    inside = [True]

    def handler(number, frame):
        if inside[0]:
            inside[0] = False
            raise BrokenOff

    before = signal.signal(signal.SIGALRM, handler)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-5))
            job()
        finally:
            inside[0] = False
    except BrokenOff:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def interrupts(rng):
    """Fits that are broken off at any time: the model can be used, or has not been fitted, and the
    next fit is as good as any.
    """
    problem = some_problem(rng, n=pick(rng, (30, 300, 3000)))
    with meant_for_users():
        began = time.perf_counter()
        whole = problem.fit()
        took = time.perf_counter() - began
        model = problem.model()
        for _ in range(3):
            at = rng.random() * took
            if rng.random() < 0.3:
                steps = [int(rng.integers(1, 6))]

                def callback(state):
                    steps[0] -= 1
                    if steps[0] == 0:
                        raise BrokenOff

                model.set_params(callback=callback)
                with contextlib.suppress(BrokenOff):
                    problem.fit(model)
                model.set_params(callback=None)
            elif rng.random() < 0.2 and problem.cls is KMeans:
                broken_off(at, lambda: list(model.iter_fit(problem.X, **problem.of_fit)))
            else:
                broken_off(at, lambda: problem.fit(model))
            if hasattr(model, "cluster_centers_"):
                broken_off(at / 3, lambda: (model.predict(problem.X), model.score(problem.X)))
                labels = model.predict(problem.X)
                assert 0 <= labels.min() <= labels.max() < model.n_clusters
                if hasattr(model, "labels_"):
                    assert model.labels_.shape == labels.shape and model.inertia_ >= 0
        same_bits(problem.fit(model), whole)


def damaged(rng, data):
    """Bytes with something wrong with them; now and then with nothing."""
    data = bytearray(data)
    for _ in range(rng.integers(0, 5)):
        if not data:
            break
        at, length = (
            int(rng.integers(len(data))),
            int(rng.integers(1, 1 + min(len(data), pick(rng, (2, 8, 64))))),
        )
        what = rng.integers(7)
        if what == 0:
            data[at] = rng.integers(256)
        elif what == 1:
            data[at] ^= 1 << int(rng.integers(8))
        elif what == 2:
            del data[at : at + length]
        elif what == 3:
            data[at:at] = rng.bytes(length)
        elif what == 4:
            data[at:at] = data[at : at + length]
        elif what == 5:
            del data[at:]
        else:
            data[at : at + length] = pick(
                rng,
                (
                    b"\0" * length,
                    b"\xff" * length,
                    b'"',
                    b"\n",
                    b"\r\n",
                    b"nan",
                    b"1e999",
                    b",",
                    b"\xe2\x82",
                ),
            )
    return bytes(data)


def load_bytes(data):
    """A damaged model is an error of one kind, or a model that can be used."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.npz")
        Path(path).write_bytes(data)
        try:
            model = ckmeans.load(path)
        except ModelFileError as error:
            assert path in str(error)
            return
        X = np.zeros((3, model.n_features_in_)) + [[0.0], [1.0], [-5.0]]
        labels = model.predict(X)
        assert labels.min() >= 0 and labels.max() < len(model.cluster_centers_)
        repr(model), model.transform(X), model.get_feature_names_out()
        with meant_for_users():
            assert model.predict_proba(X).shape == (3, len(model.cluster_centers_))
            model.distances(X), model.anomaly_scores(X)
        with meant_for_users():
            model.save(path)
        with meant_for_users():
            model.partial_fit(X) if isinstance(model, MiniBatchKMeans) else None


def some_model_file(rng):
    """A model file, half of the time one with a wrong member, which zip's checksums do not tell."""
    cls = pick(rng, (KMeans, KMeans, MiniBatchKMeans, BisectingKMeans, FuzzyCMeans))
    d, k = int(pick(rng, (1, 2, 5))), int(pick(rng, (1, 2, 4)))
    X, params = rng.normal(size=(30, d)), {}
    if cls is KMeans:
        params = pick(
            rng,
            (
                {},
                {"scale": pick(rng, ("standard", "robust"))},
                {"metric": pick(rng, ("manhattan", "cosine"))},
                {"missing": "ignore"},
                {"size_min": rng.integers(1, 5, size=k), "size_max": 30},
                {"n_outliers": pick(rng, (2, 0.1))},
            ),
        )
    model = cls(k, random_state=0, max_iter=3, **params).fit(
        X if rng.random() < 0.7 else as_table(rng, X)
    )
    if rng.random() < 0.3:
        model.typical_distances_ = model.typical_distances(X)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.npz")
        model.save(path)
        if rng.random() < 0.5:
            with np.load(path) as archive:
                arrays = {name: archive[name] for name in archive.files}
            name = pick(rng, sorted(arrays))
            value = arrays[name]
            if name == "ckmeans":
                arrays[name] = np.array(damaged(rng, value.item()))
            else:
                numbers = (
                    [] if value.dtype.kind == "U" else [-value, value.astype("f4"), value * 2.0]
                )
                arrays[name] = pick(
                    rng,
                    (
                        value[:-1],
                        np.full(value.shape, np.nan),
                        value[None],
                        value.T,
                        value.astype("U"),
                        np.array(7),
                        value[:0],
                        *numbers,
                    ),
                )
            if rng.random() < 0.1:
                del arrays[name]
            np.savez(path, **arrays)
        return Path(path).read_bytes()


def models(rng):
    """Model files with damage."""
    data = some_model_file(rng)
    load_bytes(data if rng.random() < 0.3 else damaged(rng, data))


def read_bytes(data, name="t.csv"):
    """A damaged table is an error of one kind, or a full rectangle of numbers that is read the same
    again.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        Path(path).write_bytes(data)
        options = {}
        try:
            try:
                table = read_table(path)
            except Ambiguous:
                options = {"header": False, "decimal": ".", "index": [], "quotes": True}
                table = read_table(path, **options)
        except ReadError as error:
            assert path in str(error) or name in str(error), f"no file in {error}"
            return
        assert (
            table.values.ndim == 2
            and table.values.shape[1] >= 1
            and table.values.dtype.kind in "biuf"
        )
        assert len(table.names) == table.values.shape[1]
        assert np.array_equal(read_table(path, **options).values, table.values, equal_nan=True)


def some_table(rng):
    """A file of numbers in one of the formats that are read, with or without what people put into
    such files.
    """
    n, d = int(pick(rng, (1, 2, 5, 60))), int(pick(rng, (1, 2, 3, 7)))
    values = rng.normal(size=(n, d)) * 10.0 ** pick(rng, (0, 3, -3, 20))
    kind = rng.random()
    if kind < 0.2:
        file = io.BytesIO()
        if kind < 0.1:
            np.save(file, values.astype(pick(rng, ("f8", "f4", "i4", "?", ">f8", "U9"))))
        else:
            np.savez(
                file, **{name: values for name in pick(rng, (("x",), ("a", "b"), ("weights", "x")))}
            )
        return file.getvalue()
    separator = pick(rng, ",,,;\t| ")
    end = pick(rng, ("\n", "\n", "\r\n", "\r"))
    shown = [
        [
            pick(
                rng,
                (
                    str,
                    repr,
                    lambda v: f"{v:.3f}",
                    lambda v: f"{v:.6e}",
                    lambda v: str(int(np.clip(v, -1e9, 1e9))),
                ),
            )(float(v))
            for v in row
        ]
        for row in values
    ]
    for _ in range(pick(rng, (0, 0, 0, 1, 3))):
        shown[rng.integers(n)][rng.integers(d)] = pick(
            rng,
            (
                "",
                "NA",
                "nan",
                "inf",
                "x",
                '"a""b"',
                "1,5",
                "1.000,5",
                "1e400",
                "0x1f",
                "1_000",
                "٣",
                "\0",
                "'",
            ),
        )
    if rng.random() < 0.2:
        shown = [[cell.replace(".", ",") for cell in row] for row in shown]
    lines = [
        separator.join(f'"{cell}"' if rng.random() < 0.05 else cell for cell in row)
        for row in shown
    ]
    if rng.random() < 0.6:
        lines.insert(
            0,
            separator.join(
                pick(rng, (f"c{j}", f"{j}", f'"col {j}"', "", "name", "größe")) for j in range(d)
            ),
        )
    if rng.random() < 0.2:
        lines.insert(
            int(rng.integers(len(lines) + 1)),
            pick(rng, ("", "# remark", "   ", separator, "1" + separator * 20)),
        )
    text = end.join(lines) + (end if rng.random() < 0.8 else "")
    data = text.encode(
        pick(rng, ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")), errors="replace"
    )
    packed = rng.random()
    return gzip.compress(data) if packed < 0.1 else bz2.compress(data) if packed < 0.2 else data


def tables(rng):
    """Tables with damage."""
    data = some_table(rng)
    read_bytes(
        data if rng.random() < 0.3 else damaged(rng, data),
        pick(rng, ("t.csv", "t.csv", "t.txt", "t.npy", "t.npz", "t.csv.gz", "t")),
    )


def commands(rng):
    """The command line, from files that may be damaged: it ends in an exit code and never in a
    traceback.
    """
    with tempfile.TemporaryDirectory() as folder:
        data, model, out = (
            os.path.join(folder, name) for name in ("data.csv", "model.npz", "out.csv")
        )
        table = some_table(rng)
        Path(data).write_bytes(table if rng.random() < 0.8 else damaged(rng, table))
        fit = [
            "fit",
            data,
            "-k",
            pick(rng, ("1", "2", "3", "2:4", "0", "x", "99", "2:", "-1")),
            "--model",
            model,
        ]
        options = (
            ["--labels", out],
            ["--centers", out],
            ["--seed", "7"],
            ["--init", pick(rng, (*INITS, data, "x"))],
            ["--max-iter", "3"],
            ["--weights", pick(rng, ("1", "c1", "9"))],
            ["--columns", pick(rng, ("1", "1,2", "c0", "", "c9", "2-1"))],
            ["--threads", "2"],
            ["--header"],
            ["--no-header"],
            ["--no-header"],
            ["--sep", pick(rng, (",", "tab", "blanks", "x", "::"))],
            ["--no-quotes"],
            ["--decimal", pick(rng, (",", ".", "x"))],
            ["--thousands", pick(rng, (",", ".", " "))],
            ["--skip", pick(rng, ("0", "1", "99"))],
            ["--encoding", pick(rng, ("utf-8", "utf-16", "x"))],
            ["--index", pick(rng, ("1", "c1", "9"))],
            ["--no-index"],
            ["--label-order", pick(rng, ("size", "center", model, "x"))],
            ["--n-init", pick(rng, ("1", "auto", "0"))],
            ["--json"],
            ["--refine", pick(rng, (*PLANS, "x"))],
            ["--max-time", pick(rng, ("1", "0", "-1"))],
            ["--tol", pick(rng, ("0", "-1", "nan"))],
            ["--scale", pick(rng, ("standard", "robust", "x"))],
            ["--missing", pick(rng, ("drop", "mean", "ignore", "x"))],
            ["--missing", pick(rng, ("drop", "mean", "ignore", "ignore"))],
            ["--metric", pick(rng, ("cosine", "manhattan", "x"))],
            ["--outliers", pick(rng, ("1", "0.1", "99", "-1", "x"))],
            ["--size-min", pick(rng, ("1", "2.5", "99", "-1", "nan"))],
            ["--size-max", pick(rng, ("3", "20", "0", "inf"))],
        )
        for option in options:
            if rng.random() < 0.12:
                fit += option
        predict = ["predict", model, data]
        for option in (
            ["--labels", out],
            ["--missing", pick(rng, ("error", "drop", "mean", "ignore"))],
            ["--distances", out],
            ["--outliers", pick(rng, ("2", "3", "0", "x"))],
        ):
            if rng.random() < 0.2:
                predict += option
        runs = [fit, predict]
        if rng.random() < 0.1:
            runs.append([pick(rng, ("explain", "drift")), model, data])
        if rng.random() < 0.05:
            runs = [
                [
                    pick(rng, ("demo", "plot", "quantize", "bogus", "--version", "--help", "")),
                    *pick(rng, ([], [data], ["--rows", "50"])),
                ]
            ]
        for argv in runs:
            with (
                contextlib.redirect_stderr(io.StringIO()),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                code = cli.main(argv)
            assert code in (0, 1, 2), f"exit code {code} of {argv}"


# -- what Python can change ------------------------------------------------------------------------


def other_than(rng, value):
    """What somebody could put in the place of an attribute."""
    odd = pick(
        rng,
        (
            None,
            "x",
            7,
            -1,
            2.5,
            True,
            [],
            {},
            object(),
            np.float64("nan"),
            10**30,
            np.zeros(0),
            np.zeros((0, 3)),
            (1, 2),
        ),
    )
    if not isinstance(value, np.ndarray) or value.size == 0 or rng.random() < 0.15:
        return odd
    other = value.copy()
    what = rng.integers(12)
    if what == 0:
        return other[
            tuple(
                slice(None, max(0, size + int(pick(rng, (-2, -1, -1, 0))))) for size in other.shape
            )
        ]
    if what == 1:
        return np.repeat(other, 2, axis=int(rng.integers(other.ndim)))
    if what == 2:
        return other.reshape(
            pick(rng, ((-1,), (1, -1), (-1, 1), (*other.shape, 1), other.shape[::-1]))
        )
    if what == 3:
        return other.astype(
            pick(rng, ("f2", "f4", "f8", ">f8", "i1", "i8", "u8", "O", "U9", "c16", "?", "g"))
        )
    if what == 4:
        return pick(
            rng,
            (
                np.asfortranarray(other),
                other[::-1],
                np.repeat(other, 2, axis=-1)[..., ::2],
                other.tolist(),
                np.ma.masked_invalid(other),
            ),
        )
    if what == 5:
        other.flags.writeable = False
        return other
    if other.dtype.kind == "O":
        return other[::-1]
    for _ in range(int(pick(rng, (1, 1, 3)))):
        place = tuple(rng.integers(size) for size in other.shape)
        if other.dtype.kind == "f":
            other[place] = pick(rng, (*ODD, -np.nan, 0.0, 1.0))
        else:
            other[place] = np.array(
                pick(
                    rng,
                    (
                        -1,
                        -2,
                        0,
                        1,
                        len(other),
                        len(other) + 1,
                        -len(other) - 1,
                        2**31 - 1,
                        -(2**31),
                    ),
                )
            ).astype(other.dtype)
    return other


#: What is done with a model: a function of it and of rows.
USES = {
    "predict": lambda model, X: model.predict(X),
    "transform": lambda model, X: model.transform(X),
    "score": lambda model, X: model.score(X),
    "shares": lambda model, X: model.predict_proba(X),
    "distances": lambda model, X: model.distances(X),
    "anomalies": lambda model, X: model.anomaly_scores(X),
    "typical": lambda model, X: model.typical_distances(X),
    "explain": lambda model, X: ckmeans.explain(model, X),
    "drift": lambda model, X: ckmeans.drift(model, X, X),
    "json": lambda model, X: ckmeans.from_json(model.to_json()).predict(X),
    "sql": lambda model, X: model.to_sql("t"),
    "names": lambda model, X: model.get_feature_names_out(),
    "html": lambda model, X: model._repr_html_() if hasattr(model, "_repr_html_") else None,
    "save": lambda model, X: through_a_file(model).predict(X),
    "match": lambda model, X: ckmeans.match(model, model, pick_rows(X)),
    "match labels": lambda model, X: ckmeans.match(model, model, same_rows=True),
    "partial_fit": lambda model, X: model.partial_fit(X),
    "chunks": lambda model, X: list(model.predict_chunks(X)),
    "score_chunks": lambda model, X: model.score_chunks(X),
    "copy": lambda model, X: copy.deepcopy(model).predict(X),
    "again": lambda model, X: model.fit(X).predict(X),
}
PICTURES = (
    "clusters",
    "pairs",
    "projection",
    "sizes",
    "profiles",
    "center_distances",
    "silhouette",
)


def pick_rows(X):
    return X if len(X) else None


#: Parameters that say how a fitted model is used.
SURGERY_ON_PARAMETERS = ("missing", "scale", "fuzziness", "n_outliers", "size_min", "known")


def surgery(rng):
    """Attributes of a fitted model replaced by anything.

    What uses them gives a right result or an error that is meant for users.
    """
    n, d = int(pick(rng, (3, 20, 200))), int(pick(rng, (1, 2, 5, 20)))
    X, cls = numbers(rng, n, d, ("f8", "f4")), pick(rng, (KMeans, MiniBatchKMeans, BisectingKMeans))
    rows = sparse_of(rng, X) if rng.random() < 0.2 else X
    of_fit = {}
    if rng.random() < 0.5:
        problem = some_problem(rng)
        rows, of_fit, model = problem.X, problem.of_fit, problem.model()
    else:
        model = cls(
            int(pick(rng, (1, 2, 3))),
            random_state=0,
            metric=pick(rng, ("euclidean", "euclidean", "cosine")),
        )
    with meant_for_users():
        model.fit(rows, **of_fit)
        if rng.random() < 0.2:
            model.typical_distances_ = model.typical_distances(rows)
        names = sorted(
            name
            for name in vars(model)
            if name.endswith("_")
            or name in ("n_threads", "metric", "_since", "n_clusters", *SURGERY_ON_PARAMETERS)
        )
        for _ in range(int(pick(rng, (1, 1, 2)))):
            name = pick(
                rng,
                (*names, "cluster_centers_", "cluster_centers_", "tree_children_", "seen_weights_"),
            )
            if rng.random() < 0.1:
                vars(model).pop(name, None)
            elif hasattr(model, name):
                setattr(model, name, other_than(rng, getattr(model, name)))
    uses = [*USES.values()]
    try:
        import matplotlib

        matplotlib.use("agg")
        uses.append(lambda model, X: draw(rng, model, X))
    except ImportError:
        pass
    for _ in range(3):
        with meant_for_users(
            TypeError, ValueError, ImportError, OverflowError, AttributeError, KeyError
        ):
            pick(rng, uses)(model, rows)
            labels = model.predict(rows)
            assert labels.shape == (rows.shape[0],) and 0 <= labels.min() <= labels.max() < len(
                model.cluster_centers_
            )


def draw(rng, model, X):
    from matplotlib import pyplot

    name = pick(rng, PICTURES)
    try:
        getattr(plot, name)(
            model, *([] if name in ("sizes", "profiles", "center_distances") else [X])
        )
    finally:
        pyplot.close("all")


class Changing:
    """Changes what a fit works on, over and over.

    Values become garbage, and what is used as an address becomes anything.
    """

    def __init__(self, rng, *arrays):
        self.rng, self.arrays = rng, [array for array in arrays if array is not None]
        self.over = threading.Event()

    def once(self):
        array = pick(self.rng, self.arrays)
        where = self.rng.integers(array.size, size=int(pick(self.rng, (1, 10, array.size))))
        if array.dtype.kind == "f":
            with np.errstate(all="ignore"):
                array.flat[where] = np.array(
                    pick(self.rng, (*ODD, -np.nan, 0.0, 1.0, 1e38, 1e60))
                ).astype(array.dtype)
        elif self.rng.random() < 0.5:
            array.flat[where] = self.rng.integers(
                *pick(self.rng, ((-(2**31), 2**31), (-3, 4), (0, 1000))), size=len(where)
            )
        else:
            self.rng.shuffle(array)

    def run(self):
        while not self.over.wait(pick(self.rng, (0, 0, 1e-4, 1e-3))):
            self.once()

    @contextlib.contextmanager
    def meanwhile(self):
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()


def changes(rng):
    """Rows, weights and column indices that change while they are used.

    Values mean nothing then, but no memory is damaged and every call ends.
    """
    n, d = int(pick(rng, (30, 300, 3000))), int(pick(rng, (1, 2, 7, 40, 150)))
    X, weights = np.array(numbers(rng, n, d, ("f8", "f8", "f4")), order=pick(rng, "CCF")), None
    if rng.random() < 0.4:
        weights = rng.exponential(size=n)
    rows, parts = X, [X]
    if rng.random() < 0.5:
        X[rng.random(X.shape) < 0.8] = 0
        with contextlib.suppress(ImportError):
            from scipy import sparse

            rows = sparse.csr_matrix(X)
            if rng.random() < 0.3:
                rows.indices, rows.indptr = (
                    rows.indices.astype(np.int64),
                    rows.indptr.astype(np.int64),
                )
            parts = [
                part for part in (rows.data, rows.indices, rows.indices, rows.indptr) if part.size
            ]
    change = Changing(np.random.default_rng(rng.integers(2**32)), *parts, weights)
    if rng.random() < 0.5:
        return changes_of_a_problem(rng)
    cls = pick(rng, (KMeans, KMeans, KMeans, MiniBatchKMeans, BisectingKMeans))
    params = {
        "n_clusters": int(pick(rng, (2, 3, 20, 70))),
        "random_state": 0,
        "n_threads": int(pick(rng, (1, 2, 3))),
        "max_iter": 15,
        "metric": pick(rng, ("euclidean", "euclidean", "cosine")),
    }
    if cls is KMeans:
        params.update(
            algorithm=pick(rng, tuple(ALGORITHMS)),
            n_init=1,
            copy_x=bool(rng.random() < 0.8),
            refine=pick(rng, (None, None, *PLANS)) if rows is X else None,
            history=bool(rng.random() < 0.2),
        )
    if cls is MiniBatchKMeans:
        params.update(batch_size=int(pick(rng, (10, 200, 5000))), max_iter=2)
    params["init"] = pick(rng, tuple(INITS))
    once = rng.integers(3)
    if once == 0 and cls is not BisectingKMeans:
        params["callback"] = lambda state: change.once()
    elif once == 1 and cls is not BisectingKMeans:

        def init(X, n_clusters, random_state):
            change.once()
            return np.zeros((n_clusters, d)) + np.arange(n_clusters)[:, None]

        params["init"] = init
    model = cls(**params)
    few = rows[:200]  # now: SciPy would cut rows by what changes
    jobs = {
        "fit": lambda: model.fit(rows, sample_weight=weights).labels_,
        "seeds": lambda: ckmeans.kmeans_plusplus(rows, 5, sample_weight=weights)[1],
        "silhouette": lambda: metrics.silhouette_samples(few, np.arange(min(n, 200)) % 3),
        "chunks": lambda: list(model.fit_chunks(X, labels=True).predict_chunks(X)),
        "iter": lambda: list(model.iter_fit(rows)),
    }
    with meant_for_users(
        TypeError, ValueError, IndexError, ArithmeticError, RuntimeError, AttributeError
    ):
        with change.meanwhile() if once == 2 else contextlib.nullcontext():
            found = jobs[pick(rng, ("fit", "fit", "fit", *jobs))]()
            if isinstance(found, np.ndarray) and found.dtype == np.int32:
                assert 0 <= found.min() <= found.max() < len(model.cluster_centers_)
            if hasattr(model, "cluster_centers_"):
                model.predict(rows), model.transform(rows), model.score(rows, sample_weight=weights)


def changes_of_a_problem(rng):
    """The same of other kinds of fits, and labels that are known change, too."""
    problem = some_problem(rng, n=pick(rng, (30, 300, 3000)))
    X, params = problem.X, {}
    parts = [X] if isinstance(X, np.ndarray) else [X.data, X.indices, X.indptr]
    parts += [part for part in problem.of_fit.values() if part is not None]
    change = Changing(
        np.random.default_rng(rng.integers(2**32)), *[part for part in parts if part.size]
    )
    meanwhile = rng.random() < 0.4
    if rng.random() < 0.5:
        params["callback"] = lambda state: change.once()
    elif not meanwhile:

        def init(X, n_clusters, random_state):
            change.once()
            return np.zeros((n_clusters, X.shape[1])) + np.arange(n_clusters)[:, None]

        params["init"] = init
    with meant_for_users(
        TypeError, ValueError, IndexError, ArithmeticError, RuntimeError, AttributeError
    ):
        with change.meanwhile() if meanwhile else contextlib.nullcontext():
            model = problem.fit(**params)
            assert -1 <= model.labels_.min() <= model.labels_.max() < len(model.cluster_centers_)
            model.predict(X), model.transform(X), model.score(X), model.distances(X)
            model.predict_proba(X)


def states(rng):
    """States of a callback that are asked outside of it, by other threads and later.

    That is an error, and the fit goes on as if nothing had happened.
    """
    n, d = int(pick(rng, (50, 3000))), int(pick(rng, (1, 2, 8)))
    X, cls = numbers(rng, n, d, ("f8", "f4")), pick(rng, (KMeans, KMeans, MiniBatchKMeans))
    rows = sparse_of(rng, X) if rng.random() < 0.3 else X
    params = {
        "n_clusters": int(pick(rng, (2, 5))),
        "random_state": 1,
        "n_threads": int(pick(rng, (1, 2))),
    }
    of_fit = {}
    if rng.random() < 0.5:
        _, cls, params, rows, of_fit = some_problem(rng)
    kept, over = [], threading.Event()

    def ask(state):
        what = pick(np.random.default_rng(), ("centers", "labels", "inertia"))
        try:
            return getattr(state, what)
        except RuntimeError as error:
            assert "during its callback only" in str(error)

    def asker():
        while not over.is_set():
            for state in kept[-3:]:
                ask(state)
            time.sleep(1e-4)

    def callback(state):
        kept.append(state if rng.random() < 0.7 else copy.copy(state))
        assert (
            np.isfinite(state.centers).all()
            and -1 <= state.labels.min() <= state.labels.max() < params["n_clusters"]
        )
        if rng.random() < 0.3:
            try:
                pick(rng, (model.fit, model.fit_predict))(rows[:20])
                raise AssertionError("a fit inside of its own callback")
            except RuntimeError as error:
                assert "is being fitted already" in str(error)
        repr(kept[0]), kept[0].n_iter
        if len(kept) > 1:
            assert ask(kept[0]) is None

    with meant_for_users():
        plain = cls(**params).fit(rows, **of_fit)
        model = cls(**params, callback=callback)
        thread = threading.Thread(target=asker)
        thread.start()
        try:
            model.fit(rows, **of_fit)
        finally:
            over.set()
            thread.join()
        same_bits(plain, model)
        assert kept and all(ask(state) is None for state in kept)


def together(rng):
    """One estimator that several threads fit, feed and ask at once."""
    n, d = int(pick(rng, (50, 2000))), int(pick(rng, (1, 3)))
    X, cls = numbers(rng, n, d, ("f8", "f4")), pick(rng, (KMeans, MiniBatchKMeans, BisectingKMeans))
    rows = sparse_of(rng, X) if rng.random() < 0.3 else X
    k, params, of_fit, failed = int(pick(rng, (2, 4))), {"random_state": 0}, {}, []
    if rng.random() < 0.6:
        problem = some_problem(rng, n=pick(rng, (50, 700)))
        cls, params, rows, of_fit = problem.cls, problem.params, problem.X, problem.of_fit
        params, k = (
            {name: params[name] for name in params if name != "n_clusters"},
            params["n_clusters"],
        )
    model = cls(k, **params)

    def fit():
        model.fit(rows, **of_fit)

    def feed():
        if cls is MiniBatchKMeans:
            model.partial_fit(rows)
        else:
            fit()

    def look():
        assert model.predict(rows).max() < k and model.labels_.max() < k and len(model.counts_) == k
        assert model.transform(rows[:5]).shape[1] == k and model.inertia_ >= 0
        model.distances(rows[:5]), model.predict_proba(dense(rows[:5])), model.score(rows)
        pickle.dumps(model), copy.copy(model)

    def several(job):
        try:
            for _ in range(3):
                job()
        except Exception as error:
            failed.append(error)

    with meant_for_users():
        fit()
        threads = [
            threading.Thread(target=several, args=(pick(rng, (fit, feed, look)),)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
        fit()
        same_bits(model, cls(k, **params).fit(rows, **of_fit))


#: name -> (function of a generator, how often)
TARGETS = {
    "estimators": (estimators, 8),
    "careers": (careers, 4),
    "functions": (functions, 2),
    "paths": (paths, 1),
    "blocks": (blocks, 3),
    "algorithms": (algorithms, 2),
    "magnitudes": (magnitudes, 3),
    "sparse_rows": (sparse_rows, 4),
    "layouts": (layouts, 3),
    "chunks": (chunks, 3),
    "scores": (scores, 3),
    "one_column": (one_column, 3),
    "many_decades": (many_decades, 2),
    "kinds_of_fits": (kinds_of_fits, 8),
    "interrupts": (interrupts, 2),
    "surgery": (surgery, 4),
    "changes": (changes, 4),
    "states": (states, 2),
    "together": (together, 1),
    "models": (models, 4),
    "tables": (tables, 4),
    "commands": (commands, 2),
}

#: Targets that are a function of bytes, too: name -> (that function, one that makes bytes to begin
#: with, the modules to cover)
OF_BYTES = {
    "models": (load_bytes, some_model_file, (loading,)),
    "tables": (
        read_bytes,
        some_table,
        (csv_files, csv_columns, csv_header, csv_layout, csv_numbers),
    ),
}


# -- running them ----------------------------------------------------------------------------------


def run_case(target, number):
    """One case: whatever it does must end well or in an error that is meant for users."""
    TARGETS[target][0](
        np.random.default_rng([number, zlib.crc32(target.encode())])
    )  # another target changes no cases of this one


@contextlib.contextmanager
def quiet():
    """Without what a case prints and warns."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def quietly(target, number):
    with quiet():
        run_case(target, number)


def guided(target, args):
    """Let coverage lead to new bytes, from the kept cases on; a case that fails is written to a
    file and ends it.
    """
    import atheris

    (CASES / target).mkdir(exist_ok=True)
    run, begin, modules = OF_BYTES[target]
    for function in [value for module in modules for value in vars(module).values()]:
        if inspect.isfunction(function):
            atheris.instrument_func(function)

    def one(data):
        with quiet():
            run(data)

    with tempfile.TemporaryDirectory() as corpus:
        for number in range(50):
            Path(corpus, str(number)).write_bytes(begin(np.random.default_rng(number)))
        atheris.Setup(
            [
                sys.argv[0],
                corpus,
                str(CASES / target),
                f"-artifact_prefix={CASES / target}/",
                "-max_len=8192",
                f"-max_total_time={args.seconds:.0f}",
            ],
            one,
        )
        atheris.Fuzz()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--target", choices=TARGETS, help="cases of this kind only")
    parser.add_argument(
        "--start", type=int, default=time.time_ns() % 2**40, help="number of the first case"
    )
    parser.add_argument("--case", metavar="TARGET:NUMBER")
    parser.add_argument("--guided", choices=OF_BYTES)
    args = parser.parse_args()
    if args.case is not None:
        target, number = args.case.split(":")
        run_case(target, int(number))
        return 0
    if args.guided:
        return guided(args.guided, args)
    names = (
        [args.target]
        if args.target
        else [name for name, (_, often) in TARGETS.items() for _ in range(often)]
    )
    deadline, number, failed = time.monotonic() + args.seconds, args.start, 0
    while time.monotonic() < deadline:
        target = names[number % len(names)]
        try:
            quietly(target, number)
        except Exception as error:
            failed += 1
            print(
                f"{target}:{number}: {type(error).__name__}: {' '.join(str(error).split())[:300]}",
                flush=True,
            )
        number += 1
    print(
        f"{number - args.start} cases in {time.process_time():.0f} s of CPU time, {failed} failed"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
