import pytest
from pydantic import ValidationError

from pipeline.evaluate.params import EvaluateParams


@pytest.mark.parametrize(
    "values",
    [
        {"calibration_bins": 0},
        {"calibration_bins": 1001},
        {"calibration_bins": 1.5},
        {"batch_size": 0},
        {"bins": 3},
    ],
)
def test_impossible_parameters_are_refused(values):
    with pytest.raises(ValidationError):
        EvaluateParams.model_validate(values)
