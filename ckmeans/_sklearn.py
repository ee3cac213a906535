"""Manners that scikit-learn expects of an estimator: tags, `set_output`, metadata routing, HTML.

scikit-learn is never imported here unless the caller has done so: it asks for tags and routing itself, and where
it is absent there is nobody to ask. Tags are those of scikit-learn 1.6 and later.
"""
import copy
import sys

import numpy as np

from . import _validate as check

#: Containers that `set_output` can give.
OUTPUTS = ("default", "pandas", "polars")


def loaded():
    """scikit-learn, if the caller has imported it; None otherwise."""
    return sys.modules.get("sklearn")


class Manners:
    """What scikit-learn's BaseEstimator, ClusterMixin and TransformerMixin would give, without importing them.

    The parameters of a subclass are those of its ``__init__``; it names in `_routed` the methods that take `sample_weight`.
    """

    _parameters = ()
    _routed = ("fit", "score")

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            code = cls.__init__.__code__
            own = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
            cls._parameters += tuple(name for name in own if name not in cls._parameters)

    def _keep_parameters(self, given):
        """Keep what ``__init__`` was given, its ``locals()``, as it is: `fit` looks at it."""
        del given["self"]
        self.__dict__.update(given)

    # -- parameters ----------------------------------------------------------------------------------------------------

    def get_params(self, deep=True):
        """The parameters by name."""
        return {name: getattr(self, name) for name in self._parameters}

    def set_params(self, **params):
        """Set parameters by name; an unknown name raises and changes nothing."""
        for name in params:
            if name not in self._parameters:
                raise ValueError(f"Invalid parameter {name!r} for estimator {self}. "
                                 f"Valid parameters are: {list(self._parameters)!r}.")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self):
        default = type(self)()
        changed = {name: value for name, value in self.get_params().items()
                   if repr(value) != repr(getattr(default, name))}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    # -- tags ----------------------------------------------------------------------------------------------------------

    def __sklearn_tags__(self):
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(estimator_type="clusterer", target_tags=TargetTags(required=False),
                    transformer_tags=TransformerTags(preserves_dtype=["float64", "float32"]), input_tags=InputTags(sparse=True))

    def __sklearn_is_fitted__(self):
        return hasattr(self, "cluster_centers_")

    # -- containers of results -----------------------------------------------------------------------------------------

    def set_output(self, *, transform=None):
        """Choose what `transform` and `fit_transform` return.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            An ndarray, or a data frame with the columns of `get_feature_names_out` (and X's index, if it has one).
            None changes nothing. Before any choice, ``sklearn.set_config(transform_output=...)`` decides.

        Returns
        -------
        self
        """
        if transform is None:
            return self
        if transform not in OUTPUTS:
            raise ValueError(f"transform must be one of {', '.join(map(repr, OUTPUTS))}, got {transform!r}.")
        self._sklearn_output_config = {"transform": transform}
        return self

    def _contained(self, array, X):
        """The result of `transform` in the container that was asked for."""
        kind = getattr(self, "_sklearn_output_config", {}).get("transform")
        if kind is None:
            sklearn = loaded()
            kind = sklearn.get_config().get("transform_output", "default") if sklearn is not None else "default"
        if kind == "default":
            return array
        names = self.get_feature_names_out()
        try:
            if kind == "pandas":
                import pandas

                return pandas.DataFrame(array, columns=names, index=getattr(X, "index", None) if hasattr(X, "iloc") else None,
                                        copy=False)
            import polars
        except ImportError:
            raise ImportError(f"set_output(transform={kind!r}) needs {kind}: pip install {kind}") from None
        return polars.DataFrame(array, schema=names.tolist(), orient="row")

    # -- metadata routing ----------------------------------------------------------------------------------------------

    def get_metadata_routing(self):
        """scikit-learn's record of which methods take `sample_weight` from a pipeline or a search."""
        from sklearn.utils.metadata_routing import MetadataRequest

        if hasattr(self, "_metadata_request"):
            return copy.deepcopy(self._metadata_request)
        request = MetadataRequest(owner=self)
        for method in self._routed:
            getattr(request, method).add_request(param="sample_weight", alias=None)
        return request

    def _get_metadata_request(self):      # the name that scikit-learn's own helpers ask for
        return self.get_metadata_routing()

    def _set_request(self, method, sample_weight):
        sklearn = loaded()
        if sklearn is None or not sklearn.get_config().get("enable_metadata_routing"):
            raise RuntimeError("This method is only available when metadata routing is enabled. You can enable it using "
                               "sklearn.set_config(enable_metadata_routing=True).")
        request = self.get_metadata_routing()
        getattr(request, method).add_request(param="sample_weight", alias=sample_weight)
        self._metadata_request = request
        return self

    def set_fit_request(self, *, sample_weight):
        """Say whether meta-estimators pass `sample_weight` to `fit`: True, False, None or another name for it."""
        return self._set_request("fit", sample_weight)

    def set_score_request(self, *, sample_weight):
        """Say whether meta-estimators pass `sample_weight` to `score`: True, False, None or another name for it."""
        return self._set_request("score", sample_weight)

    # -- notebooks -----------------------------------------------------------------------------------------------------

    def _repr_mimebundle_(self, **options):
        """Text and, unless scikit-learn is told to show text only, HTML: the class's own, or else scikit-learn's diagram."""
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

    # -- names ---------------------------------------------------------------------------------------------------------

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that `transform` returns: kmeans0, kmeans1, ..."""
        centers = check.fitted_centers(self)
        check.check_input_features(self, input_features)
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{j}" for j in range(len(centers))], dtype=object)
