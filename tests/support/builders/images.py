"""Images made from seeds, and their files in several formats."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]


def pixels(
    labels: Sequence[int] | Pixels,
    shape: Sequence[int] = (8, 8, 3),
    bits: int = 8,
    seed: int = 0,
) -> Pixels:
    """Return images (n, *shape) of ``bits``: dark noise, with a light row that tells the label."""
    rng = np.random.default_rng(seed)
    top = 2**bits
    kind = np.uint8 if bits == 8 else np.uint16
    images = rng.integers(0, top // 4, (len(labels), *shape), kind)
    for image, label in zip(images, labels, strict=True):
        image[2 * label % shape[0]] += np.asarray(top // 2, images.dtype)
    return images


def encode(image: Pixels, suffix: str = ".png") -> bytes:
    """Encode an image, grey, RGB or RGBA, of 8 or 16 bits, with OpenCV."""
    if image.ndim == 3 and image.shape[2] == 3:
        image = image[..., ::-1]
    elif image.ndim == 3 and image.shape[2] == 4:
        image = image[..., [2, 1, 0, 3]]
    done, buffer = cv2.imencode(suffix, np.ascontiguousarray(image))
    assert done
    return buffer.tobytes()


def png(
    width: int,
    height: int,
    depth: int,
    colour: int,
    rows: Iterable[bytes],
    *extra: tuple[bytes, bytes],
) -> bytes:
    """Return a PNG of unfiltered ``rows`` and ``extra`` (name, data) chunks; no library makes it.

    ``colour`` is the format's number: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
    """
    chunks = [
        (b"IHDR", struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0)),
        *extra,
        (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def palette_png(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Return a PNG of ``indices`` (h, w) into ``palette`` (up to 256, 3)."""
    height, width = indices.shape
    rows = (row.tobytes() for row in indices)
    return png(width, height, 8, 3, rows, (b"PLTE", palette.tobytes()))
