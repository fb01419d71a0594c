import pytest

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.models.history import EarlyStopping
from pipeline.train.params import Augmentation, TrainParams


def history(*losses):
    return [{"validation_loss": loss, "validation_accuracy": 1 - loss} for loss in losses]


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_accuracy"])
@pytest.mark.parametrize(
    ("losses", "best", "over"),
    [
        ((0.5,), 0, False),
        ((0.5, 0.4, 0.45), 1, False),
        ((0.5, 0.4, 0.45, 0.4), 1, True),  # as good is not better
        ((0.5, 0.4, 0.45, 0.39), 3, False),
        ((0.1, 0.2, 0.3), 0, True),
    ],
)
def test_early_stopping_has_patience(monitor, losses, best, over):
    stopping = EarlyStopping(monitor=monitor, patience=2)
    assert stopping.best(history(*losses)) == best
    assert stopping.is_over(history(*losses)) == over


def test_training_is_not_over_before_its_first_epoch():
    assert not EarlyStopping().is_over([])


def test_augmentation_that_changes_images_or_labels():
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


def test_validation_images_that_are_trained_on_stop_no_training():
    with pytest.raises(ValueError, match=r"leaves no image to decide on early stopping: set early"):
        TrainParams(with_validation=True, early_stopping=EarlyStopping())


def test_a_buffer_without_shuffling_is_refused():
    with pytest.raises(ValueError, match="shuffle_buffer needs shuffle: true"):
        TrainParams(shuffle_buffer=10)
