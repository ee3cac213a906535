"""A progress bar for long fits: the extra `progress` (tqdm)."""

import sys
from time import perf_counter
from typing import Any


class ProgressBar:
    """A callback that shows the progress of a fit: finished runs, iteration, changed labels, best
    inertia.

    Nothing is shown if the output is not a terminal.

    Parameters
    ----------
    file : text stream, optional
        Where to draw; default: standard error.
    **options
        Passed on to ``tqdm.tqdm``, such as ``leave=False``.

    Examples
    --------
    >>> from ckmeans import KMeans
    >>> from ckmeans.progress import ProgressBar
    >>> model = KMeans(2, random_state=0, callback=ProgressBar()).fit([[0.0], [1.0], [9.0]])
    """

    def __init__(self, file=None, **options):
        self.file, self.options, self.bar = file, options, None
        self.goes_on = False

    def __call__(self, state: Any) -> None:
        begins = state.run == 0 and state.n_iter == 1 and not self.goes_on
        if self.bar is None or begins:
            self.close()
            self.bar = self._open(state.n_runs)
        # The first run may go on after a refinement, with iteration 1.
        self.goes_on = state.run == 0 and state.stop_reason is not None and not state.last
        # Iterations count as a fraction of the run; the first ones, which change most, count most.
        self.bar.n = state.run + (
            1.0 if state.stop_reason else state.n_iter / (state.n_iter + 10.0)
        )
        self.bar.set_postfix_str(
            f"{state.unit} {state.n_iter}"
            + (f", {state.n_changed} labels changed" if state.n_changed is not None else "")
            + (f", best inertia {state.best_inertia:.6g}" if state.best_inertia is not None else "")
        )
        if state.last:
            self.bar.n = (
                self.bar.n if state.stop_reason in ("max_time", "callback") else state.run + 1
            )
            self.close()

    def _open(self, n_runs):
        layout = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total_fmt} [{elapsed}, {postfix}]"
        return _tqdm()(
            **{
                "total": n_runs,
                "desc": "k-means runs",
                "bar_format": layout,
                "disable": None,
                "file": self.file or sys.stderr,
                **self.options,
            }
        )

    def close(self) -> None:
        """Close the bar, which stays visible; called at the end of a fit."""
        if self.bar is not None:
            self.bar.refresh()
            self.bar.close()
            self.bar = None

    def __getstate__(self):
        return {**self.__dict__, "bar": None, "file": None}  # neither can be pickled


class Steps:
    """The progress of work in a known number of steps: a bar, where it is wanted.

    Parameters
    ----------
    bar : bool
    total : int
    """

    def __init__(self, bar: bool, total: int) -> None:
        self.bar: Any = None
        self.began = 0
        if bar:
            layout = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total_fmt} [{elapsed}{postfix}]"
            options: Any = {"disable": None, "file": sys.stderr, "leave": False}
            self.bar = _tqdm()(total=total, desc="k-means", bar_format=layout, **options)

    def next(self, what: str) -> None:
        """One more step begins."""
        self.began += 1
        if self.bar is not None:
            self.bar.n = self.began - 1
            self.bar.set_postfix_str(what)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


class Passes:
    """The progress of the passes of `KMeans.fit_chunks` and of distributed fits: a bar for the
    current pass, and printed lines if `verbose`.

    Parameters
    ----------
    bar : bool
    verbose : int
    """

    def __init__(self, bar, verbose):
        self.want_bar, self.verbose, self.bar, self.tqdm = (
            bar,
            verbose,
            None,
            _tqdm() if bar else None,
        )

    def before(self, fit: Any) -> None:
        """A pass begins."""
        self.began, self.seen, self.text = (
            perf_counter(),
            0,
            (f"pass {fit.passes + 1}: {self.what(fit)}"),
        )
        if not self.want_bar:
            return
        if self.bar is None:
            self.bar = self.tqdm(unit=" rows", unit_scale=True, disable=None, file=sys.stderr)
        self.bar.reset(fit.survey.n_rows if fit.whole is not None else None)
        self.bar.set_description_str(self.text, refresh=False)

    def rows(self, count: int) -> None:
        self.seen += count
        if self.bar is not None:
            self.bar.update(count)

    def after(self, fit: Any) -> None:
        """A pass has ended."""
        if self.verbose:
            seconds = perf_counter() - self.began
            seen = self.seen or fit.survey.n_rows  # engines in other processes report no rows
            print(f"{self.text}, {seen / max(seconds, 1e-9) / 1e6:.3g} million rows/s")

    @staticmethod
    def what(fit: Any) -> str:
        """The purpose of the pass, in words."""
        if fit.whole is None:
            return "survey"
        going = [state for state in fit.states[: len(fit.restarts)] if state.stop is None]
        if not going and fit.refines and fit.states[-1].stop is None:
            return "refinement" if fit.states[-1].centers is None else "after the refinement"
        if not going:
            return "final assignment"
        iterating = [state.n_iter for state in going if state.centers is not None]
        runs = f", {len(going)} of {len(fit.states)} runs" if len(fit.states) > 1 else ""
        return (f"iteration {max(iterating) + 1}" if iterating else "initial centers") + runs

    def close(self):
        if self.bar is not None:
            self.bar.close()


def _tqdm():
    try:
        from tqdm import tqdm
    except ImportError:
        raise ImportError(
            "a progress bar needs tqdm: pip install 'ckmeans-cython[progress]'"
        ) from None
    return tqdm
