"""
What the clusters are
=====================

`explain` describes each cluster by its size, its typical rows and the features that set it apart,
and approximates all of them by a small decision tree.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_wine

from ckmeans import KMeans, explain, plot

wine = load_wine(as_frame=True)
X = wine.data[["alcohol", "flavanoids", "color_intensity", "hue", "proline"]]
X = (X - X.mean()) / X.std()
model = KMeans(3, random_state=0).fit(X)
explanation = explain(model, X)
print(explanation)

# %%
# The centers feature by feature:

plot.profiles(model)

# %%
# All pairs of the first features, and the sizes:

axes = plot.pairs(model, X, features=["alcohol", "flavanoids", "color_intensity"])
plot.sizes(model)
plt.show()

# %%
# The model as one SELECT for a database; ties and all, it gives the labels of ``predict``.

print(model.to_sql("wines", dialect="postgresql")[:300], "...")
