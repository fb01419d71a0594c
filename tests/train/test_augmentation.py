import pytest

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.train.augmentation import Augmentation
from pipeline.train.params import TrainParams


def test_what_changes_images_and_labels():
    assert Augmentation().changes_nothing
    assert Augmentation(erasing_area=0.2).changes_nothing
    for name, value in {"flip_horizontal": True, "shift": 1, "crop": 0.1, "erasing": 1.0}.items():
        changed = Augmentation(**{name: value})
        assert not changed.changes_nothing
        assert not changed.mixes_labels
    assert Augmentation(mixup=0.1).mixes_labels
    assert Augmentation(cutmix=0.1).mixes_labels


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shift": -1}, r"train.augmentation.shift: .*greater than or equal to 0, got -1"),
        ({"crop": 1.0}, r"train.augmentation.crop: .*less than 1"),
        ({"erasing": 1.5}, r"train.augmentation.erasing: .*less than or equal to 1"),
        ({"mix_up": 0.2}, r"train.augmentation.mix_up: unknown key; did you mean mixup\?"),
    ],
)
def test_impossible_parameters_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        Params({"train": {"augmentation": change}}).section(TrainParams, "train")
