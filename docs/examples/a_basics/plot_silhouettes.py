"""
Silhouettes
===========

A row's silhouette is near 1 where it is much nearer to its own cluster than to the next, near 0
between two clusters, and negative where another cluster is nearer on average. ckmeans computes
exact silhouettes without a matrix of all distances.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_iris

from ckmeans import KMeans, plot
from ckmeans.metrics import silhouette_samples, silhouette_score

X = load_iris().data
figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained", sharex=True)
for k, ax in zip((2, 3, 4), axes):
    model = KMeans(k, random_state=0).fit(X)
    plot.silhouette(model, X, ax=ax)
    print(f"k = {k}: mean silhouette {silhouette_score(X, model.labels_):.3f}")

# %%
# The rows that sit worst between two of three clusters:

model = KMeans(3, random_state=0).fit(X)
values = silhouette_samples(X, model.labels_)
worst = values.argsort()[:5]
list(zip(worst.tolist(), values[worst].round(3).tolist()))
