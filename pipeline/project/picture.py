"""Picture of images that came, went, changed and moved, by class."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.project.changes import Changes
from pipeline.report import image_plots, plots

DPI = 120
EACH = 5
"""Images of one kind of change and one class."""
COLUMNS = 40
"""The most columns: of a kind of change and a class each."""

Side = Callable[[Sequence[str]], dict[str, NDArray[np.float32]]]
"""A function that takes ids and returns the images that can be drawn, float32[h, w, c]."""


def draw(changes: Changes, before: Side, after: Side, path: Path) -> bool:
    """Draw some images of each kind of change and class as a PNG; return False if there are none.

    Parameters
    ----------
    changes : Changes
    before, after : callable
        Return the images of a state by their ids.
    path : Path
    """
    columns = list(_columns(changes))[:COLUMNS]
    wanted: dict[bool, list[str]] = {True: [], False: []}
    for _, tiles in columns:
        for id_, is_old in tiles:
            wanted[is_old].append(id_)
    found = {True: before(wanted[True]), False: after(wanted[False])}
    drawn = []
    for label, tiles in columns:
        samples = [
            image_plots.Sample(found[is_old][id_], id_.rpartition("/")[2], label)
            for id_, is_old in tiles
            if id_ in found[is_old]
        ]
        if samples:
            drawn.append(samples)
    if not drawn:
        return False
    plots.save(image_plots.samples(drawn), path, DPI)
    return True


def _columns(changes: Changes) -> Iterator[tuple[str, list[tuple[str, bool]]]]:
    """Yield labels, and (id, whether of the state before) of the images below each."""
    for what, state, ids in (
        ("came", changes.after, changes.came),
        ("went", changes.before, changes.went),
    ):
        by_class: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        for id_ in ids:
            by_class[state[id_].name].append((id_, what == "went"))
        for name in sorted(by_class):
            yield f"{what}: {name}", by_class[name][:EACH]
    pairs: dict[str, list[str]] = defaultdict(list)
    for id_ in changes.changed:
        pairs[changes.after[id_].name].append(id_)
    for name in sorted(pairs):
        yield f"was: {name}", [(id_, True) for id_ in pairs[name][:EACH]]
        yield f"is: {name}", [(id_, False) for id_ in pairs[name][:EACH]]
    moved: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for pair in changes.moved:
        names = changes.before[pair.before].name, changes.after[pair.after].name
        moved[" → ".join(names)].append((pair.after, False))
    for name in sorted(moved):
        yield name, moved[name][:EACH]
