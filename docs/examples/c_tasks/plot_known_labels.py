"""
Some labels are known
=====================

Two long groups side by side: k-means cuts both in the middle, since that lowers the inertia. A few
known labels, here those in black, lead it to the groups.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans, plot

rng = np.random.default_rng(2)
X = np.concatenate([rng.normal((0, 0), (4, 0.7), (200, 2)), rng.normal((0, 5), (4, 0.7), (200, 2))])
truth = np.repeat([0, 1], 200)
known = np.full(400, -1)
some = rng.choice(400, 40, replace=False)
known[some] = truth[some]

plain = KMeans(2, random_state=0).fit(X)
model = KMeans(2).fit(X, labels_known=known)

figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
plot.clusters(plain, X, ax=axes[0]).set_title("nothing is known")
plot.clusters(model, X, labels=model.labels_, ax=axes[1]).set_title("40 labels are known")
axes[1].scatter(*X[some].T, s=30, facecolors="none", edgecolors="black")

# %%
# Rows that are in their group:
for fitted in (plain, model):
    right = np.mean(fitted.labels_ == truth)
    print(f"{max(right, 1 - right):.0%}")
