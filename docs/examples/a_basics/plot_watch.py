"""
Watching a fit
==============

The paths of the centers, the inertia of every iteration, and an animation.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans, plot

rng = np.random.default_rng(5)
middles = [(0, 0), (6, 0), (3, 5), (9, 5)]
X = np.concatenate([rng.normal(middle, 1.0, size=(150, 2)) for middle in middles])
start = X[rng.choice(len(X), 4, replace=False)]
model = KMeans(4, init=start, tol=0, history=True).fit(X)

# %%
# ``history=True`` keeps a record of each iteration.

iterations = model.history_[0]
for step in iterations:
    print(f"{step.n_iter:2}  inertia {step.inertia:8.1f}  {step.n_changed:4} rows changed")

# %%
# Where each center went:

plot.trace(KMeans(4, init=start, tol=0), X)

# %%
# The same as an animation:

film = plot.animation(KMeans(4, init=start, tol=0), X)
plt.show()

# %%
# A progress line for every iteration needs no picture: ``verbose=1``. A function that is called
# after each iteration can end the fit:

stopped = KMeans(4, init=start, tol=0, callback=lambda state: state.n_iter == 2).fit(X)
stopped.n_iter_, stopped.stop_reason_
