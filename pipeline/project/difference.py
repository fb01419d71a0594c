"""Difference of a dataset between two Git revisions, by its shards and its split."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.core.errors import first_few
from pipeline.project import changes, picture, recorded
from pipeline.project.changes import State
from pipeline.project.recorded import Recorded


def describe(dataset: str, before: str, after: str, path: Path, *, fetch: bool = False) -> str:
    """Return what changed in a dataset, and draw some of the images.

    Parameters
    ----------
    dataset : str
    before, after : str
        Git revisions; ``""``: what is here.
    path : Path
        Of the picture, a PNG.
    fetch : bool
        Whether to get what DVC's cache lacks from the default remote.

    Raises
    ------
    PipelineError
        If there is no such revision, or its shards and split cannot be had.
    """
    with tempfile.TemporaryDirectory() as work:
        old, new = (
            recorded.find(dataset, revision, Path(work, side), fetch=fetch)
            for side, revision in (("before", before), ("after", after))
        )
        names = [revision or "here" for revision in (before, after)]
        notes = list(_notes(old, new))
        states = [old.state, new.state]
        if _form(old) != _form(new):
            states = [_by_id(state) for state in states]
        found = changes.between(*states)
        lines = [f"{dataset}: {names[0]} → {names[1]}"]
        if not found and not notes:
            return f"{lines[0]}: {len(new.state):,} images, all as they were"
        lines += [found.describe(), *(f"note: {note}" for note in notes)]
        if picture.draw(
            found,
            lambda ids: dict(zip(ids, old.images(ids), strict=True)),
            lambda ids: dict(zip(ids, new.images(ids), strict=True)),
            path,
        ):
            lines += ["", f"Some of these images: {path}"]
    return changes.printable("\n".join(lines))


def _notes(old: Recorded, new: Recorded) -> Iterator[str]:
    if _form(old) != _form(new):
        yield (
            f"decoded otherwise ({_form(old)} → {_form(new)}), so that images are compared by "
            "their ids alone"
        )
    before, after = ([one.id for one in side.index.quarantined] for side in (old, new))
    if before != after:
        left = first_few(sorted(set(after) - set(before))) or "none is new"
        yield f"images left out: {len(before):,} → {len(after):,} ({left})"
    shared = [list(side.index.classes) for side in (old, new)]
    if shared[0] != shared[1][: len(shared[0])]:
        yield f"classes have other numbers: {first_few(shared[0])} → {first_few(shared[1])}"


def _form(one: Recorded) -> str:
    """Return how the images were decoded, in words."""
    height, width, channels = one.index.shape
    resize = f", {one.index.resize}" if one.index.resize else ""
    return f"{height}x{width}x{channels} of {one.index.dtype}{resize}"


def _by_id(state: State) -> State:
    return {id_: image._replace(digest=id_.encode()) for id_, image in state.items()}
