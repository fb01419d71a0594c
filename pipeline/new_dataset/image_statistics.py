"""Statistics of images: how many of which class, size, depth and colour, and what is wrong.

Headers say what images declare. Whether they can be decoded shows only who tries: all images of a
class and format are decoded where they are few, else a sample.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError
from pipeline.images.convert import ALL
from pipeline.images.decode import MAX_PIXELS, Plan, decoded, examine
from pipeline.images.formats import ImageError

DECODED = 100
"""Images of each class and format that are decoded in any case, the first ones."""
STEP = 20
"""Of the others one in so many is."""
KEPT = 10
"""Images of each class that are kept, to be shown."""
SHOWN = 20
"""Names that are listed at most."""
MOST_KEPT = 2000
"""Images that are kept of all classes together."""
T = TypeVar("T")
LARGE = 128
"""Pixels of the shorter side to which larger images are resized."""


class Header(NamedTuple):
    """The values that an image's header declares."""

    width: int
    height: int
    channels: int
    bits: int
    """Of a channel: 8 or 16."""


def header(plan: Plan) -> Header:
    """Return what an encoded image's own header declares of the image that ``decode`` makes."""
    own = plan.header
    return Header(*own.size, own.channels, 16 if own.bits > 8 else 8)


class Kept(NamedTuple):
    """An image that is kept, encoded or as an array uint8[height, width, channels]."""

    id: str
    content: bytes | NDArray[np.uint8]


class Group(NamedTuple):
    """What images have in common that are counted together."""

    name: str
    """Of their class."""
    subset: str
    """Of the data's own division; ``""`` if there is none."""
    header: Header


