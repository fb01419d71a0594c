"""Weights in files that Keras writes, ours and strangers': layers, and arrays read when asked for.

Read are the folder of a model that ``saved.save`` wrote, ``.weights.h5``, ``.keras``, and the older
``.h5`` in which Keras publishes its networks. A file's content tells what it is, not its name.
Nothing in it is run: of a ``.keras`` file, the names and the order of layers are read as data.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.core.errors import DataError
from pipeline.models import hdf5, weights_file
from pipeline.models.hdf5 import Array, UnreadableError

OLD_LAYERS = "_layer_checkpoint_dependencies"
"""What stands for ``layers`` in ``.weights.h5`` files of TensorFlow 2.13."""


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
        return hdf5.shown("/".join(self.names) or self.place, 100)

    @property
    def is_part(self) -> bool:
        """Return True for a part of a layer, by its place in a file of Keras 3."""
        return self.place.split("/")[-2:-1] != ["layers"]

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
            if values.size:
                own.dataset[...] = values


@dataclass(frozen=True)
class Weights:
    """The layers of a network in an open file."""

    layers: tuple[Layer, ...]
    ordered: bool
    """True if the layers stand in the order in which the network has them."""
    named: bool
    """True if the file has the layers' names; parts of layers have none in a configuration."""


@contextmanager
def opened(path: Path) -> Iterator[Weights]:
    """Open a file of weights, or the folder of a model; arrays can be read until it is closed.

    Raises
    ------
    DataError
        If it is missing, is something else, is damaged, or has links. Also in place of an
        ``UnreadableError`` that is raised while it is open.
    """
    file = path / weights_file.WEIGHTS if path.is_dir() else path
    try:
        with ExitStack() as stack:
            content, config = weights_file.content(path, stack)
            yield of(stack.enter_context(hdf5.opened(content)), config)
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} is missing; {weights_file.missing(path)}") from None
    except UnreadableError as error:
        raise DataError(f"{file} {error}; {error.remedy or weights_file.damaged(path)}") from None


def of(file: h5py.File, config: Any = None) -> Weights:
    """Return the layers of an open HDF5 file.

    Parameters
    ----------
    config : Any
        The network's configuration, as Keras writes it in JSON; None if it is not known. Layers are
        given their names by it where the file has none, and their order.

    Raises
    ------
    UnreadableError
        If the file has no layers with weights, or is not a plain tree of numbers.
    """
    arrays = hdf5.arrays(file)
    with hdf5.named_faults():
        group, prefix = file, ""
        if "layer_names" not in file.attrs and "model_weights" in file:
            group, prefix = file["model_weights"], "model_weights/"
        names = _chunked(group, "layer_names")
        if names is not None:
            weights = Weights(
                tuple(_published(group, prefix, names, arrays)), ordered=True, named=True
            )
        else:
            weights = _current(file, arrays, config)
    if not weights.layers:
        raise UnreadableError("has no layers with weights in it, as Keras writes them")
    return weights


def _current(file: h5py.File, arrays: Mapping[str, Array], config: Any) -> Weights:
    """Return the layers of a file of Keras 3, in which each has a group ``vars``."""
    groups: dict[str, list[str]] = {}
    for place in arrays:
        owner, variables, _ = f"/{place}".rpartition("/vars/")
        if variables:
            groups.setdefault(owner.removeprefix("/"), []).append(place)
    top = OLD_LAYERS if OLD_LAYERS in file else "layers"
    if top in file:  # what else there is belongs to an optimizer or a loss
        groups = {owner: at for owner, at in groups.items() if owner.startswith(f"{top}/")}
    known = dict(_places(config)) if config else {}
    order = {place: number for number, place in enumerate(known)}
    layers, told = [], []
    for owner, places in groups.items():
        place = owner.replace(OLD_LAYERS, "layers")
        told.append(_names(file, owner))
        names = told[-1] or _known(known, place)
        layers.append(Layer(names, place, tuple(arrays[at] for at in sorted(places, key=_number))))
    if order:
        layers.sort(key=lambda one: order.get(_ancestor(order, one.place), len(order)))
    return Weights(tuple(layers), ordered=bool(order), named=all(told))


def _names(file: h5py.File, place: str) -> tuple[str, ...]:
    """Return the names of a layer and of those around it, if the file tells them."""
    chain: list[str] = []
    parts = place.split("/")
    for end in range(1, len(parts) + 1):
        group = file["/".join(parts[:end])]
        if "vars" in group and isinstance(group["vars"], h5py.Group):
            name = hdf5.texts(group["vars"], "name")
            if not name and not chain:
                return ()
            chain += name or parts[end - 1 : end]
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


def _published(
    group: h5py.Group, prefix: str, names: Sequence[str], arrays: Mapping[str, Array]
) -> Iterator[Layer]:
    """Yield the layers of an older file, which has their names in its attributes.

    The weights of a model within the model stand together; their names tell whose they are.
    """
    if len(set(names)) < len(names):
        raise UnreadableError("has a layer twice")
    for layer in names:
        owned: dict[str, list[Array]] = {}
        for weight in _chunked(group[layer], "weight_names") or ():
            place = f"{prefix}{layer}/{weight}"
            if place not in arrays:
                raise UnreadableError(f"lacks {hdf5.shown(place)}, which it lists")
            owned.setdefault(weight.rpartition("/")[0], []).append(arrays[place])
        for owner, found in owned.items():
            whole = len(owned) == 1 or owner in ("", layer)
            parts = () if whole else owner.removeprefix(f"{layer}/").split("/")
            yield Layer((layer, *parts), f"{layer}/{owner}", tuple(found))


def _chunked(group: h5py.Group, name: str) -> tuple[str, ...] | None:
    """Return the texts in an attribute, which Keras divides among several if it is long."""
    whole = hdf5.texts(group, name)
    if whole is not None:
        return whole
    parts: list[str] = []
    number = 0
    while (part := hdf5.texts(group, f"{name}{number}")) is not None:
        parts += part
        number += 1
        if len(parts) > hdf5.MOST_OBJECTS:
            raise UnreadableError(f"has more than {hdf5.MOST_OBJECTS:,} texts in {name}")
    return tuple(parts) if number else None


def _number(place: str) -> tuple[float, str]:
    name = place.rpartition("/")[2]
    return (int(name), "") if re.fullmatch("[0-9]{1,6}", name) else (math.inf, name)


def _shape(array: Array) -> str:
    return "x".join(map(str, array.shape[:8])) or "a number"
