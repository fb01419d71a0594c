"""A dataset or run under another name: its parameters, records, files, and what names it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml.nodes import MappingNode

from pipeline import schema
from pipeline.core import files, paths, places, process_lock
from pipeline.core.errors import ParameterError, first_few, shown
from pipeline.core.params import Params, is_name, read_yaml
from pipeline.new_dataset import yaml_edit
from pipeline.project import removal, yaml_change
from pipeline.project.entries import accepted
from pipeline.project.removal import DATA_STAGES, GRAPH, RUN_STAGES
from pipeline.repository import lock_edit

Entry = dict[str, Any]
NAMING = {"dataset": ("split", "report"), "run": ("report",)}
"""The stages whose outputs name a dataset or run: their records go, and they are to be run."""
STAGES = {"dataset": DATA_STAGES, "run": RUN_STAGES}


@dataclass
class Renaming:
    """What another name changes."""

    what: str
    """``dataset`` or ``run``."""
    old: str
    new: str
    users: list[str]
    """Runs of a dataset."""
    texts: dict[Path, str] = field(default_factory=dict)
    """The new texts of YAML files."""
    moves: dict[Path, Path] = field(default_factory=dict)
    """Outputs and other files, whether they are there or not, and their new places."""

    def apply(self) -> list[str]:
        """Rename it all; the parameters first.

        Returns
        -------
        list of str
            The stages that are to be run, since what they write names it.

        Raises
        ------
        PipelineError
            If ``dvc.lock`` is damaged, DVC is at work, or a file is in the way.
        """
        with process_lock.project():
            for path in self.moves.values():
                if path.exists() or path.is_symlink():
                    raise ParameterError(f"{path} is in the way; remove it")
            for path, text in self.texts.items():
                files.write_text(path, text)
            lock_edit.rewrite(self._records)
            for path, target in self.moves.items():
                if path.exists() or path.is_symlink():
                    places.make_folder(target.parent)
                    places.move(path, target)
        runs = self.users if self.what == "dataset" else [self.new]
        return [f"report@{run}" for run in runs]

    def _records(self, stages: dict[str, Entry]) -> dict[str, Entry]:
        """Return the records of all stages as they are under the new name."""
        found = {}
        for name, entry in stages.items():
            stage, _, key = name.partition("@")
            own = key == self.old and stage in STAGES[self.what]
            if stage in NAMING[self.what] and (own or (stage == "report" and key in self.users)):
                continue
            found[f"{stage}@{self.new}" if own else name] = self._record(entry)
        return found

    def _record(self, entry: Entry) -> Entry:
        entry = dict(entry)
        for part in "deps", "outs":
            if part in entry:
                moved = [one | {"path": self.moved(one["path"])} for one in entry[part]]
                entry[part] = sorted(moved, key=lambda one: str(one["path"]))
        params = entry.get("params", {}).get(paths.PARAMS.name)
        if params:
            new = dict(sorted((self._key(key), self._value(key, params[key])) for key in params))
            entry["params"] = entry["params"] | {paths.PARAMS.name: new}
        return entry

    def moved(self, text: str) -> str:
        """Return the new path of what is at one; the same where it stays."""
        path = Path(text)
        for old, new in self.moves.items():
            if path.is_relative_to(old):
                return (new / path.relative_to(old)).as_posix()
        return text

    def _key(self, key: str) -> str:
        parts = key.split(".")
        is_own = parts[:2] == [f"{self.what}s", self.old]
        return ".".join([parts[0], self.new, *parts[2:]]) if is_own else key

    def _value(self, key: str, value: Any) -> Any:
        last = key.rpartition(".")[2]
        if self.what == "dataset" and last == "dataset" and value == self.old:
            return self.new
        if self.what == "run" and last == "weights" and isinstance(value, str):
            return self.moved(value)
        return value


def of(what: str, old: str, new: str) -> Renaming:
    """Return what another name of a dataset or run changes.

    Raises
    ------
    ParameterError
        If there is none of the old name, or one of the new; the name cannot be one; or a study uses
        the dataset, whose parameters would change.
    """
    params = Params.read()
    params.value(f"{what}s", old)
    if not is_name(new):
        raise ParameterError(f"{shown(new)} is no name of a {what}")
    if new in params.value(f"{what}s"):
        raise ParameterError(f"there is a {what} {new} already")
    users = list(removal.users(old, params)) if what == "dataset" else []
    if others := [user for user in users if "/" in user]:
        raise ParameterError(f"datasets.{old}: a study uses it: {first_few(others)}")
    found = Renaming(what, old, new, users, moves=dict(_moves(what, old, new)))
    text = _key_renamed(files.read_text(params.path), [f"{what}s", old], new)
    for run in users:
        text = yaml_change.put(text, ["runs", run, "dataset"], new)
    for run, section in params.value("runs").items() if what == "run" else ():
        weights = str(section.get("weights"))
        if Path(weights).is_relative_to(paths.model(old)):
            name = new if run == old else run
            text = yaml_change.put(text, ["runs", name, "weights"], found.moved(weights))
    schema.check_params(Params(yaml_change.values(text), params.path))
    found.texts[params.path] = text
    if GRAPH.exists():
        found.texts[GRAPH] = _graph(files.read_text(GRAPH), found)
    if paths.GATE.exists():
        text = files.read_text(paths.GATE)
        own = accepted.of(text, params, what, old)
        found.texts[paths.GATE] = accepted.renamed(text, own, new)
    return found


def _moves(what: str, old: str, new: str) -> Iterator[tuple[Path, Path]]:
    """Yield the places of what belongs to a name, and the new ones."""

    def all_of(name: str) -> list[Path]:
        if what == "dataset":
            return removal.outputs_of_dataset(name)
        others = paths.checkpoint(name), paths.export(name), paths.LOGS / name
        return [*removal.outputs_of_run(name), *others]

    yield from zip(all_of(old), all_of(new), strict=True)


def _graph(text: str, found: Renaming) -> str:
    """Return ``dvc.yaml`` with artifacts and plots of the new name."""
    own = list(found.moves)
    for place in removal.in_graph(read_yaml(GRAPH), own):
        if place[0] == "artifacts":
            artifact = yaml_change.values(text)["artifacts"][place[1]]
            text = yaml_change.put(text, [*place, "path"], found.moved(artifact["path"]))
        else:
            text = _key_renamed(text, list(place), found.moved(str(place[-1])))
    return text


def _key_renamed(text: str, keys: list[str | int], new: str) -> str:
    """Return a YAML file's text with another name for the last key."""
    parent = yaml_edit.composed(text, keys[:-1])
    if not isinstance(parent, MappingNode):
        raise ParameterError(f"{'.'.join(map(str, keys))} is no mapping's key")
    key = next(key for key, _ in parent.value if key.value == keys[-1])
    return text[: key.start_mark.index] + yaml_edit.inline(new) + text[key.end_mark.index :]
