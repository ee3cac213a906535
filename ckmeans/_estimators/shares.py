"""Shares: how much of a row belongs to each cluster, for any fitted model."""

from typing import Any

import numpy as np

from .._input import checks as check

#: How many shares are computed at a time, so that many rows need no more memory.
AT_ONCE = 1 << 17


def check_temperature(temperature: Any) -> None:
    """Raise unless this is None or a number above 0."""
    if temperature is not None:
        check.check_positive(
            temperature, "temperature", "squared units of X", none="takes one from the inertia"
        )


def temperature_of(model: Any, d: int) -> float:
    """The temperature that a model's own inertia gives.

    It is the variance of the rows around their centers, per feature and per unit of weight: the
    maximum-likelihood variance of a mixture of round Gaussians in which every row belongs to one
    cluster. Of cosine distances it is that of the unit rows.
    """
    inertia = getattr(model, "inertia_", None)
    counts = getattr(model, "counts_", None)
    weight = getattr(model, "weight_", None)
    if inertia is None or (weight is None and counts is None):
        raise ValueError(
            f"this {type(model).__name__} has no inertia_ and counts_ to choose a temperature "
            "from: pass temperature=, a positive number in squared units of X."
        )
    if weight is None:
        weight = float(np.sum(np.asarray(counts)))
    if not (np.isfinite(inertia) and inertia >= 0 and np.isfinite(weight) and weight > 0):
        raise ValueError(
            f"inertia_={inertia!r} over a total weight of {weight!r} gives no temperature: pass "
            "temperature=, a positive number in squared units of X."
        )
    # Inertia adds cosine distances, which are half the squared distances of unit rows, and plain
    # distances where the metric is Manhattan.
    return float((2 if model.metric == "cosine" else 1) * inertia / (weight * d))


def shares(out: np.ndarray, metric: str, temperature: float) -> np.ndarray:
    """The softmax of -distance**2 / (2 * temperature), row by row; see `predict_proba`.

    Parameters
    ----------
    out : ndarray of shape (n, k), float64
        Distances; they are overwritten.
    metric : str
    temperature : float
        0 stands for the limit: the nearest center gets the whole row; equally near ones get equal
        shares.

    Returns
    -------
    out : ndarray of shape (n, k), float64
    """
    step = max(1, AT_ONCE // out.shape[1])
    for first in range(0, len(out), step):
        part = out[first : first + step]
        nearest = part.min(axis=1, keepdims=True)
        if temperature == 0:
            part[...] = part == nearest
        else:
            energy(part, nearest, metric, temperature)
        part /= part.sum(axis=1, keepdims=True)
    return out


def energy(part: np.ndarray, nearest: np.ndarray, metric: str, temperature: float) -> None:
    """Turn distances, in place, into exp of how far each is beyond the nearest: from 0 to 1."""
    with np.errstate(over="ignore", under="ignore"):
        if metric == "euclidean":
            # d^2 - d0^2 as a product: exact where both are large and close
            beyond = (part - nearest) * (part + nearest)
            beyond /= 2 * temperature
        else:  # 1 - cos is half a squared distance, and a Manhattan distance counts as it is
            beyond = (part - nearest) / temperature
        np.exp(-beyond, out=part)
