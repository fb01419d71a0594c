"""Folders as people lay them out: which are classes, which subsets, and which are asked about."""

from collections import Counter

import pytest

from pipeline.core.errors import DataError
from pipeline.labels.folders import finder, folder_of
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.layout.reading import read
from pipeline.new_dataset.layout.result import AmbiguousError
from pipeline.split import published
from pipeline.subsets.split import SUBSETS


def images(layout):
    """Return names of images: ``"cat:2 dog:1"`` has two in the folder cat."""
    counts = [one.rsplit(":", 1) for one in layout.split()]
    return [f"{folder}/{n}.jpg".lstrip("/") for folder, count in counts for n in range(int(count))]


def shown(names, **choices):
    """Return the images of each class, or class and subset; check that the stages find the same."""
    layout = read(names, Choices(**choices), {name: name for name in names})
    known = set(layout.classes.values())
    stage = finder(layout.place) if layout.place else lambda name: folder_of(name, known)
    assert {name: stage(name) for name in layout.classes} == layout.classes
    if not layout.division:
        return dict(Counter(layout.classes.values())), layout
    ids = list(layout.classes)
    found = (
        published.by_folder(ids, "")
        if layout.division is True
        else published.by_pattern(ids, layout.division, "")
    )
    assert [SUBSETS[one] for one in found] == [layout.subsets[name] for name in ids]
    pairs = [f"{layout.classes[name]} {layout.subsets[name]}" for name in ids]
    return dict(Counter(pairs)), layout


AB = {"a": 3, "b": 2}
DIVIDED = {"a train": 3, "b train": 2, "a test": 1, "b test": 1}


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ("a:3 b:2", AB),
        ("data/raw/a:3 data/raw/b:2", AB),
        ("a/a:3 b/b:2", AB),
        ("a/images:3 b/images:2", AB),
        ("a:3 test_tube:2", {"a": 3, "test_tube": 2}),
        ("fold1/a:1 fold1/b:1 fold2/a:2 fold2/b:1", AB),
        ("a/fold1:1 b/fold1:1 a/fold2:2 b/fold2:1", AB),
        ("train/a:3 train/b:2", AB),
        ("Train/a:3 Train/b:2 TEST/a:1 TEST/b:1", DIVIDED),
        ("d/training/a:3 d/training/b:2 d/Testing/a:1 d/Testing/b:1", DIVIDED),
        (
            "training_set/training_set/a:3 training_set/training_set/b:2 test_set/test_set/a:1 "
            "test_set/test_set/b:1",
            DIVIDED,
        ),
        ("train/images/a:3 train/images/b:2 test1/a:1 test1/b:1", DIVIDED),
        ("x_train/a:3 x_train/b:2 x_test/a:1 x_test/b:1", DIVIDED),
        ("a/train:3 b/train:2 a/test:1 b/test:1", DIVIDED),
        (
            "train/bus:3 train/train:2 test/bus:1 test/train:1",
            {"bus train": 3, "train train": 2, "bus test": 1, "train test": 1},
        ),
        (
            "training/a:3 validation/a:1 evaluation/a:1 training/b:2",
            {"a train": 3, "a validation": 1, "a test": 1, "b train": 2},
        ),
    ],
)
def test_layouts_with_one_reading(folders, expected):
    counts, layout = shown(images(folders))
    assert counts == expected
    assert layout.place is None


@pytest.mark.parametrize(
    ("folders", "left_out"),
    [
        ("train/a:3 train/b:2 test:4", "4 images in test"),
        ("train/a:3 train/b:2 test/test:4", "4 images in test/test"),
        ("train/a:3 train/b:2 test/unknown:4", "4 images in test"),
        (
            "seg_train/seg_train/a:3 seg_train/seg_train/b:2 seg_pred/seg_pred:4",
            "4 images in seg_pred",
        ),
        ("t/train/a/images:3 t/train/b/images:2 t/val/images:4", "4 images in t/val/images"),
        ("train/a:3 train/b:2 unlabeled:4", "4 images in unlabeled"),
    ],
)
def test_images_without_classes_for_test_are_left_out_with_a_word(folders, left_out):
    counts, layout = shown(images(folders))
    assert counts == AB
    assert layout.notes == [f"the {left_out} are in no folder of a class, and are left out"]


