"""
More rows than memory
=====================

``fit_chunks`` reads rows chunk by chunk from a file or a function. The result has the bits of a
fit in one array, for any size of the chunks.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans

folder = Path(tempfile.mkdtemp())
rng = np.random.default_rng(0)
middles = rng.uniform(-10, 10, size=(20, 4))
path = folder / "rows.npy"
on_disk = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(200_000, 4))
for start in range(0, len(on_disk), 50_000):
    which = rng.integers(20, size=50_000)
    on_disk[start : start + 50_000] = middles[which] + rng.normal(size=(50_000, 4))
on_disk.flush()

# %%
# From the file, with labels written to another, and a state from which a killed fit would go on:

options = dict(n_clusters=20, n_init=1, random_state=0)
chunked = KMeans(**options).fit_chunks(
    path, labels=folder / "labels.npy", checkpoint=folder / "state"
)
in_memory = KMeans(**options).fit(np.load(path))
print(
    np.array_equal(chunked.cluster_centers_, in_memory.cluster_centers_),
    np.array_equal(np.load(folder / "labels.npy"), in_memory.labels_),
)

# %%
# From a function that yields chunks, say from a database:


def chunks():
    rows = np.load(path, mmap_mode="r")
    for start in range(0, len(rows), 7777):
        yield rows[start : start + 7777]


again = KMeans(**options).fit_chunks(chunks)
print(again.inertia_ == chunked.inertia_)

# %%
# Pictures are drawn of a sample:

sample = np.load(path, mmap_mode="r")[:: len(on_disk) // 5000]
plt.figure(figsize=(6, 5), layout="constrained")
plt.scatter(sample[:, 0], sample[:, 1], s=2, c=chunked.predict(sample), cmap="tab20")
plt.show()
