"""
Clusters of bounded sizes
=========================

Deliveries for six vans: plain k-means makes rounds of very different lengths. With ``size_max`` no
van has more than it can take, at the least total squared distance to the rounds' centers.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans, plot

rng = np.random.default_rng(4)
town, villages = rng.normal(0, 1, size=(220, 2)), rng.uniform(-6, 6, size=(80, 2))
X = np.concatenate([town, villages])

plain = KMeans(6, random_state=0).fit(X)
bounded = KMeans(6, size_min=45, size_max=55, random_state=0).fit(X)

figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
for model, ax in zip((plain, bounded), axes):
    plot.clusters(model, X, labels=model.labels_, regions=False, ax=ax)
    ax.set_title(f"{model.counts_.min()} to {model.counts_.max()} deliveries in a round")

# %%
# What the bounds cost, in inertia:
print(f"{bounded.inertia_ / plain.inertia_ - 1:.0%}")