@pytest.mark.parametrize(
    ("folders", "readings"),
    [
        (
            "animals/dog/poodle:3 animals/dog/pug:1 plants/tree/oak:2",
            [
                "--classes-at 1 (animals: 4, plants: 2)",
                "--classes-at 2 (dog: 4, tree: 2)",
                "--classes-at 3 (oak: 2, poodle: 3, pug: 1)",
            ],
        ),
        (
            "rome/a:2 rome/b:1 oslo/a:1 oslo/b:1",
            ["--classes-at 1 (oslo: 2, rome: 3)", "--classes-at 2 (a: 3, b: 2)"],
        ),
        (
            "Meta:3 Train/0:2 Train/1:2 Test:1",
            ["--only 'Test/*' --only 'Train/*' (0: 2, 1: 2)"],
        ),
        (
            "f/Training/a:2 f/Training/b:2 f/Test/a:1 f/test-multiple_fruits:1",
            [
                "--only 'f/Test/*' --only 'f/Training/*' (a: 3, b: 2)",
                "--classes-at -1 (a: 3, b: 2, test-multiple_fruits: 1)",
            ],
        ),
        (
            "cat:2 dog:2 test:3",
            [
                "--only 'cat/*' --only 'dog/*' (cat: 2, dog: 2)",
                "--classes-at 1 (cat: 2, dog: 2, test: 3)",
            ],
        ),
        ("cat:2 dog:2 unlabelled:3", ["--only 'cat/*' --only 'dog/*' (cat: 2, dog: 2)"]),
        ("cat:2 dog:2 no_label:3", ["--only 'cat/*' --only 'dog/*' (cat: 2, dog: 2)"]),
        ("cat:2 dog:2 test/cat:1 test/dog:1", ["--classes-at -1 (cat: 3, dog: 3)"]),
        ("a/train/x:2 a/train/y:2 b/train/x:1 b/train/y:1", ["--classes-at 1 (a: 4, b: 2)"]),
        ("cat/dog:2 dog/cat:1", ["--classes-at 1 (cat: 2, dog: 1)"]),
        ("v/grey/a:1 v/grey/b:1 v/rgb/a:2 v/rgb/b:1", ["--only 'v/grey/*' (a: 1, b: 1)"]),
        (
            "a/images:2 a/masks:2 b/images:1 b/masks:1",
            ["--classes-at 1 (a: 4, b: 2)", "--only '*/images/*' (a: 2, b: 1)"],
        ),
        (
            "train_mini/a:3 train_mini/b:2 val/a:1 val/b:1",
            ["--subsets train_mini=train --subsets val=validation (a: 4, b: 3)"],
        ),
        (
            "d/images:3 d/annotations/trimaps:3",
            ["images and annotations are by their names images and their masks"],
        ),
        ("dogs:2 cats:2 dogs_test:1", ["--classes-at 1 (cats: 2, dogs: 2, dogs_test: 1)"]),
        (
            "cats_train:3 cats_test:1 dogs_train:2 dogs_test:1",
            [
                "--classes-at '{class}_*/*' --subsets '*_train=train' --subsets '*_test=test' "
                "(cats: 4, dogs: 3)"
            ],
        ),
    ],
)
def test_layouts_with_several_readings_are_refused_with_all_of_them(folders, readings):
    with pytest.raises(AmbiguousError) as caught:
        shown(images(folders))
    for reading in readings:
        assert reading in str(caught.value)


@pytest.mark.parametrize(
    ("folders", "choices", "expected"),
    [
        ("x/dog/pug:3 x/cat/tabby:2", {"classes_at": 2}, {"dog": 3, "cat": 2}),
        ("x/dog/pug:3 x/cat/tabby:2", {"classes_at": -1}, {"pug": 3, "tabby": 2}),
        ("cat/dog:3 dog/cat:2", {"classes_at": 1}, {"cat": 3, "dog": 2}),
        ("bus:3 train:2", {"classes_at": 1}, {"bus": 3, "train": 2}),
        (
            "train/train:3 train/x:2 test/train:1 test/x:1",
            {"classes_at": 2},
            {"train train": 3, "x train": 2, "train test": 1, "x test": 1},
        ),
        ("train/a:3 train/b:2 test:2", {"classes_at": 2}, AB),
        ("a:3 b:2 test/a:1 test/b:1", {"classes_at": -1}, DIVIDED),
        (
            "a_train:3 b_train:2 a_test:1 b_test:1",
            {"classes_at": "{class}_*/*", "subsets": ("*_train=train", "*_test=test")},
            DIVIDED,
        ),
        (
            "fold1/a:3 fold1/b:2 fold2/a:1 fold2/b:1",
            {"subsets": ("fold1=train", "fold2=test")},
            DIVIDED,
        ),
        (
            "train_mini/a:3 train_mini/b:2 val_mini/a:1 val_mini/b:1",
            {"subsets": ("train_mini=train", "val_mini=test")},
            DIVIDED,
        ),
        ("rps/a:3 rps/b:2 rps-test-set/a:1 rps-test-set/b:1", {"classes_at": 2}, DIVIDED),
        ("train/a:2 train/b:1 test/a:1 test/b:1", {"subsets": ("none",)}, AB),
        ("train/a:2 train/b:2 test/a:1 test/c:1", {"subsets": ("none",)}, AB | {"c": 1}),
    ],
)
def test_options_decide(folders, choices, expected):
    assert shown(images(folders), **choices)[0] == expected


