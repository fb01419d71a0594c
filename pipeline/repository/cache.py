"""DVC's cache: where it is, and how files get from it into the workspace. Knows DVC."""

from typing import NamedTuple

from dvc.fs import generic

from pipeline.repository import dvc

LINKS = "reflink", "hardlink", "symlink"


class Cache(NamedTuple):
    """The cache of this repository."""

    path: str
    possible: tuple[str, ...]
    """Types of links, of ``LINKS``, that can be made from it to here."""
    used: str
    """The type that DVC uses: of those that are configured, the first one possible; or ``copy``."""


def find() -> Cache:
    """The cache; raises PipelineError where this is no DVC repository."""
    with dvc.opened() as project:
        local = project.cache.local
        local.fs.makedirs(local.path)
        possible = generic.test_links(LINKS, local.fs, local.path, project.fs, project.root_dir)
        used = next((kind for kind in local.cache_types if kind in possible), "copy")
        return Cache(local.path, tuple(possible), used)
