import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys

import pytest
from jinja2 import UndefinedError

from pipeline.report import html
from pipeline.report.sections.page import page as page_of
from tests.support import reports
from tests.support.builders import ROOT
from tests.support.reports import Parsed


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def render(*names):
    """Return the page of a run whose classes have names."""
    reports.make(classes=names)
    return page_of(reports.results())


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with contextlib.chdir(tmp_path_factory.mktemp("page")):
        return Parsed(render("Coat", "Bag"))


def test_the_policy_allows_inlined_pictures_and_this_style_and_these_scripts_alone(page):
    (policy,) = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    run = [
        text
        for text, script in zip(page.scripts, page.all("script"), strict=True)
        if script.get("type") != "application/json"
    ]
    assert len(run) == 3
    digests = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (page.style, *run)
    ]
    assert policy == (
        f"default-src 'none'; img-src data:; style-src {digests[0]}; "
        f"script-src {' '.join(digests[1:])}"
    )
    tags = [tag for tag, _ in page.elements]
    assert tags.index("meta") < tags.index("style")


def test_the_page_refers_to_nothing_outside(page):
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "base", "form"}
        assert not {"style", "srcset", "onload", "onerror", "action"} & set(attributes)
        assert tag != "script" or "src" not in attributes
        for address in (attributes.get("src"), attributes.get("href")):
            assert address is None or address.startswith(("data:image/png;base64,", "data:,", "#"))
    assert "url(" not in page.style
    assert "@import" not in page.style
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)


def test_every_picture_has_an_alternative_text_and_a_size(page):
    pictures = page.all("img")
    assert len(pictures) > 10
    for picture in pictures:
        assert picture["alt"]
        assert int(picture["width"]) > 0
        assert int(picture["height"]) > 0


def test_every_control_has_a_name(page):
    for tag in ("input", "select"):
        for control in page.all(tag):
            assert control["autocomplete"] == "off"  # a browser would restore what it was
    assert len(page.all("label")) >= len(page.all("input")) + len(page.all("select"))


def test_names_are_shown_as_they_are(tmp_path):
    names = (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "'&amp;",
        "$x_1$",
        "{{ run }}",
        "猫 <b>",
        "</style><!--",
    )
    plain = tuple(f"class {number}" for number in range(len(names)))
    (tmp_path / "plain").mkdir()
    with contextlib.chdir(tmp_path / "plain"):
        page = Parsed(render(*plain))
    other = Parsed(render(*names))
    assert [tag for tag, _ in other.elements] == [tag for tag, _ in page.elements]
    for name, replaced in zip(names, plain, strict=True):
        assert other.words.count(name) == page.words.count(replaced) > 0
    assert other.style == page.style
    assert other.scripts[1:] == page.scripts[1:]
    assert json.loads(other.scripts[0])["classes"] == list(names)


def test_control_characters_are_spelled_out():
    """Of those that an index lets stand in the name of a class: marks of the text's direction."""
    names = {"a\u200fb": r"a\u200fb", "\u200b": r"\u200b"}
    text = render(*names)
    page = Parsed(text)
    assert json.loads(page.scripts[0])["classes"] == list(names.values())
    for name, expected in names.items():
        assert expected in page.words
        assert name not in text.split("window.vegaEmbed=")[0].replace("\n", "")


def test_a_variable_that_a_template_names_must_be_there(tmp_path):
    (tmp_path / "a.html.j2").write_text("{{ loss }}")
    assert html.fill(tmp_path / "a.html.j2", loss="<3") == "&lt;3"
    with pytest.raises(UndefinedError, match="loss"):
        html.fill(tmp_path / "a.html.j2")


def test_numbers_that_json_lacks_are_refused(tmp_path):
    (tmp_path / "a.html.j2").write_text("{{ data | json }}")
    with pytest.raises(ValueError, match="not JSON compliant"):
        html.fill(tmp_path / "a.html.j2", data={"x": float("nan")})


def test_markdown_shows_text_as_it_is(tmp_path):
    (tmp_path / "a.md.j2").write_text("{{ text | md }}")
    assert html.fill(tmp_path / "a.md.j2", text="*a*|<b>") == r"\*a\*\|\<b\>"


def test_flatten_sorts_and_spells_values():
    section = {"b": {"z": [1, 2.5], "a": None}, "a": True, "empty": {}, "text": "é"}
    assert html.flatten(section) == [
        ("a", "true"),
        ("b.a", "null"),
        ("b.z", "[1, 2.5]"),
        ("empty", "{}"),
        ("text", "é"),
    ]


def test_the_bundle_is_the_same_in_another_process():
    script = "import hashlib; from pipeline.report import html; print(html.bundle())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
    )
    other = hashlib.sha256(done.stdout.rstrip(b"\n")).hexdigest()
    assert hashlib.sha256(html.bundle().encode().rstrip(b"\n")).hexdigest() == other


def test_the_bundle_can_stand_in_a_page():
    script = html.bundle().lower()
    assert "window.vegaembed=" in script
    for markup in ("</script", "<script", "<!--"):
        assert markup not in script
    assert len(script) < 1_200_000


@pytest.mark.parametrize("end", ["</script>", "a = '</SCRIPT x'"])
def test_a_script_that_would_end_its_element_is_refused(end):
    with pytest.raises(ValueError, match="end tag"):
        html.safe(end)