@pytest.mark.parametrize(
    ("folders", "choices", "message"),
    [
        (":2", {}, "2 images are in no folder of a class (0.jpg, 1.jpg); give each class a"),
        ("cat:2 dog:2 :1", {}, "(0.jpg); leave them out with --only '*/*', give each class"),
        ("val:3 test:2", {}, "images are in no folder of a class"),
        ("train:3 test:2", {}, "3 images are in no folder of a class (train/0.jpg"),
        ("train/a:1 train/b:1 train:1 test/a:1", {}, "--only 'test/*' --only 'train/a/*'"),
        (
            "train/a:2 train/b:2 test/a:1 test/c:1",
            {},
            "c has no image for training, but for validation or test (c: 1); leave it out with "
            "--only 'test/a/*' --only 'train/*', or divide all images anew with --subsets none",
        ),
        ("val/a:2 val/b:2 test/a:1 test/b:1", {}, "none is for training; name it with --subsets"),
        ("a:1 b:1", {"classes_at": 2}, "2 images have no folder there (--classes-at), such as"),
        ("a/x:1 b:1", {"classes_at": 2}, "leave them out with --only 'a/*'"),
        ("a:1 b:1", {"subsets": ("a:test",)}, "--subsets a:test: is not FOLDER=SUBSET with one"),
    ],
)
def test_layouts_that_lack_something(folders, choices, message):
    with pytest.raises(DataError) as caught:
        shown(images(folders), **choices)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("form", "option"),
    [("{}.{}.jpg", "'train/{class}.*.jpg'"), ("big_{}_{}.jpg", "'train/{class}_*.jpg'")],
)
def test_classes_by_the_names_of_files_are_proposed_and_found(form, option):
    names = [f"train/{form.format(own, n)}" for own in ("cat", "dog") for n in range(3)]
    names.append("test1/1.jpg")
    with pytest.raises(DataError) as caught:
        shown(names)
    assert f"if their names begin with their class, say --classes-at {option}" in str(caught.value)
    counts, layout = shown(names, classes_at=option.strip("'"))
    assert sorted(counts.values()) == [3, 3]
    assert [name.endswith(("cat", "dog")) for name in counts] == [True, True]
    assert layout.notes == ["the 1 images in test1 are in no folder of a class, and are left out"]


def test_classes_in_another_form_of_unicode_are_no_classes_without_training():
    with pytest.raises(DataError, match="differ in Unicode normalization alone"):
        shown(images("train/\xe9:2 train/a:2 test/e\u0301:1 test/a:1"))


def test_subsets_by_the_names_of_files():
    names = [
        f"{own}/{begins}{n}.png" for own in "ab" for begins in ("train_", "test_") for n in (1, 2)
    ]
    counts, layout = shown(names)
    assert counts == {"a train": 2, "b train": 2, "a test": 2, "b test": 2}
    assert layout.division == {"*/train_*": "train", "*/test_*": "test"}
    with pytest.raises(DataError, match="c has no image for training"):
        shown([*names, "c/test_1.png"])


def test_classes_that_sound_like_subsets_are_told():
    layout = shown(images("beaker:2 test_tube:1"))[1]
    assert layout.notes == ["test_tube: taken for classes, not for subsets"]


def test_a_folder_packed_beside_its_content_counts_once():
    once = images("yes:3 no:2")
    twice = [*once, *(f"brain/{name}" for name in once)]
    layout = read(twice, Choices(), {name: name.removeprefix("brain/") for name in twice})
    assert list(layout.classes) == once


def test_a_folder_packed_twice_in_itself_counts_once():
    once = images("x/train/a:3 x/train/b:2 x/test/a:1 x/test/b:1")
    twice = [*once, *(name.replace("x/", "x/x/") for name in once)]
    layout = read(twice, Choices(), {name: name.replace("x/x/", "x/") for name in twice})
    assert list(layout.classes) == once
    assert layout.notes == [
        "x/x has the same 7 images as the folder around it, and is left out",
    ]
    with pytest.raises(AmbiguousError, match="7 images in x stand beside those in train, test"):
        read(twice, Choices(), {name: name for name in twice})


def test_folders_without_an_end_are_refused():
    names = [f"{'a/' * 1900}{name}/1.png" for name in ("cat", "dog")]
    with pytest.raises(DataError, match="stands in 1,901 folders, above 100; move the images"):
        read(names, Choices(), dict.fromkeys(names, b""))
