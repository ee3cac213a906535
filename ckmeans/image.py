"""Colour quantisation: an image in its k most telling colours."""
from typing import NamedTuple

import numpy as np

from . import _validate as check
from ._kmeans import KMeans


class Quantized(NamedTuple):
    """An image in few colours."""

    image: np.ndarray       #: same shape as the original, uint8
    palette: np.ndarray     #: (k, channels) uint8
    indices: np.ndarray     #: (height, width) int32: the colour of each pixel
    model: KMeans           #: fitted to the distinct colours, weighted by their pixels


def quantize(image, n_colors=16, *, n_init="auto", random_state=None, n_threads=None):
    """Reduce an image to `n_colors` colours by k-means on its pixels.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3) or (height, width), uint8
        Colours or shades of grey. Left as it is.
    n_colors : int
        An image that has no more than this keeps its colours.
    n_init, random_state, n_threads
        As in `KMeans`.

    Returns
    -------
    quantized : Quantized
        image, palette, indices, model.

    Raises
    ------
    TypeError, ValueError
        The image is no array of bytes of such a shape.

    Notes
    -----
    Distinct colours are clustered, each weighted by its pixels, which gives what all pixels would and takes less time. Distances
    are those of the RGB values as they are. The palette is rounded to whole bytes.

    Not for images with transparency (flatten them first), nor where banding must not show: dither then.

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
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise TypeError(f"image must have dtype uint8 (values from 0 to 255), got {image.dtype}.")
    if image.ndim not in (2, 3) or image.size == 0 or image.ndim == 3 and image.shape[2] != 3:
        raise ValueError(f"image must have shape (height, width, 3) or (height, width), got {image.shape}.")
    check.check_int(n_colors, "n_colors", 1, "an integer of at least 1")
    pixels = image.reshape(-1, 3 if image.ndim == 3 else 1)
    # Colours as one number each, sorted: the first channel counts most.
    codes = np.zeros(len(pixels), dtype=np.int64)
    for channel in pixels.T:
        codes = codes * 256 + channel
    codes, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    shifts = 8 * np.arange(pixels.shape[1])[::-1]
    colors = (codes[:, np.newaxis] >> shifts & 255).astype(np.uint8)
    model = KMeans(min(int(n_colors), len(colors)), n_init=n_init, random_state=random_state, n_threads=n_threads)
    model.fit(colors, sample_weight=counts.astype(np.float64))
    # The darkest colour first, so that palettes can be compared by eye.
    order = np.lexsort((*model.cluster_centers_.T[::-1], model.cluster_centers_.sum(axis=1)))
    palette = np.rint(model.cluster_centers_[order]).astype(np.uint8)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    indices = rank[model.labels_][inverse.reshape(-1)]
    return Quantized(palette[indices].reshape(image.shape), palette, indices.reshape(image.shape[:2]), model)
