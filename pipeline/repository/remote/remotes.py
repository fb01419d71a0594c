"""DVC's remotes: the default one set and tried, and the run cache pushed to it."""

import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dvc.config import Config
from dvc.config_schema import REMOTE_SCHEMAS
from dvc.stage.cache import RunCacheNotSupported
from dvc_objects.fs.errors import RemoteMissingDepsError

from pipeline.core import console, files, places
from pipeline.core.errors import PipelineError
from pipeline.download import protocols
from pipeline.repository.dvc import opened, settings
from pipeline.repository.remote import refusal, sharing

NAME = "storage"
CONFIG = Path(".dvc/config")
COMMON = ("checksum_jobs", "jobs")
"""Settings that hold for any server."""
HTTP = ("http", "https")


def use(url: str) -> str:
    """Make a URL the default remote, for all clones, and try it from here.

    What is pulled from it will be verified, which DVC does not do by itself.

    Parameters
    ----------
    url : str
        A folder, or the URL of one on a server; empty: try the default remote as it is.

    Returns
    -------
    str
        What was tried and works.

    Raises
    ------
    PipelineError
        If the URL holds credentials, the server cannot be reached or refuses the credentials or
        the writing, or there is no such place on it.
    """
    if url:
        try:
            protocols.refuse_secrets(url)
        except ValueError:
            raise PipelineError(
                "a URL with credentials would get into Git; leave them out, and give them to this "
                f"clone alone: dvc remote modify --local {NAME} password PASSWORD"
            ) from None
    if url and not places.is_plain(CONFIG):  # DVC would write through it
        places.check(CONFIG.parent)
        raise PipelineError(f"{CONFIG} is missing, or a link; make it a file of this project")
    with settings() as config:
        if removed := _set(config, url) if url else _settle(config):
            console.note(f"removed, as of another kind of remote: {', '.join(removed)}")
    with opened() as repo:
        name = sharing.remote_name(repo)
        try:
            remote = repo.cloud.get_remote(name)
            recorded = [out for out in repo.index.outs if out.hash_info]
            return _Trial(name, remote.fs, remote.path).run(remote.odb, recorded)
        except RemoteMissingDepsError as error:
            raise PipelineError(
                f"{error.protocol}: its library is missing; run: make setup"
            ) from None
        except ImportError as error:  # of a scheme that the installation leaves out
            raise PipelineError(f"{url or name}: {' '.join(str(error).split())}") from None


def _set(config: Config, url: str) -> list[str]:
    """Make a URL the default remote; return the settings that were of another kind of server's.

    They go from this clone's own settings too: DVC refuses to work with them.
    """
    scheme = _scheme(url)
    if scheme not in REMOTE_SCHEMAS:
        raise PipelineError(f"{url}: DVC has no remote of this kind")
    name = config.load_one("repo")["core"].get("remote", NAME)
    before = config.load_one("repo")["remote"].get(name, {}).get("url")
    is_other = before is not None and _scheme(before).removesuffix("s") != scheme.removesuffix("s")
    removed = []
    for level in "local", "repo":
        with config.edit(level, validate=False) as there:
            own = there["remote"].get(name, {})
            old = [key for key in own if is_other and key not in (*COMMON, "url", "verify")]
            removed += old
            kept = {key: value for key, value in own.items() if key not in (*old, "url")}
            if level == "repo":
                there["core"]["remote"] = name
                there["remote"][name] = {"url": url} | kept | {"verify": True}
            elif name in there["remote"]:
                there["remote"][name] = kept
    return removed


def _settle(config: Config) -> list[str]:
    """Remove what the default remote's kind does not have from this clone's own settings."""
    name = config["core"].get("remote")
    url = config["remote"].get(name, {}).get("url", "")
    known = {str(key) for key in REMOTE_SCHEMAS.get(_scheme(url), ())}
    own = config.load_one("local")["remote"].get(name, {})
    removed = [key for key in own if url and known and key not in known]
    if removed:
        with config.edit("local", validate=False) as there:
            there["remote"][name] = {key: own[key] for key in own if key in known}
    return removed


