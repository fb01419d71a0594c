"""A reading of folders in the making: images, their classes, and the folders that say so."""

from dataclasses import dataclass, field

from pipeline.new_dataset.layout.tree import Folder, folders


@dataclass
class Draft:
    """A reading of folders in the making."""

    classes: dict[str, str] = field(default_factory=dict)
    """The class of each image that is taken."""
    depths: dict[str, int] = field(default_factory=dict)
    """For each the number, from 1, of the folder that is its class; empty if a pattern says it."""
    subsets: dict[str, str] = field(default_factory=dict)
    """The subset of each image; empty without subsets."""
    around: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For each the path of the folder that is its subset."""
    notes: list[str] = field(default_factory=list)
    """Sentences for people."""

    def add(self, part: Folder, depth: int, subset: str = "", around: tuple[str, ...] = ()) -> None:
        """Add the images within a folder, whose classes are so many folders further in."""
        at = len(part.path) + depth
        for name in part.everything():
            self.classes[name] = folders(name)[at - 1]
            self.depths[name] = at
            if subset:
                self.subsets[name], self.around[name] = subset, around

    def leave_out(self, path: tuple[str, ...], count: int) -> None:
        """Note that the images within a folder have no class."""
        self.notes.append(
            f"the {count:,} images in {'/'.join(path)} are in no folder of a class, and are left "
            "out"
        )
