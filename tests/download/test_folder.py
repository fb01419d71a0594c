import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from pipeline.archives import members as archive_members
from pipeline.archives.limits import Limits
from pipeline.core.errors import SourceError
from pipeline.download import folder as protocol
from pipeline.download.fetch import download
from pipeline.download.folder import PackingError
from pipeline.download.params import DownloadParams, PublishedFile

FILES = {
    "cat/1.png": b"one",
    "cat/" + "long" * 60 + ".png": b"two" * 300,
    "dog/猫 2.png": b"",
    "a.csv": b"x" * 512,
}
PINNED = "d199546128e9e93d2297660facd33d4cdfdeb1493a655a6acd0962ea81d7d82f"


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    hidden = (".ipynb_checkpoints/1.png", "cat/.trash/1.png", "cat/@eaDir/1.png/SYNOPHOTO.jpg")
    for name in (".DS_Store", "cat/._1.png", "__MACOSX/cat/1.png", "Thumbs.db", *hidden):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left")
    return tmp_path / "pets"


def packed(folder):
    members = protocol.members(folder)
    content = b"".join(protocol.pack(folder, members))
    assert len(content) == protocol.length(members)
    return content


def test_other_programs_read_it(folder, tmp_path):
    path = tmp_path / "pets.tar"
    path.write_bytes(packed(folder))
    with tarfile.open(path) as archive:
        contents = {info.name: archive.extractfile(info).read() for info in archive}
        assert {(i.mtime, i.uid, i.uname, i.mode) for i in archive} == {(0, 0, "", 0o644)}
    assert contents == FILES
    assert list(contents) == sorted(contents)
    assert dict(archive_members.members(path, "*", Limits(10**6, 10**6))) == FILES


def test_bytes_depend_on_names_and_contents_alone(folder):
    """A literal hash, since it is what pins a folder, for this and every later version."""
    before = packed(folder)
    assert hashlib.sha256(before).hexdigest() == PINNED
    os.utime(folder / "a.csv", (1, 1))
    (folder / "a.csv").chmod(0o600)
    (folder / "cat/1.png").rename(folder / "cat/.1.png")
    (folder / "cat/2.png").symlink_to(folder / "cat/.1.png")
    (folder / "cat/1.png").symlink_to("2.png")
    assert packed(folder) != before
    (folder / "cat/2.png").rename(folder / "cat/.2.png")
    (folder / "cat/1.png").unlink()
    (folder / "cat/1.png").symlink_to(folder / "cat/.2.png")
    assert packed(folder) == before


def test_it_is_downloaded_as_a_file_and_verified(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pin = hashlib.sha256(packed(folder)).hexdigest()
    file = PublishedFile(name="pets.tar", sha256=pin, sources=("folder:pets",))
    params = DownloadParams(files=(file,))
    done = download("pets", params, Path("raw"))
    assert done.startswith("1 file, 0.0 MB from folder:")
    assert Path("raw/pets.tar").read_bytes() == packed(folder)
    (folder / "cat/1.png").write_bytes(b"another")
    assert "there already" in download("pets", params, Path("raw"))
    Path("raw/pets.tar").unlink()
    with pytest.raises(SourceError, match=r"folder:pets: SHA-256 is .*, not the pinned") as caught:
        download("pets", params, Path("raw"))
    assert str(caught.value).endswith(
        "or take what is published now: python -m pipeline update-dataset pets"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cat/1.png").write_bytes(b"two"),
        lambda folder: (folder / "cat/3.png").write_bytes(b""),
        lambda folder: (folder / "a.csv").unlink(),
        lambda folder: (folder / "a.csv").rename(folder / "b.csv"),
        lambda folder: (folder / "all").symlink_to(folder),
    ],
)
def test_a_folder_that_changed_since_is_told_once(folder, tmp_path, monkeypatch, capsys, change):
    monkeypatch.chdir(tmp_path)
    content = packed(folder)
    pin = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    params = DownloadParams(files=(PublishedFile(name="a.tar", sources=("folder:pets",), **pin),))
    Path("raw").mkdir()
    Path("raw/a.tar").write_bytes(content)
    download("pets", params, Path("raw"))
    assert capsys.readouterr() == ("", "")
    change(folder)
    download("pets", params, Path("raw"))
    assert capsys.readouterr().err == (
        "pets has changed since a.tar was packed from it, which stays as it is; to see what "
        "changed, and to take it: python -m pipeline update-dataset pets\n"
    )
    folder.rename(tmp_path / "elsewhere")
    download("pets", params, Path("raw"))
    assert capsys.readouterr() == ("", "")
    assert Path("raw/a.tar").read_bytes() == content


def remove_all(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (remove_all, "folder:pets: holds no files"),
        (lambda folder: folder.rename(folder.with_name("x")), "folder:pets: no such folder"),
        (lambda folder: (folder / "all").symlink_to(folder), "all is a link to a folder; put"),
        (lambda folder: (folder / "gone").symlink_to("nothing"), "gone is no plain file, or leads"),
        (lambda folder: (folder / "out").symlink_to("../o.png"), "out is a link to a file outside"),
        (lambda folder: (folder / "in").symlink_to("out1"), "in is a link to a file outside the"),
        (lambda folder: (folder / "in").symlink_to("/etc/hostname"), "the folder; copy the file"),
        (lambda folder: (folder / "loop").symlink_to("loop"), "loop is no plain file, or leads"),
        (lambda folder: (folder / "up").symlink_to(".."), "up is a link to a folder; put"),
        (lambda folder: os.mkfifo(folder / "fifo"), "fifo is no plain file"),
        (lambda folder: (folder / "\udcff.png").touch(), "is no Unicode text; rename it"),
    ],
)
def test_what_cannot_be_packed_is_named(folder, tmp_path, monkeypatch, change, reason):
    monkeypatch.chdir(tmp_path)
    Path("o.png").write_bytes(b"secret")
    Path("pets2").mkdir()
    Path("pets2/o.png").write_bytes(b"secret")
    (folder / ".out1").symlink_to(tmp_path / "pets2/o.png")
    (folder / ".out1").rename(folder / "out1") if reason.startswith("in ") else None
    change(folder)
    file = PublishedFile(name="pets.tar", sources=("folder:pets",))
    with pytest.raises(SourceError) as caught:
        download("pets", DownloadParams(files=(file,)), Path("raw"))
    assert reason in str(caught.value)
    assert not Path("raw").exists()


def test_a_folder_deeper_than_a_path_can_be_is_refused(folder):
    here = os.open(folder, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    with pytest.raises(PackingError, match=r"cannot be read \(File name too long\)$"):
        protocol.members(folder)


def test_too_many_files_are_refused(folder, monkeypatch):
    monkeypatch.setattr(protocol, "MOST_FILES", 3)
    with pytest.raises(PackingError, match=r"^holds more than 3 files and folders; pack it"):
        protocol.members(folder)


def test_a_file_that_grows_meanwhile_is_named(folder):
    members = protocol.members(folder)
    (folder / "cat/1.png").write_bytes(b"longer")
    with pytest.raises(PackingError, match=r"cat/1\.png changed while it was read"):
        b"".join(protocol.pack(folder, members))


def test_a_folder_is_a_tar():
    with pytest.raises(ValueError, match=r"name must end in \.tar, as which a folder is packed"):
        PublishedFile(name="pets.zip", sources=("folder:pets",))
