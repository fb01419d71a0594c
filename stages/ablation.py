"""Report an ablation study: what each change does to the accuracy; without TensorFlow."""

from pathlib import Path

from pipeline.ablation import report
from pipeline.ablation.study import AblationParams, study
from pipeline.core import paths, stage
from pipeline.core.params import Params

USES = ("jinja2", "matplotlib", "numpy", "pillow", "pyarrow", "scipy")


def work(folder: str) -> str:
    """Write ``ablation`` as JSON, CSV, Markdown, PNG, SVG and HTML into ``<study>/metrics/``."""
    params = Params.read(Path(folder) / paths.PARAMS)
    results = study(folder)
    written = report.write(folder, results, params.section(AblationParams, "ablation").dpi)
    left = f", not evaluated yet: {', '.join(results.missing)}" if results.missing else ""
    return f"{len(results.changes)} changes, see {written}{left};"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="STUDY")
