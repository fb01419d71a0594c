"""The command line beside DVC. Each command has a --help of its own, with examples."""

import argparse
import inspect

from pipeline import commands, options


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; imports nothing heavy."""
    top = argparse.ArgumentParser(prog="pipeline", description=__doc__)
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
        options.add(sub)
        sub.set_defaults(run=command.run)
    return top


def main() -> None:
    """Parse the command line, run the command, print what it returns."""
    top = parser()
    arguments = top.parse_args()
    if arguments.command is None:
        top.print_help()
        return
    from pipeline import progress, stage

    options.heed(arguments)

    def run() -> None:
        if result := arguments.run(arguments):
            progress.show(result)

    stage.guard(run, f"pipeline {arguments.command}", show_traceback=arguments.traceback)


if __name__ == "__main__":
    main()
