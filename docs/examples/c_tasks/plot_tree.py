"""
A tree of clusters
==================

`BisectingKMeans` splits one cluster after the other. The clusters of k are those of k - 1 with one
of them split, and new rows descend the tree.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import BisectingKMeans, KMeans, plot

rng = np.random.default_rng(2)
middles = [(0, 0), (2.5, 0), (10, 0), (12.5, 1), (6, 8), (8.5, 9)]
X = np.concatenate([rng.normal(middle, 0.6, size=(80, 2)) for middle in middles])

figure, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained", sharex=True, sharey=True)
for ax, k in zip(axes.flat, range(2, 8)):
    tree = BisectingKMeans(k, random_state=0).fit(X)
    for j in range(k):
        ax.scatter(*X[tree.labels_ == j].T, s=5, color=plot.COLORS[j])
    ax.set_title(f"k = {k}: inertia {tree.inertia_:.0f}")

# %%
# Splits are never taken back, so that the inertia is seldom as low as that of `KMeans`:

flat, tree = KMeans(5, random_state=0).fit(X), BisectingKMeans(5, random_state=0).fit(X)
round(flat.inertia_, 1), round(tree.inertia_, 1)
