"""Extract a dataset's published files: IDX streams unzipped, images as a few Parquet parts."""

from pipeline.core import paths, stage
from pipeline.core.params import Params
from pipeline.extract import archive, hugging_face, idx
from pipeline.extract import kind as dataset_kind
from pipeline.extract.archive import ArchiveExtract
from pipeline.extract.hugging_face import ParquetExtract
from pipeline.extract.idx import IdxExtract

USES = ("py7zr", "pyarrow")


def work(dataset: str) -> str:
    """Write ``data/extracted/<dataset>/``."""
    params = Params.read()
    raw, folder = paths.raw(dataset), paths.extracted(dataset)
    keys = ("datasets", dataset, "extract")
    kind = dataset_kind.kind(params, dataset)
    if kind == "idx":
        return idx.extract_idx(raw, params.section(IdxExtract, *keys), folder)
    if kind == "parquet":
        section = params.section(ParquetExtract, *keys)
        return hugging_face.extract(raw, section, folder)
    return archive.extract_archive(raw, params.section(ArchiveExtract, *keys), folder)


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
