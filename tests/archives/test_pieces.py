"""Archives in pieces, as 7-Zip cuts them, and pieces that cannot be read one after the other."""

import random
import shutil
import subprocess

import pytest

from pipeline.archives import pieces
from pipeline.archives.limits import Limits
from pipeline.core.errors import DataError
from tests.support.archives import FEW, MEMBERS, NOISE, read, refusal, write


def cut(path, length):
    """Cut a file into pieces; return the first one."""
    content = path.read_bytes()
    for number, start in enumerate(range(0, len(content), length), 1):
        path.with_name(f"{path.name}.{number:03}").write_bytes(content[start : start + length])
    path.unlink()
    return path.with_name(f"{path.name}.001")


@pytest.mark.parametrize("suffix", [".7z", ".zip", ".tar", ".tar.gz", ".tar.xz"])
@pytest.mark.parametrize("length", [7_000, 1 << 20])
def test_pieces_are_read_as_one_archive(tmp_path, suffix, length):
    first = cut(write(tmp_path / f"a{suffix}", MEMBERS), length)
    shutil.copy(first, tmp_path / "b.7z.001")  # the pieces of others are no concern
    assert read(first) == MEMBERS


def test_a_piece_that_is_missing(tmp_path):
    first = cut(write(tmp_path / "a.7z", MEMBERS), 300_000)
    tmp_path.joinpath("a.7z.002").rename(tmp_path / "kept")
    with pytest.raises(DataError, match=r"a\.7z\.002 is missing, a piece of a\.7z; get all"):
        read(first)
    tmp_path.joinpath("kept").rename(tmp_path / "a.7z.002")
    assert "name the first one, a.7z.001" in refusal(tmp_path / "a.7z.002")
    max(tmp_path.iterdir()).unlink()
    assert "truncated, damaged or no such archive" in refusal(first)


def test_limits_are_of_all_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.archives.limits.SMALL", 0)
    content = [("a.bin", NOISE), ("b.bin", bytes(5_000_000))]
    limits = Limits(1 << 30, 1 << 24, ratio=6)
    first = cut(write(tmp_path / "a.zip", content), 100_000)
    assert read(first, "*", limits) == content
    assert "far more than its own" in refusal(first, "*", limits._replace(ratio=5))


def test_any_read_is_that_of_the_whole_file(tmp_path):
    (tmp_path / "a").write_bytes(NOISE)
    first = cut(tmp_path / "a", 1_000)
    assert (tmp_path / "a.1200").exists()
    choose = random.Random(0)
    with pieces.opened(first) as file:
        for _ in range(300):
            start, length = choose.randrange(len(NOISE) + 10), choose.randrange(5_000)
            assert file.seek(start) == start
            assert file.read(length) == NOISE[start : start + length]
        assert file.seek(0, 2) == len(NOISE)
        file.seek(-5, 2)
        assert file.read() == NOISE[-5:]


def test_the_last_piece_of_a_zip(tmp_path):
    """``zip -s`` counts from each of its pieces."""
    if not shutil.which("zip"):
        pytest.skip("there is no zip here")
    (tmp_path / "a.bin").write_bytes(NOISE)
    subprocess.run(["zip", "-qs", "64k", "a.zip", "a.bin"], cwd=tmp_path, check=True)
    expected = "the last of 19 pieces (.z01 …); join them with: zip -s 0 NAME.zip --out whole.zip"
    assert expected in refusal(tmp_path / "a.zip")
    assert "is a piece of a .zip; join all with" in refusal(tmp_path / "a.z01")


def test_a_whole_zip_that_ends_as_if_in_pieces(tmp_path):
    path = write(tmp_path / "a.zip", FEW)
    content = path.read_bytes()
    path.write_bytes(content[:-18] + b"\2\0" + content[-16:])
    assert "the last of 3 pieces" in refusal(path)
