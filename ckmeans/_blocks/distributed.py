"""The common parts of `ckmeans.dask.KMeans` and `ckmeans.ray.KMeans`: all but where blocks are."""

from typing import Any

import numpy as np

from .._estimators import kmeans as _kmeans
from .._estimators.base import CenterModel
from .._estimators.callbacks import Watched
from .._estimators.labels import check_label_order
from .._input import checks as check
from .._input.parameter_names import names_parameters
from ..progress import Passes
from .driver import fit_blocks
from .inits import check_init


class BlockKMeans(Watched, CenterModel):
    """k-means over the blocks of an engine; see `_blocks/driver.py`."""

    label_order: Any

    @names_parameters
    def __init__(
        self,
        n_clusters=8,
        *,
        init="auto",
        n_init="auto",
        max_iter=300,
        tol=1e-4,
        verbose=0,
        random_state=None,
        n_threads=None,
        max_time=None,
        label_order=None,
        callback=None,
    ):
        self._keep_parameters(locals())

    def _check(self, d=None):
        """Check the parameters; those that depend on the number of columns only if it is known."""
        check.check_int(self.n_clusters, "n_clusters", 1, "an integer of at least 1")
        check.check_n_init(self.n_init)
        check.check_int(self.max_iter, "max_iter", 1, "an integer of at least 1")
        check.check_tol(self.tol)
        check.check_threads(self.n_threads)
        check_init(self.init)
        check.seeds(self.random_state, 0)
        check.check_verbose(self.verbose)
        check.check_watching(self)
        if d is not None or self.label_order is None or isinstance(self.label_order, str):
            check_label_order(self.label_order, int(self.n_clusters), d)

    def _fit_blocks(self, engine, names=None):
        fit_blocks(
            self, engine, watch=Passes(False, self.verbose) if self.verbose else None, names=names
        )

    def _plain(self):
        """The fitted model as a `ckmeans.KMeans`, without labels."""
        self._centers()
        model = _kmeans.KMeans(**self.get_params(deep=False))
        for name, value in self.__dict__.items():
            if name.endswith("_") and name != "labels_":
                setattr(model, name, value)
        return model

    def _nameless(self):
        """A plain model for blocks, whose column names have been checked already."""
        model = self._plain()
        model.__dict__.pop("feature_names_in_", None)
        return model.set_params(
            n_threads=self.n_threads or 1, init="k-means++", random_state=None, callback=None
        )


def predict_block(X, model):
    """Labels of a block, which may have no rows."""
    array, _ = check.as_matrix(X, min_rows=0)
    return model.predict(array) if len(array) else np.empty(0, dtype=np.int32)


def transform_block(X, model):
    """Distances of a block's rows to the centers."""
    array, _ = check.as_matrix(X, min_rows=0)
    if len(array):
        return model.transform(array)
    return np.empty(
        (0, len(model.cluster_centers_)),
        dtype=np.float32 if array.dtype == np.float32 else np.float64,
    )
