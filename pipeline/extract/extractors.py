"""Table of the extractors, by kind of dataset."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.core.params import Section
from pipeline.extract.archive import ArchiveExtract, extract_archive
from pipeline.extract.hugging_face import ParquetExtract, extract_parquet
from pipeline.extract.idx import IdxExtract, extract_idx
from pipeline.extract.kind import Kind


class Extractor(NamedTuple):
    """A kind's parameters and the function that takes them."""

    params: type[Section]
    """Model of ``datasets.<name>.extract``."""
    extract: Callable[[Path, Any, Path], str]
    """Takes the folder of published files, the parameters, and the folder to write; returns a line
    for the console."""


EXTRACTORS: dict[Kind, Extractor] = {
    "idx": Extractor(IdxExtract, extract_idx),
    "archive": Extractor(ArchiveExtract, extract_archive),
    "parquet": Extractor(ParquetExtract, extract_parquet),
}
