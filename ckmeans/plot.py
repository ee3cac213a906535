"""Pictures of clusterings, with matplotlib (``pip install 'ckmeans-cython[plot]'``).

Every function takes matplotlib axes and returns them; without axes it makes a new figure. Axes are
labeled with the names of the columns, and have a title unless they have one already. Rows of models
with ``metric="cosine"`` are drawn at unit length. A cluster has the same color in all plots of a
model. The colors can be distinguished by color-blind readers (Okabe & Ito 2008); from the ninth
cluster on, darker and lighter shades of them follow. With more than 20 clusters colors repeat,
never for neighbors if it can be helped; the numbers at the centers identify them. Outliers are
crosses. Of very many rows a random sample is drawn, and the plot says so. Texts and paper follow
matplotlib's style: ``plt.style.use("dark_background")``.
"""

from ._output.numbers import number
from ._plots.centers import center_distances, profiles, sizes
from ._plots.choice_of_k import selection
from ._plots.comparison import compare
from ._plots.drawing import COLORS, MAX_POINTS, SHADES, cluster_colors
from ._plots.drift_of_rows import drift
from ._plots.few_colors import quantization
from ._plots.overview import overview
from ._plots.rows import clusters, clusters_3d, pairs, projection
from ._plots.silhouettes import silhouette
from ._plots.watching import animation, trace

__all__ = [
    "COLORS",
    "MAX_POINTS",
    "SHADES",
    "animation",
    "center_distances",
    "cluster_colors",
    "clusters",
    "clusters_3d",
    "compare",
    "drift",
    "number",
    "overview",
    "pairs",
    "profiles",
    "projection",
    "quantization",
    "selection",
    "silhouette",
    "sizes",
    "trace",
]
