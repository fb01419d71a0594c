"""Pictures of images that are left out, small, for the report."""

import base64

import cv2
import numpy as np

from pipeline.images import convert, decode
from pipeline.images.formats import ImageError
from pipeline.shards.index import PICTURE

SIDE = 64
"""Pixels of a picture's height and width, in which the image is padded."""
QUALITY = 80
MOST = 20
"""Pictures of a shard."""


def picture(content: bytes, channels: int, max_pixels: int) -> str | None:
    """Return an image as a ``data:`` address, however it must be converted; None if it is broken.

    Parameters
    ----------
    content : bytes
        The encoded image.
    channels : int
        1 (grey) or 3 (RGB).
    max_pixels : int
        The most (width times height) that an image may declare.
    """
    shape = (SIDE, SIDE, channels)
    try:
        found = decode.decoded(content, shape, 8, "pad", max_pixels, convert.ALL)
    except ImageError:
        return None
    pixels = np.ascontiguousarray(found.pixels[..., ::-1])  # OpenCV writes BGR
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return PICTURE + base64.b64encode(encoded.tobytes()).decode()
