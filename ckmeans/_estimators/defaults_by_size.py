"""How many starts `KMeans` makes by default, and how many distances it computes to refine the best
of them; both depend on the numbers of rows, features and clusters.

One start and a refinement reach a lower inertia than ten starts without one, and the difference
grows with the number of clusters. With few clusters, whose local optima differ most, several starts
still help. Starts and refinement are reduced as the work of one iteration grows. Work is counted
and never timed, so that a seed gives the same result on every machine.
"""

from math import log
from typing import Any, NamedTuple

from .._refine import LEAST_CLUSTERS, Plan, cost, plan
from .._refine.axes import looked_at

#: (work, starts): how many starts there are below this work of one iteration, which is the product
#: of the numbers of rows, features and clusters. From the last row on there is one start.
STARTS = ((1e6, 4), (1e7, 2))

#: The same where no refinement follows, as with rules.
STARTS_ALONE = ((1e6, 10), (1e7, 4), (1e8, 2))

#: A refinement may compute MOST distances for each row and cluster up to the work FREE. Beyond, it
#: may compute MOST * (FREE / work)**DECLINE, or as many as take the time of the run before it, if
#: that is more. If there is only one start, the latter is multiplied by ALONE, or by ALONE_WIDE
#: where rows are projected onto axes, which makes distances cheaper than they are counted.
MOST, FREE, DECLINE, ALONE, ALONE_WIDE = 150.0, 2e6, 1.8, 0.6, 0.85

#: The latter are at most ENOUGH, and are multiplied by sqrt(LARGE / work) beyond the work LARGE.
#: They decrease to none at the work HUGE, from which on a refinement would take much longer than
#: the iterations, whose distances are then cheapest.
ENOUGH, LARGE, HUGE = 50.0, 1e8, 1e10

#: "hartigan-wong", which moves single rows, follows "swap" if a refinement may compute this number
#: of distances, or more, for each row and cluster.
WITH_ROWS = 8.0

#: Where there is one start, the refinement uses at most ROWS rows per cluster, or LEAST_ROWS if
#: that is more.
ROWS, LEAST_ROWS = 150, 5000

#: It then also uses no more rows than it can compare with all clusters PASSES times, after a run of
#: USUAL iterations. With fewer than FEWEST_ROWS rows per cluster there is no refinement.
USUAL, PASSES, FEWEST_ROWS = 20, 3, 15


class Effort(NamedTuple):
    """The amount of work by default in a fit of n rows of d features to k clusters."""

    n: int
    d: int
    k: int
    refinable: bool = True  #: whether such fits can be refined

    @property
    def work(self) -> float:
        """Of one iteration: rows times features times clusters."""
        return float(self.n) * self.d * self.k

    @property
    def starts(self) -> int:
        """The number of runs from different initial centers."""
        table = STARTS if self.refinable else STARTS_ALONE
        return next((starts for most, starts in table if self.work < most), 1)

    @property
    def rows(self) -> int:
        """The number of rows that the refinement uses."""
        if self.work < STARTS[-1][0]:
            return max(20000, 300 * self.k)
        affordable = self.most(USUAL) * self.n / PASSES
        return int(min(self.n, max(LEAST_ROWS, ROWS * self.k), affordable))

    @property
    def refines(self) -> bool:
        """Whether the best run is refined."""
        return self.refinable and self.worth_refining

    @property
    def worth_refining(self) -> bool:
        """Whether a refinement would use enough rows per cluster to find improvements."""
        return self.rows >= min(self.n, FEWEST_ROWS * self.k)

    def most(self, n_iter: int) -> float:
        """The number of distances that the refinement may compute for each row and cluster, after a
        run of n_iter iterations.
        """
        run = 2 + log(self.k) + n_iter  # distances of the run: k-means++ computes 2 + log(k)
        share = min(ENOUGH, run / cost(self.d)) * min(1.0, (LARGE / self.work) ** 0.5)
        share *= max(0.0, 1 - self.work / HUGE)
        if self.starts == 1:
            share *= ALONE_WIDE if looked_at(self.d) < self.d else ALONE
        return max(share, MOST * min(1.0, (FREE / self.work) ** DECLINE))

    def refinement(self, n_iter: int) -> Plan:
        """The refinement of the best run, which took n_iter iterations."""
        most = self.most(n_iter)
        how = plan("auto" if most >= WITH_ROWS else "swap")
        distances = most * self.n * max(self.k, LEAST_CLUSTERS)
        return how._replace(
            rows=0, least_rows=self.rows, distances=distances, shortcuts=True, limited=False
        )


def default_effort(model: Any, n: int, d: int, refinable: bool = True) -> Effort | None:
    """The effort of a fit whose parameters leave it open; None where `init`, `n_init` or `refine`
    is given, and for one column, whose optimum is computed.

    refinable : whether the fit can be refined. A fit with rules cannot; then `refine` has no effect
        here, and one column is treated like several, since its optimum would not obey the rules.
    """
    if not (isinstance(model.init, str) and model.init == model.n_init == "auto"):
        return None
    if refinable and (getattr(model, "refine", "default") != "default" or d == 1):
        return None
    return Effort(n, d, int(model.n_clusters), refinable)
