"""Commands beside DVC. Each has a --help of its own, with examples."""

import argparse
from argparse import RawDescriptionHelpFormatter
from typing import NoReturn

from pipeline import commands
from pipeline.core import console


class Parser(console.Parser):
    """A parser whose error about a mistyped command or choice suggests the nearest one."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with status 2."""
        import difflib  # both here, so that --help is quick
        import re

        mistyped = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if mistyped:
            known = [name.strip("' ") for name in mistyped[2].split(",")]
            for name in difflib.get_close_matches(mistyped[1], known, 1):
                message += f"; did you mean {name}?"
        super().error(message)


def parser() -> Parser:
    """Return the parser of the whole command line; imports nothing heavy."""
    groups = commands.by_group()
    top = Parser(
        prog="pipeline",
        usage="pipeline [-h] COMMAND ...",
        description=__doc__,
        epilog=_overview(groups),
        formatter_class=RawDescriptionHelpFormatter,
    )
    subparsers = top.add_subparsers(
        dest="command", metavar="COMMAND", prog="pipeline", help=argparse.SUPPRESS
    )
    for group in groups.values():
        for name, command in group.items():
            sub = subparsers.add_parser(
                name, description=_help(command), formatter_class=RawDescriptionHelpFormatter
            )
            commands.add_arguments(command, sub)
            console.add_options(sub)
            sub.set_defaults(run=command.run)
    return top


def main() -> None:
    """Parse the command line, run the command, print what it returns."""
    top = parser()
    arguments = top.parse_args()
    if arguments.command is None:
        top.print_help()
        return
    from pipeline.core import stage

    def run() -> None:
        if result := arguments.run(arguments):
            console.result(result)

    stage.guard(
        run,
        f"pipeline {arguments.command}",
        log=arguments.log,
        show_traceback=arguments.traceback,
    )


def _help(command: commands.Command) -> str:
    return (command.__doc__ or "").strip()


def _overview(groups: dict[str, dict[str, commands.Command]]) -> str:
    """Return a list of the commands, each with the first line of its help, by group."""
    width = max(len(name) for group in groups.values() for name in group) + 2
    lines: list[str] = []
    for heading, group in groups.items():
        lines += ["", f"{heading}:"]
        lines += [
            f"  {name:{width}}{_help(command).partition(chr(10))[0]}"
            for name, command in group.items()
        ]
    return "\n".join(lines[1:])


if __name__ == "__main__":
    main()
