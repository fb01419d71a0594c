"""What a review takes as committed or finds made otherwise: a person should know of it.

Weights that this machine does not train follow from nothing that it can check, and metrics of other
data, or measured otherwise, are no better or worse for what was learned.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pipeline.core import paths
from pipeline.core.errors import first_few

Records = Mapping[str, dict[str, Any]]
MADE_OTHERWISE = {
    "extract": "extracted",
    "decode": "decoded",
    "split": "divided",
    "evaluate": "measured",
}
"""Stages whose parameters change what is measured, and what they do."""
LEARNING = ".train"
"""The end of the names of parameters that ``evaluate`` reads of the training."""


def notes(before: Records, now: Records, made: Collection[str], revision: str) -> Iterator[str]:
    """Yield a line about each dataset or run that is measured otherwise, or was trained elsewhere.

    Parameters
    ----------
    before, now : mapping
        What two revisions record, by the stages' names.
    made : collection of str
        Runs that this machine trains itself.
    revision : str
        The first of the two.
    """
    for name in sorted(now):
        kind, _, key = name.partition("@")
        old, new = before.get(name), now[name]
        if kind == "train" and key not in made and _inputs_and_weights_differ(old, new, key):
            yield (
                f"{key}: new weights, taken as committed: this machine does not train them "
                f"({paths.GATE}: reproduced)"
            )
        if old is None:
            continue
        if kind == "download" and _outputs(old) != _outputs(new):
            yield f"{key}: its published files are others than at {revision}"
        if kind in MADE_OTHERWISE and (changed := _changed(old, new)):
            done = MADE_OTHERWISE[kind]
            yield f"{key}: {done} otherwise than at {revision}: {first_few(changed)}"


def _inputs_and_weights_differ(old: dict[str, Any] | None, new: dict[str, Any], run: str) -> bool:
    """Return True if weights are others, and for a reason; without one, see ``unexplained``."""
    if old is None:
        return True
    weights = paths.model(run).as_posix()
    same_inputs = all(old.get(part) == new.get(part) for part in ("cmd", "deps", "params"))
    return not same_inputs and _outputs(old).get(weights) != _outputs(new).get(weights)


def _outputs(record: dict[str, Any]) -> dict[str, str | None]:
    return {out["path"]: out.get("md5") for out in record.get("outs", ())}


def _changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the parameters that differ, but for libraries and the training's."""
    one, two = (record.get("params", {}).get(f"{paths.PARAMS}", {}) for record in (old, new))
    return sorted(
        name
        for name in one.keys() | two.keys()
        if one.get(name) != two.get(name) and not name.endswith(LEARNING)
    )
