"""Report a study of fine-tuning: what trained weights are worth; without TensorFlow."""

from pathlib import Path

from pipeline.core import paths, stage
from pipeline.core.params import Params
from pipeline.transfer import report
from pipeline.transfer.study import TransferParams, study

USES = ("matplotlib", "numpy", "pillow", "pyarrow", "scipy")


def work(folder: str) -> str:
    """Write ``transfer`` as JSON, CSV, Markdown and PNG into ``<study>/metrics/``."""
    params = Params.read(Path(folder) / paths.PARAMS)
    results = study(folder)
    written = report.write(folder, results, params.section(TransferParams, "transfer").dpi)
    left = f", not evaluated yet: {', '.join(results.missing)}" if results.missing else ""
    return f"{len(results.targets)} datasets, see {written}{left};"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="STUDY")
