"""All criteria for all k; what is known when an exception ends the work."""

import math
from contextlib import contextmanager, suppress

import numpy as np

from .criteria import CRITERIA, HEADS
from .selection import KSelection


class Judgment:
    """The values of the criteria for a path.

    Attributes
    ----------
    table, best_k, models, sample_size
        As in `KSelection`, with the criteria that have been computed.
    """

    def __init__(self, path):
        self.table = {"k": np.array(path.ks), "inertia": path.inertias.copy()}
        self.best_k = {}
        self.models = dict(zip(path.judged, path.models))
        self.sample_size = len(path.sample)


def judge(path, wanted, reached, step=lambda what: None):
    """Compute all criteria; `step` is called with the name of each, before."""
    judgment = Judgment(path)
    if reached.judgment is None:  # else the one before is complete
        reached.judgment = judgment
    ks = judgment.table["k"]
    for name in wanted:
        step(name)
        criterion = CRITERIA[name]
        values = criterion.compute(path) if path.models else np.zeros(0)
        columns = [np.full(len(ks), math.nan) for _ in range(1 + criterion.error)]
        for column, known in zip(columns, values if isinstance(values, tuple) else (values,)):
            column[: len(path.models)] = known[: len(path.models)]
        best = criterion.best(ks, *columns)
        judgment.table.update(zip((name, f"{name}_se"), columns))
        judgment.best_k[name] = best
    reached.judgment = judgment
    return judgment


class Reached:
    """The results of a selection so far, for an exception that may end it.

    Attributes
    ----------
    ks, wanted : list
        Numbers of clusters, and names of criteria, that are asked for.
    models : list of KMeans
        Of the first of `ks`.
    solvers : list of Solver
        Their fits.
    to_units : callable
        Brings a model from scaled columns to the units of the data.
    judgment : Judgment or None
        The last complete one, else the one under way.
    """

    def __init__(self, ks, wanted, models, solvers, to_units):
        self.ks, self.wanted, self.models, self.solvers = ks, wanted, models, solvers
        self.to_units = to_units
        self.judgment = None

    @contextmanager
    def carried_by_errors(self):
        """Give an exception that ends the work an attribute `partial`, if any k has been fitted.

        Ctrl-C, the exception of a signal handler and a lack of memory are treated alike.
        """
        try:
            yield
        except BaseException as error:
            with suppress(Exception):  # must not hide the reason
                found = self.partial()
                if found is not None:
                    error.partial = found  # type: ignore[attr-defined]
                    if hasattr(error, "add_note"):  # from Python 3.11 on
                        error.add_note(
                            "What select_k had found by then is the attribute `partial` of this "
                            "exception."
                        )
            raise

    def in_units(self, table, models):
        """Bring all models to the units of the data; return their inertias for the table, which
        rounding may have changed.
        """
        inertias = table["inertia"].copy()
        for k, model in models.items():
            self.to_units(model)
            inertias[table["k"] == k] = model.inertia_
        return inertias

    def partial(self):
        """A KSelection without a suggestion, or None if there is nothing to put into it."""
        if self.judgment is None:
            fitted = [pair for pair in zip(self.models, self.solvers) if pair[1].best is not None]
            if not fitted:
                return None
            for model, solver in fitted:
                model._keep(solver, interrupted=True)
            models = {model.n_clusters: model for model, _ in fitted}
            inertias = np.array([model.inertia_ for model in models.values()])
            table, best_k = {"k": np.array(list(models)), "inertia": inertias}, {}
            sample_size = 0
        else:
            table, best_k = dict(self.judgment.table), dict(self.judgment.best_k)
            models, sample_size = self.judgment.models, self.judgment.sample_size
        table["inertia"] = self.in_units(table, models)
        computed = [name for name in self.wanted if name in best_k]
        table = {
            name: column
            for name, column in table.items()
            if name in ("k", "inertia") or name.removesuffix("_se") in computed
        }
        note = (
            f"Fitted: {in_words(list(models))} of {in_words(self.ks)}. Criteria that were "
            f"computed: {', '.join(HEADS.get(name, name) for name in computed) or 'none'}."
        )
        suggestion = "Interrupted: no k is suggested."
        return KSelection(table, best_k, None, suggestion, models, sample_size, [note])


def remarks(path, table, wanted):
    """Sentences about values that are missing in the table."""
    notes: list[str] = []
    missing: dict[tuple, list] = {}
    for name in wanted:
        ks = tuple(k for k, value in zip(path.judged, table[name].tolist()) if math.isnan(value))
        if ks:
            missing.setdefault((ks, CRITERIA[name].needs), []).append(HEADS.get(name, name))
    for (ks, needs), names in missing.items():
        notes.append(f"No value at {in_words(ks)} for {', '.join(names)}: needs {needs}.")
    above = path.ks[len(path.models) :]
    if above:
        rows = (
            "all rows are equal"
            if path.n_distinct == 1
            else f"there are {path.n_distinct} distinct rows"
        )
        notes.append(f"Not judged: {in_words(above)}, for {rows}.")
    return notes


def in_words(ks):
    """Numbers of clusters as "k = 4" or "k = 4 to 12"."""
    if len(ks) > 2 and ks[-1] - ks[0] == len(ks) - 1:
        return f"k = {ks[0]} to {ks[-1]}"
    return "k = " + ", ".join(map(str, ks))
