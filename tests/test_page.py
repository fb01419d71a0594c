import base64
import hashlib
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from jinja2 import UndefinedError

from pipeline import page

VOID = {"meta", "img", "br", "hr", "link"}


class Parsed(HTMLParser):
    """A page's elements, attributes and text; refuses what is not well-formed."""

    def __init__(self, html):
        super().__init__()
        self.open = []
        self.elements = []
        self.words = []
        self.style = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"repeated attribute in <{tag}>"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        elif data.strip():
            self.words.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def content(name="Coat", **changes):
    """All that the template names, for one class more than ``name``."""
    scores = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "support": 4}
    counts = {name: 1200, "Bag": 5}
    subsets = ("train", "validation", "test")
    picture = page.Inlined("data:image/png;base64,AAAA", 10, 20)
    names = ("curves", "confusion", "classes", "mistakes", "samples", "matrix")
    return {
        "run": "demo",
        "parameters": {"train": [("optimizer.name", "adam")]},
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
        "images": dict.fromkeys(names, picture),
        "named_classes": 100,
        "matrix_side": 32,
    } | changes


def parsed(name="Coat", **changes):
    return Parsed(page.render(**content(name, **changes)))


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
        "optimizer.name adam",
        "ab" * 32,
        "1 0.5 2 0.123456",
        "Coat Bag 3 75.00%",
        "0 Coat 0.500 0.250 0.333 4",
        "Coat 1,200 1,200 1,200",
    ):
        assert expected in words


def test_the_policy_allows_inlined_pictures_and_this_style_alone():
    html = parsed()
    (policy,) = [meta["content"] for meta in html.all("meta") if "http-equiv" in meta]
    digest = base64.b64encode(hashlib.sha256(html.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    tags = [tag for tag, _ in html.elements]
    assert tags.index("meta") < tags.index("style")


def test_the_page_refers_to_nothing_outside():
    html = parsed()
    for tag, attributes in html.elements:
        assert tag not in {"script", "link", "iframe", "object", "base", "form"}
        assert not {"style", "srcset", "onload", "onerror", "action"} & set(attributes)
        for address in (attributes.get("src"), attributes.get("href")):
            assert address is None or address.startswith(("data:image/png;base64,", "#"))
    assert "url(" not in html.style
    assert "@import" not in html.style
    ids = {attributes.get("id") for _, attributes in html.elements}
    assert {link["href"][1:] for link in html.all("a")} <= ids


def test_every_picture_has_an_alternative_text_and_a_size():
    pictures = parsed().all("img")
    assert len(pictures) == 6
    for picture in pictures:
        assert picture["alt"]
        assert (picture["width"], picture["height"]) == ("10", "20")


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
    html = parsed(name, parameters={name: [(name, name)]})
    plain = parsed()
    assert [tag for tag, _ in html.elements] == [tag for tag, _ in plain.elements]
    assert html.words.count(name) == plain.words.count("Coat") + 3
    assert html.style == plain.style


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
    assert expected in parsed(name).words
    assert name not in page.render(**content(name))


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
        page.render(**values)


def test_flatten_sorts_and_spells_values():
    section = {"b": {"z": [1, 2.5], "a": None}, "a": True, "empty": {}, "text": "é"}
    assert page.flatten(section) == [
        ("a", "true"),
        ("b.a", "null"),
        ("b.z", "[1, 2.5]"),
        ("empty", "{}"),
        ("text", "é"),
    ]


def test_inline_keeps_bytes_and_gives_the_size_in_css_pixels(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((240, 480, 3), np.uint8))
    picture = page.inline(path, dpi=120)
    assert (picture.width, picture.height) == (384, 192)
    head, _, body = picture.src.partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body) == path.read_bytes()
