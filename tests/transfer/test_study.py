"""The study of fine-tuning: what is compared with what, and what is committed in transfer/."""

import copy
import shutil

import numpy as np
import pytest

from pipeline import schema
from pipeline.ablation.difference import difference
from pipeline.core import paths
from pipeline.core.errors import DataError, ParameterError
from pipeline.core.params import Params, read_yaml
from pipeline.evaluate.predictions import Predictions
from pipeline.transfer.study import groups, study
from tests.support.builders import ROOT
from tests.support.study import evaluate, write
from tests.transfer.conftest import STUDY

PARAMS = read_yaml(ROOT / "transfer/params.yaml")


def right(*names):
    found = [Predictions.read(paths.predictions(f"study/{name}")) for name in names]
    return np.array([one.correct for one in found]).astype(int)


def test_both_starts_are_compared_seed_by_seed(folder):
    results = study(folder)
    (target,) = results.targets.values()
    assert [size.images_per_class for size in target.sizes] == [10, 50]
    ten, fifty = target.sizes
    fresh = right("shoes_10_fresh_0", "shoes_10_fresh_1")
    tuned = right("shoes_10_tuned_0", "shoes_10_tuned_1")
    assert ten.seeds == [0, 1]
    assert ten.fresh.accuracies == pytest.approx(fresh.mean(axis=1).tolist())
    assert ten.tuned.mean == pytest.approx(tuned.mean())
    assert (ten.difference, *ten.interval) == difference(tuned - fresh)
    assert (ten.tuned.mean, *ten.tuned.interval) == difference(tuned.astype(float))
    assert results.missing == ["shoes_50_tuned_1"]
    assert fifty.seeds == [0]  # as only its runs are both here
    assert fifty.interval is None
    assert target.all_images == pytest.approx(right("shoes").mean())
    assert (target.title, target.ancestor_title) == ("shoes", "A copy of hats")
    assert (target.taken, target.fresh) == (["convolution_2"], ["convolution_1"])


def test_without_a_pair_of_runs_there_is_no_study(folder):
    shutil.rmtree("study/data/predictions")
    with pytest.raises(DataError, match=r"^no two runs to compare were evaluated; run dvc --cd st"):
        study(folder)


def test_other_test_images_are_refused(folder):
    evaluate("study/shoes_10_tuned_1", 0, n=7)
    with pytest.raises(DataError, match=r"shoes_10_tuned_1.* other test images"):
        study(folder)


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("model", {"dropout": 0.5}, "differs from other runs of shoes with 10 images"),
        ("train", {"images_per_class": 10, "epochs": 3}, "differs from other runs of shoes"),
        ("train", {"images_per_class": 10}, "has the seed and the start of shoes_10_tuned_0"),
        ("weights", "data/models/shoes", "start from the model of one run of the study"),
        ("weights", "data/weights/some.h5", "start from the model of one run of the study"),
    ],
)
def test_runs_that_are_no_comparison_are_refused(folder, key, value, fault):
    values = copy.deepcopy(STUDY)
    values["runs"]["shoes_10_tuned_1"][key] = value
    write(values)
    with pytest.raises(ParameterError, match=rf"runs\.shoes_[15]0_tuned_.* {fault}"):
        groups(Params.read(paths.params("study/x")))


def test_runs_may_be_tuned_each_in_its_way(folder):
    values = copy.deepcopy(STUDY)
    for seed in (0, 1):
        values["runs"][f"shoes_10_tuned_{seed}"]["train"]["fine_tuning"] = {"frozen_epochs": 1}
    write(values)
    assert len(groups(Params.read(paths.params("study/x")))) == 2


# The study of transfer/


def test_the_committed_study_is_valid_and_whole(monkeypatch):
    monkeypatch.chdir(ROOT)
    params = Params(PARAMS, paths.params("transfer/x"))
    assert schema.check_study(params, Params(read_yaml(ROOT / "params.yaml"))).endswith("are valid")
    compared = groups(params)
    assert {(one.dataset, one.images_per_class) for one in compared} == {
        (dataset, count) for dataset in ("fashion_mnist", "cifar10") for count in (10, 50, 500)
    }
    for one in compared:
        assert one.fresh.keys() == one.tuned.keys() == {0, 1, 2}
        assert PARAMS["runs"][one.ancestor]["dataset"] != one.dataset


def test_its_datasets_are_those_of_the_main_graph_and_of_the_example():
    main = read_yaml(ROOT / "params.yaml")["datasets"]["fashion_mnist"]
    example = read_yaml(ROOT / "examples/cifar10.yaml")["datasets"]["cifar10"]
    split = {"validation_count": 0}
    assert PARAMS["datasets"] == {"fashion_mnist": main | {"split": split}, "cifar10": example}


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        (("transfer", "dpi"), 0, "transfer.dpi: must be greater than or equal to 20, got 0"),
        (("datasets", "cifar10", "split"), {"seed": -1}, "datasets.cifar10.split.seed: must be"),
        (("defaults", "train", "images_per_class"), 0, "train.images_per_class: must be greater"),
    ],
)
def test_what_is_no_study_of_fine_tuning_is_refused(monkeypatch, key, value, fault):
    monkeypatch.chdir(ROOT)
    values = copy.deepcopy(PARAMS)
    part = values
    for name in key[:-1]:
        part = part[name]
    part[key[-1]] = value
    with pytest.raises(ParameterError, match=fault):
        schema.check_study(Params(values, paths.params("transfer/x")), Params({}))
