"""JPEG's container: segments before the pixels, scans, and whether their data are all there.

libjpeg shows what it finds: where data end early it goes on with grey, where there are more than
the picture takes it drops them, and it warns of both on standard error alone.
"""

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

START = b"\xff\xd8\xff"
MARKER = re.compile(rb"\xff+([^\x00\xff])")
END_OF_DATA = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
SOF, SOS, EOI, DRI, APP1, APP2 = (0xC0, 0xC1, 0xC2), 0xDA, 0xD9, 0xDD, 0xE1, 0xE2
OTHER_SOF = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
"""Frames that are lossless, hierarchical or of arithmetic coding."""
PROGRESSIVE = 0xC2
ALONE = (0x01, *range(0xD0, 0xD9))
"""Markers without a segment."""
MOST_SEGMENTS = 2000
"""Before the pixels: a profile of colours takes 255 at most, data of depth about a hundred."""
MOST_SCANS = 100
"""Encoders make about ten; each takes time for the whole picture."""
MORE = bytes(range(183, 3, -3))
"""Data that stand for others; the first bit differs from what libjpeg makes up."""
WHOLE = 16
"""Bits of a coefficient that is in no scan at all."""
SURPLUS = 10
"""A scan may hold one part in so many more than the picture takes."""


class Frame(NamedTuple):
    """What the segments before the pixels say."""

    width: int
    height: int
    components: tuple[int, ...]
    """Numbers of the 1 (grey), 3 (colour) or 4 (CMYK) components."""
    is_progressive: bool
    has_scans: bool
    """It has several scans, or should have."""
    has_restarts: bool
    has_tags: bool
    """It may have Exif data or XMP."""
    has_views: bool
    """It may have other images behind it."""
    first_scan: int
    """Position of the marker of the first scan."""


class Scan(NamedTuple):
    """A scan: some components' coefficients, or some of their bits."""

    components: tuple[int, ...]
    first: int
    """Coefficients, in the order of their frequencies: this one …"""
    last: int
    """… to this one."""
    bit: int
    """The lowest bit that it gives."""
    start: int
    """Position of its data."""
    end: int
    """Position of the marker behind them, or of the end."""


class UnusualError(Exception):
    """A JPEG that is not read; the message says why, in a few words; empty if it is damaged."""


def read(content: bytes) -> Frame:  # noqa: C901 - a case for each kind of segment
    """Read the segments before the pixels; raise UnusualError if they are damaged or too many."""
    position, size = 2, (0, 0)
    components: tuple[int, ...] = ()
    progressive = restarts = tags = views = False
    for _ in range(MOST_SEGMENTS):
        marker = MARKER.match(content, position)
        if not marker:
            raise UnusualError
        code, start = marker[1][0], marker.end()
        if code in ALONE:
            position = start
            continue
        length = int.from_bytes(content[start : start + 2], "big")
        body = content[start + 2 : start + length]
        if length < 2 or len(body) < length - 2 or code == EOI:
            raise UnusualError
        if code in SOF:
            if components or len(body) < 6 or len(body) != 6 + 3 * body[5] or body[0] != 8:
                raise UnusualError
            size, components = struct.unpack_from(">HH", body, 1)[::-1], tuple(body[6::3])
            progressive = code == PROGRESSIVE
        elif code in OTHER_SOF:
            raise UnusualError(f"is a JPEG of a kind that is not read (SOF{code - 0xC0})")
        elif code == SOS:
            if len(components) not in (1, 3, 4) or 0 in size:
                raise UnusualError
            scans = progressive or body[:1] != bytes([len(components)])
            return Frame(*size, components, progressive, scans, restarts, tags, views, start - 2)
        elif code == DRI:
            restarts |= any(body)
        elif code == APP1:
            tags = True
        elif code == APP2:
            views |= body.startswith(b"MPF\0")
        position = start + length
    raise UnusualError(f"has more than {MOST_SEGMENTS:,} segments before its pixels")


def missing_bits(content: bytes, frame: Frame) -> int:
    """Return how many of the lowest bits of a coefficient are in no scan; 0 if all are.

    Raises
    ------
    UnusualError
        If there are more scans than any encoder makes.
    """
    if not frame.has_scans:
        return 0
    bits = np.full((256, 64), WHOLE)
    for scan in _scans(content, frame.first_scan):
        last = scan.last if frame.is_progressive else 63
        bits[list(scan.components), scan.first : last + 1] = scan.bit
    return int(bits[list(frame.components)].max())


def ends_early(
    content: bytes, frame: Frame, pixels: NDArray[Any], decode: Callable[[bytes], NDArray[Any]]
) -> bool:
    """Return True if some pixels come of no data: then others behind the data change them."""
    changed = _changed(content, frame, lambda data: _spread(data, frame) + MORE)
    return not np.array_equal(decode(changed), pixels)


def has_more(
    content: bytes, frame: Frame, pixels: NDArray[Any], decode: Callable[[bytes], NDArray[Any]]
) -> bool:
    """Return True if the last tenth of the data gives no pixel: then others change nothing."""

    def replaced(data: bytes) -> bytes:
        kept = len(data) - max(1, len(data) // SURPLUS)
        return data[:kept] + (MORE * (len(data) // len(MORE) + 1))[: len(data) - kept]

    return np.array_equal(decode(_changed(content, frame, replaced)), pixels)


def _spread(data: bytes, frame: Frame) -> bytes:
    """Return a scan's data with more behind each of its intervals but the last."""
    return RESTART.sub(lambda mark: MORE + mark[0], data) if frame.has_restarts else data


def _changed(content: bytes, frame: Frame, change: Callable[[bytes], bytes]) -> bytes:
    """Return a JPEG with the data of each scan changed."""
    pieces, position = [], 0
    for scan in _scans(content, frame.first_scan):
        pieces += [content[position : scan.start], change(content[scan.start : scan.end])]
        position = scan.end
    return b"".join([*pieces, content[position:]])


def _scans(content: bytes, position: int) -> Iterator[Scan]:
    """Yield the scans from a position on; raise UnusualError if there are too many."""
    count = segments = 0
    while marker := MARKER.match(content, position):
        code, start = marker[1][0], marker.end()
        segments += 1
        if segments > MOST_SEGMENTS:
            raise UnusualError(f"has more than {MOST_SEGMENTS:,} segments behind its pixels")
        length = int.from_bytes(content[start : start + 2], "big")
        body = content[start + 2 : start + length]
        if code == EOI or len(body) < length - 2:
            return
        position = start + length
        if code == SOS and body and len(body) == 4 + 2 * body[0]:
            count += 1
            if count > MOST_SCANS:
                raise UnusualError(f"has more than {MOST_SCANS} scans")
            found = END_OF_DATA.search(content, position)
            end = found.start() if found else len(content)
            first, last, bits = body[-3:]
            yield Scan(tuple(body[1:-3:2]), first, min(last, 63), bits & 15, position, end)
            position = end
