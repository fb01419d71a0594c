import base64
import hashlib
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from jinja2 import UndefinedError

from pipeline.evaluate.calibration import Bin
from pipeline.report import html as report_html

PICTURE = "data:image/png;base64,AAAA"
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Parsed(HTMLParser):
    """A page's elements, attributes and text; refuses what is not well-formed."""

    def __init__(self, html):
        super().__init__()
        self.open = []
        self.elements = []
        self.words = []
        self.style = ""
        self.scripts = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"repeated attribute in <{tag}>"
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        elif self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif data.strip():
            self.words.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def content(name="Coat", **changes):
    """All that the template names, for one class more than ``name``."""
    scores = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "support": 4}
    counts = {name: 1200, "Bag": 5}
    subsets = ("train", "validation", "test")
    image = {"id": "test-3", "label": 0, "predicted": 1, "src": PICTURE}
    return {
        "data": {"charts": {}, "rows": {}, "classes": [name, "Bag"]},
        "run": "demo",
        "sections": {"train": {"optimizer": {"name": "adam"}, "epochs": 3}},
        "own": {"train": {"epochs": 3}},
        "card": {
            "dataset": "demo",
            "classes": [name, "Bag"],
            "shape": [28, 28, 1],
            "content_sha256": "ab" * 32,
            "subsets": {subset: {"n": 1205, "classes": counts} for subset in subsets},
            "training_pixels": {"min": 0.0, "max": 1.0, "mean": [0.25], "std": [0.5]},
            "duplicates": {
                "within": dict.fromkeys(subsets, 3),
                "across": {"train_test": 1, "train_validation": 0, "validation_test": 0},
            },
            "quarantined": 0,
        },
        "subsets": subsets,
        "evaluation": {
            "accuracy": 0.9013,
            "accuracy_interval": {"low": 0.8953, "high": 0.907},
            "classes": {name: scores, "Bag": scores},
            "expected_calibration_error": 0.0512,
            "loss": 0.4321,
            "n": 10_000,
            "train_accuracy": 0.98,
        },
        "history": {"epoch": np.array([1.0, 2]), "train_loss": np.array([0.5, 0.123456])},
        "tracked": ["train"],
        "confusions": [(name, "Bag", 3)],
        "positions": {name: 0, "Bag": 1},
        "shown_classes": [0, 1],
        "matrix_width": 200,
        "bins": [Bin(0.5, 1.0, 4, 0.75, 0.5)],
        "mistakes": [image | {"top": [[1, 0.75], [0, 0.25]]}],
        "uncertain": [image | {"label": 1, "top": [[1, 0.51], [0, 0.49]]}],
        "samples": [(name, [{"id": "train-1", "src": PICTURE}])],
        "thumbnail": (28, 28),
        "reduced": False,
        "divisor": 255,
        "matrices": 20,
        "cropped": False,
        "filters": [PICTURE, PICTURE],
        "filter_count": 2,
        "activation": "relu",
        "responses": 1,
        "inputs": {"data/splits/demo.parquet": "cd" * 32},
        "model_sha256": "ef" * 32,
        "code": {"pipeline/report/html.py": "01" * 32},
        "code_sha256": "23" * 32,
        "versions": {"altair": "6.3.0"},
    } | changes


def render(name="Coat", **changes):
    return report_html.render("report", **content(name, **changes))


def parsed(name="Coat", **changes):
    return Parsed(render(name, **changes))


def test_the_page_shows_what_it_was_given():
    words = " ".join(parsed().words)
    for expected in (
        "90.13%",
        "95% interval 89.53% to 90.70%",
        "0.4321",
        "98.00%",
        "5.12%",
        "10,000 test images",
        "dvc repro report@demo",
        "epochs 3 set by this run optimizer name adam",
        "ab" * 32,
        "1 0.5 2 0.123456",
        "Coat Bag 3 75.00% Show",
        "0 Coat 0.500 0.250 0.333 4",
        "Coat 1,200 1,200 1,200",
        "above 50.00% to 100.00% 4 75.00% 50.00%",
        "true Coat predicted Bag Bag 75.0% Coat 25.0% test-3",
        "Coat train-1",
        "data/splits/demo.parquet " + "cd" * 32,
        "ef" * 32,
        "pipeline/report/html.py " + "01" * 32,
        "23" * 32,
        "altair 6.3.0",
    ):
        assert expected in words


