import numpy as np

from .rows import filled


def variance_partition(data, k, random_state):
    """Means of parts: the part of largest sum of squares is cut at the mean of its widest feature (Su & Dy, Intell. Data Anal. 11, 2007).

    Draws nothing. Not for data whose groups lie apart in no single feature.
    """
    n = data.shape[0]
    rows = np.arange(n) if data.weights is None else np.flatnonzero(data.weights)
    parts = [_part(data, rows)]
    while len(parts) < k:
        widest = max(range(len(parts)), key=lambda i: parts[i][0])
        square, rows, values = parts[widest]
        low = values <= 0
        if not square > 0 or low.all() or not low.any():
            break
        parts[widest : widest + 1] = [_part(data, rows[low]), _part(data, rows[~low])]
    labels = np.zeros(n, dtype=np.int32)
    for label, (_, rows, _) in enumerate(parts):
        labels[rows] = label
    means = data.means(labels, len(parts))
    return means if len(parts) == k else filled(means, data, k, np.random.RandomState(0))


def _part(data, rows):
    """Sum of squares about the mean, rows, and their values of the widest feature less its mean."""
    X = data.take(rows)
    w = None if data.weights is None else data.weights[rows]
    mean = np.add.reduce(X if w is None else X * w[:, None], axis=0) / (len(rows) if w is None else np.add.reduce(w))
    X -= mean
    squares = np.add.reduce(X * X if w is None else X * X * w[:, None], axis=0)
    widest = int(np.argmax(squares))
    return float(np.add.reduce(squares)), rows, X[:, widest].copy()
