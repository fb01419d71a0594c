"""Extract a dataset's published files: IDX streams unzipped, images as a few Parquet parts."""

from pipeline.core import paths, stage
from pipeline.core.params import Params
from pipeline.extract.extractors import EXTRACTORS
from pipeline.extract.kind import kind_of

USES = ("py7zr", "pyarrow")


def work(dataset: str) -> str:
    """Write ``data/extracted/<dataset>/``."""
    params = Params.read()
    extractor = EXTRACTORS[kind_of(params, dataset)]
    section = params.section(extractor.params, "datasets", dataset, "extract")
    return extractor.extract(paths.raw(dataset), section, paths.extracted(dataset))


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
