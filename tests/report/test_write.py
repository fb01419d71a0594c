import hashlib
import json
from contextlib import chdir

import cv2
import pytest
from markdown_it import MarkdownIt
from pydantic import ValidationError

from pipeline.core import files, paths
from pipeline.core.errors import DataError
from pipeline.evaluate.predictions import Predictions
from pipeline.report.figures import FIGURES
from pipeline.report.params import ReportParams
from pipeline.report.results import LEFT_OUT_PICTURES
from pipeline.report.write import CARDS
from pipeline.shards.index import PICTURE, Quarantined
from pipeline.subsets import split as split_file
from tests.support import reports

HOSTILE = (r"</b><script>|*x*_`y`[z](w)\#&amp;", "猫\u200f", "plain")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def digests():
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(paths.metrics(reports.RUN).rglob("*"))
        if path.suffix in (".png", ".html", ".md")
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder in which a report was made and written."""
    folder = tmp_path_factory.mktemp("written")
    with chdir(folder):
        reports.make()
        reports.write_pages()
    return folder


@pytest.fixture
def inside(written, monkeypatch):
    """Enter that folder, in which nothing is changed."""
    monkeypatch.chdir(written)


@pytest.mark.parametrize("shape", [(6, 5, 1), (5, 6, 3)])
def test_a_report_holds_its_figures(shape):
    reports.make(shape=shape)
    assert reports.write() == "accuracy 0.7667; see metrics/runs/demo/report.html (1.0 MB)"
    folder = paths.metrics(reports.RUN) / "figures"
    assert sorted(path.stem for path in folder.iterdir()) == sorted(FIGURES)
    for path in folder.iterdir():
        assert cv2.imread(str(path)) is not None
    assert not list(paths.metrics(reports.RUN).glob("*.incomplete"))


def test_the_page_has_the_runs_parameters_and_counts(inside):
    words = " ".join(reports.page().words)
    assert "optimizer name adam" in words
    assert "epochs 2 set by this run" in words
    assert "76.67%" in words
    assert "Images for train 25 Images for validation 5 Images for test 30" in words
    assert "cat dog 3 30.00%" in words


@pytest.mark.slow
def test_a_second_run_writes_the_same_bytes_and_replaces_the_figures():
    reports.make()
    reports.write()
    first = digests()
    (paths.metrics(reports.RUN) / "figures" / "old.png").write_bytes(b"")
    reports.write()
    assert digests() == first


@pytest.mark.slow
def test_a_changed_figure_changes_the_figures_alone():
    reports.make()
    reports.write()
    first = digests()
    reports.write(reports.SMALL.model_copy(update={"mistakes": 2}))
    changed = {name for name, digest in digests().items() if digest != first[name]}
    assert changed == {"mistakes.png", "report.html"}


def test_without_a_validation_subset():
    reports.make(validation=False)
    reports.write()
    html = reports.page()
    assert "This run has no validation subset." in html.words
    assert "validation loss" not in html.words


def test_without_mistakes():
    reports.make(wrong=0)
    reports.write()
    assert "Every test image is classified correctly." in reports.page().words
    model, _ = both()
    assert "most often" not in model.words


def test_a_class_that_the_test_subset_lacks():
    reports.make(classes=("cat", "dog", "emu", "yak"), n=7, validation=False, wrong=1)
    reports.write()
    assert "yak 0.000 0.000 0.000 0" in " ".join(reports.page().words)


@pytest.mark.slow
def test_a_hundred_classes():
    reports.make(classes=tuple(f"class {number}" for number in range(100)), n=300)
    reports.write()
    # Two lists of cells, the table of scores, a list and a table of curves, images, samples.
    assert reports.page().words.count("class 99") == 7


@pytest.mark.slow
def test_a_page_stays_under_five_megabytes():
    """Of a hundred classes of images that do not compress, with all that may be asked for."""
    classes = tuple(f"class {number}" for number in range(100))
    reports.make(classes=classes, shape=(48, 48, 3), n=1000, wrong=200, noise=True)
    most = {"mistakes": 200, "uncertain": 200, "images_per_cell": 200, "samples_per_class": 20}
    reports.write(ReportParams(dpi=50, **most))
    assert 3_000_000 < (paths.metrics(reports.RUN) / "report.html").stat().st_size < 5_000_000


def test_hostile_names():
    name = r"</style><script>$\frac{_^\u202e"
    reports.make(classes=(name, "猫\u200f", "c" * 200))
    reports.write()
    html = reports.page()
    assert len(html.all("script")) == 4
    assert name in html.words
    assert r"猫\u200f" in html.words


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (paths.metrics(reports.RUN) / "evaluation.json", "evaluation.json is missing"),
        (paths.metrics(reports.RUN) / "history.csv", "run the train stage"),
        (paths.predictions(reports.RUN), "run the evaluate stage"),
        (paths.model(reports.RUN) / "model.weights.h5", "run the train stage"),
        (paths.model(reports.RUN) / "architecture.json", "architecture.json is missing"),
        (paths.split("tiny"), "run the split stage"),
        (paths.data_card("tiny"), "data.json is missing"),
        (paths.shards("tiny") / "part-00000.parquet", "run the decode stage"),
    ],
)
def test_a_missing_input_is_named_and_nothing_is_half_written(path, message):
    reports.make()
    path.unlink()
    with pytest.raises(DataError, match=message):
        reports.write()
    assert not (paths.metrics(reports.RUN) / "report.html").exists()
    assert not (paths.metrics(reports.RUN) / "figures").exists()
    assert not list(paths.metrics(reports.RUN).glob("*.incomplete"))


def test_a_history_without_epochs_is_refused():
    reports.make()
    path = paths.metrics(reports.RUN) / "history.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(DataError, match="has no epochs"):
        reports.write()


def test_a_split_of_other_data_is_refused():
    reports.make()
    split = split_file.read(paths.split("tiny"))
    split_file.write(
        paths.split("tiny"), split._replace(ids=split.ids.slice(1), subsets=split.subsets[1:])
    )
    with pytest.raises(DataError, match="are of different data"):
        reports.write()


def test_predictions_of_other_data_are_refused():
    reports.make()
    predictions = Predictions.read(paths.predictions(reports.RUN))
    strangers = [f"x{name}" for name in predictions.ids]
    predictions._replace(ids=strangers).write(paths.predictions(reports.RUN))
    with pytest.raises(DataError, match="the predictions are not of data/shards/tiny"):
        reports.write()


@pytest.mark.parametrize(
    "values", [{"dpi": 49}, {"dpi": 301}, {"mistakes": 0}, {"samples_per_class": 21}, {"size": 3}]
)
def test_impossible_parameters_are_refused(values):
    with pytest.raises(ValidationError):
        ReportParams.model_validate_json(json.dumps(values))


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


def both():
    """Return the model card and the data card."""
    return [Markdown(paths.metrics(reports.RUN) / name) for name in CARDS]


def test_cards_say_what_was_measured(inside):
    model, data = both()
    found = files.read_json(paths.metrics(reports.RUN) / "evaluation.json")
    rows = {row[0]: row[1:] for row in model.rows}
    assert rows["test accuracy"][0].startswith(f"{found['accuracy']:.4f} (95% interval ")
    assert rows["on"] == ["30 test images"]
    cat = found["classes"]["cat"]
    assert rows["cat"] == [f"{cat[key]:.3f}" for key in ("precision", "recall", "f1")] + ["10"]
    assert rows["chance"] == ["0.3333"]
    assert rows["always answering cat"] == ["0.3333"]
    assert rows["parameters"] == ["40"]
    assert rows["multiply-adds for one image"] == ["1,080"]
    assert rows["optimizer.name"] == ["adam"]
    card = files.read_json(paths.data_card("tiny"))
    rows = {row[0]: row[1:] for row in data.rows}
    subsets = ("train", "validation", "test")
    assert rows["all"] == [str(card["subsets"][name]["n"]) for name in subsets]
    assert rows["emu"] == [str(card["subsets"][name]["classes"]["emu"]) for name in subsets]
    for markdown in model, data:
        assert card["content_sha256"] in markdown.words


@pytest.mark.slow
def test_weights_of_classes_are_shown_where_there_are_any():
    reports.make(n=61)
    reports.write_pages()
    model, _ = both()
    assert "counts by its class" not in model.words
    train = reports.EFFECTIVE["train"] | {"class_weights": "balanced"}
    reports.write_pages(effective=reports.EFFECTIVE | {"train": train})
    model, _ = both()
    counts = files.read_json(paths.data_card("tiny"))["subsets"]["train"]["classes"]
    weights = {row[0]: row[1:] for row in model.rows if len(row) == 3}
    n = sum(counts.values())
    assert len(set(counts.values())) > 1
    for name, count in counts.items():
        assert weights[name] == [str(count), f"{n / (3 * count):.3f}"]


def test_no_name_is_markup_in_a_card():
    reports.make(classes=HOSTILE)
    reports.write_pages()
    for markdown in both():
        first = [row[0] for row in markdown.rows]
        assert HOSTILE[0] in first
        assert r"猫\u200f" in first
        kinds = markdown.kinds - {"text", "text_special", "softbreak", "code_inline"}
        assert kinds <= {"link_open", "link_close"}
        assert "html_block" not in {token.type for token in markdown.tokens}
        links = [c for t in markdown.inline for c in t.children if c.type == "link_open"]
        assert {link.attrs["href"] for link in links} <= {"data_card.md"}


def test_images_that_were_converted_are_counted():
    reports.make(
        convert={"alpha": "white", "frames": "first", "orientation": "apply"},
        converted={"alpha": 12, "orientation": 3456},
    )
    reports.write_pages()
    words = reports.page().words
    for policy, count in ("alpha: white", "12"), ("orientation: apply", "3,456"):
        assert words[words.index(f"Converted ({policy})") + 1] == count
    card = (paths.metrics(reports.RUN) / "data_card.md").read_text()
    assert "- Images that were converted (alpha: white): 12.\n" in card


def test_images_that_were_left_out_are_named():
    reports.make(
        quarantined=tuple(
            Quarantined(
                id="",
                name=f"{name}/{number}.png",
                reason=reason,
                class_name=name,
                picture=PICTURE + "AAAA" if number < 12 and name == "dog" else None,
            )
            for name, reason, count in (("dog", "is empty", 25), ("cat", "has <alpha>", 1))
            for number in range(count)
        )
    )
    reports.write_pages()
    words = reports.page().words
    assert "metrics/datasets/tiny/quarantined.csv" in words
    at = words.index("has <alpha>")
    assert words[at - 1 : at + 3] == ["cat", "has <alpha>", "1", "cat/0.png"]
    at = words.index("is empty")
    assert words[at - 1 : at + 2] == ["dog", "is empty", "25"]
    assert words[at + 2].startswith("dog/0.png, dog/1.png, dog/10.png")
    assert words[at + 2].endswith("dog/4.png …")
    pictures = [one for one in reports.page().all("img") if one["src"] == PICTURE + "AAAA"]
    assert len(pictures) == LEFT_OUT_PICTURES
    assert pictures[0]["alt"] == "Image dog/0.png, left out"
    card = (paths.metrics(reports.RUN) / "data_card.md").read_text()
    assert "left out: 26.\n  - cat: 1 (has \\<alpha\\>)\n  - dog: 25 (is empty)\n" in card


def test_without_such_images_the_page_does_not_speak_of_them(inside):
    assert "Images left out" not in reports.page().words
