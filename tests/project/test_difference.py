"""Difference of a dataset between two revisions, from a project of Git and DVC."""

import shutil
from argparse import Namespace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from dvc.repo import Repo

from pipeline.commands.data import data_diff
from pipeline.core import files
from pipeline.core.errors import PipelineError
from pipeline.project import difference
from pipeline.shards import shard
from pipeline.shards.columns import Rows
from pipeline.shards.index import Index, Quarantined, ShardFile
from pipeline.subsets import split
from tests.support import builders
from tests.support.builders import CLASSES
from tests.support.dvc_project import git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC
GRAPH = "stages: {data: {cmd: 'true', outs: [data/shards/pets, data/splits/pets.parquet]}}\n"
PICTURE = Path("logs/pets.png")


def write(ids, side=4, bad=()):
    """Write shards and a split of images whose ids are class/number, every fourth a test image."""
    shutil.rmtree("data", ignore_errors=True)
    folder, shape = Path("data/shards/pets"), (side, side, 3)
    folder.mkdir(parents=True)
    labels = np.array([CLASSES.index(id_.partition("/")[0]) for id_ in ids], np.int32)
    numbers = [int(id_.partition("/")[2]) for id_ in ids]
    pixels = np.stack([builders.pixels([0], shape, seed=number)[0] for number in numbers])
    rows = Rows(list(ids), np.arange(len(ids), dtype=np.int32), labels, pixels)
    written = shard.write(folder / "a.parquet", [rows], CLASSES, shape)
    file = ShardFile(name="a.parquet", rows=written.rows, bytes=1, sha256="0" * 64)
    left = tuple(Quarantined(id=id_, name=id_, reason="is bad") for id_ in bad)
    Index(
        format="parquet",
        shape=shape,
        classes=CLASSES,
        divisor=255,
        rows=written.rows,
        files=(file,),
        quarantined=left,
        content_sha256="0" * 64,
    ).write(folder)
    subsets = np.array([0 if number % 4 else 2 for number in numbers], np.int8)
    Path("data/splits").mkdir()
    split.write(
        Path("data/splits/pets.parquet"), split.Split(pa.chunked_array([list(ids)]), subsets)
    )


def commit():
    with Repo(".") as repo:
        repo.commit(force=True)
    git("add", ".")
    git("commit", "-qm", "data")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Enter a project with two revisions of a dataset and other data here."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q", ".")
    Repo.init(".").close()
    Path("dvc.yaml").write_text(GRAPH)
    write([f"cat/{n}" for n in range(6)] + [f"dog/{n}" for n in range(10, 14)])
    commit()
    write([f"cat/{n}" for n in range(1, 6)] + [f"dog/{n}" for n in range(10, 15)], bad=["emu/1"])
    commit()
    write([f"cat/{n}" for n in range(1, 5)])
    return tmp_path


def test_two_revisions_are_compared_by_class_and_subset_with_a_picture(project):
    told = difference.describe("pets", "HEAD~1", "HEAD", PICTURE)
    assert told.splitlines()[:4] == [
        "pets: HEAD~1 → HEAD",
        "10 images before, 10 now",
        "  came     1: dog/14",
        "  went     1: cat/0",
    ]
    assert "all classes  1     1                                   7 → 8  3 → 2  10" in told
    assert "note: images left out: 0 → 1 (emu/1)" in told
    assert f"Some of these images: {PICTURE}" in told
    assert PICTURE.stat().st_size > 1000
    assert files.read_json(Path("data/shards/pets/index.json"))["rows"] == 4  # as before


def test_a_revision_is_compared_with_what_is_here(project):
    assert "  went     6: cat/5, dog/10" in difference.describe("pets", "HEAD", "", PICTURE)
    same = data_diff.run(Namespace(name="pets", before="HEAD", after="HEAD", fetch=False))
    assert same == "pets: HEAD → HEAD: 10 images, all as they were"


def test_images_that_were_decoded_otherwise_are_compared_by_their_ids(project):
    write([f"cat/{n}" for n in range(2, 6)] + [f"dog/{n}" for n in range(10, 15)], side=5)
    told = difference.describe("pets", "HEAD", "", PICTURE)
    assert "  went     1: cat/1" in told
    assert "changed " not in told.partition("\n\n")[0]
    assert "note: decoded otherwise (4x4x3 of uint8 → 5x5x3 of uint8)" in told


def test_what_the_cache_lacks_is_fetched_when_it_is_asked_for(project, capfd):
    with Repo(".") as repo, repo.config.edit("repo") as config:
        config["core"]["remote"] = "there"
        config["remote"]["there"] = {"url": str(project / "remote")}
    shutil.move(".dvc/cache", "remote")
    with pytest.raises(PipelineError) as caught:
        difference.describe("pets", "HEAD~1", "HEAD", PICTURE)
    assert str(caught.value) == (
        "data/shards/pets of HEAD~1 is not in DVC's cache; run this again with --fetch, or: dvc "
        "fetch --all-commits data/shards/pets data/splits/pets.parquet"
    )
    told = difference.describe("pets", "HEAD~1", "HEAD", PICTURE, fetch=True)
    assert "  came     1: dog/14" in told
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("remote")
    capfd.readouterr()
    with pytest.raises(PipelineError, match="nor on the default remote"):
        difference.describe("pets", "HEAD~1", "HEAD", PICTURE, fetch=True)
    assert capfd.readouterr() == ("", "")
