"""A new dataset: files looked at, parameters proposed, and, once confirmed, written.

What is fetched for the look stays as the partial download of the ``download`` stage, which verifies
it and goes on from there, so that nothing is fetched twice.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline import schema
from pipeline.core import files, paths
from pipeline.core.errors import ParameterError, first_few
from pipeline.core.params import NAME, Params, read_yaml
from pipeline.download import fetch
from pipeline.download.params import DownloadParams
from pipeline.images import decode as image_decode
from pipeline.new_dataset import detect, locate, yaml_edit
from pipeline.new_dataset.detect import Found

DPI = 120
FEW = 5000
"""Images below which a smaller batch makes enough steps of an epoch."""
SMALL_BATCH = 32
TOO_FEW = 50
"""Images of a class of which a test subset has ten or fewer."""
IMBALANCED = 2
"""Times as many images of the most frequent class as of the rarest: then classes are weighted."""


@dataclass
class Proposal:
    """What was found of a dataset, and what would be written of it."""

    name: str
    found: Found
    dataset: dict[str, Any]
    run: dict[str, Any]
    changes: dict[Path, str]
    """New texts of files."""
    is_written: bool = False

    def describe(self) -> str:
        """What was found, and what would be added, for people."""
        pinned = [
            (file["name"], f"{file['bytes']:,} bytes, SHA-256 {file['sha256'][:16]}…")
            for file in self.dataset["download"]["files"]
        ]
        facts = [*pinned, *self.found.survey.described()]
        width = max(len(name) for name, _ in facts)
        lines = [f"{self.name}: {self.found.what}"]
        lines += [f"  {name:{width}}  {value}" for name, value in facts]
        lines += [f"  note: {note}" for note in self.found.notes]
        added = yaml_edit.dump({"datasets": {self.name: self.dataset}})
        added += yaml_edit.dump({"runs": {self.name: self.run}})
        others = "".join(f", and the run to {path}" for path in self.changes if path == paths.GRAPH)
        lines += ["", f"To be added to {paths.PARAMS}{others}:", "", added.rstrip()]
        # Names in archives are strangers'.
        return "".join(c if c == "\n" or c.isprintable() else " " for c in "\n".join(lines))

    def write(self) -> None:
        """Write what was proposed."""
        for path, text in self.changes.items():
            files.write_text(path, text)
        self.is_written = True


@contextmanager
def proposed(name: str, where: Sequence[str], labels: str | None) -> Iterator[Proposal]:
    """Look at files and propose a dataset and a run called ``name``.

    The files are kept for the ``download`` stage if the body calls ``write``, else removed.

    Parameters
    ----------
    name : str
        Of the dataset and of the run.
    where : sequence of str
        Paths or URLs: an archive, a folder, Parquet files, or IDX files.
    labels : str, optional
        Path or URL of a table of labels.

    Raises
    ------
    PipelineError
        If the name cannot be used, or the files cannot be had or used.
    """
    params = Params.read()
    if not re.match(NAME, name) or len(name) > 64:
        raise ParameterError(
            f"{name!r} cannot be a dataset's name; take small letters, digits and _: my_pets"
        )
    for key in ("datasets", "runs"):
        if name in params.value(key):
            raise ParameterError(
                f"{params.path}: {key}.{name} is there already; choose another name"
            )
    published = [file for place in where for file in locate.published(name, place)]
    table = None
    if labels is not None:
        table = locate.file(labels)
        published.append(table)
    folder = paths.raw(name).with_suffix(".new")
    before = {
        path: path.read_text(encoding="utf-8")
        for path in (params.path, paths.GRAPH)
        if path.exists()
    }
    try:
        section = _download(published)
        fetch.download(name, section, folder)
        names = [file.name for file in section.files if table is None or file.name != table["name"]]
        found = detect.discover(folder, names, None if table is None else table["name"])
        pinned = [
            {
                "name": file.name,
                "bytes": (folder / file.name).stat().st_size,
                "sha256": files.sha256(folder / file.name),
                "sources": list(file.sources),
            }
            for file in section.files
            if file.name in _used(found, names, table)
        ]
        proposal = _proposal(name, found, pinned, before, params)
        yield proposal
        if proposal.is_written:
            shutil.rmtree(files.beside(paths.raw(name)), ignore_errors=True)
            folder.rename(files.beside(paths.raw(name)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(files.beside(folder), ignore_errors=True)


def draw(proposal: Proposal, path: Path) -> None:
    """Draw some images of each class, as they will be decoded, as a PNG."""
    from pipeline.report import image_plots, plots  # Matplotlib takes long

    decode = proposal.dataset["decode"]
    classes = []
    for name in proposal.found.classes[: plots.NAMED_CLASSES]:
        samples = []
        for kept in proposal.found.survey.kept.get(name, []):
            try:
                pixels = (
                    image_decode.decode(
                        kept.content,
                        tuple(decode["shape"]),
                        decode.get("bits", 8),
                        decode.get("resize"),
                    )
                    if isinstance(kept.content, bytes)
                    else kept.content
                )
            except image_decode.ImageError:
                continue
            top = 2.0 ** (8 * pixels.dtype.itemsize) - 1
            own_name = kept.id.rpartition("/")[2]  # its folders say the class, which stands above
            samples.append(image_plots.Sample((pixels / top).astype("float32"), own_name, name))
        if samples:
            classes.append(samples[:5])
    path.parent.mkdir(parents=True, exist_ok=True)
    plots.save(image_plots.samples(classes), path, DPI)


def _download(published: list[dict[str, Any]]) -> DownloadParams:
    try:
        return DownloadParams.model_validate({"files": published}, strict=False)
    except ValidationError as error:
        reasons = [fault["msg"].removeprefix("Value error, ") for fault in error.errors()]
        raise ParameterError(f"these files cannot be used: {first_few(reasons)}") from None


def _used(found: Found, names: list[str], table: dict[str, Any] | None) -> set[str]:
    """The files that the dataset is made of: all, but for Parquet files without labels."""
    if found.kind == "parquet":
        return {
            name for value in found.extract.values() if isinstance(value, list) for name in value
        }
    return {*names} | ({table["name"]} if table else set())


def _proposal(
    name: str, found: Found, pinned: list[dict[str, Any]], before: dict[Path, str], params: Params
) -> Proposal:
    dataset = {
        "kind": found.kind,
        "download": {"files": pinned},
        "extract": found.extract,
        "decode": {"classes": found.classes} | found.decode,
        "split": found.split,
    }
    counts = found.survey.classes
    if min(counts.values()) < TOO_FEW:
        doubt = (
            f"some classes have fewer than {TOO_FEW} images: enough to try the pipeline, too few "
            "to trust a model"
        )
        found = replace(found, notes=[*found.notes, doubt])
    train: dict[str, Any] = {"shuffle": True, "drop_remainder": False}
    if counts.total() < FEW:
        train["batch_size"] = SMALL_BATCH
    if max(counts.values()) >= IMBALANCED * min(counts.values()):
        train["class_weights"] = "balanced"
    run = {"dataset": name, "model": {}, "train": train, "evaluate": {}, "report": {}}
    text = yaml_edit.append(before[params.path], ["datasets"], {name: dataset}, blank=True)
    changes = {params.path: yaml_edit.append(text, ["runs"], {name: run}, blank=False)}
    expected = {
        **params.values,
        "datasets": {**params.value("datasets"), name: dataset},
        "runs": {**params.value("runs"), name: run},
    }
    schema.check_params(Params(expected, params.path))
    if paths.GRAPH in before:
        changes[paths.GRAPH] = _drawn(before[paths.GRAPH], name)
    return Proposal(name, found, dataset, run, changes)


def _drawn(text: str, run: str) -> str:
    """dvc.yaml with a run among the plots that lay all runs' curves over each other."""
    graph = read_yaml(paths.GRAPH)
    for number, plot in enumerate(graph.get("plots") or []):
        for title, definition in plot.items():
            if isinstance(definition, dict) and isinstance(definition.get("y"), dict):
                curves = [f"train_{title}", f"validation_{title}"]
                entry = {(paths.metrics(run) / "history.csv").as_posix(): curves}
                text = yaml_edit.append(text, ["plots", number, title, "y"], entry, blank=False)
    if graph.get("artifacts"):
        title = run.replace("_", "-")
        labels = ["image-classification"]
        for suffix, kind, path in (
            ("shards", "dataset", paths.shards(run)),
            ("model", "model", paths.model(run)),
        ):
            artifact = {
                "path": path.as_posix(),
                "type": kind,
                "desc": f"{run}, {suffix}",
                "labels": labels,
            }
            text = yaml_edit.append(
                text, ["artifacts"], {f"{title}-{suffix}": artifact}, blank=False
            )
    return text
