"""Errors that a user can mend.

Each message is one line: the fault, its place (file, member, row or parameter key) and its remedy.
The command line prints the line and exits with status 1. An exception that is neither a
``PipelineError`` nor an error of the machine is a bug and shows its traceback.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager


class PipelineError(Exception):
    """A fault that the user can understand and mend."""


class ParameterError(PipelineError):
    """A value in a parameters file that cannot be used."""


class SourceError(PipelineError):
    """A published file that could not be fetched or is not what was published."""


class DataError(PipelineError):
    """Input data that is damaged, inconsistent or not what was declared."""


class TrainingError(PipelineError):
    """A training that cannot continue."""


class ClusterError(PipelineError):
    """Other machines that cannot be reached, are lost, or are not set up as this one."""


class InstallationError(PipelineError):
    """A library or program that is missing or has another version than it should."""


ASKS = "parameter_that_asks_for_less"
"""Attribute of an error of memory."""
LONGEST = 4000
"""Characters of a message. A longer one is shortened: a thousand faults help no more than ten."""
LESS = "PIPELINE_WORKERS, batch_size"
MEMORY = f"free some memory, or ask for less ({LESS}), and run this again"
SPACE = "free some space there and run this again"
ACCESS = "give this user access to it and run this again"
LOST = (
    "another machine of TF_CONFIG is lost; see what it says, and start all of them again: training "
    "goes on after its last epoch"
)
REMEDIES = {
    errno.ENOMEM: MEMORY,
    errno.ENOSPC: SPACE,
    errno.EDQUOT: SPACE,
    errno.EFBIG: "raise the limit of file sizes (ulimit -f) and run this again",
    errno.EROFS: "make it writable and run this again",
    errno.EACCES: ACCESS,
    errno.EPERM: ACCESS,
    errno.EMFILE: "raise the limit of open files (ulimit -n) and run this again",
}
"""Remedies of the operating system's errors."""


def explain(error: Exception) -> str | None:
    """Return an error's fault and remedy on one line; None for a bug.

    Examples
    --------
    >>> explain(OSError(errno.EROFS, "Read-only file system", "data"))
    'Read-only file system: data; make it writable and run this again'
    """
    if isinstance(error, PipelineError):
        text = str(error)
    elif is_out_of_memory(error):
        detail = re.sub(r"^{{.*?}} ", "", next(iter(str(error).splitlines()), ""))[:100]
        text = "out of memory" + (f" ({detail})" if detail else "") + f"; {MEMORY}"
        text = text.replace(LESS, getattr(error, ASKS, LESS))
    elif "Collective ops is aborted" in str(error):  # by TensorFlow, in errors of several types
        text = LOST
    elif isinstance(error, OSError):
        text = error.strerror or str(error)
        text += f": {error.filename}" if error.filename else ""
        text += f"; {REMEDIES[error.errno]}" if error.errno in REMEDIES else ""
    else:
        return None
    return redact(shown(text, LONGEST, instead=" "))


def shown(text: str, longest: int = 80, instead: str = "?") -> str:
    """Return a text from outside for a message: printable, on one line, and shortened.

    Names in files and archives, values and other programs' messages may hold line ends, escapes
    that a terminal obeys, or megabytes. ``repr`` makes the first two harmless, but not the third.

    Examples
    --------
    >>> shown("layers" + chr(10) + "dense")
    'layers?dense'
    >>> shown("a" * 100, 10)
    'aaaaaaa...'
    """
    clean = "".join(c if c.isprintable() else instead for c in text[: longest + 1])
    return clean if len(clean) <= longest else f"{clean[: longest - 3]}..."


UNPRINTABLE = re.compile(
    "[\\0-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufffe\\uffff]"
)
"""Control characters, line ends, what turns the direction of text, and what is no character."""


def printable(text: str) -> str:
    """Return a text; raise ValueError if it is not on one line, as a class's name has to be."""
    if found := UNPRINTABLE.search(text):
        raise ValueError(
            f"must be text on one line, without the control character U+{ord(found[0]):04X}"
        )
    return text


@contextmanager
def memory_of(parameter: str) -> Iterator[None]:
    """Have an error of memory in the body name the parameter that asks for less."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            setattr(error, ASKS, parameter)
        raise


@contextmanager
def one_line(
    place: object,
    remedy: str = "",
    kind: type[PipelineError] = DataError,
    fault: str = " is damaged",
) -> Iterator[None]:
    """Turn whatever a library raises about an input's content into one line that names the input.

    Errors of the machine (a full disk, no access) and of memory pass through, as do those that are
    one line already.

    Parameters
    ----------
    place : Path or str
        What is read.
    remedy : str
        What the user can do, the end of the line.
    kind : type
        Of the error that is raised.
    fault : str
        What is wrong, behind the place.

    Examples
    --------
    >>> with one_line("labels.csv", "mend it"):
    ...     {}["width"]
    Traceback (most recent call last):
    pipeline.core.errors.DataError: labels.csv is damaged ('width'); mend it
    """
    try:
        yield
    except (PipelineError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and (error.filename or error.errno in REMEDIES):
            raise
        reason = shown(" ".join(str(error).split()) or type(error).__name__, 160)
        end = f"; {remedy}" if remedy else ""
        raise kind(f"{place}{fault} ({reason}){end}") from None


def redact(text: str) -> str:
    """Hide the credentials of all URLs in a text: user names, passwords and queries.

    Examples
    --------
    >>> redact("404 at https://me:secret@host/a.gz?token=secret, too")
    '404 at https://***@host/a.gz?***, too'
    >>> redact("does 'train/???.png' match?")
    "does 'train/???.png' match?"
    """
    text = re.sub(r"//([^/\s]*|[^/\s@]*:(?!\d*/)[^\s@]*)@", "//***@", text)
    for query in (r"(//[^\s'\"?#]*)[?#]", r"()\?[^\s'\")=]+="):
        text = re.sub(query + r"[^\s'\")]*[^\s'\"):;,.]", r"\1?***", text)
    return text


def is_out_of_memory(error: Exception) -> bool:
    """Return True if memory ran out, for Python, NumPy, Arrow, TensorFlow or the linker."""
    if isinstance(error, RuntimeError | ImportError):
        words = "can't start new thread", "failed to map segment from shared object"
        return str(error).endswith(words)
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def first_few(items: list[str], limit: int = 5) -> str:
    """Join the first ``limit`` items for a message, each shortened, and count the others."""
    text = ", ".join(shown(item, 200) for item in items[:limit])
    more = len(items) - limit
    return f"{text} and {more:,} more" if more > 0 else text
