"""
Medians stay where the rows are
===============================

A few far rows pull means out of their clusters. Medians do not move: ``metric="manhattan"``.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans

rng = np.random.default_rng(0)
middles = np.array([(0, 0), (8, 0), (4, 7)])
X = np.concatenate([rng.normal(middle, 1, size=(150, 2)) for middle in middles])
X = np.concatenate([X, rng.normal((30, 12), 3, size=(12, 2))])

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, metric in zip(axes, ("euclidean", "manhattan")):
    model = KMeans(3, init=middles.astype(float), metric=metric).fit(X)
    ax.scatter(*X.T, c=model.labels_, s=8, cmap="viridis")
    ax.plot(*model.cluster_centers_.T, "rX", markersize=10)
    ax.set_title(f'metric="{metric}"')
plt.show()
