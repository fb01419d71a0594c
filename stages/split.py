"""Divide a dataset into training, validation and test images, and write its data card."""

from pipeline import data_card, datasets, files, paths, shards, splits, splitting, stage
from pipeline.params import Params

USES = ("numpy", "pandas", "pyarrow", "scikit-learn")


def work(dataset: str) -> str:
    """Write ``data/splits/<dataset>.parquet`` and ``metrics/datasets/<dataset>/data.json``."""
    params = Params.read()
    datasets.kind(params, dataset)  # or what there is instead, before what is missing of it
    folder = paths.shards(dataset)
    index = shards.Index.read(folder)
    split = splitting.split(params, dataset, folder, index)
    splits.write(paths.split(dataset), split)
    files.write_json(paths.data_card(dataset), data_card.data_card(dataset, folder, index, split))
    counts = [f"{len(split.rows(subset)):,} {subset}" for subset in splits.SUBSETS]
    return f"{', '.join(counts)}, {files.megabytes(paths.split(dataset))}"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
