"""Weights in files that Keras writes, ours and strangers': layers, and arrays read when asked for.

Read are the folder of a model that ``saved.save`` wrote, ``.weights.h5``, ``.keras``, and the older
``.h5`` in which Keras publishes its networks. A file's content tells what it is, not its name.
Nothing in it is run: of a ``.keras`` file, the names and the order of layers are read as data.
"""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError, shown
from pipeline.models import hdf5, weights_file
from pipeline.models.hdf5 import Tree, UnreadableError

OLD_LAYERS = "_layer_checkpoint_dependencies"
"""What stands for ``layers`` in ``.weights.h5`` files of TensorFlow 2.13."""


@dataclass(frozen=True)
class Array:
    """An array in a file, which is read when it is asked for."""

    file: IO[bytes]
    place: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    """The position of its first byte."""

    @property
    def size(self) -> int:
        """Return the number of its values."""
        return math.prod(self.shape)

    def read(self) -> NDArray[Any]:
        """Return its values, of its shape and dtype.

        Raises
        ------
        UnreadableError
            If a value is not finite.
        """
        content = bytearray(self.size * self.dtype.itemsize)
        self.file.seek(self.start)
        rest = memoryview(content)
        while rest:
            read = self.file.readinto(rest)  # type: ignore[attr-defined]
            if not read:
                raise UnreadableError("is damaged (it became shorter)")
            rest = rest[read:]
        values = np.frombuffer(content, self.dtype).reshape(self.shape)
        if not np.isfinite(values).all():
            place = shown(self.place)
            raise UnreadableError(f"has values in {place} that are not finite (NaN or infinity)")
        return values

    def write(self, values: NDArray[Any]) -> None:
        """Set its values; they have its shape and dtype."""
        self.file.seek(self.start)
        self.file.write(values.tobytes())


@dataclass(frozen=True)
class Layer:
    """A layer with weights of its own, or a part of such a layer."""

    names: tuple[str, ...]
    """Its name after the names of the layers or models in which it stands, but for the outermost;
    empty where the file does not tell it."""
    place: str
    """Where it stands in the file, such as ``layers/functional/layers/conv2d_3``."""
    arrays: tuple[Array, ...]
    """In Keras's order, such as kernel and bias."""

    @property
    def name(self) -> str:
        """Return its names, or its place, for people: printable, and shortened."""
        return shown("/".join(self.names) or self.place, 100)

    @property
    def size(self) -> int:
        """Return the number of its values."""
        return sum(array.size for array in self.arrays)

    def difference(self, other: "Layer") -> str:
        """Return why this layer cannot have another's weights; an empty text if it can."""
        if len(self.arrays) != len(other.arrays):
            return f"{len(other.arrays)} arrays in the file, not {len(self.arrays)}"
        for own, theirs in zip(self.arrays, other.arrays, strict=True):
            if own.shape != theirs.shape:
                return f"{_shape(theirs)} in the file, not {_shape(own)}"
            if own.dtype.kind in "iu" and theirs.dtype.kind not in "iu":
                return f"{theirs.dtype} in the file, not {own.dtype}"
        return ""

    def fill(self, other: "Layer") -> None:
        """Set the arrays of this layer, in a file that can be written, to another's.

        Raises
        ------
        UnreadableError
            If a value is not finite, or too large for the type here.
        """
        for own, theirs in zip(self.arrays, other.arrays, strict=True):
            with np.errstate(over="ignore"):
                values = theirs.read().astype(own.dtype)
            if not np.isfinite(values).all():
                raise UnreadableError(f"has values in {other.name} too large for {own.dtype}")
            own.write(values)


@dataclass(frozen=True)
class Weights:
    """The layers of a network in an open file."""

    layers: tuple[Layer, ...]
    ordered: bool
    """True if the layers stand in the order in which the network has them."""
    named: bool
    """True if the file has the layers' names; parts of layers have none in a configuration."""

    @property
    def size(self) -> int:
        """Return the number of values of all layers."""
        return sum(layer.size for layer in self.layers)


@contextmanager
def opened(path: Path) -> Iterator[Weights]:
    """Open a file of weights, or the folder of a model; arrays can be read until it is closed.

    Raises
    ------
    DataError
        If it is missing, is something else, is damaged, or has links. Also in place of an
        ``UnreadableError`` that is raised while it is open.
    """
    file = path / weights_file.WEIGHTS if weights_file.is_model(path) else path
    try:
        with ExitStack() as stack:
            content, config = weights_file.content(path, stack)
            yield of(hdf5.read(content), content, config)
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} is missing; {weights_file.missing(path)}") from None
    except UnreadableError as error:
        raise DataError(f"{file} {error}; {error.remedy or weights_file.damaged(path)}") from None


