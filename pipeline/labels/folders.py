"""Folders: the class of an image, or its subset, as the name of a folder in which it stands."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few


def labels(
    names: pa.StringArray, classes: tuple[str, ...], archive: str
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Label images by their folders.

    An image's class is the innermost of its folders that has a class's name.

    Returns
    -------
    positions : ndarray of int32
        For each image its place among all names, sorted: how it was packed does not matter.
    labels : ndarray of int32
        The labels, by position.

    Raises
    ------
    DataError
        If an image stands in no folder of a class.
    """
    paths: list[str] = names.to_pylist()
    numbers = {name: label for label, name in enumerate(classes)}
    found = np.array([numbers.get(folder_of(path, numbers), -1) for path in paths], np.int32)
    if (found < 0).any():
        lost = [paths[row] for row in np.flatnonzero(found < 0)]
        folders = sorted({path.rpartition("/")[0] for path in lost})
        raise DataError(
            f"{archive}: has no table of labels, and {len(lost):,} images are in no folder named "
            f"as a class: {first_few(lost)}; declare the folder ({first_few(folders)}) under "
            "decode.classes in params.yaml, or give a table (extract.labels)"
        )
    order = np.argsort(np.array(paths, object), kind="stable")
    positions = np.empty(len(paths), np.int32)
    positions[order] = np.arange(len(paths), dtype=np.int32)
    return positions, found[order]


def folder_of(path: str, names: Collection[str]) -> str:
    """The innermost folder of ``path`` that is one of ``names``; ``""`` if none is.

    Examples
    --------
    >>> folder_of("test/cat/siamese/1.png", {"cat", "dog"})
    'cat'
    """
    folders = path.replace("\\", "/").split("/")[:-1]
    return next((name for name in reversed(folders) if name in names), "")
