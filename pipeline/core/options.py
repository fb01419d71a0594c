"""Options that every stage's program and every command has."""

import os
from argparse import ArgumentParser, Namespace

LOG = "PIPELINE_LOG"
"""Environment variable that says how much is told, for stages that DVC starts as well."""
QUIET, NORMAL, VERBOSE = LEVELS = "quiet", "normal", "verbose"


def add(parser: ArgumentParser) -> None:
    """Add them to a parser."""
    how_much = parser.add_mutually_exclusive_group()
    for name, help_ in (
        (QUIET, f"tell errors and results alone (as {LOG}={QUIET} does)"),
        (VERBOSE, f"tell more (as {LOG}={VERBOSE} does)"),
    ):
        how_much.add_argument(
            f"-{name[0]}", f"--{name}", dest="log", action="store_const", const=name, help=help_
        )
    parser.add_argument("--traceback", action="store_true", help="show the traceback of an error")


def heed(arguments: Namespace) -> None:
    """Have this process tell as much as its arguments say."""
    if arguments.log:
        os.environ[LOG] = arguments.log
