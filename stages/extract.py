"""Extract a dataset's published files: IDX streams unzipped, archives as a few Parquet parts."""

from pipeline import datasets, extracted, paths, stage
from pipeline.params import Params

USES = ("py7zr", "pyarrow")


def work(dataset: str) -> str:
    """Write ``data/extracted/<dataset>/``."""
    params = Params.read()
    raw, folder = paths.raw(dataset), paths.extracted(dataset)
    keys = ("datasets", dataset, "extract")
    if datasets.kind(params, dataset) == "idx":
        return extracted.extract_idx(raw, params.section(extracted.IdxExtract, *keys), folder)
    return extracted.extract_archive(raw, params.section(extracted.ArchiveExtract, *keys), folder)


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
