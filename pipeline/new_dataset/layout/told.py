"""Reading of folders as the user said: ``--classes-at``."""

from collections.abc import Sequence

from pipeline.core.errors import DataError, first_few
from pipeline.labels.folders import Place, finder
from pipeline.new_dataset.layout.division import SubsetOf
from pipeline.new_dataset.layout.draft import Draft
from pipeline.new_dataset.layout.patterns import telling
from pipeline.new_dataset.layout.result import only
from pipeline.new_dataset.layout.tree import folders
from pipeline.split.published import meaning


def told(names: Sequence[str], place: Place, subset_of: SubsetOf) -> Draft:
    """Return the reading in which the folder at a place is an image's class.

    The outermost other folder with a subset in its name is the subset. Where only images for
    validation and test are in such folders, the others are for training.

    Raises
    ------
    DataError
        If an image has no folder there, but for those in folders of subsets without any class.
    """
    class_of = finder(place)
    draft = Draft()
    lost = []
    for name in names:
        if own := class_of(name):
            draft.classes[name] = own
        else:
            lost.append(name)
    # Names that say something else too, as pets-test, count where no other does.
    for says in (subset_of, lambda name: subset_of(name) or meaning(name).subset):
        for name in draft.classes:
            _add_subset(draft, name, place, says)
        if draft.subsets:
            break
    if lost:
        _leave_out(draft, lost, subset_of)
    undivided = [name for name in draft.classes if name not in draft.subsets]
    if undivided and "train" in draft.subsets.values():
        raise DataError(
            f"{len(undivided):,} images are in no folder of a subset ({first_few(undivided)}), but "
            f"{len(draft.subsets):,} are; leave them out with "
            f"{only(telling(list(draft.subsets), undivided))}, or say --subsets none"
        )
    if draft.subsets:
        for name in undivided:
            draft.subsets[name], draft.around[name] = "train", ()
    return draft


def _add_subset(draft: Draft, name: str, place: Place, subset_of: SubsetOf) -> None:
    path = folders(name)
    if isinstance(place, int):
        own = place - 1 if place > 0 else len(path) + place
        others = [at for at in range(len(path)) if at != own]
    else:
        others = [at for at, part in enumerate(path) if part != draft.classes[name]]
    at = next((at for at in others if subset_of(path[at])), None)
    if at is not None:
        draft.subsets[name], draft.around[name] = subset_of(path[at]), tuple(path[: at + 1])


def _leave_out(draft: Draft, lost: Sequence[str], subset_of: SubsetOf) -> None:
    """Leave out images in folders of subsets; refuse others that have no class."""
    labelled = {
        tuple(path[:at])
        for path in {tuple(folders(name)) for name in draft.classes}
        for at in range(1, len(path) + 1)
    }
    remaining = []
    outside: dict[tuple[str, ...], list[str]] = {}
    for name in lost:
        path = folders(name)
        at = next((at for at, part in enumerate(path) if subset_of(part)), None)
        if at is None or tuple(path[: at + 1]) in labelled or subset_of(path[at]) == "train":
            remaining.append(name)
        else:
            outside.setdefault(tuple(path[: at + 1]), []).append(name)
    if remaining or not draft.classes:
        rest = (
            f"leave them out with {only(telling(list(draft.classes), lost))}"
            if draft.classes
            else "say another one"
        )
        raise DataError(
            f"{len(lost):,} images have no folder there (--classes-at), such as "
            f"{first_few(remaining)}; {rest}"
        )
    for where, images in outside.items():
        draft.leave_out(where, len(images))
