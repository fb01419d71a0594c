"""A start from trained weights: layers of a file are matched with those of a network, and taken.

A layer is taken if all its arrays have the shapes of the network's; but not the last one of a model
with other classes, be they as many. First layers are matched by name. Names of Keras's own networks
have changed over time, and unnamed layers are numbered; so layers are matched in their order, as
Keras does, where that gives more: if all layers of the network, or of a model within it, begin the
file with the same shapes.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core.errors import DataError, first_few
from pipeline.models import architecture, hdf5, weights
from pipeline.models.saved import KerasFile
from pipeline.models.start import How, Other, Taken, Transferred
from pipeline.models.weights import Layer, Weights

if TYPE_CHECKING:
    import keras

OTHERS = "for other classes"
"""Why a last layer that fits is left."""
Matches = Mapping[int, Layer]
"""Layers of the file, by the number of the network's layer to which each belongs."""


def transfer(
    network: "keras.Model", path: Path, classes: Sequence[str] | None = None
) -> Transferred:
    """Set those weights of a network that a file has, and keep the others.

    Parameters
    ----------
    path : Path
        The folder of a model, or a file (``weights.opened``).
    classes : sequence of str, optional
        The network's classes. The last layer of a model with others is left.

    Raises
    ------
    DataError
        If the file cannot be read, no layer fits, or a value is not finite.
    """
    file = KerasFile()
    network.save_weights(file)
    mine = _in_order(weights.of(hdf5.tree(file), file).layers, network)
    with weights.opened(path) as source:
        by, matches = _match(mine, source)
        head = () if classes is None else _head_of_others(network, path, classes)
        matches = {n: one for n, one in matches.items() if mine[n].names != head}
        if not matches:
            raise DataError(
                f"{path}: no layer fits the network; the file has {_names(source.layers)}, the "
                f"network {_names(mine)}; name weights of a network of the same family"
            )
        for number, theirs in matches.items():
            mine[number].fill(theirs)
    network.load_weights(file)
    return _told(path, by, mine, source.layers, matches)


def _head_of_others(network: "keras.Model", path: Path, classes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the last layer, if the weights are a model's with other classes."""
    if not path.is_dir() or architecture.read(path).classes == tuple(classes):
        return ()
    return list(_walk(network))[-1][0]


def layers(network: "keras.Model") -> dict[str, "keras.layers.Layer"]:
    """Return a network's layers, and those of models within it, by their names in ``Taken``."""
    return {"/".join(names): layer for names, layer in _walk(network)}


def taken_layers(network: "keras.Model", transferred: Transferred) -> list["keras.layers.Layer"]:
    """Return the layers of a network all of whose weights were taken, in its order."""
    taken = [one.name for one in transferred.taken]
    fresh = [one.name for one in transferred.fresh]

    def has_of(name: str, names: Sequence[str]) -> bool:
        return any(f"{one}/".startswith(f"{name}/") for one in names)

    return [
        layer
        for name, layer in layers(network).items()
        if has_of(name, taken) and not has_of(name, fresh)
    ]


def _walk(
    network: "keras.Model", chain: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], "keras.layers.Layer"]]:
    import keras

    for layer in network.layers:
        names = (*chain, layer.name)
        if isinstance(layer, keras.Model):
            yield from _walk(layer, names)
        else:
            yield names, layer


def _in_order(found: Sequence[Layer], network: "keras.Model") -> list[Layer]:
    """Sort the layers of a network's file as the network has them; parts of a layer stay as is."""
    numbers = {names: number for number, (names, _) in enumerate(_walk(network))}

    def number(layer: Layer) -> int:
        ends = range(len(layer.names), 0, -1)
        known = (numbers[layer.names[:end]] for end in ends if layer.names[:end] in numbers)
        return next(known, len(numbers))

    return sorted(found, key=number)


def _match(mine: Sequence[Layer], source: Weights) -> tuple[How, Matches]:
    """Match the layers in each way, and return the first of those that take the most."""
    named = {
        n: one for n, one in _named(mine, source.layers).items() if not mine[n].difference(one)
    }
    ways: list[tuple[How, Matches]] = [("name", named)]
    if source.ordered:
        ways.append(("order", _by_order(mine, source.layers)))
    if not source.named:
        ways.append(("place", _by_place(mine, source.layers)))
    return max(ways, key=lambda way: len(way[1]))


