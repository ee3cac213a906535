"""
n_runs, seed and generator
==========================

Random starts lead to different local optima. Tutorials run the algorithm ``n_runs`` times and keep
the best; ckmeans does it by default, keeps a record of every run, and can repeat any of them.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans

rng = np.random.default_rng(8)
middles = rng.uniform(0, 20, size=(12, 2))
X = np.concatenate([rng.normal(middle, 0.9, size=(80, 2)) for middle in middles])

# %%
# **n_runs** is ``n_init``, and the **seed** is ``random_state``. ``init="random"`` starts from
# random rows, as the tutorials do.

model = KMeans(12, init="random", n_init=30, random_state=1).fit(X)
inertias = np.array([run.inertia for run in model.runs_])
plt.figure(figsize=(8, 3.5), layout="constrained")
plt.bar(range(30), inertias, color=np.where(inertias == model.inertia_, "#009E73", "#0072B2"))
plt.xlabel("run")
plt.ylabel("inertia")
plt.show()

# %%
# The best of the runs so far, as more are made:

plt.figure(figsize=(8, 3), layout="constrained")
plt.step(range(1, 31), np.minimum.accumulate(inertias), where="post")
plt.xlabel("runs")
plt.ylabel("lowest inertia so far")
plt.show()

# %%
# **The same seed, the same result**, to the last bit, on any machine and with any number of
# threads:

again = KMeans(12, init="random", n_init=30, random_state=1, n_threads=1).fit(X)
np.array_equal(again.cluster_centers_, model.cluster_centers_), again.inertia_ == model.inertia_

# %%
# Each run has a seed of its own; the best one can be repeated alone.

best = min(model.runs_, key=lambda run: run.inertia)
alone = KMeans(12, init="random", n_init=1, random_state=best.seed).fit(X)
best.seed, alone.inertia_ == model.inertia_

# %%
# **A generator** instead of a seed moves on with every fit:

generator = np.random.default_rng(5)
[round(KMeans(12, n_init=1, random_state=generator).fit(X).inertia_, 1) for _ in range(3)]