class ImageStatistics:
    """Counts of the images that were added, and a few images of each class."""

    def __init__(self) -> None:
        self.groups: Counter[Group] = Counter()
        """Images that can be used."""
        self.faults: Counter[tuple[str, str]] = Counter()
        """Images that cannot, by the reason and the class."""
        self.converted: Counter[str] = Counter()
        """Images that are not plain, by the words of the policy that they need."""
        self.kept: dict[str, list[Kept]] = {}
        self.repeated: list[tuple[str, str]] = []
        """Ids of images of two subsets, or without any, that are the same, byte for byte."""
        self.passed: list[str] = []
        """Names of files that are no images."""
        self.decoded = 0
        """Images that were decoded, not only looked at."""
        self._formats: Counter[tuple[str, bytes]] = Counter()
        self._first: dict[bytes, tuple[str, str]] = {}

    def add(self, id_: str, name: str, content: bytes, subset: str = "") -> None:
        """Add an encoded image of the class ``name``, and of a subset that the data have."""
        try:
            plan = examine(content, ALL)
            found = header(plan)
            words = self._try(name, content, found) or plan.words
        except ImageError as fault:
            self.faults[str(fault), name] += 1
            return
        self.groups[Group(name, subset, found)] += 1
        self.converted.update(words)
        self._compare(id_, content, subset)
        self._keep(name, Kept(id_, content))

    def _try(self, name: str, content: bytes, found: Header) -> tuple[str, ...]:
        """Decode an image if it is one of the sample; return the words of the policy it needed."""
        if found.width * found.height > MAX_PIXELS:  # it would be resized
            raise ImageError(
                f"is {found.width}x{found.height} pixels, above {MAX_PIXELS:,} in all; make it "
                "smaller"
            )
        number = self._formats[name, content[:2]]
        self._formats[name, content[:2]] += 1
        if number < DECODED or number % STEP == 0:
            self.decoded += 1
            shape = found.height, found.width, found.channels
            return decoded(content, shape, found.bits, convert=ALL).words
        return ()

    def _compare(self, id_: str, content: bytes, subset: str) -> None:
        """Note an image that another subset has too, or that is there twice without subsets."""
        digest = hashlib.blake2b(content, digest_size=12).digest()
        other, first = self._first.setdefault(digest, (id_, subset))
        if other != id_ and not first == subset != "":
            self.repeated.append((other, id_))

    def add_arrays(self, subset: str, pixels: NDArray[np.uint8], labels: NDArray[Any]) -> None:
        """Add decoded images uint8[n, h, w] or uint8[n, h, w, c], with their labels int[n]."""
        height, width, channels = (*pixels.shape[1:], 1)[:3]
        found = Header(width, height, channels, 8 * pixels.dtype.itemsize)
        numbers, counts = np.unique(labels, return_counts=True)
        for label, count in zip(map(str, numbers), map(int, counts), strict=True):
            self.groups[Group(label, subset, found)] += count
            self.decoded += count
        rows, ends = np.argsort(labels, kind="stable"), np.cumsum(counts)
        for label, start, end in zip(numbers, ends - counts, ends, strict=True):
            for row in rows[start:end][:KEPT]:
                image = np.asarray(pixels[row]).reshape(height, width, channels)
                self._keep(str(label), Kept(f"{subset}-{row}", image))
        for row, image in enumerate(pixels):
            self._compare(f"{subset}-{row}", image.tobytes(), subset)

    def _keep(self, name: str, image: Kept) -> None:
        if sum(map(len, self.kept.values())) < MOST_KEPT:
            mine = self.kept.setdefault(name, [])
            if len(mine) < KEPT:
                mine.append(image)

    @property
    def classes(self) -> Counter[str]:
        """Number of images of each class that can be used; 0 for a class that has only others."""
        counts = Counter({name: 0 for _, name in self.faults})
        counts.update(self._by(lambda one: one.name))
        return counts

    @property
    def trained(self) -> Counter[str]:
        """Number of images of each class that are not of another subset than training."""
        counts: Counter[str] = Counter()
        for one, count in self.groups.items():
            counts[one.name] += count * (one.subset in ("", "train"))
        return counts

    @property
    def headers(self) -> Counter[Header]:
        """Number of images with each header."""
        return self._by(lambda one: one.header)

    @property
    def sizes(self) -> Counter[tuple[int, int]]:
        """Number of images of each width and height."""
        return self._by(lambda one: (one.header.width, one.header.height))

    @property
    def channels(self) -> Counter[int]:
        """Number of images with each number of channels."""
        return self._by(lambda one: one.header.channels)

    @property
    def bits(self) -> Counter[int]:
        """Number of images of each depth, in bits a channel."""
        return self._by(lambda one: one.header.bits)

    def _by(self, key: Callable[[Group], T]) -> Counter[T]:
        counts: Counter[T] = Counter()
        for one, count in self.groups.items():
            counts[key(one)] += count
        return counts

    def reasons(self, name: str) -> str:
        """Return the reasons why images of a class cannot be used, with their numbers."""
        return _listed((why, n) for (why, own), n in self.faults.most_common() if own == name)

    def decode(self) -> dict[str, object]:
        """Return ``datasets.<name>.decode`` without the classes.

        Its policy is that of ``predict``, so that both see the same picture.

        Raises
        ------
        DataError
            If no image can be used.
        """
        if not self.groups:
            raise DataError(
                f"no image can be used: {self.described_faults()}; mend or convert them, and run "
                "this again"
            )
        bits = self.bits.most_common(1)[0][0]
        channels = max(self.channels)
        params: dict[str, object] = {"format": "parquet"}
        width, height = next(iter(self.sizes))
        if len(self.sizes) > 1 or min(width, height) > LARGE:
            shorter = sorted(min(size) for size in self.sizes.elements())
            median = shorter[len(shorter) // 2]
            side = min(LARGE, -(-median // 8) * 8)
            params |= {"shape": [side, side, channels], "resize": "crop"}
        else:
            params |= {"shape": [height, width, channels]}
        if bits != 8:
            params["bits"] = bits
        params["convert"] = ALL.model_dump()
        if self.faults:
            params["on_bad_image"] = "quarantine"
        return params

    def shape(self, decode: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the shape of decoded images: that in ``decode``, or that of IDX files."""
        if "shape" in decode:
            return tuple(decode["shape"])
        width, height = next(iter(self.sizes))
        return height, width

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
        seen = self.classes.total()
        if self.decoded < seen:
            facts.append(("decoded", f"{self.decoded:,}, some of each class, as a sample"))
        if self.converted:
            facts.append(("converted", _listed(self.converted.most_common())))
        if self.passed:
            facts.append(("passed over", described_suffixes(self.passed)))
        if self.faults:
            facts.append(("cannot be used", self.described_faults()))
        return facts

    def described_faults(self) -> str:
        """Return the reasons why images cannot be used, with their numbers by class."""
        by_reason: dict[str, Counter[str]] = {}
        for (why, name), count in self.faults.items():
            by_reason.setdefault(why, Counter())[name] += count
        reasons = sorted(by_reason.items(), key=lambda item: -item[1].total())
        shown = [
            f"{why}: {counts.total():,} ({_listed(sorted(counts.items()))})"
            for why, counts in reasons[:SHOWN]
        ]
        return ", ".join([*shown, *_more(len(reasons))])

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


def described_suffixes(names: Iterable[str]) -> str:
    """Return how many files have which suffix.

    Examples
    --------
    >>> described_suffixes(["a/1.HEIC", "a/2.heic", "b/README"])
    '2 .heic, 1 without suffix'
    """
    counts = Counter(PurePosixPath(name).suffix.lower() or "without suffix" for name in names)
    shown = [f"{count:,} {suffix}" for suffix, count in counts.most_common(SHOWN)]
    return ", ".join([*shown, *_more(len(counts))])


def _listed(items: Iterable[tuple[str, int]]) -> str:
    """Return the first names and counts, and how many more there are."""
    shown = [f"{name}: {count:,}" for name, count in items]
    return ", ".join([*shown[:SHOWN], *_more(len(shown))])


def _more(count: int) -> list[str]:
    return [f"and {count - SHOWN:,} more"] if count > SHOWN else []
