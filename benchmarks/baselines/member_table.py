"""What py7zr needs to open an archive and list its members, and nothing else: ARCHIVE."""

import sys

import py7zr

with py7zr.SevenZipFile(sys.argv[1]) as archive:
    print(len(archive.files))
