"""Many clusters in groups of neighbors. Swaps are tried within a group, on the rows of its clusters
alone, and threads share out the groups.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .._input.contiguous import contiguous
from .._input.random_states import seeded
from .._native import Search
from .swap import swap

#: The largest number of clusters in a group.
MEMBERS = 64


def swap_in_groups(
    rows: np.ndarray,
    weights: np.ndarray | None,
    centers: np.ndarray,
    labels: np.ndarray,
    budget: float,
    random_state: np.random.RandomState,
    n_threads: int,
) -> tuple[np.ndarray, float]:
    """`swap` within each group; returns centers (k, m) and the number of distances computed.

    Each group has random numbers of its own, so the result does not depend on the threads.

    labels : (n,) of the rows, ascending
    """
    groups = neighbors(centers, MEMBERS)
    seeds = random_state.randint(2**31 - 1, size=len(groups))
    ends = np.searchsorted(labels, np.arange(len(centers) + 1))
    found = centers.copy()

    def searched(i: int) -> float:
        own = groups[i]
        here = np.concatenate([np.arange(ends[j], ends[j + 1]) for j in own])
        if len(own) < 2 or len(here) <= len(own):
            return 0.0
        search = Search(
            contiguous(rows[here]),
            None if weights is None else contiguous(weights[here]),
            contiguous(centers[own]),
        )
        share = budget * len(here) / len(rows)
        with seeded(int(seeds[i])) as own_state:
            swap(search, own_state, search.work + share)
        found[own] = search.centers()
        return search.work

    if n_threads == 1:
        return found, sum(map(searched, range(len(groups))))
    pool = ThreadPoolExecutor(n_threads)
    try:
        return found, sum(pool.map(searched, range(len(groups))))
    finally:
        pool.shutdown(cancel_futures=True)  # groups that were not begun, after Ctrl-C


def neighbors(centers: np.ndarray, most: int) -> list[np.ndarray]:
    """Indices of centers (k, m) in groups of at most `most`. A larger group is halved along the
    feature in which its centers vary most.
    """
    done, groups = [], [np.arange(len(centers))]
    while groups:
        group = groups.pop()
        if len(group) <= most:
            done.append(group)
            continue
        feature = int(centers[group].var(axis=0).argmax())
        order = group[np.argsort(centers[group, feature], kind="stable")]
        groups += [np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])]
    return done
