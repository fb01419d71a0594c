import gzip
import hashlib
import io
import shutil
from pathlib import Path

import pytest

from pipeline.download import debian, protocols
from pipeline.download.body import FetchError

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


def read(url):
    with protocols.open_source(protocols.check(url)) as body:
        return b"".join(body.chunks), body.total


# The package's bytes are not needed for this: its header is a gzip header without name and time.
@pytest.mark.parametrize(("name", "time"), debian.FASHION_MNIST_TIMES.items())
def test_the_published_header_is_restored(name, time):
    name = f"{name}-labels-idx1-ubyte"
    packaged = gzip.compress(b"content", mtime=0)
    restored = b"".join(
        debian.published(
            "dataset-fashion-mnist", f"{name}.gz", iter([packaged[:20], packaged[20:]])
        )
    )
    expected = io.BytesIO()
    with gzip.GzipFile(f"{name}.gz", "wb", fileobj=expected, mtime=time) as file:
        file.write(b"content")
    header = 10 + len(name) + 1
    assert restored[:8] == expected.getvalue()[:8]
    assert restored[8:10] == b"\0\3"
    assert restored[10:header] == expected.getvalue()[10:header]
    assert gzip.decompress(restored) == b"content"


def test_other_packages_are_left_as_they_are():
    chunks = [gzip.compress(b"content", mtime=0), b"more"]
    assert list(debian.published("other", "train-a.gz", iter(chunks))) == chunks


def test_a_file_of_an_installed_package():
    url = "debian://base-files/debian_version"
    if shutil.which("dpkg"):
        assert read(url)[0] == Path("/etc/debian_version").read_bytes()
        with pytest.raises(FetchError, match=r"the package has no file none$"):
            read("debian://base-files/none")
    else:
        with pytest.raises(FetchError, match="no Debian system"):
            read(url)


def test_a_missing_package_says_what_to_install(monkeypatch):
    todo = r"apt-get install no-such-package\)$"
    with pytest.raises(FetchError, match=todo if shutil.which("dpkg") else "no Debian system"):
        read("debian://no-such-package/a.gz")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FetchError, match="no Debian system"):
        read("debian://no-such-package/a.gz")


if FASHION_MNIST.is_dir() and shutil.which("dpkg"):  # Debian's package is installed

    def test_the_installed_package_gives_the_published_bytes():
        content, _ = read("debian://dataset-fashion-mnist/t10k-labels-idx1-ubyte.gz")
        assert hashlib.sha256(content).hexdigest() == (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        )
