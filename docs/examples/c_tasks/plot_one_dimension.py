"""
One dimension: the optimum, and limits for a legend
===================================================

For one column the best clustering of all can be computed. That is what `KMeans` does there, and
what `ckmeans.breaks` uses to find limits for the colors of a map.
"""

import matplotlib.pyplot as plt
import numpy as np

import ckmeans
from ckmeans import KMeans, plot

rng = np.random.default_rng(4)
rents = np.concatenate(
    [rng.normal(7.5, 0.6, 300), rng.normal(11, 0.9, 200), rng.normal(17, 1.8, 100)]
)
limits = ckmeans.breaks(rents, 4)
limits

# %%
# Quantiles cut the largest group in two; the limits of the optimal clusters lie in the gaps.

figure, axes = plt.subplots(2, 1, figsize=(8, 5), layout="constrained", sharex=True)
for ax, cuts, title in (
    (axes[0], np.quantile(rents, [0.25, 0.5, 0.75]), "quantiles"),
    (axes[1], limits, "optimal clusters"),
):
    group = np.searchsorted(cuts, rents)
    for j in range(4):
        ax.hist(rents[group == j], bins=np.arange(5, 24, 0.25), color=plot.COLORS[j])
    ax.set(title=title, ylabel="flats")
axes[1].set_xlabel("rent per square meter")

# %%
# The estimator finds the same, for any number of clusters, weights included:

model = KMeans(4).fit(rents[:, np.newaxis])
model.cluster_centers_.ravel().round(2), model.counts_

# %%
# How many? The functions that the package called ckmeans on the package index has are here, too:

ckmeans.ckmeans_optimal(rents).k
