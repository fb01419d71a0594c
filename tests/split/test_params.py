import pytest
from pydantic import ValidationError

from pipeline.split.params import IdxSplit


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_count": 5, "validation_fraction": 0.1}, "not both"),
        ({"stratify": True}, "stratify needs a validation_fraction or a test_fraction"),
        ({"validation_fraction": 1.0}, "less than 1"),
        ({"validation_count": -1}, "greater than or equal to 0"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        IdxSplit(**options)
