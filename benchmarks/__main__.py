"""Measure the pipeline against what else one could use: ``python -m benchmarks [PART ...]``."""

import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType

from benchmarks import machine, results
from benchmarks.measuring import BenchmarkError
from benchmarks.settings import FULL, Settings

PARTS = (
    "startup",
    "noop",
    "data",
    "sharing",
    "training",
    "kernels",
    "input",
    "photos",
    "memory",
)
RESULTS = Path(__file__).with_name("results.md")


def positive(text: str) -> int:
    """An argument that is at least 1."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Measure the parts that are asked for; return the exit status."""
    lines = {name: (_part(name).__doc__ or "").split("\n")[0] for name in PARTS}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the pipeline against what else one could use. Parts (all, if none is "
        "named):\n" + "\n".join(f"  {name:9} {line}" for name, line in lines.items()),
        epilog="DATA_MIRROR names the folder of the published files; without it, synthetic ones of "
        "the same shape are made, once.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    add("--repeat", type=positive, default=3, metavar="N", help="repetitions (default: 3)")
    add("--write", action="store_true", help="write the results to benchmarks/results.md")
    add("--quick", action="store_true", help="leave out the part memory, which takes long")
    add("--steps", type=positive, metavar="N", help="of a training epoch (default: all, 429)")
    add(
        "--images",
        type=positive,
        default=FULL,
        metavar="N",
        help=f"of synthetic data instead of {FULL:,}, from 200",
    )
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.parts if name not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if chosen.images < 200:
        parser.error("--images: at least 200, of which batches can be made")
    settings = Settings(chosen.repeat, chosen.images, chosen.steps, chosen.quick)
    parts = chosen.parts or [name for name in PARTS if not (settings.quick and name == "memory")]
    return measure(parts, settings, RESULTS if chosen.write else None)


def measure(parts: list[str], settings: Settings, path: Path | None) -> int:
    """Measure parts; print the table of each, and write it to a file at once."""
    about = machine.describe()
    print("\n".join(about))
    status = 0
    for name in parts:
        part = _part(name)
        print(f"\n{name}", flush=True)
        try:
            findings = part.run(settings)
        except BenchmarkError as error:
            print(f"{name}: {error}", file=sys.stderr)
            status = 1
            continue
        print(results.table(findings), flush=True)
        if path:
            data = getattr(part, "DATA", settings.data)  # where a part takes none of these
            section = results.section(name, part.__doc__ or "", data, settings.repeat, findings)
            results.merge(path, about, {name: section})
            print(f"{path} written", flush=True)
    return status


def _part(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{name}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\ninterrupted")
