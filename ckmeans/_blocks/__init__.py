"""Fits of rows that are not in one array.

`driver`: the runs. `tasks`: the work on each block. `inits`: initial centers. `sources`: where
blocks come from. `checkpoint`: files from which fits are resumed. `resident`: blocks that stay in
other processes. `distributed`: common parts of Dask and Ray.
"""
