"""Archives."""

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path

from pipeline.archives import members, names, zip_file
from pipeline.archives.limits import Limits
from tests.fuzz.target import Target
from tests.support.archives import write
from tests.support.builders import write_7z, write_tar, write_windows_zip, write_zip

LIMITS = Limits(total_bytes=1 << 28, member_bytes=1 << 26)
MEMBERS = [("train/", b""), ("train/1.png", b"one" * 50), ("train/2.png", b""), ("b", b"2")]


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
    except Exception:
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
            for method in (0, 8, 12, 14):
                write_zip(folder / f"{method}.zip", MEMBERS, method=method)
        if suffix == ".tar":
            seed_headers(folder)
        if suffix == ".7z":
            for number, method in enumerate((0x32, 0x33, 0x03)):  # bzip2, stored, delta
                filters = [{"id": method}]
                if method == 0x03:
                    filters += [{"id": 0x21, "preset": 1}]
                write_7z(folder / f"{number}.7z", MEMBERS, filters=filters)
            write_7z(folder / "a.7z", [("more", b"3")], mode="a")

    return seed


def seed_headers(folder: Path) -> None:
    """Tars of several formats, with headers of every kind."""
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(folder / f"{form}.tar", "w", format=form) as archive:
            for name in ("train/é.png", f"{'long/' * 20}{'x' * 90}.png"):
                archive.addfile(tarfile.TarInfo(name))
    for kind in (tarfile.GNUTYPE_SPARSE, tarfile.XHDTYPE, tarfile.XGLTYPE):
        info = tarfile.TarInfo("b")
        info.type = kind
        body = b"11 size=12\n22 GNU.sparse.major=1\n"
        write_tar(folder / "a.tgz", [(info, body), ("b", b"2")])
        content = gzip.decompress((folder / "a.tgz").read_bytes())
        (folder / f"{kind.decode()}.tar").write_bytes(content)
    (folder / "a.tgz").unlink()


def seed_unsaid(folder: Path) -> None:
    """Archives of Windows' tools."""
    for encoding in ("gb18030", "cp932", "utf-8"):
        write_windows_zip(folder / f"{encoding}.zip", [("\u732b\\1.png", b"1")], encoding)


TARGETS = {
    "names": Target(read_unsaid, seed_unsaid),
    **{
        suffix: Target(read_archive(f".{suffix}"), seed_archive(f".{suffix}"))
        for suffix in ("7z", "zip", "tar", "tgz", "tar.bz2", "tar.xz", "tar.zst")
    },
}
