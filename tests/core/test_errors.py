import errno
import os

import pytest

from pipeline.core import errors


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's, whose own is met in ``tests/integration/test_faults.py``."""


def system(number, name=None):
    return OSError(number, os.strerror(number), name)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (errors.DataError("a.7z: damaged\n\x1b[31m"), "a.7z: damaged  [31m"),
        (system(errno.ENOENT, "a"), "No such file or directory: a"),
        (system(errno.ENOSPC, "a"), f"No space left on device: a; {errors.SPACE}"),
        (system(errno.EDQUOT, "a"), f"{os.strerror(errno.EDQUOT)}: a; {errors.SPACE}"),
        (system(errno.EACCES, "a"), f"Permission denied: a; {errors.ACCESS}"),
        (system(errno.ENOMEM), f"Cannot allocate memory; {errors.MEMORY}"),
        (OSError("read error"), "read error"),
        (MemoryError(), f"out of memory; {errors.MEMORY}"),
        (
            MemoryError("malloc failed\nin\nArrow"),
            f"out of memory (malloc failed); {errors.MEMORY}",
        ),
        (ResourceExhaustedError("{{node a}} OOM"), f"out of memory (OOM); {errors.MEMORY}"),
        (
            RuntimeError("can't start new thread"),
            f"out of memory (can't start new thread); {errors.MEMORY}",
        ),
        (
            ImportError("libtf.so: failed to map segment from shared object"),
            f"out of memory (libtf.so: failed to map segment from shared object); {errors.MEMORY}",
        ),
        (RuntimeError("other"), None),
        (ImportError("no module"), None),
        (ValueError("can't start new thread"), None),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_a_bug_none(error, line):
    assert errors.explain(error) == line


@pytest.mark.parametrize("error", [ResourceExhaustedError("OOM"), MemoryError("OOM")])
def test_an_error_of_memory_names_the_parameter_of_its_stage(error):
    with pytest.raises(type(error)) as caught, errors.memory_of("train.batch_size"):
        raise error
    line = errors.explain(caught.value)
    assert line == (
        "out of memory (OOM); free some memory, or ask for less (train.batch_size), and run this "
        "again"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:secret@host/a", "https://***@host/a"),
        ("https://secret@host/a", "https://***@host/a"),
        ("https://me:se/cret@host/a", "https://***@host/a"),
        ("https://me:se@cret@host/a", "https://***@host/a"),
        ("s3://key:secret@bucket/a, or", "s3://***@bucket/a, or"),
        ("url: /a.gz?X-Amz-Signature=secret (Caused by", "url: /a.gz?*** (Caused by"),
        ("URL('https://host/a?secret')", "URL('https://host/a?***')"),
        ("https://host/a?sig=secret: 404", "https://host/a?***: 404"),
        ("https://host/a#token=secret", "https://host/a?***"),
    ],
)
def test_credentials_are_hidden_and_hidden_once(text, shown):
    assert errors.redact(text) == shown
    assert errors.redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080/pkg@1.0/a.gz: 404",
        "no member matches 'train/????.png'",
        "unknown key; did you mean sources? allowed: name",
        "a@b.c, //folder/a",
    ],
)
def test_what_is_no_credential_is_shown(text):
    assert errors.redact(text) == text


@pytest.mark.parametrize(
    ("items", "limit", "text"),
    [
        ([], 5, ""),
        (["a", "b"], 2, "a, b"),
        (["a", "b", "c"], 2, "a, b and 1 more"),
        ([str(n) for n in range(1234)], 1, "0 and 1,233 more"),
    ],
)
def test_first_few(items, limit, text):
    assert errors.first_few(items, limit) == text


def test_what_comes_from_outside_is_shown_on_one_line_and_shortened():
    assert errors.shown("a\x1b[2J\nb\u202ec") == "a?[2J?b?c"
    assert errors.shown("x" * 80) == "x" * 80
    assert errors.shown("x" * 81) == "x" * 77 + "..."


def test_a_message_with_thousands_of_faults_is_shortened():
    line = errors.explain(errors.ParameterError("fault " * 100_000))
    assert len(line) == errors.LONGEST


@pytest.mark.parametrize("error", [KeyError("width"), OSError("truncated"), RecursionError("deep")])
def test_a_librarys_error_about_an_input_is_one_line(error):
    with (
        pytest.raises(errors.DataError, match=r"^a\.png is damaged \(.*\); mend it$"),
        errors.one_line("a.png", "mend it"),
    ):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        errors.DataError("as it is"),
        MemoryError(),
        PermissionError(errno.EACCES, "Permission denied", "a.png"),
        OSError(errno.ENOSPC, "No space left"),
        KeyboardInterrupt(),
    ],
)
def test_errors_of_the_machine_and_lines_pass_through(error):
    with pytest.raises(type(error)) as raised, errors.one_line("a.png"):
        raise error
    assert raised.value is error
