from collections import Counter

import pytest

from networks import application
from pipeline.models import families
from pipeline.new_dataset import recipe
from pipeline.train.params import TrainParams

EVEN = Counter({"cat": 3000, "dog": 3000})


@pytest.mark.parametrize(
    ("shape", "network"),
    [
        ((28, 28), "cnn"),
        ((95, 300, 3), "cnn"),
        ((96, 96, 3), "application"),
        ((128, 200, 1), "application"),
    ],
)
def test_photographs_get_a_published_networks_architecture(shape, network):
    run = recipe.run("pets", shape, EVEN)
    assert run["network"] == network
    families.family(network).params(**run["model"])
    assert run["weights"] == "data/weights/none"
    assert bool(recipe.notes(shape)) == (network == "application")


def test_batches_are_small_where_images_are_few_or_large():
    assert "batch_size" not in recipe.run("pets", (28, 28), EVEN)["train"]
    assert recipe.run("pets", (28, 28), Counter(a=10, b=9))["train"]["batch_size"] == 32
    assert recipe.run("pets", (224, 224, 3), EVEN)["train"]["batch_size"] == 32


def test_few_photographs_are_shown_more_often():
    train = recipe.run("pets", (128, 128, 3), Counter(a=10, b=9))["train"]
    assert TrainParams.model_validate(train).epochs == 30
    assert "epochs" not in recipe.run("pets", (28, 28), Counter(a=10, b=9))["train"]


def test_rare_classes_are_weighted():
    assert "class_weights" not in recipe.run("pets", (28, 28), Counter(a=10, b=9))["train"]
    train = recipe.run("pets", (28, 28), Counter(a=10, b=5))["train"]
    assert TrainParams(**train).class_weights == "balanced"


def test_the_backbone_is_known():
    assert application.Params(backbone=recipe.BACKBONE).backbone == recipe.BACKBONE
