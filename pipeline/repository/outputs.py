"""Outputs of stages as a Git revision records them, from DVC's cache, with nothing checked out."""

import logging
import re
from pathlib import Path, PurePosixPath

from dvc.fs import GitFileSystem
from dvc_data.hashfile.build import build
from dvc_data.hashfile.hash_info import HashInfo

from pipeline.core import files, places
from pipeline.core.errors import PipelineError, one_line
from pipeline.repository.dvc import LOCK, commit, opened, stages
from pipeline.repository.remote.refusal import told

OID = re.compile(r"[0-9a-f]{32}")


class MissingError(PipelineError):
    """Outputs that are recorded, but are not in DVC's cache."""


def doubt(path: Path, stage: str) -> str:
    """Return a line where an output is here in another version than ``dvc.lock`` records.

    What has not changed since DVC saw it is not hashed again.

    Parameters
    ----------
    stage : str
        The name of the stage that writes it.

    Returns
    -------
    str
        Nothing if it is the recorded one, none is recorded, or this is no DVC repository.
    """
    if not (LOCK.exists() and path.exists()):
        return ""
    try:
        outputs = Outputs()
        recorded = outputs.hash(path)
        with opened() as repo:
            place = f"{path.absolute()}"
            here = build(outputs.cache, place, repo.fs, "md5", dry_run=True, ignore=repo.dvcignore)
    except Exception:  # a lock in conflict, DVC's files not readable: who only predicts needs none
        return ""
    if recorded in (None, here[2].hash_info.value):
        return ""
    return (
        f"{path} is not what {LOCK} records; fetch that (python -m pipeline pull {stage}), or make "
        f"it (dvc repro {stage})"
    )


class Outputs:
    """The outputs that ``dvc.lock`` records.

    Parameters
    ----------
    revision : str
        A Git revision; ``""``: the working directory's ``dvc.lock``.

    Raises
    ------
    PipelineError
        If there is no such revision, or its ``dvc.lock`` is damaged.
    """

    def __init__(self, revision: str = "") -> None:
        self.revision = revision
        with opened() as repo:
            self.cache = repo.cache.local
            text = files.read_text(LOCK) if LOCK.exists() else ""
            if revision:
                resolved = commit(repo, revision)
                root = Path(repo.root_dir).relative_to(repo.scm.root_dir)
                fs = GitFileSystem(scm=repo.scm, rev=resolved)
                there = "/" + (root / LOCK).as_posix()
                text = fs.read_text(there, errors="replace") if fs.isfile(there) else ""
            self.stages = stages(text, LOCK)

    def link(self, path: Path, folder: Path) -> Path:
        """Make links in ``folder`` to the files of an output in the cache; return their path.

        Raises
        ------
        PipelineError
            If no stage is recorded with this output.
        MissingError
            If not all of it is in the cache.
        """
        target, oid = folder / path, self._recorded(path)
        named = {"": oid}
        if oid.endswith(".dir"):
            places.make_folder(target)
            named = {relpath: md5 for md5, relpath in self._listed(oid, path)}
        for name, inner in named.items():
            files.link(target / name, self._find(inner, path))
        return target

    def fetch(self, path: Path) -> None:
        """Get an output into the cache from the default remote.

        Raises
        ------
        PipelineError
            If no stage is recorded with it, or the remote cannot be read. What it lacks is missed
            by ``link``.
        """
        oid = self._recorded(path)
        logging.getLogger("dvc.data_cloud").setLevel(logging.ERROR)  # it lists what it misses
        with opened() as repo, told(repo.config["core"].get("remote") or ""):
            repo.cloud.pull([HashInfo("md5", oid)])
            there = Path(self.cache.oid_to_path(oid))
            if oid.endswith(".dir") and there.exists():  # which DVC pulls without its files
                repo.cloud.pull([HashInfo("md5", md5) for md5, _ in self._listed(oid, path)])

    def is_same(self, path: Path, other: "Outputs") -> bool:
        """Return True if both record an output, and with the same hash."""
        return self.hash(path) is not None and self.hash(path) == other.hash(path)

    def hash(self, path: Path) -> str | None:
        """Return DVC's hash of an output; None if no stage is recorded with it."""
        try:
            return self._recorded(path)
        except PipelineError:
            return None

    def _recorded(self, path: Path) -> str:
        """Return the hash that is recorded for an output."""
        outs = [out for stage in self.stages.values() for out in stage.get("outs", [])]
        for out in outs:
            if out["path"] == path.as_posix() and "md5" in out:
                return str(out["md5"])
        if self.revision:
            raise PipelineError(
                f"{LOCK} of {self.revision} records no {path}; it was not run there"
            )
        raise PipelineError(f"{LOCK} records no {path}; run dvc repro")

    def _listed(self, oid: str, path: Path) -> list[tuple[str, str]]:
        """Return the hash and the path of each file in a folder; a cache's list is a stranger's."""
        listed = files.read_json(self._find(oid, path))
        with one_line(f"DVC's list of {path}", "dvc fetch it again", PipelineError):
            found = [(str(entry["md5"]), str(entry["relpath"])) for entry in listed]
            for md5, relpath in found:
                inner = PurePosixPath(relpath)
                if not OID.fullmatch(md5) or inner.is_absolute() or ".." in inner.parts:
                    raise ValueError(f"{md5} {relpath}")
        return found

    def _find(self, oid: str, path: Path) -> Path:
        found = Path(self.cache.oid_to_path(oid))
        if not found.exists():
            every = "--all-commits " if self.revision else ""
            what = f"{path} of {self.revision}" if self.revision else str(path)
            raise MissingError(f"{what} is not in DVC's cache; run dvc fetch {every}{path}")
        return found.absolute()
