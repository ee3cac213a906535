"""
Shares instead of labels
========================

How much of each place belongs to the left cluster: by ``predict_proba`` of k-means, and by fuzzy
c-means, whose shares fall more slowly.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import FuzzyCMeans, KMeans

rng = np.random.default_rng(0)
X = np.concatenate([rng.normal(middle, 1, size=(200, 2)) for middle in [(0, 0), (5, 0)]])
start = np.array([[0.0, 0.0], [5.0, 0.0]])

across, up = np.meshgrid(np.linspace(-4, 9, 120), np.linspace(-4, 4, 80))
places = np.column_stack([across.ravel(), up.ravel()])
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
for ax, model in zip(axes, (KMeans(2, init=start), FuzzyCMeans(2, init=start))):
    share = model.fit(X).predict_proba(places)[:, 0].reshape(across.shape)
    drawn = ax.contourf(across, up, share, levels=np.linspace(0, 1, 11), cmap="RdBu")
    ax.plot(*X.T, "k.", markersize=2)
    ax.plot(*model.cluster_centers_.T, "yX", markersize=10)
    ax.set_title(type(model).__name__)
figure.colorbar(drawn, ax=axes, label="share of the left cluster")
plt.show()
