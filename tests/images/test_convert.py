"""Conversion by a policy, compared with Pillow's ways to the same."""

import contextlib
import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from pipeline.images.convert import ALL, Convert
from pipeline.images.decode import NotAllowedError, decode, decoded
from pipeline.images.formats import ImageError
from tests.support.builders import encode, palette_png, png

RANDOM = np.random.default_rng(0)
SMOOTH = np.linspace(0, 255, 48 * 32 * 3).reshape(48, 32, 3).astype(np.uint8)
RGB = Image.fromarray(RANDOM.integers(0, 256, (12, 10, 3), np.uint8))
RGBA = Image.fromarray(RANDOM.integers(0, 256, (12, 10, 4), np.uint8))
GREY = Image.fromarray(RANDOM.integers(0, 256, (12, 10), np.uint8))
SHAPE = (12, 10, 3)
LOSSLESS = {"WEBP": {"lossless": True, "exact": True}, "AVIF": {"quality": 100}}


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **LOSSLESS.get(kind, {}), **options)
    return stream.getvalue()


def animated(kind, image=RGB, **options):
    frames = [ImageOps.invert(image.convert("RGB"))] * 2
    return saved(image, kind, save_all=True, append_images=frames, **options)


def turned(kind, orientation, image=None):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image or Image.fromarray(SMOOTH), kind, exif=exif)


def reopened(content, mode="RGB"):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert(mode))


def over(content, level):
    """Return an image on a plain background, as Pillow puts it there."""
    with Image.open(io.BytesIO(content)) as image:
        image = image.convert("RGBA")
    background = Image.new("RGBA", image.size, (level,) * 3 + (255,))
    return np.asarray(Image.alpha_composite(background, image).convert("RGB"))


def distance(found, expected):
    assert found.shape == expected.shape
    return int(np.abs(found.astype(int) - expected).max())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_turns_and_mirrors(kind, orientation):
    content = turned(kind, orientation)
    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    found = decoded(content, expected.shape, 8, convert=Convert(orientation="apply"))
    assert distance(found.pixels, expected) <= 2
    assert found.words == (("orientation",) if orientation > 1 else ())
    kept = decoded(content, SMOOTH.shape, 8, convert=Convert())
    assert distance(kept.pixels, reopened(content)) <= 2
    assert kept.words == ()


def test_a_photo_held_upright_and_one_held_sideways_are_alike():
    sideways = turned("JPEG", 6, Image.fromarray(np.rot90(SMOOTH).copy()))
    upright = saved(Image.fromarray(SMOOTH), "JPEG")
    found = [decode(one, (16, 16, 3), 8, "crop", convert=ALL) for one in (sideways, upright)]
    assert distance(*found) <= 4


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_tiffs_own_tag_always_turns_it(orientation):
    content = turned("TIFF", orientation)
    expected = reopened(content)
    for convert in None, ALL:
        found = decoded(content, expected.shape, 8, convert=convert)
        assert (found.pixels == expected).all()
        assert found.words == ()


def test_tags_that_are_damaged_turn_nothing():
    content = turned("JPEG", 6)
    start = content.index(b"Exif\0\0")
    for damaged in (
        content[: start + 8] + b"\xff" * 8 + content[start + 16 :],
        content.replace(
            struct.pack(">HHLH", 0x0112, 3, 1, 6), struct.pack(">HHLH", 0x0112, 3, 1, 9)
        ),
    ):
        assert damaged != content
        assert decoded(damaged, SMOOTH.shape, 8, convert=ALL).words == ()


PALETTE = RGB.quantize(16)
TRANSPARENT = {
    "rgba.png": saved(RGBA, "PNG"),
    "la.png": saved(RGBA.convert("LA"), "PNG"),
    "rgb_trns.png": saved(RGB, "PNG", transparency=RGB.getpixel((0, 0))),
    "grey_trns.png": saved(GREY, "PNG", transparency=GREY.getpixel((0, 0))),
    "palette_trns.png": saved(PALETTE, "PNG", transparency=bytes(range(0, 256, 16))),
    "rgba.webp": saved(RGBA, "WEBP"),
    "rgba.tif": saved(RGBA, "TIFF"),
    "la.tif": saved(RGBA.convert("LA"), "TIFF"),
    "rgba.avif": saved(RGBA, "AVIF"),
    "rgba.jp2": saved(RGBA, "JPEG2000"),
    "la.jp2": saved(RGBA.convert("LA"), "JPEG2000"),
    "trns.gif": saved(PALETTE, "GIF", transparency=PALETTE.getpixel((0, 0))),
}


