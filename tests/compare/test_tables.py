import json

from pipeline.compare.tables import render

ROWS = [("a|b <i>", 0.12345, 12_000), ("`c`", "", 1)]


def test_text():
    assert render(ROWS, ("name", "x", "n"), "text").splitlines() == [
        "name     x       n",
        "a|b <i>  0.1235  12,000",
        "`c`              1",
    ]


def test_nothing_in_a_cell_is_markdown():
    header, rule, first, second = render(ROWS, ("name", "x", "n"), "markdown").splitlines()
    assert header.replace(" ", "") == "|name|x|n|"
    assert set(rule) <= set("|-: ")
    assert r"| a\|b \<i\>" in first
    assert r"| \`c\`" in second


def test_json():
    assert json.loads(render([], (), "json", {"é": 1})) == {"é": 1}
