"""`rng` beside `random_state` (SPEC 7), in all functions that draw."""

import importlib
import inspect

import numpy as np
import pytest

import ckmeans
from ckmeans import image, metrics

X = np.random.default_rng(0).normal(size=(120, 3))
LABELS = np.arange(120) % 3
PIXELS = np.random.default_rng(1).integers(256, size=(12, 12, 3)).astype(np.uint8)


def outcome(found):
    """What a function has found, as arrays."""
    if hasattr(found, "models"):
        return [model.cluster_centers_ for model in found.models.values()]
    return [np.asarray(each) for each in (found if isinstance(found, tuple) else (found,))]


CALLS = {
    "ckmeans.fit_many": lambda **how: [ckmeans.fit_many(X, 5, LABELS, **how).centers],
    "ckmeans.k_means": lambda **how: outcome(ckmeans.k_means(X, 5, n_init=2, **how)),
    "ckmeans.kmeans_plusplus": lambda **how: outcome(ckmeans.kmeans_plusplus(X, 5, **how)),
    "ckmeans.select_k": lambda **how: outcome(
        ckmeans.select_k(X, [2, 3], criteria="stability", n_resamples=2, **how)
    ),
    "ckmeans.image.quantize": lambda **how: [image.quantize(PIXELS, 5, n_init=1, **how).palette],
    "ckmeans.metrics.silhouette_score": lambda **how: outcome(
        metrics.silhouette_score(X, LABELS, sample_size=40, **how)
    ),
    "ckmeans.plot.quantization": lambda **how: [
        np.asarray(ax.images[0].get_array()) for ax in quantization(**how)
    ],
}


def quantization(**how):
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot

    from ckmeans import plot

    axes = plot.quantization(PIXELS, (3,), **how)
    pyplot.close("all")
    return axes


def test_every_function_that_draws_is_here():
    """Functions alone: estimators keep to `random_state`, as scikit-learn's do."""
    found = set()
    for module in (
        "",
        ".image",
        ".metrics",
        ".plot",
        ".select",
        ".partial",
        ".report",
        ".progress",
    ):
        where = importlib.import_module("ckmeans" + module)
        for name in dir(where):
            value = getattr(where, name)
            if name.startswith("_") or not inspect.isfunction(value):
                continue
            own = value.__module__.startswith("ckmeans")
            if module:  # what it says that it offers, else what it defines
                offers = getattr(where, "__all__", None)
                own &= value.__module__ == "ckmeans" + module if offers is None else name in offers
            if not own:
                continue
            parameters = inspect.signature(value).parameters
            if "random_state" in parameters and parameters["random_state"].kind == (
                inspect.Parameter.KEYWORD_ONLY
            ):
                assert parameters["rng"].default is None, name
                found.add(f"ckmeans{module}.{name}")
    assert found - {"ckmeans.select.select_k"} == set(CALLS)  # it is there under both names


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "rng",
    [
        lambda: 5,
        lambda: np.int64(5),
        lambda: np.random.SeedSequence(5),
        lambda: np.random.PCG64(5),
        lambda: np.random.Generator(np.random.Philox(3)),
        lambda: [1, 2, 3],
    ],
)
def test_the_bits_are_those_of_the_generator(name, rng):
    call = CALLS[name]
    made = np.random.default_rng(rng())
    for one, other in zip(call(rng=rng()), call(random_state=made), strict=True):
        assert np.array_equal(one, other)


def test_an_integer_is_another_seed_than_that_of_random_state():
    centers = [ckmeans.kmeans_plusplus(X, 5, **how)[0] for how in ({"rng": 5}, {"random_state": 5})]
    assert not np.array_equal(*centers)


def test_a_generator_goes_on():
    rng = np.random.default_rng(0)
    one, other = (ckmeans.kmeans_plusplus(X, 5, rng=rng)[1] for _ in range(2))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"random_state": 1, "rng": 2}, TypeError, "both were given: random_state=1, rng=2"),
        ({"rng": np.random.RandomState(0)}, TypeError, "give it as random_state"),
        ({"rng": np.random}, TypeError, "give it as random_state"),
        ({"rng": True}, TypeError, "got True"),
        ({"rng": "5"}, TypeError, "rng must be None, an integer"),
        ({"rng": 0.5}, TypeError, "rng must be None, an integer"),
        ({"rng": -1}, ValueError, "an integer of at least 0"),
    ],
)
def test_errors(name, how, error, message):
    with pytest.raises(error, match=message):
        CALLS[name](**how)


def test_none_is_no_choice():
    for name, call in CALLS.items():
        if name != "ckmeans.plot.quantization":
            first = call(random_state=3, rng=None)
            assert all(map(np.array_equal, first, call(random_state=3))), name
