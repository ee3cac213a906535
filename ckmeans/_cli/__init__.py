"""The command line behind `ckmeans.cli`: a module per command, and what they share.

The table of commands is in `commands`. Tables are read by `readers`, `tables`, `tables_on_disk`,
and `text` with its parts; `pictures` draws.
"""
