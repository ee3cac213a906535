"""The tasks that are measured: for each the call that is timed and the check of its result.

``timed(peer, job)`` prepares the call and returns ``call(i)``, where i is the number of calls
before. ``outcome(peer, job, result)`` returns the number of iterations (or None) and the value that
peers must agree on. Only ``call`` is timed.
"""

from typing import NamedTuple

import numpy as np

WIDE_ITER = 5  # iterations of a cell of the page "wide"
BLOCK = 1 << 22  # entries that are checked together, so that a check needs little memory


class Job(NamedTuple):
    """The data of one cell, and how long to iterate."""

    X: np.ndarray
    centers: np.ndarray
    k: int
    n_init: int
    n_iter: int  # iterations to run, at most
    finish: bool  # whether libraries without a test of convergence make one more assignment


class Task(NamedTuple):
    timed: object
    outcome: object
    same: bool  # whether all peers must come to the same value
    iterates: bool  # whether the time of a call grows with `n_iter`
    # of a result: computed distances, divided by rows x centers x iterations
    share: object = None


def inertia(X, centers, labels):
    """The sum of squared distances, in float64 from differences: the same for all peers."""
    centers = np.asarray(centers, dtype=np.float64)
    step = max(1, BLOCK // X.shape[1])
    total = 0.0
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        difference = X[rows] - centers[labels[rows]]
        total += float(np.einsum("ij,ij->", difference, difference))
    return total


def nearest(X, centers):
    """Labels for the centers of a task that does not give labels."""
    middle = X.mean(axis=0, dtype=np.float64)
    centers = centers - middle
    sq_norms = (centers * centers).sum(axis=1)
    step = max(1, BLOCK // (len(centers) + X.shape[1]))
    return np.concatenate(
        [
            (sq_norms - 2 * ((X[start : start + step] - middle) @ centers.T)).argmin(axis=1)
            for start in range(0, len(X), step)
        ]
    )


def tolerance(dtype):
    """The relative difference up to which values count as equal."""
    return 1e-4 if dtype == "float32" else 1e-6


def _fit(peer, job):
    return lambda i: peer.fit(job.X, job.centers, job.n_iter, job.finish)


def _iteration(peer, job):
    # scikit-learn's class ends on an assignment to the new centers: other libraries are told to do
    # that, too.
    return lambda i: peer.fit(job.X, job.centers, 1, True)


def _restarts(peer, job):
    # Another seed each time, so that the median does not depend on one draw.
    return lambda i: peer.restarts(job.X, job.k, job.n_init, job.n_iter, i)


def _wide(peer, job):
    # Some peers take no initial centers, and some test for convergence: all do as many iterations.
    return lambda i: peer.fit(job.X, job.centers, WIDE_ITER, False)


def _fitted(peer, job, model):
    return peer.n_iter(model), inertia(job.X, peer.centers(model), peer.predict(model, job.X))


def _share(peer, job, model):
    if not getattr(peer, "counts", False):
        return None
    counted = peer.KMeans(
        job.k, init=job.centers, n_init=1, max_iter=job.n_iter, tol=0, history=True, **peer.options
    )
    history = counted.fit(job.X).history_[0]
    return sum(step.n_distances for step in history) / (len(job.X) * job.k * len(history))


def _plusplus(peer, job):
    return lambda i: peer.plusplus(job.X, job.k, i)


def _potential(peer, job, centers):
    return None, inertia(job.X, centers, nearest(job.X, centers))


def _predict(peer, job):
    model = peer.model(job.centers)
    return lambda i: peer.predict(model, job.X)


def _labels(peer, job, labels):
    return None, inertia(job.X, job.centers, labels)


def _row(peer, job):
    model, row = peer.model(job.centers), job.X[-1:]
    return lambda i: peer.predict(model, row)


def _label(peer, job, labels):
    return None, inertia(job.X[-1:], job.centers, labels)


def _transform(peer, job):
    model = peer.model(job.centers)
    return lambda i: peer.transform(model, job.X)


def _distances(peer, job, distances):
    return None, float(distances.sum(dtype=np.float64))


TASKS = {
    "fit": Task(_fit, _fitted, same=True, iterates=True),
    "algorithms": Task(_fit, _fitted, same=True, iterates=True, share=_share),
    "wide": Task(_wide, _fitted, same=False, iterates=False),
    "iteration": Task(_iteration, _fitted, same=True, iterates=False),
    "plusplus": Task(_plusplus, _potential, same=False, iterates=False),
    "predict": Task(_predict, _labels, same=True, iterates=False),
    "transform": Task(_transform, _distances, same=True, iterates=False),
    "restarts": Task(_restarts, _fitted, same=False, iterates=True),
    "row": Task(_row, _label, same=True, iterates=False),
    "memory": Task(_fit, _fitted, same=True, iterates=True),
}
