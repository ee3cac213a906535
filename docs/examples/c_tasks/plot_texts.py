"""
Texts and embeddings: cosine
============================

In counts of words the length of a row says how long a text is; its direction says what it is about.
``metric="cosine"`` clusters directions, and takes sparse rows as they are.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse

from ckmeans import KMeans
from ckmeans.metrics import adjusted_rand_score

# %%
# Texts made up from four topics, each with words of its own beside common ones; most are short, a
# few are long.

rng = np.random.default_rng(0)
topics = rng.dirichlet(np.full(400, 0.03), size=4) * 0.6 + np.full(400, 0.4 / 400)
about = rng.integers(4, size=600)
lengths = rng.lognormal(4.5, 1.0, size=600).astype(int) + 20
X = sparse.csr_array(np.array([rng.multinomial(m, topics[t]) for m, t in zip(lengths, about)]))
print(X.shape, f"{X.nnz / np.prod(X.shape):.0%} of the cells are not zero")

# %%
# Euclidean k-means separates long texts from short ones, cosine separates topics.

models = {
    metric: KMeans(4, metric=metric, random_state=0).fit(X) for metric in ("euclidean", "cosine")
}
figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for ax, (metric, model) in zip(axes, models.items()):
    order = (-model.counts_).argsort()
    ax.boxplot([lengths[model.labels_ == j] for j in order])
    ax.set(yscale="log", xlabel="cluster", ylabel="words in a text")
    score = adjusted_rand_score(about, model.labels_)
    ax.set_title(f"{metric}: agreement with the topics {score:.2f}")

# %%
# The words that weigh most in each cluster's center:

for j, center in enumerate(models["cosine"].cluster_centers_):
    print(j, *(f"word{w}" for w in (-center).argsort()[:6]))
