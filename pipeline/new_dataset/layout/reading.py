"""Reading of the folders in which images stand: which are classes, and which are subsets.

A class is the folder in which an image stands. A level of folders that are subsets by their names,
above the classes or below them, divides the images and is no class. Where another reading is as
likely, none is taken: the refusal shows both, and the option that chooses each.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.core.errors import DataError, first_few
from pipeline.labels.folders import Place, folder_of
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.findings import alike
from pipeline.new_dataset.layout import division
from pipeline.new_dataset.layout.draft import Draft
from pipeline.new_dataset.layout.found import found
from pipeline.new_dataset.layout.patterns import telling
from pipeline.new_dataset.layout.result import Layout, only
from pipeline.new_dataset.layout.told import told
from pipeline.new_dataset.layout.tree import Folder, copies, count, folders


def read(names: Sequence[str], choices: Choices, digests: Mapping[str, object]) -> Layout:
    """Return the class and the subset of each image, as the folders say or the user chose.

    Parameters
    ----------
    names : sequence of str
        The images' paths.
    choices : Choices
    digests : mapping
        A hash of each image's content, so that a folder packed twice is found.

    Raises
    ------
    AmbiguousError
        If the folders can be read in more than one way.
    DataError
        If an image is in no folder of a class, a class has no image for training, or two classes
        may be one.
    """
    root = Folder.of(names)
    notes = []
    if twins := list(copies(root, digests)):
        again = {name for twin in twins for name in twin.everything()}
        root = Folder.of(name for name in names if name not in again)
        notes = [
            f"{'/'.join(twin.path)} has the same {count(twin):,} images as the folder around it, "
            "and is left out"
            for twin in twins
        ]
    subset_of = division.subset_of(choices)
    if choices.classes_at is None:
        draft = found(root, subset_of)
    else:
        draft = told(list(root.everything()), choices.classes_at, subset_of)
    draft.notes[:0] = notes
    if not choices.only and choices.classes_at is None:
        _refuse_alike(draft.classes)
    return _finished(draft, choices)


def _finished(draft: Draft, choices: Choices) -> Layout:
    """Return a draft with the parameters by which the stages come to the same."""
    layout = Layout(draft.classes, notes=draft.notes)
    kinds = set(draft.subsets.values())
    if "none" in choices.subsets:
        if kinds:
            layout.notes.append("the data's own division is ignored (--subsets none)")
    elif len(kinds) > 1 or kinds - {"train"}:
        _refuse_untrained(draft)
        layout.subsets = draft.subsets
        layout.division = division.parameter(draft.subsets, draft.around)
    elif not kinds:
        draft.subsets, layout.division = division.by_file(list(draft.classes))
        if layout.division:
            _refuse_untrained(draft)
            layout.subsets = draft.subsets
    layout.place = _place(draft, choices.classes_at)
    return layout


def _refuse_alike(classes: Mapping[str, str]) -> None:
    """Refuse classes that may be one, whose folder is called otherwise in another place."""
    if same := alike(sorted(set(classes.values()))):
        raise DataError(
            f"the folders {' '.join(same)}; rename one, or, if they are two classes, take all with "
            "--only '*'"
        )


def _refuse_untrained(draft: Draft) -> None:
    """Refuse classes that have no image for training."""
    trained = {own for name, own in draft.classes.items() if draft.subsets[name] == "train"}
    anew = "divide all images anew with --subsets none"
    if not trained:
        shown = sorted({"/".join(path) for path in draft.around.values()})
        raise DataError(
            f"the folders {first_few(shown)} divide the images, but none is for training; name it "
            f"with --subsets FOLDER=train, or {anew}"
        )
    lost = {name: own for name, own in draft.classes.items() if own not in trained}
    if lost:
        counts = Counter(lost.values())
        shown = [f"{own}: {number:,}" for own, number in sorted(counts.items())]
        kept = telling([name for name in draft.classes if name not in lost], list(lost))
        raise DataError(
            f"{first_few(list(counts))} has no image for training, but for validation or test "
            f"({first_few(shown)}); leave it out with {only(kept)}, or {anew}"
        )


def _place(draft: Draft, chosen: Place | None) -> Place | None:
    """Return ``decode.classes_at``; None where the names of the classes are enough."""
    known = set(draft.classes.values())
    if all(folder_of(name, known) == own for name, own in draft.classes.items()):
        return None
    if chosen is not None:
        return chosen
    for depths in (
        set(draft.depths.values()),
        {depth - len(folders(name)) - 1 for name, depth in draft.depths.items()},
    ):
        if len(depths) == 1:
            return depths.pop()
    wrong = [name for name, own in draft.classes.items() if folder_of(name, known) != own]
    raise DataError(
        f"{len(wrong):,} images are in two folders with names of classes ({first_few(wrong)}); "
        "rename one"
    )
