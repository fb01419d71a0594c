"""Fuzz a reader, guided by coverage: ``python -m tests.fuzz TARGET [SECONDS]``.

Whatever a reader makes of its input, it returns it or raises a ``DataError``: anything else, a
gigabyte of memory or thirty seconds are a finding, which is written to ``logs/fuzz/``.
"""

import atexit
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["pipeline", "py7zr", "tarfile", "zipfile"]):
    from pipeline.archives import members, names, zip_file
    from pipeline.archives.limits import Limits
    from pipeline.images import idx

from pipeline.core.errors import DataError
from tests.support.archives import write
from tests.support.builders import write_7z, write_windows_zip

FINDINGS = Path("logs/fuzz")
MEMORY = Path("/dev/shm")
LIMITS = Limits(total_bytes=1 << 28, member_bytes=1 << 26)
MEMBERS = [("train/", b""), ("train/1.png", b"one" * 50), ("train/2.png", b""), ("b", b"2")]


def read_idx(content: bytes, _: Path) -> None:
    """Parse an IDX file; what is parsed is written as it was."""
    array = idx.loads(content)
    if array.size:
        assert idx.dumps(array) == content


def seed_idx(folder: Path) -> None:
    """Arrays of several types and ranks."""
    for number, array in enumerate((np.zeros((2, 3, 4), np.uint8), np.arange(5.0), np.int32(7))):
        (folder / str(number)).write_bytes(idx.dumps(np.asarray(array)))


def read_archive(suffix: str) -> Callable[[bytes, Path], None]:
    """Read every member of an archive."""

    def read(content: bytes, folder: Path) -> None:
        path = folder / f"a{suffix}"
        path.write_bytes(content)
        for encoding in (None, "gb18030") if suffix == ".zip" else (None,):
            for name, member in members.members(path, ["*.png", "b"], LIMITS, encoding, {}):
                assert isinstance(member, bytes), name
                name.encode()  # no surrogates

    return read


def read_unsaid(content: bytes, folder: Path) -> None:
    """Read the names of a .zip that do not say how they are encoded, and guess it."""
    path = folder / "a.zip"
    path.write_bytes(content)
    try:
        unsaid = list(zip_file.unsaid_names(path))
    except (*members.DAMAGED, NotImplementedError):
        return
    for encoding in names.guess(unsaid):
        assert all(isinstance(names.decoded(name, encoding), str) for name in unsaid)


def seed_archive(suffix: str) -> Callable[[Path], None]:
    """Archives of several kinds of members and, for .7z, of blocks and of methods."""

    def seed(folder: Path) -> None:
        write(folder / f"a{suffix}", MEMBERS)
        write(folder / f"empty{suffix}", [])
        if suffix == ".zip":
            seed_unsaid(folder)
        if suffix == ".7z":
            for number, method in enumerate((0x32, 0x33, 0x03)):  # bzip2, stored, delta
                filters = [{"id": method}]
                if method == 0x03:
                    filters += [{"id": 0x21, "preset": 1}]
                write_7z(folder / f"{number}.7z", MEMBERS, filters=filters)
            write_7z(folder / "a.7z", [("more", b"3")], mode="a")

    return seed


def seed_unsaid(folder: Path) -> None:
    """Archives of Windows' tools."""
    for encoding in ("gb18030", "cp932", "utf-8"):
        write_windows_zip(folder / f"{encoding}.zip", [("\u732b\\1.png", b"1")], encoding)


TARGETS: dict[str, tuple[Callable[[bytes, Path], None], Callable[[Path], None]]] = {
    "idx": (read_idx, seed_idx),
    "names": (read_unsaid, seed_unsaid),
    **{
        suffix: (read_archive(f".{suffix}"), seed_archive(f".{suffix}"))
        for suffix in ("7z", "zip", "tgz", "tar.bz2", "tar.xz", "tar.zst")
    },
}


def main(name: str, seconds: str = "60") -> None:
    """Fuzz a target for some seconds; exits with a status other than 0 after a finding."""
    read, seed = TARGETS[name]
    FINDINGS.mkdir(parents=True, exist_ok=True)
    # In memory where there is such a place, for each input is written to a file.
    work = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    atexit.register(shutil.rmtree, work)
    corpus = work / "corpus"
    corpus.mkdir()
    seed(corpus)

    def one(content: bytes) -> None:
        with contextlib.suppress(DataError):
            read(content, work)

    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={FINDINGS}/{name}-",
        "-rss_limit_mb=1000",
        "-timeout=30",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
