"""Generated data like well-known test sets that cannot be downloaded here: made as the literature
describes, with our own cluster centers.

Shapes and spreads follow Fränti & Sieranoja, "K-means properties on six clustering benchmark
datasets" (Applied Intelligence 48, 2018) for the s-, a-, dim- and unbalance sets, and Veenman,
Reinders & Backer (IEEE TPAMI 24, 2002) for d31. They are not those sets, so published figures do
not apply to them.
"""

import numpy as np


def apart(rng, k, d, least):
    """k cluster centers in the unit box, no two nearer than `least`, which is reduced if there is
    no room.
    """
    middles = rng.random((1, d))
    while len(middles) < k:
        for _ in range(200):
            trial = rng.random(d)
            if ((middles - trial) ** 2).sum(axis=1).min() >= least * least:
                break
        else:
            least *= 0.95
            continue
        middles = np.vstack([middles, trial])
    return middles


def mixture(seed, sizes, d, spread, least):
    """Spherical Gaussian clusters of these sizes and this spread (one for all, or one each), with
    centers in the unit box.
    """
    rng = np.random.default_rng(seed)
    middles = apart(rng, len(sizes), d, least)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return middles[labels] + np.broadcast_to(spread, len(sizes))[
        labels, None
    ] * rng.standard_normal((len(labels), d))


def unbalance():
    """Three dense clusters of 2000 rows near each other, five sparse ones of 100 far away."""
    rng = np.random.default_rng(8)
    middles = np.array(
        [
            [0.15, 0.30],
            [0.25, 0.45],
            [0.30, 0.25],
            [0.70, 0.65],
            [0.80, 0.30],
            [0.85, 0.55],
            [0.75, 0.90],
            [0.92, 0.80],
        ]
    )
    labels = np.repeat(np.arange(8), [2000] * 3 + [100] * 5)
    return middles[labels] + np.repeat([0.006, 0.02], [6000, 500])[:, None] * rng.standard_normal(
        (6500, 2)
    )


def drill_holes(seed, n):
    """Points on a grid of drill holes, dense in some places, like the circuit boards of TSPLIB:
    without clusters.
    """
    rng = np.random.default_rng(seed)
    rows = np.rint(rng.random((4 * n, 2)) * 200)
    dense = np.exp(-((rows / 200 - 0.3) ** 2).sum(axis=1) / 0.1) + 0.2
    kept = rows[rng.random(len(rows)) < dense][:n]
    return kept + 0.2 * rng.integers(-1, 2, kept.shape)


#: name -> (function that makes the rows, numbers of clusters)
LOOKALIKES = {
    **{
        f"s{i + 1}-like": (
            lambda i=i, spread=spread: mixture([15, i], [333] * 14 + [338], 2, spread, 0.16),
            (15,),
        )
        for i, spread in enumerate((0.030, 0.040, 0.055, 0.070))
    },
    **{
        f"a{i + 1}-like": (lambda i=i, k=k: mixture([20, i], [150] * k, 2, 0.021, 0.08), (k,))
        for i, k in enumerate((20, 35, 50))
    },
    "unbalance-like": (unbalance, (8,)),
    "d31-like": (lambda: mixture([31], [100] * 31, 2, 0.023, 0.10), (31,)),
    "dim32-like": (lambda: mixture([32], [64] * 16, 32, 0.02, 0.5), (16,)),
    "mixture-8d": (lambda: mixture([88], [100] * 60, 8, 0.12, 0.2), (25, 60)),
    "mixture-16d": (
        lambda: mixture([16], np.random.default_rng(16).integers(20, 400, 40), 16, 0.2, 0.3),
        (40, 100),
    ),
    "mixture-64d": (lambda: mixture([64], [100] * 30, 64, 0.3, 0.5), (30,)),
    "drill-holes": (lambda: drill_holes(1, 3038), (10, 50)),
}
