"""The protocol kaggle: by the real kagglehub, of a server on the loopback."""

import io
import zipfile

import pytest
from kagglehub import clients
from kagglesdk import kaggle_env

from pipeline.download import protocols
from pipeline.download.body import FetchError, TransientError, UnreachableError
from tests.support.http_server import Reply, serve

LABELS = "trainLabels.csv"
RULES = "https://www.kaggle.com/competitions/cifar-10/rules"
API = "/api/v1/competitions.CompetitionApiService/DownloadDataFile"


def read(url):
    with protocols.open_source(protocols.check(url)) as body:
        return b"".join(body.chunks), body.total


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
        # It looks through all modules that the tests have loaded, for a second.
        monkeypatch.setattr(clients, "get_user_agent", lambda: "kagglehub")
        yield server


def test_a_file_of_a_competition(kaggle, capfd):
    stored = kaggle.reply(f"/storage/{LABELS}", Reply(b"id,label\n1,frog\n"))
    kaggle.reply(API, Reply(status=302, headers={"Location": stored}))
    assert read(f"kaggle://competitions/cifar-10/{LABELS}") == (b"id,label\n1,frog\n", None)
    assert kaggle.asked("Authorization")[0] == "Bearer secret-token"
    assert "secret" not in "".join(capfd.readouterr())


def test_a_zipped_file_is_unzipped(kaggle):
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
def test_a_refusal_says_what_to_do(kaggle, status, message):
    kaggle.reply(API, Reply(status=status))
    with pytest.raises(FetchError, match=message) as caught:
        read("kaggle://competitions/cifar-10/train.7z")
    assert not isinstance(caught.value, TransientError)
    assert "secret" not in str(caught.value)


def test_a_dataset_says_where_to_ask(kaggle):
    kaggle.reply("/api/v1/datasets.DatasetApiService/DownloadDataset", Reply(status=403))
    with pytest.raises(FetchError, match=r"ask for access at https://www.kaggle.com/datasets/o/n"):
        read("kaggle://datasets/o/n/versions/1/a.csv")


def test_a_transient_fault(kaggle):
    kaggle.reply(API, Reply(status=429, headers={"Retry-After": "3"}))
    with pytest.raises(TransientError, match=r"^429 Too Many Requests$") as caught:
        read("kaggle://competitions/cifar-10/train.7z")
    assert caught.value.retry_after == 3


def test_out_of_reach(kaggle, monkeypatch):
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
