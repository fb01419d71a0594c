"""Draw a run's figures and write its report, one static HTML page; without TensorFlow."""

from pipeline import files, paths, report, runs, stage
from pipeline.params import Params

USES = ("jinja2", "matplotlib", "numpy", "pillow", "pyarrow")


def work(run: str) -> str:
    """Write ``figures/``, ``report.html`` and two cards into ``metrics/runs/<run>/``."""
    params = Params.read(paths.params(run))
    section = runs.section(params, run, "report", report.ReportParams)
    done = report.write(run, runs.resolve(params, run), section)
    return f"{files.megabytes(paths.metrics(run))}, {done}"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="RUN")
