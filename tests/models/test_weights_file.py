import io
import os
import pickle
import re
import zipfile
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.models import weights, weights_file

CONFIG = b'{"class_name": "Sequential", "config": {"layers": []}}'


def content():
    """A file of one dense layer, as Keras 3 writes it."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = np.ones((40, 30), np.float32)
        file["layers/dense/vars"].attrs["name"] = "logits"
    return buffer.getvalue()


def keras_file(compression=zipfile.ZIP_STORED, **members):
    members = {"config.json": CONFIG, "model.weights.h5": content()} | members
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, value in members.items():
            if value is not None:
                archive.writestr(name, value)
    return buffer.getvalue()


def with_flipped_byte(archive):
    at = archive.index(np.ones(4, np.float32).tobytes())
    return archive[:at] + b"x" + archive[at + 1 :]


def with_member_twice():
    buffer = io.BytesIO(keras_file())
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", CONFIG)
    return buffer.getvalue()


def refused(path):
    """Return the one line with which a file is refused."""
    with pytest.raises(DataError) as caught, weights.opened(path):
        pass
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(str(path))
    assert len(line) < 400
    return line.removeprefix(str(path)).strip()


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"", "is empty; get it again"),
        (b"\r\n<!DOCTYPE html><title>404</title>", "is an HTML or XML page, not weights; download"),
        (b"\xef\xbb\xbf<HTML>", "is an HTML or XML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "is a pointer of Git LFS"),
        (b"outs:\n- md5: 1\n", "is a file of DVC, not weights; name the path that it tracks"),
        (pickle.dumps({"a": 1}), "is a pickle, .* which could hold code; convert it"),
        (b"\x1f\x8b\x08\x00", "is compressed by gzip"),
        (b"\x50\0\0\0\0\0\0\0" + b'{"a": {"dtype": "F32"}}', "is a safetensors file"),
        (b"something", "is damaged, or no file of weights"),
        (content()[:900], r"is damaged \(.*truncated"),
        (content()[:2100], r"is damaged \(.*truncated"),
        (content()[:8], "is damaged"),
    ],
)
def test_what_is_no_file_of_weights_is_called_what_it_is(tmp_path, value, fault):
    path = tmp_path / "x.weights.h5"
    path.write_bytes(value)
    line = refused(path)
    assert re.match(fault, line), line


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: keras_file(**{"config.json": None}), "so no .keras file"),
        (lambda: keras_file(**{"archive/data.pkl": b""}), "is a pickle"),
        (lambda: keras_file(zipfile.ZIP_BZIP2), "in an unusual compression"),
        (lambda: keras_file(zipfile.ZIP_DEFLATED, **{"model.weights.h5": bytes(4 << 20)}), "grow"),
        (lambda: keras_file(**{"model.weights.h5": b"<html>"}), "that is no HDF5"),
        (lambda: keras_file(**{"config.json": b"{"}), "is damaged"),
        (lambda: keras_file(**{"config.json": b"[1]"}), r"describes no network in config\.json"),
        (lambda: keras_file(**{"config.json": b"[" * 100_000}), "is damaged"),
        (lambda: keras_file(**{"config.json": b'{"config": {"layers": 3}}'}), "is damaged"),
        (lambda: with_flipped_byte(keras_file()), "is damaged .*CRC"),
        (with_member_twice, "has a member twice"),
        (lambda: keras_file()[:-9], "without its end"),
        (lambda: keras_file()[:200] + keras_file()[-200:], "is damaged"),
        (lambda: keras_file(**{"x" * 60_000 + str(n): b"" for n in range(18)}), "too many members"),
    ],
)
def test_a_keras_file_that_is_damaged_or_grows_is_refused(tmp_path, make, fault):
    path = tmp_path / "x.keras"
    path.write_bytes(make())
    line = refused(path)
    assert re.search(fault, line), line


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_keras_file_is_weights_and_a_configuration(tmp_path, compression):
    path = tmp_path / "a name without a suffix"
    path.write_bytes(keras_file(compression))
    with ExitStack() as stack:
        found, config = weights_file.content(path, stack)
        assert found.read() == content()
        assert config == {"class_name": "Sequential", "config": {"layers": []}}


def test_only_a_plain_file_is_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert "is no plain file" in refused(tmp_path / "fifo")
    assert "is no plain file" in refused(Path("/dev/zero"))
    assert refused(tmp_path).startswith("is a folder, not that of a model; name the model of a run")
    (tmp_path / "architecture.json").write_bytes(b"{}")
    with pytest.raises(DataError, match=r"model\.weights\.h5 is missing; name the folder of"):
        weights.opened(tmp_path).__enter__()
    (tmp_path / "model.weights.h5").write_bytes(content())
    (tmp_path / "architecture.json").write_bytes(b"{")
    assert "stands beside an architecture.json that is damaged (Expecting" in refused(tmp_path)
    with weights.opened(tmp_path / "model.weights.h5") as found:
        assert [layer.name for layer in found.layers] == ["logits"]


def test_what_is_missing_is_fetched_or_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = Path("data/weights")
    data.mkdir(parents=True)
    assert refused(data / "x.h5") == "is missing; name the folder of a model, or a file " + (
        weights_file.SUFFIXES
    )
    (data / "x.h5.dvc").touch()
    assert refused(data / "x.h5") == "is missing; fetch it (dvc pull data/weights/x.h5)"
    (data / "x.h5").symlink_to("/gone from the cache")
    assert refused(data / "x.h5") == "is missing; fetch it (dvc pull data/weights/x.h5)"
    (data / "folder.dvc").touch()
    assert refused(data / "folder/x.h5") == "is missing; fetch it (dvc pull data/weights/folder)"
    assert refused(Path("data/models/mine")) == (
        "is missing; make it (dvc repro train@mine), or fetch it (dvc pull data/models/mine)"
    )
