"""Further inits, one file each; the table is in `_inits.py`.

AFK-MC2 and farthest-first were measured as well (``python -m bench.quality --page inits``) and left out: slower than greedy k-means++
here, which looks only at rows that a new center may be nearer to, and worse.
"""
from .kmeans_parallel import kmeans_parallel
from .variance_partition import variance_partition

__all__ = ["kmeans_parallel", "variance_partition"]
