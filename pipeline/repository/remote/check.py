"""Check of a remote: that it holds each object which ``dvc.lock`` records."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash import file_md5

from pipeline.core import files
from pipeline.core.errors import PipelineError, first_few, one_line, shown
from pipeline.execution import workers
from pipeline.repository.dvc import LOCK, opened
from pipeline.repository.remote import sharing


def remote_faults(
    name: str, targets: Sequence[str] = (), note: Callable[[str], None] | None = None
) -> Iterator[str]:
    """Compare a remote with ``dvc.lock``, object by object.

    Each object is fetched and hashed. DVC itself asks its own index of what it once pushed, and
    takes a folder for complete if the list of its files is there.

    Parameters
    ----------
    name : str
        The remote; empty for DVC's default one.
    targets : sequence of str
        Stages and outputs as DVC takes them, with all that they depend on; by default all.
    note : callable, optional
        Takes the line about what nobody shared yet, which then is no fault.

    Yields
    ------
    str
        What is missing or damaged on the remote, and how to mend it. What this cache does not have
        either is one line: nobody shared it yet.

    Raises
    ------
    PipelineError
        If there is no such remote, it cannot be read, or it holds nothing of what is recorded.
    """
    with opened() as repo:
        name = name or repo.config["core"].get("remote")
        if not name:
            raise PipelineError("there is no default remote; make one: dvc remote add -d NAME URL")
        remote = Remote(repo.cloud.get_remote_odb(name, "push"))
        recorded = {out.hash_info.value: str(out) for out in sharing.recorded(repo, targets)}
        cache = repo.cache.local
        states = remote.states(recorded)
        if recorded and set(states.values()) == {"missing"}:
            raise PipelineError(
                f"the remote {name} ({remote.url()}) holds nothing of what {LOCK} records; "
                f"fill it: dvc push -r {name}"
            )
        nowhere = [oid for oid in recorded if states[oid] == "missing" and not cache.exists(oid)]
        for oid, path in recorded.items():
            if oid not in nowhere:
                yield from _advice(name, path, states[oid], [remote.url(oid)])
        if nowhere:
            paths = first_few([recorded[oid] for oid in nowhere], 3)
            line = (
                f"not shared, and not in this cache: {len(nowhere):,} outputs ({paths}); who has "
                f"them runs python -m pipeline push --remote {name}, or name what you share: "
                f"verify --remote {name} TARGET"
            )
            if note:
                note(line)
            else:
                yield line
        for folder_oid, members in remote.lists.items():
            states = remote.states(members)
            for oid, path in members.items():
                places = [remote.url(oid), remote.url(folder_oid)]
                yield from _advice(name, f"{recorded[folder_oid]}/{path}", states[oid], places)


class Remote:
    """The objects of a DVC remote, fetched and hashed one by one.

    Attributes
    ----------
    lists : dict
        By a folder's hash, its list of files, where that is whole: path by hash of the content.
    """

    def __init__(self, database: HashFileDB) -> None:
        self.database = database
        self.lists: dict[str, dict[str, str]] = {}

    def url(self, oid: str = "") -> str:
        """Return the URL of an object, or of the whole store."""
        path = self.database.oid_to_path(oid) if oid else self.database.path
        return str(self.database.fs.unstrip_protocol(path))

    def states(self, oids: Iterable[str]) -> dict[str, str]:
        """Return for each object ``missing``, ``damaged`` or, if it is whole, an empty text."""
        wanted = list(oids)
        tasks = [partial(self._state, oid) for oid in wanted]
        return dict(zip(wanted, workers.run(tasks, "verify", "objects"), strict=True))

    def _state(self, oid: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "object")
            try:
                self.database.fs.get_file(self.database.oid_to_path(oid), str(path))
            except FileNotFoundError:
                return "missing"
            except Exception as error:  # each of DVC's file systems has its own
                reason = " ".join(str(error).split()) or type(error).__name__
                raise PipelineError(f"{self.url(oid)} cannot be read: {reason}") from None
            if file_md5(str(path)) != oid.removesuffix(".dir"):
                return "damaged"
            if oid.endswith(".dir"):
                listed = files.read_json(path)
                with one_line(self.url(oid), "remove it, and dvc push again", PipelineError):
                    self.lists[oid] = {
                        str(entry["md5"]): shown(str(entry["relpath"])) for entry in listed
                    }
        return ""


def _advice(remote: str, path: str, state: str, objects: list[str]) -> Iterator[str]:
    """Yield what to do about a path whose object is missing or damaged.

    DVC pushes no object over one that is there, and none of a folder whose list is there. So these
    are to be removed first.
    """
    if state:
        there = objects[state == "missing" :]
        remove = f"remove {' and '.join(there)}, then " if there else ""
        yield f"{path} is {state} on the remote {remote}; {remove}run dvc push -r {remote}"
