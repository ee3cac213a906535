"""What scikit-learn expects of an estimator: parameters, tags, `set_output`, routing, HTML.

scikit-learn is imported only in methods that it calls itself. Tags are those of scikit-learn 1.6
and later.

Once scikit-learn is imported, before this package or after it, all estimators become subclasses of
its BaseEstimator, ClusterMixin and TransformerMixin (see `join`), which some of its functions, and
of packages that build on it, require.
"""

import copy
import sys
from functools import cache
from typing import Any

import numpy as np

from .._input import checks as check
from .._input.parameter_names import suggestion
from .labels import centers_of_model

#: Containers that `set_output` can give.
OUTPUTS = ("default", "pandas", "polars")


def loaded() -> Any:
    """scikit-learn, if the caller has imported it; None otherwise."""
    return sys.modules.get("sklearn")


def signature(cls: type) -> dict[str, Any]:
    """The parameters of ``cls.__init__``: name -> default, `REQUIRED` where there is none.

    Where it takes ``**options``, which it passes on, those of the next ``__init__`` in the method
    resolution order as well.
    """
    return _signature(cls)


@cache
def _signature(cls: type) -> dict[str, Any]:
    from inspect import Parameter, signature

    found: dict[str, Any] = {}
    for owner in cls.__mro__:
        if owner is object or "__init__" not in vars(owner):
            continue
        _, *own = signature(vars(owner)["__init__"]).parameters.values()
        kinds = {parameter.kind for parameter in own}
        if Parameter.VAR_POSITIONAL in kinds and Parameter.VAR_KEYWORD not in kinds:
            raise RuntimeError(
                f"{owner.__qualname__}.__init__ takes parameters without names "
                "(*args), by which it could not be "
                "cloned: give each a name."
            )
        for parameter in own:
            if parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
                found.setdefault(
                    parameter.name,
                    REQUIRED if parameter.default is Parameter.empty else parameter.default,
                )
        if Parameter.VAR_KEYWORD not in kinds:
            break
    return found


#: Stands for the default of a parameter that has none.
REQUIRED = object()


class Root:
    """The first base of `Manners`: Python cannot assign other bases to a class whose only base is
    `object`.
    """


