"""Files that stand where another was meant to be: Git LFS pointers, web pages, empty files."""

BEGINNING = 1024
"""Bytes of a file by which it is told."""
LFS = b"version https://git-lfs.github.com/spec/"
PAGES = (b"<!doctype html", b"<html", b"<head")
"""Beginnings of web pages, in lower case."""


def described(content: bytes) -> str:
    r"""Return what a file is in place of what was wanted, and why; ``""`` if nothing tells.

    Parameters
    ----------
    content : bytes
        The file, or its first ``BEGINNING`` bytes.

    Examples
    --------
    >>> described(b"")
    'is empty'
    >>> described(b"\n<!DOCTYPE html><html><title>Sign in</title></html>")
    'is a web page (HTML), which a server sent in place of the file'
    >>> described(b"BM and so on")
    ''
    """
    if not content:
        return "is empty"
    start = content[:BEGINNING].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(LFS):
        return "is a Git LFS pointer in place of the file, which git lfs pull fetches"
    if start.startswith(PAGES):
        return "is a web page (HTML), which a server sent in place of the file"
    return ""
