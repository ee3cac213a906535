"""How the kernels of one instruction set (baseline, AVX2, AVX-512, ...) are chosen.

The kernels are compiled once for each. The widest that this CPU has is chosen at import, unless the
environment variable CKMEANS_ISA names another. What the CPU has: runtime/cpu.h.
"""

import os
from importlib import import_module
from typing import Any

from .engine import BUILT, cpu_features

#: Instruction sets that were built and that this CPU can run, from the narrowest to the widest.
available: tuple[str, ...] = tuple(isa for isa in BUILT if isa in ("baseline", *cpu_features()))


def choose() -> str:
    """The instruction set to use."""
    forced = os.environ.get("CKMEANS_ISA", "").strip().lower()
    if not forced:
        return available[-1]
    if forced not in available:
        raise ImportError(
            f"CKMEANS_ISA={forced!r} is not available here; available: {', '.join(available)}"
        )
    return forced


#: The instruction set in use.
isa = choose()


def kernel(name: str) -> Any:
    """The module of a kernel for the instruction set in use; where that has none of its own, for
    the next narrower one.
    """
    for built in reversed(available[: available.index(isa) + 1]):
        try:
            return import_module(f"ckmeans._native.{name}_{built}")
        except ModuleNotFoundError:
            if built == available[0]:
                raise
