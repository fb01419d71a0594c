"""Download a dataset's published files and verify them, each from the first source that has it."""

from pipeline import paths, raw, stage
from pipeline.params import Params

USES = ()


def work(dataset: str) -> str:
    """Write ``data/raw/<dataset>/``."""
    params = Params.read().section(raw.DownloadParams, "datasets", dataset, "download")
    folder = paths.raw(dataset)
    done = raw.download(dataset, params, folder)
    if pins := raw.pins(params, folder):
        print(f"Not pinned; to pin, put into datasets.{dataset}.download.files:\n{pins}")
    return done


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
