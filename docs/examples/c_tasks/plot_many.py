"""
A clustering in each of many groups
===================================

Customers of forty shops: every shop has price levels of its own, and one clustering of all would
mix them up. :func:`ckmeans.fit_many` fits each shop by itself, in one call; each gets the same
centers as a fit of its rows alone.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ckmeans import fit_many

rng = np.random.default_rng(3)
shop = rng.integers(40, size=8000)
level = rng.uniform(10, 60, size=40)[shop]
kind = rng.integers(3, size=8000)
basket = level * np.array([0.4, 1.0, 2.2])[kind] * rng.lognormal(0, 0.12, 8000)
visits = np.array([9.0, 4.0, 1.5])[kind] + rng.normal(0, 0.5, 8000)
customers = pd.DataFrame({"shop": shop, "basket": basket, "visits": visits})

fits = fit_many(customers.groupby("shop"), 3, random_state=0)
centers = fits.to_frame()
print(centers.head(6).round(2))

# %%
# The three kinds of customers of each shop: a large basket of one is a small one of another.
figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
ax.scatter(customers["basket"], customers["visits"], s=3, color="0.8", label="customers")
ranks = centers.groupby("group")["basket"].rank()
for rank, name in enumerate(("small basket", "middle", "large basket"), start=1):
    some = centers[ranks == rank]
    ax.scatter(some["basket"], some["visits"], s=some["n_rows"] / 2, label=f"centers, {name}")
ax.set(xlabel="basket", ylabel="visits a month", title="40 shops, 3 clusters in each")
ax.legend()

# %%
# New customers are compared with the centers of their own shop. The same function trains a product
# quantizer: ``fit_many(X, 256, subspaces=8).labels`` are its codes.
new = pd.DataFrame({"shop": [0, 1], "basket": [80.0, 80.0], "visits": [2.0, 2.0]})
print(fits.predict(new, groups="shop"))
