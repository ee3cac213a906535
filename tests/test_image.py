"""Colour quantisation."""

import numpy as np
import pytest

from ckmeans import KMeans
from ckmeans.image import quantize

IMAGE = np.random.default_rng(0).integers(0, 256, size=(24, 31, 3)).astype(np.uint8)


@pytest.mark.parametrize("image", [IMAGE, IMAGE[..., 0], IMAGE[::2, ::-1]])
@pytest.mark.parametrize("k", [1, 2, 16])
def test_each_pixel_takes_the_nearest_colour(image, k):
    before = image.copy()
    result = quantize(image, k, random_state=0)
    assert np.array_equal(image, before) and result.image.shape == image.shape and result.image.dtype == np.uint8
    assert np.array_equal(result.palette[result.indices].reshape(image.shape), result.image)
    assert len(result.palette) == k == len(np.unique(result.indices))
    pixels = image.reshape(-1, result.palette.shape[1])
    model = KMeans(k, init=result.model.cluster_centers_, max_iter=1, tol=1e9).fit(pixels)
    assert model.inertia_ <= result.model.inertia_ * (1 + 1e-12)       # weighted colours are what all pixels are
    assert result.model.inertia_ == pytest.approx(-result.model.score(pixels), rel=1e-12)
    assert (np.diff(result.palette.astype(int).sum(axis=1)) >= -2).all()  # dark to light, but for rounding


def test_few_colours_stay_as_they_are():
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    image[1] = (250, 3, 7)
    result = quantize(image, 16)
    assert np.array_equal(result.image, image) and result.palette.tolist() == [[0, 0, 0], [250, 3, 7]]


def test_the_same_seed_gives_the_same_picture():
    assert np.array_equal(quantize(IMAGE, 9, random_state=4).image, quantize(IMAGE, 9, random_state=4, n_threads=1).image)


@pytest.mark.parametrize(
    "image, k, error, message",
    [
        (IMAGE / 255, 4, TypeError, "dtype uint8.*got float64"),
        (IMAGE.reshape(-1), 4, ValueError, r"shape \(height, width, 3\)"),
        (np.zeros((3, 3, 4), np.uint8), 4, ValueError, r"got \(3, 3, 4\)"),
        (IMAGE[:0], 4, ValueError, "shape"),
        (IMAGE, 0, ValueError, "n_colors must be an integer of at least 1"),
        (IMAGE, 2.0, TypeError, "n_colors"),
    ],
)
def test_errors(image, k, error, message):
    with pytest.raises(error, match=message):
        quantize(image, k)
