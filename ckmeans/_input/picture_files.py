"""Picture files as arrays and back, with Pillow: orientation, depth, transparency, frames and color
profiles.

What a file cannot keep raises an error before any work, or gives a warning.
"""

import io
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from .errors import warn
from .optional_packages import need

#: Formats whose further pictures are not frames, and what they are.
_COMPANIONS = {"MPO": "previews or other views of it", "PSD": "its layers"}

#: Formats whose pictures are frames, even where no times are given; and those that hold one page
# after the other.
_ANIMATIONS, _PAGES = ("GIF", "WEBP", "PNG", "AVIF", "FLI"), ("TIFF", "PDF")

_ORIENTATION = 0x0112  # tag of EXIF data

#: Modes of Pillow whose pixels are shades of gray, or colors, with or without transparency.
_GRAY, _COLOR = ("1", "L", "LA", "La"), ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA")


class Picture(NamedTuple):
    """What a picture file holds."""

    #: of ndarray (h, w), (h, w, 2), (h, w, 3) or (h, w, 4): all of the same depth and channels
    frames: list
    options: dict  #: arguments for writing it again
    animated: bool


def pixels_of(picture: Any) -> Any:
    """The array of a Pillow image: upright, as deep as it is, with its transparency; and whether
    its colors are those of its profile.

    Returns
    -------
    pixels : ndarray of shape (h, w), (h, w, 2), (h, w, 3) or (h, w, 4); uint8, uint16, or float32
    from 0 to 1
    same : bool
        Whether these are the picture's own colors, not converted ones.
    """
    picture = need("PIL.ImageOps", "a picture").exif_transpose(picture)
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        return _deep(picture), True
    transparent = picture.has_transparency_data
    if mode in _GRAY:
        wanted = "LA" if transparent else "L"
    elif mode in _COLOR:
        wanted = "RGBA" if transparent else "RGB"
    else:
        return np.asarray(_to_rgb(picture)), False
    return np.asarray(picture if mode == wanted else picture.convert(wanted)), True


def _deep(picture: Any) -> Any:
    """Shades of gray of more than 8 bits."""
    if picture.has_transparency_data:
        raise ValueError(
            "a 16-bit grey picture with a transparent shade, of which only one could be kept: "
            "convert it to 8 bits first"
        )
    pixels = np.asarray(picture)
    if picture.mode == "F":
        if not (pixels.size and 0 <= pixels.min() and pixels.max() <= 1):
            raise ValueError(
                f"float pixels from {pixels.min():g} to {pixels.max():g}: "
                "ckmeans quantize reads those from 0 to 1"
            )
        return pixels.astype(np.float32)
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ValueError(
            f"whole-number pixels from {pixels.min()} to {pixels.max()}: "
            "ckmeans quantize reads those from 0 to 65535"
        )
    return pixels.astype(np.uint16)


def _to_rgb(picture: Any) -> Any:
    """A picture of other colors (CMYK, LAB, ...) in RGB, by its color profile where it has one."""
    how = "without a color profile"
    profile = picture.info.get("icc_profile")
    if profile or picture.mode == "LAB":
        cms = need("PIL.ImageCms", "a picture")
        try:
            source = (
                cms.ImageCmsProfile(io.BytesIO(profile)) if profile else cms.createProfile("LAB")
            )
            turned = cms.profileToProfile(
                picture, source, cms.createProfile("sRGB"), outputMode="RGB"
            )
            warn(f"colors were turned from {picture.mode} into sRGB")
            return turned
        except (OSError, cms.PyCMSError):
            how = "without its color profile, which cannot be used"
    turned = picture.convert("RGB")  # Pillow raises ValueError if it cannot
    warn(f"colors were turned from {picture.mode} into RGB {how}")
    return turned


def read_picture(path: Any, frame: int | None = None) -> Picture:
    """A picture file with all its frames, or with the given one only."""
    Image = need("PIL.Image", "ckmeans quantize")
    try:
        with Image.open(path) as file:
            return _read(Image, file, frame)
    except Image.UnidentifiedImageError:
        raise ValueError(f"{path}: not a picture that Pillow can read") from None
    except (ValueError, EOFError, SyntaxError, OSError, Image.DecompressionBombError) as error:
        if getattr(error, "filename", None) is not None:
            raise
        raise ValueError(f"{path}: {error}") from None


