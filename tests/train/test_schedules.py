import numpy as np
import pytest

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.train.optimizers import Sgd
from pipeline.train.params import TrainParams
from pipeline.train.schedules import Constant, Cosine, Exponential, OneCycle, Step

pytestmark = pytest.mark.usefixtures("tensorflow")

STEPS = 10
EPOCHS = 6


def rate(schedule, step):
    return schedule.value(0.5, EPOCHS, STEPS, step)


@pytest.mark.parametrize("step", [0, 1, 9, 10, 19, 20, 35, 59])
def test_schedules_are_in_epochs(step):
    epoch = step / STEPS
    assert rate(Constant(name="constant"), step) == 0.5
    exponential = Exponential(name="exponential", rate=0.8, epochs=2.0)
    assert rate(exponential, step) == pytest.approx(0.5 * 0.8 ** (epoch / 2))
    stepped = Step(name="step", after=(1, 3), factor=0.1)
    assert rate(stepped, step) == pytest.approx(0.5 * 0.1 ** ((epoch >= 1) + (epoch >= 3)))
    cosine = Cosine(name="cosine", final=0.1)
    factor = 0.9 * (1 + np.cos(np.pi * epoch / EPOCHS)) / 2 + 0.1
    assert rate(cosine, step) == pytest.approx(0.5 * factor, rel=1e-5)
    warm = Cosine(name="cosine", warmup_epochs=2.0)
    if epoch < 2:
        assert rate(warm, step) == pytest.approx(0.5 * epoch / 2, abs=1e-7)
    else:
        factor = (1 + np.cos(np.pi * (epoch - 2) / (EPOCHS - 2))) / 2
        assert rate(warm, step) == pytest.approx(0.5 * factor, abs=1e-6)


@pytest.mark.parametrize("step", [0, 5, 20, 25, 59])
@pytest.mark.parametrize(
    "schedule",
    [
        Constant(name="constant"),
        Exponential(name="exponential", rate=0.8),
        Step(name="step", after=(1, 3)),
        Cosine(name="cosine"),
    ],
)
def test_any_schedule_can_begin_with_a_warm_up(schedule, step):
    warm = schedule.model_copy(update={"warmup_epochs": 1.5})
    if step < 15:
        assert rate(warm, step) == pytest.approx(0.5 * step / 15, rel=1e-6)
    elif schedule.name == "cosine":  # it still ends at the end
        factor = (1 + np.cos(np.pi * (step - 15) / 45)) / 2
        assert rate(warm, step) == pytest.approx(0.5 * factor, abs=1e-6)
    else:
        assert rate(warm, step) == pytest.approx(rate(schedule, step - 15), rel=1e-6)


def test_one_cycle_rises_to_the_learning_rate_and_falls():
    schedule = OneCycle(name="one_cycle", rise=0.25, start=0.1, final=0.01)
    rates = [rate(schedule, step) for step in range(EPOCHS * STEPS)]
    assert rates[0] == pytest.approx(0.05)
    assert rates[15] == pytest.approx(0.5)
    assert (np.diff(rates[:16]) > 0).all()
    assert (np.diff(rates[15:]) < 0).all()
    middle = 0.5 * (0.1 + (1 - 0.1) * (1 - np.cos(np.pi * 6 / 15)) / 2)
    assert rates[6] == pytest.approx(middle, rel=1e-5)
    middle = 0.5 * (0.01 + (1 - 0.01) * (1 + np.cos(np.pi * 15 / 45)) / 2)
    assert rates[30] == pytest.approx(middle, rel=1e-5)
    assert rates[-1] == pytest.approx(0.005, rel=0.2)


def test_optimizer_follows_the_schedule():
    import keras

    variable = keras.Variable([0.0])
    schedule = Step(name="step", after=(1,), factor=0.5)
    optimizer = Sgd(name="sgd").build(schedule.build(0.5, 2, 2))
    moves = []
    for _ in range(4):
        before = float(variable[0])
        optimizer.apply([keras.ops.ones(1)], [variable])
        moves.append(before - float(variable[0]))
    assert moves == [0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "linear"}, r"train.schedule: unknown name 'linear'"),
        ({"name": "step", "after": [3, 2]}, "after must be ascending"),
        ({"name": "step", "after": [10]}, "schedule.after has 10, but there are only 10 epochs"),
        (
            {"name": "cosine", "warmup_epochs": 10},
            r"schedule.warmup_epochs is 10.0, but there are only 10 epochs",
        ),
        (
            {"name": "step", "after": [1], "warmup_epochs": 10},
            r"schedule.warmup_epochs is 10.0, but there are only 10 epochs",
        ),
        (
            {"name": "step", "after": [8], "warmup_epochs": 2},
            "schedule.after has 8 after 2.0 of warm-up, but there are only 10 epochs",
        ),
        ({"name": "one_cycle", "rise": 1.0}, r"schedule.rise: must be less than 1"),
    ],
)
def test_impossible_parameters_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        Params({"train": {"schedule": change}}).section(TrainParams, "train")
