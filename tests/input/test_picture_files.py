"""Picture files in few colors: orientation, depth, transparency, frames, color profiles."""

import io
import json
import os
import re

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
from PIL import ImageCms, ImageOps  # noqa: E402

from ckmeans import cli  # noqa: E402
from ckmeans.image import quantize  # noqa: E402

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, size=(12, 20, 3)).astype(np.uint8)
PIXELS[:6, :10] = 250, 10, 10  # a mark in one corner
ORIENTATIONS = range(1, 9)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys):
    def run(*argv):
        argv = ["quantize", *map(str, argv), *([] if "--json" in argv else ["--json"])]
        code = cli.main(argv)
        out, err = capsys.readouterr()
        most = re.search(r"nothing to reduce; give at most -k (\d+)$", err.strip())
        if code == 2 and most:  # more colors than there are are refused: then all that there are
            argv[argv.index("-k") + 1] = most[1]
            code = cli.main(argv)
            out, err = capsys.readouterr()
        assert code == 0, err
        return json.loads(out)

    return run


@pytest.fixture
def fails(capsys):
    def fails(*argv):
        assert cli.main(["quantize", *map(str, argv)]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1 and "Traceback" not in err
        assert not os.path.exists(argv[argv.index("-o") + 1])
        return err

    return fails


def frames_of(path):
    """All frames of a file as RGBA, however it holds them."""
    with Image.open(path) as file:
        out = []
        for index in range(getattr(file, "n_frames", 1)):
            file.seek(index)
            out.append(np.asarray(file.convert("RGBA")))
        return out


def visible(rgba):
    """Colors of fully transparent pixels do not matter."""
    return rgba * (rgba[..., 3:] > 0)


# -- orientation ----------------------------------------


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_photos_are_turned_upright(run, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PIXELS).save("in" + suffix, exif=exif)
    with Image.open("in" + suffix) as file:
        upright = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    facts = run("in" + suffix, "-k", 300, "-o", "out.png")
    with Image.open("out.png") as file:
        assert 0x0112 not in file.getexif() and file.mode == "P"  # with so few colors, a palette
        assert np.array_equal(np.asarray(file.convert("RGB")), upright)  # all colors that there are
    assert (facts["height"], facts["width"]) == upright.shape[:2]
    assert facts["warnings"] == []


def test_other_exif_data_are_left_out_with_a_word(run):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    Image.fromarray(PIXELS).save("in.jpg", exif=exif)
    assert run("in.jpg", "-k", 4, "-o", "out.png")["warnings"] == [
        "EXIF data (camera, place, time) are not written again"
    ]


# -- depth ----------------------------------------


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_grey(run, fails, suffix, dtype):
    grey = (np.arange(600).reshape(20, 30) * 109).astype(dtype)
    Image.fromarray(grey.astype(np.uint16)).save("in" + suffix)
    facts = run("in" + suffix, "-k", 5, "-o", "out" + suffix)
    with Image.open("out" + suffix) as file:
        result = np.asarray(file)
    expected = quantize(grey.astype(np.uint16), 5, random_state=0)
    assert (
        expected.image.dtype == np.uint16
        and np.array_equal(result, expected.image)
        and facts["full"] == 65535
    )
    assert np.abs(result.astype(int) - grey).max() < 65536 / 5
    assert "cannot hold grey of more than 8 bits; .png can" in fails(
        "in" + suffix, "-k", 5, "-o", "out.jpg"
    )
    for other in (".webp", ".gif", ".bmp"):
        assert "more than 8 bits" in fails("in" + suffix, "-k", 5, "-o", "out" + other)


def test_whole_numbers_of_32_bits(run, fails):
    Image.fromarray((np.arange(600).reshape(20, 30) * 100).astype(np.int32)).save("in.tif")
    run("in.tif", "-k", 3, "-o", "out.png")
    with Image.open("out.png") as file:
        assert np.asarray(file).max() > 40_000
    Image.fromarray((np.arange(600).reshape(20, 30) * 1000).astype(np.int32)).save("in.tif")
    assert "from 0 to 599000: ckmeans quantize reads those from 0 to 65535" in fails(
        "in.tif", "-k", 3, "-o", "o.png"
    )


def test_float_pixels(run, fails):
    grey = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    Image.fromarray(grey).save("in.tif")
    run("in.tif", "-k", 4, "-o", "out.tif")
    with Image.open("out.tif") as file:
        assert (
            np.array_equal(np.asarray(file), quantize(grey, 4, random_state=0).image)
            and len(np.unique(np.asarray(file))) == 4
        )
    assert "PNG cannot hold float pixels; .tif can" in fails("in.tif", "-k", 4, "-o", "o.png")
    Image.fromarray(grey * 7 - 3).save("in.tif")
    assert "float pixels from -3 to 4" in fails("in.tif", "-k", 4, "-o", "o.tif")


def test_one_bit(run):
    bits = RNG.integers(0, 2, size=(9, 11)).astype(bool)
    Image.fromarray(bits).save("in.png")
    assert run("in.png", "-k", 2, "-o", "out.png")["palette"] == [[0, 0, 0], [255, 255, 255]]
    with Image.open("out.png") as file:
        assert np.array_equal(np.asarray(file), bits * np.uint8(255))


# -- transparency ----------------------------------------


def transparent_pixels():
    """A green hole in a picture of other colors; some pixels shine through."""
    rgba = np.dstack([PIXELS, np.full(PIXELS.shape[:2], 255, np.uint8)])
    rgba[..., 1] = 0
    rgba[3:9, 5:15] = 0, 255, 0, 0
    return rgba


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_kept(run, fails, mode, suffix):
    rgba = transparent_pixels()
    rgba[0, :, 3] = 100
    picture = Image.fromarray(rgba).convert(mode)
    picture.save("in.png")
    alpha = np.asarray(picture)[..., -1]
    run("in.png", "-k", 4, "-o", "out" + suffix)
    (result,) = frames_of("out" + suffix)
    assert np.array_equal(result[..., 3], alpha)
    colors = np.unique(result[alpha > 0][:, :3], axis=0)
    assert len(colors) == 4 and colors[:, 1].max() == (
        0 if mode == "RGBA" else colors[:, 1].max()
    )  # no green
    for other in (".jpg", ".gif"):
        message = fails("in.png", "-k", 4, "-o", "out" + other)
        assert "transparen" in message and ".png can" in message


def test_what_is_transparent_has_no_say():
    rgba = transparent_pixels()
    seen = rgba[..., 3] > 0
    result = quantize(rgba, 3, random_state=0)
    alone = quantize(rgba[seen][:, None, :3], 3, random_state=0)
    assert np.array_equal(result.palette, alone.palette) and result.palette.shape == (3, 3)
    assert np.array_equal(result.image[seen][:, None, :3], alone.image)
    assert np.array_equal(result.image[..., 3], rgba[..., 3])
    assert np.array_equal(result.palette[result.indices], result.image[..., :3])
    with pytest.raises(ValueError, match="wholly transparent"):
        quantize(rgba * np.uint8([1, 1, 1, 0]), 3)


def test_half_transparent_pixels_weigh_half():
    grey = np.array([[[0, 255], [100, 51]]], dtype=np.uint8)
    assert quantize(grey, 1).palette.tolist() == [[17]]  # (0 * 1 + 100 * 0.2) / 1.2


@pytest.mark.parametrize("kind", ["palette", "palette without", "grey key", "color key"])
def test_palettes_and_transparent_shades(run, kind):
    rgba = transparent_pixels()
    if kind.startswith("palette"):
        picture = Image.fromarray(rgba[..., :3]).quantize(16)
        options = {"transparency": int(np.asarray(picture)[5, 8])} if kind == "palette" else {}
    else:
        picture = Image.fromarray(rgba[..., :3]).convert("L" if kind == "grey key" else "RGB")
        options = {"transparency": picture.getpixel((8, 5))}
    picture.save("in.png", **options)
    (before,) = frames_of("in.png")
    assert bool(options) == bool((before[..., 3] == 0).any())
    run("in.png", "-k", 256, "-o", "out.png")
    (after,) = frames_of("out.png")
    assert np.array_equal(visible(after), visible(before))
    run("in.png", "-k", 3, "-o", "out.gif")
    (after,) = frames_of("out.gif")
    assert (
        np.array_equal(after[..., 3], before[..., 3])
        and len(np.unique(after[after[..., 3] > 0], axis=0)) == 3
    )


# -- frames ----------------------------------------


def animation(path, transparent=False, count=5, **options):
    frames = []
    for i in range(count):
        rgba = np.zeros((16, 24, 4), dtype=np.uint8)
        rgba[..., 3] = 0 if transparent else 255
        rgba[2:10, 2 * i : 2 * i + 6] = 200 - 10 * i, 40 * i, 50, 255
        frames.append(Image.fromarray(rgba if transparent else rgba[..., :3]))
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)


