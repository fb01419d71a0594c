"""Extract a dataset's published files: IDX streams unzipped, images as a few Parquet parts."""

from pipeline import datasets, extracted, hugging_face, paths, stage
from pipeline.params import Params

USES = ("py7zr", "pyarrow")


def work(dataset: str) -> str:
    """Write ``data/extracted/<dataset>/``."""
    params = Params.read()
    raw, folder = paths.raw(dataset), paths.extracted(dataset)
    keys = ("datasets", dataset, "extract")
    kind = datasets.kind(params, dataset)
    if kind == "idx":
        return extracted.extract_idx(raw, params.section(extracted.IdxExtract, *keys), folder)
    if kind == "parquet":
        section = params.section(hugging_face.ParquetExtract, *keys)
        return hugging_face.extract(raw, section, folder)
    return extracted.extract_archive(raw, params.section(extracted.ArchiveExtract, *keys), folder)


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
