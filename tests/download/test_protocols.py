import gzip
import hashlib
import io
import shutil
import sys
import zipfile
from pathlib import Path

import fsspec
import pytest
from kagglesdk import kaggle_env

from pipeline.download import debian, protocols
from pipeline.download.body import FetchError, TransientError, UnreachableError
from tests.support.http_server import Reply, serve

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
LABELS = "trainLabels.csv"
RULES = "https://www.kaggle.com/competitions/cifar-10/rules"


def read(url):
    with protocols.open_source(protocols.check(url)) as body:
        return b"".join(body.chunks), body.total


@pytest.mark.parametrize(
    "url",
    [
        "https://host/a.gz",
        "http://host:80/a?b=c",
        "file:data/a.gz",
        "file:../a",
        "file:///data/a.gz",
        "debian://dataset-fashion-mnist/a.gz",
        "kaggle://competitions/cifar-10/train.7z",
        "kaggle://datasets/owner/name/folder/a.csv",
        "kaggle://datasets/owner/name/versions/2/a.csv",
        "s3://bucket/key",
        "sftp://host/a",
        "memory://a",
    ],
)
def test_a_source_is_taken(url):
    assert protocols.check(url) == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("data/a.gz", "must begin with a known scheme: https, http, file, folder, debian"),
        ("htps://host/a.gz", "must begin with a known scheme"),
        ("https://host", "must look like https://HOST/PATH"),
        ("file://data/a.gz", "must look like file:PATH or file:///PATH"),
        ("debian://-L/a.gz", "must look like debian://PACKAGE/FILE"),
        ("kaggle://cifar-10/train.7z", "must look like kaggle://competitions/NAME/FILE or"),
    ],
)
def test_a_source_is_refused(url, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        protocols.check(url)


def test_a_file_is_read_relative_or_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a b.gz").write_bytes(b"abc")
    assert read("file:a%20b.gz") == (b"abc", 3)
    assert read(f"file://{tmp_path}/a%20b.gz") == (b"abc", 3)
    for url, reason in (("file:none", "no such file"), ("file:.", "Is a directory")):
        with pytest.raises(FetchError, match=f"^{reason}$"):
            read(url)


def test_fsspec_reads_what_else_there_is():
    with fsspec.open("memory://bucket/a", "wb") as file:
        file.write(b"abc")
    assert read("memory://bucket/a") == (b"abc", 3)
    with pytest.raises(FetchError, match=r"^no such file$"):
        read("memory://bucket/none")


@pytest.mark.parametrize(("url", "extra"), [("s3://bucket/a", "s3"), ("ssh://host/a", "ssh")])
def test_a_missing_extra_is_named(url, extra, monkeypatch):
    packages = {"s3fs", "sshfs", "paramiko"}
    # What other tests had loaded, too.
    for module in packages | {name for name in sys.modules if name.partition(".")[0] in packages}:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)
    for name in ("s3", "ssh"):
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, name, raising=False)
    with pytest.raises(FetchError, match=rf"^run: pip install '\.\[{extra}\]'$"):
        read(url)


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


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """Kaggle's API on the loopback, for the real kagglehub, with a token and an empty cache."""
    with serve() as server:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, server.url)
        monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
        monkeypatch.delenv("KAGGLE_USERNAME", raising=False)
        monkeypatch.setenv("KAGGLE_API_TOKEN", "secret-token")
        yield server


API = "/api/v1/competitions.CompetitionApiService/DownloadDataFile"


def test_a_file_of_a_competition(kaggle, capfd):
    stored = kaggle.reply(f"/storage/{LABELS}", Reply(b"id,label\n1,frog\n"))
    kaggle.reply(API, Reply(status=302, headers={"Location": stored}))
    assert read(f"kaggle://competitions/cifar-10/{LABELS}") == (b"id,label\n1,frog\n", None)
    assert kaggle.asked("Authorization")[0] == "Bearer secret-token"
    assert "secret" not in "".join(capfd.readouterr())


def test_what_kaggle_zips_is_unzipped(kaggle):
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(LABELS, "id,label\n1,frog\n")
    stored = kaggle.reply(f"/storage/{LABELS}.zip", Reply(zipped.getvalue()))
    kaggle.reply(API, Reply(status=302, headers={"Location": stored}))
    assert read(f"kaggle://competitions/cifar-10/{LABELS}")[0] == b"id,label\n1,frog\n"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "does not accept the token .401.: create a token at https://www.kaggle.com/settings"),
        (403, f"log in as the token's owner, accept the rules at {RULES} and run this again"),
        (404, "no such file .404.: see https://www.kaggle.com/competitions/cifar-10"),
    ],
)
def test_what_kaggle_refuses_says_what_to_do(kaggle, status, message):
    kaggle.reply(API, Reply(status=status))
    with pytest.raises(FetchError, match=message) as caught:
        read("kaggle://competitions/cifar-10/train.7z")
    assert not isinstance(caught.value, TransientError)
    assert "secret" not in str(caught.value)


def test_kaggle_s_datasets_say_where_to_ask(kaggle):
    kaggle.reply("/api/v1/datasets.DatasetApiService/DownloadDataset", Reply(status=403))
    with pytest.raises(FetchError, match=r"ask for access at https://www.kaggle.com/datasets/o/n"):
        read("kaggle://datasets/o/n/versions/1/a.csv")


def test_a_passing_fault_of_kaggle_is_one(kaggle):
    kaggle.reply(API, Reply(status=429, headers={"Retry-After": "3"}))
    with pytest.raises(TransientError, match=r"^429 Too Many Requests$") as caught:
        read("kaggle://competitions/cifar-10/train.7z")
    assert caught.value.retry_after == 3


def test_kaggle_out_of_reach(kaggle, monkeypatch):
    monkeypatch.setitem(
        kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, "http://host.invalid"
    )
    with pytest.raises(UnreachableError, match="name is not found"):
        read("kaggle://competitions/cifar-10/train.7z")


def test_a_missing_token_says_how_to_get_one(kaggle, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    with pytest.raises(FetchError, match=r"wants a token: create .* set KAGGLE_API_TOKEN to it"):
        read("kaggle://competitions/cifar-10/train.7z")
    assert kaggle.requests == []
