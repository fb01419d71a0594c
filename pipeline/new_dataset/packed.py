"""A user's archives: how members' names are encoded, how long members are, which are images."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pipeline.archives import members, names, pieces, several, zip_file
from pipeline.archives.limits import RAISE, Limits
from pipeline.core.errors import DataError, first_few, shown
from pipeline.extract.archive import ArchiveExtract
from pipeline.images.formats import SUFFIXES

LIMITS = Limits(total_bytes=1 << 50, member_bytes=256 << 20, members=100_000_000)
"""Bounds while an archive is looked at, where one image is held at a time; those of ``extract`` are
raised if need be."""
ENOUGH = 1_000_000
"""Names that are looked at to tell their encoding."""
SMALLER = "make it smaller, or take it out; of flat images pack the archive with less compression"
"""Remedy, where no parameters are there yet in which a limit could be raised."""


class Packed:
    """An archive, or several, with their pieces, in a folder of published files.

    Parameters
    ----------
    folder : Path
    published : sequence of str
        Names of the files.
    encoding : str, optional
        The encoding of the members' names that the user chose.

    Raises
    ------
    DataError
        If two archives are called alike, or names that do not say how they are encoded can be read
        in several ways.
    """

    def __init__(self, folder: Path, published: Sequence[str], encoding: str | None = None) -> None:
        self.files = sorted(published, key=lambda name: (len(name), name))
        firsts: dict[str, str] = {}
        for name in self.files:
            firsts.setdefault(pieces.whole_name(name), name)
        try:
            several.folders(list(firsts))
        except ValueError as error:
            raise DataError(str(error)) from None
        self.paths = [folder / name for name in firsts.values()]
        """Of the archives, or their first pieces."""
        self.encoding = encoding
        self.notes: list[str] = []
        self.others: dict[str, int] = {}
        """Names of the members that are no images and their bytes, once ``images`` has ended."""
        self.folders: list[str] = []
        """Those that are folders, likewise."""
        self._longest = self._total = self._count = 0
        if encoding is None:
            self._guess()

    @property
    def name(self) -> str:
        """The archives' names, for messages."""
        return first_few([path.name for path in self.paths])

    def images(self) -> Iterator[tuple[str, bytes]]:
        """Yield (name, content) of every image, by its suffix, in the archive's order.

        Raises
        ------
        DataError
            As ``members.members``.
        """
        self.others.clear()
        self._longest = self._total = self._count = 0
        patterns = [f"*{_any_case(suffix)}" for suffix in SUFFIXES]
        try:
            for name, content in several.members(
                self.paths, patterns, LIMITS, self.encoding, self.others
            ):
                self._longest = max(self._longest, len(content))
                self._total += len(content)
                self._count += 1
                yield name, content
            self.folders = [name.rstrip("/") for name in self.others if name.endswith("/")]
            for name in self.folders:
                del self.others[f"{name}/"]
        except DataError as error:
            raise DataError(str(error).replace(RAISE, SMALLER)) from None

    def extract(self) -> dict[str, Any]:
        """Return the part of ``datasets.<name>.extract`` that says how the archive is read."""
        own = [path.name for path in self.paths]
        params: dict[str, Any] = {"archive": own[0] if len(own) == 1 else own}
        if self.encoding is not None:
            params["names_encoding"] = self.encoding
        defaults = ArchiveExtract(archive=own[0])
        needed = {
            "max_bytes": self._total + sum(self.others.values()),
            "max_member_bytes": self._longest,
            "max_members": self._count + len(self.others),
        }
        raised = {key: n for key, n in needed.items() if n > getattr(defaults, key)}
        return params | raised

    def without_images(self) -> str:
        """Return what the archive holds instead of images, and what to do about it."""
        if packed := [name for name in self.others if members.has_suffix(name)]:
            return (
                f"{self.name}: holds no images, but {first_few(packed)}: an archive within "
                "an archive; unpack the outer one, and name the inner one"
            )
        return (
            f"{self.name}: holds no images ({', '.join(SUFFIXES)}), but "
            f"{first_few(list(self.others)) or 'nothing'}"
        )

    def _guess(self) -> None:
        """Choose the encoding of names that do not say it, where only one is likely."""
        try:
            listed = chain.from_iterable(map(zip_file.unsaid_names, self.paths))
            unsaid = {name for name in islice(listed, ENOUGH) if not name.isascii()}
        except Exception:  # no .zip, or what reading it will tell
            return
        guesses = names.guess(unsaid)
        if not guesses:
            return
        longest = max(
            sorted(unsaid), key=lambda name: len(name) - len(name.decode("ascii", "ignore"))
        )
        readings = [
            f"{one}: {shown(names.decoded(longest, one))}".replace("\\", "/") for one in guesses
        ]
        if len(guesses) > 1:
            raise DataError(
                f"{self.name}: does not say how {len(unsaid):,} names are encoded; which of "
                f"these is right? {'; '.join(readings)}; say so with --names-encoding"
            )
        (self.encoding,) = guesses
        self.notes.append(
            f"the archive does not say how names are encoded; they are read as {readings[0]} "
            "(--names-encoding for another)"
        )


def _any_case(suffix: str) -> str:
    """Return a pattern of a suffix in lower and upper case.

    Examples
    --------
    >>> _any_case(".jp2")
    '.[jJ][pP]2'
    """
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in suffix)
