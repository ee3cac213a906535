"""
Clusters of rows with gaps
==========================

Filling gaps with the means of the columns moves rows to the middle, where they belong to no
cluster. ``missing="ignore"`` leaves the gaps out of distances and centers.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans
from ckmeans.metrics import adjusted_rand_score

rng = np.random.default_rng(0)
truth = np.repeat(np.arange(5), 200)
X = rng.normal(scale=4, size=(5, 6))[truth] + rng.normal(size=(1000, 6))

shares = np.array([0.05, 0.1, 0.2, 0.3, 0.4])
found = {"gaps left out": [], "gaps filled with means": []}
for share in shares:
    gaps = X.copy()
    gaps[rng.random(X.shape) < share] = np.nan
    kept = ~np.isnan(gaps).all(axis=1)
    gaps = gaps[kept]
    filled = np.where(np.isnan(gaps), np.nanmean(gaps, axis=0), gaps)
    for name, model, rows in (
        ("gaps left out", KMeans(5, missing="ignore", random_state=0), gaps),
        ("gaps filled with means", KMeans(5, random_state=0), filled),
    ):
        found[name].append(adjusted_rand_score(truth[kept], model.fit_predict(rows)))

plt.figure(figsize=(7, 4), layout="constrained")
for name, scores in found.items():
    plt.plot(100 * shares, scores, "o-", label=name)
plt.xlabel("values that are missing, %")
plt.ylabel("adjusted Rand index with the truth")
plt.legend()
plt.show()
