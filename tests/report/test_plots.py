import hashlib
import os
import subprocess
import sys

import cv2
import matplotlib
import pytest
from matplotlib.figure import Figure

from pipeline.report import plots
from tests.support.builders import ROOT

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


@plots.pinned
def drawn():
    """Return a figure that each setting would change."""
    figure = Figure((10, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([1, 2, 3], [0.9, 0.5, 0.3], label="$5 and $6")
    left.set_title(r"$\frac{1}{")
    right.imshow([[0, 1], [2, 3]])
    figure.legend()
    return figure


def digest(path):
    plots.save(drawn(), path, 50)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_users_settings_change_no_byte(tmp_path):
    plain = digest(tmp_path / "a.png")
    with matplotlib.rc_context(HOSTILE):
        assert digest(tmp_path / "b.png") == plain


def test_another_process_with_a_hostile_matplotlibrc_writes_the_same_bytes(tmp_path):
    rc = tmp_path / "matplotlibrc"
    rc.write_text("".join(f"{key}: {value}\n" for key, value in HOSTILE.items()))
    code = (
        "import pathlib, sys\n"
        "from tests.report.test_plots import digest\n"
        "print(digest(pathlib.Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.png")],
        cwd=ROOT,
        env=os.environ | {"MATPLOTLIBRC": str(rc), "MPLBACKEND": "svg", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest(tmp_path / "b.png")


def test_a_file_is_an_opaque_png_without_date_or_program(tmp_path):
    plots.save(drawn(), tmp_path / "a.png", 50)
    content = (tmp_path / "a.png").read_bytes()
    assert b"tEXt" not in content
    assert b"tIME" not in content
    pixels = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    assert pixels.shape == (195, 500, 4)
    assert (pixels[..., 3] == 255).all()
    assert (pixels[0, 0] == 255).all()


def test_names_are_no_mathematics():
    assert not drawn().axes[0].title.get_parse_math()


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
