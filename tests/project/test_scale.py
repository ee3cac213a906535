"""The bench of rows that do not fit into memory: its files, and one tiny run from the command
line.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from checks import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "bench").is_dir():
    pytest.skip("the bench is not part of an installed package", allow_module_level=True)
if find_spec("bench") is None:
    sys.path.append(str(ROOT))  # at the end: an installed ckmeans stays the one that is tested

from bench import scale  # noqa: E402


@pytest.mark.parametrize("block", [1, 100, 1 << 20])
def test_a_file_written_in_blocks_is_what_numpy_writes(tmp_path, monkeypatch, block):
    monkeypatch.setattr(scale, "BLOCK", block)
    X = np.random.default_rng(0).normal(size=(57, 3)).astype(np.float32)
    scale.save(tmp_path / "ours.npy", X)
    np.save(tmp_path / "numpy.npy", X)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def test_the_command_compares_ways_that_agree_and_prints_the_model():
    ways = [
        "in memory",
        "memmap",
        ".npy files",
        *(["HDF5"] if find_spec("h5py") else []),
        *(["Zarr"] if find_spec("zarr") else []),
        "generator",
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "bench.scale",
            "--rows",
            "3000",
            "--cells",
            "16x64",
            "--rounds",
            "1",
            "--ways",
            ",".join(ways),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    tables = [
        [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in part.splitlines()
            if line.startswith("|")
        ]
        for part in done.stdout.split("\n\n")
        if part.startswith("|")
    ]
    compared, messages, beyond = tables
    assert [row[2] for row in compared[2:]] == ways
    for row in compared:  # a way that failed has fewer cells, one of another inertia has one more
        assert len(row) == len(compared[0]), row
    assert messages[2][:3] == ["16", "64", str(8 * 64 * (2 * 16 + 7))]
    assert len(beyond) == 2 + 5
