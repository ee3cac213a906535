"""
Where runs start
================

Lloyd's algorithm ends in the local optimum that its initial centers lead to. Six ways to choose
them, twenty seeds each, one run per seed.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans

rng = np.random.default_rng(11)
middles = np.array([(i, j) for i in range(5) for j in range(5)], dtype=float)
X = np.concatenate([rng.normal(middle, 0.12, size=(60, 2)) for middle in middles])
inits = ["random", "random-partition", "first", "variance-partition", "k-means||", "k-means++"]

found = {
    init: [KMeans(25, init=init, n_init=1, random_state=seed).fit(X).inertia_ for seed in range(20)]
    for init in inits
}
best = min(min(values) for values in found.values())

plt.figure(figsize=(8, 4), layout="constrained")
for row, values in enumerate(found.values()):
    spread = row + rng.uniform(-0.15, 0.15, len(values))
    plt.plot(np.array(values) / best, spread, "o", alpha=0.6)
plt.yticks(range(len(inits)), inits)
plt.xlabel("inertia, relative to the best found")
plt.show()

# %%
# ``init="first"`` and ``"variance-partition"`` draw nothing: every seed gives the same. The
# default makes a few runs from greedy k-means++ and refines the best:

print(round(KMeans(25, random_state=0).fit(X).inertia_ / best, 4))
