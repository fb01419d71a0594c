"""Record new code in dvc.lock for stages whose outputs stay the same.

After a change of code that changes no result, such as a comment, the stages that depend on it are
out of date, and some take hours. Run one stage of each kind again, and this records the rest:

    make demo
    python -m pipeline record-code

A stage is recorded if another of its kind was run with the old code and with the new, and its
outputs, which are here, are the same. Parameters, data and outputs have to be as they were
recorded; where they are not, the stage is refused, and the exit status is 1. By default it is about
all stages that are recorded, the ablation study's too:

    python -m pipeline record-code train@fashion_mnist ablation/dvc.yaml

Code that no such stage reads, as a network that the demos do not use, is refused too. Where you are
certain of it nevertheless, as of a comment, --certain records it; the commit should say why.

Reports print the code that drew them: those that are here are drawn again by dvc repro, and of
those that are not the record is removed.

After a version that writes more into evaluation.json or other files of Git's, --metrics records
these as they are here; verify and CI compute them again.
"""

import sys
from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the stages, and ``--certain``."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="a stage, as for dvc repro")
    parser.add_argument("--certain", action="store_true", help="record also what no stage shows")
    parser.add_argument("--metrics", action="store_true", help="record Git's files as they are")


def run(arguments: Namespace) -> str:
    """Return what was recorded; exits with status 1 if something was refused."""
    from pipeline.core import process_lock
    from pipeline.core.errors import first_few
    from pipeline.repository.new_code.record import record

    with process_lock.project():
        outcome = record(arguments.targets, certain=arguments.certain, metrics=arguments.metrics)
    if not any(outcome):
        return "dvc.lock records the code that is here"
    done = f"recorded the code of {len(outcome.recorded)} stages"
    if outcome.shown_by:
        done += f"; that outputs stay the same is shown by {first_few(outcome.shown_by)}"
    if outcome.removed:
        done += f"; removed the records of {len(outcome.removed)} reports that are not here"
    if outcome.refused:
        sys.exit("\n".join([*outcome.reasons, f"{done}; refused {len(outcome.refused)}"]))
    return done
