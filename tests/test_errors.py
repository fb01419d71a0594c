import pytest

from pipeline import errors


@pytest.mark.parametrize(
    ("items", "limit", "text"),
    [
        ([], 5, ""),
        (["a", "b"], 2, "a, b"),
        (["a", "b", "c"], 2, "a, b and 1 more"),
        ([str(n) for n in range(1234)], 1, "0 and 1,233 more"),
    ],
)
def test_first_few(items, limit, text):
    assert errors.first_few(items, limit) == text