def test_the_policy_allows_inlined_pictures_and_this_style_and_these_scripts_alone():
    html = parsed()
    (policy,) = [meta["content"] for meta in html.all("meta") if "http-equiv" in meta]
    run = [
        text
        for text, script in zip(html.scripts, html.all("script"), strict=True)
        if script.get("type") != "application/json"
    ]
    assert len(run) == 3
    digests = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (html.style, *run)
    ]
    assert policy == (
        f"default-src 'none'; img-src data:; style-src {digests[0]}; "
        f"script-src {' '.join(digests[1:])}"
    )
    tags = [tag for tag, _ in html.elements]
    assert tags.index("meta") < tags.index("style")


def test_the_page_refers_to_nothing_outside():
    html = parsed()
    for tag, attributes in html.elements:
        assert tag not in {"link", "iframe", "object", "base", "form"}
        assert not {"style", "srcset", "onload", "onerror", "action"} & set(attributes)
        assert tag != "script" or "src" not in attributes
        for address in (attributes.get("src"), attributes.get("href")):
            assert address is None or address.startswith(("data:image/png;base64,", "data:,", "#"))
    assert "url(" not in html.style
    assert "@import" not in html.style
    ids = [attributes["id"] for _, attributes in html.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in html.all("a")} <= set(ids)


def test_every_picture_has_an_alternative_text_and_a_size():
    pictures = parsed().all("img")
    assert len(pictures) == 10
    for picture in pictures:
        assert picture["alt"]
        assert int(picture["width"]) > 0
        assert int(picture["height"]) > 0


def test_every_control_has_a_name():
    html = parsed()
    for tag in ("input", "select"):
        for control in html.all(tag):
            assert control["autocomplete"] == "off"  # a browser would restore what it was
    assert len(html.all("label")) >= len(html.all("input")) + len(html.all("select"))


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "'&amp;",
        "$x_1$",
        "{{ run }}",
        "猫 <b>",
        "</style><!--",
    ],
)
def test_names_are_shown_as_they_are(name):
    html = parsed(name, sections={name: {name: name}}, own={})
    plain = parsed(sections={"Coat": {"Coat": "Coat"}}, own={})
    assert [tag for tag, _ in html.elements] == [tag for tag, _ in plain.elements]
    assert html.words.count(name) == plain.words.count("Coat")
    assert html.style == plain.style
    assert html.scripts[1:] == plain.scripts[1:]
    assert json.loads(html.scripts[0])["classes"] == [name, "Bag"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a\x00b", r"a\x00b"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\u202eb", r"a\u202eb"),
        ("\r\n", r"\r\n"),
    ],
)
def test_control_characters_are_spelled_out(name, expected):
    html = parsed(name)
    assert expected in html.words
    assert json.loads(html.scripts[0])["classes"][0] == expected
    assert name not in render(name, sections={}).split("window.vegaEmbed=")[0]


def test_the_caveat_stands_where_the_test_curve_does():
    caveat = "drawn for comparison only"
    assert caveat not in " ".join(parsed().words)
    assert caveat in " ".join(parsed(tracked=["train", "test"]).words)


def test_a_missing_validation_subset_is_mentioned():
    assert "This run has no validation subset." in parsed().words
    both = parsed(tracked=["train", "validation"])
    assert "This run has no validation subset." not in both.words


def test_without_confusions_the_page_says_so():
    assert "Every test image is classified correctly." in parsed(confusions=[]).words


def test_what_the_template_names_must_be_there():
    values = content()
    del values["evaluation"]["loss"]
    with pytest.raises(UndefinedError, match="loss"):
        report_html.render("report", **values)


def test_flatten_sorts_and_spells_values():
    section = {"b": {"z": [1, 2.5], "a": None}, "a": True, "empty": {}, "text": "é"}
    assert report_html.flatten(section) == [
        ("a", "true"),
        ("b.a", "null"),
        ("b.z", "[1, 2.5]"),
        ("empty", "{}"),
        ("text", "é"),
    ]


def test_a_model_without_filters_has_no_such_part():
    html = parsed(filters=[], filter_count=0, responses=0)
    assert "What the first layer sees" not in html.words
    assert "#filters" not in {link["href"] for link in html.all("a")}


def test_numbers_that_json_lacks_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        render(data={"x": float("nan")})
