"""Fits of rows that are not in one array.

`driver` has the runs, `tasks` what is done to each block, `inits` initial centers, `sources` where
blocks come from, `checkpoint` the files from which fits are resumed, `resident` blocks that stay in
other processes, `distributed` what Dask and Ray have in common.
"""
