"""
tol, the first K rows, one point, switches and anomalies
========================================================

Another classic is a class with ``k``, ``tol`` and ``max_iter`` that starts from the first k rows,
and is then asked about single points. Then: how many groups (BIC and stability), which points
switch groups from one fit to the next, and which belong to none.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans, match, plot, select_k

few = np.array([[1, 2], [1.5, 1.8], [5, 8], [8, 8], [1, 0.6], [9, 11]])

# %%
# **tol and the first K.** ``tol`` is the total squared movement of the centers, relative to the
# variance of the data, at which a run stops; 0 means: when no row changes its cluster.

model = KMeans(n_clusters=2, init="first", tol=0.001, max_iter=300).fit(few)
model.cluster_centers_.round(2), model.stop_reason_

# %%
# **Predict one point.** A row is a list in a list:

unknown = [[1, 3], [8, 9], [0, 3], [5, 4], [6, 4]]
labels = model.predict(unknown)
print(labels, model.predict([[5, 4]])[0])
ax = plot.clusters(model, few)
ax.scatter(*np.transpose(unknown), marker="*", s=150, c="black")

# %%
# **How many groups: BIC and stability.** BIC compares the likelihoods of spherical mixtures;
# stability tells how alike clusterings of resampled rows are.

rng = np.random.default_rng(2)
middles = [(0, 0), (6, 0), (3, 5)]
X = np.concatenate([rng.normal(middle, 1.0, size=(150, 2)) for middle in middles])
found = select_k(X, range(2, 8), criteria=["bic", "stability"], random_state=0)
print(found)
axes = found.plot()

# %%
# **Points that switch groups.** The points move a little; the new fit is numbered like the old one,
# and `match` tells who changed.

old = KMeans(3, random_state=0).fit(X)
later = X + rng.normal(0, 0.5, size=X.shape)
new = KMeans(3, random_state=1, label_order=old).fit(later)
switched = match(new, old, same_rows=True).changed
ax = plot.clusters(new, later)
ax.scatter(*later[switched].T, s=80, facecolors="none", edgecolors="black", linewidths=1.5)
ax.set_title(f"{len(switched)} of {len(X)} points switched groups (ringed)")

# %%
# **Anomalies**: rows far from their center, compared with the rest of their own cluster.

odd = np.concatenate([X, [[-6, 6], [12, 6], [3, -7]]])
fit = KMeans(3, random_state=0).fit(odd)
far = np.flatnonzero(fit.anomaly_scores(odd) > 4)
ax = plot.clusters(fit, odd)
ax.scatter(*odd[far].T, s=120, facecolors="none", edgecolors="#D55E00", linewidths=2)
ax.set_title(f"more than 4 times as far as the median: rows {far.tolist()}")
plt.show()
