"""Every command's module: it is light, and its help has examples that the parser takes."""

import inspect
import re
import shlex
import subprocess
import sys

import pytest

from pipeline import __main__, commands
from tests.support.builders import ROOT

COMMANDS = {
    name: command for group in commands.by_group().values() for name, command in group.items()
}
LIGHT = {
    "pipeline",
    "pipeline.__main__",
    "pipeline.core",
    "pipeline.core.console",
    "pipeline.core.errors",
}


def test_every_folder_is_a_group_and_every_module_a_command():
    folders = {path.parent.name for path in (ROOT / "pipeline/commands").glob("*/*.py")}
    modules = {path.stem for path in (ROOT / "pipeline/commands").glob("*/[!_]*.py")}
    assert folders == set(commands.GROUPS)
    assert {name.replace("_", "-") for name in modules} == set(COMMANDS)


def test_the_help_shows_each_command_under_its_heading():
    shown = __main__.parser().format_help()
    for heading, group in commands.by_group().items():
        section = shown.partition(f"\n{heading}:\n")[2].partition("\n\n")[0]
        assert re.findall(r"^  (\S+)  +[A-Z].*\.$", section, re.M) == list(group)
    assert max(map(len, shown.splitlines())) <= 100


def test_help_imports_nothing_heavy():
    """No library, and of this project little but the commands."""
    script = (
        "import sys\nbefore = set(sys.modules)\nfrom pipeline import __main__\n"
        "__main__.parser().format_help()\nnew = set(sys.modules) - before\n"
        "print(*sorted(name for name in new if getattr(sys.modules[name], '__spec__', None)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.split(".")[0] == "pipeline"}
    assert {name for name in ours if not name.startswith("pipeline.commands")} == LIGHT
    others = {name.split(".")[0] for name in loaded - ours}
    assert others <= set(sys.stdlib_module_names)
    assert not others & {"asyncio", "concurrent", "email", "http", "tempfile", "unittest", "xml"}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_line_and_examples_that_parse(name):
    first, _, rest = inspect.cleandoc(COMMANDS[name].__doc__).partition("\n")
    assert re.fullmatch(r"[A-Z].*\.", first)
    examples = re.findall(r"^    python -m pipeline (.*)$", rest, re.M)
    assert examples
    for example in examples:
        words = shlex.split(example.partition(" | ")[0].partition(" > ")[0], comments=True)
        assert words[0] == name
        assert __main__.parser().parse_args(words).run is COMMANDS[name].run
