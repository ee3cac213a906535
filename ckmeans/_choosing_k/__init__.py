"""Choosing the number of clusters: the parts of `select_k`."""