class Manners(Root):
    """The methods of scikit-learn's BaseEstimator, ClusterMixin and TransformerMixin, without an
    import of scikit-learn.

    The parameters of a subclass are those of its ``__init__``; it names in `_routed` the methods
    that take `sample_weight`.
    """

    _estimator_type = "clusterer"
    _routed: tuple[str, ...] = ("fit", "score")
    _init_read: tuple[Any, Any]
    init: Any

    def _keep_parameters(self, given: dict[str, Any]) -> None:
        """Store the arguments of ``__init__`` (its ``locals()``) unchanged, but for a model as
        `label_order`; `fit` checks them.
        """
        del given["self"]
        if "label_order" in given:
            given["label_order"] = centers_of_model(given["label_order"])
        self.__dict__.update(given)

    # -- parameters --------------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; with `deep` also those of parameters that have some, as
        ``name__parameter``.
        """
        params = {name: getattr(self, name) for name in signature(type(self))}
        if deep:
            for name, value in list(params.items()):
                if hasattr(value, "get_params") and not isinstance(value, type):
                    params.update(
                        {f"{name}__{inner}": each for inner, each in value.get_params().items()}
                    )
        return params

    def set_params(self, **params: Any) -> Any:
        """Set parameters by name; an unknown name raises and changes nothing."""
        valid = signature(type(self))
        nested: dict[str, dict[str, Any]] = {}
        for name in params:
            name, _, inner = name.partition("__")
            if name not in valid:
                meant = suggestion(name, valid)
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid "
                    f"parameters are: {list(valid)!r}."
                    + (f" Did you mean {meant!r}?" if meant else "")
                )
            if inner and not hasattr(params.get(name, getattr(self, name)), "set_params"):
                raise ValueError(
                    f"Invalid parameter {name + '__' + inner!r} for estimator {self}: "
                    f"its {name!r} has no parameters."
                )
        for name, value in params.items():
            name, _, inner = name.partition("__")
            if inner:
                nested.setdefault(name, {})[inner] = value
            else:
                setattr(self, name, centers_of_model(value) if name == "label_order" else value)
        for name, some in nested.items():
            getattr(self, name).set_params(**some)
        return self

    def _init(self) -> Any:
        """`init`; an iterator is read once into a list, so that later fits, copies and clones use
        the same centers.
        """
        if not hasattr(self.init, "__next__"):
            return self.init
        if self.__dict__.get("_init_read", (None,))[0] is not self.init:
            self._init_read = self.init, list(self.init)
        return self._init_read[1]

    # -- copies ------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if "init" in state:
            state["init"] = self._init()
        state.pop("_init_read", None)
        state.pop("_told", None)  # of a fit under way
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled state; parameters that an older version did not have get their
        defaults.
        """
        defaults = {
            name: value for name, value in signature(type(self)).items() if value is not REQUIRED
        }
        self.__dict__.update({**defaults, **state})

    def __sklearn_clone__(self) -> Any:
        one = copy.copy(self) if hasattr(getattr(self, "init", None), "__next__") else self
        return super(Manners, one).__sklearn_clone__()  # type: ignore[misc]

    def __repr__(self) -> str:
        defaults = signature(type(self))
        changed = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if repr(value) != repr(defaults[name])
        }
        shown = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        return f"{type(self).__name__}({shown})"

    # -- tags --------------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        gaps = getattr(self, "missing", None) == "ignore"
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="clusterer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float64", "float32"]),
            input_tags=InputTags(
                sparse=not gaps and getattr(self, "metric", None) != "manhattan", allow_nan=gaps
            ),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "cluster_centers_")

    # -- containers of results ---------------------------------------------------------------------

    def set_output(self, *, transform: str | None = None) -> Any:
        """Choose what `transform` and `fit_transform` return.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            An ndarray, or a data frame with the columns of `get_feature_names_out` (and X's index,
            if it has one). None changes nothing. Before any choice,
            ``sklearn.set_config(transform_output=...)`` decides.

        Returns
        -------
        self
        """
        if transform is None:
            return self
        if transform not in OUTPUTS:
            raise ValueError(
                f"transform must be one of {', '.join(map(repr, OUTPUTS))}, got {transform!r}."
            )
        self._sklearn_output_config = {"transform": transform}
        return self

    def _contained(self, array: np.ndarray, X: Any) -> Any:
        """The result of `transform` in the container that was asked for."""
        kind = getattr(self, "_sklearn_output_config", {}).get("transform")
        if kind is None:
            sklearn = loaded()
            kind = (
                sklearn.get_config().get("transform_output", "default")
                if sklearn is not None
                else "default"
            )
        if kind == "default":
            return array
        names = self.get_feature_names_out()
        try:
            if kind == "pandas":
                import pandas

                return pandas.DataFrame(
                    array,
                    columns=names,
                    index=getattr(X, "index", None) if hasattr(X, "iloc") else None,
                    copy=False,
                )
            import polars
        except ImportError:
            raise ImportError(
                f"set_output(transform={kind!r}) needs {kind}: pip install {kind}"
            ) from None
        return polars.DataFrame(array, schema=names.tolist(), orient="row")

    # -- metadata routing --------------------------------------------------------------------------

    def get_metadata_routing(self) -> Any:
        """scikit-learn's record of which methods take `sample_weight` from a pipeline or a
        search.
        """
        from sklearn.utils.metadata_routing import MetadataRequest

        if hasattr(self, "_metadata_request"):
            return copy.deepcopy(self._metadata_request)
        request = MetadataRequest(owner=self)
        for method in self._routed:
            getattr(request, method).add_request(param="sample_weight", alias=None)
        return request

    def _get_metadata_request(self) -> Any:  # the name that scikit-learn's own helpers ask for
        return self.get_metadata_routing()

    def _set_request(self, method: str, sample_weight: Any) -> Any:
        sklearn = loaded()
        if sklearn is None or not sklearn.get_config().get("enable_metadata_routing"):
            raise RuntimeError(
                "This method is only available when metadata routing is enabled. "
                "You can enable it using "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        request = self.get_metadata_routing()
        getattr(request, method).add_request(param="sample_weight", alias=sample_weight)
        self._metadata_request = request
        return self

    def set_fit_request(self, *, sample_weight: Any) -> Any:
        """Say whether meta-estimators pass `sample_weight` to `fit`: True, False, None or another
        name for it.
        """
        return self._set_request("fit", sample_weight)

    def set_score_request(self, *, sample_weight: Any) -> Any:
        """Say whether meta-estimators pass `sample_weight` to `score`: True, False, None or another
        name for it.
        """
        return self._set_request("score", sample_weight)

    # -- notebooks ---------------------------------------------------------------------------------

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Text and, unless scikit-learn is told to show text only, HTML: the class's own, or else
        scikit-learn's diagram.
        """
        bundle = {"text/plain": repr(self)}
        sklearn = loaded()
        if sklearn is not None and sklearn.get_config().get("display") != "diagram":
            return bundle
        if hasattr(self, "_repr_html_"):
            bundle["text/html"] = self._repr_html_()
        elif sklearn is not None:
            from sklearn.utils import estimator_html_repr

            bundle["text/html"] = estimator_html_repr(self)
        return bundle

    # -- names -------------------------------------------------------------------------------------

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that `transform` returns: kmeans0, kmeans1, ..."""
        centers = check.fitted_centers(self)
        check.check_input_features(self, input_features)
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{j}" for j in range(len(centers))], dtype=object)


# -- subclasses of scikit-learn's ------------------------------------------------------------------


def join() -> None:
    """Make the estimators subclasses of scikit-learn's base classes, after our own methods."""
    base = sys.modules.get("sklearn.base")
    theirs: list[Any] = [
        getattr(base, name, None) for name in ("TransformerMixin", "ClusterMixin", "BaseEstimator")
    ]
    if None in theirs:
        return
    try:
        Manners.__bases__ = (Root, *theirs)
    except TypeError:  # incompatible base classes: then only `isinstance` checks fail
        pass


class Joining:
    """Calls `join` as soon as scikit-learn's base classes have been imported; stands in
    ``sys.meta_path`` until then.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "sklearn.base":
            return None
        for finder in sys.meta_path:
            spec: Any = (
                finder.find_spec(name, path, target)
                if finder is not self and hasattr(finder, "find_spec")
                else None
            )
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = JoinedLoader(spec.loader)
                return spec
        return None


class JoinedLoader:
    """The loader of scikit-learn's base classes; calls `join` once they are loaded."""

    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: Any) -> Any:
        create = getattr(self.loader, "create_module", None)
        return create(spec) if create is not None else None

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Joining)]
        join()


if "sklearn.base" in sys.modules:
    join()
else:
    sys.meta_path.insert(0, Joining())
