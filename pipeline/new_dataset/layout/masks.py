"""Images that mark what others show: masks, which are of no class, wherever they stand."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from pipeline.core.errors import DataError, first_few
from pipeline.new_dataset.layout.patterns import telling
from pipeline.new_dataset.layout.result import ambiguous, by_depth, only

MASK = re.compile(r"masks?|segmentations?|annotations?|(ground)?truths?|gt|trimaps?", re.I)
PLAIN = re.compile(
    r"images?|imgs?|jpe?gs?|pngs?|photos?|pictures?|originals?|inputs?|raw|rgb", re.I
)
"""Words of folders for masks, and for the images that they are of."""
MARKED = re.compile(r"(.+)[-_ .](masks?|seg|segmentation|gt|trimap)([-_ ]?\d+)?", re.I)
"""A mask's name, which begins with that of its image."""


def refuse(classes: Mapping[str, str]) -> None:
    """Raise DataError if some images are by their names masks of others.

    Parameters
    ----------
    classes : mapping of str to str
        The class of each image, by its path.
    """
    words = {name: _words(name) for name in dict.fromkeys(classes.values())}
    plain = [name for name, own in words.items() if own and all(map(PLAIN.fullmatch, own))]
    masks = [name for name, own in words.items() if any(map(MASK.fullmatch, own))]
    if plain and masks:
        raise ambiguous(
            f"{first_few(plain)} and {first_few(masks)} are by their names images and their masks, "
            f"and no classes; take the images alone ({only([f'*{plain[0]}/*'])}) with a table of "
            "labels (--labels CSV), or a pattern for the class (--classes-at); or if they are",
            by_depth(list(classes)),
        )
    stems = {name: str(PurePosixPath(name).with_suffix("")) for name in classes}
    known = set(stems.values())
    marked = [
        name
        for name, stem in stems.items()
        if (found := MARKED.fullmatch(stem)) and found[1] in known
    ]
    if marked:
        raise DataError(
            f"{len(marked):,} images are by their names masks of others ({first_few(marked)}); "
            f"{_without(classes, marked)}, or take all with --only '*'"
        )


def _without(classes: Mapping[str, str], marked: list[str]) -> str:
    """Return how to leave masks out."""
    others = set(marked)
    wanted = [name for name in classes if name not in others]
    ends = "".join(sorted({PurePosixPath(name).stem[-1] for name in marked}))
    try:
        return f"leave them out with {only(telling(wanted, marked, [f'*[!{ends}].*']))}"
    except DataError:
        return "move them elsewhere"


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return re.findall(r"[^\W\d_]+", spaced)
