"""What servers of remotes raise, which are errors of many kinds, on one line."""

import gc
import logging

import pytest
from dvc.exceptions import DvcException

from pipeline.core.errors import PipelineError
from pipeline.repository.remote.refusal import TRANSFERS, told


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
        (OSError("Could not connect to http://127.0.0.1:24013/40/3401.dir"), UNREACHED),
        (ValueError("Client error 403"), f"{REFUSED} (Client error 403)"),
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


def transfer(name, *errors):
    """Log what DVC does of transfers that fail, and another line, while a server is talked to."""
    with told("store"):
        for error in errors:
            logging.getLogger(name).error("failed to transfer '0123'", exc_info=error)
        logging.getLogger(name).error("another line")


@pytest.mark.parametrize("name", TRANSFERS)
def test_objects_that_were_not_transferred_are_one_line(name, caplog):
    """Of which DVC logs each, and goes on; other lines stay."""
    with pytest.raises(PipelineError) as found:
        transfer(name, PermissionError("Access Denied."), RuntimeError())
    assert str(found.value) == (
        "the remote store: 2 objects could not be transferred: it refuses these credentials "
        "(Access Denied.); make remote says what to do"
    )
    transfer(name)
    assert caplog.messages == ["another line", "another line"]
    logging.getLogger(name).error("failed to transfer", exc_info=PermissionError())  # not ours
    assert len(caplog.messages) == 3


def test_a_full_disk_is_not_the_servers_fault():
    full = OSError(28, "No space left on device", "/cache/file")
    with pytest.raises(PipelineError, match=r": 1 object could .*: \[Errno 28\].*'/cache/file'$"):
        transfer(TRANSFERS[0], full)


def test_questions_that_were_dropped_are_not_told(recwarn):
    async def question():
        """Ask nothing."""

    asked = [question()]
    with pytest.raises(PipelineError), told("store"):
        raise RuntimeError("another question failed")
    asked.clear()
    gc.collect()
    assert recwarn.list == []