def _read(Image: Any, file: Any, frame: int | None) -> Any:
    count = getattr(file, "n_frames", 1)
    if frame is not None:
        if frame >= count:
            raise ValueError(f"there is no frame {frame}: it has {count}, counted from 0")
        if frame or count > 1 and file.format not in _COMPANIONS:
            file.seek(frame)
        which: Iterable[int | None] = [None]
    elif count > 1 and file.format in _COMPANIONS:
        warn(
            f"only the main picture of {count} was taken: the others are {_COMPANIONS[file.format]}"
        )
        which = [None]
    else:
        which = range(count) if count > 1 else [None]
    if ";16" in _raw_mode(file) and not file.mode.startswith("I"):
        warn(f"of the 16 bits of each channel Pillow reads the upper 8 in a {file.mode} picture")
    if "exif" in file.info and set(file.getexif()) - {_ORIENTATION}:
        warn("EXIF data (camera, place, time) are not written again")
    frames, durations, same = [], [], True
    options = {name: file.info[name] for name in ("icc_profile", "dpi") if file.info.get(name)}
    for index in which:
        if index is not None:
            file.seek(index)
        pixels, own = pixels_of(file)
        # Some formats know it only after the pixels are read.
        durations.append(file.info.get("duration"))
        frames.append(pixels)
        same = same and own
    if not same:
        options.pop("icc_profile", None)
    animated = len(frames) > 1 and (file.format in _ANIMATIONS or any(durations))
    if animated:
        options["duration"] = [duration or 0 for duration in durations]
        options.update(
            (name, file.info[name]) for name in ("loop", "default_image") if name in file.info
        )
    return Picture(_alike(frames), options, animated)


def _raw_mode(file: Any) -> str:
    """The layout of the pixels in a file, as Pillow names it."""
    tiles = getattr(file, "tile", None)
    return str(tiles[0][3]) if tiles else ""


def _alike(frames: Any) -> Any:
    """Frames with the channels that all of them need."""
    if len({frame.dtype for frame in frames}) > 1:
        raise ValueError("its pages have pixels of different depth: take one with --frame")
    channels = {1 if frame.ndim == 2 else frame.shape[2] for frame in frames}
    if len(channels) == 1:
        return frames
    color, transparent = bool(channels & {3, 4}), bool(channels & {2, 4})

    def widened(frame):
        frame = frame if frame.ndim == 3 else frame[..., np.newaxis]
        colors, alpha = (
            (frame[..., :-1], frame[..., -1:])
            if frame.shape[2] in (2, 4)
            else (frame, np.full_like(frame[..., :1], 255))
        )
        colors = colors.repeat(3, axis=2) if color and colors.shape[2] == 1 else colors
        return np.concatenate([colors, alpha], axis=2) if transparent else colors

    return [widened(frame) for frame in frames]


# -- writing ----------------------------------------


