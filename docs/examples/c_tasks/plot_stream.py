"""
A stream that changes
=====================

`MiniBatchKMeans` learns from batches and never holds more than one. With a half-life it forgets:
its centers follow clusters that move.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import MiniBatchKMeans

rng = np.random.default_rng(0)


def batch(time):
    """100 rows at a time from 0 to 1, while the middles turn by a quarter."""
    angles = np.array([0, 2, 4]) * np.pi / 3 + time * np.pi / 2
    middles = 5 * np.column_stack([np.cos(angles), np.sin(angles)])
    return middles[rng.integers(3, size=100)] + rng.normal(0, 0.7, size=(100, 2)), middles


remembers = MiniBatchKMeans(3, random_state=0)
forgets = MiniBatchKMeans(3, random_state=0, half_life=1000)
paths = {"no half-life": [], "half_life=1000": [], "truth": []}
for time in np.linspace(0, 1, 200):
    rows, middles = batch(time)
    for name, model in (("no half-life", remembers), ("half_life=1000", forgets)):
        paths[name].append(model.partial_fit(rows).cluster_centers_.copy())
    paths["truth"].append(middles)

# %%
# The paths of the centers: without a half-life they lag behind ever more.

plt.figure(figsize=(6.5, 6), layout="constrained")
colors = {"truth": "#888888", "no half-life": "#D55E00", "half_life=1000": "#0072B2"}
for name in ("truth", "no half-life", "half_life=1000"):
    steps = np.array(paths[name])
    for j in range(3):
        plt.plot(*steps[:, j].T, color=colors[name], label=name if j == 0 else None)
        plt.plot(*steps[-1, j], "o", color=colors[name])
plt.axis("equal")
plt.legend()
plt.show()
