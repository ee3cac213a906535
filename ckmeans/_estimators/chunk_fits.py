"""Fits of rows that do not fit into memory: `KMeans.fit_chunks`, and `fit` of a large memory-mapped
array.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .._input import checks as check
from .._input.parameter_names import names_parameters
from .._refine import PLANS, plan
from .._rules import asked, rule_for
from .base import CenterModel, alone
from .callbacks import Watched
from .scaling import fitted_scaling

#: A memory-mapped array is fitted block by block if a fit in memory would take more additional
#: bytes than this.
MAPPED_LIMIT = 100 << 20


class ChunkFits(Watched, CenterModel):
    """The methods of `KMeans` for rows in chunks."""

    callback: Callable[[Any], object] | None
    history: bool
    label_order: Any
    refine: Any
    scale: str | None
    _check_params: Callable[[], dict[str, Any]]

    @alone
    @names_parameters
    def fit_chunks(
        self,
        source,
        *,
        sample_weight=None,
        columns=None,
        labels=None,
        checkpoint=None,
        progress=False,
    ):
        """Cluster rows that do not fit into memory: every iteration reads them chunk by chunk.

        The result equals that of `fit` on all rows in one array, to the last bit, for any size of
        the chunks, including initial centers that are drawn. All restarts advance together, so that
        each pass over the rows serves all of them. Reading and computing overlap.

        Parameters
        ----------
        source : one of the following, which can be read repeatedly
            * array of shape (n, d), such as a `numpy.memmap`;
            * path of a .npy file, or list of such paths (or of arrays): their rows, one file after
              the other;
            * path of a Parquet file or of a directory of them, list of paths, or pyarrow Dataset
              (extra ``arrow``);
            * any object with a shape (n, d), a dtype and slicing: an HDF5 dataset, a Zarr array;
            * function without arguments that returns an iterator of chunks: arrays or tables of
              shape (m, d), or pairs of one and its weights (m,). It must give the same rows every
              time.
        sample_weight : array-like of shape (n,), str or None
            For Parquet data also the name of a column. Read in step with the rows.
        columns : sequence of str or None
            The columns of Parquet data to use; None means all but that of the weights, so also one
            of ids.
        labels : None, True, path or writable int32 array of shape (n,), default=None
            None makes no labels: `predict_chunks` gives them chunk by chunk. True keeps them in
            ``labels_`` (in a temporary file where they are many); a path writes a .npy file, which
            ``labels_`` then maps.
        checkpoint : path or None, default=None
            A file to which the state is written after every pass. A fit of the same rows and
            parameters continues from it, with the same result: if a fit is killed, at most one
            iteration, or the center that is being drawn, is lost. The file has a checksum: if it is
            damaged or changed, it is refused. It is not removed at the end.
        progress : bool, default=False
            Whether to show a bar for each pass, with rows per second (extra ``progress``).

        Returns
        -------
        self : KMeans

        Raises
        ------
        TypeError, ValueError
            A parameter, the source or a value in it cannot be used; the message says which and why.
        OSError
            A mapped file was cut short during the fit.
        RuntimeError
            A pass found other rows than the first one.

        Warns
        -----
        ColumnsWarning
            The columns have names, and in some of the rows their spreads differ by more than 10
            times.

        See Also
        --------
        predict_chunks : labels of such a source
        ckmeans.partial : the same on your own parallel engine

        Notes
        -----
        ``callback`` is called after each iteration of each run; its state has no ``labels`` and no
        ``inertia``.

        The default refinement, "auto" and "best" work on a sample of the rows, the one that `fit`
        takes; other values of ``refine`` need all rows. Not with ``history``, an init that is a
        function, "random-partition", "variance-partition", "sampled-k-means++" or "optimal" ("auto"
        means "k-means++" here, also for one column, where `fit` finds the optimum). A pass reads
        all rows once. One pass before the first iteration finds the ranges of the columns;
        "k-means++" takes one pass for each center if the rows are memory-mapped (and reads a few
        single rows in between), and two for other sources; "k-means||" takes about a dozen for any
        number of centers, "random" three.

        Memory: three chunks, or one if they are large (above 32 MB); at most 64 MB of labels; 96 MB
        while initial centers are drawn; afterwards lower bounds on distances (4 bytes for each row
        and 32 centers) and, for mapped files, packed rows, which together with the labels take at
        most 120 MB (64 MB for other sources). ``algorithm`` decides about the bounds: none with
        "lloyd", as many as fit with "yinyang", and with all others where they save time. The rest
        is computed again in every pass. Chunks of about 8 MB are best; small ones are joined. Row
        groups of Parquet files up to 64 MB are read at once; of larger ones up to 24 columns are
        read in parallel, with about 2.5 MB for each, and with more columns each row group is first
        written to a temporary file.

        The rows must not change during a fit. Some changes are noticed: a different number of rows,
        values that are no longer finite and, where labels take more than 64 MB, different sums of
        the columns raise; a mapped file that was written to gives a warning. .npy files and
        `numpy.memmap` are memory-mapped. Whether a mapped file has become shorter is checked before
        each block, but if another process truncates it while a block is being read, the operating
        system ends this process (SIGBUS), as with any map. Where this may happen, pass a function
        that reads chunks. Pages that have been read are released only for a `numpy.memmap` of mode
        "r", "r+" or "w+".

        The thread that reads ahead always ends with the fit, also after an interrupt.

        Examples
        --------
        >>> import numpy as np
        >>> from ckmeans import KMeans
        >>> def chunks():
        ...     for start in range(0, 100, 10):
        ...         yield np.arange(start, start + 10.0)[:, None]
        >>> KMeans(2, random_state=0).fit_chunks(chunks).cluster_centers_.ravel()
        array([24.5, 74.5])
        """
        from .._blocks.sources import label_sink, open_source

        self._check_for_chunks()
        sink = label_sink(labels)
        try:
            engine = open_source(source, sample_weight, self.n_threads, columns)
            return self._fit_blocks(engine, sink, checkpoint, progress)
        except BaseException:
            if sink is not None:
                sink.drop()
            raise

    def predict_chunks(self, source: Any, *, columns: Any = None) -> Iterator[np.ndarray]:
        """Labels of rows that do not fit into memory.

        Parameters
        ----------
        source : as for `fit_chunks`
        columns : sequence of str or None

        Yields
        ------
        labels : ndarray of shape (m,), int32
            For each chunk as it is read.
        """
        from .._blocks.sources import open_source

        self._centers()
        return self._predicted(open_source(source, None, self.n_threads, columns, regroup=False))

    def score_chunks(self, source: Any, *, sample_weight: Any = None, columns: Any = None) -> float:
        """The negative inertia of rows that do not fit into memory: higher is better. Takes two
        passes.

        Parameters
        ----------
        source, sample_weight, columns : as for `fit_chunks`

        Returns
        -------
        score : float
        """
        from .._blocks.driver import inertia
        from .._blocks.sources import open_source

        self._centers()
        if self.metric != "euclidean":
            raise ValueError(f"metric={self.metric!r} needs all rows in one array: use score.")
        if hasattr(self, "scale_"):
            raise ValueError(f"scale={self.scale!r} needs all rows in one array: use score.")
        engine = open_source(source, sample_weight, self.n_threads, columns)
        try:
            return -inertia(self._named_alike(engine), self._centers())
        finally:
            engine.close()

    def _named_alike(self, engine: Any) -> Any:
        """The engine, once its columns are known to be those of the fit."""
        for X, _ in engine.blocks():
            names = None if engine.names is None else np.array(engine.names, dtype=object)
            check.check_feature_names(self, names, X.shape[1], reset=False)
            break
        return engine

    def _predicted(self, engine: Any) -> Iterator[np.ndarray]:
        fresh = True
        try:
            for X, _ in engine.blocks():
                if fresh:
                    names = None if engine.names is None else np.array(engine.names, dtype=object)
                    check.check_feature_names(self, names, X.shape[1], reset=False)
                    fresh = False
                scaling, measure = fitted_scaling(self), self._measure
                yield (
                    self._predict(X, engine.names, self._centers(), scaling, measure)
                    if len(X)
                    else np.empty(0, dtype=np.int32)
                )
        finally:
            engine.close()

    def _check_for_chunks(self) -> None:
        self._check_params()
        rule_for(self.get_params(deep=False), blocks=True)
        if self.refine not in (None, "default") and plan(self.refine).rows is None:
            raise ValueError(
                f"refine={self.refine!r} needs all rows in one array: use fit, or one of "
                f"{', '.join(map(repr, PLANS))}, which take a sample of the rows."
            )
        for name, idle in (("history", False), ("metric", "euclidean"), ("scale", None)):
            if getattr(self, name) != idle:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} needs all rows in one array: use "
                    f"fit, or set {name}={idle!r}."
                )
        from .._blocks.inits import check_init

        check_init(self.init)

    def _better_in_blocks(self, X: Any) -> bool:
        """Whether a mapped array is fitted block by block: if a fit in memory would take much, and
        no parameter needs all rows at once.
        """
        if (
            X.ndim != 2
            or 4 * X.size + 32 * len(X) <= MAPPED_LIMIT
            or self.refine not in (None, "default")
            or asked(self.get_params(deep=False))
            or self.history
            or self.metric != "euclidean"
            or self.scale is not None
            or self._watcher() is not None
            or self.verbose
        ):
            return False
        from .._blocks.inits import BLOCK_INITS

        if isinstance(self.init, str):
            return self.init in BLOCK_INITS or self.init == "auto" and X.shape[1] > 1
        return not callable(self.init)

    def _fit_mapped(self, X: Any, sample_weight: Any) -> Any:
        from .._blocks.sources import LabelArray, open_source

        self._check_params()
        array, _ = check.as_matrix(X)
        check.check_n_clusters(self.n_clusters, len(array))
        return self._fit_blocks(open_source(X, sample_weight, self.n_threads), LabelArray())

    def _fit_blocks(self, engine, sink=None, checkpoint=None, progress=False):
        """Fit over an engine in this process."""
        from .._blocks.driver import fit_blocks
        from ..progress import Passes

        watch = None
        if progress or self.verbose:
            watch = Passes(progress, self.verbose)
            engine.on_rows = watch.rows
        try:
            fit_blocks(self, engine, sink, checkpoint, watch)
        finally:
            engine.close()
            if watch is not None:
                watch.close()
        if sink is not None:
            self.labels_ = sink.done()
        return self
