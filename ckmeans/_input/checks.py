"""Every check of what a user passes, and every message a user can see.

Data is looked at, never written to, and copied only where the kernels could not read it in place.
The kernels find NaN and infinities in the pass that reads the data anyway, and they come back here
for the message.
"""

import contextlib
import math
import sys
import warnings
from functools import cache

import numpy as np

from .._native.engine import largest_magnitude
from .._output.safe_text import terminal
from .sparse import SparseRows, is_sparse, sparse_rows

# Beyond this magnitude a squared distance, or a sum of them over many features, could overflow.
MAX_ABS = 1e140
# Columns that all span less than this have differences whose squares underflow.
MIN_SPAN = 1e-140
# Beyond this the length of a row could overflow, where only its direction counts.
MAX_UNIT = 1e300

METRICS = ("euclidean", "cosine")

_MAX_SUM = 1e300  # the exact sums need some room above
_MIN_PRODUCT = 1e-290  # weighted squared distances need some room below
_MAX_INT = 2**31 - 1
_MAX_THREADS = 4096
_MAX_FLOAT32 = float(np.finfo(np.float32).max)
_MAX_SEED = 2**32 - 1
_DRAWN_SEEDS = 2**31 - 1

# What the kernels read as it lies in memory: native byte order, any strides.
_NATIVE = frozenset(
    np.dtype(kind)
    for kind in ("f8", "f4", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
)
_FLOAT32 = np.dtype(np.float32)
_FLOAT64 = np.dtype(np.float64)
_spare = []  # RandomStates that nobody has on loan: see `seeded`
_REALS = (int, float, np.integer, np.floating)


class ConvergenceWarning(UserWarning):
    """The data has fewer distinct clusters to give than were asked for."""

    __module__ = "ckmeans"


class NotFittedError(ValueError, AttributeError):
    """A method that needs a fitted model was called before ``fit``."""

    __module__ = "ckmeans"


@cache
def _joint(ours, theirs):
    like = {
        "__doc__": ours.__doc__,
        "__module__": "ckmeans",
        "__reduce__": lambda self: (ours, self.args),
    }
    return type(ours.__name__, (ours, theirs), like)


def compatible(ours):
    """Our exception or warning class; where scikit-learn's is loaded, one that whoever expects
    theirs catches as well.
    """
    theirs = getattr(sys.modules.get("sklearn.exceptions"), ours.__name__, None)
    return ours if theirs is None else _joint(ours, theirs)


def warn(message, category=UserWarning):
    """Warn at the line outside this package that led here, so that the user sees a line of their
    own.
    """
    level, frame = 1, sys._getframe()
    while (
        frame.f_back is not None
        and frame.f_globals.get("__name__", "").partition(".")[0] == "ckmeans"
    ):
        level, frame = level + 1, frame.f_back
    if category is ConvergenceWarning:
        category = compatible(category)
    warnings.warn(message, category, stacklevel=level)


# --------------------------------------------------------------------------------------------------


def as_matrix(X, *, name="X", min_rows=1, sparse=False):
    """Return X as a 2-D array the kernels can read, and its column names.

    Parameters
    ----------
    X : array-like or table of shape (n_rows, n_features)
        Left untouched. An array of a native real dtype comes back as it is, whatever its strides.
    name : str
        What messages call it.
    min_rows : int
        Fewer rows raise.
    sparse : bool
        Whether sparse matrices are taken, as `SparseRows`; else they raise.

    Returns
    -------
    array : ndarray of shape (n_rows, n_features), or SparseRows
    names : ndarray of str (dtype object), or None where X has no string column names
    """
    if type(X) is np.ndarray and X.ndim == 2 and X.dtype in _NATIVE and X.flags.aligned:
        array, names = X, None
    elif sparse and isinstance(X, SparseRows):
        array, names = X, None
    elif sparse and is_sparse(X) and len(X.shape) == 2:
        array, names = sparse_rows(X, name, _numeric), None
    else:
        array, names = _convert(X, name)
    n, d = array.shape
    if n < min_rows:
        raise _too_small("sample", array.shape, n, min_rows)
    if d < 1:
        raise _too_small("feature", array.shape, d, 1)
    return array, names


def as_values(data, name="data"):
    """Return one-dimensional data as a float64 array of shape (n,), which may be the array that was
    passed.

    Checked as `as_matrix` checks one column, with the same messages; NaN, infinities and magnitudes
    are left to the caller.
    """
    if isinstance(data, np.ndarray):
        array = data
    elif is_sparse(data) or _open_table(data) is not None:
        array = _convert(data, name)[0]  # of two dimensions, or an error that says what to pass
    elif (
        not isinstance(data, (list, tuple))
        and hasattr(data, "__len__")
        and (hasattr(data, "dtype") or hasattr(data, "null_count"))
    ):
        array = _column(
            data, getattr(data, "name", None) or None, name
        )  # a table's column by itself
    else:
        array = _from_protocols(data, name, "a 1-D array, a list or a column of a table")[0]
    array = _numeric(array, name)
    if array.ndim != 1:
        remedy = ": pass one column of it." if array.ndim == 2 else "."
        raise TypeError(f"{name} must be one-dimensional, got shape {array.shape}{remedy}")
    return np.asarray(array, _FLOAT64)


def _too_small(what, shape, count, least):
    return ValueError(
        f"Found array with {count} {what}(s) (shape={shape}) while a minimum of {least} is "
        "required."
    )


def _convert(X, name):
    """The long way of `as_matrix`: whatever is not already an array for the kernels."""
    if isinstance(X, np.ndarray):
        array, names = X, None
    elif is_sparse(X):
        raise TypeError(
            f"{name} is a sparse {type(X).__name__} where only dense data will do: "
            f"pass {name}.toarray()."
        )
    else:
        table = _open_table(X)
        if table is not None:
            return _stack_table(X, *table, name)
        array, names = _from_protocols(X, name)

    array = _numeric(array, name)
    if array.ndim != 2:
        raise _dimension_error(X, array, name)
    if isinstance(X, (list, tuple)) and array.dtype.kind in "biu":
        array = array.astype(_FLOAT64)
    return array, names


def _from_protocols(X, name, wanted="a 2-D array or a table"):
    """An array, and column names where there are any, from an object that is no array and no known
    table.
    """
    if not hasattr(X, "__array__"):
        if hasattr(X, "to_numpy"):
            return np.asarray(X.to_numpy()), string_names(getattr(X, "columns", ()))
        if hasattr(X, "__arrow_c_stream__") or hasattr(X, "__dataframe__"):
            return _through_arrow(X, name)
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise _ragged_error(X, name) or error from None
    if array.ndim == 0 and array.dtype.kind not in "biufc":
        remedy = f" Call {name}.collect() first." if hasattr(X, "collect") else ""
        raise TypeError(f"{name} must be {wanted}, got {type(X).__name__}.{remedy}")
    return array, _coordinate_names(X)


def _coordinate_names(X):
    """Column names of a labelled array (xarray's DataArray): the coordinate along its columns,
    where it has one.
    """
    dims, coords = getattr(X, "dims", ()), getattr(X, "coords", None)
    if not isinstance(dims, tuple) or len(dims) != 2 or coords is None or dims[1] not in coords:
        return None
    return string_names(np.asarray(coords[dims[1]]).tolist())


def _through_arrow(X, name):
    """Tables that only speak an interchange protocol are read by pyarrow, which knows them all."""
    try:
        import pyarrow
        import pyarrow.interchange
    except ImportError:
        raise TypeError(
            f"{name} is a {type(X).__name__}, which takes pyarrow to read: install pyarrow, or "
            "pass an array."
        ) from None
    if hasattr(X, "__arrow_c_stream__"):
        table = pyarrow.table(X)
    else:
        table = pyarrow.interchange.from_dataframe(X)
    return _stack_table(table, *_open_table(table), name)


def _numeric(array, name):
    """A plain ndarray of a native real dtype with the values of `array`: itself wherever it is
    one.
    """
    if isinstance(array, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(array)
        if mask.any():
            raise ValueError(
                f"{name} has {np.count_nonzero(mask)} masked value(s), the first at "
                f"{name}{list(_first(mask))}: fill them ({name}.filled(value)) or drop their rows."
            )
    array = np.asarray(array)
    dtype = array.dtype
    if dtype in _NATIVE and array.flags.aligned:
        return array
    if dtype.kind in "biuf":  # byte-swapped, unaligned or extended
        native = dtype.newbyteorder("=")
        return array.astype(native if native in _NATIVE else _FLOAT64)
    if dtype.kind == "O":
        return _floats(array, name)
    raise _dtype_error(dtype, name)


def _floats(objects, name, column=None):
    """float64 from an object array whose every entry is a number; the first that is not is
    named.
    """
    try:
        return objects.astype(_FLOAT64)
    except (TypeError, ValueError, OverflowError):
        pass
    for index, value in np.ndenumerate(objects.astype(object)):
        if value is None:  # NaN to numpy, and so to us
            continue
        try:
            float(value)
        except (TypeError, ValueError, OverflowError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            places = zip(("row", "column"), index + (() if column is None else (repr(column),)))
            where = ", ".join(f"{axis} {place}" for axis, place in places)
            raise kind(
                f"{name} has {_short(value)}, which is not a number, at {where}: {error}."
            ) from None
    raise TypeError(f"{name} has dtype object and cannot be converted to float64.")


def _dtype_error(dtype, name):
    """The error for a dtype that holds no real numbers."""
    if dtype.kind == "c":
        return ValueError(
            f"Complex data not supported: {name} has dtype {dtype}. Pass {name}.real, or both "
            "parts as "
            f"features: np.hstack([{name}.real, {name}.imag])."
        )
    if dtype.kind in "UST":
        return ValueError(
            f"{name} has dtype {dtype}, which is text: convert it to numbers, as "
            f"{name}.astype(float) does."
        )
    if dtype.kind in "mM":
        return TypeError(
            f"{name} has dtype {dtype}: convert times to numbers first, in a unit that suits the "
            "other "
            "features."
        )
    if dtype.names is not None:
        return TypeError(
            f"{name} is a structured array with fields {', '.join(dtype.names)}: convert it with "
            f"numpy.lib.recfunctions.structured_to_unstructured({name})."
        )
    return TypeError(
        f"{name} has dtype {dtype}, which is not a real number type: convert it to float."
    )


def _dimension_error(X, array, name):
    """The error for an array that is not two-dimensional, with the reshape that makes it so."""
    if array.ndim > 2:
        return ValueError(
            f"Found array with dim {array.ndim} (shape={array.shape}), while dim <= 2 is required. "
            "Reshape "
            f"your data: {name}.reshape(len({name}), -1) makes one row of each entry."
        )
    if array.ndim == 1 and array.shape[0] == 0:
        return _too_small("sample", array.shape, 0, 1)
    got = "1D" if array.ndim == 1 else "scalar"
    data = name if isinstance(X, np.ndarray) else f"np.asarray({name})"
    return ValueError(
        f"Expected 2D array, got {got} array instead (shape={array.shape}). Reshape your data: "
        f"{data}.reshape(1, -1) for one row, {data}.reshape(-1, 1) for one feature."
    )


def _ragged_error(X, name):
    """The error for nested sequences of different lengths, or None when that is not what is
    wrong.
    """
    try:
        lengths = [len(row) for row in X]
    except TypeError:
        return None
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            return ValueError(
                f"{name} has rows of unequal length: row 0 has {lengths[0]} values, row {row} has "
                f"{length}."
            )
    return None


def _first(mask):
    """Index of the first True, in row order, as a tuple of ints."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(mask), mask.shape))


# --------------------------------------------------------------------------------------------------


def _open_table(X):
    """(column labels, function of j giving column j) of a table, or None for anything else.

    Known by what they can do, not by where they come from, so that look-alikes work and nothing is
    imported.
    """
    if hasattr(X, "column_names") and hasattr(X, "column"):  # pyarrow
        return X.column_names, X.column
    if hasattr(X, "iloc") and hasattr(X, "columns"):  # pandas
        return list(X.columns), lambda j: X.iloc[:, j]
    if hasattr(X, "get_columns") and hasattr(X, "columns"):  # polars
        return X.columns, X.get_columns().__getitem__
    if hasattr(X, "data_vars") and hasattr(
        X, "dims"
    ):  # xarray's Dataset: its variables are the columns
        variables = list(X.data_vars.values())
        for label, variable in X.data_vars.items():
            if variable.ndim != 1 or variable.dims != variables[0].dims:
                raise ValueError(
                    f"X is a Dataset whose variable {label!r} has the dimensions {variable.dims}: "
                    "pass variables "
                    f"along one dimension only, the rows, such as {variables[0].dims[:1]}."
                )
        return list(X.data_vars), lambda j: variables[j].values
    return None


def _stack_table(X, labels, column, name):
    """One array from the columns of a table, and their names."""
    names = string_names(labels)
    dtypes = set(getattr(X, "dtypes", ()))
    if len(dtypes) == 1:
        (dtype,) = dtypes
        if (
            isinstance(dtype, np.dtype) and dtype in _NATIVE
        ):  # pandas can often show its one block as it is
            return np.asarray(X), names

    columns = [_column(column(j), label, name) for j, label in enumerate(labels)]
    # Columns are contiguous, so they are copied into contiguous columns.
    dtype = np.result_type(*{values.dtype for values in columns}) if columns else _FLOAT64
    array = np.empty((len(columns[0]) if columns else len(X), len(columns)), dtype, order="F")
    for j, values in enumerate(columns):
        array[:, j] = values
    return array, names


def _column(values, label, name):
    """One column of a table, under this label (None for one without), as a 1-D array of a native
    real dtype.
    """
    where = "" if label is None else f" in column {label!r}"
    dtype = values.dtype if hasattr(values, "dtype") else values.type
    missing = _missing(values, dtype)
    if missing is not None:
        count, row = np.count_nonzero(missing), _first(missing)[0]
        raise ValueError(
            f"{name} has {count} missing value(s) (NaN){where}, the first at row {row}: "
            "drop such rows or fill in the values."
        )
    array = np.asarray(values)
    if array.dtype.kind in "OUST":
        return _floats(array, name, column=label)
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} has dtype {dtype}{where}, not a number: leave it out, or encode it."
        )
    return _numeric(array, name)


def _missing(values, dtype):
    """Mask of the missing entries of a table's column, None when there are none.

    NaN in a plain float column is a value like others here: the kernels find it.
    """
    if isinstance(dtype, np.dtype):
        return None
    if hasattr(values, "null_count"):  # polars: a method; pyarrow: a property
        count = values.null_count() if callable(values.null_count) else values.null_count
        return np.asarray(values.is_null()) if count else None
    mask = np.asarray(values.isna())
    return mask if mask.any() else None


def string_names(labels):
    """Column labels as an object array when all are strings, None when none is."""
    labels = list(labels)
    strings = sum(isinstance(label, str) for label in labels)
    if not strings:
        return None
    if strings < len(labels):
        types = sorted({type(label).__qualname__ for label in labels})
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your "
            "input has "
            f"{types} as feature name / column name types: convert them all, for example "
            "X.columns = X.columns.astype(str)."
        )
    return np.array(labels, dtype=object)


# -------------------------------------------------------------------------------------------------


def nonfinite_error(array, row, col, names=None, *, name="X", limit=MAX_ABS, start=0):
    """The error for the entry at (row, col), which is NaN, infinite or of a magnitude above
    `limit`.

    start : position of the array's first row, where it is a block of more
    """
    value = float(array[row, col])
    where = f"row {start + row}, column {col}" + (f" ({names[col]!r})" if names is not None else "")
    if math.isnan(value):
        return ValueError(f"{name} contains NaN at {where}: drop such rows or fill in the values.")
    if math.isinf(value):
        sign = "-" if value < 0 else ""
        return ValueError(
            f"{name} contains {sign}infinity at {where}: drop such rows or replace the value."
        )
    return ValueError(
        f"{name} contains {value!r} at {where}, above the largest magnitude that can be computed "
        "with "
        f"({limit:g}): rescale the data."
    )


def as_weights(sample_weight, n, start=0, all_zero=False):
    """Return the weights as a contiguous float64 array of shape (n,), or None for None.

    Those of a block of more rows, from `start`, may all be zero.
    """
    if sample_weight is None:
        return None
    name = "sample_weight"
    try:
        weights = np.asanyarray(sample_weight)  # any: a mask must be seen
    except ValueError:
        raise ValueError(f"{name} must be one number per row, shape ({n},).") from None
    if weights.ndim == 0 and weights.dtype.kind == "O":
        raise TypeError(f"{name} must be one number per row, got {type(sample_weight).__name__}.")
    if weights.ndim == 0:
        weights = np.full(n, _numeric(weights, name), _FLOAT64)
    else:
        weights = np.ascontiguousarray(_numeric(weights, name), _FLOAT64)
    if weights.shape != (n,):
        raise ValueError(
            f"{name} has shape {weights.shape}, but one weight per row is needed: shape ({n},)."
        )
    if n == 0:
        return weights
    low, high = weights.min(), weights.max()  # NaN, if there is one
    if not (low >= 0.0 and high < math.inf):
        row = _first(~((weights >= 0.0) & (weights < math.inf)))[0]
        value, row = weights[row], start + row
        if math.isnan(value):
            raise ValueError(
                f"{name} contains NaN at row {row}: a row that should not count has weight 0."
            )
        if value < 0.0:
            raise ValueError(
                f"{name} contains a negative weight, {value:g}, at row {row}: the least is 0."
            )
        raise ValueError(f"{name} contains infinity at row {row}: weights are finite.")
    if high == 0.0 and not all_zero:
        raise ValueError(f"{name} is zero for every row: at least one weight must be positive.")
    return weights


def check_products(weights, largest, n, d):
    """Raise where weighted sums over n rows of values up to `largest` could leave the range of
    float64.
    """
    if weights is None:  # MAX_ABS sees to it
        return
    heaviest = float(weights.max())
    farthest = max(1.0, 4.0 * d * largest * largest)  # the largest squared distance
    if heaviest > _MAX_SUM / (n * farthest):
        raise ValueError(
            f"sample_weight up to {heaviest:g} and X up to {largest:g} are too large together: "
            "sums of "
            "weighted squared distances would overflow. Rescale the weights or the data."
        )


def check_span(low, high, heaviest=1.0, name="X"):
    """Raise where differences of rows are so small that their squares, times weights, would
    underflow.

    low, high : ndarray of shape (d,)
        Range of each column. Rows that are all equal are no matter.
    """
    span = float(np.max(high - low))
    if 0.0 < span < MIN_SPAN:
        raise ValueError(
            f"{name} spans {span:g} in its widest column, below the smallest range that can be "
            f"computed with ({MIN_SPAN:g}): "
            f"squared distances would underflow. Rescale the data, for example ({name} - "
            f"{name}.min(axis=0)) / {span!r}."
        )
    if min(heaviest, span) > 0.0 and heaviest * span * span < _MIN_PRODUCT:
        raise ValueError(
            f"sample_weight up to {heaviest:g} and {name} that spans {span:g} are too small "
            "together: weighted squared distances "
            f"would underflow (the least that can be computed with is {_MIN_PRODUCT:g}). Rescale "
            "the weights or the data."
        )


def check_directions(data):
    """Raise where cosine k-means has nothing to go by."""
    if data.unit and data.weights is not None and not data.weights.any():
        raise ValueError(
            "All rows of X that have weight are zero, but metric='cosine' compares "
            "directions, and zero rows have none."
        )


def as_centers(init, k, d, dtype, name="init", limit=MAX_ABS):
    """Return initial centers as a contiguous float64 copy of shape (k, d), rounded to the data's
    dtype.
    """
    array, _ = as_matrix(init, name=name)
    mismatch = f"The shape of the initial centers {array.shape} does not match the number of"
    if array.shape[0] != k:
        raise ValueError(f"{mismatch} clusters {k}.")
    if array.shape[1] != d:
        raise ValueError(f"{mismatch} features of the data {d}.")
    centers = np.array(array, dtype=_FLOAT64, order="C")
    limit = _MAX_FLOAT32 if dtype == _FLOAT32 else limit
    if not np.abs(centers).max() <= limit:
        raise nonfinite_error(centers, *_first(~(np.abs(centers) <= limit)), name=name, limit=limit)
    if dtype == _FLOAT32:
        centers[...] = centers.astype(_FLOAT32)
    return centers


# ---------------------------------------------------------------------------------------------- par


def check_params(est, algorithms, refinements=()):
    """Check the parameters of `KMeans`; `init` and `random_state` are checked where they are
    used.
    """
    check_shared_params(est)
    check_n_init(est.n_init)
    check_name(est.algorithm, algorithms, "algorithm")
    check_name(est.metric, METRICS, "metric")
    check_bool(est.copy_x, "copy_x")
    check_bool(est.history, "history")
    check_watching(est)
    if est.refine is not None:
        check_refine(est.refine, refinements)


def check_shared_params(est):
    """Check the parameters that all estimators have."""
    check_int(est.n_clusters, "n_clusters", 1, "an integer of at least 1")
    check_int(est.max_iter, "max_iter", 1, "an integer of at least 1")
    check_tol(est.tol)
    check_verbose(est.verbose)
    check_threads(est.n_threads)


def check_watching(est):
    """Check `max_time` and `callback`."""
    check_max_time(est.max_time)
    if est.callback is not None and not callable(est.callback):
        raise TypeError(
            f"callback must be None or a callable that takes a state, got {_typed(est.callback)}."
        )


def check_n_init(n_init):
    """Raise unless this is "auto" or a number of runs."""
    if not isinstance(n_init, str):
        check_int(n_init, "n_init", 1, "'auto' or an integer of at least 1")
    elif n_init != "auto":
        raise ValueError(f"n_init must be 'auto' or an integer of at least 1, got {n_init!r}.")


def check_tol(tol):
    """Raise unless this is a tolerance."""
    if type(tol) is not float and (isinstance(tol, bool) or not isinstance(tol, _REALS)):
        raise TypeError(f"tol must be a number of at least 0, got {_typed(tol)}.")
    if not 0 <= tol < math.inf or type(tol) is int and tol > sys.float_info.max:
        raise ValueError(
            f"tol must be a finite number of at least 0, got {tol!r}; at 0 a run ends when no "
            "label changes."
        )


def check_verbose(verbose):
    """Raise unless this is a level of verbosity."""
    if type(verbose) is not bool:
        check_int(verbose, "verbose", 0, "True, False or an integer of at least 0")


def check_bool(value, what):
    """Raise unless this is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{what} must be True or False, got {_typed(value)}.")


def check_threads(n_threads):
    """Raise unless this is None or a number of threads."""
    if n_threads is not None:
        wanted = "None (every CPU allowed) or an integer of at least 1"
        check_int(n_threads, "n_threads", 1, wanted, _MAX_THREADS)


def check_max_time(value):
    """Raise unless `value` is None or a positive number of seconds."""
    check_positive(value, "max_time", "seconds")


def check_positive(value, what, unit):
    """Raise unless `value` is None or a positive number."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, _REALS):
        raise TypeError(f"{what} must be None or a number of {unit} above 0, got {_typed(value)}.")
    if not 0 < value < math.inf:
        raise ValueError(
            f"{what} must be a finite number of {unit} above 0, got {value!r}; None sets no limit."
        )


def check_share(value, what):
    """Raise unless `value` is a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, _REALS):
        raise TypeError(f"{what} must be a number from 0 to 1, got {_typed(value)}.")
    if not 0 <= value <= 1:
        raise ValueError(f"{what} must be a number from 0 to 1, got {value!r}.")


def check_refine(refine, valid):
    """One name of `valid`, or several of those that are no plans ("auto", "best")."""
    if isinstance(refine, str):
        check_name(refine, valid, "refine")
        return
    if not isinstance(refine, (list, tuple)) or not refine:
        raise TypeError(
            f"refine must be None, one of {', '.join(map(repr, valid))}, or a list of "
            f"these names, got {_typed(refine)}."
        )
    for name in refine:
        check_name(name, [other for other in valid if other not in ("auto", "best")], "refine")


def check_int(value, what, low, wanted, high=_MAX_INT):
    """Raise unless `value` is an integer, and no bool, from `low` to `high`; `wanted` says so in
    words.
    """
    if type(value) is not int and (
        isinstance(value, bool) or not isinstance(value, (int, np.integer))
    ):
        raise TypeError(f"{what} must be {wanted}, got {_typed(value)}.")
    if value < low:
        raise ValueError(f"{what} must be {wanted}, got {value}.")
    if value > high:
        raise ValueError(f"{what} must be {wanted}, and at most {high}, got {value}.")


def check_name(value, valid, what):
    """Raise unless `value` is one of the names in `valid`."""
    if isinstance(value, str) and value in valid:
        return
    names = ", ".join(map(repr, valid))
    if not isinstance(value, str):
        raise TypeError(f"{what} must be one of {names}, got {_typed(value)}.")
    raise ValueError(f"{what} must be one of {names}, got {value!r}.")


def check_euclidean(metric, what):
    """Raise where another metric is asked for of what knows but one."""
    check_name(metric, METRICS, "metric")
    if metric != "euclidean":
        raise ValueError(
            f"{what} goes by Euclidean distances, got metric={metric!r}: pass rows at "
            "unit length, "
            "X / np.linalg.norm(X, axis=1, keepdims=True), whose squared distances "
            "are twice the cosine distances."
        )


def check_n_clusters(k, n):
    """Raise when there are fewer rows than clusters."""
    if k > n:
        raise ValueError(f"n_samples={n} should be >= n_clusters={k}.")


def check_random_state(random_state):
    """Raise unless seeds can be drawn from this."""
    if (
        random_state is None
        or random_state is np.random
        or isinstance(random_state, (np.random.RandomState, np.random.Generator))
    ):
        return
    if not isinstance(random_state, (int, np.integer)) or isinstance(random_state, bool):
        raise TypeError(
            "random_state must be None, an integer, a numpy RandomState or a numpy Generator, got "
            f"{_typed(random_state)}."
        )
    if not 0 <= random_state <= _MAX_SEED:
        raise ValueError(
            f"random_state must be an integer from 0 to {_MAX_SEED}, got {int(random_state)}."
        )


def seeds(random_state, n):
    """Draw the seeds of n restarts up front: a list of ints, each of which reproduces its restart
    alone.
    """
    check_random_state(random_state)
    if random_state is None or random_state is np.random:
        return np.random.randint(_DRAWN_SEEDS, size=n).tolist()
    if isinstance(random_state, (int, np.integer)):
        seed = int(random_state)
        # The first restart takes the seed itself: n_init=1 with a recorded seed is that restart
        # again.
        if n == 1:
            return [seed]
        with seeded(seed) as state:
            return [seed, *state.randint(_DRAWN_SEEDS, size=n)[1:].tolist()]
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(_DRAWN_SEEDS, size=n).tolist()
    return random_state.integers(_DRAWN_SEEDS, size=n).tolist()


@contextlib.contextmanager
def seeded(seed):
    """Lend a RandomState in the state of RandomState(seed) that nobody else draws from: no other
    thread, no fit in a signal handler.

    Making a RandomState takes longer than a small fit; seeding one again takes a microsecond.
    """
    try:
        state = _spare.pop()
    except IndexError:
        state = np.random.RandomState()
    state.seed(seed)
    yield state
    _spare.append(state)  # not after an error, whose traceback may still hold it


# ----------------------------------------------------------------------------------- a model and ne


def check_fitted(est):
    """Raise unless `fit` has been called."""
    if not hasattr(est, "cluster_centers_"):
        raise compatible(NotFittedError)(
            f"This {type(est).__name__} instance is not fitted yet. Call 'fit' with appropriate "
            "arguments "
            "before using this estimator."
        )


def fitted_centers(est):
    """The centers of a fitted model, (k, d) float64, C-contiguous, as whatever uses a model takes
    them.

    Attributes can be replaced by anything: raises unless these are centers, of as many features as
    the model says.
    """
    check_fitted(est)
    centers = est.cluster_centers_
    if (
        type(centers) is not np.ndarray
        or centers.ndim != 2
        or centers.size == 0
        or centers.dtype not in (_FLOAT64, _FLOAT32)
    ):
        centers, _ = as_matrix(centers, name="cluster_centers_")
    d = centers.shape[1]
    if getattr(est, "n_features_in_", d) != d:
        raise _changed(
            "cluster_centers_",
            f"has {d} features, but n_features_in_ is {_short(est.n_features_in_)}",
        )
    if getattr(est, "feature_names_in_", None) is not None and np.shape(est.feature_names_in_) != (
        d,
    ):
        raise _changed(
            "feature_names_in_",
            f"has shape {np.shape(est.feature_names_in_)}, but there are {d} features",
        )
    centers = np.ascontiguousarray(centers, _FLOAT64)
    if not largest_magnitude(centers) <= MAX_ABS:
        raise nonfinite_error(
            centers, *_first(~(np.abs(centers) <= MAX_ABS)), name="cluster_centers_"
        )
    return centers


def fitted_array(est, name, shape, *, integers=False, low=0, high=math.inf):
    """Another array that a fit has made, checked likewise: numbers from `low` to `high`.

    shape : tuple
        None stands for any length.
    """
    check_fitted(est)
    if not hasattr(est, name):
        raise ValueError(
            f"This {type(est).__name__} has no {name}: fit it (in one piece, and to "
            "the end) to have them."
        )
    array = np.asarray(getattr(est, name))
    what = "whole numbers" if integers else "numbers"
    if array.dtype.kind not in ("iu" if integers else "iuf"):
        raise _changed(name, f"has dtype {array.dtype}, but holds {what}")
    if array.ndim != len(shape) or any(
        wanted not in (None, size) for wanted, size in zip(shape, array.shape)
    ):
        raise _changed(
            name,
            f"has shape {array.shape} where {str(shape).replace('None', 'n')} "
            "belongs to these centers",
        )
    if array.size and not low <= array.min() <= array.max() <= high:
        raise _changed(
            name,
            f"holds {array.min()} to {array.max()}, but must hold finite {what} "
            f"from {low} to {high}",
        )
    return array


def fitted_tree(est, k, d):
    """The splits of a `BisectingKMeans`, checked: centers (k - 1, 2, d) float64, C-contiguous, and
    children (k - 1, 2).
    """
    centers = fitted_array(est, "tree_centers_", (k - 1, 2, d), low=-MAX_ABS, high=MAX_ABS)
    children = np.array(
        fitted_array(est, "tree_children_", (k - 1, 2), integers=True, low=-k, high=k),
        dtype=np.int64,
    )
    if not is_tree(children, k):
        raise _changed("tree_children_", f"holds no splits that end in {k} clusters")
    return np.ascontiguousarray(centers, _FLOAT64), children


def is_tree(children, k):
    """Whether splits (k - 1, 2) form a tree whose leaves are the k labels: each leads to later
    ones, so that no walk goes in a circle.
    """
    splits, leaves = children[children >= 0], ~children[children < 0]
    ahead = children > np.arange(k - 1)[:, np.newaxis]
    return (
        bool(np.all(ahead | (children < 0)))
        and sorted(splits) == list(range(1, k - 1))
        and (k == 1 or sorted(leaves) == list(range(k)))
    )


def _changed(name, how):
    return ValueError(f"{name} {how}: it has been changed since the fit, so fit again.")


def check_feature_count(est, d):
    """Raise unless new data has as many features as the model."""
    if d != est.n_features_in_:
        raise ValueError(
            f"X has {d} features, but {type(est).__name__} is "
            f"expecting {est.n_features_in_} features as input."
        )


def check_feature_names(est, names, d, reset):
    """Record (`reset`) the names and number of the features in a model, or check new data against
    them.
    """
    if reset:
        est.n_features_in_ = d
        if names is not None:
            est.feature_names_in_ = names
        elif hasattr(est, "feature_names_in_"):
            del est.feature_names_in_  # of an earlier fit
        return
    fitted = getattr(est, "feature_names_in_", None)
    if names is None and fitted is not None:
        warn(
            f"X does not have valid feature names, but {type(est).__name__} was fitted with "
            "feature names"
        )
    elif names is not None and fitted is None:
        warn(f"X has feature names, but {type(est).__name__} was fitted without feature names")
    elif names is not None and list(names) != list(fitted):
        raise _names_error(names, fitted)
    check_feature_count(est, d)


def check_input_features(est, input_features):
    """Raise unless the names given to `get_feature_names_out` are those of the fit."""
    if input_features is None:
        return
    fitted = getattr(est, "feature_names_in_", None)
    if fitted is not None and list(input_features) != list(fitted):
        raise ValueError("input_features is not equal to feature_names_in_")
    if len(input_features) != est.n_features_in_:
        raise ValueError(
            "input_features should have length equal to number of features "
            f"({est.n_features_in_}), "
            f"got {len(input_features)}"
        )


def _names_error(names, fitted):
    """The error for columns that are not those of the fit, saying which."""
    lines = ["The feature names should match those that were passed during fit."]
    unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
    for title, differing in (
        ("Feature names unseen at fit time:", unseen),
        ("Feature names seen at fit time, yet now missing:", missing),
    ):
        if differing:
            lines += [title, *(f"- {terminal(label)}" for label in differing[:5])]
            if len(differing) > 5:
                lines.append("- ...")
    if not unseen and not missing:
        lines.append("Feature names must be in the same order as they were in fit.")
    return ValueError("\n".join(lines) + "\n")


def _short(value):
    """`repr` of a value of any kind, short enough for a message."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _typed(value):
    return f"{_short(value)} ({type(value).__name__})"
