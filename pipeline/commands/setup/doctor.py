"""Check all that the pipeline needs, with a remedy for each problem.

Python, libraries, Git, parameters, memory, disk, dvc.lock, DVC's cache and remote (to which it
writes a small file, and removes it), Kaggle's token, the processor and the precision that suits it,
and each GPU with a product of matrices. The exit status is 1 if there is a problem:

    python -m pipeline doctor
    NO_COLOR=1 python -m pipeline doctor > findings.txt
"""

import os
import sys
from argparse import Namespace
from collections import Counter

COLOURS = {"OK": 32, "note": 33, "problem": 31}


def run(_: Namespace) -> str:
    """Print each finding as soon as it is made; exits with status 1 if one is a problem."""
    from pipeline.core import console
    from pipeline.doctor import examine

    marks: Counter[str] = Counter()
    for finding in examine.examine():
        marks[finding.mark] += 1
        mark = _coloured(f"{finding.mark:7}", COLOURS[finding.mark])
        console.result(f"{mark}  {finding.what}: {finding.text}")
        if finding.remedy:
            console.result(f"{'':7}  -> {finding.remedy}")
    counts = f"problems: {marks['problem']}, notes: {marks['note']}"
    if marks["problem"]:
        console.result(counts)
        sys.exit(1)
    return counts


def _coloured(text: str, number: int) -> str:
    """Return coloured text for a terminal, unless ``NO_COLOR`` is set (https://no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain or not sys.stdout.isatty() else f"\x1b[{number}m{text}\x1b[0m"
