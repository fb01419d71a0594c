"""Report an ablation study: what each change does to the accuracy; without TensorFlow."""

from pathlib import Path

from pipeline.ablation import report
from pipeline.ablation import study as ablation_study
from pipeline.core import paths, stage
from pipeline.core.params import Params

USES = ("jinja2", "matplotlib", "numpy", "pillow", "pyarrow", "scipy")


def work(folder: str) -> str:
    """Write ``ablation`` as JSON, CSV, Markdown, PNG, SVG and HTML into ``<study>/metrics/``."""
    params = Params.read(Path(folder) / paths.PARAMS)
    study = ablation_study.study(folder)
    section = params.section(ablation_study.AblationParams, "ablation")
    written = report.write(folder, study, section.dpi)
    left = f", not evaluated yet: {', '.join(study['missing'])}" if study["missing"] else ""
    return f"{len(study['changes'])} changes, see {written}{left};"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="STUDY")
