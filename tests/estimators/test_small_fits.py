"""The overhead of small fits: counted, not timed."""

import inspect
import sys

import numpy as np
import pytest

from ckmeans import KMeans
from ckmeans._estimators import kmeans
from ckmeans._input.checks import seeded
from ckmeans._input.parameter_names import defaults_of
from ckmeans._native.engine import Data

X = np.random.RandomState(0).normal(size=(150, 8))
CENTERS = X[:3].copy()


def calls(function):
    """How many calls of Python functions this call makes, and the files that these are in."""
    function()  # once before, for what is done only once
    count, files = 0, set()

    def note(frame, event, _):
        nonlocal count
        if event == "call":
            count += 1
            files.add(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count, files


#: A little more than the calls there are now: what is added to every fit shows here.
@pytest.mark.parametrize(
    ("most", "function"),
    [
        (65, lambda: KMeans(3, init=CENTERS, n_init=1).fit(X)),
        (75, lambda: KMeans(3, n_init=1, random_state=0).fit(X)),
        (20, lambda: FITTED.predict(X[:1])),
    ],
)
def test_a_small_fit_makes_few_calls_and_none_of_numpys_python_functions(most, function):
    count, files = calls(function)
    assert count <= most
    assert not [file for file in files if "numpy" in file]


FITTED = KMeans(3, init=CENTERS, n_init=1).fit(X)


def test_the_defaults_that_are_not_checked_are_those_of_the_signature():
    found = {
        name: parameter.default
        for name, parameter in inspect.signature(KMeans.__init__).parameters.items()
        if name != "self"
    }
    assert dict(zip(kmeans.NAMES, kmeans.DEFAULTS)) == found == defaults_of(KMeans.__init__)


@pytest.mark.parametrize("name", kmeans.NAMES)
def test_every_parameter_is_checked(name):
    with pytest.raises((TypeError, ValueError), match=name):
        KMeans(**{name: object()}).fit(X)


@pytest.mark.parametrize("name", kmeans.CHECKS)
def test_a_default_passes_its_check(name):
    kmeans.CHECKS[name](dict(zip(kmeans.NAMES, kmeans.DEFAULTS))[name])


@pytest.mark.parametrize(
    "function",
    [lambda a, b: None, lambda a, b=1, *, c, d=2: None, lambda *, a=None: None, lambda: None],
)
def test_defaults_of_a_function(function):
    expected = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    assert defaults_of(function) == expected


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, [7, 1], [0, 2**31]])
def test_a_reused_generator_has_the_stream_of_a_new_one(seed):
    for _ in range(2):
        with seeded(seed) as state:
            found = state.random_sample(5)
            found = [*found, *state.randint(1000, size=5), *state.normal(size=3)]  # leaves a spare
        state = np.random.RandomState(seed)
        fresh = [*state.random_sample(5), *state.randint(1000, size=5), *state.normal(size=3)]
        assert found == fresh


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i1", "u8"])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_value_and_the_widest_range(dtype, sign):
    if dtype == "u8" and sign < 0:
        pytest.skip("unsigned")
    random = np.random.RandomState(3)
    rows = (sign * random.randint(0, 100, (70, 5))).astype(dtype)
    rows[:, 2] = 0
    data = Data(rows, None, 2, True)
    values = rows.astype(np.float64)
    assert data.largest == np.abs(values).max()
    assert data.span == np.ptp(values, axis=0).max()


def test_the_widest_range_leaves_columns_without_values_out():
    rows = np.array([[np.nan, 1.0], [np.nan, 4.0]])
    assert Data(rows, None, 1, True, metric="gaps").span == 3
    assert Data(rows[:, :1].copy(), None, 1, True, metric="gaps").span == -np.inf
