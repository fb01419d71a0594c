"""Divide a dataset into training, validation and test images, and write its data card."""

from pipeline import data_card, datasets, files, paths, shards, splits, splitting, stage
from pipeline.params import Params

USES = ("numpy", "pyarrow", "scikit-learn")


def work(dataset: str) -> str:
    """Write ``data/splits/<dataset>.parquet`` and ``metrics/datasets/<dataset>/data.json``."""
    params = Params.read()
    folder = paths.shards(dataset)
    index = shards.Index.read(folder)
    ids = shards.column(folder, index, "id")
    labels = shards.column(folder, index, "label").to_numpy()
    keys = ("datasets", dataset, "split")
    if datasets.kind(params, dataset) == "idx":
        split = splitting.split_idx(ids, labels, params.section(splitting.IdxSplit, *keys))
    else:
        positions = shards.column(folder, index, "position").to_numpy()
        section = params.section(splitting.ArchiveSplit, *keys)
        split = splitting.split_archive(ids, positions, labels, section)
    splits.write(paths.split(dataset), split)
    files.write_json(paths.data_card(dataset), data_card.data_card(dataset, folder, index, split))
    return ", ".join(f"{len(split.rows(subset)):,} {subset}" for subset in splits.SUBSETS)


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
