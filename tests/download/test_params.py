import pytest

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.download.params import DownloadParams


def params(*entries):
    return Params({"download": {"files": list(entries)}}).section(DownloadParams, "download")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../a.gz"}, r"download.files\[0\].name: must match pattern"),
        ({"name": "a.incomplete"}, r"download.files\[0\].name: must not end in .incomplete"),
        ({"bytes": 0}, r"download.files\[0\].bytes: must be greater than 0, got 0"),
        ({"sha256": "ABC"}, r"download.files\[0\].sha256: must match pattern"),
        ({"sources": []}, r"download.files\[0\].sources: must name at least one source, got \[\]"),
        (
            {"sources": ["a.gz"]},
            r"download.files\[0\].sources\[0\]: must begin with a known scheme",
        ),
        ({"sourcs": []}, r"download.files\[0\].sourcs: unknown key; did you mean sources\?"),
    ],
)
def test_a_parameter_is_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        params({"name": "a.gz", "sources": ["file:a.gz"], **change})


def test_names_are_unique():
    entry = {"name": "a.gz", "sources": ["file:a.gz"]}
    with pytest.raises(ParameterError, match=r"download.files: has more than one file named a\.gz"):
        params(entry, entry)


def test_no_file_is_refused():
    with pytest.raises(ParameterError, match=r"download.files: must name at least one file"):
        params()


def test_a_fault_of_a_source_is_named_once():
    with pytest.raises(ParameterError) as caught:
        params({"name": "a.gz", "sources": ["file:a.gz", "a.gz"]})
    assert str(caught.value).count("download.files") == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://me:secret@host/a.gz",
        "https://secret@host/a.gz",
        "sftp://me:secret@host/a.gz",
        "https://host/a.gz?X-Amz-Credential=secret&X-Amz-Signature=secret",
        "https://host/a.gz?sv=1&sig=secret",
        "https://host/a.gz?access_token=secret",
    ],
)
def test_parameters_hold_no_credentials(url):
    with pytest.raises(ParameterError, match=r"files\[0\].sources\[0\]: must not hold") as caught:
        params({"name": "a.gz", "sources": [url]})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["sftp://me@host/a.gz", "https://host/a?monkey=1", "https://h/a@1"])
def test_what_is_no_secret_may_stand_in_parameters(url):
    assert params({"name": "a.gz", "sources": [url]}).files[0].sources == (url,)