def of(tree: Tree, file: IO[bytes], config: Any = None) -> Weights:
    """Return the layers of an HDF5 file.

    Parameters
    ----------
    config : Any
        The network's configuration, as Keras writes it in JSON; None if it is not known. Layers are
        given their names by it where the file has none, and their order.

    Raises
    ------
    UnreadableError
        If the file has no layers with weights.
    """
    arrays = {
        place: Array(file, place, stored.shape, _dtype(stored.dtype), stored.start)
        for place, stored in tree.arrays.items()
    }
    with hdf5.named_faults():
        if tree.published is None:
            weights = _current(tree, arrays, config)
        else:
            weights = Weights(tuple(_published(tree, arrays)), ordered=True, named=True)
    if not weights.layers:
        raise UnreadableError("has no layers with weights in it, as Keras writes them")
    return weights


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        import ml_dtypes

        name = ml_dtypes.bfloat16
    dtype: np.dtype[Any] = np.dtype(name)
    return dtype


def _current(tree: Tree, arrays: Mapping[str, Array], config: Any) -> Weights:
    """Return the layers of a file of Keras 3, in which each has a group ``vars``."""
    groups: dict[str, list[str]] = {}
    for place in arrays:
        owner, variables, _ = f"/{place}".rpartition("/vars/")
        if variables:
            groups.setdefault(owner.removeprefix("/"), []).append(place)
    for top in (OLD_LAYERS, "layers"):  # what else there is belongs to an optimizer or a loss
        inside = {owner: at for owner, at in groups.items() if owner.startswith(f"{top}/")}
        groups = inside or groups
    known = dict(_places(config)) if config else {}
    order = {place: number for number, place in enumerate(known)}
    layers, told = [], []
    for owner, places in groups.items():
        place = owner.replace(OLD_LAYERS, "layers")
        told.append(_names(tree.names, owner))
        names = told[-1] or _known(known, place)
        layers.append(Layer(names, place, tuple(arrays[at] for at in sorted(places, key=_number))))
    if order:
        layers.sort(key=lambda one: order.get(_ancestor(order, one.place), len(order)))
    return Weights(tuple(layers), ordered=bool(order), named=all(told))


def _names(names: Mapping[str, str], place: str) -> tuple[str, ...]:
    """Return the names of a layer and of those around it, if the file tells them."""
    chain: list[str] = []
    parts = place.split("/")
    for end in range(1, len(parts) + 1):
        name = names.get("/".join(parts[:end]))
        if name is not None:
            if not name and not chain:
                return ()
            chain.append(name or parts[end - 1])
    return tuple(chain)


def _known(known: Mapping[str, tuple[str, ...]], place: str) -> tuple[str, ...]:
    """Return a layer's names as the configuration tells them, with parts of a layer after it."""
    ancestor = _ancestor(known, place)
    rest = place[len(ancestor) :].strip("/")
    return (*known[ancestor], *rest.split("/")) if ancestor and rest else known.get(place, ())


def _ancestor(known: Mapping[str, Any], place: str) -> str:
    """Return the place of the innermost known layer that holds this one, or is it; else ``""``."""
    while place and place not in known:
        place = place.rpartition("/")[0]
    return place


def _places(
    config: Any, prefix: str = "", chain: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the place of every layer of a configuration, and its names, in the network's order.

    In Keras's files a layer's place has no name, but its class and a number.
    """
    if not prefix:
        config = config.get("config") or {}
    numbers: dict[str, int] = {}
    for layer in config.get("layers", []):
        kind = _snake_case(str(layer["class_name"]))
        number = numbers[kind] = numbers.get(kind, -1) + 1
        place = f"{prefix}layers/{kind}" + (f"_{number}" if number else "")
        names = (*chain, str(layer["config"].get("name", "")))
        yield place, names if all(names) else ()
        if "layers" in layer["config"]:
            yield from _places(layer["config"], f"{place}/", names)


def _snake_case(name: str) -> str:
    """Return a class's name as Keras writes it in files.

    Examples
    --------
    >>> [_snake_case(name) for name in ("Conv2D", "BatchNormalization", "ReLU")]
    ['conv2d', 'batch_normalization', 're_lu']
    """
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _published(tree: Tree, arrays: Mapping[str, Array]) -> Iterator[Layer]:
    """Yield the layers of an older file, which has their names in its attributes.

    The weights of a model within the model stand together; their names tell whose they are.
    """
    for layer, listed in (tree.published or {}).items():
        owned: dict[str, list[Array]] = {}
        for weight in listed:
            place = f"{tree.prefix}{layer}/{weight}"
            if place not in arrays:
                raise UnreadableError(f"lacks {shown(place)}, which it lists")
            owned.setdefault(weight.rpartition("/")[0], []).append(arrays[place])
        for owner, found in owned.items():
            whole = len(owned) == 1 or owner in ("", layer)
            parts = () if whole else owner.removeprefix(f"{layer}/").split("/")
            yield Layer((layer, *parts), f"{layer}/{owner}", tuple(found))


def _number(place: str) -> tuple[float, str]:
    name = place.rpartition("/")[2]
    return (int(name), "") if re.fullmatch("[0-9]{1,6}", name) else (math.inf, name)


def _shape(array: Array) -> str:
    return "x".join(map(str, array.shape[:8])) or "a number"
