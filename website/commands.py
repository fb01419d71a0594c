"""Reference of the commands, from their own help."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from functools import partial

from pipeline import commands
from pipeline.commands import Command
from pipeline.core import console

INTRODUCTION = """# Commands

`python -m pipeline COMMAND`, each as its `--help` has it.
"""
WIDTH = 90


def page() -> str:
    """Return the page, in Markdown."""
    lines = [INTRODUCTION]
    for heading, group in commands.by_group().items():
        lines.append(f"## Commands for {heading}\n")
        for name, command in group.items():
            lines.append(f"### {name}\n\n```text\n{shown(name, command)}```\n")
    return "\n".join(lines)


def shown(name: str, command: Command) -> str:
    """Return a command's help, as wide as a page."""
    parser = ArgumentParser(
        prog=f"pipeline {name}",
        description=(command.__doc__ or "").strip(),
        formatter_class=partial(RawDescriptionHelpFormatter, width=WIDTH),
    )
    commands.add_arguments(command, parser)
    console.add_options(parser)
    return parser.format_help()
