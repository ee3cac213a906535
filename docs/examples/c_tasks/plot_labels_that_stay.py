"""
Labels that stay from run to run
================================

k-means numbers its clusters arbitrarily, and tomorrow's fit will number them otherwise. With
``label_order`` each cluster gets the number of the one that it continues.
"""

import matplotlib.pyplot as plt
import numpy as np

from ckmeans import KMeans, match, plot

rng = np.random.default_rng(0)
middles = np.array([(0, 0), (7, 0), (3, 6), (10, 6)])
days = [
    np.concatenate(
        [rng.normal(middle + (0.4 * day, 0.2 * day), 1.0, size=(100, 2)) for middle in middles]
    )
    for day in range(3)
]

figure, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained", sharex=True, sharey=True)
before = None
for day, X in enumerate(days):
    alone = KMeans(4, random_state=day).fit(X)
    plot.clusters(alone, X, ax=axes[0, day], regions=False).set_title(f"day {day}, alone")
    order = "size" if before is None else before
    model = KMeans(4, random_state=day, label_order=order).fit(X)
    plot.clusters(model, X, ax=axes[1, day], regions=False).set_title(f"day {day}, label_order")
    if before is not None:
        print(f"day {day}: {len(match(model, before, X).changed)} rows changed their cluster")
    before = model
