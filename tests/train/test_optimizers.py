import numpy as np
import pytest

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.train import optimizers
from pipeline.train.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Constant,
    Cosine,
    Exponential,
    Lion,
    Nadam,
    OneCycle,
    RmsProp,
    Sgd,
    Step,
)
from pipeline.train.params import TrainParams

pytestmark = pytest.mark.usefixtures("tensorflow")

START = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.random.default_rng(0).normal(size=(5, 3))


def adam(p, decay=0.0):
    """Adam as TensorFlow 1 has it: epsilon beside the uncorrected second moment."""
    m = v = np.zeros(3)
    x = START
    for t, g in enumerate(GRADIENTS, 1):
        x = x * (1 - p.learning_rate * decay)
        m = p.beta_1 * m + (1 - p.beta_1) * g
        v = p.beta_2 * v + (1 - p.beta_2) * g**2
        rate = p.learning_rate * np.sqrt(1 - p.beta_2**t) / (1 - p.beta_1**t)
        x = x - rate * m / (np.sqrt(v) + p.epsilon)
    return x


def sgd(p):
    x, velocity = START, np.zeros(3)
    for g in GRADIENTS:
        velocity = p.momentum * velocity - p.learning_rate * g
        x = x + (p.momentum * velocity - p.learning_rate * g if p.nesterov else velocity)
    return x


def rmsprop(p):
    x, mean, velocity = START, np.zeros(3), np.zeros(3)
    for g in GRADIENTS:
        mean = p.rho * mean + (1 - p.rho) * g**2
        velocity = p.momentum * velocity + p.learning_rate * g / np.sqrt(mean + p.epsilon)
        x = x - velocity
    return x


def nadam(p):
    m = v = np.zeros(3)
    x, product = START, 1.0
    for t, g in enumerate(GRADIENTS, 1):
        now, later = (p.beta_1 * (1 - 0.5 * 0.96**n) for n in (t, t + 1))
        product *= now
        m = p.beta_1 * m + (1 - p.beta_1) * g
        v = p.beta_2 * v + (1 - p.beta_2) * g**2
        mean = later * m / (1 - product * later) + (1 - now) * g / (1 - product)
        x = x - p.learning_rate * mean / (np.sqrt(v / (1 - p.beta_2**t)) + p.epsilon)
    return x


def adamax(p):
    m = u = np.zeros(3)
    x = START
    for t, g in enumerate(GRADIENTS, 1):
        m = p.beta_1 * m + (1 - p.beta_1) * g
        u = np.maximum(p.beta_2 * u, np.abs(g))
        x = x - p.learning_rate * m / ((1 - p.beta_1**t) * (u + p.epsilon))
    return x


def adagrad(p):
    x, total = START, np.full(3, p.initial_accumulator_value)
    for g in GRADIENTS:
        total = total + g**2
        x = x - p.learning_rate * g / np.sqrt(total + p.epsilon)
    return x


def adadelta(p):
    x, mean, moved = START, np.zeros(3), np.zeros(3)
    for g in GRADIENTS:
        mean = p.rho * mean + (1 - p.rho) * g**2
        move = -np.sqrt(moved + p.epsilon) / np.sqrt(mean + p.epsilon) * g
        moved = p.rho * moved + (1 - p.rho) * move**2
        x = x + p.learning_rate * move
    return x


def lion(p):
    x, m = START, np.zeros(3)
    for g in GRADIENTS:
        x = x - p.learning_rate * np.sign(p.beta_1 * m + (1 - p.beta_1) * g)
        m = p.beta_2 * m + (1 - p.beta_2) * g
    return x


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (Adam(name="adam", epsilon=0.1), adam),
        (Adam(name="adam", weight_decay=0.2), lambda p: adam(p, p.weight_decay)),
        (Nadam(name="nadam"), nadam),
        (Adamax(name="adamax"), adamax),
        (Adagrad(name="adagrad"), adagrad),
        (Adadelta(name="adadelta"), adadelta),
        (Lion(name="lion"), lion),
        (AdamW(name="adamw", weight_decay=0.3), lambda p: adam(p, p.weight_decay)),
        (Sgd(name="sgd"), sgd),
        (Sgd(name="sgd", momentum=0.9), sgd),
        (Sgd(name="sgd", momentum=0.9, nesterov=True), sgd),
        (RmsProp(name="rmsprop"), rmsprop),
        (RmsProp(name="rmsprop", momentum=0.5, epsilon=0.1), rmsprop),
    ],
)
def test_steps_are_those_of_the_formula(params, expected):
    import keras

    variable = keras.Variable(START, dtype="float64")
    optimizer = optimizers.build(params, Constant(name="constant"), 1, 1)
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    np.testing.assert_allclose(np.asarray(variable), expected(params), rtol=1e-5)


OPTIMIZER = Sgd(name="sgd", learning_rate=0.5)
STEPS = 10
EPOCHS = 6


def rate(schedule, step):
    return optimizers.learning_rate(OPTIMIZER, schedule, EPOCHS, STEPS, step)


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
    optimizer = optimizers.build(OPTIMIZER, schedule, 2, 2)
    moves = []
    for _ in range(4):
        before = float(variable[0])
        optimizer.apply([keras.ops.ones(1)], [variable])
        moves.append(before - float(variable[0]))
    assert moves == [0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"optimizer": {"name": "adamm"}},
            r"train.optimizer: unknown name 'adamm'; allowed: 'adam'",
        ),
        ({"optimizer": {"name": "sgd", "beta_1": 0.5}}, r"train.optimizer.beta_1: unknown key"),
        ({"optimizer": {"name": "adam", "learning_rate": 0.0}}, "learning_rate: must be greater"),
        ({"schedule": {"name": "linear"}}, r"train.schedule: unknown name 'linear'"),
        ({"schedule": {"name": "step", "after": [3, 2]}}, "after must be ascending"),
        ({"schedule": {"name": "step", "after": [10]}}, "there are only 10 epochs"),
        ({"schedule": {"name": "cosine", "warmup_epochs": 10}}, "there are only 10 epochs"),
        (
            {"schedule": {"name": "step", "after": [8], "warmup_epochs": 2}},
            "schedule.after has 8 after 2.0 of warm-up, but there are only 10 epochs",
        ),
        ({"schedule": {"name": "one_cycle", "rise": 1.0}}, r"schedule.rise: must be less than 1"),
        ({"optimizer": {"name": "adam", "average": 1.0}}, r"optimizer.average: must be less"),
        ({"optimizer": {"name": "adam", "clip_norm": 0}}, r"optimizer.clip_norm: must be greater"),
    ],
)
def test_impossible_parameters_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        Params({"train": change}).section(TrainParams, "train")
