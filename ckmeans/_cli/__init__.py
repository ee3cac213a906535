"""The command line behind `ckmeans.cli`: a module per command (see `commands`), and what they share.

Reading tables: `readers`, `tables`, `tables_on_disk`, `text` and its parts. Drawing: `pictures`.
"""
