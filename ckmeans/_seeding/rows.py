"""What inits in plain NumPy share. Sums here are over features only, or of a fixed order: threads have no say."""
import numpy as np

BLOCK = 1 << 18      # values that are worked on together


def blocks(n, d):
    step = max(1, BLOCK // d)
    for start in range(0, n, step):
        yield np.arange(start, min(start + step, n))


def sq_nearest(data, centers):
    """Squared distance of every row to the nearest of these centers: (n,)."""
    labels = data.assign(np.ascontiguousarray(centers))
    out = np.empty(data.shape[0])
    for block in blocks(*data.shape):
        difference = data.take(block) - centers[labels[block]]
        out[block] = np.add.reduce(difference * difference, axis=1)
    return out


def draw(terms, uniforms):
    """Rows in proportion to these terms, the last one that has any at the most."""
    running = np.cumsum(terms)
    return np.minimum(np.searchsorted(running, uniforms * running[-1], side="right"), np.searchsorted(running, running[-1]))


def weights_of(data):
    return np.ones(data.shape[0]) if data.weights is None else data.weights


def filled(centers, data, k, random_state):
    """k centers: where these are fewer, or some are equal, rows drawn by their squared distance take what is left."""
    centers = np.unique(centers + 0.0, axis=0)[:k]
    while len(centers) < k:
        potential = weights_of(data) * sq_nearest(data, centers)
        if not potential.sum() > 0:
            return np.resize(centers, (k, data.shape[1]))
        rows = data.take(draw(potential, random_state.random_sample(k - len(centers))))
        centers = np.concatenate([centers, np.unique(rows, axis=0)])
        centers = np.unique(centers, axis=0)
    return centers[:k]
