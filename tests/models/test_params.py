import pytest
from pydantic import ValidationError

from pipeline.models.params import ModelParams


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"filters": ()},
        {"filters": (0,)},
        {"kernel": 0},
        {"pool": 0},
        {"activation": "swoosh"},
        {"kernel_initializer": "magic"},
        {"dense": (0,)},
        {"convolutions": 0},
        {"block_dropout": 1.0},
        {"features": "some"},
        {"residual": True, "padding": "valid"},
        {"residual": True, "pool_after": "first"},
        {"pool_after": "none"},
        {"bias_initializer": "orthogonal"},
    ],
)
def test_impossible_parameters_are_refused(params):
    with pytest.raises(ValidationError):
        ModelParams(**params)
