from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.random import BitGenerator, Generator, RandomState, SeedSequence
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Self

from . import (
    dask as dask,
)
from . import (
    image as image,
)
from . import (
    metrics as metrics,
)
from . import (
    partial as partial,
)
from . import (
    plot as plot,
)
from . import (
    progress as progress,
)
from . import ray as ray
from . import report as report
from . import select as select
from . import tutorial as tutorial

__all__ = [
    "BisectingKMeans",
    "CkmeansError",
    "ColumnsWarning",
    "ConvergenceWarning",
    "FuzzyCMeans",
    "IterState",
    "Iteration",
    "KMeans",
    "ManyFits",
    "Match",
    "MiniBatchKMeans",
    "ModelFileError",
    "NotFittedError",
    "OptimalResult",
    "Run",
    "breaks",
    "ckmeans",
    "ckmeans_optimal",
    "drift",
    "explain",
    "fit_many",
    "from_json",
    "from_sklearn",
    "k_means",
    "kmeans_plusplus",
    "load",
    "match",
    "select_k",
    "show_config",
]

__version__: str

# Tables of pandas, polars, pyarrow and xarray, and sparse matrices, are taken as well as arrays,
# and are no ArrayLike.
_Rows = ArrayLike | Any
_Init = str | ArrayLike | Iterable[ArrayLike] | Callable[..., ArrayLike]
_Random = int | np.integer[Any] | RandomState | Generator | None
_Rng = int | np.integer[Any] | SeedSequence | BitGenerator | Generator | None
_Floats = NDArray[np.float32] | NDArray[np.float64]

class ColumnsWarning(UserWarning): ...
class ConvergenceWarning(UserWarning): ...
class NotFittedError(ValueError, AttributeError): ...

class Run(NamedTuple):
    seed: int | None
    inertia: float
    n_iter: int
    stop_reason: str
    seconds: float

class IterState(NamedTuple):
    n_iter: int
    centers: _Floats
    labels: NDArray[np.int32]
    inertia: float
    shift: float
    n_changed: int
    n_filled: int
    scale_: _Floats | None = None

class Iteration(NamedTuple):
    n_iter: int
    inertia: float
    shift: float
    n_changed: int
    n_distances: int

class Match(NamedTuple):
    continues: NDArray[np.int64]
    shifts: NDArray[np.float64]
    table: NDArray[np.int64]
    changed: NDArray[np.int64]

class _Model:
    cluster_centers_: _Floats
    labels_: NDArray[np.int32]
    counts_: NDArray[np.int64]
    inertia_: float
    n_iter_: int
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    scale_: NDArray[np.float64]
    typical_distances_: NDArray[np.float64]
    n_clusters: int
    n_threads: int | None
    metric: str
    def fit(self, X: _Rows, y: object = None, sample_weight: ArrayLike | None = None) -> Self: ...
    def predict(self, X: _Rows) -> NDArray[np.int32]: ...
    def fit_predict(
        self, X: _Rows, y: object = None, sample_weight: ArrayLike | None = None, **of_fit: Any
    ) -> NDArray[np.int32]: ...
    def predict_proba(self, X: _Rows, temperature: float | None = None) -> NDArray[np.float64]: ...
    def transform(self, X: _Rows) -> Any: ...
    def distances(self, X: _Rows, labels: ArrayLike | None = None) -> _Floats: ...
    def anomaly_scores(self, X: _Rows, reference: _Rows | None = None) -> NDArray[np.float64]: ...
    def typical_distances(self, X: _Rows) -> NDArray[np.float64]: ...
    def fit_transform(
        self, X: _Rows, y: object = None, sample_weight: ArrayLike | None = None, **of_fit: Any
    ) -> Any: ...
    def score(
        self, X: _Rows, y: object = None, sample_weight: ArrayLike | None = None
    ) -> float: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    def to_sklearn(self, X: _Rows | None = None) -> Any: ...
    def to_onnx(self, path: str | PathLike[str] | None = None) -> Any: ...
    def to_sql(
        self,
        table: str | Sequence[str],
        *,
        dialect: Literal[
            "standard", "sqlite", "duckdb", "postgresql", "mysql", "bigquery", "snowflake", "spark"
        ] = "standard",
        columns: Sequence[str] | None = None,
        label: str = "cluster",
    ) -> str: ...
    @overload
    def to_json(self, path: None = None) -> str: ...
    @overload
    def to_json(self, path: str | PathLike[str]) -> None: ...
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...
    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self: ...
    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> NDArray[np.object_]: ...
    def get_metadata_routing(self) -> Any: ...
    def set_fit_request(self, *, sample_weight: bool | str | None) -> Self: ...
    def set_score_request(self, *, sample_weight: bool | str | None) -> Self: ...

