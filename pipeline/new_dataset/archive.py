"""Archives of images: classes by a table of labels, or by the images' folders."""

import fnmatch
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pipeline.archives.limits import Limits
from pipeline.archives.members import members
from pipeline.core import console
from pipeline.core.errors import DataError, first_few
from pipeline.extract.archive import ArchiveExtract
from pipeline.images.decode import SUFFIXES
from pipeline.labels.folders import folder_of
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.findings import Findings, without_fractions
from pipeline.new_dataset.image_statistics import ImageStatistics
from pipeline.new_dataset.label_columns import Table
from pipeline.split import published


def detect(folder: Path, names: Sequence[str], choices: Choices) -> Findings:
    """Read one archive in a folder, and its table of labels, if one is named.

    Raises
    ------
    DataError
        If there are several archives, one is refused, holds no images, or holds images without a
        class.
    """
    if len(names) > 1:
        raise DataError(f"one archive at a time, please, not {len(names)}")
    path, labels = folder / names[0], next(iter(choices.labels), None)
    table = None if labels is None else Table.read(folder / labels)
    images, inside, others = _look(path, table)
    if not inside:
        raise DataError(
            f"{path.name}: holds no images ({', '.join(SUFFIXES)}), but "
            f"{first_few(others) or 'nothing'}"
        )
    extract: dict[str, Any] = {"archive": path.name}
    if labels is not None:
        extract["labels"] = labels
    pattern = members_pattern(inside, others)
    if pattern != "*":
        extract["members"] = pattern
    files = [path.name] if labels is None else [path.name, labels]
    findings = Findings("archive", "", images, files, extract, [])
    if table:
        findings.description = f"an archive of images with a table of labels, {table.path.name}"
        table.check(inside, path.name)
        findings.classes = sorted(table.classes())
        findings.decode = table.decode()
        findings.split = table.split()
        findings.notes = table.notes()
    else:
        _label_by_folder(findings, inside, others, path.name)
    findings.decode = images.decode() | findings.decode
    return findings


def _look(path: Path, table: Table | None) -> tuple[ImageStatistics, list[str], list[str]]:
    """Read the header of every image; return the names of the images and of all other members.

    Without a table an image's class is, for now, the path of its folder.
    """
    images = ImageStatistics()
    inside: list[str] = []
    others: list[str] = []
    defaults = ArchiveExtract(archive=path.name)
    limits = Limits(defaults.max_bytes, defaults.max_member_bytes)
    with console.bar("look", unit="images") as bar:
        for name, content in members(path, "*", limits):
            if not name.lower().endswith(SUFFIXES):
                others.append(name)
                continue
            inside.append(name)
            bar.update()
            images.add(name, table.label(name) if table else _folder(name), content)
    return images, inside, others


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def members_pattern(wanted: Sequence[str], others: Sequence[str]) -> str:
    """Return a shell-style pattern that matches the wanted names and none of the others.

    Raises
    ------
    DataError
        If there is no simple one.

    Examples
    --------
    >>> members_pattern(["a/1.png", "b/2.png"], ["README.md"])
    '*.png'
    >>> members_pattern(["1.jpg", "2.JPEG", "3.png"], ["a.txt"])
    '*.[JPjp]*[Gg]'
    """
    suffixes = {Path(name).suffix for name in wanted}
    first, last = (
        "".join(sorted({c for s in suffixes for c in (s[at].upper(), s[at].lower())}))
        for at in (1, -1)
    )
    for pattern in ("*", f"*{min(suffixes)}", f"*.[{first}]*[{last}]"):
        if all(fnmatch.fnmatchcase(name, pattern) for name in wanted) and not any(
            fnmatch.fnmatchcase(name, pattern) for name in others
        ):
            return pattern
    raise DataError(
        f"no simple pattern tells the images from {first_few(list(others))}; take those out"
    )


def _label_by_folder(
    findings: Findings, names: Sequence[str], others: Sequence[str], archive: str
) -> None:
    """Find which folders are classes, and whether folders above them are subsets."""
    folders = [name.split("/")[:-1] for name in names]
    subsets: set[str] = set()
    while all(len(parts) > 1 for parts in folders) and len({parts[0] for parts in folders}) == 1:
        folders = [parts[1:] for parts in folders]  # all images are in this one
    if all(folders) and all(published.subset(parts[0]) for parts in folders):
        subsets = {published.subset(parts[0]) for parts in folders}
        known = {name for path in names for name in path.split("/")[:-1] if published.subset(name)}
        _check_innermost(names, [parts[0] for parts in folders], known, archive)
        folders = [parts[1:] for parts in folders]
    if not all(folders):
        tables = [name for name in others if name.endswith(".csv")]
        hint = f" ({first_few(tables)} is in it: take it out)" if tables else ""
        lost = [name for name, parts in zip(names, folders, strict=True) if not parts]
        raise DataError(
            f"{archive}: {len(lost):,} images are in no folder of a class ({first_few(lost)}); "
            f"give each class a folder, or give a table of labels with --labels CSV{hint}"
        )
    by_folder = {_folder(name): parts[0] for name, parts in zip(names, folders, strict=True)}
    _check_innermost(names, [parts[0] for parts in folders], set(by_folder.values()), archive)
    findings.description = "images, a folder for each class"
    findings.classes = sorted(set(by_folder.values()))
    findings.images.rename(by_folder)
    if subsets:
        findings.description += f", in folders for {', '.join(sorted(subsets))}"
        findings.split = {"folders": True} | without_fractions(subsets)


def _check_innermost(
    names: Sequence[str], outer: Sequence[str], known: Collection[str], archive: str
) -> None:
    """Refuse a folder within another of which either could be meant: stages take the inner one."""
    pairs = zip(names, outer, strict=True)
    if ambiguous := {path: name for path, name in pairs if folder_of(path, known) != name}:
        path, name = next(iter(ambiguous.items()))
        raise DataError(
            f"{archive}: {len(ambiguous):,} images are in two folders of which either could be "
            f"meant, as {folder_of(path, known)} within {name} ({first_few(list(ambiguous))}); "
            "rename one"
        )
