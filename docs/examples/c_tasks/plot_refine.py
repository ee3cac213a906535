"""
Better than a local optimum
===========================

With many clusters even ten runs rarely find the best clustering. ``refine="auto"`` continues from
a run's end: it swaps centers and moves single rows.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans

rng = np.random.default_rng(1)
X = rng.uniform(-20, 20, (30, 2))[rng.integers(30, size=3000)] + rng.normal(size=(3000, 2))

figures = []
for name, options in {
    "1 run": dict(n_init=1),
    "10 runs": dict(n_init=10),
    "1 run, refine='auto'": dict(n_init=1, refine="auto"),
    "1 run, refine='best'": dict(n_init=1, refine="best"),
}.items():
    for seed in range(5):
        began = time.perf_counter()
        model = KMeans(30, random_state=seed, **options).fit(X)
        figures.append((name, 1000 * (time.perf_counter() - began), model.inertia_))

best = min(inertia for _, _, inertia in figures)
plt.figure(figsize=(8, 4.5), layout="constrained")
for name in dict.fromkeys(name for name, _, _ in figures):
    ms, inertia = zip(*[(t, value) for n, t, value in figures if n == name])
    plt.plot(ms, np.array(inertia) / best, "o", label=name, alpha=0.7)
plt.xscale("log")
plt.xlabel("milliseconds (of the machine that built this page)")
plt.ylabel("inertia, relative to the best found")
plt.legend()
plt.show()
