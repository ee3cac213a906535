"""Fits over blocks that can be stopped and taken up again: where all runs are, in a file, after every pass."""
import json
import os

import numpy as np

from ._model import write_atomically
from .partial import Survey

FORMAT, VERSION = "ckmeans checkpoint", 2

_ARRAYS = ("chosen", "positions", "centers", "counts")


def write(path, fit):
    """Write where a fit is: replaces what the file holds in one step, so that a crash leaves this state or the one before."""
    arrays = {name: getattr(fit.survey, name) for name in ("low", "high", "tiny")}
    arrays["starts"] = fit.whole.starts
    states = []
    for i, state in enumerate(fit.states):
        arrays.update({f"{name}_{i}": getattr(state, name) for name in _ARRAYS if getattr(state, name) is not None})
        states.append({name: getattr(state, name) for name in state.fields if name not in _ARRAYS})
    if fit.names is not None:
        arrays["names"] = np.array([str(name) for name in fit.names])
    header = {"format": FORMAT, "version": VERSION, "asked": fit.asked, "passes": fit.passes, "variance": fit.variance, "states": states,
              "content": fit.content,
              "survey": [fit.survey.n_rows, fit.survey.dtype.str, fit.survey.weighted, fit.survey.heaviest, fit.survey.lightest]}
    with write_atomically(path) as file:
        np.savez(file, ckmeans=np.array(json.dumps(header, default=np.generic.item).encode()), **arrays)


def read(path):
    """(header, arrays, survey) of a checkpoint; None where there is none."""
    if not os.path.exists(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(archive["ckmeans"].item())
            arrays = {name: archive[name] for name in archive.files if name != "ckmeans"}
        if header["format"] != FORMAT or header["version"] != VERSION:
            raise ValueError("another format")
    except Exception as error:            # whatever zipfile, json or numpy say to another file
        raise ValueError(f"{os.fspath(path)} is no checkpoint that this version can read ({error}): remove it, or pass another path.") from None
    n_rows, dtype, weighted, heaviest, lightest = header["survey"]
    survey = Survey(n_rows, np.dtype(dtype), arrays["low"], arrays["high"], arrays["tiny"], weighted, heaviest, lightest)
    return header, arrays, survey


def compare(path, header, asked):
    """Raise unless a checkpoint is of the fit that is asked for."""
    for name, value in asked.items():
        if header["asked"].get(name) != value:
            raise ValueError(f"the checkpoint {os.fspath(path)} is of a fit with {name}={header['asked'].get(name)!r}, not {value!r}: "
                             "remove it, or pass another path.")


def compare_rows(path, saved, found, same):
    """Raise unless a survey finds the ranges and blocks that a checkpoint has of its rows, and the `same` checksum."""
    one, other = saved.survey, found.survey
    if not (same and np.array_equal(saved.starts, found.starts) and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in one._fields)):
        raise ValueError(f"the checkpoint {os.fspath(path)} is of a fit of other rows, blocks or weights ({one!r}, now {other!r}): "
                         "remove it, or pass another path.")


def restore(state, i, header, arrays):
    """Bring one run's state back."""
    for name, value in header["states"][i].items():
        setattr(state, name, tuple(value) if name == "check" and value is not None else value)
    for name in _ARRAYS:
        setattr(state, name, arrays.get(f"{name}_{i}"))
