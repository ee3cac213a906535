"""Color quantization: an image reduced to k representative colors."""

from typing import NamedTuple

import numpy as np

from ._estimators.kmeans import KMeans
from ._input import checks as check
from ._input.other_libraries import here


class Quantized(NamedTuple):
    """An image in few colors."""

    #: (height, width) or (height, width, c), dtype of the original (uint8 for bool); with the
    #: opacity of the original
    image: np.ndarray
    palette: np.ndarray  #: (k, channels), of the same dtype; without opacity
    indices: np.ndarray  #: (height, width) int32: the color of each pixel
    model: KMeans  #: fitted to the distinct colors, weighted by their pixels


#: dtype -> value of full brightness and opacity
FULL = {
    np.dtype(kind): full
    for kind, full in (("u1", 255), ("u2", 65535), ("f2", 1.0), ("f4", 1.0), ("f8", 1.0))
}


def quantize(image, n_colors=16, *, n_init="auto", random_state=None, rng=None, n_threads=None):
    """Reduce an image to `n_colors` colors by k-means on its pixels.

    Parameters
    ----------
    image : ndarray of shape (height, width), (height, width, c) with c from 1 to 4, or Pillow image
        c is 3 for colors and 1 for shades of gray, plus 1 if the last channel is opacity. Values
        are uint8 from 0 to 255, uint16 from 0 to 65535, floats from 0 to 1, or bool, which is
        converted to uint8 of 0 and 255. A Pillow image is read in RGB or gray, with its full depth,
        and turned as its orientation says. The image itself is not changed.
    n_colors : int
        An image with no more colors than that keeps them.
    n_init, random_state, n_threads
        As in `KMeans`.
    rng : None, int, SeedSequence, BitGenerator or Generator
        Instead of `random_state`; see `ckmeans.k_means`.

    Returns
    -------
    quantized : Quantized
        image, palette, indices, model.

    Raises
    ------
    TypeError, ValueError
        The image has another shape, dtype or range of values, or is fully transparent.

    Notes
    -----
    The distinct colors are clustered, each weighted by the number of its pixels. The result is the
    same as for all pixels, but takes less time. Distances are Euclidean distances of the RGB
    values, without a color space conversion. The palette is rounded to the image's dtype.

    Each pixel is weighted by its opacity: fully transparent pixels are ignored, and their colors do
    not count toward n_colors. The opacity of all pixels is kept.

    Smooth gradients show bands afterwards; where that matters, use a method with dithering. To give
    the frames of an animation one palette, stack them into one image.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans.image import quantize
    >>> image = np.zeros((2, 4, 3), dtype=np.uint8)
    >>> image[:, 2:] = 200
    >>> image[0, 0] = 2
    >>> quantize(image, 2, random_state=0).palette.tolist()
    [[0, 0, 0], [200, 200, 200]]
    """
    check.check_int(n_colors, "n_colors", 1, "an integer of at least 1")
    random_state = check.one_source(random_state, rng)
    how = {"n_init": n_init, "random_state": random_state, "n_threads": n_threads}
    return reduced(image, int(n_colors), **how)


def reduced(image, n_colors, enough=None, **how):
    """As `quantize`, with other parameters of `KMeans`.

    enough : callable, optional
        Called with the number of colors that can be seen, before the long work; it may raise.
    """
    image = _as_image(image)
    transparent = image.ndim == 3 and image.shape[2] in (2, 4)
    colors = image[..., :-1] if transparent else image
    pixels = colors.reshape(image.shape[0] * image.shape[1], -1)
    distinct, inverse = _distinct(pixels)
    opacity = image[..., -1].ravel().astype(np.float64) if transparent else None
    weights = np.bincount(inverse, opacity, len(distinct)).astype(np.float64) / (
        FULL[image.dtype] if transparent else 1
    )
    seen = distinct[weights > 0]
    if not len(seen):
        raise ValueError("image is wholly transparent: no color of it can be seen.")
    if enough is not None:
        enough(len(seen))
    few = len(seen) <= n_colors  # then the palette is these colors
    model = KMeans(len(seen) if few else n_colors, init=seen if few else "auto", **how)
    model.fit(distinct, sample_weight=weights)
    # The darkest color first, so that palettes are easily compared.
    order = np.lexsort((*model.cluster_centers_.T[::-1], model.cluster_centers_.sum(axis=1)))
    palette = (seen if few else model.cluster_centers_)[order]
    palette = (palette if image.dtype.kind == "f" else np.rint(palette)).astype(image.dtype)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    indices = rank[model.labels_][inverse]
    result = palette[indices].reshape(colors.shape)
    if transparent:
        result = np.concatenate([result, image[..., -1:]], axis=2)
    return Quantized(result, palette, indices.reshape(image.shape[:2]), model)


def _as_image(image):
    """An image as an array of a dtype in `FULL`, checked."""
    if hasattr(image, "getbands") and hasattr(image, "convert"):
        from ._input.picture_files import pixels_of

        image, _ = pixels_of(image)
    if isinstance(image, np.ma.MaskedArray) and np.ma.getmaskarray(image).any():
        raise ValueError("image has masked pixels: fill them, or give it a channel of opacity.")
    image = np.asarray(here(image, "image"))
    if image.ndim not in (2, 3) or image.size == 0 or image.ndim == 3 and image.shape[2] > 4:
        raise ValueError(
            "image must have shape (height, width) or (height, width, c), c from 1 "
            f"to 4, got {image.shape}."
        )
    if image.dtype == bool:
        return image.astype(np.uint8) * np.uint8(255)
    image = image.astype(image.dtype.newbyteorder("="), copy=False)
    if image.dtype not in FULL:
        raise TypeError(
            "image must have dtype uint8 (values from 0 to 255), uint16 (0 to 65535), "
            "bool or float (0 to 1), "
            f"got {image.dtype}: convert it, as image.astype(np.uint8) does where "
            "values are from 0 to 255."
        )
    if image.dtype.kind == "f":
        low, high = image.min(), image.max()  # NaN, if there is one
        if not (low >= 0 and high <= 1):
            raise ValueError(
                f"image of dtype {image.dtype} has values from {low:g} to {high:g}, "
                "and floats must be from 0 to 1: "
                "divide by the value of full brightness, as image / 255 does for "
                "bytes."
            )
    return image


def _distinct(pixels):
    """The distinct colors of pixels (n, channels) in ascending order, and the index of each pixel's
    color.
    """
    if pixels.dtype.kind == "f":
        distinct, inverse = np.unique(pixels + 0, axis=0, return_inverse=True)  # -0.0 equals 0.0
        return distinct, inverse.reshape(-1)
    # Each color as one integer, the first channel in the highest bits.
    bits = 8 * pixels.itemsize
    codes = np.zeros(len(pixels), dtype=np.int64)
    for channel in pixels.T:
        codes = codes << bits | channel
    codes, inverse = np.unique(codes, return_inverse=True)
    shifts = bits * np.arange(pixels.shape[1])[::-1]
    return (codes[:, np.newaxis] >> shifts & FULL[pixels.dtype]).astype(
        pixels.dtype
    ), inverse.reshape(-1)
