"""Proposal of a dataset and a run for files of a user's own, and its addition to ``params.yaml``.

Files that are fetched for it stay as a partial download, which the ``download`` stage verifies and
completes. So nothing is fetched twice.
"""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pipeline import schema
from pipeline.core import files, paths, places, process_lock, resumed
from pipeline.core.errors import DataError, ParameterError, first_few
from pipeline.core.params import Params, is_name, like_name
from pipeline.download import fetch
from pipeline.download.params import DownloadParams
from pipeline.extract.params import PartsExtract
from pipeline.images.convert import Convert
from pipeline.images.decode import Pixels, decode
from pipeline.images.formats import ImageError
from pipeline.new_dataset import locate, recipe, yaml_edit
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.detect import detect
from pipeline.new_dataset.findings import Findings

DPI = 120
SHARD_BYTES = 50_000_000
"""Of decoded images in one shard, about, of which each worker holds some at a time."""
TOO_FEW = 50
"""Images of a class below which its part of the test subset is ten or fewer."""


@dataclass
class Proposal:
    """A dataset and a run, as they would be added to ``params.yaml``."""

    name: str
    findings: Findings
    dataset: dict[str, Any]
    run: dict[str, Any]
    is_written: bool = False

    def describe(self) -> str:
        """Return the findings and the lines that would be added, for people."""
        pinned = [
            (file["name"], f"{file['bytes']:,} bytes, SHA-256 {file['sha256'][:16]}…")
            for file in self.dataset["download"]["files"]
        ]
        facts = [*pinned, *self.findings.images.described()]
        width = max(len(name) for name, _ in facts)
        lines = [f"{self.name}: {self.findings.description}"]
        lines += [f"  {name:{width}}  {value}" for name, value in facts]
        lines += [f"  note: {note}" for note in self.findings.notes]
        added = yaml_edit.dump({"datasets": {self.name: self.dataset}})
        added += yaml_edit.dump({"runs": {self.name: self.run}})
        lines += ["", f"To be added to {paths.PARAMS}:", "", added.rstrip()]
        # Names in archives are strangers'.
        return "".join(c if c == "\n" or c.isprintable() else " " for c in "\n".join(lines))

    def write(self) -> None:
        """Add both to ``params.yaml``, as it is now.

        Raises
        ------
        ParameterError
            If the name was taken meanwhile.
        """
        with process_lock.project():
            params = Params.read()
            _refuse_taken(self.name, params)
            files.write_text(params.path, _added(params, self.name, self.dataset, self.run))
        self.is_written = True


@contextmanager
def proposed(name: str, where: Sequence[str], choices: Choices) -> Iterator[Proposal]:
    """Read files and yield the proposal of a dataset and a run called ``name``.

    The files are kept for the ``download`` stage if the body calls ``write``, else removed.

    Parameters
    ----------
    name : str
        Of the dataset and of the run.
    where : sequence of str
        Paths or URLs: an archive, a folder, Parquet files, or IDX files.
    choices : Choices
        What the user decided with options.

    Raises
    ------
    PipelineError
        If the name cannot be used, or the files cannot be had or used.
    """
    params = Params.read()
    if not is_name(name):
        raise ParameterError(
            f"{name!r} cannot be a dataset's name; take small letters, digits and _: "
            f"{like_name(name, 'my_pets')}"
        )
    _refuse_taken(name, params)
    published, empty = locate.of_all(name, where, choices)
    tables, inside = locate.tables(choices.labels)
    published += tables
    section = _download(published)
    own = {file.name for file in section.files}
    resumed.refuse_foreign(
        resumed.beside(paths.raw(name)), lambda one: one.removesuffix(places.INCOMPLETE) in own
    )
    with files.temporary_folder(paths.raw(name)) as work:
        folder = work / name
        fetch.download(name, section, folder)
        labels = (*(table["name"] for table in tables), *inside)
        names = [file.name for file in section.files if file.name not in labels]
        with _own_names(folder, section):
            findings = detect(folder, names, replace(choices, labels=labels, empty_folders=empty))
        pinned = [
            {
                "name": file.name,
                "bytes": (folder / file.name).stat().st_size,
                "sha256": files.sha256(folder / file.name),
                "sources": list(file.sources),
            }
            for file in section.files
            if file.name in findings.files
        ]
        proposal = _proposal(name, findings, pinned, params)
        yield proposal
        if proposal.is_written:
            resumed.keep(folder, paths.raw(name))


def _refuse_taken(name: str, params: Params) -> None:
    """Raise ParameterError if there is a dataset or a run called ``name``."""
    for key in ("datasets", "runs"):
        if name in params.value(key):
            update = f", or take its new state: python -m pipeline update-dataset {name}"
            raise ParameterError(
                f"{params.path}: {key}.{name} is there already; choose another name"
                f"{update if key == 'datasets' else ''}"
            )


