"""The command line beside DVC. Each command has a --help of its own, with examples."""

import argparse
import difflib
import inspect
import re
from typing import NoReturn

from pipeline import commands
from pipeline.core import console


class Parser(argparse.ArgumentParser):
    """A parser that, of a mistyped command or choice, says which may have been meant."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with status 2."""
        mistyped = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if mistyped:
            known = [name.strip("' ") for name in mistyped[2].split(",")]
            for name in difflib.get_close_matches(mistyped[1], known, 1):
                message += f"; did you mean {name}?"
        super().error(message)


def parser() -> Parser:
    """The parser of the whole command line; imports nothing heavy."""
    top = Parser(prog="pipeline", description=__doc__)
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in commands.found().items():
        text = inspect.cleandoc(command.__doc__ or "")
        sub = subparsers.add_parser(
            name,
            help=text.partition("\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
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
        run, f"pipeline {arguments.command}", log=arguments.log, show_traceback=arguments.traceback
    )


if __name__ == "__main__":
    main()
