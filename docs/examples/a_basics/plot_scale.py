"""
Scale and units
===============

Squared distances add up over the features, so the feature with the largest spread decides. A
feature in other units is another feature: scale before clustering, unless the units are the same.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ckmeans import KMeans, plot
from ckmeans.metrics import adjusted_rand_score

rng = np.random.default_rng(3)
truth = np.repeat([0, 1, 2], 150)
height = np.array([1.55, 1.70, 1.85])[truth] + rng.normal(0, 0.025, 450)  # meters
income = rng.normal(30_000, 8_000, 450)  # has nothing to do with the groups
X = np.column_stack([height, income])

raw = KMeans(3, random_state=0).fit(X)
pipeline = make_pipeline(StandardScaler(), KMeans(3, random_state=0)).fit(X)
scaled = pipeline[-1]

figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
plot.clusters(raw, X, ax=axes[0]).set(title="as it is", xlabel="height, m", ylabel="income")
plot.clusters(scaled, pipeline[0].transform(X), ax=axes[1]).set(
    title="standardized", xlabel="height, standard deviations", ylabel="income, standard deviations"
)

# %%
# Agreement with the true groups, 1 at best and about 0 by chance:

for name, labels in (("as it is", raw.labels_), ("standardized", scaled.labels_)):
    print(f"{name:13} {adjusted_rand_score(truth, labels):.2f}")

# %%
# Scaling is a decision about what matters. Where one feature is known to be irrelevant, leave it
# out: standardized noise still counts as much as the feature that carries the groups.

print(round(adjusted_rand_score(truth, KMeans(3).fit(X[:, :1]).labels_), 2))
