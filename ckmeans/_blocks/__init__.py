"""Fits of rows that are not in one array: the driver, its tasks, where blocks come from,
checkpoints.
"""
