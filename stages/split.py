"""Divide a dataset into training, validation and test images, and write its data card."""

from pipeline.core import files, paths, stage
from pipeline.core.params import Params
from pipeline.extract.kind import kind_of
from pipeline.shards.index import Index
from pipeline.split import quarantine
from pipeline.split.data_card import data_card
from pipeline.split.splitters import split
from pipeline.subsets import split as split_file

USES = ("numpy", "pandas", "pyarrow", "scikit-learn")


def work(dataset: str) -> str:
    """Write ``data/splits/<dataset>.parquet`` and two files in ``metrics/datasets/<dataset>/``."""
    params = Params.read()
    kind_of(params, dataset)  # an unknown dataset is named before its shards are missed
    folder = paths.shards(dataset)
    index = Index.read(folder)
    division = split(params, dataset, folder, index)
    split_file.write(paths.split(dataset), division)
    data_card(dataset, folder, index, division).write(paths.data_card(dataset))
    quarantine.write(paths.quarantined(dataset), index.quarantined)
    counts = [f"{len(division.rows(subset)):,} {subset}" for subset in split_file.SUBSETS]
    return f"{', '.join(counts)}, {files.megabytes(paths.split(dataset))}"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