class Writer:
    """Writes pictures of few colors in the format given by the name of a file.

    What the format cannot hold is reported when the writer is made, before any work: by an error,
    or by a warning if it is minor.
    """

    def __init__(self, path, picture, n_colors):
        self.Image = need("PIL.Image", "ckmeans quantize")
        self.kind = self.Image.registered_extensions().get(os.path.splitext(path)[1].lower())
        if self.kind not in self.Image.SAVE:
            raise ValueError(
                f"cannot write {path}: Pillow knows no such format; .png keeps the colours exactly"
            )
        self.path, self.options = path, dict(picture.options)
        first = picture.frames[0]
        self.transparent = first.ndim == 3 and first.shape[2] in (2, 4)
        if self.kind == "WEBP":
            self.options.update(lossless=True, exact=True)
        self.check_frames(picture)
        if self.kind == "GIF":
            self.check_gif(picture, n_colors)
        else:
            self.check_pixels(first)

    def check_frames(self, picture):
        count = len(picture.frames)
        if count == 1:
            return
        what = f"an animation of {count} frames" if picture.animated else f"a file of {count} pages"
        fine = self.kind in self.Image.SAVE_ALL and (picture.animated or self.kind in _PAGES)
        if not fine:
            others = ".gif, .webp, .png or .tif" if picture.animated else ".tif or .pdf"
            raise ValueError(
                f"cannot write {what} to {self.path}: write {others}, or take one with --frame"
            )
        if self.options.pop(
            "default_image", False
        ):  # the still picture for programs that do not show animations
            if self.kind == "PNG":
                self.options.update(default_image=True, duration=self.options["duration"][1:])
            else:
                warn(
                    "the still picture beside the animation becomes its first frame: "
                    f"{self.kind} has no such thing"
                )
        if picture.animated and self.kind in _PAGES:
            warn(f"the times of the frames are left out: {self.kind} holds pages")
        self.options["save_all"] = True

    def check_gif(self, picture, n_colors):
        colors = n_colors + self.transparent
        if colors > 256:
            raise ValueError(
                f"cannot write {self.path}: GIF holds 256 colors at most, and this takes {colors}; "
                ".png has room for more"
            )
        if picture.frames[0].dtype != np.uint8:
            raise ValueError(
                f"cannot write {self.path}: GIF cannot hold grey of more than 8 bits; .png can"
            )
        if self.transparent and any(
            ((frame[..., -1] > 0) & (frame[..., -1] < 255)).any() for frame in picture.frames
        ):
            raise ValueError(
                f"cannot write {self.path}: GIF cannot hold half-transparent pixels; .png can"
            )
        self.drop("icc_profile", "the color profile")

    def check_pixels(self, first):
        """Write and read back a small picture of the same kind."""
        sample: np.ndarray = (
            np.random.RandomState(0).randint(0, 256, (16, 16, *first.shape[2:])).astype(np.uint8)
        )
        sample = (
            sample * np.uint16(257)
            if first.dtype == np.uint16
            else sample.astype(np.float32) / 255
            if first.dtype.kind == "f"
            else sample
        )
        buffer = io.BytesIO()
        options = {
            name: value
            for name, value in self.options.items()
            if name not in ("save_all", "duration", "loop", "default_image")
        }
        back, info = None, {}
        try:
            self.image(sample).save(buffer, format=self.kind, **options)
        except (OSError, ValueError, KeyError) as error:
            if self.transparent or first.dtype != np.uint8:
                self.refuse(first)
            raise ValueError(f"cannot write {self.path}: {error}") from None
        try:
            with self.Image.open(buffer) as file:
                info = file.info
                back, _ = pixels_of(file)
        except (OSError, ValueError, EOFError, SyntaxError):  # some formats can only be written
            pass
        if (self.transparent or first.dtype != np.uint8) and not self.like(back, sample):
            self.refuse(first)
        if back is None:
            return
        if info.get("icc_profile") != self.options.get("icc_profile"):
            self.drop("icc_profile", "the color profile")
        if not self.same(back, sample):
            warn(
                f"{self.kind} keeps colors only roughly, so that the file has more of them than "
                "the palette; .png keeps them"
            )

    def like(self, back, sample):
        """Whether the picture that was read back has the same depth and transparency."""
        if back is None or back.dtype.kind != sample.dtype.kind or back.itemsize < sample.itemsize:
            return False
        if not self.transparent:
            return bool(
                np.allclose(
                    back, sample, atol=64 if sample.dtype == np.uint8 else sample.max() / 256
                )
            )
        return back.ndim == 3 and back.shape[2] in (2, 4) and len(np.unique(back[..., -1])) > 2

    @staticmethod
    def same(back, sample):
        """Whether the same colors were read back; some formats hold gray as three channels."""
        one, other = (
            array if array.ndim == 3 else array[..., np.newaxis] for array in (back, sample)
        )
        if one.shape[2] - other.shape[2] == 2:
            colors = other[..., :1].repeat(3, axis=2)
            other = np.concatenate([colors, other[..., 1:]], axis=2)
        return one.shape == other.shape and bool((one == other).all())

    def refuse(self, first):
        what, remedy = (
            ("transparency", ".png")
            if self.transparent
            else ("float pixels", ".tif")
            if first.dtype.kind == "f"
            else ("grey of more than 8 bits", ".png")
        )
        raise ValueError(f"cannot write {self.path}: {self.kind} cannot hold {what}; {remedy} can")

    def drop(self, name, what):
        if self.options.pop(name, None) is not None:
            warn(f"{what} is left out: {self.kind} cannot hold it")

    def image(self, pixels):
        return self.Image.fromarray(np.ascontiguousarray(pixels))

    def write(self, file, frames, palette, indices):
        """Write frames; indices: (h, w) of each, which color of the palette its pixels have."""
        if self.kind == "GIF" or self.small_png(palette):
            images = [
                self.with_palette(frame, palette, index) for frame, index in zip(frames, indices)
            ]
            if self.transparent and self.kind == "GIF":
                self.options.update(transparency=len(palette), disposal=2)
        else:
            images = [self.image(frame) for frame in frames]
        if len(images) > 1:
            self.options["append_images"] = images[1:]
        buffer = io.BytesIO()  # some formats read again what they have written
        images[0].save(buffer, format=self.kind, **self.options)
        file.write(buffer.getbuffer())

    def small_png(self, palette):
        """Whether the file is a .png of one picture, which holds such colors as a palette."""
        return (
            self.kind == "PNG"
            and not self.transparent
            and palette.dtype == np.uint8
            and palette.shape[1] == 3  # gray stays gray
            and len(palette) <= 256
            and not self.options.get("save_all")
        )

    def with_palette(self, frame, palette, index):
        """A picture of palette indices; transparent pixels have the index after the last color."""
        if self.transparent:
            index = np.where(frame[..., -1] == 0, len(palette), index)
        image = self.image(index.astype(np.uint8))
        colors = palette if palette.shape[1] == 3 else palette.repeat(3, axis=1)
        image.putpalette([*colors.ravel().tolist(), *[0, 0, 0] * self.transparent])
        return image
