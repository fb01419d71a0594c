"""What ``gate.yaml`` says of one dataset or run alone, which goes or gets another name."""

import fnmatch
from collections.abc import Iterable, Iterator

from pipeline.compare.gate import Accepted, GateParams
from pipeline.core import paths
from pipeline.core.params import Params
from pipeline.new_dataset.yaml_edit import Keys
from pipeline.project import yaml_change

GONE = "gone"


def of(text: str, params: Params, what: str, name: str) -> list[Keys]:
    """Return the keys in ``accept`` and ``reproduced`` of what is about a name and no other.

    What is accepted as gone is not among them: it is to hold when the name is there no more.

    Parameters
    ----------
    text : str
        ``gate.yaml``'s.
    params : Params
        The datasets and runs that there are.
    what : str
        ``dataset`` or ``run``.
    name : str

    Raises
    ------
    ParameterError
        If ``gate.yaml`` is wrong.
    """
    gate = Params(yaml_change.values(text), paths.GATE).section(GateParams)
    names = {kind: {*params.value(kind)} for kind in ("datasets", "runs")}
    names[f"{what}s"].add(name)
    keys: list[Keys] = [
        ("reproduced", place)
        for place, run in enumerate(gate.reproduced)
        if (what, name) == ("run", run)
    ]
    return keys + [
        ("accept", place)
        for place, accepted in enumerate(gate.accept)
        if accepted.worst != GONE and [*_meant(accepted, gate, names)] == [(f"{what}s", name)]
    ]


def renamed(text: str, keys: Iterable[Keys], new: str) -> str:
    """Return ``gate.yaml`` with another name under the keys that ``of`` found."""
    for key in keys:
        text = yaml_change.put(text, [*key, "name"] if key[0] == "accept" else key, new)
    return text


def _meant(
    accepted: Accepted, gate: GateParams, names: dict[str, set[str]]
) -> Iterator[tuple[str, str]]:
    """Yield the kinds and names that an entry is about."""
    kinds = {
        rule.of
        for rule in gate.rules
        if fnmatch.fnmatchcase(accepted.metric, rule.metrics)
        or fnmatch.fnmatchcase(rule.metrics, accepted.metric)
    }
    for kind in sorted(kinds or names):
        yield from ((kind, name) for name in fnmatch.filter(sorted(names[kind]), accepted.name))