class FuzzyCMeans(_Model):
    converged_: bool
    stop_reason_: str
    runs_: tuple[Run, ...]
    def __init__(
        self,
        n_clusters: int = 8,
        *,
        fuzziness: float = 2.0,
        init: _Init = "k-means++",
        n_init: int | Literal["auto"] = 1,
        max_iter: int = 300,
        tol: float = 1e-8,
        verbose: int = 0,
        random_state: _Random = None,
        n_threads: int | None = None,
        max_time: float | None = None,
        callback: Callable[[Any], object] | None = None,
    ) -> None: ...
    def set_callbacks(self, *callbacks: Any) -> Self: ...
    def predict_proba(self, X: _Rows) -> NDArray[np.float64]: ...  # type: ignore[override]

class KMeans(_Model):
    converged_: bool
    stop_reason_: str
    runs_: tuple[Run, ...]
    history_: tuple[list[Iteration], ...]
    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: _Init = "auto",
        n_init: int | Literal["auto"] = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: _Random = None,
        copy_x: bool = True,
        algorithm: str = "auto",
        n_threads: int | None = None,
        history: bool = False,
        max_time: float | None = None,
        callback: Callable[[Any], object] | None = None,
        label_order: Literal["size", "center"] | ArrayLike | _Model | None = None,
        refine: str | list[str] | tuple[str, ...] | None = "default",
        metric: Literal["euclidean", "cosine", "manhattan"] = "euclidean",
        missing: Literal["error", "ignore"] = "error",
        scale: Literal["standard", "robust"] | None = None,
        size_min: ArrayLike | None = None,
        size_max: ArrayLike | None = None,
        n_outliers: float | None = None,
        known: Literal["constrained", "seeded"] = "constrained",
    ) -> None: ...
    def set_callbacks(self, *callbacks: Any) -> Self: ...
    def fit(
        self,
        X: _Rows,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        *,
        labels_known: ArrayLike | None = None,
    ) -> Self: ...
    def iter_fit(
        self,
        X: _Rows,
        sample_weight: ArrayLike | None = None,
        *,
        labels_known: ArrayLike | None = None,
    ) -> Iterator[IterState]: ...
    def fit_chunks(
        self,
        source: Any,
        *,
        sample_weight: ArrayLike | str | None = None,
        columns: Sequence[str] | None = None,
        labels: bool | str | PathLike[str] | NDArray[np.int32] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        progress: bool = False,
    ) -> Self: ...
    def predict_chunks(
        self, source: Any, *, columns: Sequence[str] | None = None
    ) -> Iterator[NDArray[np.int32]]: ...
    def score_chunks(
        self,
        source: Any,
        *,
        sample_weight: ArrayLike | str | None = None,
        columns: Sequence[str] | None = None,
    ) -> float: ...

class MiniBatchKMeans(_Model):
    n_steps_: int
    stop_reason_: str
    seen_weights_: NDArray[np.float64]
    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: str | ArrayLike | Callable[..., ArrayLike] = "k-means++",
        max_iter: int = 100,
        batch_size: int = 1024,
        verbose: int = 0,
        compute_labels: bool = True,
        random_state: _Random = None,
        tol: float = 0.0,
        max_no_improvement: int | None = 20,
        init_size: int | None = None,
        n_init: int | Literal["auto"] = "auto",
        reassignment_ratio: float = 0.01,
        n_threads: int | None = None,
        half_life: float | None = None,
        max_time: float | None = None,
        callback: Callable[[Any], object] | None = None,
        label_order: Literal["size", "center"] | ArrayLike | _Model | None = None,
        metric: Literal["euclidean", "cosine"] = "euclidean",
    ) -> None: ...
    def set_callbacks(self, *callbacks: Any) -> Self: ...
    def set_partial_fit_request(self, *, sample_weight: bool | str | None) -> Self: ...
    def partial_fit(
        self, X: _Rows, y: object = None, sample_weight: ArrayLike | None = None
    ) -> Self: ...

class BisectingKMeans(_Model):
    tree_centers_: NDArray[np.float64]
    tree_children_: NDArray[np.int32]
    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: str | Callable[..., ArrayLike] = "random",
        n_init: int = 3,
        random_state: _Random = None,
        max_iter: int = 300,
        verbose: int = 0,
        tol: float = 1e-4,
        copy_x: bool = True,
        algorithm: Literal["lloyd", "elkan"] = "lloyd",
        bisecting_strategy: Literal["biggest_inertia", "largest_cluster"] = "biggest_inertia",
        n_threads: int | None = None,
        metric: Literal["euclidean", "cosine"] = "euclidean",
    ) -> None: ...