def times(path):
    with Image.open(path) as file:
        out = []
        for index in range(file.n_frames):
            file.seek(index)
            file.load()
            out.append(file.info.get("duration"))
        return out, file.info.get("loop")


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("source", ["gif", "png", "webp"])
@pytest.mark.parametrize("target", ["gif", "png", "webp"])
def test_all_frames_share_a_palette(run, source, target, transparent):
    extra = {"lossless": True} if source == "webp" else {"disposal": 2} if source == "gif" else {}
    animation("in." + source, transparent, duration=[100, 200, 300, 100, 50], loop=0, **extra)
    before = frames_of("in." + source)
    facts = run("in." + source, "-k", 3, "-o", "out." + target)
    after = frames_of("out." + target)
    assert facts["frames"] == len(after) == 5 and facts["warnings"] == []
    assert times("out." + target) == times("in." + source)
    palette = {tuple(color) for color in facts["palette"]}
    assert len(palette) == 3
    for one, other in zip(before, after):
        assert np.array_equal(one[..., 3], other[..., 3])
        assert {tuple(color) for color in other[other[..., 3] > 0][:, :3].tolist()} <= palette
        # Each pixel has the nearest color.
        distances = ((one[..., None, :3].astype(int) - np.array(facts["palette"])) ** 2).sum(
            axis=-1
        )
        mine = ((one[..., :3].astype(int) - other[..., :3]) ** 2).sum(axis=-1)
        seen = one[..., 3] > 0
        assert (np.abs(mine - distances.min(axis=-1))[seen] <= 600).all()  # the palette was rounded
    run("in." + source, "-k", 200, "-o", "all." + target)
    assert all(
        np.array_equal(visible(a), visible(b)) for a, b in zip(before, frames_of("all." + target))
    )


