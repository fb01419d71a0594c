import numpy as np
import pytest

from networks import cnn
from pipeline.ablation import cost
from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.models import saved as saved_models
from pipeline.models.saved import Model
from pipeline.shards.index import Statistics

pytestmark = pytest.mark.usefixtures("tensorflow")


def saved(tmp_path, shape=(28, 28, 1), **params):
    statistics = Statistics((0.5,) * shape[2], (0.25,) * shape[2])
    net = cnn.build(cnn.Params(**params), shape, 10, statistics)
    saved_models.save(Model(net, tuple("abcdefghij")), tmp_path / "model")
    return net, files.read_json(tmp_path / "model" / "architecture.json")


def test_the_tutorials_network_counted_by_hand(tmp_path):
    _, found = saved(tmp_path)
    convolutions = 28**2 * 9 * 1 * 32 + 14**2 * 9 * 32 * 64 + 7**2 * 9 * 64 * 128
    dense = 4 * 4 * 128 * 128 + 128 * 10
    assert cost.multiply_adds(found) == convolutions + dense == 7_714_560


def test_a_residual_network_counted_by_hand(tmp_path):
    _, found = saved(
        tmp_path,
        (9, 7, 3),
        standardize=True,
        filters=(4,),
        convolutions=2,
        residual=True,
        batch_normalization=True,
        features="global_average",
        dense=(),
    )
    assert cost.multiply_adds(found) == 9 * 7 * (9 * 3 * 4 + 9 * 4 * 4 + 3 * 4) + 4 * 10


@pytest.mark.parametrize(
    "params",
    [
        {"padding": "valid", "filters": (4, 8), "kernel": 5},
        {"pool_after": "first", "convolutions": 2, "filters": (4, 8), "dense": (7, 5)},
    ],
)
def test_each_weight_of_a_filter_is_used_once_at_each_place(tmp_path, params):
    net, found = saved(tmp_path, (32, 30, 3), **params)
    expected = 0
    for layer in net.layers:
        if hasattr(layer, "kernel"):
            places = layer.output.shape[1:-1]  # none for a dense layer
            expected += int(np.prod(places)) * int(np.prod(layer.kernel.shape))
    assert cost.multiply_adds(found) == expected


@pytest.mark.parametrize("broken", [{}, {"keras": {"config": {}}}, {"keras": None}])
def test_without_layers_it_is_refused(broken):
    with pytest.raises(DataError, match=r"architecture\.json"):
        cost.multiply_adds(broken)
