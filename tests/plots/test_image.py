"""Color quantization."""

import numpy as np
import pytest

from ckmeans import KMeans
from ckmeans.image import FULL, quantize

IMAGE = np.random.default_rng(0).integers(0, 256, size=(24, 31, 3)).astype(np.uint8)


@pytest.mark.parametrize("image", [IMAGE, IMAGE[..., 0], IMAGE[::2, ::-1]])
@pytest.mark.parametrize("k", [1, 2, 16])
def test_each_pixel_takes_the_nearest_colour(image, k):
    before = image.copy()
    result = quantize(image, k, random_state=0)
    assert (
        np.array_equal(image, before)
        and result.image.shape == image.shape
        and result.image.dtype == np.uint8
    )
    assert np.array_equal(result.palette[result.indices].reshape(image.shape), result.image)
    assert len(result.palette) == k == len(np.unique(result.indices))
    pixels = image.reshape(-1, result.palette.shape[1])
    model = KMeans(k, init=result.model.cluster_centers_, max_iter=1, tol=1e9).fit(pixels)
    assert model.inertia_ <= result.model.inertia_ * (1 + 1e-12)  # weighted colors equal all pixels
    assert result.model.inertia_ == pytest.approx(-result.model.score(pixels), rel=1e-12)
    assert (
        np.diff(result.palette.astype(int).sum(axis=1)) >= -2
    ).all()  # dark to light, up to rounding


def test_few_colours_stay_as_they_are():
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    image[1] = (250, 3, 7)
    result = quantize(image, 16)
    assert np.array_equal(result.image, image) and result.palette.tolist() == [
        [0, 0, 0],
        [250, 3, 7],
    ]


def test_the_same_seed_gives_the_same_picture():
    assert np.array_equal(
        quantize(IMAGE, 9, random_state=4).image,
        quantize(IMAGE, 9, random_state=4, n_threads=1).image,
    )


def of_full(dtype):
    """The image in another dtype, with the same share of full brightness."""
    full = FULL[np.dtype(dtype)]
    return IMAGE.astype(dtype) * dtype(257) if full == 65535 else (IMAGE / 255).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_depths_and_channels(dtype, channels):
    image = of_full(dtype)
    image = (
        image[..., 0] if channels is None else np.dstack([image, image[..., :1]])[..., :channels]
    )
    before = image.copy()
    result = quantize(image, 5, random_state=0)
    assert np.array_equal(image, before)
    assert (
        result.image.shape == image.shape
        and result.image.dtype == result.palette.dtype == image.dtype
    )
    colors = image[..., :-1] if channels in (2, 4) else image
    assert np.array_equal(
        result.palette[result.indices].reshape(colors.shape),
        result.image[..., :-1] if channels in (2, 4) else result.image,
    )
    if channels in (2, 4):
        assert np.array_equal(result.image[..., -1], image[..., -1])
    assert (
        0 <= result.image.min() and result.image.max() > FULL[image.dtype] / 2
    )  # neither black nor white
    many = quantize(image[:3, :4], 200)
    seen = slice(None) if channels not in (2, 4) else image[:3, :4, -1] > 0
    assert np.array_equal(many.image[seen], image[:3, :4][seen])  # few colors stay unchanged


def test_the_other_byte_order_and_bits():
    swapped = of_full(np.uint16).astype(">u2")
    assert np.array_equal(
        quantize(swapped, 5, random_state=0).image,
        quantize(of_full(np.uint16), 5, random_state=0).image,
    )
    bits = IMAGE[..., 0] > 99
    assert np.array_equal(quantize(bits, 2).image, bits * np.uint8(255))


def test_shades_of_grey_do_not_depend_on_the_depth():
    deep = quantize(of_full(np.uint16)[..., 0], 4)  # one dimension: the optimum
    assert np.array_equal(deep.indices, quantize(IMAGE[..., 0], 4).indices)


@pytest.mark.parametrize(
    "image, k, error, message",
    [
        (
            IMAGE.astype(np.float64),
            4,
            ValueError,
            "values from 0 to 255, and floats must be from 0 to 1.*image / 255",
        ),
        (IMAGE / 255 - 0.5, 4, ValueError, "floats must be from 0 to 1"),
        (np.where(IMAGE < 9, np.nan, 0.5), 4, ValueError, "from nan to nan"),
        (IMAGE.astype(np.int32), 4, TypeError, "dtype uint8.*got int32.*astype"),
        (IMAGE.astype(complex), 4, TypeError, "got complex128"),
        (np.ma.masked_less(IMAGE, 9), 4, ValueError, "masked pixels"),
        (IMAGE.reshape(-1), 4, ValueError, r"shape \(height, width\) or"),
        (np.zeros((3, 3, 5), np.uint8), 4, ValueError, r"got \(3, 3, 5\)"),
        (np.zeros((2, 3, 3, 3), np.uint8), 4, ValueError, r"got \(2, 3, 3, 3\)"),
        (np.zeros((3, 3, 4), np.uint8), 4, ValueError, "wholly transparent"),
        (IMAGE[:0], 4, ValueError, "shape"),
        (IMAGE, 0, ValueError, "n_colors must be an integer of at least 1"),
        (IMAGE, 2.0, TypeError, "n_colors"),
    ],
)
def test_errors(image, k, error, message):
    with pytest.raises(error, match=message):
        quantize(image, k)