def _scheme(url: str) -> str:
    """Return a URL's protocol; empty for a folder."""
    parsed = urlsplit(url)
    return parsed.scheme if parsed.netloc else ""


def push_runs() -> str:
    """Push DVC's run cache to the default remote, with the data of every run in it.

    ``dvc push --run-cache`` (DVC 3.67) pushes the list of runs and what ``dvc.lock`` records. It
    leaves behind the outputs that are Git's (``cache: false``) and other runs' data. Without these
    ``dvc repro --pull`` elsewhere runs everything again.

    Returns
    -------
    str
        The numbers of runs and of new objects.

    Raises
    ------
    PipelineError
        If there is no default remote, or it cannot keep a run cache or be written to.
    """
    with opened() as repo:
        name = sharing.remote_name(repo)
        pushed = 0
        with refusal.told(name):
            try:
                runs = repo.stage_cache.push(name)
            except RunCacheNotSupported as error:
                raise PipelineError(f"the remote {name}: {error}") from None
            for objects in repo.stage_cache.get_used_objs(runs, remote=name).values():
                pushed += len(repo.cloud.push(objects, remote=name).transferred)
    return f"{len(runs):,} runs and {pushed:,} new objects pushed to {name}"


class _Trial:
    """A trial of the remote ``name``, by DVC's file system and the remote's path there."""

    def __init__(self, name: str, fs: Any, path: str) -> None:
        self.name = name
        self.fs = fs
        self.path = path
        self.url = fs.unstrip_protocol(path)

    def run(self, odb: Any, recorded: list[Any]) -> str:
        """Write, read and delete an object; by HTTP only look for a recorded one."""
        os.environ.setdefault("AWS_MAX_ATTEMPTS", "1")  # else it takes minutes to give up
        if self.fs.protocol in HTTP:
            return self._read_only(odb, recorded)
        probe = self.fs.join(self.path, f"probe-{os.urandom(8).hex()}")
        content = os.urandom(32)
        self._look(probe)
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder, "probe")
            files.write_bytes(local, content)
            try:
                self.fs.put_file(str(local), probe)
            except FileNotFoundError:
                raise self._fault(
                    "there is no such place on the server; make the folder, collection or bucket"
                ) from None
            except Exception as error:  # each of DVC's file systems has its own
                refused = "these credentials may not write there"
                reason = refused if refusal.is_refusal(error) else "it cannot be written to"
                raise self._fault(f"{reason}{refusal.why(error)}") from None
        try:
            if self.fs.cat_file(probe) != content:
                raise self._fault("what was written is not what is read")
        finally:
            self.fs.rm_file(probe)
        return f"{self.name} ({self.url}): written to, read from, deleted from"

    def _look(self, path: str) -> bool:
        """Return True if there is an object at ``path``."""
        try:
            if self.fs.protocol in HTTP:  # whose `info` takes a dead server for a missing file
                self.fs.cat_file(path, start=0, end=1)
            else:
                self.fs.info(path)
        except FileNotFoundError:
            return False
        except Exception as error:  # each of DVC's file systems has its own
            if not refusal.is_refusal(error):
                raise self._fault(f"it cannot be reached{refusal.why(error)}") from None
            settings = refusal.CREDENTIALS.get(self.fs.protocol, "user USER, and password PASSWORD")
            raise self._fault(
                f"it refuses these credentials there{refusal.why(error)}; give others: "
                f"dvc remote modify --local {self.name} {settings}"
            ) from None
        return True

    def _read_only(self, odb: Any, recorded: list[Any]) -> str:
        there = sum(self._look(odb.oid_to_path(out.hash_info.value)) for out in recorded[:1])
        held = "holds" if there else "does not hold"
        return (
            f"{self.name} ({self.url}): HTTP is for reading only, push through another remote; "
            f"it answers, and {held} the first of the recorded outputs"
        )

    def _fault(self, reason: str) -> PipelineError:
        return PipelineError(f"the remote {self.name} ({self.url}): {reason}")
