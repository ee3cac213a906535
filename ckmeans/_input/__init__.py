"""What users pass: arrays, tables, sparse rows and parameters, checked in one place; optional
packages; configuration.
"""
