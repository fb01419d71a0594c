"""JPEGs that end before their picture does."""

from typing import Any

from numpy.typing import NDArray

from pipeline.images import convert
from pipeline.images.formats import ImageError, opened

END_OF_JPEG = b"\xff\xd9"
END = 16
"""Bytes at the end of a JPEG in which that mark stands, unless it is truncated."""
NO_DATA = 127, 128
"""Values of pixels that a truncated JPEG does not give; the second also where CMYK is inverted."""
LOST_AT_MOST = 0.1
"""Share of rows that a truncated JPEG may lack."""


def has_end(content: bytes) -> bool:
    """Return True if a JPEG has its mark of the end, at its end."""
    return END_OF_JPEG in content[-END:]


def decode(content: bytes, lacks: int) -> NDArray[Any]:
    """Decode a JPEG that lacks its end; raise ImageError if more than a tenth of it is not there.

    A decoder that meets the end goes on with grey, and with the next scan, if there is one.

    Parameters
    ----------
    content : bytes
    lacks : int
        Bits of each value that the scans lack, of a progressive one.

    Returns
    -------
    ndarray of uint8
        Grey, BGR or BGRA, of the size that it declares.
    """
    too_much = ImageError("ends too early: more than a tenth of its rows is missing")
    if lacks > 1:  # more than the lowest bit
        raise too_much
    with opened(content + END_OF_JPEG) as image:
        if convert.rows_within(image, NO_DATA) > LOST_AT_MOST * image.height:
            raise too_much
        return convert.of_pillow(image)
