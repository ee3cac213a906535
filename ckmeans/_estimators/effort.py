"""How much work `KMeans` does where nobody asks for another: by how many rows, features and
clusters there are.

One start that is refined ends lower than ten that are not, and the more so the more clusters there
are; where there are few clusters, whose local optima differ most, a few starts still help. Both
become less as the work of one iteration grows. All is counted, never timed, so that a seed gives
the same result on every machine.
"""

from typing import Any, NamedTuple

from .._refine import Plan, plan

#: Below so much work (rows times features times clusters) there are so many starts.
STARTS = ((1e6, 4), (1e7, 2))

#: The same where no refinement follows, as with rules.
STARTS_ALONE = ((1e6, 10), (1e7, 4), (1e8, 2))

#: A refinement may compute so many distances for each row and cluster. Up to FREE they are as good
#: as free; then they become fewer, down to a share of those of the run before it.
MOST, FREE, DECLINE = 150.0, 1e6, 1.25

#: That share declines from so much work on, with its square root.
LARGE = 1e8

#: Single rows are moved as well ("hartigan-wong") if so many distances are allowed.
WITH_ROWS = 8.0

#: Beyond the work up to which there are several starts, the refinement looks at so many rows per
#: cluster, and in all, at most.
ROWS, LEAST_ROWS = 150, 5000

#: Iterations of a usual run; how often all rows that are looked at must at least be comparable with
#: all clusters; and how many rows per cluster are too few to say anything.
USUAL, PASSES, FEWEST_ROWS = 20, 3, 15


class Effort(NamedTuple):
    """What a fit of n rows of d features to k clusters does by default."""

    n: int
    d: int
    k: int
    refinable: bool = True  #: whether there is a refinement for such fits

    @property
    def work(self) -> float:
        """Of one iteration."""
        return float(self.n) * self.d * self.k

    @property
    def starts(self) -> int:
        """Runs from different initial centers, of which the best is refined if it can be."""
        table = STARTS if self.refinable else STARTS_ALONE
        return next((starts for most, starts in table if self.work < most), 1)

    @property
    def rows(self) -> int:
        """How many rows the refinement looks at: few enough that it can compare them with all
        clusters a few times, after a run of usual length.
        """
        if self.work < STARTS[-1][0]:
            return max(20000, 300 * self.k)
        affordable = self.most(USUAL) * self.n / PASSES
        return int(min(self.n, max(LEAST_ROWS, ROWS * self.k), affordable))

    @property
    def refines(self) -> bool:
        """Whether the best run is refined at all."""
        return self.refinable and self.rows >= min(self.n, FEWEST_ROWS * self.k)

    def most(self, n_iter: int) -> float:
        """Distances for each row and cluster, after a run of so many iterations."""
        # What one of the refinement's distances costs, which are exact, in those of an iteration.
        cost = (1 + 0.5 * self.d) / (3 + 0.07 * self.d)
        share = n_iter / cost * min(1.0, (LARGE / self.work) ** 0.5)
        return max(share, MOST * min(1.0, (FREE / self.work) ** DECLINE))

    def refinement(self, n_iter: int) -> Plan:
        """What is done to the best run, which took so many iterations."""
        most = self.most(n_iter)
        how = plan("auto" if most >= WITH_ROWS else "swap")
        return how._replace(rows=0, least_rows=self.rows, distances=most * self.n * self.k)


def default_effort(model: Any, n: int, d: int, refinable: bool = True) -> Effort | None:
    """The effort of a model that leaves it open; None where a parameter says what is to be done,
    and for one column, whose optimum is found.

    refinable : whether there is a refinement for what the model does: there is none for rules,
        which the optimum of one column does not keep to, either
    """
    if not (isinstance(model.init, str) and model.init == model.n_init == "auto"):
        return None
    if refinable and (getattr(model, "refine", "default") != "default" or d == 1):
        return None
    return Effort(n, d, int(model.n_clusters), refinable)
