"""Pictures in few colors."""

import math

import numpy as np

from .._input import checks as check
from .drawing import pyplot


def quantization(image, n_colors=(2, 4, 8, 16), *, random_state=0, rng=None, axes=None):
    """An image reduced to several numbers of colors next to the original, with the palettes below.

    Parameters
    ----------
    image : as for `ckmeans.image.quantize`
    n_colors : iterable of int
    random_state : None, int, RandomState or Generator
    rng : None, int, SeedSequence, BitGenerator or Generator
        Instead of `random_state`; see `ckmeans.k_means`.
    axes : sequence of matplotlib axes, or None
        One for the original and one for each number of colors.

    Returns
    -------
    axes : ndarray of matplotlib axes

    See Also
    --------
    ckmeans.image.quantize
    """
    from ..image import FULL, _as_image, quantize

    random_state = check.one_source(random_state, rng, default=0)
    numbers, image = list(n_colors), _as_image(image)
    results = [quantize(image, number, random_state=random_state) for number in numbers]
    if axes is None:
        across = min(3, len(numbers) + 1)
        down = math.ceil((len(numbers) + 1) / across)
        ratio = image.shape[0] / image.shape[1]
        _, grid = pyplot().subplots(
            down,
            across,
            figsize=(3.6 * across, (3.6 * ratio + 0.55) * down),
            layout="constrained",
            squeeze=False,
        )
        axes = grid.ravel()
        for ax in axes[len(numbers) + 1 :]:
            ax.remove()
    axes = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()[: len(numbers) + 1]
    if len(axes) < len(numbers) + 1:
        raise ValueError(f"{len(axes)} axes for {len(numbers) + 1} images: pass one for each.")
    for ax, shown, title in zip(
        axes,
        [image, *(result.image for result in results)],
        ["original", *(f"{len(result.palette)} colors" for result in results)],
    ):
        ax.imshow(_shown(shown, FULL[image.dtype]), cmap="gray", vmin=0, vmax=255)
        ax.set_title(title, fontsize=10)
        ax.set_axis_off()
    for ax, result in zip(axes[1:], results):
        strip = ax.inset_axes([0, -0.09, 1, 0.06])
        strip.imshow(
            _shown(result.palette[np.newaxis], FULL[image.dtype]),
            aspect="auto",
            cmap="gray",
            vmin=0,
            vmax=255,
            interpolation="nearest",
        )
        strip.set_axis_off()
    return axes


def _shown(image, full):
    """An image as bytes that imshow takes: gray, RGB or RGBA."""
    if image.dtype != np.uint8:
        image = np.rint(image / np.float64(full) * 255).astype(np.uint8)
    if image.ndim == 3 and image.shape[2] == 2:
        image = image[..., [0, 0, 0, 1]]
    return image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
