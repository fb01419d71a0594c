import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest

from pipeline.report import plots

HOSTILE = {
    "font.family": "serif",
    "font.size": 31,
    "figure.dpi": 17,
    "savefig.bbox": "tight",
    "savefig.transparent": True,
    "axes.facecolor": "red",
    "image.cmap": "jet",
    "lines.antialiased": False,
    "text.parse_math": True,
}
NAMES = (r"$\frac{", "50% _off_", "naïve", "猫", "line\nbreak", "x" * 200)
HISTORY = {
    "epoch": np.arange(1.0, 4),
    "train_loss": np.array([0.9, 0.5, 0.3]),
    "train_accuracy": np.array([0.6, 0.8, 0.9]),
    "validation_loss": np.array([0.8, 0.6, 0.7]),
    "validation_accuracy": np.array([0.65, 0.75, 0.7]),
    "test_loss": np.array([0.85, 0.65, 0.75]),
    "test_accuracy": np.array([0.6, 0.7, 0.65]),
    "learning_rate": np.full(3, 0.001),
}


def counts(classes):
    return np.random.default_rng(1).integers(0, 1200, (classes, classes))


def scores(names):
    values = np.linspace(0, 1, 3 * len(names)).reshape(-1, 3).tolist()
    return {
        name: dict(zip(("precision", "recall", "f1"), row, strict=True))
        for name, row in zip(names, values, strict=True)
    }


def every_figure():
    return {
        "curves": plots.curves(HISTORY),
        "confusion": plots.confusion(counts(len(NAMES)), NAMES),
        "scores": plots.scores(scores(NAMES), NAMES),
    }


def digests(folder):
    found = {}
    for name, figure in every_figure().items():
        plots.save(figure, folder / f"{name}.png", 50)
        found[name] = hashlib.sha256((folder / f"{name}.png").read_bytes()).hexdigest()
    return found


def shown(axes):
    return [text.get_text() for text in axes.texts]


def test_the_users_settings_change_no_byte(tmp_path):
    plain = digests(tmp_path)
    with matplotlib.rc_context(HOSTILE):
        assert digests(tmp_path) == plain


def test_another_process_with_a_hostile_matplotlibrc_writes_the_same_bytes(tmp_path):
    rc = tmp_path / "matplotlibrc"
    rc.write_text("".join(f"{key}: {value}\n" for key, value in HOSTILE.items()))
    code = (
        "import json, pathlib, sys\n"
        "from tests.report import test_plots as test_figures\n"
        "print(json.dumps(test_figures.digests(pathlib.Path(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"MATPLOTLIBRC": str(rc), "MPLBACKEND": "svg", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == digests(tmp_path)


def test_a_file_is_an_opaque_png_without_date_or_program(tmp_path):
    plots.save(plots.curves(HISTORY), tmp_path / "a.png", 50)
    content = (tmp_path / "a.png").read_bytes()
    assert b"tEXt" not in content
    assert b"tIME" not in content
    pixels = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    assert pixels.shape == (195, 500, 4)
    assert (pixels[..., 3] == 255).all()
    assert (pixels[0, 0] == 255).all()


def test_curves_are_the_history():
    figure = plots.curves(HISTORY)
    loss, accuracy = figure.axes
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        subsets = ("train", "validation", "test")
        for line, subset in zip(axes.lines, subsets, strict=True):
            np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
            np.testing.assert_array_equal(line.get_ydata(), HISTORY[f"{subset}_{name}"])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["train (mean over the epoch)", "validation", "test (drawn, not used)"]


@pytest.mark.parametrize("epochs", [1, 2, 300])
def test_curves_without_validation_and_test(tmp_path, epochs):
    history = {
        "epoch": np.arange(1.0, epochs + 1),
        "train_loss": np.linspace(1, 0.5, epochs),
        "train_accuracy": np.linspace(0.5, 1, epochs),
    }
    figure = plots.curves(history)
    plots.save(figure, tmp_path / "a.png", 50)
    assert len(figure.axes[0].lines) == 1
    assert bool(figure.axes[0].lines[0].get_marker()) == (epochs <= plots.MARKED_EPOCHS)
    assert all(tick == int(tick) for tick in figure.axes[0].get_xticks())


def test_confusion_writes_every_count_in_its_cell():
    matrix = counts(10)
    axes = plots.confusion(matrix, list("abcdefghij")).axes[0]
    found = np.zeros((10, 10), int)
    for text in axes.texts:
        column, row = text.get_position()
        found[row, column] = int(text.get_text().replace(",", ""))
    np.testing.assert_array_equal(found, matrix)
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert [label.get_text() for label in axes.get_yticklabels()] == list("abcdefghij")


def test_confusion_of_a_class_without_images(tmp_path):
    matrix = np.array([[5, 0], [0, 0]])
    figure = plots.confusion(matrix, ("some", "none"))
    plots.save(figure, tmp_path / "a.png", 50)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), [[1, 0], [0, 0]])


@pytest.mark.parametrize(("classes", "named"), [(100, True), (1000, False)])
def test_confusion_of_many_classes_has_no_counts(tmp_path, classes, named):
    names = [f"class {number}" for number in range(classes)]
    figure = plots.confusion(counts(classes), names)
    plots.save(figure, tmp_path / "a.png", 50)
    axes = figure.axes[0]
    assert not axes.texts
    assert ("class 99" in [label.get_text() for label in axes.get_xticklabels()]) == named


def test_scores_are_bars_in_the_order_of_the_classes():
    axes = plots.scores(scores(("b", "a")), ("b", "a")).axes[0]
    widths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    np.testing.assert_allclose(widths, [[0, 0.6], [0.2, 0.8], [0.4, 1]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]
    assert axes.yaxis_inverted()
    assert shown(axes) == ["0.400", "1.000"]


def test_scores_of_too_many_classes_are_the_lowest():
    names = [f"class {number}" for number in range(130)]
    axes = plots.scores(scores(names), names[::-1]).axes[0]
    found = [label.get_text() for label in axes.get_yticklabels()]
    assert found == [f"class {number}" for number in range(99, -1, -1)]


def test_names_are_no_mathematics(tmp_path):
    name = r"$\frac{1}{"
    figure = plots.confusion(counts(2), (name, "$5 and $6"))
    plots.save(figure, tmp_path / "a.png", 50)
    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == [name, "$5 and $6"]
    assert not any(label.get_parse_math() for label in labels)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Größe Ω ж", "Größe Ω ж"),
        ("猫", r"\u732b"),
        ("a\x00\x1b[31m", r"a\x00\x1b[31m"),
        ("a\u202eb", r"a\u202eb"),
        ("y" * 24, "y" * 24),
        ("y" * 25, "y" * 23 + "…"),
        ("", ""),
    ],
)
def test_text(name, expected):
    assert plots.text(name) == expected
