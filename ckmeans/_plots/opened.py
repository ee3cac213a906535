"""What a plot shows: rows, labels, names and colors of a model."""

import math
from typing import Any, NamedTuple

import numpy as np

from .. import metrics
from .._estimators.base import unit_rows
from .._estimators.kmeans import KMeans
from .._estimators.restarts import IterState
from .._estimators.scaling import fitted_scaling
from .._input import checks as check
from .._input.contiguous import contiguous
from .._input.other_libraries import here
from .._output.safe_text import terminal
from . import drawing as draw


class Opened(NamedTuple):
    """What a plot draws, checked."""

    model: Any  #: fitted; made for the purpose where a state was given
    rows: np.ndarray  #: (n, d)
    labels: np.ndarray  #: (n,), -1 for outliers
    names: list[str]  #: of the columns
    centers: np.ndarray  #: (k, d) float64
    stage: str  #: what precedes the title: where in a run this is

    @property
    def title(self):
        k, n, outliers = len(self.centers), len(self.labels), int((self.labels < 0).sum())
        if outliers == n:
            return f"{self.stage}{draw.counted(k, 'center')} and {draw.counted(n, 'row')}"
        more = f", {draw.counted(outliers, 'outlier')}" if outliers else ""
        return f"{self.stage}{draw.counted(k, 'cluster')} of {draw.counted(n, 'row')}{more}"


def open_rows(model, X, labels=None):
    stage = ""
    if isinstance(model, IterState):
        stage = f"iteration {model.n_iter}: " if model.n_iter else "start: "
        labels = model.labels if labels is None else labels
        model = model_of_state(model)
    check.check_plain(model, "a plot")
    centers = check.fitted_centers(model)
    array, names = check.as_matrix(X)
    if names is not None and hasattr(model, "feature_names_in_"):
        check.check_feature_names(model, names, array.shape[1], reset=False)
    check.check_feature_count(model, array.shape[1])
    if labels is None:
        labels = labels_of(model, array)
    else:
        labels = np.asarray(here(labels, "labels"))
        if labels.shape != (len(array),):
            raise ValueError(
                f"labels has shape {labels.shape}, but one label per row is needed: "
                f"shape ({len(array)},)."
            )
        if labels.dtype.kind not in "iu" or not -1 <= labels.min() <= labels.max() < len(centers):
            raise ValueError(
                f"labels must be integers from 0 to {len(centers) - 1}, the rows of "
                "cluster_centers_, or -1 for outliers, got "
                f"{labels.min()!s} to {labels.max()!s} of type {labels.dtype}."
            )
    if model.metric == "cosine":
        array = unit_rows(array)
    return Opened(model, array, labels, names_of_columns(model, names), centers, stage)


def model_of_state(state):
    """A state of `KMeans.iter_fit` as a model."""
    model = KMeans(len(state.centers))
    model.cluster_centers_ = contiguous(state.centers, np.float64)
    model.n_features_in_ = state.centers.shape[1]
    if state.scale_ is not None:
        model.scale_ = state.scale_
    return model


def names_of_columns(model, names=None):
    """Names of the columns for labels."""
    if names is None:
        names = getattr(model, "feature_names_in_", None)
    if names is None:
        return [f"feature {j}" for j in range(check.fitted_centers(model).shape[1])]
    return [str(name) for name in names]


def chosen_columns(features, names, count):
    """Column numbers from numbers or names."""
    if features is None:
        return list(range(count))
    features = list(features)
    columns = []
    for feature in features:
        if isinstance(feature, str):
            if feature not in names:
                raise ValueError(
                    f"there is no feature {feature!r}; there are {terminal(', '.join(names))}."
                )
            feature = names.index(feature)
        check.check_int(
            feature,
            "every feature",
            0,
            f"a name or a number from 0 to {len(names) - 1}",
            len(names) - 1,
        )
        columns.append(int(feature))
    return columns


def nearest(centers, points, metric="euclidean"):
    """The nearest center of each point."""
    judge = KMeans(len(centers), metric=metric)
    judge.cluster_centers_ = contiguous(centers, np.float64)
    judge.n_features_in_ = points.shape[1]
    return judge.predict(points)


def labels_of(model, array, weights=None):
    """The labels of the fit, if a rule gave rows others than their nearest centers (-1 to outliers)
    and these are its rows: all but outliers have their nearest centers, or the inertia is that of
    the fit. Else the nearest centers.
    """
    scaling = fitted_scaling(model)
    centers, rows = scaling.inside(model.cluster_centers_), scaling.inside(array)
    found, own = nearest(centers, rows, model.metric), getattr(model, "labels_", None)
    if type(own) is not np.ndarray or own.shape != found.shape or own.dtype.kind not in "iu":
        return found
    if own.size and not -1 <= own.min() <= own.max() < len(centers):
        return found
    if np.array_equal(np.where(own == -1, -1, found), own):
        return own
    cosine = model.metric == "cosine"
    sq = metrics.own_sq_distances(unit_rows(rows) if cosine else rows, centers, np.maximum(own, 0))
    if weights is not None:
        sq = sq * weights
    inertia = sq[own >= 0].sum() / (2 if cosine else 1)
    return (
        own if math.isclose(inertia, getattr(model, "inertia_", math.nan), rel_tol=1e-6) else found
    )
