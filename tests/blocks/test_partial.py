"""Arguments that the functions of `ckmeans.partial` refuse."""

import numpy as np
import pytest

from ckmeans.partial import assign_block, survey_block


@pytest.mark.parametrize(
    "change, message",
    [
        ({"labels": np.array([0, 7, 1], np.int32)}, "labels must be from -1 to 1"),
        ({"labels": np.array([-2, 0, 1], np.int32)}, "got -2 to 1"),
        ({"middle": [0.0]}, r"middle must have shape \(2,\)"),
        ({"centers": [[0.0, np.nan], [1.0, 1.0]]}, "centers contains NaN"),
        ({"centers": [[0.0, 1e150], [1.0, 1.0]]}, "centers"),
        ({"sample_weight": [1e300, 1.0, 1.0]}, "too large together"),
    ],
)
def test_what_would_spoil_sums_or_memory_is_refused(change, message):
    X = np.arange(6.0).reshape(3, 2) * 1e3
    weights = change.get("sample_weight")
    with pytest.raises(ValueError, match=message):
        assign_block(X, **{"centers": X[:2], "survey": survey_block(X, weights), **change})


def test_labels_that_cannot_be_written_to_are_refused():
    X = np.arange(10.0).reshape(5, 2)
    whole = survey_block(X)
    labels = np.full(5, -1, dtype=np.int32)
    labels.flags.writeable = False
    apart = np.frombuffer(bytearray(21), dtype=np.uint8)[1:].view(np.int32)
    for given in (labels, apart):
        with pytest.raises(ValueError, match="pass a copy"):
            assign_block(X, X[:2], whole, labels=given)
    assert (labels == -1).all()
    with pytest.raises(TypeError, match="got list"):
        assign_block(X, X[:2], whole, labels=[-1] * 5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("d", [1, 3, 16, 130])
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("inertia", [False, True])
def test_rows_that_are_no_longer_finite_raise(dtype, d, value, inertia):
    X = np.random.default_rng(0).integers(-1000, 1000, size=(403, d)).astype(dtype)
    survey, centers = survey_block(X), X[:3].astype(np.float64)
    assign_block(X, centers, survey, inertia=inertia)
    for row, column in ((0, 0), (402, d - 1), (200, d // 2)):
        changed = X.copy()
        changed[row, column] = value
        with pytest.raises(
            ValueError, match=f"row {1000 + row}, column {column} is {value}.: survey them again"
        ):
            assign_block(changed, centers, survey, start=1000, inertia=inertia, n_threads=2)
