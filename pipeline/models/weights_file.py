"""Opening a file of weights, whatever it is: its HDF5 content, and its layers' configuration."""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from pipeline.core import files, paths
from pipeline.core.errors import DataError, shown
from pipeline.models import hdf5
from pipeline.models.hdf5 import UnreadableError

WEIGHTS = "model.weights.h5"
ARCHITECTURE = "architecture.json"
SHA256 = "weights_sha256"
"""The key of ``architecture.json`` that has the SHA-256 of ``WEIGHTS``, in hexadecimal."""
CONFIG = "config.json"
"""The name of a network's configuration in a ``.keras`` file."""
SUFFIXES = ".weights.h5, .h5 or .keras"
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
HEAD = 512
"""Bytes at the start of a file that tell what it is."""
LARGEST_CONFIG = 8 << 20
"""Bytes of a network's configuration; one of a thousand layers has about two million."""
LARGEST_TABLE = 1 << 20
"""Bytes of a ``.keras`` file's table of members, of which Keras writes three and a few assets."""
LARGEST_GROWTH = 8
"""What a compressed member may become, as a multiple of the file, ``FREE_GROWTH`` apart. Keras
compresses none."""
FREE_GROWTH = 1 << 20
"""Bytes that a member may have in any case."""
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
END, END_64 = b"PK\x05\x06", b"PK\x06\x07"
"""The end of a zip file, and what stands before it if the file has more than 4 GB."""


def content(path: Path, stack: ExitStack) -> tuple[IO[bytes], Any]:
    """Open a file of weights, or that in a model's folder.

    Returns
    -------
    tuple
        HDF5's bytes, which ``stack`` closes, and the network's configuration, as Keras writes it in
        JSON, or None if the file does not tell it.

    Raises
    ------
    FileNotFoundError
        If it is missing.
    UnreadableError
        If it is something else.
    """
    if is_model(path):
        return _of_model(path, stack)
    if path.is_dir():
        raise UnreadableError(
            "is a folder, not that of a model",
            f"name the model of a run, such as data/models/RUN, or a file {SUFFIXES}",
        )
    file = regular(path, stack)
    if _head(file).startswith(ZIP):
        return _unpacked(file, stack)
    return _hdf5(path, stack), None


def is_model(path: Path) -> bool:
    """Tell if a path is the folder of a model, whole or not."""
    return (path / ARCHITECTURE).exists() or (path / WEIGHTS).exists()


def regular(path: Path, stack: ExitStack) -> IO[bytes]:
    """Open a file for reading, without waiting for what is a FIFO or a device."""
    # Without a buffer, since a child reads from where its descriptor stands.
    file: IO[bytes] = files.open_regular(path).detach()  # type: ignore[assignment]
    return stack.enter_context(file)


def mapping(path: Path) -> dict[str, Any]:
    """Return the mapping in an ``architecture.json``.

    Raises
    ------
    FileNotFoundError
        If it is missing.
    UnreadableError
        If it is no JSON, or longer than a network's configuration.
    """
    with ExitStack() as stack:
        return _json(regular(path, stack).read(LARGEST_CONFIG + 1), ARCHITECTURE)


def configuration(folder: Path) -> dict[str, Any]:
    """Return the mapping in the ``architecture.json`` of ``folder``, whatever it holds.

    Raises
    ------
    DataError
        If it is missing, or is no mapping in JSON.
    """
    try:
        return mapping(folder / ARCHITECTURE)
    except FileNotFoundError:
        remedy = missing(folder)
        raise DataError(f"{folder / ARCHITECTURE} is missing; {remedy}") from None
    except UnreadableError as error:
        raise unreadable(folder, f"{ARCHITECTURE} {error}") from None


def unreadable(folder: Path, reason: str) -> DataError:
    """Return the error of a folder in which no model can be read."""
    return DataError(f"{folder}: no model can be read there ({shown(reason, 200)}); train again")


def missing(path: Path) -> str:
    """Return how to get a path that is missing.

    Examples
    --------
    >>> missing(Path("data/models/mine"))
    'make it (dvc repro train@mine), or fetch it (dvc pull data/models/mine)'
    """
    for tracked in (path, *path.parents):
        if tracked.name and tracked.with_name(f"{tracked.name}.dvc").is_file():
            return f"fetch it (dvc pull {tracked})"
    for model in (path, *path.parents):
        if model == paths.model(model.name):
            return f"make it (dvc repro train@{model.name}), or fetch it (dvc pull {model})"
    return f"name the folder of a model, or a file {SUFFIXES}"


def damaged(path: Path) -> str:
    """Return how to replace a path that cannot be read."""
    for model in (path, *path.parents):
        if model == paths.model(model.name):
            return f"delete it and run dvc repro train@{model.name}, or dvc pull {model}"
    return "get it again from where it comes from"


def _hdf5(path: Path, stack: ExitStack) -> IO[bytes]:
    file = regular(path, stack)
    head = _head(file)
    if not head.startswith(HDF5):
        raise _is_something_else(head)
    return file


