"""
K, max_iters and plot_steps
===========================

The classic exercise is a class ``KMeans(K=5, max_iters=100, plot_steps=False)`` whose ``predict``
draws every step. Here ``K`` is ``n_clusters``, ``max_iters`` is ``max_iter``, and each step is an
item of ``iter_fit``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs

from ckmeans import KMeans, plot

X, truth = make_blobs(n_samples=500, n_features=2, centers=3, shuffle=True, random_state=40)
K = len(np.unique(truth))
start = X[np.random.default_rng(40).choice(len(X), K, replace=False)]  # random rows

# %%
# **plot_steps.** The first state is the start: centers, and no labels yet. Each iteration assigns
# every row to its nearest center, then moves each center to the mean of its rows.

states = list(KMeans(n_clusters=K, init=start, max_iter=150, tol=0).iter_fit(X))
columns = 3
rows = -(-len(states) // columns)
figure, axes = plt.subplots(
    rows, columns, figsize=(11, 3.2 * rows), layout="constrained", squeeze=False
)
for ax in axes.flat:
    ax.axis("off")
for ax, state in zip(axes.flat, states):
    plot.clusters(state, X, ax=ax)

# %%
# **The result**, without looking at the steps:

model = KMeans(n_clusters=K, max_iter=150, random_state=42).fit(X)
model.labels_[:10], model.n_iter_, model.stop_reason_

# %%
# Everything drawn at once: the paths of the centers.

plot.trace(KMeans(n_clusters=K, init=start, tol=0), X)

# %%
# **max_iters.** With too few iterations a run ends where it is, and says so:

short = KMeans(n_clusters=K, init=start, max_iter=1, tol=0).fit(X)
short.stop_reason_, short.converged_, round(short.inertia_ / model.inertia_, 2)
