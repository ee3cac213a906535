"""A genetic search with a small population of clusterings."""

import numpy as np

from .._native import Search
from .swap import draw, swap

#: Number of clusterings that are kept, and of crossovers without improvement after which it ends.
POPULATION, PATIENCE = 2, 6


def genetic(search: Search, random_state: np.random.RandomState, budget: float) -> None:
    """Hybrid genetic search with a small population (Gribel & Vidal, Pattern Recognition 88, 2019).

    The centers of two clusterings are matched and one of each pair is taken at random. Then one
    center moves to a row drawn in proportion to its squared distance, and swaps and Lloyd's
    iterations improve the result.
    """
    k = search.k
    population = [(search.inertia, search.centers())]
    spent = search.work
    while (
        len(population) < POPULATION
        and search.work + (search.work - spent) / len(population) < budget
    ):
        search.set_centers(seed(search, random_state))
        swap(search, random_state, budget)
        population.append((search.inertia, search.centers()))
    # Where all members are alike there is nothing to cross.
    failed = PATIENCE if all(alike(population[0], member) for member in population) else 0
    while failed < PATIENCE and search.work < budget and len(population) > 1:
        one, other = random_state.choice(len(population), 2, replace=False)
        centers = cross(population[one][1], population[other][1], random_state)
        search.set_centers(centers)
        potentials = np.cumsum(search.potentials())
        if not potentials[-1] > 0:
            break
        search.swap(
            int(random_state.randint(k)), draw(potentials, random_state.random_sample(1))[0]
        )
        swap(search, random_state, budget, patience=0.2)
        inertia, best = search.inertia, min(value for value, _ in population)
        failed = 0 if inertia < best * (1 - 1e-9) else failed + 1
        if all(abs(inertia - value) > 1e-9 * value for value, _ in population):
            worst = max(range(len(population)), key=lambda i: population[i][0])
            if inertia < population[worst][0]:
                population[worst] = inertia, search.centers()
    search.set_centers(min(population, key=lambda member: member[0])[1])


def alike(one: tuple[float, np.ndarray], other: tuple[float, np.ndarray]) -> bool:
    """Whether two clusterings are nearly equal: their inertia differs little, and the nearest
    centers in the other are all different.
    """
    if abs(one[0] - other[0]) > 1e-3 * other[0]:
        return False
    nearest = ((one[1][:, None] - other[1][None]) ** 2).sum(axis=2).argmin(axis=1)
    return len(np.unique(nearest)) == len(nearest)


def seed(search: Search, random_state: np.random.RandomState) -> np.ndarray:
    """New centers by k-means++."""
    return search.plusplus(random_state.random_sample(search.k))


def cross(a: np.ndarray, b: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
    """Match the centers of two clusterings, nearest pairs first, and take one of each pair."""
    k = len(a)
    sq = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    child = a.copy()
    free_a, free_b = np.ones(k, dtype=bool), np.ones(k, dtype=bool)
    pick = random_state.random_sample(k) < 0.5
    for flat in np.argsort(sq, axis=None, kind="stable"):
        i, j = divmod(int(flat), k)
        if free_a[i] and free_b[j]:
            free_a[i] = free_b[j] = False
            if pick[i]:
                child[i] = b[j]
            if not free_a.any():
                break
    return child
