import errno
import io

import pytest

from pipeline.download.body import CHUNK, FetchError, chunks, open_file, reason


def test_a_file_comes_in_chunks():
    content = bytes(range(256)) * 1000
    pieces = list(chunks(io.BytesIO(content)))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) == CHUNK


def test_what_goes_wrong_while_it_is_read_is_the_sources_fault():
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise RuntimeError("broken\npipe")

    with pytest.raises(FetchError, match=r"^RuntimeError: broken pipe$"):
        list(chunks(Broken()))


def test_a_file_that_cannot_be_opened(tmp_path):
    with pytest.raises(FetchError, match=r"^no such file$"):
        open_file(tmp_path / "none")
    with pytest.raises(FetchError, match=r"^Is a directory$"):
        open_file(tmp_path)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError("bucket/a"), "no such file"),
        (OSError(errno.EACCES, "Permission denied"), "Permission denied"),
        (OSError("no\n number"), "OSError: no number"),
    ],
)
def test_reason(error, text):
    assert reason(error) == text