def _named(mine: Sequence[Layer], theirs: Sequence[Layer]) -> dict[int, Layer]:
    """Return the layers of the same names, whatever their shapes.

    The layers of a model may stand within another model on either side, if that leaves no doubt.
    """
    exact = {layer.names: layer for layer in theirs if layer.names}
    longer: dict[tuple[str, ...], list[Layer]] = {}
    for names, layer in exact.items():
        for start in range(1, len(names)):
            longer.setdefault(names[start:], []).append(layer)
    pairs: dict[int, Layer] = {}
    claims: dict[tuple[str, ...], list[int]] = {}
    for number, layer in enumerate(mine):
        names = layer.names
        if names in exact:
            pairs[number] = exact[names]
            continue
        shorter = [exact[names[n:]] for n in range(1, len(names)) if names[n:] in exact]
        candidates = [*shorter, *longer.get(names, [])]
        if len(candidates) == 1:
            claims.setdefault(candidates[0].names, []).append(number)
    used = {layer.names for layer in pairs.values()}
    for names, numbers in claims.items():
        if len(numbers) == 1 and names not in used:
            pairs[numbers[0]] = exact[names]
    return pairs


def _by_order(mine: Sequence[Layer], theirs: Sequence[Layer]) -> Matches:
    """Match the first layers of the network, or of a model in it, until that or the file ends."""
    best: dict[int, Layer] = {}
    models = dict.fromkeys(layer.names[:end] for layer in mine for end in range(len(layer.names)))
    for model in models:
        inside = [n for n, layer in enumerate(mine) if layer.names[: len(model)] == model]
        pairs = dict(zip(inside, theirs, strict=False))
        if len(pairs) > len(best) and all(not mine[n].difference(one) for n, one in pairs.items()):
            best = pairs
    return best


def _by_place(mine: Sequence[Layer], theirs: Sequence[Layer]) -> Matches:
    """Match layers of the same class and number within the network, or a model on either side."""
    best: dict[int, Layer] = {}
    for outer in _models(theirs):
        places = {
            layer.place.removeprefix(outer): layer
            for layer in theirs
            if layer.place.startswith(outer)
        }
        for inner in _models(mine):
            pairs = {
                n: places[place]
                for n, layer in enumerate(mine)
                if layer.place.startswith(inner)
                and (place := layer.place.removeprefix(inner)) in places
                and not layer.difference(places[place])
            }
            if len(pairs) > len(best):
                best = pairs
    return best


def _models(layers: Sequence[Layer]) -> list[str]:
    """Return the beginnings of the places of layers: of the network, and of models in it."""
    found = {""}
    for layer in layers:
        parts = layer.place.split("/")
        found |= {"/".join(parts[:n]) + "/" for n in range(2, len(parts)) if parts[n] == "layers"}
    return sorted(found, key=lambda start: (start.count("/"), start))


def _told(
    path: Path, by: How, mine: Sequence[Layer], theirs: Sequence[Layer], matches: Matches
) -> Transferred:
    """Return which layers were taken, and why others were not."""
    pairs = _named(mine, theirs)
    reasons = {id(one): mine[n].difference(one) for n, one in pairs.items()}
    used = {id(one) for one in matches.values()}
    fresh = []
    for number, layer in enumerate(mine):
        if number not in matches:
            reason = layer.difference(pairs[number]) if number in pairs else "not in the file"
            fresh.append(_other(layer, reason or OTHERS))
    left = [
        _other(layer, reasons.get(id(layer), "not in the network") or OTHERS)
        for layer in theirs
        if id(layer) not in used
    ]
    taken = [
        Taken(name=mine[n].name, source=one.name, values=one.size)
        for n, one in sorted(matches.items())
    ]
    return Transferred(
        path=path.as_posix(), by=by, taken=tuple(taken), fresh=tuple(fresh), left=tuple(left)
    )


def _other(layer: Layer, reason: str) -> Other:
    return Other(name=layer.name, values=layer.size, reason=reason)


def _names(layers: Sequence[Layer]) -> str:
    """Return the names of three layers, and the number of others."""
    return first_few([layer.name for layer in layers], 3)
