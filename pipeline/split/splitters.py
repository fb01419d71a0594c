"""Table of the splitters, by kind of dataset."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.core import paths
from pipeline.core.params import Params, Section
from pipeline.extract.kind import Kind, kind_of
from pipeline.shards.index import Index
from pipeline.split.archive import split_archive, split_parquet
from pipeline.split.divide import refuse_untrained
from pipeline.split.idx import split_idx
from pipeline.split.params import IdxSplit, OwnSplit, ParquetSplit
from pipeline.split.source import Source
from pipeline.subsets.split import Split


class Splitter(NamedTuple):
    """A kind's parameters and the function that takes them."""

    params: type[Section]
    """Model of ``datasets.<name>.split``."""
    split: Callable[[Source, Any], Split]
    """Takes a decoded dataset and the parameters."""


SPLITTERS: dict[Kind, Splitter] = {
    "idx": Splitter(IdxSplit, split_idx),
    "archive": Splitter(OwnSplit, split_archive),
    "parquet": Splitter(ParquetSplit, split_parquet),
}


def split(params: Params, dataset: str, folder: Path, index: Index) -> Split:
    """Divide the shards in ``folder`` by the dataset's parameters.

    Columns of the table of labels are read from ``data/extracted/<dataset>/labels.csv``.

    Raises
    ------
    DataError, ParameterError
        If a subset would be left without images, or a class without images for training, classes
        cannot be stratified, or the published subsets cannot be read or divide a group.
    """
    kind = kind_of(params, dataset)
    section = params.section(SPLITTERS[kind].params, "datasets", dataset, "split")
    source = Source(folder, index, paths.extracted(dataset) / "labels.csv")
    found = SPLITTERS[kind].split(source, section)
    own = _has_own_division(source, section)
    refuse_untrained(found, source.labels, index, own=own, gaps=kind == "idx")
    return found


def _has_own_division(source: Source, section: Section) -> bool:
    """Return whether the data say which images are not for training."""
    if getattr(section, "folders", None) or getattr(section, "column", None):
        return True
    # Ids of an archive's images are its own, those of the other kinds begin with the subset.
    return not isinstance(section, OwnSplit) and any(
        not id_.startswith("train-") for id_ in source.ids.to_pylist()
    )