@pytest.mark.parametrize(("background", "level"), [("white", 255), ("black", 0)])
@pytest.mark.parametrize("name", TRANSPARENT)
def test_transparency_is_put_on_the_background(name, background, level):
    content = TRANSPARENT[name]
    found = decoded(content, SHAPE, 8, convert=Convert(alpha=background, palette="rgb"))
    assert distance(found.pixels, over(content, level)) <= 1
    assert "alpha" in found.words


def test_transparency_of_16_bits_is_put_on_the_background():
    pixels = RANDOM.integers(0, 65536, (12, 10, 4), np.uint16)
    content = png(10, 12, 16, 6, [row.astype(">u2").tobytes() for row in pixels])
    found = decode(content, SHAPE, 16, convert=Convert(alpha="white"))
    alpha = pixels[..., 3:] / 65535
    assert distance(found, np.rint(pixels[..., :3] * alpha + 65535 * (1 - alpha)).astype(int)) <= 1


PALETTES = {
    "png": saved(PALETTE, "PNG"),
    "1 bit": saved(RGB.quantize(2), "PNG", bits=1),
    "gif": saved(PALETTE, "GIF"),
    "grey gif": saved(GREY, "GIF"),
    "bmp": saved(PALETTE, "BMP"),
    "tif": saved(PALETTE, "TIFF"),
}


@pytest.mark.parametrize("name", PALETTES)
def test_a_palette_is_expanded(name):
    found = decoded(PALETTES[name], SHAPE, 8, convert=Convert(palette="rgb"))
    assert (found.pixels == reopened(PALETTES[name])).all()
    assert found.words == ("palette",)


def test_a_colour_that_the_palette_lacks_is_refused():
    palette = np.array([[9, 8, 7], [1, 2, 3]], np.uint8)
    assert decode(palette_png(np.ones((8, 8), np.uint8), palette), (8, 8, 3), 8, convert=ALL).any()
    with pytest.raises(ImageError, match="has colours that its palette of 2 lacks"):
        decode(palette_png(np.full((8, 8), 2, np.uint8), palette), (8, 8, 3), 8, convert=ALL)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(kind):
    content = saved(RGB.convert("CMYK"), kind)
    found = decoded(content, SHAPE, 8, convert=Convert(cmyk="rgb"))
    assert (found.pixels == reopened(content)).all()
    assert distance(found.pixels, np.asarray(RGB)) <= (0 if kind == "TIFF" else 90)
    assert found.words == ("cmyk",)


def test_ycck_of_adobe_is_inverted_and_becomes_rgb():
    red = Image.new("CMYK", (32, 32), (0, 240, 230, 10))
    content = bytearray(saved(red, "JPEG", quality=95))
    found = decode(bytes(content), (32, 32, 3), 8, convert=ALL)
    assert distance(found, np.full((32, 32, 3), (245, 14, 24))) <= 4
    flag = content.index(b"Adobe") + 11  # transform: 0 of CMYK, 2 of YCCK
    assert content[flag] in (0, 2)
    content[flag] = 2 - content[flag]
    found = decode(bytes(content), (32, 32, 3), 8, convert=ALL)
    assert (found == reopened(bytes(content))).all()


def test_a_profile_that_does_not_fit_is_not_used():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for wrong in profile, b"no profile":
        content = saved(RGB.convert("CMYK"), "JPEG", icc_profile=wrong)
        assert (decode(content, SHAPE, 8, convert=ALL) == reopened(content)).all()


def test_depths_are_scaled_from_maximum_to_maximum():
    deep = RANDOM.integers(0, 65536, SHAPE, np.uint16)
    content = png(10, 12, 16, 2, [row.astype(">u2").tobytes() for row in deep])
    found = decoded(content, SHAPE, 8, convert=Convert(depth="scale"))
    assert found.pixels.dtype == np.uint8
    assert (found.pixels == np.rint(deep / 257)).all()
    assert found.words == ("depth",)
    found = decoded(saved(RGB, "PNG"), SHAPE, 16, convert=Convert(depth="scale"))
    assert found.pixels.dtype == np.uint16
    assert (found.pixels / 257 == np.asarray(RGB)).all()
    assert decoded(content, SHAPE, 16, convert=ALL).words == ()
    with pytest.raises(ImageError, match="is of type float32, not uint8"):
        decode(saved(GREY.convert("F"), "TIFF"), SHAPE, 8, convert=ALL)


FRAMES = {
    "gif": animated("GIF"),
    "webp": animated("WEBP"),
    "tif": animated("TIFF"),
    "png": animated("PNG"),
    "mpo": animated("MPO"),
    "avif": animated("AVIF"),
    "png with another image": animated("PNG", default_image=True),
}