def _head(file: IO[bytes]) -> bytes:
    head = file.read(HEAD)
    file.seek(0)
    return head


def _is_something_else(head: bytes) -> UnreadableError:
    """Say what a file is, by its first bytes, if it is no HDF5."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head:
        return UnreadableError("is empty")
    if text.startswith(b"version https://git-lfs"):
        remedy = "run git lfs pull where it comes from, or download the file itself"
        return UnreadableError("is a pointer of Git LFS to the weights, not the weights", remedy)
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<!--", b"<?xml", b"<")):
        remedy = "download the file itself, not the page that shows it"
        return UnreadableError("is an HTML or XML page, not weights", remedy)
    if text.startswith((b"outs:", b"md5:")):
        return UnreadableError("is a file of DVC, not weights", "name the path that it tracks")
    if head[0] == 0x80 and head[1:2] in b"\2\3\4\5":
        return _is_pickle()
    if head.startswith(b"\x1f\x8b"):
        return UnreadableError("is compressed by gzip", "unpack it (gunzip)")
    if head[8:9] == b"{":
        return UnreadableError("is a safetensors file", f"convert it into {SUFFIXES} with Keras")
    return UnreadableError("is damaged, or no file of weights: it has no HDF5 in it")


def _is_pickle() -> UnreadableError:
    fault = "is a pickle, as PyTorch and scikit-learn write them, which could hold code"
    return UnreadableError(fault, f"convert it into {SUFFIXES} with the library that wrote it")


def _of_model(folder: Path, stack: ExitStack) -> tuple[IO[bytes], Any]:
    """Return the weights in a model's folder, which are those recorded, and its configuration."""
    file = _hdf5(folder / WEIGHTS, stack)
    if not (folder / ARCHITECTURE).exists():
        return file, None
    try:
        value = mapping(folder / ARCHITECTURE)
    except UnreadableError as error:
        raise UnreadableError(f"stands beside an {ARCHITECTURE} that {error}") from None
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    # Models of earlier versions record none.
    if value.get(SHA256, digest) != digest:
        raise UnreadableError(f"is damaged: its SHA-256 is not the one in {ARCHITECTURE}")
    file.seek(0)
    return file, value.get("keras")


def _json(text: bytes, name: str) -> dict[str, Any]:
    """Return the mapping that a network's configuration is."""
    if len(text) > LARGEST_CONFIG:
        raise UnreadableError(f"has more than {LARGEST_CONFIG >> 20} MiB in {name}")
    with hdf5.named_faults():
        value = json.loads(text)
    if not isinstance(value, dict):
        raise UnreadableError(f"describes no network in {name}")
    return value


def _unpacked(file: IO[bytes], stack: ExitStack) -> tuple[IO[bytes], Any]:
    """Return the weights of a ``.keras`` file, in a temporary file, and its configuration."""
    _refuse_long_table(file)
    try:
        with hdf5.named_faults():
            archive = stack.enter_context(zipfile.ZipFile(file))
            _refuse_unusual(archive, os.fstat(file.fileno()).st_size)
            with archive.open(CONFIG) as member:
                config = _json(member.read(LARGEST_CONFIG + 1), CONFIG)
            weights = stack.enter_context(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115
            with archive.open(WEIGHTS) as member:
                # To the end, which verifies the CRC-32.
                shutil.copyfileobj(member, weights, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UnreadableError(f"is damaged ({shown(str(error), 160)})") from None
    weights.seek(0)
    if not _head(weights).startswith(HDF5):
        raise UnreadableError(f"has a {WEIGHTS} that is no HDF5")
    return weights, config


def _refuse_unusual(archive: zipfile.ZipFile, length: int) -> None:
    """Raise UnreadableError if a zip file of so many bytes is not such as Keras writes."""
    members = {info.filename: info for info in archive.infolist()}
    if any(name.endswith("data.pkl") for name in members):
        raise _is_pickle()
    if WEIGHTS not in members or CONFIG not in members:
        raise UnreadableError(f"is a zip file without {CONFIG} and {WEIGHTS}, so no .keras file")
    if len(members) < len(archive.infolist()):
        raise UnreadableError("has a member twice")
    for info in (members[CONFIG], members[WEIGHTS]):
        if info.flag_bits & 1 or info.compress_type not in METHODS:
            raise UnreadableError(f"has {info.filename} encrypted or in an unusual compression")
        if info.file_size > LARGEST_GROWTH * length + FREE_GROWTH:
            raise UnreadableError(f"has {info.filename} grow to {info.file_size:,} bytes")


def _refuse_long_table(file: IO[bytes]) -> None:
    """Raise UnreadableError if reading the table of a zip file's members would take long."""
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - (1 << 16) - 22))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(END)
    if at < 0 or len(tail) < at + 22:
        raise UnreadableError("is damaged (a zip file without its end)")
    if int.from_bytes(tail[at + 12 : at + 16], "little") > LARGEST_TABLE or tail[
        max(0, at - 20) : at
    ].startswith(END_64):
        raise UnreadableError("is a zip file with too many members, or larger than 4 GB")
