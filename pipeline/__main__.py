"""The command line beside DVC: ``python -m pipeline COMMAND``."""

import argparse
import sys
from pathlib import Path

from pipeline import stage


def check() -> str:
    """Validate every section of params.yaml and the installed versions' record."""
    from pipeline.checks import check_params
    from pipeline.params import Params

    return check_params(Params.read())


def summary() -> str:
    """Show the metrics of every run that has been evaluated, and where its report is."""
    from pipeline import summaries
    from pipeline.params import Params

    return summaries.table(Params.read())


def verify() -> str:
    """Check that parameters, code, data, dvc.lock and metrics agree; list what does not."""
    from pipeline import verification
    from pipeline.params import Params

    faults = list(verification.faults(Params.read()))
    if faults:
        sys.exit("\n".join(faults))
    return "all that is here agrees"


def repair() -> str:
    """Mend what DVC leaves when it is killed while it writes, such as half a dvc.lock."""
    from pipeline import repo

    return "\n".join(repo.repair()) or "nothing to mend"


def lock() -> str:
    """Write libraries.yaml, the versions that can change an output, from requirements.lock."""
    from pipeline import libraries, paths

    libraries.write(Path("requirements.lock"))
    return f"{paths.LIBRARIES} written"


COMMANDS = {"check": check, "verify": verify, "repair": repair, "summary": summary, "lock": lock}


def main() -> None:
    """Parse the command line, run the command, print what it returns."""
    parser = argparse.ArgumentParser(prog="pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        text = command.__doc__
        commands.add_parser(name, help=text, description=text)
    command = parser.parse_args().command
    sys.stdout.write(stage.guard(COMMANDS[command], f"pipeline {command}") + "\n")


if __name__ == "__main__":
    main()
