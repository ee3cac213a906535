"""
In a scikit-learn pipeline
==========================

The estimators behave as scikit-learn's do: in a ``Pipeline``, in a grid search, as a step that
makes features for a classifier.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ckmeans import KMeans

X, y = load_digits(return_X_y=True)
train, test, y_train, y_test = train_test_split(X, y, random_state=0)
pipeline = Pipeline(
    [
        ("clusters", KMeans(random_state=0, n_init=1)),  # gives distances to the centers
        ("scale", StandardScaler()),
        ("classify", LogisticRegression(max_iter=300)),
    ]
)
search = GridSearchCV(pipeline, {"clusters__n_clusters": [5, 10, 20, 40]}, cv=3)
search.fit(train, y_train)
print(search.best_params_, round(search.score(test, y_test), 3))

# %%
# More clusters, better features:

scores = search.cv_results_["mean_test_score"]
plt.figure(figsize=(6, 3.5), layout="constrained")
plt.plot(search.param_grid["clusters__n_clusters"], scores, "o-")
plt.xlabel("clusters")
plt.ylabel("accuracy in cross-validation")
plt.show()

# %%
# The centers are pictures, too:

centers = search.best_estimator_["clusters"].cluster_centers_
figure, axes = plt.subplots(2, 10, figsize=(10, 2.2), layout="constrained")
for ax, center in zip(axes.flat, centers):
    ax.imshow(center.reshape(8, 8), cmap="gray_r")
    ax.axis("off")
