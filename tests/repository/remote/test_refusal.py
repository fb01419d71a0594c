"""What servers of remotes raise, which are errors of many kinds, on one line."""

import pytest
from dvc.exceptions import DvcException

from pipeline.core.errors import PipelineError
from pipeline.repository.remote.refusal import told


class NoCredentialsError(Exception):
    """As botocore has it, which no file system translates."""


REFUSED = "the remote store: it refuses these credentials"
UNREACHED = "the remote store: it cannot be reached"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NoCredentialsError("Unable to locate credentials"), f"{REFUSED} (Unable to locate"),
        (PermissionError("Forbidden"), f"{REFUSED} (Forbidden); make remote says what to do"),
        (RuntimeError("Could not connect to\n the endpoint"), f"{UNREACHED} (Could not connect to"),
        (TimeoutError(), f"{UNREACHED} (TimeoutError)"),
        (ValueError("http://me:secret@host/x"), f"{UNREACHED} (http://"),
    ],
)
def test_errors_of_servers_are_one_line(error, line):
    with pytest.raises(PipelineError) as found, told("store"):
        raise error
    assert str(found.value).startswith(line)
    assert "\n" not in str(found.value)
    assert "secret" not in str(found.value)


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device", "/cache/file"),
        DvcException("words"),
        PipelineError("words"),
        MemoryError(),
    ],
)
def test_other_errors_are_left_as_they_are(error):
    with pytest.raises(type(error)) as found, told("store"):
        raise error
    assert found.value is error
