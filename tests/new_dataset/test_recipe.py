from collections import Counter

import pytest

from networks import application
from pipeline.models import families
from pipeline.new_dataset import recipe
from pipeline.train.params import TrainParams

FEW = Counter(cat=10, dog=9)
SOME = Counter(cat=1500, dog=1500)
MANY = Counter(cat=30_000, dog=30_000)


@pytest.mark.parametrize(
    ("shape", "counts", "network"),
    [
        ((28, 28), MANY, "residual"),
        ((95, 300, 3), MANY, "residual"),
        ((128, 128, 3), FEW, "residual"),
        ((96, 96, 3), MANY, "application"),
        ((128, 200, 1), MANY, "application"),
    ],
)
def test_many_photographs_get_a_published_networks_architecture(shape, counts, network):
    run = recipe.run("pets", shape, counts)
    assert run["network"] == network
    families.family(network).params.model_validate(run["model"], strict=False)
    assert run["weights"] == "data/weights/none"
    assert bool(recipe.notes(shape, counts)) == (min(shape[:2]) >= 96)


def test_larger_images_are_halved_first():
    assert recipe.run("pets", (40, 64, 3), FEW)["model"] == {}
    assert recipe.run("pets", (64, 64, 3), FEW)["model"]["stem_stride"] == 2


@pytest.mark.parametrize(
    ("shape", "counts", "batch", "epochs"),
    [
        ((28, 28), FEW, 16, 150),
        ((64, 64), Counter(a=120, b=120), 16, 137),  # 11 steps an epoch
        ((128, 128, 3), Counter(a=120, b=120), 16, 91),
        ((28, 28), SOME, 32, 23),  # 66 steps
        ((28, 28), MANY, 128, 10),
        ((128, 128, 3), MANY, 32, 10),
    ],
)
def test_a_training_has_a_thousand_steps_where_epochs_allow_it(shape, counts, batch, epochs):
    train = TrainParams.model_validate(recipe.run("pets", shape, counts)["train"])
    assert (train.batch_size, train.epochs) == (batch, epochs)


@pytest.mark.parametrize(
    ("classes", "mirrored"),
    [
        (["cat", "dog"], True),
        (["0", "1", "10"], False),
        (["a", "B"], False),
        (["turn_left", "ahead"], False),
        (["leftover", "fresh"], True),
        (["a", "cat"], True),
    ],
)
def test_what_is_one_way_round_is_not_mirrored_and_that_is_said(classes, mirrored):
    counts = Counter(dict.fromkeys(classes, 10))
    train = TrainParams.model_validate(recipe.run("pets", (32, 48), counts)["train"])
    assert train.augmentation.flip_horizontal == mirrored
    assert train.augmentation.shift == 2
    assert train.augmentation.trivial
    assert any("mirror" in note for note in recipe.notes((32, 48), counts)) != mirrored


def test_rare_classes_are_weighted():
    assert "class_weights" not in recipe.run("pets", (28, 28), FEW)["train"]
    train = recipe.run("pets", (28, 28), Counter(a=10, b=5))["train"]
    assert TrainParams.model_validate(train).class_weights == "balanced"


def test_the_backbone_is_known():
    assert application.Params(backbone=recipe.BACKBONE).backbone == recipe.BACKBONE
