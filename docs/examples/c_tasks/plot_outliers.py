"""
Rows that belong to no cluster
==============================

k-means puts every row somewhere, and squared distances let far rows pull the centers. Find them by
their distance, and fit again with their weight set to 0: they still get labels.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans, plot

rng = np.random.default_rng(6)
middles = [(0, 0), (6, 0), (3, 5)]
X = np.concatenate(
    [rng.normal(middle, 0.8, size=(120, 2)) for middle in middles]
    + [rng.uniform(-15, 20, size=(25, 2))]
)
model = KMeans(3, random_state=0).fit(X)

weights = np.ones(len(X))
for _ in range(10):
    distances = model.distances(X)
    inside = (distances <= 3 * np.median(distances)).astype(float)
    if np.array_equal(inside, weights):
        break
    weights = inside
    model = KMeans(3, random_state=0).fit(X, sample_weight=weights)

plain = KMeans(3, random_state=0).fit(X)
figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
plot.clusters(plain, X, ax=axes[0]).set_title("all rows count")
plot.clusters(model, X, ax=axes[1]).set_title(f"{int((weights == 0).sum())} rows without weight")
axes[1].scatter(*X[weights == 0].T, s=60, facecolors="none", edgecolors="black")

# %%
# How far the centers are from the true middles, at most:

for name, fit in (("all rows", plain), ("without outliers", model)):
    gaps = np.linalg.norm(fit.cluster_centers_[:, None] - np.array(middles), axis=2).min(axis=1)
    print(f"{name:17} {gaps.max():.2f}")
