"""Checks of all that users pass: arrays, tables, sparse rows and parameters; also optional packages
and the configuration.
"""
