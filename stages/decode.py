"""Decode a dataset's images into shards: normalized, with integer and one-hot labels."""

from pipeline.core import paths, stage
from pipeline.core.params import Params
from pipeline.decode import archive, idx
from pipeline.decode.params import ArchiveDecode, IdxDecode
from pipeline.execution import workers
from pipeline.extract import kind

USES = ("numpy", "opencv-python-headless", "pandas", "pillow", "pyarrow")


def work(dataset: str) -> str:
    """Write ``data/shards/<dataset>/``."""
    workers.limit_arenas()
    params = Params.read()
    source, folder = paths.extracted(dataset), paths.shards(dataset)
    keys = ("datasets", dataset, "decode")
    if kind.kind(params, dataset) == "idx":
        return idx.decode_idx(source, params.section(IdxDecode, *keys), folder)
    return archive.decode_archive(source, params.section(ArchiveDecode, *keys), folder)


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
