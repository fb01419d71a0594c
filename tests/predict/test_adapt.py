"""Adapted images, compared with Pillow's and NumPy's ways to the same."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.images import decode
from pipeline.images.convert import ALL, Convert
from pipeline.images.formats import ImageError
from pipeline.predict import adapt
from pipeline.predict.adapt import Adapter
from tests.support.builders import encode, palette_png, pixels, png

COLOUR = pixels([0], (6, 5, 3))[0]
GREY = pixels([0], (6, 5, 1))[0]
SMOOTH = np.linspace(0, 255, 40 * 30 * 3).reshape(40, 30, 3).astype(np.uint8)
RGB = Adapter((6, 5, 3))


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("shape", [(6, 5, 3), (6, 5, 1)])
@pytest.mark.parametrize("image", [COLOUR, GREY], ids=["colour", "grey"])
def test_what_decode_takes_is_taken_as_decode_takes_it(image, shape):
    content = encode(image)
    found = Adapter(shape)(content)
    expected = decode.decode(content, shape, 8) / np.float32(255)
    assert found.pixels.dtype == np.float32
    assert (found.pixels == expected).all()
    greyed = image is COLOUR and shape[2] == 1
    assert found.changes == ((adapt.GREYED,) if greyed else ())
    assert (found.width, found.height) == (5, 6)


@pytest.mark.parametrize("shape", [(6, 5, 3), (6, 5, 1)])
@pytest.mark.parametrize("how", ["stretch", "crop", "pad"])
def test_what_decode_fitted_in_training_is_fitted_as_decode_fits_it(how, shape):
    content = encode(SMOOTH)
    found = Adapter(shape, declared=how)(content)
    assert (found.pixels == decode.decode(content, shape, 8, how) / np.float32(255)).all()
    assert found.changes == ((adapt.GREYED,) if shape[2] == 1 else ())
    assert (found.width, found.height) == (30, 40)


def test_an_image_in_memory_is_as_one_in_a_file():
    for image in (COLOUR, GREY):
        assert (RGB.of_array(image).pixels == RGB(encode(image)).pixels).all()
    assert (RGB.of_array(GREY[..., 0]).pixels == RGB(encode(GREY)).pixels).all()


def test_a_palette_is_expanded():
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    found = RGB(palette_png(GREY[..., 0], palette))
    assert (found.pixels == palette[GREY[..., 0]] / np.float32(255)).all()
    assert found.changes == (adapt.EXPANDED,)


@pytest.mark.parametrize(("background", "level"), [("black", 0), ("white", 255)])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_put_on_the_background(kind, background, level):
    rgba = np.random.default_rng(0).integers(0, 256, (6, 5, 4), np.uint8)
    content = saved(
        Image.fromarray(rgba), kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {})
    )
    found = RGB._replace(background=background)(content)
    alpha = rgba[..., 3:] / 255
    expected = (rgba[..., :3] * alpha + level * (1 - alpha)) / 255
    np.testing.assert_allclose(found.pixels, expected, atol=1.01 / 255)
    assert found.changes == (f"transparent, put on {background}",)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_an_image_of_another_size(orientation):
    picture = Image.fromarray(SMOOTH)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(picture, "PNG", exif=exif)
    turned = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    found = Adapter((20, 20, 3))(content)
    expected = Adapter((20, 20, 3)).of_array(turned)
    assert (found.pixels == expected.pixels).all()
    assert (found.width, found.height) == (turned.shape[1], turned.shape[0])
    assert (adapt.TURNED in found.changes) is (orientation != 1)


def test_exif_is_not_looked_at_where_decode_does_not():
    exif = Image.Exif()
    exif[0x0112] = 3
    content = saved(Image.fromarray(COLOUR), "PNG", exif=exif)
    assert (RGB(content).pixels == COLOUR / np.float32(255)).all()


def test_an_axis_shrinks_by_its_area_and_grows_linearly():
    halves = SMOOTH.reshape(20, 2, 15, 2, 3).mean(axis=(1, 3)) / 255
    np.testing.assert_allclose(Adapter((20, 15, 3)).of_array(SMOOTH).pixels, halves, atol=1 / 255)
    column = np.uint8([[[0], [100]]])
    found = Adapter((1, 4, 1)).of_array(column).pixels.ravel() * 255
    np.testing.assert_allclose(found, [0, 25, 75, 100], atol=0.5)
    wide = np.repeat(SMOOTH[:2], 1, axis=0)
    both = Adapter((4, 15, 3)).of_array(wide).pixels
    first = cv2.resize(wide, (15, 2), interpolation=cv2.INTER_AREA)
    second = cv2.resize(first, (15, 4), interpolation=cv2.INTER_LINEAR)
    assert (both == second / np.float32(255)).all()


def test_another_aspect_ratio_is_met_as_asked():
    image = np.full((2, 6, 1), 200, np.uint8)
    image[:, :2] = 0
    shape = (2, 2, 1)
    stretched = Adapter(shape).of_array(image).pixels
    cropped = Adapter(shape, resize="crop").of_array(image)
    np.testing.assert_allclose(stretched[0, :, 0] * 255, [200 / 3, 200], atol=1)
    assert (cropped.pixels == np.float32(200 / 255)).all()
    assert cropped.changes == ("of another size (crop)",)
    padded = Adapter((6, 6, 1), resize="pad").of_array(image).pixels
    assert (padded[[0, 1, 4, 5]] == 0).all()
    np.testing.assert_allclose(padded[2:4, :, 0] * 255, image[..., 0], atol=1e-4)


@pytest.mark.parametrize("how", ["stretch", "crop", "pad"])
def test_where_the_dataset_says_how_to_resize_it_is_decode_that_does(how):
    content = encode(SMOOTH)
    found = Adapter((8, 8, 3), declared=how, resize="stretch")(content)
    assert (found.pixels == decode.decode(content, (8, 8, 3), 8, how) / np.float32(255)).all()
    assert (found.changes, found.width, found.height) == ((), 30, 40)
    rgba = np.dstack([SMOOTH, np.full((40, 30), 255, np.uint8)])
    opaque = Adapter((8, 8, 3), declared=how)(encode(rgba))  # which decode would refuse
    np.testing.assert_allclose(opaque.pixels, found.pixels, atol=1e-6)
    assert opaque.changes == ("transparent, put on black",)


def test_another_depth_is_divided_by_its_own_maximum():
    deep = np.uint16(COLOUR) * 257
    rows = [row.astype(">u2").tobytes() for row in deep]
    found = RGB(png(5, 6, 16, 2, rows))
    np.testing.assert_allclose(found.pixels, COLOUR / 255, atol=1e-6)
    assert found.changes == ("of 16 bits",)
    assert RGB._replace(bits=16)(encode(COLOUR)).changes == ("of 8 bits",)


def test_what_the_datasets_policy_converts_is_decoded_as_in_training_and_not_named():
    exif = Image.Exif()
    exif[0x0112] = 6
    rgba = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 4), np.uint8))
    adapter = Adapter((20, 20, 3), declared="crop", convert=ALL)
    for content in (
        saved(rgba, "PNG", exif=exif),
        saved(rgba.convert("RGB").quantize(9), "GIF"),
        saved(rgba.convert("CMYK"), "JPEG")[:-1],
        encode(np.uint16(SMOOTH) * 257),
    ):
        found = adapter(content)
        expected = decode.decode(content, (20, 20, 3), 8, "crop", convert=ALL)
        assert (found.pixels == expected / np.float32(255)).all()
        assert found.changes == ()
    turned = adapter(saved(rgba, "PNG", exif=exif))
    assert (turned.width, turned.height) == (40, 30)


def test_what_the_policy_refuses_is_converted_and_named_and_what_it_keeps_is_kept():
    exif = Image.Exif()
    exif[0x0112] = 6
    rgba = np.dstack([COLOUR, np.full((6, 5), 100, np.uint8)])
    content = saved(Image.fromarray(rgba), "PNG", exif=exif)
    found = RGB._replace(convert=Convert(orientation="keep"))(content)
    expected = decode.decode(content, (6, 5, 3), 8, convert=Convert(alpha="black"))
    assert (found.pixels == expected / np.float32(255)).all()
    assert found.changes == ("transparent, put on black",)


def test_a_tiff_is_turned_once():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(Image.fromarray(SMOOTH), "TIFF", exif=exif)
    found = Adapter((30, 40, 3), bits=16)(content)
    with Image.open(io.BytesIO(content)) as image:
        assert (found.pixels == np.asarray(image) / np.float32(255)).all()
    assert found.changes == ("of 8 bits",)


def test_inverted():
    found = RGB._replace(invert=True)(encode(COLOUR))
    np.testing.assert_allclose(found.pixels, 1 - COLOUR / 255, atol=1e-6)
    assert found.changes == ()  # it was asked for


def test_of_several_frames_the_first_is_taken():
    frames = [Image.fromarray(np.full((6, 5), level, np.uint8)) for level in (50, 200)]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    found = RGB(content)
    np.testing.assert_allclose(found.pixels, 50 / 255, atol=0.02)
    assert adapt.FIRST in found.changes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"no image", "cannot be decoded"),
        (encode(SMOOTH)[:-200], "cannot be decoded"),
        (saved(Image.fromarray(SMOOTH, "LAB"), "TIFF"), "is LAB"),
        (saved(Image.fromarray(GREY[..., 0].astype(np.float32)), "TIFF"), "is of type float32"),
        (saved(Image.fromarray(COLOUR), "ICO"), "is ICO, not one of"),
        (png(60_000, 60_000, 8, 0, []), "is 60000x60000 pixels, above 50,000,000"),
    ],
    ids=["empty", "text", "cut", "LAB", "float", "another format", "huge"],
)
def test_what_cannot_be_adapted_is_refused(content, words):
    with pytest.raises(ImageError, match=words):
        RGB(content)
