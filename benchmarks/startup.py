"""Start-up: `--help` of the command line and of each stage's program, beside Python's own start.

Each is repeated three times as often as it says.
"""

from functools import partial

from benchmarks.measuring import Case, Finding, Measured, Quantities
from benchmarks.project import PYTHON, copied
from benchmarks.settings import ROOT, Settings

DATA = "no data"
TIMES = 3
"""As many repetitions as of other parts, which take longer."""


def run(settings: Settings) -> list[Finding]:
    """Measure."""
    stages = [f"stages.{path.stem}" for path in sorted((ROOT / "stages").glob("*.py"))]
    with copied(settings) as project:

        def start(*arguments: str) -> Quantities:
            return project.run(PYTHON, *arguments).quantities

        cases = [
            Case("python", lambda: start("-c", "pass")),
            Case("pipeline", lambda: start("-m", "pipeline", "--help")),
            *(Case(name, partial(start, "-m", name, "--help")) for name in stages),
        ]
        for case in cases:
            case.measure()
        found = Measured(cases, TIMES * settings.repeat)
    return [
        Finding("python -m pipeline --help", found.values("pipeline"), "s", 0.3),
        Finding("python -c pass", found.values("python"), "s"),
        *(Finding(f"python -m {name} --help", found.values(name), "s") for name in stages),
    ]
