import io
import re
import struct

import numpy as np
import pytest
from PIL import Image

from pipeline.images import jpeg
from pipeline.images.convert import ALL
from pipeline.images.decode import NotAllowedError, decode, decode_unchanged, decoded
from pipeline.images.formats import ImageError

RANDOM = np.random.default_rng(0)
NOISE = Image.fromarray(RANDOM.integers(0, 256, (96, 64, 3), np.uint8))
SHAPE = (96, 64, 3)
KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "full colour": {"subsampling": 0},
}
ENDS = "cannot be decoded, for it ends too early"


def saved(mode="RGB", image=NOISE, **options):
    stream = io.BytesIO()
    image.convert(mode).save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


def cut(content, share):
    """Return a JPEG with so much of what follows its first scan's header, and an end mark."""
    start = content.index(b"\xff\xda")
    kept = content[: start + int((len(content) - start) * share)].rstrip(b"\xff")
    return kept + b"\xff\xd9"


def sized(content, width, height):
    start = re.search(rb"\xff[\xc0\xc2]\0", content).start() + 5
    return content[:start] + struct.pack(">HH", height, width) + content[start + 4 :]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_good_one_is_whole(kind, mode, capfd):
    content = saved(mode, **KINDS[kind])
    found = decoded(content, SHAPE, 8, convert=ALL)
    assert "truncated" not in found.words
    frame = jpeg.read(content)
    assert jpeg.missing_bits(content, frame) == 0
    own = decode_unchanged(content)
    assert not jpeg.ends_early(content, frame, own, decode_unchanged)
    assert not jpeg.has_more(content, frame, own, decode_unchanged)


@pytest.mark.parametrize("share", [0.05, 0.4, 0.8])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
def test_data_that_end_early_are_truncated_though_an_end_mark_follows(kind, mode, share, capfd):
    content = cut(saved(mode, **KINDS[kind]), share)
    with pytest.raises(NotAllowedError, match=ENDS):
        decode(content, SHAPE, 8, convert=ALL.model_copy(update={"truncated": "refuse"}))
    if share < 0.5:
        with pytest.raises(ImageError, match="more than a tenth of its rows is missing"):
            decode(content, SHAPE, 8, convert=ALL)
    assert capfd.readouterr().err == ""


def test_intervals_that_are_empty_are_missing_rows():
    content = saved(restart_marker_rows=1)
    start = content.index(b"\xff\xda")
    pieces = re.split(rb"(\xff[\xd0-\xd7])", content[start:])
    pieces[2::4] = [b""] * len(pieces[2::4])
    with pytest.raises(NotAllowedError, match=ENDS):
        decode(content[:start] + b"".join(pieces), SHAPE, 8)


@pytest.mark.parametrize("size", [(64, 48), (32, 96), (64, 80), (48, 48)])
@pytest.mark.parametrize("kind", KINDS)
def test_data_of_more_pixels_than_the_header_says_are_refused(kind, size):
    content = sized(saved(**KINDS[kind]), *size)
    with pytest.raises(ImageError):
        decode(content, (size[1], size[0], 3), 8, convert=ALL)


@pytest.mark.parametrize("size", [(64, 192), (128, 96)])
def test_data_of_fewer_pixels_than_the_header_says_end_early(size):
    with pytest.raises(NotAllowedError, match=ENDS):
        decode(sized(saved(), *size), (size[1], size[0], 3), 8)


def test_harmless_oddities_are_taken():
    content = saved()
    for odd in (
        content + b"behind" * 9,
        content[:2] + b"\xff\xff\xff" + content[2:],
        content[:-2] + b"extra" * 20 + content[-2:],  # as some cameras write
    ):
        assert (decode(odd, SHAPE, 8) == decode(content, SHAPE, 8)).all()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (saved()[:2] + b"\xff\xe5\0\2" * 3000 + saved()[2:], "more than 2,000 segments"),
        (saved().replace(b"\xff\xc0", b"\xff\xc9"), r"kind that is not read \(SOF9\)"),
        (saved().replace(b"\xff\xc0", b"\xff\xc3"), r"kind that is not read \(SOF3\)"),
        (sized(saved(), 0, 96), "cannot be decoded"),
        (saved()[:300], "cannot be decoded"),
        (saved()[:2] + b"junk" + saved()[2:], "cannot be decoded"),
    ],
)
def test_segments_that_are_damaged_or_too_many(monkeypatch, content, words):
    monkeypatch.setattr("cv2.imdecode", None)  # not called
    with pytest.raises(ImageError, match=words):
        decode(content, SHAPE, 8, "crop", convert=ALL)


def test_more_scans_than_any_encoder_makes_are_refused(monkeypatch):
    monkeypatch.setattr("cv2.imdecode", None)  # not called
    content = saved(progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(ImageError, match="has more than 100 scans"):
        decode(content[:-2] + last * 100 + content[-2:], SHAPE, 8)
