"""List the code of a stage, for another graph's stages of the same kind to depend on.

STAGE is the stage's name after the other graph's folder, as in ablation/train. Of the study's runs
each would name some forty modules, and DVC reads all that whenever it is started.
"""

from pathlib import Path

from pipeline import imports
from pipeline.core import files, paths, stage
from pipeline.core.errors import ParameterError


def work(name: str) -> str:
    """Write ``<graph>/data/code/<stage>``: SHA-256 and path of its program and each module."""
    program = Path("stages", f"{Path(name).name}.py")
    if not program.exists():
        raise ParameterError(f"there is no stage {name!r}: {program} is missing")
    modules = imports.closure(program)
    lines = [f"{files.sha256(module)}  {module.as_posix()}\n" for module in modules]
    with files.new_file(paths.code(name)) as work:
        work.write_text("".join(lines), encoding="utf-8", newline="\n")
    return f"{len(modules)} modules"


if __name__ == "__main__":
    stage.main(work, uses=(), description=__doc__, name="STAGE")
