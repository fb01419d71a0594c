"""Every command's module: it is light, and its help has examples that the parser takes."""

import inspect
import re
import shlex
import subprocess
import sys

import pytest

from pipeline import __main__, commands
from tests.support.builders import ROOT

COMMANDS = commands.found()
LIGHT = {
    "pipeline",
    "pipeline.__main__",
    "pipeline.commands",
    "pipeline.core",
    "pipeline.core.options",
}


def test_help_imports_nothing_heavy():
    """No library, and of this project nothing but the commands."""
    script = (
        "import sys\nbefore = set(sys.modules)\nfrom pipeline import __main__\n"
        "__main__.parser().format_help()\nprint(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    found = set(done.stdout.split())
    ours = {name for name in found if name.split(".")[0] == "pipeline"}
    assert {name for name in ours - LIGHT if not name.startswith("pipeline.commands.")} == set()
    others = {name.split(".")[0] for name in found - ours}
    assert others <= set(sys.stdlib_module_names)
    assert not others & {"asyncio", "concurrent", "email", "http", "unittest", "xml"}


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
