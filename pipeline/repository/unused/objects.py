"""Objects of a cache or a remote that no branch needs: found, described, removed."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from dvc.repo import Repo
from dvc_data.hashfile.db import HashFileDB, get_index

from pipeline.core.errors import PipelineError, shown
from pipeline.repository.dvc import opened
from pipeline.repository.unused.named import Named, fetch

TIMES = "mtime", "LastModified", "last_modified", "modified", "created"
"""Names under which DVC's file systems tell when a file was changed."""
MEMBER = re.compile(rb'"md5": ?"([0-9a-f]{32})"')
OID = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
UNNAMED = "what was never committed"


class Object(NamedTuple):
    """An object that is there."""

    path: str
    bytes: int
    changed: datetime | None
    """None where the file system does not tell."""


@dataclass
class Unused:
    """Objects of a cache or a remote that would go."""

    where: str
    """``the cache``, or the remote, and its place."""
    objects: dict[str, Object]
    kept: int
    """Objects that stay, as a reference or the time says."""
    names: dict[str, set[str]] = field(repr=False)
    """By hash, the paths under which history names an object; none of most."""

    def describe(self) -> str:
        """Return what would go, by the path of the output, and its size, for people."""
        if not self.objects:
            return f"{self.where}: nothing is unused; {self.kept:,} objects stay"
        groups: dict[str, list[int]] = defaultdict(list)
        for oid, one in self.objects.items():
            groups[", ".join(sorted(self.names.get(oid, {UNNAMED})))].append(one.bytes)
        width = min(60, max(map(len, groups)))
        lines = [
            f"  {name:{width}}  {_megabytes(sizes)}  {len(sizes):,} objects"
            for name, sizes in sorted(groups.items())
        ]
        total = [one.bytes for one in self.objects.values()]
        lines.append(
            f"{self.where}: {len(total):,} objects of{_megabytes(total)} would go, "
            f"{self.kept:,} stay"
        )
        return "\n".join(["No branch, tag or experiment needs:", *lines])


def find(
    remote: str | None, days: float, projects: Iterable[Path] = (), now: datetime | None = None
) -> Unused:
    """Return what no branch needs, after Git's remotes were asked for theirs.

    Parameters
    ----------
    remote : str, optional
        Name of a DVC remote, empty for the default one; None: the cache.
    days : float
        What was changed in so many days stays: a colleague may have pushed it, and not yet the
        commit that names it.
    projects : iterable of Path
        Other clones or projects that use the same cache or remote, whose objects stay.
    now : datetime, optional
        By default the present.

    Raises
    ------
    PipelineError
        If one of Git's remotes cannot be reached, the cache or remote cannot be read, or a list of
        files on it, without which these would be lost.
    """
    with opened() as repo:
        database, where = _database(repo, remote)
        root = Path(repo.scm.root_dir)
        git = [Named(root, fetch(root))]
        git += [Named(project, fetch(project)) for project in projects]
        there = dict(_listed(database, where))
        needed = set().union(*(one.hashes for one in git))
        for oid in [oid for oid in needed if oid.endswith(".dir")]:
            if oid in there:
                needed.update(_members(database, there[oid].path, where))
            elif repo.cache.local.exists(oid):  # of a push that was interrupted
                needed.update(_members(repo.cache.local, repo.cache.local.oid_to_path(oid), where))
        since = (now or datetime.now(UTC)) - timedelta(days=days)
        unused = {
            oid: one
            for oid, one in there.items()
            if oid not in needed and (not days or (one.changed and one.changed < since))
        }
        names = git[0].paths() if unused else {}
        for oid in [oid for oid in unused if oid.endswith(".dir") and oid in names]:
            for member in _members(database, unused[oid].path, where):
                names.setdefault(member, set()).update(names[oid])
        return Unused(where, unused, len(there) - len(unused), dict(names))


def remove(unused: Unused, remote: str | None) -> None:
    """Remove objects from the cache or remote in which they were found; lists of files first.

    Raises
    ------
    PipelineError
        If DVC is at work, or the remote refuses.
    """
    with opened() as repo, repo.lock:
        database, where = _database(repo, remote)
        lists = [one.path for oid, one in unused.objects.items() if oid.endswith(".dir")]
        rest = [one.path for oid, one in unused.objects.items() if not oid.endswith(".dir")]
        try:
            for paths in filter(None, (lists, rest)):
                database.fs.remove(paths)
        except Exception as error:  # each of DVC's file systems has its own
            raise _unreadable(where, error, "cannot be changed") from None
        if remote is not None:
            get_index(database).clear()  # of what DVC once pushed
        database.fs.fs.invalidate_cache()
        # S3's answer to the removal of many names those that were refused, and nobody raises it.
        if left := unused.objects.keys() & dict(_listed(database, where)).keys():
            raise PipelineError(
                f"{where}: {len(left):,} of {len(unused.objects):,} objects are still there; "
                "these credentials may not remove them"
            )


def _database(repo: Repo, remote: str | None) -> tuple[HashFileDB, str]:
    if remote is None:
        cache = repo.cache.local
        return cache, f"the cache ({shown(str(cache.path))})"
    name = remote or repo.config["core"].get("remote")
    if not name:
        raise PipelineError("there is no default remote; make one: make remote URL=...")
    database = repo.cloud.get_remote_odb(name, "gc")
    place = shown(str(database.fs.unstrip_protocol(database.path)))
    return database, f"the remote {name} ({place})"


def _listed(database: HashFileDB, where: str) -> Iterator[tuple[str, Object]]:
    """Yield all objects that are there, by their hashes."""
    try:
        found = database.fs.fs.find(database.path, detail=True)
        if not isinstance(found, dict):  # of a folder, for which DVC knows no ``detail``
            found = {path: database.fs.info(path) for path in found}
    except FileNotFoundError:
        return
    except Exception as error:  # each of DVC's file systems has its own
        raise _unreadable(where, error, "cannot be listed") from None
    for path, info in found.items():
        oid = "".join(str(path).rsplit("/", 2)[-2:])
        if OID.fullmatch(oid):
            yield oid, Object(database.oid_to_path(oid), int(info.get("size") or 0), _changed(info))


def _changed(info: dict[str, Any]) -> datetime | None:
    """Return when a file was changed."""
    for name in TIMES:
        value = info.get(name)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None


def _members(database: HashFileDB, path: str, where: str) -> list[str]:
    """Return the hashes of the files in a folder's list."""
    try:
        content = database.fs.cat_file(path)
    except Exception as error:  # each of DVC's file systems has its own
        raise _unreadable(where, error, f"holds {path}, which cannot be read") from None
    return [found.decode() for found in MEMBER.findall(content)]


def _unreadable(where: str, error: Exception, what: str) -> PipelineError:
    reason = shown(" ".join(str(error).split()) or type(error).__name__, 200)
    return PipelineError(f"{where} {what}: {reason}")


def _megabytes(sizes: list[int]) -> str:
    return f"{sum(sizes) / 1e6:10,.1f} MB"
