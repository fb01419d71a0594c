"""Update of a dataset: its sources are looked at again, compared with what is pinned, and pinned.

As with a new dataset, what was fetched stays as a partial download, which the ``download`` stage
verifies and completes.
"""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from pipeline import schema
from pipeline.compare import tables
from pipeline.core import files, paths, places, process_lock, resumed
from pipeline.core.errors import ParameterError, PipelineError, SourceError, first_few
from pipeline.core.params import Params
from pipeline.decode.params import IdxDecode
from pipeline.download import fetch, protocols
from pipeline.download.params import DownloadParams
from pipeline.new_dataset.detect import RARE
from pipeline.project import changes, published, yaml_change
from pipeline.project.changes import Changes
from pipeline.project.published import Published
from pipeline.repository.outputs import Outputs
from pipeline.subsets.data_card import DataCard

MOST_TRIED = 2000
"""Images that came or changed of which it is tried whether they can be decoded."""


@dataclass
class Update:
    """What is published now, beside what is pinned."""

    name: str
    params: Params
    fetched: str
    """Number of files, bytes, and where they are from, in words."""
    pins: list[tuple[str, str, str]] = field(default_factory=list)
    """Files that differ: the name, and the pinned and the new length and hash, in words."""
    before: Published | None = None
    after: Published | None = None
    changes: Changes | None = None
    notes: list[str] = field(default_factory=list)
    edits: list[tuple[list[str | int], Any, str]] = field(default_factory=list)
    """Changes of ``params.yaml``: the keys, the new value, and the key that it comes behind."""
    text: str = ""
    """The new ``params.yaml``."""
    is_written: bool = False

    @property
    def classes(self) -> list[str]:
        """The classes to be declared: those that have images, new ones last."""
        declared: list[str] = list(self.params.value("datasets", self.name, "decode", "classes"))
        if self.after is None:
            return declared
        there = {image.name for image in self.after.state.values()}
        new = sorted(there - set(declared))
        if isinstance(self.after.params, IdxDecode):  # whose labels are positions in the list
            highest = max((int(name) for name in new), default=-1)
            return declared + [str(number) for number in range(len(declared), highest + 1)]
        return [name for name in declared if name in there] + new

    def describe(self) -> str:
        """Return what changed and the lines of ``params.yaml`` that would, for people."""
        lines = [f"{self.name}: {self.fetched}"]
        lines += [f"  {name}: {old} → {new}" for name, old, new in self.pins]
        if self.changes is not None:
            if not self.changes:
                lines += ["  the images are the same; what else is in the files differs"]
            lines += ["", self.changes.describe()]
        elif self.after is not None:
            lines += ["", self._counts()]
        lines += [f"note: {note}" for note in self.notes]
        old = files.read_text(self.params.path).splitlines()
        edits = list(difflib.unified_diff(old, self.text.splitlines(), n=0, lineterm=""))[2:]
        lines += ["", f"To be changed in {self.params.path}:", ""]
        lines += [line for line in edits if not line.startswith("@@")]
        return changes.printable("\n".join(lines))

    def _counts(self) -> str:
        """Return a table of the classes' counts, the old ones by the data card in Git."""
        before: Counter[str] = Counter()
        card = paths.data_card(self.name)
        for subset in DataCard.read(card).subsets.values() if card.exists() else ():
            before.update(subset.classes)
        assert self.after is not None
        now = Counter(image.name for image in self.after.state.values())
        known = card.exists()
        rows = [(name, before[name] if known else "?", now[name]) for name in sorted(before | now)]
        return tables.render(rows, ["class", "before", "now"], "text")

    def write(self) -> None:
        """Write ``params.yaml``, as it is now but for this update.

        Raises
        ------
        ParameterError
            If the dataset's parameters were changed meanwhile.
        """
        with process_lock.project():
            now = Params.read(self.params.path).value("datasets", self.name)
            if now != self.params.value("datasets", self.name):
                raise ParameterError(
                    f"{self.params.path}: datasets.{self.name} has changed meanwhile; run it again"
                )
            files.write_text(self.params.path, self.edited())
        self.is_written = True

    def edited(self) -> str:
        """Return ``params.yaml`` as it is now, with the update; raises ParameterError."""
        text = files.read_text(self.params.path)  # with its line ends
        for keys, value, after in self.edits:
            text = yaml_change.put(text, keys, value, after=after)
        schema.check_params(Params(yaml_change.values(text), self.params.path))
        return text

    def runs(self) -> list[str]:
        """Return the runs of this dataset."""
        runs = self.params.value("runs")
        return [name for name, run in runs.items() if run.get("dataset") == self.name]


