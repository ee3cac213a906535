"""scikit-learn's callbacks (1.9 and later), such as its progress bars: they are told of the fit, of
its runs and of their iterations as `callback` is told of iterations.
"""

import functools
from collections.abc import Callable
from typing import Any


class Watched:
    """A base of the estimators that have a `callback`."""

    callback: Any

    def _watcher(self, **fitted: Any) -> Any:
        """What a fit calls after each iteration, or None.

        fitted : attributes of a fit that `Teller` cannot know; None if there is no such.
        """
        told = self.__dict__.get("_told")
        if told is None:
            return self.callback
        told.fitted.update({name: value for name, value in fitted.items() if value is not None})
        return told


class SklearnCallbacks(Watched):
    """A base of the estimators whose `fit` tells callbacks of scikit-learn."""

    def set_callbacks(self, *callbacks: Any) -> Any:
        """Register callbacks of scikit-learn, 1.9 or later; without any, there are none.

        Searches of scikit-learn hand theirs on to the estimator.

        Parameters
        ----------
        *callbacks : objects with the methods of `sklearn.callback.FitCallback`
            Told of the fit, of its runs, and of each iteration (or batch) once it is done. The fit
            ends if one of them returns True after an iteration. `callback` is called as well.

        Returns
        -------
        self

        Examples
        --------
        >>> from sklearn.callback import ProgressBar                     # doctest: +SKIP
        >>> from ckmeans import KMeans
        >>> KMeans(8).set_callbacks(ProgressBar()).fit(X)                # doctest: +SKIP
        """
        return _support().set_callbacks(self, *callbacks)


def _support() -> Any:
    """The methods that scikit-learn's own estimators have."""
    try:
        from sklearn.callback import CallbackSupportMixin
    except ImportError:
        raise ImportError(
            "set_callbacks needs scikit-learn 1.9 or later: pip install 'scikit-learn>=1.9'"
        ) from None
    return CallbackSupportMixin


def tells_callbacks(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of `fit`: callbacks of scikit-learn, where some are registered, are told of it."""

    @functools.wraps(fit)
    def fit_and_tell(self, X, y=None, sample_weight=None, **options):
        if not self.__dict__.get("_skl_callbacks"):
            return fit(self, X, y, sample_weight, **options)
        from sklearn.callback import with_callbacks

        def told(model):
            model._told = teller = Teller(model, X, y, sample_weight)
            try:
                fit(model, X, y, sample_weight, **options)
                teller.end()
            finally:
                del model._told
            return model

        return with_callbacks(told)(self)  # which takes leave of the callbacks in any case

    return fit_and_tell


class Teller:
    """Tells callbacks of scikit-learn what a `callback` is told: a fit has runs, which have
    iterations. Called with a state after each iteration; a true result ends the fit.
    """

    def __init__(self, model, X, y, sample_weight):
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.model, self.about = model, {"X": X, "y": y, "metadata": metadata}
        self.fitted: dict[str, Any] = {}
        self.root: Any = None
        self.runs: dict[int, Any] = {}  # those that go on, by number

    def begin(self, n_runs: int, max_iter: int) -> None:
        """The fit begins, with so many runs and iterations of a run at most."""
        if self.root is not None:
            return
        # A refinement that was asked for goes on in the same run.
        self.phases = 1 if getattr(self.model, "refine", None) in (None, "default") else 2
        self.max_iter = int(max_iter)
        self.root = _support()._init_callback_context(self.model, max_subtasks=int(n_runs))
        self._begins(self.root)

    def __call__(self, state):
        self.begin(state.n_runs, state.max_iter)
        if state.run not in self.runs:
            if self.phases > 1:  # its last state did not say so
                self._end_runs(None)
            run = self.root.subcontext("run", max_subtasks=self.max_iter)
            self.runs[state.run] = self._begins(run)
        run = self.runs[state.run]
        step = self._begins(run.subcontext(state.unit))
        stop = self._ends(step, lambda: self._attributes(state))
        if state.stop_reason is not None and self.phases == 1:
            self._ends(self.runs.pop(state.run), lambda: self._attributes(state))
        callback = self.model.callback
        return bool(callback is not None and callback(state)) or stop

    def end(self) -> None:
        """The fit is done."""
        self.begin(1, 1)
        self._end_runs(dict)
        self._ends(self.root, dict)

    def _end_runs(self, attributes):
        for number in [*self.runs]:
            self._ends(self.runs.pop(number), attributes)

    def _begins(self, context):
        context.call_on_fit_task_begin(estimator=self.model, **self.about)
        return context

    def _ends(self, context, attributes):
        """Returns whether the fit is to stop; `attributes` of a fitted model are asked for only if
        a callback wants one.
        """
        return context.call_on_fit_task_end(
            estimator=self.model, **self.about, reconstruction_attributes=attributes
        )

    def _attributes(self, state):
        centers = state.centers
        return {
            "cluster_centers_": centers,
            "n_features_in_": centers.shape[1],
            "n_iter_": state.n_iter,
            **self.fitted,
        }
