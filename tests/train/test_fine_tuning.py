import keras
import numpy as np
import pytest

from networks import cnn
from pipeline.core.errors import ParameterError
from pipeline.shards.index import Statistics
from pipeline.train.fine_tuning import Phases
from pipeline.train.fused import FusedBatchNormalization, fused
from pipeline.train.params import FineTuning

pytestmark = pytest.mark.usefixtures("tensorflow")


@pytest.fixture
def network():
    params = cnn.Params(filters=(2, 3), dense=(4,), batch_normalization=True)
    return fused(cnn.build(params, (8, 8, 1), 3, Statistics((0.5,), (0.25,))))


def taken(network):
    return [layer for layer in network.layers if layer.variables]


def names(network):
    return [layer.name for layer in network.layers if layer.trainable_variables]


def test_taken_layers_are_frozen_at_first_and_then_those_before_the_first(network):
    params = FineTuning(frozen_epochs=2, from_layer="convolution_2")
    phases = Phases(network, taken(network), params)
    first, second = phases.described(5)
    assert phases.begin(1) is False
    assert names(network) == ["logits"]
    assert phases.begin(2) is False
    assert phases.begin(3) is True
    assert names(network) == ["convolution_2", "normalization_2", "dense_1", "logits"]
    assert phases.begin(4) is False
    assert (first.first, first.last, first.weights) == (1, 2, 4 * 3 + 3)
    assert (second.first, second.last) == (3, 5)
    assert second.weights == 2 * 3 * 9 + 3 + 2 * 3 + 2 * 2 * 3 * 4 + 4 + 15


def test_a_training_that_ends_while_layers_are_frozen_has_one_phase(network):
    phases = Phases(network, taken(network), FineTuning(frozen_epochs=5))
    assert [(phase.first, phase.last) for phase in phases.described(3)] == [(1, 3)]


def test_without_parameters_all_layers_are_trained_throughout(network):
    phases = Phases(network, taken(network), None)
    before = names(network)
    assert not any(phases.begin(epoch) for epoch in (1, 2, 3))
    assert names(network) == before
    assert [phase.weights for phase in phases.described(3)] == [
        sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
    ]


def test_a_first_layer_that_was_not_taken_is_refused(network):
    with pytest.raises(
        ParameterError, match=r"no layer 'conv' was taken; taken were convolution_1"
    ):
        Phases(network, taken(network), FineTuning(from_layer="conv"))


@pytest.mark.parametrize("is_frozen", [True, False])
def test_frozen_statistics_stay_while_the_layers_are_trained(network, is_frozen):
    Phases(network, taken(network), FineTuning(frozen_statistics=is_frozen))
    images = np.random.default_rng(0).random((6, 8, 8, 1), np.float32)
    normalization = network.get_layer("normalization_1")
    assert isinstance(normalization, FusedBatchNormalization)
    before = np.asarray(normalization.moving_mean).copy()
    out, inference = network(images, training=True), network(images, training=False)
    assert (np.asarray(out) == np.asarray(inference)).all() == is_frozen
    assert (np.asarray(normalization.moving_mean) == before).all() == is_frozen
    assert len(normalization.trainable_variables) == 2


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"momentum": 0.9, "weight_decay": 0.01}),
        ("AdamW", {"weight_decay": 0.1}),
        ("Lamb", {}),
    ],
)
def test_the_factor_is_that_of_the_learning_rate_for_taken_layers_alone(name, options):
    """As an optimizer with that learning rate would change them, and one with the whole others."""

    def trained(rate, factor):
        net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dense(2)])
        for number, variable in enumerate(net.variables):
            variable.assign(
                np.linspace(-1, 1 + number, variable.shape.num_elements()).reshape(variable.shape)
            )
        own = getattr(keras.optimizers, name)(rate, **options)
        own.build(net.trainable_variables)
        phases = Phases(net, net.layers[:1], FineTuning(learning_rate_factor=factor))
        phases.slow_down(own)
        for step in range(3):
            own.apply([v * 0 + 0.1 * (step + 1) for v in net.trainable_variables])
        return [np.asarray(variable) for variable in net.variables]

    found, whole, slow = trained(0.01, 0.5), trained(0.01, 1.0), trained(0.005, 1.0)
    for number, values in enumerate(found):
        np.testing.assert_allclose(values, (slow if number < 2 else whole)[number], rtol=1e-6)
    assert not np.allclose(found[0], whole[0], rtol=1e-6)
