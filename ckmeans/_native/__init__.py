"""Compiled kernels and the engine that drives them; imports nothing from the rest of the package.

The kernels exist once for each instruction set; instruction_sets.py chooses one.
"""

import os

try:
    from ckmeans._native import engine
except ImportError as error:
    raise ImportError(
        f"the compiled modules of ckmeans are not in {os.path.dirname(__file__)}. If "
        "that is a source tree, install it "
        "(pip install .) and start Python in another directory."
    ) from error

from .instruction_sets import available, isa, kernel

__all__ = ["Search", "Sorted", "available", "engine", "isa", "kernel"]

engine.use_tables(kernel("filter"), kernel("exact_f32"), kernel("exact_f64"))


def _metric_kernels(metric):
    return kernel(f"{metric}_f32"), kernel(f"{metric}_f64")


engine.metric_kernels = _metric_kernels

# Classes of their own for each instruction set, with the same results.
#: The state of a local search by swaps.
Search = kernel("swap").Search
#: Sorted values of one dimension, and their optimal partitions.
Sorted = kernel("one_dim").Sorted
