"""Download a dataset's published files and verify them, each from the first source that has it."""

from pipeline.core import console, paths, stage
from pipeline.core.params import Params
from pipeline.download import fetch
from pipeline.download.params import DownloadParams

USES = ()


def work(dataset: str) -> str:
    """Write ``data/raw/<dataset>/``."""
    params = Params.read().section(DownloadParams, "datasets", dataset, "download")
    folder = paths.raw(dataset)
    done = fetch.download(dataset, params, folder)
    if pins := fetch.pins(params, folder):
        console.result(f"Not pinned; to pin, put into datasets.{dataset}.download.files:\n{pins}")
    return done


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="DATASET")
