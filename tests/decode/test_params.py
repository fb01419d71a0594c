import pytest
from pydantic import ValidationError

from pipeline.decode.params import ArchiveDecode, IdxDecode


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("cat", "dog", "cat"), "must be distinct, repeated: cat"),
        (("cat",), "at least 2 items"),
        (("cat", ""), "at least 1 character"),
    ],
)
def test_classes_are_distinct_names(classes, message):
    with pytest.raises(ValidationError, match=message):
        IdxDecode(classes=classes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (8, 8, 2)}, r"channels, which are 1 \(grey\) or 3 \(RGB\)"),
        ({"shape": (0, 8, 3)}, "must be height and width, up to 65,536 pixels"),
        ({"bits": 12}, "8 or 16"),
        ({"max_pixels": 0}, "greater than 0"),
        ({"resize": "squeeze"}, "'stretch', 'crop' or 'pad'"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        ArchiveDecode(**{"classes": ("cat", "dog"), "shape": (8, 8, 3)} | options)
