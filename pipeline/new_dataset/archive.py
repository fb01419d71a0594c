"""Archives of images: classes by a table of labels, or by the images' folders."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from shlex import quote

from pipeline.core import console
from pipeline.core.errors import DataError, first_few
from pipeline.new_dataset import idx
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.findings import (
    Findings,
    is_list_of_subsets,
    ordered,
    without_fractions,
)
from pipeline.new_dataset.image_statistics import ImageStatistics
from pipeline.new_dataset.layout import labelled, lost, masks, patterns, reading
from pipeline.new_dataset.layout.result import AmbiguousError, Layout
from pipeline.new_dataset.packed import Packed
from pipeline.new_dataset.tables import sources
from pipeline.new_dataset.tables.table import Table
from pipeline.new_dataset.tables.taken import Taken


def detect(folder: Path, names: Sequence[str], choices: Choices) -> Findings:
    """Read archives in a folder, and their table of labels, if one is named.

    They are read twice: for the names, which say what is taken, and for the images.

    Raises
    ------
    DataError
        If an archive is refused, none holds images, or an image's class or subset is not clear.
    """
    packed = Packed(folder, names, choices.names_encoding)
    digests, others = _list(packed)
    if not digests and len(packed.paths) == 1:
        findings = idx.in_archive(packed.paths[0], others, choices)
        if findings:
            return findings
    inside = patterns.select(digests, choices.only)
    if not inside:
        raise DataError(
            f"{packed.name}: none of its {len(digests):,} images matches --only"
            f"{patterns.but_for_accents(digests, choices.only)}"
            if digests
            else packed.without_images()
        )
    extract = packed.extract()
    files = list(packed.files)
    table = sources.table(folder, packed, inside, choices)
    if table:
        extract["labels"] = table.extract()
        files += [file.file for file in table.files if file.file]
    findings = Findings("archive", "", ImageStatistics(), files, extract, [])
    if table:
        layout = _by_table(findings, inside, list(digests), table, packed.name, choices)
    else:
        layout = _by_folder(findings, inside, digests, packed, choices)
    findings.notes += packed.notes + layout.notes
    left_out = [name for name in digests if name not in layout.classes]
    if left_out:
        findings.notes.append(f"{len(left_out):,} images are not taken: {first_few(left_out)}")
    chosen = patterns.telling(layout.classes, [*others, *left_out], choices.only)
    if chosen != ["*"]:
        extract["members"] = chosen[0] if len(chosen) == 1 else chosen
    findings.images.passed = others
    with console.bar("look", unit="images", total=len(layout.classes)) as bar:
        for name, content in packed.images():
            if name in layout.classes:
                subset = layout.subsets.get(name, "")
                findings.images.add(name, layout.classes[name], content, subset)
                bar.update()
    findings.decode = findings.images.decode() | findings.decode
    return findings


def _list(packed: Packed) -> tuple[dict[str, bytes], list[str]]:
    """Return the hash of each image's content by its name, and the names of all other members."""
    digests: dict[str, bytes] = {}
    with console.bar("list", unit="images") as bar:
        for name, content in packed.images():
            digests[name] = blake2b(content, digest_size=16).digest()
            bar.update()
    return digests, list(packed.others)


def _by_table(
    findings: Findings,
    names: Sequence[str],
    everything: Sequence[str],
    table: Table,
    archive: str,
    choices: Choices,
) -> Layout:
    """Read the classes from a table, and subsets from its column or the images' folders."""
    if choices.classes_at is not None:
        raise DataError("--classes-at goes with folders, not with a table of labels (--labels)")
    try:
        layout = labelled.read(names, lambda name: "a row" if table.row(name) >= 0 else "", choices)
    except AmbiguousError as error:
        raise AmbiguousError(f"{archive}: {error}") from None
    findings.description = f"an archive of images with a table of labels, {table.name}"
    others = [name for name in everything if name not in layout.classes]
    taken = Taken(table, list(layout.classes), others, choices, archive)
    layout.classes = taken.labels
    findings.classes = taken.classes.names
    findings.decode = taken.decode()
    findings.split = taken.split()
    findings.notes = taken.notes()
    if taken.subsets:
        layout.subsets = taken.subsets
    elif layout.division:
        shown = ", ".join(sorted(set(layout.subsets.values())))
        findings.notes.append(f"folders or file names say which image is for {shown}")
        if choices.group is None and (group := findings.split.pop("groups", None)):
            findings.notes.append(
                f"is an image's {group} never in two of these? split.groups: {group} would check it"
            )
        if table.ids.rule.match not in ("path", "end"):
            findings.decode["labels"] = findings.decode.get("labels", {}) | {"ids": "path"}
        _divide(findings, layout)
    return layout


def _by_folder(
    findings: Findings,
    names: Sequence[str],
    digests: Mapping[str, bytes],
    packed: Packed,
    choices: Choices,
) -> Layout:
    """Read the classes and subsets from the images' folders."""
    others = list(packed.others)
    if any((choices.label, choices.id, choices.group, choices.subset)):
        raise DataError(
            "--label, --id, --group and --subset name columns; name the table too, with --labels"
        )
    is_chosen = choices.only or choices.classes_at is not None
    try:
        layout = reading.read(names, choices, digests)
        if not is_chosen:
            masks.refuse(layout.classes)
            layout.notes += lost.check(
                layout.classes, others, [*packed.folders, *choices.empty_folders]
            )
    except DataError as error:
        tables = [name for name in others if name.endswith(".csv")]
        inside = f" ({first_few(tables)} is in it: --labels {quote(tables[0])})" if tables else ""
        hint = inside if str(error).endswith("--labels CSV") else ""
        raise type(error)(f"{packed.name}: {error}{hint}") from None
    findings.description = "images, a folder for each class"
    findings.classes = ordered(set(layout.classes.values()))
    if layout.place is not None:
        findings.decode = {"classes_at": layout.place}
    if layout.division:
        findings.description += (
            f", divided by their names into {', '.join(sorted(set(layout.subsets.values())))}"
        )
        _divide(findings, layout)
    elif lists := [name for name in others if is_list_of_subsets(name)]:
        findings.notes.append(
            f"{first_few(lists)}: may say which image is for which subset, and is not read; put "
            "images into folders of subsets, or give a table with such a column (--labels)"
        )
    return layout


def _divide(findings: Findings, layout: Layout) -> None:
    findings.split["folders"] = layout.division
    findings.split |= without_fractions(set(layout.subsets.values()))