def k_means(
    X: _Rows,
    n_clusters: int,
    *,
    sample_weight: ArrayLike | None = None,
    labels_known: ArrayLike | None = None,
    init: _Init = "auto",
    n_init: int | Literal["auto"] = "auto",
    max_iter: int = 300,
    tol: float = 1e-4,
    verbose: int = 0,
    random_state: _Random = None,
    rng: _Rng = None,
    copy_x: bool = True,
    algorithm: str = "auto",
    n_threads: int | None = None,
    refine: str | list[str] | tuple[str, ...] | None = "default",
    metric: Literal["euclidean", "cosine", "manhattan"] = "euclidean",
    missing: Literal["error", "ignore"] = "error",
    size_min: ArrayLike | None = None,
    size_max: ArrayLike | None = None,
    n_outliers: float | None = None,
    known: Literal["constrained", "seeded"] = "constrained",
    return_n_iter: bool = False,
) -> tuple[Any, ...]: ...
def kmeans_plusplus(
    X: _Rows,
    n_clusters: int,
    *,
    sample_weight: ArrayLike | None = None,
    random_state: _Random = None,
    rng: _Rng = None,
    n_local_trials: int | None = None,
    metric: Literal["euclidean", "cosine"] = "euclidean",
) -> tuple[_Floats, NDArray[np.int64]]: ...

class ManyFits:
    keys: NDArray[Any]
    centers: NDArray[Any]
    labels: NDArray[np.int32]
    inertia: _Floats
    n_iter: NDArray[np.int64]
    counts: NDArray[np.int64]
    n_rows: NDArray[np.int64]
    seed: int
    n_features_in_: int
    def __init__(
        self, kind: str, keys: NDArray[Any], seed: int, n_rows: NDArray[np.int64]
    ) -> None: ...
    def __len__(self) -> int: ...
    def predict(
        self, X: _Rows, groups: ArrayLike | Any = None, *, n_threads: int | None = None
    ) -> NDArray[np.int32]: ...
    def to_frame(self) -> Any: ...

def fit_many(
    X: _Rows,
    n_clusters: int,
    groups: ArrayLike | Any = None,
    *,
    subspaces: int | None = None,
    sample_weight: ArrayLike | None = None,
    n_init: int | Literal["auto"] = 1,
    max_iter: int = 300,
    tol: float = 1e-4,
    random_state: _Random = None,
    rng: _Rng = None,
    too_few: Literal["error", "skip"] = "error",
    n_threads: int | None = None,
) -> ManyFits: ...

class ModelFileError(ValueError): ...

def explain(
    model: _Model,
    X: _Rows,
    *,
    sample_weight: ArrayLike | None = None,
    feature_names: Sequence[str] | None = None,
    n_typical: int = 3,
    n_leaves: int | None = None,
) -> Any: ...
def drift(
    model: _Model,
    new: _Rows,
    reference: _Rows | None = None,
    *,
    alpha: float = 0.01,
    tolerance: float = 0.1,
) -> Any: ...
def from_sklearn(other: Any) -> KMeans: ...
def from_json(source: str | PathLike[str]) -> KMeans: ...
def load(path: str | PathLike[str]) -> KMeans | MiniBatchKMeans | BisectingKMeans: ...
def match(
    model: _Model, previous: _Model, X: _Rows | None = None, *, same_rows: bool = False
) -> Match: ...
def select_k(
    X: _Rows,
    k_range: Iterable[int] = ...,
    *,
    criteria: str | Iterable[str] = "all",
    random_state: _Random = None,
    rng: _Rng = None,
    n_init: int | Literal["auto"] = "auto",
    sample_weight: ArrayLike | None = None,
    max_iter: int = 300,
    tol: float = 1e-4,
    n_threads: int | None = None,
    n_refs: int = 10,
    n_resamples: int = 5,
    sample_size: int = 5000,
    metric: Literal["euclidean"] = "euclidean",
    scale: Literal["standard", "robust"] | None = None,
    progress: bool = False,
) -> Any: ...
def show_config() -> None: ...

class CkmeansError(ValueError): ...

@dataclass(frozen=True, eq=False)
class OptimalResult:
    k: int
    clusters: list[NDArray[np.float64]]
    centers: NDArray[np.float64]
    sizes: NDArray[np.int64]
    withinss: NDArray[np.float64]
    ks: NDArray[np.int64]
    bic: NDArray[np.float64]

def ckmeans(data: ArrayLike, k: int) -> list[NDArray[np.float64]]: ...
def breaks(data: ArrayLike, k: int) -> NDArray[np.float64]: ...
def ckmeans_optimal(data: ArrayLike, k_min: int = 1, k_max: int = 9) -> OptimalResult: ...
