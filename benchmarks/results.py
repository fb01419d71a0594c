"""``results.md``: what was measured, where, when, and on what."""

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measuring import Finding

TITLE = "# Results"
NOTE = (
    "Written by `make bench ARGS=--write`; how to read them: "
    "[docs/performance.md](../docs/performance.md)."
)
HEADER = "| what | unit | minimum | median | maximum | at most | met |"
RULE = "|---|---|---:|---:|---:|---:|---|"


def table(findings: Sequence[Finding]) -> str:
    """Findings as a table in Markdown."""
    return "\n".join([HEADER, RULE, *(f"| {' | '.join(finding.cells)} |" for finding in findings)])


def section(name: str, contract: str, data: str, repeat: int, findings: Sequence[Finding]) -> str:
    """A part's section: what it is, when and on what it was measured, and its table."""
    today = datetime.datetime.now(datetime.UTC).date()
    measured = f"{today}, {data}, repetitions: {repeat}"
    return f"## {name}\n\n{contract.strip()}\n\n{measured}\n\n{table(findings)}\n"


def merge(path: Path, machine: Sequence[str], sections: Mapping[str, str]) -> None:
    """Write sections, and keep what the file has of other parts on the same machine and versions.

    Sections stand in alphabetical order.
    """
    listed = "\n".join(f"- {line}" for line in machine)
    top = f"{TITLE}\n\n{NOTE}\n\n{listed}\n"
    kept: dict[str, str] = {}
    if path.exists():
        before, *others = re.split(r"^(?=## )", path.read_text(encoding="utf-8"), flags=re.M)
        if before.strip() == top.strip():
            kept = {other.split("\n")[0][3:]: other.strip() + "\n" for other in others}
    whole = kept | dict(sections)
    path.write_text("\n".join([top, *(whole[name] for name in sorted(whole))]), encoding="utf-8")
