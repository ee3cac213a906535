"""Compiled kernels and the engine that drives them; imports nothing from the rest of the package.

The kernels exist once per instruction set. The widest one that this CPU has is taken at import; the
environment variable CKMEANS_ISA forces another.
"""

import os
from importlib import import_module

try:
    from ckmeans._native import engine
except ImportError as error:
    raise ImportError(
        f"the compiled modules of ckmeans are not in {os.path.dirname(__file__)}. If "
        "that is a source tree, install it "
        "(pip install .) and start Python in another directory."
    ) from error

#: Instruction sets that were built and that this CPU can run, from the narrowest to the widest.
available = tuple(isa for isa in engine.BUILT if isa in ("baseline", *engine.cpu_features()))


def _choose():
    forced = os.environ.get("CKMEANS_ISA", "").strip().lower()
    if not forced:
        return available[-1]
    if forced not in available:
        raise ImportError(
            f"CKMEANS_ISA={forced!r} is not available here; available: {', '.join(available)}"
        )
    return forced


isa = _choose()


def kernel(name):
    """The module of a kernel for the instruction set in use; where that has none of its own, for
    the next narrower one.
    """
    for built in reversed(available[: available.index(isa) + 1]):
        try:
            return import_module(f"ckmeans._native.{name}_{built}")
        except ModuleNotFoundError:
            if built == available[0]:
                raise


engine.use_tables(kernel("filter"), kernel("exact_f32"), kernel("exact_f64"))


def _metric_kernels(metric):
    return kernel(f"{metric}_f32"), kernel(f"{metric}_f64")


engine.metric_kernels = _metric_kernels

# Classes of their own for each instruction set, with the same results.
#: The state of a local search by swaps.
Search = kernel("swap").Search
#: Sorted values of one dimension, and their optimal partitions.
Sorted = kernel("one_dim").Sorted
