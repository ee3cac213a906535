"""
Four algorithms, the same bits
==============================

Every algorithm gives the same labels, centers and inertia to the last bit. They differ in how many
distances they look at, and in time.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans

rng = np.random.default_rng(0)
middles = rng.uniform(0, 100, size=(100, 2))
X = middles[rng.integers(100, size=20_000)] + rng.normal(0, 1.5, size=(20_000, 2))
start = X[rng.choice(len(X), 100, replace=False)]

algorithms = ["lloyd", "boxes", "yinyang", "projected", "auto"]
fits = {
    name: KMeans(100, init=start, tol=0, algorithm=name, history=True).fit(X) for name in algorithms
}
first = fits["lloyd"]
for name, fit in fits.items():
    same = np.array_equal(fit.cluster_centers_, first.cluster_centers_)
    print(f"{name:10} {fit.n_iter_} iterations, the same centers: {same}")

# %%
# The share of all distances that each looked at, iteration by iteration:

plt.figure(figsize=(8, 4), layout="constrained")
for name, fit in fits.items():
    looked_at = np.array([step.n_distances for step in fit.history_[0]]) / (len(X) * 100)
    plt.plot(range(1, len(looked_at) + 1), looked_at, label=name)
plt.yscale("log")
plt.xlabel("iteration")
plt.ylabel("share of all distances")
plt.legend()
plt.show()
