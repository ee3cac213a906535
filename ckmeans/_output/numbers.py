"""Numbers as pictures, reports and explanations write them: one way for all of them."""

import math
from typing import Any

import numpy as np


def number(value: float, digits: int = 3) -> str:
    """A number with so many digits, and all of its whole part: 98,823 rather than 9.88e+04.

    Only what is very large (10**9 and more) or very small has an exponent.
    """
    rounded = abs(float(f"{value:.{digits}g}"))
    if not 1000 <= rounded < 1e9:
        return f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(rounded)))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def numbers(values: Any, step: float | None = None) -> list[str]:
    """Several numbers, all with the same number of decimals.

    step : float or None
        What two of them differ by at least; None: two digits of what they differ by at most.
    """
    values = np.asarray(values, dtype=np.float64)
    if not len(values):
        return []
    largest = float(np.abs(values).max())
    if step is None:
        reach = float(values.max() / 2 - values.min() / 2) or largest
        step = 10.0 ** (math.floor(math.log10(reach) + 1e-9) - 1) if reach > 0 else 1.0
    if not (largest < 1e9 and step >= 1e-6):
        return [f"{value:.{_digits(values, step)}g}" for value in values.tolist()]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    while decimals < 7 and abs(round(step, decimals) - step) > 1e-6 * step:
        decimals += 1
    # (Adding 0 turns what was rounded to -0 into 0.)
    return [f"{round(value, decimals) + 0.0:,.{decimals}f}" for value in values.tolist()]


def _digits(values: np.ndarray, step: float) -> int:
    """How many digits tell numbers apart that differ by so much."""
    largest = float(np.abs(values).max())
    return int(np.clip(math.ceil(math.log10(max(largest, step)) - math.log10(step)) + 1, 3, 15))


def share(value: float) -> str:
    """A share in words that does not pretend: 99.97% are not 100%."""
    if 0.995 <= value < 1:
        return f"{math.floor(value * 10000) / 100:.2f}%" if value < 0.9999 else "more than 99.99%"
    if 0 < value < 0.005:
        return f"{value:.2%}" if value >= 0.0001 else "less than 0.01%"
    return f"{value:.0%}"
