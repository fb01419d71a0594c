"""Bare decompression of a .7z's first stream with Python's ``lzma``: ARCHIVE.

The header, read by py7zr, says where the stream lies; reading it is not timed. Prints JSON.
"""

import json
import lzma
import sys
import time
from pathlib import Path

import py7zr

METHODS = {b"\x21": lzma.FILTER_LZMA2, b"\x03\x01\x01": lzma.FILTER_LZMA1}
CHUNK = 1 << 20

path = Path(sys.argv[1])
with py7zr.SevenZipFile(path) as archive:
    streams = archive.header.main_streams
    (coder,) = streams.unpackinfo.folders[0].coders
    start, left = archive.afterheader + streams.packinfo.packpos, streams.packinfo.packsizes[0]
kind = METHODS[coder["method"]]
# Private, as zipfile uses it.
filters = [lzma._decode_filter_properties(kind, coder["properties"])]  # type: ignore[attr-defined]
decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
length = 0
started = time.perf_counter()
with path.open("rb") as file:
    file.seek(start)
    while left:
        packed = file.read(min(CHUNK, left))
        left -= len(packed)
        length += len(decompressor.decompress(packed))
print(json.dumps({"seconds": time.perf_counter() - started, "bytes": length}))
