"""More rows than memory: the cost of each way to read them, and a model of it for other machines:
``python -m bench.scale``.

Every way runs in its own process, from the same initial centers, on one thread: fits of 2 and of 7
iterations in turn, whose difference is the time of 5 iterations. CPU seconds are counted (including
those of the system, which reads the files), so that a busy machine has little effect. All must give
the same inertia, or the page says so.

With --model: seconds per iteration on other machines, from the rate of one core. The bytes of the
messages and the time of one block are measured here and compared with the model.
"""

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from time import process_time

import numpy as np

from bench.worker import find_packages

find_packages()
WAYS = (
    "in memory",
    "in memory, lean",
    "memmap",
    ".npy files",
    "Parquet",
    "HDF5",
    "Zarr",
    "generator",
)
BLOCK = 32 << 20  # bytes of one write
CELLS = [(16, 16), (16, 64), (16, 256), (64, 64)]


# -- data ------------------------------------------------------------------------------------------


def save(path, X):
    """Write a .npy file in large blocks, like files of users.

    A file that is written through a mapping is in the file cache as single pages, and then passes
    over a mapping take longer.
    """
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(X))
        rows = max(1, BLOCK // X[:1].nbytes)
        for start in range(0, len(X), rows):
            file.write(X[start : start + rows].data)


def make(folder, n, d, k):
    """Blobs in the forms that are compared."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(k, d)) * 4
    X = np.empty((n, d), np.float32)
    for start in range(0, n, 100_000):
        count = min(100_000, n - start)
        X[start : start + count] = middles[rng.integers(k, size=count)] + rng.normal(
            size=(count, d)
        )
    save(folder / "x.npy", X)
    np.save(folder / "centers.npy", X[:k].astype(np.float64))
    for i, part in enumerate(np.array_split(X, 4)):
        save(folder / f"part{i}.npy", part)
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        pass
    else:
        (folder / "parquet").mkdir()
        for i, part in enumerate(np.array_split(X, 4)):
            pq.write_table(
                pa.table({f"x{f}": part[:, f] for f in range(d)}),
                folder / "parquet" / f"{i}.parquet",
                row_group_size=200_000,
            )
    try:
        import h5py
    except ImportError:
        pass
    else:
        with h5py.File(folder / "x.h5", "w") as file:
            file.create_dataset("x", data=X)
    try:
        import zarr
    except ImportError:
        pass
    else:
        zarr.open(
            str(folder / "x.zarr"),
            mode="w",
            shape=X.shape,
            chunks=(max(1, (8 << 20) // X[:1].nbytes), d),
            dtype=X.dtype,
        )[:] = X


def ways(folder):
    """name -> function of a KMeans that fits it."""
    path = folder / "x.npy"

    def generator():
        X = np.load(path, mmap_mode="r")
        return lambda: (np.array(X[start : start + 100_000]) for start in range(0, len(X), 100_000))

    def hdf5():
        import h5py

        return h5py.File(folder / "x.h5", "r")["x"]

    def zarr():
        import zarr

        return zarr.open(str(folder / "x.zarr"), mode="r")

    def array():
        X = np.load(path)
        return lambda model: model.fit(X)

    def chunks(source):
        return lambda model: model.fit_chunks(source, labels=True)

    return {
        "in memory": array,
        "in memory, lean": lambda: (lambda fit: lambda model: fit(model.set_params(copy_x=False)))(
            array()
        ),
        "memmap": lambda: chunks(np.load(path, mmap_mode="r")),
        ".npy files": lambda: chunks([folder / f"part{i}.npy" for i in range(4)]),
        "Parquet": lambda: chunks(folder / "parquet"),
        "HDF5": lambda: chunks(hdf5()),
        "Zarr": lambda: chunks(zarr()),
        "generator": lambda: chunks(generator()),
    }


def resident(name):
    """Bytes of a line of /proc/self/status; 0 if there is none."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))
    except OSError:
        return 0


def measure(way, folder, rounds):
    """Runs in its own process: prints the measurements as JSON."""
    from ckmeans import KMeans

    centers = np.load(folder / "centers.npy")
    for module in (
        "pyarrow.dataset",
        "pyarrow.parquet",
        "h5py",
        "zarr",
        "ckmeans._blocks.driver",
        "ckmeans._blocks.sources",
    ):
        try:  # the time to import a library does not count
            import_module(module)
        except ImportError:
            pass
    fit = ways(folder)[way]()
    KMeans(len(centers), init=centers, max_iter=1, n_threads=1).fit(
        np.load(folder / "x.npy", mmap_mode="r")[: 4 * len(centers)].copy()
    )
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    except OSError:
        pass
    before, few, many = resident("VmRSS"), [], []
    for _ in range(rounds):
        for max_iter, seconds in ((2, few), (7, many)):
            model = KMeans(
                len(centers), init=centers, max_iter=max_iter, tol=0, n_threads=1, algorithm="lloyd"
            )
            began = process_time()
            fit(model)
            seconds.append(process_time() - began)
    print(
        json.dumps(
            {
                "iteration": (min(many) - min(few)) / 5,
                "fit": min(many),
                "memory": resident("VmHWM") - before,
                "inertia": model.inertia_,
            }
        )
    )


def compare(n, d, k, rounds, names):
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), n, d, k)
        for way in names:
            asked = [
                sys.executable,
                "-m",
                "bench.scale",
                "--measure",
                way,
                "--folder",
                folder,
                "--rounds",
                str(rounds),
            ]
            done = subprocess.run(
                asked, capture_output=True, text=True, cwd=Path(__file__).resolve().parent.parent
            )
            if done.returncode:
                yield way, None, done.stderr.strip().splitlines()[-1]
            else:
                yield way, json.loads(done.stdout.splitlines()[-1]), None


