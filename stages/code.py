"""List the code that a stage of the main graph depends on, for another graph to depend on.

STAGE is the stage's name after the other graph's folder, as in ablation/train. Of the study's runs
each would name some forty modules; DVC reads all of them whenever it is started.
"""

from pathlib import Path

from pipeline import files, paths, stage
from pipeline.errors import ParameterError
from pipeline.yaml import read_yaml


def work(name: str) -> str:
    """Write ``<graph>/data/code/<stage>``: SHA-256 and path of each of the stage's modules."""
    stages = read_yaml(paths.GRAPH)["stages"]
    known = Path(name).name
    if known not in stages:
        raise ParameterError(f"{paths.GRAPH} has no stage {known!r}; it has: {', '.join(stages)}")
    modules = [
        dep for dep in stages[known]["do"]["deps"] if dep.startswith(("pipeline/", "stages/"))
    ]
    lines = [f"{files.sha256(Path(module))}  {module}\n" for module in modules]
    with files.new_file(paths.code(name)) as work:
        work.write_text("".join(lines), encoding="utf-8", newline="\n")
    return f"{len(modules)} modules"


if __name__ == "__main__":
    stage.main(work, uses=(), description=__doc__, name="STAGE")