@pytest.mark.parametrize("name", FRAMES)
def test_the_first_of_several_frames_is_taken(name):
    convert = Convert(frames="first", palette="rgb")
    found = decoded(FRAMES[name], SHAPE, 8, convert=convert)
    assert distance(found.pixels, reopened(FRAMES[name])) <= 2
    assert "frames" in found.words


def test_the_first_view_of_a_3d_photo_is_a_plain_jpeg_without_a_policy():
    assert decoded(FRAMES["mpo"], SHAPE, 8).words == ()
    with pytest.raises(ImageError, match="has several frames"):
        decode(FRAMES["mpo"], SHAPE, 8, convert=Convert())


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000"])
@pytest.mark.parametrize("image", [RGB, GREY], ids=["colour", "grey"])
def test_formats_of_which_only_the_content_tells(kind, image):
    content = saved(image, kind)
    found = decoded(content, SHAPE, 8)
    assert distance(found.pixels, reopened(content)) <= 1
    assert found.words == ()


@pytest.mark.parametrize(
    ("word", "content"),
    [
        ("alpha", TRANSPARENT["rgba.png"]),
        ("alpha", TRANSPARENT["rgb_trns.png"]),
        ("palette", PALETTES["png"]),
        ("cmyk", saved(RGB.convert("CMYK"), "JPEG")),
        ("frames", FRAMES["webp"]),
        ("depth", encode(np.zeros(SHAPE, np.uint16))),
    ],
)
def test_what_one_word_refuses_the_others_do_not_allow(word, content):
    for convert in None, ALL.model_copy(update={word: "refuse"}):
        with pytest.raises(NotAllowedError) as raised:
            decode(content, SHAPE, 8, convert=convert)
        assert raised.value.word == word
    assert decoded(content, SHAPE, 8, convert=ALL).words == (word,)


NOISE = Image.fromarray(RANDOM.integers(0, 256, (96, 64, 3), np.uint8))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
@pytest.mark.parametrize("lost", [1, 2, 3, 100])
def test_a_jpeg_that_lacks_its_last_bytes_is_taken(lost, progressive, mode):
    content = saved(NOISE.convert(mode), "JPEG", quality=90, progressive=progressive)
    with pytest.raises(NotAllowedError, match="cannot be decoded, for it ends too early"):
        decode(
            content[:-lost], (96, 64, 3), 8, convert=ALL.model_copy(update={"truncated": "refuse"})
        )
    found = decoded(content[:-lost], (96, 64, 3), 8, convert=ALL)
    assert found.words[-1] == "truncated"
    whole = decoded(content, (96, 64, 3), 8, convert=ALL)
    assert "truncated" not in whole.words
    there = 96 if lost <= 2 else 72  # a row of blocks is 8 or 16 pixels high
    if not progressive:
        assert distance(found.pixels[:there], whole.pixels[:there]) == 0


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_of_which_much_is_lost_is_not(mode):
    content = saved(NOISE.convert(mode), "JPEG", quality=90)
    with pytest.raises(ImageError, match="more than a tenth of its rows is missing"):
        decode(content[: len(content) // 2], (96, 64, 3), 8, convert=ALL)


def test_no_other_format_may_end_early():
    for kind in "PNG", "WEBP", "GIF", "TIFF", "AVIF", "JPEG2000":
        content = saved(NOISE, kind)
        with pytest.raises(ImageError):
            decode(content[:-50], (96, 64, 3), 8, convert=ALL)


def test_sizes_are_compared_before_anything_is_decoded(monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)  # not called
    monkeypatch.setattr("cv2.imdecode", None)
    gif = bytearray(PALETTES["gif"])
    gif[6:10] = struct.pack("<HH", 60_000, 60_000)
    cmyk = bytearray(saved(RGB.convert("CMYK"), "JPEG"))
    start = cmyk.index(b"\xff\xc0") + 5
    cmyk[start : start + 4] = struct.pack(">HH", 60_000, 60_000)
    for content in bytes(gif), bytes(cmyk):
        with pytest.raises(ImageError, match="is 60000x60000 pixels, above 50,000,000 in all"):
            decode(content, SHAPE, 8, "crop", convert=ALL)
        with pytest.raises(ImageError, match="is 60000x60000 pixels, not 10x12"):
            decode(content, SHAPE, 8, convert=ALL)


@pytest.mark.parametrize("name", ["trns.gif", "rgba.avif", "la.jp2", "rgba.tif", "rgba.webp"])
def test_damage_is_an_error_of_the_image(name):
    content = TRANSPARENT[name]
    for _ in range(60):
        damaged = bytearray(content)
        for place in RANDOM.integers(4, len(content), 6):
            damaged[place] = RANDOM.integers(256)
        with contextlib.suppress(ImageError):  # no other
            decode(bytes(damaged), SHAPE, 8, "crop", convert=ALL)
