"""Removal of a dataset or a run: its parameters, records, metrics, data and models."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import schema
from pipeline.core import files, paths, places, process_lock, resumed
from pipeline.core.errors import DataError, ParameterError, first_few, shown
from pipeline.core.params import Params, is_name, read_yaml
from pipeline.new_dataset.yaml_edit import Keys
from pipeline.predict import export, portable
from pipeline.project import yaml_change
from pipeline.project.entries import accepted
from pipeline.repository import lock_edit
from pipeline.subsets.split import SUBSETS

GRAPH = Path("dvc.yaml")
DATA_STAGES = ("download", "extract", "decode", "split")
RUN_STAGES = ("train", "evaluate", "report")
EVENTS = "events.out.tfevents."
"""Beginning of the names of TensorBoard's files."""


@dataclass
class Removal:
    """What belongs to a dataset or a run."""

    what: str
    """``the dataset pets`` or ``the run pets``."""
    stages: list[str]
    """Those that ``dvc.lock`` records."""
    paths: list[Path]
    """Files and folders that are there."""
    entries: list[str] = field(default_factory=list)
    """Keys of YAML files, in words."""
    texts: dict[Path, str] = field(default_factory=dict, compare=False)
    """The new texts of YAML files."""
    staying: list[str] = field(default_factory=list)
    """Folders of the run that stay, and why."""
    again: Callable[[], "Removal"] | None = field(default=None, compare=False)
    """Returns the same as it is now."""

    def describe(self) -> str:
        """Return what would go, for people."""
        lines = [f"To be removed of {self.what}:", *(f"  {entry}" for entry in self.entries)]
        if self.stages:
            lines.append(f"  dvc.lock: {', '.join(self.stages)}")
        lines += [f"  {path}, {files.megabytes(path)}" for path in self.paths]
        lines += [f"  (stays: {reason})" for reason in self.staying]
        return "\n".join(lines)

    def remove(self) -> None:
        """Remove all of it; the parameters first, without which nothing is run again.

        Raises
        ------
        ParameterError
            If what would go is not what it was when this was made.
        """
        with process_lock.project():
            now = self.again() if self.again else self
            if now != self:
                raise ParameterError(f"{self.what} has changed meanwhile; run this again")
            for path, text in now.texts.items():
                files.write_text(path, text)
            lock_edit.forget(self.stages)
            for path in self.paths:
                places.remove(path)


def of_dataset(name: str) -> Removal:
    """Return what belongs to a dataset.

    Raises
    ------
    ParameterError
        If there is no such dataset, not even left in ``dvc.lock`` or metrics, or runs use it.
    """
    params = Params.read()
    _known("dataset", name, params, [f"{one}@{name}" for one in DATA_STAGES])
    if used_by := list(users(name, params)):
        runs = " ".join(run for run in used_by if "/" not in run)
        remedy = f"python -m pipeline remove-run {runs}" if runs else "edit their graph"
        raise ParameterError(
            f"datasets.{name}: runs still use it: {first_few(used_by)}; remove them first: {remedy}"
        )
    logs = [paths.LOGS / f"{name}{end}.png" for end in ("", "-update", "-diff")]
    own = [*outputs_of_dataset(name), resumed.beside(paths.raw(name)), *logs]
    found = _removal("dataset", name, params, [f"{one}@{name}" for one in DATA_STAGES], own)
    found.again = partial(of_dataset, name)
    return found


def of_run(name: str) -> Removal:
    """Return what belongs to a run.

    Raises
    ------
    ParameterError
        If there is no such run, not even left in ``dvc.lock`` or metrics, or others start from its
        model.
    """
    params = Params.read()
    _known("run", name, params, [f"{one}@{name}" for one in RUN_STAGES])
    started = [
        other
        for other, run in params.value("runs").items()
        if other != name and Path(str(run.get("weights"))).is_relative_to(paths.model(name))
    ]
    if started:
        raise ParameterError(f"runs.{name}: runs start from its model: {first_few(started)}")
    own = [*outputs_of_run(name), paths.checkpoint(name)]
    staying = []
    exports = [portable.path_of(name, form) for form in portable.FORMATS]
    for path in (paths.export(name), *exports, paths.LOGS / name):
        try:
            _refuse_foreign(path)
            own.append(path)
        except DataError as error:
            staying.append(str(error))
    found = _removal("run", name, params, [f"{one}@{name}" for one in RUN_STAGES], own)
    found.staying, found.again = staying, partial(of_run, name)
    return found


