"""No-op: `dvc repro` of a report with nothing to do, against an empty DVC repository.

DVC reads all stages of a project, those of the other runs too. The study is another project.

Nothing is computed for it: every output is a folder of a dozen small files, or one file, and is
committed to DVC as it is. A no-op compares names, sizes and times with what DVC knows, never bytes.
"""

import json

from benchmarks.measuring import BenchmarkError, Case, Finding, Measured
from benchmarks.project import PYTHON, Repository, copied, scratch
from benchmarks.settings import Settings

FILES = 12
DATA = "small files"
TARGET = "report@fashion_mnist"
OUTPUTS = """
import json
from dvc.repo import Repo
stages = Repo().index.stages
print(json.dumps([len(stages), [out.fs_path for stage in stages for out in stage.outs]]))
"""


def run(settings: Settings) -> list[Finding]:
    """Measure."""
    with copied(settings) as project, scratch(settings) as other:
        empty = Repository(other)
        (other / "dvc.yaml").write_text("stages: {}\n")
        stages, outputs = json.loads(project.run(PYTHON, "-c", OUTPUTS).output.splitlines()[-1])
        for path in map(project.folder.joinpath, outputs):
            names = [path] if path.suffix else [path / str(n) for n in range(FILES)]
            for name in names:
                name.parent.mkdir(parents=True, exist_ok=True)
                name.write_text(str(name))
        project.dvc("commit", "-q", "-f")
        cases = [
            Case("graph", lambda: project.dvc("repro", TARGET).quantities),
            Case("empty", lambda: empty.dvc("repro").quantities),
        ]
        for case in cases:
            case.measure()  # what is read for the first time is read once
        said = project.dvc("repro", TARGET).output
        if "Running stage" in said:
            raise BenchmarkError(f"dvc repro has something to do:\n{said}")
        found = Measured(cases, settings.repeat)
    return [
        Finding(
            f"{stages} stages read, over an empty repository",
            found.ratios("graph", "empty"),
            target=2.5,
        ),
        *(Finding(f"{case.name}: time", found.values(case.name), "s") for case in cases),
        *(
            Finding(f"{case.name}: CPU seconds", found.values(case.name, "CPU s"), "CPU s")
            for case in cases
        ),
    ]
