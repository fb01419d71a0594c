"""Table of the decoders, by kind of dataset."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.decode.archive import decode_archive
from pipeline.decode.idx import decode_idx
from pipeline.decode.params import ArchiveDecode, Decode, IdxDecode
from pipeline.extract.kind import Kind


class Decoder(NamedTuple):
    """A kind's parameters and the function that takes them."""

    params: type[Decode]
    """Model of ``datasets.<name>.decode``."""
    decode: Callable[[Path, Any, Path], str]
    """Takes the folder of extracted files, the parameters, and the folder to write; returns a line
    for the console."""


DECODERS: dict[Kind, Decoder] = {
    "idx": Decoder(IdxDecode, decode_idx),
    "archive": Decoder(ArchiveDecode, decode_archive),
    "parquet": Decoder(ArchiveDecode, decode_archive),
}
