"""Draws docs/_static/first.svg, the picture of the README: python docs/_ext/first_picture.py"""

from pathlib import Path

import matplotlib
import numpy as np

from ckmeans import KMeans, plot

matplotlib.use("agg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "ckmeans"})

rng = np.random.default_rng(0)
X = np.concatenate([rng.normal(center, 1.0, size=(100, 2)) for center in ([0, 0], [8, 0], [4, 7])])
ax = plot.clusters(KMeans(n_clusters=3, random_state=0).fit(X), X)
for image in ax.images:
    image.set_interpolation("none")  # as it is, not at the size of the page
path = Path(__file__).parents[1] / "_static" / "first.svg"
ax.figure.savefig(path, metadata={"Date": None})
