"""Errors of remotes' servers, each of whose file systems has its own, in words."""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from dvc.exceptions import DvcException

from pipeline.core.errors import PipelineError, redact

CREDENTIALS = {
    "s3": "access_key_id KEY, and secret_access_key SECRET",
    "ssh": "keyfile FILE",
    "webdav": "user USER, and password PASSWORD",
    "webdavs": "user USER, and password PASSWORD",
}
"""Settings by which a protocol's servers know a user."""
REFUSALS = re.compile(r"\b40[13]\b|Access Denied|credentials|Forbidden|ermission denied")
"""Words of refusals; a URL of an object has digits, too."""
TRANSFERS = "dvc_data.hashfile.transfer", "dvc_objects.fs.generic"
"""Loggers of DVC's, which tell of each object that was not transferred, and why."""


def is_refusal(error: BaseException) -> bool:
    """Return True if a server does not know the credentials, or they do not permit this."""
    text = f"{type(error).__name__} {error}"
    return isinstance(error, PermissionError) or REFUSALS.search(text) is not None


def why(error: BaseException) -> str:
    """Return an error's words, or its name, in parentheses behind a space."""
    words = " ".join(redact(str(error)).split())
    return f" ({words[:200]})" if words else f" ({type(error).__name__})"


@contextmanager
def told(name: str) -> Iterator[None]:
    """Raise PipelineError in place of what is raised by the server of the remote ``name``.

    So it does where objects were not transferred: of each DVC logs a line, and goes on. DVC's own
    errors, and those of a file on this machine, are left as they are.
    """
    try:
        with _transfers() as failures:
            yield
    except (PipelineError, DvcException, MemoryError):
        raise
    except Exception as error:
        # DVC asks for many objects at once, and drops what it asked when one fails.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        if _is_of_file(error):
            raise
        raise PipelineError(f"the remote {name}: {_reason(error)}") from None
    if failures:
        count = f"{len(failures):,} {'object' if len(failures) == 1 else 'objects'}"
        raise PipelineError(
            f"the remote {name}: {count} could not be transferred: {_reason(failures[0])}"
        )


@contextmanager
def _transfers() -> Iterator[list[BaseException]]:
    """Yield the errors that DVC logs of its transfers, and keep them from being shown."""
    failures: list[BaseException] = []

    def keep(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            failures.append(error)
        return error is None

    loggers = [logging.getLogger(name) for name in TRANSFERS]
    for logger in loggers:
        logger.addFilter(keep)
    try:
        yield failures
    finally:
        for logger in loggers:
            logger.removeFilter(keep)


def _is_of_file(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.filename is not None


def _reason(error: BaseException) -> str:
    if _is_of_file(error):
        return f"{error}"
    reason = "it refuses these credentials" if is_refusal(error) else "it cannot be reached"
    return f"{reason}{why(error)}; make remote says what to do"
