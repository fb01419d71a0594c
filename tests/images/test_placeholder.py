"""What stands in place of files: it is called what it is."""

import pytest

from pipeline.images.placeholder import described


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "web page (HTML)"),
        (b"\xef\xbb\xbf \r\n<HTML lang=en>", "web page (HTML)"),
    ],
)
def test_placeholders_are_called_what_they_are(content, words):
    assert words in described(content)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n", b"versions", b"<svg/>", b"\xff\xd8\xff"])
def test_other_files_are_not(content):
    assert described(content) == ""
