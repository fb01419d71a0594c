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


@pytest.mark.parametrize(
    "name",
    ["a\x1b[31m", "a\nb", "a\0", "\x9b", "a\u2028b", "\u202eb", "a\u2066", "\x7f", "\ufffe"],
)
def test_classes_are_text_on_one_line(name):
    with pytest.raises(ValidationError, match=r"classes\.1\n.*control character U\+"):
        IdxDecode(classes=("a", name))


def test_classes_in_all_languages_are_taken():
    names = "👨‍👩‍👧", "C++", "<5 years", "a b", "ü", "कुत्ता", "كلب", "=1", "__proto__", "</b>", "🇩🇪"
    assert IdxDecode(classes=names).classes == names


def test_many_classes_are_checked_in_a_moment():
    names = tuple(f"class {n}" for n in range(50_000))
    assert len(IdxDecode(classes=names).classes) == 50_000
    with pytest.raises(ValidationError, match="must be distinct, repeated: class 7"):
        IdxDecode(classes=(*names, "class 7"))
