"""Statistics of images by their headers: how many of which class, size, depth and colour."""

import io
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.errors import DataError
from pipeline.images.decode import PNG, ImageError, declared_size

KEPT = 10
"""Images of each class that are kept, to be shown."""
MOST_KEPT = 2000
"""Images that are kept of all classes together."""
T = TypeVar("T")
LARGE = 96
"""Pixels a side above which a network of a few layers wants smaller images."""
SMALL = 64
"""Pixels a side to which they are resized then."""
PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""By PNG's number of the type of colour: 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha."""


class Header(NamedTuple):
    """The values that an image's header declares."""

    width: int
    height: int
    channels: int
    bits: int
    """Of a channel: 8 or 16."""


def header(content: bytes) -> Header:
    """Return an encoded image's header.

    Raises
    ------
    ImageError
        If it shows that the pipeline cannot use the image.
    """
    width, height = declared_size(content)
    if content.startswith(PNG):
        bits, colour = struct.unpack_from(">BB", content, 24)
        channels = PNG_CHANNELS.get(colour, 0)
    else:
        with Image.open(io.BytesIO(content)) as image:
            channels, bits = len(image.getbands()), 16 if image.mode.startswith("I") else 8
    if channels not in (1, 3):
        raise ImageError("has an alpha channel")
    return Header(width, height, channels, max(8, bits))


class Kept(NamedTuple):
    """An image that is kept, encoded or as an array uint8[height, width, channels]."""

    id: str
    content: bytes | NDArray[np.uint8]


class ImageStatistics:
    """Counts of the images that were added, and a few images of each class."""

    def __init__(self) -> None:
        self.classes: Counter[str] = Counter()
        self.headers: Counter[Header] = Counter()
        self.faults: Counter[str] = Counter()
        """Images that cannot be used, by the reason."""
        self.kept: dict[str, list[Kept]] = {}

    def add(self, id_: str, name: str, content: bytes) -> None:
        """Add an encoded image of the class ``name``."""
        self.classes[name] += 1
        try:
            self.headers[header(content)] += 1
        except ImageError as fault:
            self.faults[str(fault)] += 1
            return
        self._keep(name, Kept(id_, content))

    def add_arrays(self, subset: str, pixels: NDArray[np.uint8], labels: NDArray[Any]) -> None:
        """Add decoded images uint8[n, h, w] or uint8[n, h, w, c], with their labels int[n]."""
        numbers, counts = np.unique(labels, return_counts=True)
        self.classes.update(dict(zip(map(str, numbers), map(int, counts), strict=True)))
        height, width, channels = (*pixels.shape[1:], 1)[:3]
        self.headers[Header(width, height, channels, 8 * pixels.dtype.itemsize)] += len(pixels)
        for label in numbers:
            for row in np.flatnonzero(labels == label)[:KEPT]:
                image = np.asarray(pixels[row]).reshape(height, width, channels)
                self._keep(str(label), Kept(f"{subset}-{row}", image))

    def rename(self, names: Mapping[str, str]) -> None:
        """Rename the classes; those that get the same name become one."""
        classes, kept = self.classes, self.kept
        self.classes, self.kept = Counter(), {}
        for name, count in classes.items():
            self.classes[names[name]] += count
            for image in kept.get(name, []):
                self._keep(names[name], image)

    def _keep(self, name: str, image: Kept) -> None:
        if sum(map(len, self.kept.values())) < MOST_KEPT:
            mine = self.kept.setdefault(name, [])
            if len(mine) < KEPT:
                mine.append(image)

    @property
    def sizes(self) -> Counter[tuple[int, int]]:
        """Number of images of each width and height."""
        return self._by(lambda one: (one.width, one.height))

    @property
    def channels(self) -> Counter[int]:
        """Number of images with each number of channels."""
        return self._by(lambda one: one.channels)

    @property
    def bits(self) -> Counter[int]:
        """Number of images of each depth, in bits a channel."""
        return self._by(lambda one: one.bits)

    def _by(self, key: Callable[[Header], T]) -> Counter[T]:
        counts: Counter[T] = Counter()
        for one, count in self.headers.items():
            counts[key(one)] += count
        return counts

    def decode(self) -> dict[str, object]:
        """Return ``datasets.<name>.decode`` without the classes.

        Raises
        ------
        DataError
            If no image can be used.
        """
        if not self.headers:
            raise DataError(f"no image can be used: {self.described_faults()}")
        channels = max(self.channels)
        params: dict[str, object] = {"format": "parquet"}
        width, height = next(iter(self.sizes))
        if len(self.sizes) > 1 or max(width, height) > LARGE:
            shorter = sorted(min(size) for size in self.sizes.elements())
            median = shorter[len(shorter) // 2]
            side = min(SMALL, -(-median // 8) * 8)
            params |= {"shape": [side, side, channels], "resize": "crop"}
        else:
            params |= {"shape": [height, width, channels]}
        bits = self.bits.most_common(1)[0][0]
        if bits != 8:
            params["bits"] = bits
        if self.faults or len(self.bits) > 1:
            params["on_bad_image"] = "quarantine"
        return params

    def described(self) -> list[tuple[str, str]]:
        """Return the counts as pairs of a name and words."""
        facts = [
            ("images", f"{self.classes.total():,} of {len(self.classes):,} classes"),
            ("classes", _listed((name, n) for name, n in sorted(self.classes.items()))),
            ("sizes", self._described_sizes()),
            ("depth", _listed((f"{bits} bits", n) for bits, n in sorted(self.bits.items()))),
            (
                "colours",
                _listed(("grey" if c == 1 else "RGB", n) for c, n in sorted(self.channels.items())),
            ),
        ]
        if self.faults:
            facts.append(("cannot be used", self.described_faults()))
        return facts

    def described_faults(self) -> str:
        """Return the reasons why images cannot be used, with their numbers."""
        return _listed(self.faults.most_common())

    def _described_sizes(self) -> str:
        sizes = self.sizes
        (width, height), count = sizes.most_common(1)[0]
        if len(sizes) == 1:
            return f"{width}x{height} pixels (width, height)"
        ranges = (f"{min(sides)} to {max(sides)}" for sides in zip(*sizes, strict=True))
        return (
            f"{len(sizes):,}, {' wide and '.join(ranges)} high; most often {width}x{height}: "
            f"{count:,}"
        )


def _listed(items: Iterable[tuple[str, int]]) -> str:
    """Return the first 20 names and counts, and how many more there are."""
    shown = [f"{name}: {count:,}" for name, count in items]
    more = f" and {len(shown) - 20} more" if len(shown) > 20 else ""
    return ", ".join(shown[:20]) + more
