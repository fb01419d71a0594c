"""Draw a run's figures and write its report, one HTML page; without TensorFlow."""

from pipeline import runs
from pipeline.core import files, paths, stage
from pipeline.core.params import Params
from pipeline.report.params import ReportParams
from pipeline.report.write import write

USES = (
    "altair",
    "h5py",
    "jinja2",
    "matplotlib",
    "numpy",
    "pillow",
    "pyarrow",
    "vl-convert-python",
)


def work(run: str) -> str:
    """Write ``figures/``, ``report.html`` and two cards into ``metrics/runs/<run>/``."""
    params = Params.read(paths.params(run))
    section = runs.section(params, run, "report", ReportParams)
    own = {name: params.value("runs", run, name) for name in runs.SECTIONS}
    done = write(run, runs.resolve(params, run), section, own, USES)
    return f"{files.megabytes(paths.metrics(run))}, {done}"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="RUN")
