"""DVC's cache: its folder, and how files get from it into the workspace."""

from typing import NamedTuple

from dvc.fs import generic

from pipeline.repository.dvc import opened

LINKS = "reflink", "hardlink", "symlink"


class Cache(NamedTuple):
    """The cache of this repository."""

    path: str
    possible: tuple[str, ...]
    """Types of links, of ``LINKS``, that can be made from it to here."""
    used: str
    """The type that DVC uses: of those that are configured, the first one possible; or ``copy``."""


def find() -> Cache:
    """Return the cache; raises PipelineError where this is no DVC repository."""
    with opened() as repo:
        local = repo.cache.local
        local.fs.makedirs(local.path)
        possible = generic.test_links(LINKS, local.fs, local.path, repo.fs, repo.root_dir)
        used = next((kind for kind in local.cache_types if kind in possible), "copy")
        return Cache(local.path, tuple(possible), used)
