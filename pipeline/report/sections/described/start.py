"""Start: what a network took from weights before its first epoch."""

from pipeline.report.results import Results
from pipeline.report.sections.section import Section


def start(results: Results) -> Section | None:
    """Return what the network took from weights; None if all were fresh."""
    if results.start is None:
        return None
    taken = results.start.transferred
    return Section(
        {
            "path": taken.path,
            "by": taken.by,
            "taken": taken.taken,
            "fresh": taken.fresh,
            "left": taken.left,
            "phases": results.start.phases,
        }
    )
