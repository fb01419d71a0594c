import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.images import formats
from pipeline.images.convert import ALL
from pipeline.images.decode import decode
from pipeline.images.formats import ImageError, opened

SMOOTH = np.linspace(0, 255, 48 * 32 * 3).reshape(48, 32, 3).astype(np.uint8)
HEIC = b"\0\0\0\x24ftypheic" + bytes(300)


@pytest.fixture(autouse=True)
def anew():
    formats._register_heif.cache_clear()
    yield
    formats._register_heif.cache_clear()


def test_heic_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not there
    with pytest.raises(
        ImageError, match=r"is HEIC; save it as JPEG, or .* pip install '.\[heic\]'"
    ):
        decode(HEIC, (8, 8, 3), 8, "crop", convert=ALL)


def test_heic_is_read_and_turned_by_its_library():
    library = pytest.importorskip("pillow_heif")
    library.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    picture = Image.fromarray(SMOOTH)
    picture.save(stream, "HEIF", quality=100, chroma=444, exif=exif.tobytes())
    picture.getexif()[0x0112] = 6
    expected = np.asarray(ImageOps.exif_transpose(picture))
    found = decode(stream.getvalue(), expected.shape, 8, convert=ALL)
    assert np.abs(found.astype(int) - expected).max() <= 2
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode(HEIC, (8, 8, 3), 8, "crop", convert=ALL)


def test_what_is_no_image_is_called_what_it_is():
    for content, words in (
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
        (b"words", "cannot be decoded"),
    ):
        with pytest.raises(ImageError, match=words), opened(content):
            pass


def test_an_error_of_ours_within_an_opened_image_stays_what_it_is():
    stream = io.BytesIO()
    Image.fromarray(SMOOTH).save(stream, "PNG")
    with pytest.raises(ImageError, match="too blue"), opened(stream.getvalue()):
        raise ImageError("too blue")
    with pytest.raises(MemoryError), opened(stream.getvalue()):
        raise MemoryError
