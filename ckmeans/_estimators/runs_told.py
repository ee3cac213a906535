"""What texts and pages say of the runs of a fit: how many there were, how many have found the best
result, and how it ended.
"""

from collections.abc import Sequence
from typing import Any

#: What a stop reason means, where a page has room for it.
MEANINGS = {
    "labels": "no label changed in the last one",
    "tol": "in the last one, the centers moved less than the tolerance",
}
#: Stop reasons of fits that might have gone on.
UNFINISHED = ("max_iter", "max_time", "callback", "interrupted")


def own_runs(runs: Sequence[Any]) -> tuple[Sequence[Any], Any]:
    """The runs that had initial centers of their own, and the run that refined the best of these
    (which `runs_` holds as one more, with the seed of the best), or None.
    """
    if runs and runs[-1].seed is not None and runs[-1].seed in [run.seed for run in runs[:-1]]:
        return runs[:-1], runs[-1]
    return runs, None


def runs_told(runs: Sequence[Any]) -> str:
    """How many runs there were, whether the best was refined, and how many have found the best;
    empty without runs.

    Examples
    --------
    >>> from ckmeans import Run
    >>> runs_told([Run(7, 2.0, 5, "labels", 0.1), Run(8, 3.0, 4, "labels", 0.1)])
    '2; 1 reached this inertia, the worst 3'
    """
    if not runs:
        return ""
    own, refined = own_runs(runs)
    inertias, count = [run.inertia for run in own], len(own)
    best = min(run.inertia for run in runs) * (1 + 1e-9)
    reached = sum(inertia <= best for inertia in inertias)
    if not reached:
        worst = f"; the worst was {max(inertias):.8g}" if count > 1 else ""
        return f"{count}, the best refined from {min(inertias):.8g}{worst}"
    if count == 1:
        return "1, refined" if refined else "1"
    line = f"{count}, the best refined" if refined else f"{count}"
    if reached == count:
        return f"{line}; all reached this inertia"
    return f"{line}; {reached} reached this inertia, the worst {max(inertias):.8g}"


def ending_told(model: Any, explained: bool = False) -> str:
    """How many iterations a model took and why they ended, as far as it knows: models that come
    from elsewhere, or were fitted to one batch after another, do not.
    """
    count, reason = getattr(model, "n_iter_", None), getattr(model, "stop_reason_", None)
    said = [] if count is None else [f"{count} iteration{'s' * (count != 1)}"]
    if reason is not None:
        meaning = f": {MEANINGS[reason]}" if explained and reason in MEANINGS else ""
        said.append(f"ended by {reason}{meaning}")
    return ", ".join(said)
