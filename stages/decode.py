"""Decode a dataset's images into shards: normalized, with integer and one-hot labels."""

from pipeline import datasets, decoding, paths, stage, workers
from pipeline.params import Params

USES = ("numpy", "opencv-python-headless", "pandas", "pillow", "pyarrow")


def work(dataset: str) -> str:
    """Write ``data/shards/<dataset>/``."""
    workers.limit_arenas()
    params = Params.read()
    source, folder = paths.extracted(dataset), paths.shards(dataset)
    keys = ("datasets", dataset, "decode")
    if datasets.kind(params, dataset) == "idx":
        return decoding.decode_idx(source, params.section(decoding.IdxDecode, *keys), folder)
    return decoding.decode_archive(source, params.section(decoding.ArchiveDecode, *keys), folder)


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
