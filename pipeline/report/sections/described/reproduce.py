"""Reproduce: hashes and versions of all that a page is made from."""

from pipeline.core import files
from pipeline.execution import fingerprint
from pipeline.execution.machine import Machine
from pipeline.report import html
from pipeline.report.results import Results
from pipeline.report.sections.section import Section

SUFFIXES = (".j2", ".css", ".js", ".json")
"""Suffixes of the files in ``templates/``."""


def reproduce(results: Results) -> Section:
    """Return the hashes and versions of what the page is made from."""
    inputs = {path.as_posix(): files.sha256(path) for path in results.inputs}
    code = fingerprint.code(
        path for path in html.FOLDER.rglob("*") if path.suffix in SUFFIXES and path.is_file()
    )
    return Section(
        {
            "inputs": inputs,
            "machine": Machine.of(results.run),
            "model_sha256": next(inputs[name] for name in inputs if name.endswith(".h5")),
            "code": code,
            "code_sha256": fingerprint.combined(code),
            "versions": fingerprint.versions(results.uses),
        }
    )
