"""
Functions, and truth beside prediction
======================================

Some tutorials write functions (``initialize``, ``assign``, ``update``, ``kmeans``) instead of a
class, and draw the true groups beside those that were found.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs

from ckmeans import k_means, kmeans_plusplus, plot
from ckmeans.metrics import adjusted_rand_score

X, truth = make_blobs(n_samples=600, centers=4, cluster_std=1.1, random_state=3)

# %%
# **initialize**: k-means++ draws rows that are far from each other.

start, rows = kmeans_plusplus(X, 4, random_state=0)
start.round(1), rows

# %%
# **The whole algorithm in one call**, as a function:

centers, labels, inertia = k_means(X, 4, init=start)
print(f"inertia {inertia:.1f}, sizes {np.bincount(labels)}")

# %%
# **Truth beside prediction.** The numbers of clusters are arbitrary, so the colors may differ; what
# counts is which rows are together. The adjusted Rand score measures it: 1 is perfect, chance is 0.

figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained", sharey=True)
colors = np.array(plot.COLORS)
axes[0].scatter(*X.T, s=8, c=colors[truth])
axes[0].set_title("truth")
axes[1].scatter(*X.T, s=8, c=colors[labels])
axes[1].scatter(*centers.T, s=120, c="black", marker="x", linewidths=2.5)
axes[1].set_title(f"k-means: adjusted Rand score {adjusted_rand_score(truth, labels):.3f}")

# %%
# **assign and update by hand**, to see that there is no magic:

ours = start
for _ in range(100):
    squares = ((X[:, np.newaxis] - ours) ** 2).sum(axis=2)  # shape (n, k)
    nearest = squares.argmin(axis=1)
    moved = np.array([X[nearest == j].mean(axis=0) for j in range(4)])
    if np.allclose(moved, ours):
        break
    ours = moved
np.allclose(ours, centers), np.array_equal(nearest, labels)

# %%
# **Accuracy**, if one insists: give each cluster the group that most of its rows belong to.

group_of = np.array([np.bincount(truth[labels == j]).argmax() for j in range(4)])
print(f"{np.mean(group_of[labels] == truth):.1%} of the rows")
