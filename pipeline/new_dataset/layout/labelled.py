"""Folders of images that a table labels: they may be subsets, and some may have no rows."""

from collections.abc import Callable, Sequence

from pipeline.core.errors import first_few
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.layout import division
from pipeline.new_dataset.layout.draft import Draft
from pipeline.new_dataset.layout.found import is_unlabelled
from pipeline.new_dataset.layout.patterns import beginning, telling
from pipeline.new_dataset.layout.result import AmbiguousError, Layout, only
from pipeline.new_dataset.layout.tree import Folder, count


def read(names: Sequence[str], label: Callable[[str], str], choices: Choices) -> Layout:
    """Return the class of each image by its row, and its subset by its folder or file name.

    Folders for test or validation in which no image has a row are left out.

    Parameters
    ----------
    names : sequence of str
        The images' paths.
    label : callable
        Returns an image's class, ``""`` if the table does not have the image.
    choices : Choices

    Raises
    ------
    AmbiguousError
        If no image of another folder has a row.
    DataError
        If the user's subsets are not there.
    """
    draft = Draft()
    classes = {name: label(name) or "" for name in names}
    if any(classes.values()):
        _leave_out(classes, draft, division.subset_of(choices))
    layout = Layout(classes, notes=draft.notes)
    layout.subsets, layout.division = division.beside_table(list(classes), choices)
    if not layout.division and "none" not in choices.subsets:
        layout.notes += _ignored(Folder.of(classes), division.subset_of(choices))
    return layout


def _leave_out(classes: dict[str, str], draft: Draft, subset_of: division.SubsetOf) -> None:
    """Remove the images of folders without a row; refuse such folders that say nothing of it."""
    labelled = {beginning(name) for name, own in classes.items() if own}
    lost: dict[str, list[str]] = {}
    for name, own in classes.items():
        if not own and subset_of(beginning(name)) in ("validation", "test"):
            lost.setdefault(beginning(name), []).append(name)
    for begins in sorted(lost.keys() - labelled):
        draft.notes.append(
            f"the {len(lost[begins]):,} images called {begins}… have no row in the table, and are "
            "left out"
        )
        for name in lost[begins]:
            del classes[name]
    root = Folder.of(classes)
    refused = []
    waiting = [root]
    while waiting:
        folder = waiting.pop(0)
        if any(classes[name] for name in folder.everything()):
            waiting += folder.inner.values()
        elif subset_of(folder.name) in ("validation", "test") or is_unlabelled(folder):
            draft.notes.append(
                f"the {count(folder):,} images in {'/'.join(folder.path)} have no row in the "
                "table, and are left out"
            )
            for name in folder.everything():
                del classes[name]
        else:
            refused.append(folder)
    if refused:
        extra = {name for folder in refused for name in folder.everything()}
        options = only(telling([name for name in classes if name not in extra], list(extra)))
        shown = first_few(["/".join(folder.path) for folder in refused])
        raise AmbiguousError(
            f"{len(extra):,} images in {shown} have no row in the table; leave them out with "
            f"{options}, or add their rows"
        )


def _ignored(root: Folder, subset_of: division.SubsetOf) -> list[str]:
    """Return the note that folders with names of subsets do not divide all images."""
    named = [folder for folder in root.walk() if subset_of(folder.name) in ("validation", "test")]
    if not named:
        return []
    shown = first_few(["/".join(folder.path) for folder in named])
    return [f"not all images are in folders of subsets, so that {shown} is not taken for one"]
