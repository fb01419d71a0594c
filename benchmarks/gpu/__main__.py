"""Check on a GPU that everything holds there, and how fast it is: ``make gpu-check``."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import machine, results
from benchmarks.gpu.children import Children, Clock
from benchmarks.gpu.parts import PARTS, Runs
from benchmarks.measuring import BenchmarkError, Finding
from pipeline.core import paths

SECONDS = 480
RESULTS = Path(__file__).parents[1] / "gpu-results.json"
TITLE = "# Results on a GPU"
NOTE = "Written by `make gpu-check`; what it checks, and how: [docs/scale.md](../docs/scale.md)."


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the parts that are asked for; return 0 if all hold, else 1."""
    lines = {name: (part.__doc__ or "").split("\n")[0] for name, part in PARTS.items()}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description="Check on a GPU that everything holds there, and how fast it is. Parts (all, "
        "if none is named):\n" + "\n".join(f"  {name:15} {line}" for name, line in lines.items()),
        epilog="It needs the shards and the split of fashion_mnist (dvc repro "
        "split@fashion_mnist), and neither DVC nor a network.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    add("--seconds", type=float, default=SECONDS, help=f"for all parts (default: {SECONDS})")
    add("--out", type=Path, default=RESULTS, help="the JSON file; a .md stands beside it")
    add("--try", action="store_true", dest="tried", help="on the CPU, with demo_idx alone")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.parts if name not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if chosen.tried and chosen.out == RESULTS:
        parser.error("--try: give --out, for what is no GPU's does not belong there")
    runs = Runs(small=chosen.tried)
    if not paths.shards(runs.tutorial).is_dir():
        parser.error(f"{paths.shards(runs.tutorial)} is missing: dvc repro split@{runs.tutorial}")
    children = Children(Clock(chosen.seconds), gpu=not chosen.tried)
    about = children.device("describe")
    if not about["gpus"] and not chosen.tried:
        print(
            f"no GPU: {about['versions']} sees none (driver: {about['driver']}); nothing was "
            "checked. TF_CPP_MIN_LOG_LEVEL=0 names a library that could not be loaded.",
            file=sys.stderr,
        )
        return 1
    return check(chosen.parts or list(PARTS), children, runs, about, chosen.out)


def check(
    parts: Sequence[str], children: Children, runs: Runs, about: dict[str, Any], path: Path
) -> int:
    """Check parts; print the table of each, and write all so far to the files after each."""
    described = [
        f"Device: {', '.join(about['gpus']) or 'the CPU, tried with demo_idx alone'}",
        f"Driver: {about['driver']}",
        f"Versions: {about['versions']}",
        *machine.describe(),
    ]
    print("\n".join(described))
    found: dict[str, list[Finding]] = {}
    for name in parts:
        print(f"\n{name}", flush=True)
        began = time.monotonic()
        try:
            found[name] = PARTS[name](children, runs)
        except BenchmarkError as error:
            found[name] = [Finding(name, note=str(error))]
        print(results.table(found[name]), flush=True)
        print(f"{time.monotonic() - began:.0f} s", flush=True)
        write(path, described, found)
    lines = [finding for findings in found.values() for finding in findings]
    short = [finding.what for finding in lines if finding.met is False or not finding.values]
    print(f"\n{path} written; {len(lines) - len(short)} of {len(lines)} hold or are figures")
    print("\n".join(f"  not: {what}" for what in short), end="\n" if short else "")
    return 1 if short else 0


def write(path: Path, about: Sequence[str], found: dict[str, list[Finding]]) -> None:
    """Write all findings so far as JSON, and as Markdown beside it."""
    values = {
        "about": list(about),
        "parts": {
            name: [asdict(finding) | {"met": finding.met} for finding in findings]
            for name, findings in found.items()
        },
    }
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    sections = [
        f"## {name}\n\n{(PARTS[name].__doc__ or '').strip()}\n\n{results.table(findings)}\n"
        for name, findings in found.items()
    ]
    top = f"{TITLE}\n\n{NOTE}\n\n" + "\n".join(f"- {line}" for line in about) + "\n"
    path.with_suffix(".md").write_text("\n".join([top, *sections]), encoding="utf-8")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\ninterrupted")