def outputs_of_dataset(name: str) -> list[Path]:
    """Return what the stages of a dataset write."""
    return [
        paths.raw(name),
        paths.extracted(name),
        paths.shards(name),
        paths.split(name),
        paths.data_card(name).parent,
    ]


def outputs_of_run(name: str) -> list[Path]:
    """Return what the stages of a run write."""
    return [paths.model(name), paths.predictions(name), paths.metrics(name)]


def in_graph(graph: Mapping[str, Any], own: Sequence[Path]) -> Iterator[tuple[str | int, ...]]:
    """Yield the keys of artifacts and plots in ``dvc.yaml`` that are of some paths."""

    def is_own(path: Any) -> bool:
        return any(Path(str(path)).is_relative_to(one) for one in own)

    for key, artifact in (graph.get("artifacts") or {}).items():
        if is_own(artifact.get("path")):
            yield "artifacts", key
    for place, plot in enumerate(graph.get("plots") or []):
        for title, drawn in plot.items() if isinstance(plot, dict) else ():
            curves = drawn.get("y") if isinstance(drawn, dict) else None
            for path in curves if isinstance(curves, dict) else ():
                if is_own(path):
                    yield "plots", place, title, "y", path


def _known(what: str, name: str, params: Params, stages: list[str]) -> None:
    """Raise ParameterError if neither the parameters nor anything that is left know a name."""
    metrics = paths.data_card(name).parent if what == "dataset" else paths.metrics(name)
    is_left = is_name(name) and (lock_edit.recorded(stages) or metrics.is_dir())
    if not is_left:
        params.value(f"{what}s", name)


def _refuse_foreign(path: Path) -> None:
    """Raise DataError if a folder of a run holds what no command or stage wrote."""
    places.check(path.parent)
    if path == paths.LOGS / path.name:
        inside = sorted(path.iterdir() if path.is_dir() else ())
        subsets = [one for one in inside if one.name in SUBSETS and not one.is_symlink()]
        events = [one for subset in subsets if subset.is_dir() for one in sorted(subset.iterdir())]
        for inner in (*(one for one in inside if one not in subsets), *events):
            if not inner.name.startswith(EVENTS) or not places.is_plain(inner):
                raise DataError(f"{path} holds {shown(inner.name)}, which train did not write")
    elif form := portable.form_of(path):
        portable.refuse_foreign(path, form)
    elif path.is_dir() and not path.is_symlink():
        export.refuse_foreign(path)


def users(dataset: str, params: Params) -> Iterator[str]:
    """Yield the runs of a dataset; those of other graphs with their folder."""
    for path in (params.path, *sorted(Path().glob(f"*/{paths.PARAMS}"))):
        values = params.values if path == params.path else read_yaml(path)
        for run, section in values.get("runs", {}).items():
            if isinstance(section, dict) and section.get("dataset") == dataset:
                yield (path.parent / run).as_posix()


def _removal(what: str, name: str, params: Params, stages: list[str], own: list[Path]) -> Removal:
    for path in own:
        places.check(path.parent)
    there = [path for path in own if path.exists() or path.is_symlink()]
    removal = Removal(f"the {what} {name}", lock_edit.recorded(stages), there)
    if name in params.value(f"{what}s"):
        text = _without(params.path, [(f"{what}s", name)], removal)
        schema.check_params(Params(yaml_change.values(text), params.path))
    if GRAPH.exists():
        _without(GRAPH, list(in_graph(read_yaml(GRAPH), own)), removal)
    if paths.GATE.exists():
        own_keys = accepted.of(files.read_text(paths.GATE), params, what, name)
        _without(paths.GATE, own_keys[::-1], removal)
    return removal


def _without(path: Path, keys: Sequence[Keys], removal: Removal) -> str:
    """Remove entries from a YAML file, and note them; return its new text."""
    text = files.read_text(path)  # with its line ends
    for place in keys:
        text = yaml_change.remove(text, place)
        removal.entries.append(f"{path}: {'.'.join(map(str, place))}")
    if keys:
        removal.texts[path] = text
    return text
