"""
How many clusters?
==================

The inertia falls with every further cluster, so it cannot tell the number. `select_k` fits a range
of k, computes criteria that can, and says in a sentence what it found.
"""

import numpy as np

from ckmeans import plot, select_k

rng = np.random.default_rng(1)
middles = [(0, 0), (7, 1), (3, 7), (10, 8)]
X = np.concatenate([rng.normal(middle, 1.1, size=(120, 2)) for middle in middles])
found = select_k(X, range(1, 9), random_state=0)
print(found)

# %%
# Every criterion against k; a ring marks the k that it favors.

axes = found.plot()

# %%
# ``found.model`` is the fitted model of the suggested k.

plot.clusters(found.model, X)

# %%
# In data without clusters there is nothing to find, and `select_k` says so:

noise = rng.random((500, 2))
print(select_k(noise, range(1, 9), random_state=0).suggestion)
