"""Checkpoints: the states of all runs of a fit over blocks, written after every pass."""

import json
import os

import numpy as np

from .._input.archives import DAMAGE, ArchiveError, digest, read_header
from .._output.files import write_atomically
from ..partial import Survey
from .state import FIELDS

FORMAT, VERSION = "ckmeans checkpoint", 4

_ARRAYS = ("chosen", "positions", "centers", "counts")

_REMEDY = "remove it, or pass another path"


def write(path, fit):
    """Write the state of a fit. The file is replaced in one step, so a crash leaves either this
    state or the one before.
    """
    arrays = {name: getattr(fit.survey, name) for name in ("low", "high", "tiny")}
    arrays["starts"] = fit.whole.starts
    states = []
    for i, state in enumerate(fit.states):
        arrays.update(
            {
                f"{name}_{i}": getattr(state, name)
                for name in _ARRAYS
                if getattr(state, name) is not None
            }
        )
        states.append({name: getattr(state, name) for name in FIELDS if name not in _ARRAYS})
    if fit.names is not None:
        arrays["names"] = np.array([str(name) for name in fit.names])
    header = {
        "format": FORMAT,
        "version": VERSION,
        "asked": fit.asked,
        "passes": fit.passes,
        "variance": fit.variance,
        "states": states,
        "content": fit.content,
        "survey": [
            fit.survey.n_rows,
            fit.survey.dtype.str,
            fit.survey.weighted,
            fit.survey.heaviest,
            fit.survey.lightest,
        ],
    }
    header = json.loads(json.dumps(header, default=np.generic.item))  # as it will be read
    header["checksum"] = digest(header, arrays)
    with write_atomically(path) as file:
        np.savez(file, ckmeans=np.array(json.dumps(header).encode()), **arrays)


def read(path):
    """(header, arrays, survey) of a checkpoint; None if there is no such file.

    Its checksum is verified.
    """
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        try:
            header, members = read_header(file, "ckmeans")
            if header.get("format") != FORMAT:
                raise ArchiveError("another format")
            if header.get("version") != VERSION:
                raise ArchiveError(
                    f"it has version {header.get('version')!r} of the format, and "
                    f"this package reads {VERSION}"
                )
            checksum = header.pop("checksum", None)
            arrays = {name: members.read(name) for name in members if name != "ckmeans"}
            if digest(header, arrays) != checksum:
                raise ArchiveError(
                    "its contents do not match their checksum: it is damaged, or "
                    "was changed by hand"
                )
            n_rows, dtype, weighted, heaviest, lightest = header["survey"]
            survey = Survey(
                n_rows,
                np.dtype(dtype),
                arrays["low"],
                arrays["high"],
                arrays["tiny"],
                weighted,
                heaviest,
                lightest,
            )
            check_contents(header, arrays, survey)
        except (MemoryError, TimeoutError):
            raise
        except DAMAGE as error:
            said = (
                str(error)
                if isinstance(error, ArchiveError)
                else (f"{type(error).__name__}: {error}")
            )
            raise ValueError(
                f"{os.fspath(path)} is not a checkpoint that this version can read "
                f"({said}): {_REMEDY}."
            ) from None
    return header, arrays, survey


def check_contents(header, arrays, survey):
    """Raise unless a fit can be resumed from a checkpoint; its checksum may have been forged."""
    d, k, n, runs = (
        len(survey.low),
        header["asked"]["n_clusters"],
        survey.n_rows,
        len(header["states"]),
    )
    if (
        survey.dtype.kind not in "biuf"
        or type(n) is not int
        or type(k) is not int
        or not 1 <= k <= n
        or runs != header["asked"]["runs"]
    ):
        raise ArchiveError(
            f"it is of {k!r} clusters, {n!r} rows of {survey.dtype} and {runs} "
            "runs, which do not go together"
        )
    shapes = {
        "low": (np.float64, (d,)),
        "high": (np.float64, (d,)),
        "tiny": (np.float64, (d,)),
        "starts": (np.int64, (None,)),
        "chosen": (np.float64, (None, d)),
        "positions": (np.int64, (None,)),
        "centers": (np.float64, (k, d)),
        "counts": (np.int64, (k,)),
    }
    for name, array in arrays.items():
        if name == "names":
            fits = array.dtype.kind == "U" and array.shape == (d,)
        else:
            base, _, number = name.partition("_")
            dtype, shape = shapes.get(base, (None, ()))
            fits = (
                dtype == array.dtype
                and array.ndim == len(shape)
                and all(a in (None, b) for a, b in zip(shape, array.shape))
                and (
                    base in _ARRAYS
                    and number.isdecimal()
                    and int(number) < runs
                    or base not in _ARRAYS
                    and not number
                )
                and not np.isnan(array).any()
                and (base == "tiny" or bool(np.isfinite(array).all()))
            )
        if not fits:
            raise ArchiveError(
                f"its {name} is {array.dtype} of shape {array.shape}, which is not "
                f"what a fit of {k} clusters and {d} "
                "features has, or not finite"
            )
    starts = arrays["starts"]
    if len(starts) < 2 or starts[0] != 0 or starts[-1] != n or np.any(np.diff(starts) < 0):
        raise ArchiveError(f"its starts are not those of blocks of {n} rows")
    for i, state in enumerate(header["states"]):
        if (
            set(state) != {name for name in FIELDS if name not in _ARRAYS}
            or type(state["n_iter"]) is not int
            or type(state["earlier"]) is not int
        ):
            raise ArchiveError(f"the state of run {i} is not that of a run")
        if (state["n_iter"] > 0 or state["stop"] is not None) and f"centers_{i}" not in arrays:
            raise ArchiveError(f"run {i} has no centers after {state['n_iter']} iterations")
        if state["check"] is not None and not (
            len(state["check"]) == 2 and all(type(word) is int for word in state["check"])
        ):
            raise ArchiveError(f"run {i} has {state['check']!r} as the checksum of its labels")


def compare(path, header, asked):
    """Raise unless a checkpoint has the parameters of this fit."""
    for name, value in asked.items():
        if header["asked"].get(name) != value:
            raise ValueError(
                f"the checkpoint {os.fspath(path)} is of a fit with "
                f"{name}={header['asked'].get(name)!r}, not {value!r}: "
                f"{_REMEDY}."
            )


def compare_rows(path, saved, found, same):
    """Raise unless the rows have the ranges, blocks and (`same`) checksum of the checkpoint."""
    one, other = saved.survey, found.survey
    if not (
        same
        and np.array_equal(saved.starts, found.starts)
        and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in one._fields)
    ):
        raise ValueError(
            f"the checkpoint {os.fspath(path)} is of a fit of other rows, blocks or "
            f"weights ({one!r}, now {other!r}): "
            f"{_REMEDY}."
        )


def restore(state, i, header, arrays):
    """Set the state of run i to that in a checkpoint."""
    for name, value in header["states"][i].items():
        setattr(state, name, tuple(value) if name == "check" and value is not None else value)
    for name in _ARRAYS:
        setattr(state, name, arrays.get(f"{name}_{i}"))