@contextmanager
def looked_again(name: str) -> Iterator[Update]:
    """Fetch a dataset's files from their sources, and yield how they differ from what is pinned.

    The files are kept for the ``download`` stage if the body calls ``write``, else removed.

    Raises
    ------
    PipelineError
        If there is no such dataset, its files cannot be had, or they are not what its parameters
        say: an image is in no folder of a class, or table and images do not belong together.
    """
    params = Params.read()
    section = params.section(DownloadParams, "datasets", name, "download")
    unpinned = tuple(
        file.model_copy(update={"bytes": None, "sha256": None}) for file in section.files
    )
    own = {file.name for file in section.files}
    resumed.refuse_foreign(
        resumed.beside(paths.raw(name)), lambda one: one.removesuffix(places.INCOMPLETE) in own
    )
    with files.temporary_folder(paths.raw(name)) as new:
        folder = new / name
        try:
            fetched = fetch.download(name, DownloadParams(files=unpinned), folder)
        except SourceError as error:
            raise SourceError(
                f"{error}; or, if it was moved, write its new place into datasets.{name}.download "
                f"in {params.path}"
            ) from None
        update = Update(name, params, fetched)
        for place, file in enumerate(section.files):
            size, digest = (folder / file.name).stat().st_size, files.sha256(folder / file.name)
            if (file.bytes, file.sha256) != (size, digest):
                update.pins.append((file.name, _pin(file.bytes, file.sha256), _pin(size, digest)))
                keys: list[str | int] = ["datasets", name, "download", "files", place]
                update.edits.append(([*keys, "bytes"], size, "name"))
                update.edits.append(([*keys, "sha256"], digest, "bytes"))
        if not update.pins:
            yield update
            return
        with files.temporary_folder(paths.DATA / name) as work:
            _compare(update, section, folder, work)
            if update.classes != list(params.value("datasets", name, "decode", "classes")):
                keys = ["datasets", name, "decode", "classes"]
                update.edits.append((keys, update.classes, ""))
            update.text = update.edited()
            yield update
        if update.is_written:
            with process_lock.held(f"download@{name}"):
                resumed.keep(folder, paths.raw(name))


def _compare(update: Update, section: DownloadParams, folder: Path, work: Path) -> None:
    """Read the images before and now, and fill in what changed, and what is to be known of it."""
    name, params = update.name, update.params
    update.after = published.read(folder, params, name, work / "now")
    update.notes += _neighbours(section)
    try:
        raw = _pinned(name, section, work)
        update.before = published.read(raw, params, name, work / "before")
    except PipelineError as error:
        update.notes.append(
            f"single images are not compared, since the pinned state cannot be read: {error}"
        )
    else:
        update.changes = changes.between(update.before.state, update.after.state)
        if update.after.others - update.before.others:
            shown = [f"{n:,} {suffix}" for suffix, n in sorted(update.after.others.items())]
            update.notes.append(
                f"files that extract.members passes over: {first_few(shown)}; "
                f"{update.before.others.total():,} before"
            )
    declared = params.value("datasets", name, "decode", "classes")
    if new := [one for one in update.classes if one not in declared]:
        update.notes.append(
            f"new classes, behind the others, whose numbers stay: {first_few(new)}; a folder or "
            "label that is no class is to be taken out of the data first"
        )
    if gone := [one for one in declared if one not in update.classes]:
        update.notes.append(
            f"classes without any image now: {first_few(gone)}; those behind them get other numbers"
        )
    there = Counter(image.name for image in update.after.state.values())
    if rare := [f"{one}: {n}" for one, n in sorted(there.items()) if n < RARE]:
        update.notes.append(
            f"classes of fewer than {RARE} images, which split may not be able to divide: "
            f"{first_few(rare)}"
        )
    if empty := [one for one in update.classes if one not in there]:
        update.notes.append(
            f"classes without any image now, which stay, for labels are positions in the list: "
            f"{first_few(empty)}"
        )
    update.notes += _unusable(update)


def _pinned(name: str, section: DownloadParams, work: Path) -> Path:
    """Return a folder of the pinned files; raises PipelineError if they are not to be had here."""
    raw = paths.raw(name)
    if not _has(raw, section):
        raw = Outputs().link(raw, work)
        if not _has(raw, section):
            raise PipelineError(f"dvc.lock records {paths.raw(name)} of another time")
    return raw


def _has(folder: Path, section: DownloadParams) -> bool:
    return all(
        (path := folder / file.name).is_file()
        and (file.sha256 is None or files.sha256(path) == file.sha256)
        for file in section.files
    )


def _pin(size: int | None, digest: str | None) -> str:
    length = "unknown length" if size is None else f"{size:,} bytes"
    return f"{length}, {'not pinned' if digest is None else f'SHA-256 {digest[:16]}…'}"


def _unusable(update: Update) -> Iterator[str]:
    """Yield a note if images that came or changed cannot be decoded, with reasons and classes."""
    after = update.after
    assert after is not None
    found = update.changes
    ids = list(after.state) if found is None else [*found.came, *found.changed]
    tried = set(ids[:MOST_TRIED])
    faults = {id_: one for id_, one in after.decoded(sorted(tried)) if isinstance(one, str)}
    if not faults:
        return
    counts = Counter((after.state[id_].name, fault) for id_, fault in faults.items())
    shown = [f"{name}: {n:,} (one {fault})" for (name, fault), n in sorted(counts.items())]
    policy = update.params.value("datasets", update.name, "decode").get("on_bad_image", "fail")
    then = "will be left out" if policy == "quarantine" else "will end decode; mend or remove them"
    of = f" of the first {MOST_TRIED:,}" if len(ids) > MOST_TRIED else ""
    yield (
        f"{len(faults):,} images{of} that came or changed cannot be used and {then}: "
        f"{first_few(shown)}; such as {first_few(sorted(faults), 3)}"
    )


def _neighbours(section: DownloadParams) -> Iterator[str]:
    """Yield a note on Parquet files that lie beside those of the dataset and are not named."""
    named = {
        Path(unquote(url.removeprefix("file:").removeprefix("//"))).absolute()
        for file in section.files
        for url in file.sources
        if protocols.scheme(url) == "file" and url.endswith(".parquet")
    }
    beside = {other for path in named for other in path.parent.glob("*.parquet")}
    if others := sorted(str(path) for path in beside - named):
        yield (
            f"files beside these are not named by the dataset: {first_few(others)}; add them to "
            "download.files and extract in params.yaml, or make it anew with new-dataset"
        )


def images(state: Published | None, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Return those images of a state that can be decoded, by id."""
    found = () if state is None else state.decoded(ids)
    return {id_: image for id_, image in found if not isinstance(image, str)}
