"""Labels by folders: an image's class is the name of a folder that it is in."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few


def labels(
    names: pa.StringArray, classes: tuple[str, ...], archive: str
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Label images by the innermost of their folders that has a class's name.

    Parameters
    ----------
    names : pa.StringArray
        The images' paths in the archive.
    classes : tuple of str
        Names of the classes, in the order of their labels.
    archive : str
        The archive, for messages.

    Returns
    -------
    positions : ndarray of int32, shape (n,)
        For each image its position among the sorted names, which does not depend on the order in
        which they were packed.
    labels : ndarray of int32, shape (n,)
        The label at each position.

    Raises
    ------
    DataError
        If an image is in no folder with a class's name.
    """
    paths: list[str] = names.to_pylist()
    numbers = {name: label for label, name in enumerate(classes)}
    targets = np.array([numbers.get(folder_of(path, numbers), -1) for path in paths], np.int32)
    if (targets < 0).any():
        lost = [paths[row] for row in np.flatnonzero(targets < 0)]
        folders = sorted({path.rpartition("/")[0] for path in lost})
        raise DataError(
            f"{archive}: has no table of labels, and {len(lost):,} images are in no folder named "
            f"as a class: {first_few(lost)}; declare the folder ({first_few(folders)}) under "
            "decode.classes in params.yaml, or give a table (extract.labels)"
        )
    order = np.argsort(np.array(paths, object), kind="stable")
    positions = np.empty(len(paths), np.int32)
    positions[order] = np.arange(len(paths), dtype=np.int32)
    return positions, targets[order]


def folder_of(path: str, names: Collection[str]) -> str:
    """Return the innermost folder of ``path`` that is one of ``names``; ``""`` if none is.

    Examples
    --------
    >>> folder_of("test/cat/siamese/1.png", {"cat", "dog"})
    'cat'
    """
    folders = path.replace("\\", "/").split("/")[:-1]
    return next((name for name in reversed(folders) if name in names), "")
