"""The cards, read back by an independent parser of Markdown."""

import pytest
from markdown_it import MarkdownIt

from pipeline.core import files, paths
from pipeline.report import cards
from tests.report import test_write as test_report

HOSTILE = (r"</b><script>|*x*_`y`[z](w)\#&amp;", "猫\x07", "plain")


class Markdown:
    """What a card shows: its tables as rows of text, and whatever is markup."""

    def __init__(self, path):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("---\n")
        body = text.split("---\n", 2)[2]
        self.tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
        self.inline = [token for token in self.tokens if token.type == "inline"]
        self.kinds = {child.type for token in self.inline for child in token.children}
        self.rows, row = [], []
        for token, inside in zip(self.tokens, self.tokens[1:], strict=False):
            if token.type in ("th_open", "td_open"):
                row.append("".join(child.content for child in inside.children))
            elif token.type == "tr_close":
                self.rows.append(row)
                row = []
        self.words = " ".join("".join(c.content for c in token.children) for token in self.inline)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def both():
    folder = paths.metrics(test_report.RUN)
    return Markdown(folder / cards.MODEL_CARD), Markdown(folder / cards.DATA_CARD)


def test_cards_say_what_was_measured():
    test_report.make()
    test_report.write()
    model, data = both()
    found = files.read_json(paths.metrics(test_report.RUN) / "evaluation.json")
    rows = {row[0]: row[1:] for row in model.rows}
    assert rows["test accuracy"][0].startswith(f"{found['accuracy']:.4f} (95% interval ")
    assert rows["on"] == ["30 test images"]
    cat = found["classes"]["cat"]
    assert rows["cat"] == [f"{cat[key]:.3f}" for key in ("precision", "recall", "f1")] + ["10"]
    assert rows["optimizer.name"] == ["adam"]
    card = files.read_json(paths.data_card("tiny"))
    rows = {row[0]: row[1:] for row in data.rows}
    subsets = ("train", "validation", "test")
    assert rows["all"] == [str(card["subsets"][name]["n"]) for name in subsets]
    assert rows["emu"] == [str(card["subsets"][name]["classes"]["emu"]) for name in subsets]
    for markdown in model, data:
        assert card["content_sha256"] in markdown.words


def test_weights_of_classes_are_shown_where_there_are_any(monkeypatch):
    test_report.make(n=61)
    test_report.write()
    model, _ = both()
    assert "counts by its class" not in model.words
    train = test_report.EFFECTIVE["train"] | {"class_weights": "balanced"}
    monkeypatch.setitem(test_report.EFFECTIVE, "train", train)
    test_report.write()
    model, _ = both()
    counts = files.read_json(paths.data_card("tiny"))["subsets"]["train"]["classes"]
    weights = {row[0]: row[1:] for row in model.rows if len(row) == 3}
    n = sum(counts.values())
    assert len(set(counts.values())) > 1
    for name, count in counts.items():
        assert weights[name] == [str(count), f"{n / (3 * count):.3f}"]


def test_no_name_is_markup():
    test_report.make(classes=HOSTILE)
    test_report.write()
    for markdown in both():
        first = [row[0] for row in markdown.rows]
        assert HOSTILE[0] in first
        assert r"猫\x07" in first
        kinds = markdown.kinds - {"text", "text_special", "softbreak", "code_inline"}
        assert kinds <= {"link_open", "link_close"}
        assert "html_block" not in {token.type for token in markdown.tokens}
        links = [c for t in markdown.inline for c in t.children if c.type == "link_open"]
        assert {link.attrs["href"] for link in links} <= {"data_card.md"}


def test_without_mistakes_none_are_listed():
    test_report.make(wrong=0)
    test_report.write()
    model, _ = both()
    assert "most often" not in model.words
