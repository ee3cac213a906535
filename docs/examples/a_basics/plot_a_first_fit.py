"""
A first fit
===========

Three clouds of points, three clusters, and a picture.
"""

import numpy as np

from ckmeans import KMeans, plot

rng = np.random.default_rng(0)
X = np.concatenate([rng.normal(middle, 1.0, size=(100, 2)) for middle in ([0, 0], [8, 0], [4, 7])])
model = KMeans(n_clusters=3, random_state=0).fit(X)
model.counts_, round(model.inertia_, 1), model.stop_reason_

# %%
# The numbers stand at the centers; the background shows where new rows would go.

plot.clusters(model, X)

# %%
# ``predict`` gives the cluster of new rows, ``transform`` their distances to all centers.

model.predict([[7.0, 1.0]]), model.transform([[7.0, 1.0]]).round(1)

# %%
# A few runs were made from different initial centers, and the best was kept. Here all of them found
# the same clusters:

sorted(round(run.inertia, 1) for run in model.runs_)
