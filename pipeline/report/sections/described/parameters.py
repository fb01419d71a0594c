"""Parameters: all that the run was made with."""

from pipeline import runs
from pipeline.report.results import Results
from pipeline.report.sections.section import Section


def parameters(results: Results) -> Section:
    """Return all parameters of the run, and those that it sets itself."""
    sections = {
        name: results.effective[name] for name in runs.SECTIONS if name in results.effective
    }
    named = {name: results.effective[name] for name in runs.NAMED if name in results.effective}
    return Section({"effective": {"run": named, **sections}, "own": results.own})