@contextmanager
def _own_names(folder: Path, section: DownloadParams) -> Iterator[None]:
    """Have errors name the files that the user has, not the copies in ``folder``."""
    try:
        yield
    except DataError as error:
        text = str(error)
        for file in section.files:
            kind, _, place = file.sources[0].partition(":")
            own = unquote(place.removeprefix("//")) if kind in ("file", "folder") else file.name
            text = text.replace(str(folder / file.name), own)
            if text.startswith(f"{file.name}: "):
                text = own + text.removeprefix(file.name)
            if kind == "folder":  # the .tar that is made of it is not the user's
                packed = rf"(?<![\w/.-]){re.escape(file.name)}(?![\w/-])"
                text = re.sub(packed, own.replace("\\", r"\\"), text)
                text = text.replace("from the archive", "from the folder")
        raise type(error)(text) from None


def draw(proposal: Proposal, path: Path) -> None:
    """Draw some images of each class, as they will be decoded, as a PNG."""
    from pipeline.report import image_plots, plots  # Matplotlib takes long

    params = proposal.dataset["decode"]
    classes = []
    for name in proposal.findings.classes[: plots.NAMED_CLASSES]:
        samples = []
        for kept in proposal.findings.images.kept.get(name, []):
            try:
                pixels = _decoded(kept.content, params)
            except ImageError:
                continue
            top = 2.0 ** (8 * pixels.dtype.itemsize) - 1
            own_name = kept.id.rpartition("/")[2]  # its folders say the class, which stands above
            samples.append(image_plots.Sample((pixels / top).astype("float32"), own_name, name))
        if samples:
            classes.append(samples[:5])
    plots.save(image_plots.samples(classes), path, DPI)


def _decoded(content: bytes | NDArray[np.uint8], params: dict[str, Any]) -> Pixels:
    """Return an image's pixels as the ``decode`` stage will make them."""
    if not isinstance(content, bytes):
        return content
    convert = Convert(**params["convert"]) if "convert" in params else None
    shape, bits = tuple(params["shape"]), params.get("bits", 8)
    return decode(content, shape, bits, params.get("resize"), convert=convert)


def _download(published: list[dict[str, Any]]) -> DownloadParams:
    try:
        return DownloadParams.model_validate({"files": published}, strict=False)
    except ValidationError as error:
        reasons = [fault["msg"].removeprefix("Value error, ") for fault in error.errors()]
        raise ParameterError(f"these files cannot be used: {first_few(reasons)}") from None


def _proposal(
    name: str, findings: Findings, pinned: list[dict[str, Any]], params: Params
) -> Proposal:
    shape = findings.images.shape(findings.decode)
    dataset = {
        "kind": findings.kind,
        "download": {"files": pinned},
        "extract": findings.extract | _parts(findings, shape),
        "decode": {"classes": findings.classes} | findings.decode,
        "split": findings.split,
    }
    counts = findings.images.classes
    if min(counts.values()) < TOO_FEW:
        doubt = (
            f"some classes have fewer than {TOO_FEW} images: enough to try the pipeline, too few "
            "to trust a model"
        )
        findings = replace(findings, notes=[*findings.notes, doubt])
    findings = replace(findings, notes=[*findings.notes, *recipe.notes(shape, counts)])
    run = recipe.run(name, shape, counts)
    _added(params, name, dataset, run)
    return Proposal(name, findings, dataset, run)


def _parts(findings: Findings, shape: tuple[int, ...]) -> dict[str, int]:
    """Return ``extract.part_rows`` where shards of its default would be large.

    A shard is decoded by one worker, so that one of all photographs would leave the others idle.
    """
    if findings.kind == "idx":
        return {}
    rows = max(SHARD_BYTES // math.prod(shape) // 100, 1) * 100
    default = PartsExtract.model_fields["part_rows"].default
    return {"part_rows": rows} if rows < min(default, findings.images.classes.total()) else {}


def _added(params: Params, name: str, dataset: dict[str, Any], run: dict[str, Any]) -> str:
    """Return the text of ``params.yaml`` with a dataset and a run more; raises ParameterError."""
    text = files.read_text(params.path)  # with its line ends
    text = yaml_edit.append(text, "datasets", {name: dataset}, blank=True)
    text = yaml_edit.append(text, "runs", {name: run}, blank=False)
    expected = {
        **params.values,
        "datasets": {**params.value("datasets"), name: dataset},
        "runs": {**params.value("runs"), name: run},
    }
    schema.check_params(Params(expected, params.path))
    return text
