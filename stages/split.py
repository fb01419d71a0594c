"""Divide a dataset into training, validation and test images, and write its data card."""

from pipeline.core import files, paths, stage
from pipeline.core.params import Params
from pipeline.extract import kind
from pipeline.shards import index as shard_index
from pipeline.split import data_card, divide
from pipeline.subsets import split as split_file

USES = ("numpy", "pandas", "pyarrow", "scikit-learn")


def work(dataset: str) -> str:
    """Write ``data/splits/<dataset>.parquet`` and ``metrics/datasets/<dataset>/data.json``."""
    params = Params.read()
    kind.kind(params, dataset)  # or what there is instead, before what is missing of it
    folder = paths.shards(dataset)
    index = shard_index.Index.read(folder)
    split = divide.split(params, dataset, folder, index)
    split_file.write(paths.split(dataset), split)
    files.write_json(paths.data_card(dataset), data_card.data_card(dataset, folder, index, split))
    counts = [f"{len(split.rows(subset)):,} {subset}" for subset in split_file.SUBSETS]
    return f"{', '.join(counts)}, {files.megabytes(paths.split(dataset))}"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