# -- the model -------------------------------------------------------------------------------------


def message_bytes(d, k, parts=2):
    """Bytes to a block and back, each iteration: centers; and sums in their parts, weights and
    counts of the clusters.
    """
    return 8 * k * d, 8 * k * (parts * d + 7)


def predicted(n, d, k, rate, machines, cores, read, network, latency, blocks):
    """Seconds of an iteration: (computing, reading, messages).

    rate : rows per second and core; read, network : bytes per second of each machine, of the
    network at the driver; latency : seconds that the driver takes for each block
    """
    down, up = message_bytes(d, k)
    return (
        n / (rate * machines * cores),
        4 * n * d / (read * machines),
        blocks * ((down + up) / network + latency),
    )


def model_page(rates):
    from ckmeans.partial import assign_block, survey_block

    print(
        "\nMessages of an iteration, for each block, and the time of a block, as the model has "
        "them and as they are:\n"
    )
    print(
        "| d | k | bytes up, model | as they are | sum of two, us | ms for 100000 rows, model | "
        "as they are |\n"
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    for (d, k), rate in rates.items():
        rng = np.random.default_rng(0)
        X = (
            rng.normal(size=(k, d))[rng.integers(k, size=100_000)] * 4
            + rng.normal(size=(100_000, d))
        ).astype(np.float32)
        centers, whole = X[:k].astype(np.float64), survey_block(X)
        labels, seconds, adding = np.full(len(X), -1, np.int32), np.inf, np.inf
        for _ in range(12):
            began = process_time()
            partial = assign_block(X, centers, whole, labels=labels, inertia=False, n_threads=1)
            middle = process_time()
            partial + partial
            seconds, adding = min(seconds, middle - began), min(adding, process_time() - middle)
        parts = partial.sums.shape[1]
        print(
            f"| {d} | {k} | {message_bytes(d, k, parts)[1]} | {len(pickle.dumps(partial))} | "
            f"{1e6 * adding:.0f} | {1e5 / rate * 1e3:.1f} "
            f"| {1e3 * seconds:.1f} |"
        )
    print(
        "\nSeconds of an iteration beyond this machine (computing and reading overlap: the "
        "larger one counts, and messages come on top):\n"
    )
    print(
        "| rows | d | k | machines x cores | reads at | network | blocks | computing | reading | "
        "messages | an iteration |\n"
        "| ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    for n, machines, cores, read, network, blocks in (
        (10**8, 1, 2, 2e9, 1e9, 800),
        (10**9, 1, 16, 2e9, 1e9, 8000),
        (10**9, 1, 16, 5e8, 1e9, 8000),
        (10**9, 8, 16, 2e10, 1.25e9, 512),
        (10**10, 64, 16, 2e10, 1.25e9, 4096),
    ):
        for d, k in ((16, 64), (64, 64)):
            if (d, k) in rates:
                work, reading, messages = predicted(
                    n,
                    d,
                    k,
                    rates[d, k],
                    machines,
                    cores,
                    read,
                    network,
                    1e-3 if machines > 1 else 5e-5,
                    blocks,
                )
                print(
                    f"| 1e{len(str(n)) - 1} | {d} | {k} | {machines} x {cores} | {read / 1e9:g} "
                    f"GB/s | {network / 1e9:g} GB/s | {blocks} "
                    f"| {work:.2f} | {reading:.2f} | {messages:.2f} | "
                    f"{max(work, reading) + messages:.2f} s |"
                )


def main():
    parser = argparse.ArgumentParser(
        prog="python -m bench.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument(
        "--cells", default=",".join(f"{d}x{k}" for d, k in CELLS), help="d x k, such as 16x64,64x64"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--ways",
        default=",".join(WAYS).replace(", lean", " lean"),
        help="which of: " + "; ".join(WAYS),
    )
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure, asked.folder, asked.rounds)
        return
    from bench.machine import cpu_name

    names = [way for way in WAYS if way.replace(", lean", " lean") in asked.ways.split(",")]
    rates = {}
    print(
        f"{cpu_name()}, one thread, float32, {asked.rows} rows; extra memory is the peak over "
        "what the process had before the fit\n"
    )
    print(
        "| d | k | "
        + " | ".join(
            ("rows", "s per iteration", "million rows/s", "s for 7 iterations", "extra MB")
        )
        + " |"
    )
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    for cell in asked.cells.split(","):
        d, k = map(int, cell.split("x"))
        inertia = None
        for way, found, error in compare(asked.rows, d, k, asked.rounds, names):
            if error:
                print(f"| {d} | {k} | {way} | {error} |")
                continue
            inertia = inertia or found["inertia"]
            rate = asked.rows / max(found["iteration"], 1e-9)
            if way == "memmap" or (d, k) not in rates:
                rates[d, k] = rate
            print(
                f"| {d} | {k} | {way} | {found['iteration']:.3f} | {rate / 1e6:.1f} | "
                f"{found['fit']:.2f} | {found['memory'] / 1e6:.0f} |"
                + ("" if found["inertia"] == inertia else " ANOTHER INERTIA"),
                flush=True,
            )
    model_page(rates)


if __name__ == "__main__":
    main()
