import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluate.evaluation import ClassScores, Evaluation, Interval
from pipeline.predict import adapt, drift, output
from pipeline.predict.classify import Outcome

CLASSES = "cat", "dog, small", "emu"
OUTCOMES = [
    Outcome("a.png", np.array([0.1, 0.7, 0.2], np.float32), ("inverted", "much darker"), 640, 480),
    Outcome("bad.png", error="bad.png cannot be decoded"),
    Outcome("ü\x1b[31m\n,.png", np.full(3, 1 / 3, np.float32), (), 8, 8),
]


def test_a_table_is_aligned_and_steers_no_terminal():
    writer = output.Writer("table", CLASSES, 2)
    header, first, second = f"{writer.header()}\n{writer.rows(OUTCOMES)}".split("\n")
    assert header == "1st                 2nd                 image"
    assert first == "dog, small  0.7000  emu         0.2000  a.png"
    assert second == "cat         0.3333  dog, small  0.3333  ü�[31m�,.png"


def test_csv_is_read_back():
    writer = output.Writer("csv", CLASSES, 5)
    header, first, second = csv.reader(io.StringIO(f"{writer.header()}\n{writer.rows(OUTCOMES)}\n"))
    numbered = [f"{what}_{n}" for n in (1, 2, 3) for what in ("class", "probability")]
    assert header == ["image", *numbered, "notes"]
    assert first == [
        *["a.png", "dog, small", "0.7", "emu", "0.2", "cat", "0.1"],
        "inverted; much darker",
    ]
    assert second[0] == OUTCOMES[2].name.replace("\x1b", r"\u001b")
    assert np.float32(second[2]) == np.float32(1 / 3)


def test_json_lines_hold_the_exact_probabilities():
    writer = output.Writer("jsonl", CLASSES, 1)
    assert writer.header() == ""
    first, second = map(json.loads, writer.rows(OUTCOMES).split("\n"))
    assert first == {
        "image": "a.png",
        "width": 640,
        "height": 480,
        "predictions": [{"class": "dog, small", "label": 1, "probability": 0.7}],
        "notes": ["inverted", "much darker"],
    }
    assert second["image"] == OUTCOMES[2].name
    assert np.float32(second["predictions"][0]["probability"]) == np.float32(1 / 3)


def test_json_is_a_list_of_the_same_objects_whatever_the_batches():
    lines = output.Writer("jsonl", CLASSES, 2).rows(OUTCOMES).split("\n")
    for batches in ([OUTCOMES], [[one] for one in OUTCOMES]):
        writer = output.Writer("json", CLASSES, 2)
        rows = [rows for batch in batches if (rows := writer.rows(batch))]
        assert json.loads("\n".join([*rows, writer.end()])) == list(map(json.loads, lines))


def test_json_says_what_csv_says():
    table, listed = (output.Writer(form, CLASSES, 3) for form in ("csv", "json"))
    rows = csv.DictReader(io.StringIO(f"{table.header()}\n{table.rows(OUTCOMES)}\n"))
    objects = json.loads(listed.rows(OUTCOMES) + listed.end())
    assert len(objects) == 2
    for row, found in zip(rows, objects, strict=True):
        assert row["image"] == found["image"].replace("\x1b", r"\u001b")
        assert row["notes"] == "; ".join(found["notes"])
        for n, one in enumerate(found["predictions"], 1):
            assert row[f"class_{n}"] == one["class"] == CLASSES[one["label"]]
            assert float(row[f"probability_{n}"]) == one["probability"]


@pytest.mark.parametrize("form", output.FORMATS)
def test_nothing_of_nothing(form):
    writer = output.Writer(form, CLASSES, 1)
    assert writer.rows([OUTCOMES[1]]) == ""
    assert writer.end() == ("[]" if form == "json" else "")


def test_notes_are_counted_with_examples_and_hints():
    notes = output.Notes()
    assert notes.lines("cats") == []
    resized = adapt.RESIZED.format("stretch")
    for n in range(1000):
        notes.add(Outcome(f"{n}.png", np.float32([1]), (resized,), 640, 480))
    notes.add(Outcome("x.png", np.float32([1]), (drift.BRIGHTER,), 8, 8))
    notes.add(Outcome("y.png", np.float32([1])))
    head, first, second = notes.lines("cats")
    assert head.startswith("1,001 unlike the training images of cats")
    assert first == (
        "  1,000 of another size (stretch): 0.png (640x480), 1.png (640x480) and 998 more; "
        "--resize crop or pad keeps the aspect ratio"
    )
    assert second.startswith("  1 much brighter: x.png (8x8); --invert")


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [
        (
            0.9,
            "test accuracy 90.00%; chance would give 50.00%, and always answering cat 50.00%",
        ),
        (
            0.5,
            "its accuracy 50.00% is no better than always answering cat, 50.00%; chance would "
            "give 50.00%",
        ),
    ],
)
def test_a_run_is_shown_beside_guesses(tmp_path, monkeypatch, accuracy, words):
    monkeypatch.chdir(tmp_path)
    assert output.trust("cats") == output.trust("./cats") == []
    scores = ClassScores(f1=accuracy, precision=accuracy, recall=accuracy, support=500)
    interval = Interval(low=accuracy - 0.03, high=accuracy + 0.03)
    measured = Evaluation(
        accuracy=accuracy,
        accuracy_interval=interval,
        classes={"cat": scores, "dog": scores},
        expected_calibration_error=0.1,
        loss=0.7,
        n=1000,
        train_accuracy=accuracy,
    )
    measured.write(Path("metrics/runs/cats/evaluation.json"))
    assert output.trust("cats") == [f"cats: {words}"]
