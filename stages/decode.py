"""Decode a dataset's images into shards: normalized, with integer and one-hot labels."""

from pipeline.core import paths, stage
from pipeline.core.params import Params
from pipeline.decode.decoders import DECODERS
from pipeline.execution import workers
from pipeline.extract.kind import kind_of

USES = ("numpy", "opencv-python-headless", "pandas", "pillow", "pyarrow")


def work(dataset: str) -> str:
    """Write ``data/shards/<dataset>/``."""
    workers.limit_arenas()
    params = Params.read()
    decoder = DECODERS[kind_of(params, dataset)]
    section = params.section(decoder.params, "datasets", dataset, "decode")
    return decoder.decode(paths.extracted(dataset), section, paths.shards(dataset))


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
