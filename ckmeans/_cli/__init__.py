"""The command line behind `ckmeans.cli`: reading tables, drawing pictures."""
