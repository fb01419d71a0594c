"""The corpus of hostile and broken inputs, each made from scratch: files from strangers.

``INPUTS`` has for each, by name, the stage that meets it, a function that puts it into a project
in which the earlier stages have run, and the expected end, as ``docs/security.md`` documents it.
"""

from tests.support.hostile import (
    archive_tables,
    archives,
    idx,
    images,
    parameters,
    parquet,
    results,
    shards,
    sources,
    tables,
)
from tests.support.hostile.corpus import Input

INPUTS: dict[str, Input] = {
    name: value
    for module in (
        archives,
        archive_tables,
        idx,
        images,
        tables,
        shards,
        parameters,
        parquet,
        results,
        sources,
    )
    for name, value in module.INPUTS.items()
}