@pytest.mark.parametrize("target", ["gif", "png", "webp"])
def test_animations_without_times(run, target):
    animation("in.gif", count=3)
    assert (
        run("in.gif", "-k", 9, "-o", "out." + target)["frames"]
        == 3
        == len(frames_of("out." + target))
    )


def test_a_still_picture_beside_an_animation(run):
    animation("in.png", count=4, duration=[100, 200, 300], default_image=True)
    assert run("in.png", "-k", 9, "-o", "out.png")["warnings"] == []
    assert times("out.png") == times("in.png")
    assert all(
        np.array_equal(a, b) for a, b in zip(frames_of("in.png"), frames_of("out.png"), strict=True)
    )
    with Image.open("out.png") as file:
        assert file.info["default_image"]
    assert "the still picture" in run("in.png", "-k", 9, "-o", "out.gif")["warnings"][0]
    assert len(frames_of("out.gif")) == 4


def test_pages(run, fails):
    animation("in.tif", count=3)
    assert run("in.tif", "-k", 3, "-o", "out.tif")["frames"] == 3 == len(frames_of("out.tif"))
    for suffix in (".png", ".gif", ".jpg"):
        assert "a file of 3 pages" in fails("in.tif", "-k", 3, "-o", "out" + suffix)
    pages = [Image.fromarray(PIXELS), Image.fromarray(PIXELS[:5, :7, 0])]
    pages[0].save("in.tif", save_all=True, append_images=pages[1:])
    run("in.tif", "-k", 3, "-o", "other.tif")
    with Image.open("other.tif") as file:
        sizes = [(file.seek(i), file.size)[1] for i in range(2)]
    assert sizes == [(20, 12), (7, 5)]


