"""Names of members in archives that do not say how they are encoded.

A .zip says so of a name in UTF-8, and should have all others in CP437. In truth they are in what
the packing system took: GBK in China, Shift-JIS in Japan, UTF-8 in macOS.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

ZIP = "cp437"
"""The encoding that the .zip format means."""
COMMON = ("gb18030", "big5", "cp932", "cp949", "cp437", "cp850", "cp852", "cp866")
"""Encodings in which Windows packs; by Python's names."""
ENOUGH = 1 << 16
"""Bytes of names that are looked at, so that millions of them take no minutes."""
CLOSE = 0.03
"""A difference in what charset-normalizer calls chaos that decides nothing."""


def known(encoding: str) -> str:
    """Return ``encoding`` if Python knows it, and it has ASCII; else raise ValueError."""
    try:
        if b"/a.1".decode(encoding) == "/a.1":
            return encoding
    except (LookupError, ValueError):
        pass
    raise ValueError("must be an encoding that Python knows, such as gb18030, cp932 or utf-8")


def decoded(raw: bytes, encoding: str) -> str:
    """Return a name as text; bytes that the encoding does not have become surrogates."""
    return raw.decode(encoding, "surrogateescape")


def _is_utf_8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def guess(names: Iterable[bytes]) -> list[str]:
    """Return the encodings in which names may be, the likeliest first; only it, where it is clear.

    Parameters
    ----------
    names : iterable of bytes
        Members' names.

    Returns
    -------
    list of str
        Of Python's names of encodings; empty if all names are ASCII.

    Examples
    --------
    >>> guess(["Hündchen/1.png".encode()]), guess([b"dog/1.png"])
    (['utf-8'], [])
    """
    # Each once: folders stand in every name. A backslash may be the half of a letter in Shift-JIS.
    parts = {part for name in names for part in name.split(b"/") if not part.isascii()}
    if not parts:
        return []
    if all(map(_is_utf_8, parts)):
        return ["utf-8"]
    words = sorted(PurePosixPath(part.decode("latin-1")).stem for part in parts)
    text = "\n".join(words).encode("latin-1")
    step = len(text) // ENOUGH + 1
    text = "\n".join(words[::step]).encode("latin-1")
    from charset_normalizer import from_bytes  # no stage loads it

    matches = sorted(
        from_bytes(text, cp_isolation=list(COMMON), preemptive_behaviour=False),
        key=lambda match: (match.chaos, -match.coherence),
    )
    close = [match for match in matches if match.chaos <= matches[0].chaos + CLOSE]
    readings = {str(match): match.encoding for match in reversed(close)}  # one for each reading
    return [one for match in close if (one := match.encoding) in readings.values()] or [ZIP]
