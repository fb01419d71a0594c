from typing import get_args

import numpy as np
import pytest

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.train.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lamb,
    Lion,
    Nadam,
    Optimizer,
    RmsProp,
    Sgd,
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


def lamb(p):
    m = v = np.zeros(3)
    x = START
    for t, g in enumerate(GRADIENTS, 1):
        m = p.beta_1 * m + (1 - p.beta_1) * g
        v = p.beta_2 * v + (1 - p.beta_2) * g**2
        move = m / (1 - p.beta_1**t) / (np.sqrt(v / (1 - p.beta_2**t)) + p.epsilon)
        x = x - p.learning_rate * np.linalg.norm(x) / np.linalg.norm(move) * move
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
        (Lamb(name="lamb", epsilon=0.1), lamb),
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
    optimizer = params.build(params.learning_rate)
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    np.testing.assert_allclose(np.asarray(variable), expected(params), rtol=1e-5)


@pytest.mark.parametrize("kind", get_args(get_args(Optimizer)[0]))
def test_every_optimizer_is_built_with_what_all_have(kind):
    (name,) = get_args(kind.model_fields["name"].annotation)
    params = Params({"optimizer": {"name": name, "weight_decay": 0.1, "clip_norm": 2.0}})
    built = params.section(kind, "optimizer").model_copy(update={"average": 0.9}).build(0.5, 4)
    assert type(built).__name__ == kind.keras_name
    assert float(built.learning_rate) == 0.5
    assert built.weight_decay == 0.1
    assert built.global_clipnorm == 0.5  # a replica's share
    assert (built.use_ema, built.ema_momentum) == (True, 0.9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "adamm"}, r"train.optimizer: unknown name 'adamm'; allowed: 'adam'"),
        ({"name": "sgd", "beta_1": 0.5}, r"train.optimizer.beta_1: unknown key"),
        ({"name": "adam", "learning_rate": 0.0}, "learning_rate: must be greater"),
        ({"name": "adam", "average": 1.0}, r"optimizer.average: must be less"),
        ({"name": "adam", "clip_norm": 0}, r"optimizer.clip_norm: must be greater"),
    ],
)
def test_impossible_parameters_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        Params({"train": {"optimizer": change}}).section(TrainParams, "train")
