"""The plots of `ckmeans.plot`, one subject a file."""