def test_one_frame(run, fails):
    animation("in.gif", duration=100)
    message = fails("in.gif", "-k", 3, "-o", "out.jpg")
    assert "an animation of 5 frames" in message and "--frame" in message
    assert run("in.gif", "-k", 9, "-o", "out.png", "--frame", 3)["frames"] == 1
    assert np.array_equal(frames_of("out.png")[0], frames_of("in.gif")[3])
    assert "there is no frame 5: it has 5, counted from 0" in fails(
        "in.gif", "-k", 3, "-o", "o.png", "--frame", 5
    )
    assert "there is no frame 1" in fails("out.png", "-k", 3, "-o", "o.png", "--frame", 1)


def test_previews_of_a_photo_are_no_frames(run):
    pages = [Image.fromarray(PIXELS), Image.fromarray(PIXELS[:5, :7])]
    pages[0].save("in.mpo", save_all=True, append_images=pages[1:])
    facts = run("in.mpo", "-k", 3, "-o", "out.png")
    assert facts["width"] == 20 and "only the main picture of 2 was taken" in facts["warnings"][0]


# -- colors ----------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_color_profiles_are_kept(run, suffix):
    Image.fromarray(PIXELS).save("in.png", icc_profile=SRGB)
    run("in.png", "-k", 4, "-o", "out" + suffix)
    with Image.open("out" + suffix) as file:
        assert file.info["icc_profile"] == SRGB


@pytest.mark.parametrize("suffix", [".gif", ".bmp"])
def test_or_left_out_with_a_word(run, suffix):
    Image.fromarray(PIXELS).save("in.png", icc_profile=SRGB)
    assert (
        f"the color profile is left out: {suffix[1:].upper()} cannot hold it"
        in run("in.png", "-k", 4, "-o", "out" + suffix)["warnings"]
    )


def test_cmyk(run):
    cmyk = Image.fromarray(PIXELS).convert("CMYK")
    cmyk.save("in.tif")
    facts = run("in.tif", "-k", 300, "-o", "out.png")
    assert facts["warnings"] == ["colors were turned from CMYK into RGB without a color profile"]
    assert np.array_equal(frames_of("out.png")[0][..., :3], np.asarray(cmyk.convert("RGB")))
    cmyk.save("in.tif", icc_profile=b"nonsense")
    assert "cannot be used" in run("in.tif", "-k", 3, "-o", "out.png", "--force")["warnings"][0]


def test_what_loses_colors_says_so(run):
    Image.fromarray(PIXELS).save("in.png")
    assert any(
        "JPEG keeps colors only roughly" in line
        for line in run("in.png", "-k", 4, "-o", "out.jpg")["warnings"]
    )
    for suffix in (".png", ".webp", ".gif", ".bmp", ".tif"):
        facts = run("in.png", "-k", 4, "-o", "out" + suffix)
        assert facts["warnings"] == []
        colors = np.unique(frames_of("out" + suffix)[0][..., :3].reshape(-1, 3), axis=0)
        assert {tuple(color) for color in colors.tolist()} == {
            tuple(color) for color in facts["palette"]
        }


def test_gif_holds_256_colors(run, fails):
    Image.fromarray(PIXELS).save("in.png")
    assert run("in.png", "-k", 256, "-o", "out.gif")["colours"] <= 256
    assert "GIF holds 256 colors at most" in fails("in.png", "-k", 257, "-o", "o.gif")


def test_damaged_files(fails):
    Image.fromarray(RNG.integers(0, 256, size=(90, 90, 3)).astype(np.uint8)).save("in.png")
    data = open("in.png", "rb").read()
    open("in.png", "wb").write(data[: len(data) // 2])
    assert "in.png" in fails("in.png", "-k", 3, "-o", "o.png")


# -- the function ----------------------------------------


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_function_takes_pillow_images(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).quantize(9).save(buffer, format="PNG", exif=exif)
    picture = Image.open(buffer)
    expected = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    assert np.array_equal(quantize(picture, 20).image, expected)
