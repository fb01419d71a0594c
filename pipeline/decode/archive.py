"""Decoding of an extracted archive's images into shards, one for each part."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.decode import write
from pipeline.decode.params import ArchiveDecode
from pipeline.decode.picture import MOST, picture
from pipeline.decode.write import layout_of
from pipeline.execution import fingerprint
from pipeline.extract import parts
from pipeline.images import convert, decode
from pipeline.images.formats import ImageError
from pipeline.images.quiet import libraries
from pipeline.labels import folders, join, one_hot, table
from pipeline.labels.table import Match
from pipeline.shards import shard
from pipeline.shards.columns import Rows
from pipeline.shards.index import Quarantined


def decode_archive(source: Path, params: ArchiveDecode, folder: Path) -> str:
    """Decode the parts of an extracted archive in ``source`` into shards in ``folder``.

    Rows are in the archive's order. Every image is joined to its label by its id
    (``labels.match``). Without a table of labels, an image's class is that of its folder, and its
    id is its path.

    Returns
    -------
    str
        Numbers of images, shards and bytes, for the console.

    Raises
    ------
    DataError
        If the table of labels is not as declared, images and labels do not correspond, or an image
        cannot be used and the policy is ``fail``.
    """
    divisor = 2**params.bits - 1
    layout = layout_of(params, params.shape, divisor)._replace(
        resize=params.resize,
        convert=None if params.convert is None else params.convert.model_dump(),
    )
    tasks = _archive_tasks(source, params)
    pa.default_memory_pool().release_unused()  # glibc keeps the join's memory otherwise
    with libraries:  # before the bar is made
        return write.write_shards(tasks, folder, layout)


def _archive_tasks(source: Path, params: ArchiveDecode) -> list["ArchiveTask"]:
    """Return a task for each part, which holds labels and positions but no names."""
    paths = parts.paths(source)
    names = [parts.names(path) for path in paths]
    members, archive = pa.concat_arrays(names), f"the archive ({source})"
    path = source / "labels.csv"
    if path.exists():
        match = params.labels.match
        read = one_hot.read if params.labels.one_hot else table.read
        labels = read(path, params.labels, params.classes)
        positions = join.join(members, labels, archive, str(path), params.labels)
        match = "path" if params.labels.ids == "path" else match
        targets = labels.labels
    else:
        match = "path"
        positions, targets = folders.labels(members, params.classes, archive, params.classes_at)
    ends = np.cumsum([len(part) for part in names])[:-1]
    return [
        ArchiveTask(part, rows, targets[rows], params, match)
        for part, rows in zip(paths, np.split(positions, ends), strict=True)
    ]


class ArchiveTask(NamedTuple):
    """A shard of one extracted part's images."""

    part: Path
    positions: NDArray[np.int32]
    """The images' rows in the table of labels, or positions among the sorted names."""
    targets: NDArray[np.int32]
    """The images' labels."""
    params: ArchiveDecode
    match: Match
    """The part of an image's name that is its id in the shards."""

    def key(self) -> str:
        """Return the SHA-256 of the parameters, the part, the positions and the labels."""
        rows = self.positions.data, self.targets.data
        return fingerprint.key(
            self.params.model_dump_json(), self.match, files.sha256(self.part), *rows
        )

    def groups(self, quarantined: list[Quarantined], converted: Counter[str]) -> Iterator[Rows]:
        """Yield the row groups, add bad images to ``quarantined``, and count converted ones."""
        start = 0
        for names, contents in parts.read(self.part, shard.row_group_rows(self.params.shape)):
            ids, kept, pixels = [], [], []
            for row, (name, content) in enumerate(zip(names, contents, strict=True), start):
                try:
                    found = self._decode(content)
                except ImageError as fault:
                    reason = _reason(self.part, name, fault, self.params)
                    member = join.member_id(name, self.match)
                    class_name = self.params.classes[self.targets[row]]
                    quarantined.append(
                        Quarantined(
                            id=member,
                            name=name,
                            reason=reason,
                            class_name=class_name,
                            picture=self._picture(content) if len(quarantined) < MOST else None,
                        )
                    )
                else:
                    pixels.append(found.pixels)
                    if found.words:
                        converted.update(found.words)
                    ids.append(join.member_id(name, self.match))
                    kept.append(row)
            start += len(names)
            if pixels:
                yield Rows(ids, self.positions[kept], self.targets[kept], np.stack(pixels))

    def _picture(self, content: bytes) -> str | None:
        return picture(content, self.params.shape[2], self.params.max_pixels)

    def _decode(self, content: bytes) -> decode.Decoded:
        how = self.params
        return decode.decoded(content, how.shape, how.bits, how.resize, how.max_pixels, how.convert)


def _reason(part: Path, name: str, fault: ImageError, params: ArchiveDecode) -> str:
    """Return why an image is left out; raise DataError if the policy is ``fail``."""
    if params.on_bad_image == "fail":
        words = ""
        if isinstance(fault, decode.NotAllowedError):
            words = f"have such converted (decode.convert: {{{fault.word}: "
            words += f"{getattr(convert.ALL, fault.word)}}}), "
        raise DataError(
            f"{part.parent}: image {name!r} {fault}; mend it, {words}or leave such images out with "
            "decode.on_bad_image: quarantine in params.yaml"
        )
    return str(fault)
