"""Tree of the folders in which images stand."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from pipeline.core.errors import DataError, shown

WRAPPERS = frozenset({"images", "image", "imgs", "img", "data", "pictures", "photos", "files"})
"""Names, in lower case, of folders that only hold what the folder around them says."""

DEEPEST = 100
"""Folders one within the other; programs that walk through them call themselves for each."""


class Folder:
    """A folder: its own images, and the folders in it that hold images."""

    def __init__(self, path: tuple[str, ...] = ()) -> None:
        self.path = path
        self.images: list[str] = []
        self.inner: dict[str, Folder] = {}

    @classmethod
    def of(cls, names: Iterable[str]) -> "Folder":
        """Return the outermost folder of images, by their paths.

        Raises
        ------
        DataError
            If an image stands in more than ``DEEPEST`` folders, one within the other.
        """
        root = cls()
        for name in names:
            folder = root
            parts = folders(name)
            if len(parts) > DEEPEST:
                raise DataError(
                    f"{shown(name, 60)} stands in {len(parts):,} folders, above {DEEPEST}; move "
                    "the images further out"
                )
            for part in parts:
                if part not in folder.inner:
                    folder.inner[part] = cls((*folder.path, part))
                folder = folder.inner[part]
            folder.images.append(name)
        return root

    @property
    def name(self) -> str:
        """The last part of the path; ``""`` for the outermost."""
        return self.path[-1] if self.path else ""

    def everything(self) -> Iterator[str]:
        """Yield the images in this folder and those within it."""
        yield from self.images
        for folder in self.inner.values():
            yield from folder.everything()

    def walk(self) -> Iterator["Folder"]:
        """Yield this folder and all within it."""
        yield self
        for folder in self.inner.values():
            yield from folder.walk()

    def unwrapped(self, says_nothing: Callable[[str], object] = lambda _: False) -> "Folder":
        """Return the folder that divides: the outermost that holds images or several folders.

        Parameters
        ----------
        says_nothing : callable
            Whether a folder of images that is alone in another cannot be a class, by its name.
        """
        folder = self
        while not folder.images and len(folder.inner) == 1:
            (only,) = folder.inner.values()
            if not (only.inner or only.name == folder.name or says_nothing(only.name)):
                break
            folder = only
        return folder


def folders(name: str) -> list[str]:
    """Return the folders of a path, from the outermost.

    Examples
    --------
    >>> folders("train/cat/1.png"), folders("1.png")
    (['train', 'cat'], [])
    """
    return name.replace("\\", "/").split("/")[:-1]


def count(folder: Folder) -> int:
    """Return the number of images in a folder and within it."""
    return len(folder.images) + sum(map(count, folder.inner.values()))


def copies(root: Folder, digests: Mapping[str, object]) -> Iterator[Folder]:
    """Yield the folders of folders that repeat what the folder around them holds.

    Parameters
    ----------
    root : Folder
    digests : mapping
        A hash of each image's content.
    """
    for folder in root.walk():
        possible = [twin for twin in folder.inner.values() if twin.inner and not twin.images]
        if not possible or len(folder.inner) < 2:
            continue
        around = {_below(folder, name): digests[name] for name in folder.everything()}
        for twin in possible:
            inside = {_below(twin, name): digests[name] for name in twin.everything()}
            if inside.items() <= around.items():
                yield twin


def _below(folder: Folder, name: str) -> str:
    return "/".join(name.replace("\\", "/").split("/")[len(folder.path) :])
