"""Errors of remotes' servers, each of whose file systems has its own, in words."""

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
REFUSALS = ("401", "403", "Access Denied", "credentials", "Forbidden", "ermission denied")


def is_refusal(error: Exception) -> bool:
    """Return True if a server does not know the credentials, or they do not permit this."""
    text = f"{type(error).__name__} {error}"
    return isinstance(error, PermissionError) or any(word in text for word in REFUSALS)


def why(error: Exception) -> str:
    """Return an error's words, or its name, in parentheses behind a space."""
    words = " ".join(redact(str(error)).split())
    return f" ({words[:200]})" if words else f" ({type(error).__name__})"


@contextmanager
def told(name: str) -> Iterator[None]:
    """Raise PipelineError in place of what is raised by the server of the remote ``name``.

    DVC's own errors, and those of a file on this machine, are left as they are.
    """
    try:
        yield
    except (PipelineError, DvcException, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        reason = "it refuses these credentials" if is_refusal(error) else "it cannot be reached"
        raise PipelineError(
            f"the remote {name}: {reason}{why(error)}; make remote says what to do"
        ) from None
