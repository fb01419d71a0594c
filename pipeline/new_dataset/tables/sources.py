"""Where tables of labels are: files that the user named, or those in the archive."""

import glob
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from pipeline.archives import several
from pipeline.core.errors import DataError, first_few
from pipeline.extract import tables
from pipeline.extract.tables import LabelFile
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.packed import LIMITS, Packed
from pipeline.new_dataset.tables.dialect import like
from pipeline.new_dataset.tables.table import Table, read
from pipeline.split import published

METADATA = ("metadata.csv", "metadata.jsonl", "_classes.csv")
"""Tables that Hugging Face and Roboflow put beside the images."""
FILE_NAME = "file_name"
"""Hugging Face's column of paths, from the folder in which the table stands."""


def table(folder: Path, packed: Packed, names: Sequence[str], choices: Choices) -> Table | None:
    """Return the table of labels of an archive's images; None if there is none.

    Parameters
    ----------
    folder : Path
        Of published files.
    packed : Packed
        Whose images were read.
    names : sequence of str
        The images' paths.
    choices : Choices

    Raises
    ------
    DataError
        If it is no table, is not there, or no column has the images' names.
    """
    inside = [name for name in choices.labels if not (folder / name).is_file()]
    if absent := [name for name in inside if name not in packed.others]:
        raise DataError(f"there is no table {first_few(absent)}, as a file or in {packed.name}")
    if inside and len(inside) < len(choices.labels):
        raise DataError("tables in the archive and others do not go together (--labels)")
    if choices.labels and not inside:
        for name in choices.labels:
            tables.refuse_long(folder / name, packed.paths)
        files = [
            (like(folder / name, {"file": name}, names), folder / name) for name in choices.labels
        ]
        return Table(_of_subsets(files), names, choices)
    inside = inside or [name for name in packed.others if _is_metadata(name, names)]
    if not inside:
        return None
    patterns = [glob.escape(name) for name in inside]
    limits = tables.limited(LIMITS, packed.paths)
    found = several.members(packed.paths, patterns, limits, packed.encoding)
    is_one_of_several = len(inside) > 1
    own = [_of_folder(name, content, names, is_one_of_several) for name, content in found]
    return Table(own, names, choices)


def _is_metadata(name: str, names: Collection[str]) -> bool:
    """Return whether a member is a table of images that stand in its folder."""
    path = PurePosixPath(name)
    beside = "" if path.parent == PurePosixPath() else f"{path.parent}/"
    return path.name in METADATA and any(name.startswith(beside) for name in names)


def _of_folder(
    name: str, content: bytes, images: Collection[str], is_one_of_several: bool
) -> tuple[LabelFile, bytes]:
    """Return what a table in an archive is like, whose paths may lead on from its folder.

    Of several tables, those may have the same names for the images beside each.
    """
    found = like(content, {"member": name}, images)
    parent = PurePosixPath(name).parent
    if parent == PurePosixPath():
        return found, content
    path = FILE_NAME if FILE_NAME in tables.columns(found, content) else None
    if not path and is_one_of_several:
        beside = {one.removeprefix(f"{parent}/") for one in images if one.startswith(f"{parent}/")}
        columns = read([(found, content)], name).items()
        path = next((one for one, values in columns if values and beside.issuperset(values)), None)
    return found.model_copy(update={"folder": str(parent), "path": path} if path else {}), content


def _of_subsets(files: Sequence[tuple[LabelFile, Path]]) -> list[tuple[LabelFile, Path | bytes]]:
    """Return tables with their subsets, where each one's name says another."""
    subsets = [published.meaning(PurePosixPath(str(file.file)).stem).subset for file, _ in files]
    names = {name for file, path in files for name in tables.columns(file, path)}
    said = len(files) > 1 and "train" in subsets and all(subsets)
    if not said or len(set(subsets)) < len(subsets) or tables.SUBSET in names:
        return list(files)
    return [
        (file.model_copy(update={"subset": subset}), path)
        for (file, path), subset in zip(files, subsets, strict=True)
    ]
