"""The command that takes a dataset's new state: it shows, asks and writes."""

from pathlib import Path

import pytest

from pipeline.core.params import read_yaml
from tests.support import builders


@pytest.mark.slow
def test_it_shows_asks_and_writes(call, project):
    """A published table gets another label; the dataset's files lie in data/raw already."""
    same = call("update-dataset", "tiny_png")
    assert same.stdout.startswith("tiny_png: nothing changed since it was pinned (2 files, ")
    table = project.folder / "published/tiny_png/trainLabels.csv"
    lines = table.read_text().splitlines()
    id_, class_ = lines[1].split(",")
    other = next(name for name in builders.CLASSES if name != class_)
    lines[1] = f"{id_},{other}"
    table.write_text("\n".join(lines) + "\n")
    before = Path("params.yaml").read_bytes()
    asked = call("update-dataset", "tiny_png")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert f"  moved    1 to another class: {class_} → {other}: {id_}" in asked.stdout
    assert "Some of these images: logs/tiny_png-update.png" in asked.stdout
    assert asked.stdout.endswith(
        "params.yaml stays as it is. To change it, run this again with --yes\n"
    )
    assert Path("params.yaml").read_bytes() == before
    done = call("update-dataset", "tiny_png", "--yes")
    assert done.stdout.endswith("Written. Now run: dvc repro report@tiny_png\n")
    files = read_yaml(Path("params.yaml"))["datasets"]["tiny_png"]["download"]["files"]
    assert [file["bytes"] for file in files][-1] == table.stat().st_size
    assert call("update-dataset", "nothing").returncode == 1
