"""Pushing and pulling of what there is, in a project of which nobody has everything."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc_data.hashfile.hash_info import HashInfo

from pipeline.core.errors import PipelineError, first_few
from pipeline.repository.dvc import checkout, opened
from pipeline.repository.remote.refusal import told


def push(remote: str = "", targets: Sequence[str] = ()) -> str:
    """Push the recorded outputs that this cache has.

    Parameters
    ----------
    remote : str
        Name of a DVC remote; empty for the default one.
    targets : sequence of str
        As DVC takes them, with all that they depend on; by default all but studies.

    Returns
    -------
    str
        The numbers of outputs and new objects, and which outputs are not here.

    Raises
    ------
    PipelineError
        If there is no such remote or target, or the remote cannot be written to.
    """
    with opened(studies=bool(targets)) as repo:
        name = remote_name(repo, remote)
        outs = recorded(repo, targets)
        here = [out for out in outs if not out.changed_cache()]
        objects = set().union(*(found for out in here for found in out.get_used_objs().values()))
        with told(name):
            result = repo.cloud.push(objects, remote=name)
        if result.failed:
            raise PipelineError(
                f"the remote {name}: {len(result.failed):,} objects were not pushed"
            )
    return f"{name}: {len(result.transferred):,} new objects pushed, of {len(here):,} outputs" + (
        _left("not in this cache", outs, here)
    )


def pull(remote: str = "", targets: Sequence[str] = ()) -> str:
    """Pull the recorded outputs that the remote has, and put all that are in the cache here.

    Parameters
    ----------
    remote : str
        Name of a DVC remote; empty for the default one, if there is one.
    targets : sequence of str
        As of ``push``.

    Returns
    -------
    str
        The number of outputs that are here, and which are nowhere.

    Raises
    ------
    PipelineError
        If there is no such remote or target, the remote cannot be read, or a file here was changed
        and would be lost.
    """
    logging.getLogger("dvc.data_cloud").setLevel(logging.ERROR)  # it lists what it misses
    with opened(studies=bool(targets)) as repo:
        name = remote or repo.config["core"].get("remote") or ""
        outs = recorded(repo, targets)
        with told(name):
            fetched = _fetch(repo, name, outs) if name else 0
        here = [out for out in outs if not out.changed_cache()]
        checkout(repo, here)
    if not name:
        return f"no default remote; {len(here):,} outputs are here" + (
            _left("not in this cache", outs, here)
        )
    return f"{name}: {fetched:,} objects pulled; {len(here):,} outputs are here" + (
        _left("neither there nor in this cache", outs, here)
    )


def remote_name(repo: Repo, name: str = "") -> str:
    """Return a remote's name, the default one's for an empty one; raise PipelineError for none."""
    name = name or repo.config["core"].get("remote") or ""
    if not name:
        raise PipelineError("there is no default remote; make one: make remote URL=...")
    return name


def recorded(repo: Repo, targets: Sequence[str] = ()) -> list[Any]:
    """Return the outputs in the cache of DVC that are recorded, each once.

    Parameters
    ----------
    targets : sequence of str
        As DVC takes them, with all that they depend on; by default all stages but those of studies.
    """
    if targets:
        found = {
            out.fs_path: out
            for target in targets
            for stage, path in repo.stage.collect_granular(target, with_deps=True)
            for out in stage.outs
            if not path or repo.fs.isin_or_eq(path, out.fs_path)
        }
        outs: Iterable[Any] = found.values()
    else:
        root = Path(repo.root_dir)
        stages = [stage for stage in repo.index.stages if not _is_of_study(Path(stage.path), root)]
        outs = [out for stage in stages for out in stage.outs]
    return [out for out in outs if out.use_cache and out.hash_info]


def _is_of_study(path: Path, root: Path) -> bool:
    """Return True if a ``dvc.yaml`` is of a project within the project, or in its own folder."""
    return path.parent != root and path.name == "dvc.yaml"


def _fetch(repo: Repo, remote: str, outs: Iterable[Any]) -> int:
    """Get what a remote has of outputs into the cache; return the number of objects."""
    absent = [out for out in outs if out.changed_cache()]
    fetched = repo.cloud.pull({out.hash_info for out in absent}, remote=remote).transferred
    lists = [out for out in absent if out.is_dir_checksum and out.get_dir_cache(remote=remote)]
    members = {HashInfo("md5", inner.value) for out in lists for inner in _members(out)}
    return len(fetched | repo.cloud.pull(members, remote=remote).transferred)


def _members(out: Any) -> list[HashInfo]:
    return [entry for _, _, entry in out.get_obj()] if out.get_obj() else []


def _left(where: str, outs: Sequence[Any], here: Sequence[Any]) -> str:
    missing = [str(out) for out in outs if out not in here]
    return f"; {len(missing):,} are {where}: {first_few(missing)}" if missing else ""
