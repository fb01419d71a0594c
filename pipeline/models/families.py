"""Families of networks: ``networks/<name>.py``, each with its ``Params`` and its ``build``.

A family makes a network of Keras's own layers. So a trained model needs none of its code.
"""

import ast
import importlib
import importlib.util
import inspect
import json
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pipeline.core.errors import ParameterError, explain
from pipeline.core.params import Section
from pipeline.models import architecture, permitted
from pipeline.models.params import Precision
from pipeline.shards.index import Statistics

if TYPE_CHECKING:
    import keras

FOLDER = "networks"
ROOT = Path(__file__).parents[2]
MODULES = ("pipeline.core", "pipeline.models", "pipeline.shards")
"""Modules of the project that a family may import: of these, DVC knows that ``train`` depends."""
ARGUMENTS = ("params", "shape", "classes", "statistics", "seed", "precision")


class Build(Protocol):
    """Function that makes a network with fresh weights."""

    def __call__(
        self,
        params: Any,
        shape: tuple[int, int, int],
        classes: int,
        statistics: Statistics,
        *,
        seed: int,
        precision: Precision,
    ) -> "keras.Model":
        """Return a network from float32[n, h, w, c] in [0, 1] to logits, float32[n, K]."""


class Family(NamedTuple):
    """A family of networks."""

    name: str
    params: type[Section]
    """The model of ``runs.<run>.model``."""
    build: Build

    @property
    def path(self) -> str:
        """Return the path of its file."""
        return f"{FOLDER}/{self.name}.py"


class Network(NamedTuple):
    """A network to be trained: its family, its parameters, and what it starts from."""

    family: Family
    params: Section
    weights: Path | None = None
    """A trained model or a file of weights; None for fresh weights."""


def family(name: str) -> Family:
    """Return the family in ``networks/<name>.py``.

    Raises
    ------
    ParameterError
        If there is no such file, it cannot be imported, imports what DVC does not know of, or does
        not define ``Params`` and ``build``.
    """
    path = f"{FOLDER}/{name}.py"
    module = _module(name, path)
    params, build = getattr(module, "Params", None), getattr(module, "build", None)
    if not (isinstance(params, type) and issubclass(params, Section)):
        raise ParameterError(
            f"{path}: does not define Params, a class of its parameters (class Params(Section), "
            "with Section from pipeline.core.params)"
        )
    if not callable(build):
        raise ParameterError(
            f"{path}: does not define build({', '.join(ARGUMENTS)}), which returns a Keras model"
        )
    try:
        inspect.signature(build).bind(*[None] * 4, seed=0, precision="float32")
    except TypeError as error:
        raise ParameterError(
            f"{path}: build must take {', '.join(ARGUMENTS[:4])}, and seed and precision by name "
            f"({error})"
        ) from None
    return Family(name, params, build)


def known() -> list[str]:
    """Return the names of the families that there are, sorted."""
    files = ROOT.joinpath(FOLDER).glob("*.py")
    return sorted(path.stem for path in files if path.stem != "__init__")


def build(
    family: Family,
    params: Section,
    shape: tuple[int, int, int],
    classes: int,
    statistics: Statistics,
    *,
    seed: int = 0,
    precision: Precision = "float32",
) -> "keras.Model":
    """Build a family's network with fresh weights, and check that it can be trained and saved.

    Parameters
    ----------
    shape : tuple of int
        Height, width and channels of the images.
    classes : int
        Number of classes, K.
    statistics : Statistics
        Mean and standard deviation of the training images' channels.
    seed : int
        Of initial weights and dropout.
    precision : str
        Type in which the layers compute.

    Returns
    -------
    keras.Model
        From float32[n, h, w, c] in [0, 1] to logits, float32[n, K].

    Raises
    ------
    ParameterError
        If ``build`` raises, returns no such model, or one with layers that are not Keras's own.
    """
    try:
        network = family.build(params, shape, classes, statistics, seed=seed, precision=precision)
    except Exception as error:
        if explain(error):  # in the family's own words, or the machine's fault
            raise
        module = sys.modules.get(f"{FOLDER}.{family.name}")
        where = f"{family.path}{_line(error, getattr(module, '__file__', None))}"
        raise ParameterError(f"{where}: build raised {_reason(error)}") from error
    _check(family, network, shape, classes)
    return network


def _module(name: str, path: str) -> ModuleType:
    try:
        spec = importlib.util.find_spec(f"{FOLDER}.{name}")
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise ParameterError(
            f"there is no network {name!r}: {path} is missing; there are: {', '.join(known())}"
        )
    try:
        tree = ast.parse(Path(spec.origin).read_bytes(), path)
    except (SyntaxError, ValueError) as error:
        raise ParameterError(f"{path}: is no Python: {_reason(error)}") from None
    for wanted in _imports(tree):
        if _is_of_project(wanted) and not f"{wanted}.".startswith(
            tuple(f"{module}." for module in MODULES)
        ):
            raise ParameterError(
                f"{path}: imports {wanted}, and DVC would not see that a run depends on it; of "
                f"the project a network imports {', '.join(MODULES)} alone"
            )
    try:
        return importlib.import_module(f"{FOLDER}.{name}")
    except Exception as error:
        where = f"{path}{_line(error, spec.origin)}"
        raise ParameterError(f"{where}: cannot be imported: {_reason(error)}") from error


def _imports(tree: ast.Module) -> list[str]:
    """Return the full names of all modules that a file imports."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = f"{FOLDER}." * bool(node.level) + (node.module or "")
            # `from pipeline import runs` imports a module too.
            names += [f"{module}.{alias.name}" for alias in node.names] if module else []
    return names


def _is_of_project(module: str) -> bool:
    """Tell if a module lies in the project's folder, not among the installed libraries."""
    first = ROOT / module.partition(".")[0]
    return first.is_dir() or first.with_suffix(".py").is_file()


def _check(family: Family, network: Any, shape: tuple[int, int, int], classes: int) -> None:
    """Refuse what cannot be trained, or could not be loaded without the family's code."""
    import keras

    if not isinstance(network, keras.Model):
        raise ParameterError(
            f"{family.path}: build returned {type(network).__name__}, not a Keras model"
        )
    for layer in network._flatten_layers(include_self=False):
        kind = type(layer)
        if not kind.__module__.startswith("keras."):
            raise ParameterError(
                f"{family.path}: the layer {layer.name} is {kind.__name__}, which is not Keras's "
                "own; a model is its weights and the names of Keras's layers, so nothing could "
                "load it"
            )
        if isinstance(layer, keras.layers.Lambda):
            raise ParameterError(
                f"{family.path}: {layer.name} is a Lambda layer, which holds code; use Keras's "
                "other layers, or keras.ops"
            )
    if type(network).__module__.split(".")[0] != "keras" or not _is_functional(network):
        raise ParameterError(
            f"{family.path}: build must return a functional or sequential Keras model "
            f"(keras.Model(inputs, outputs)), not {type(network).__name__}"
        )
    wanted = (None, *shape), (None, classes)
    given = architecture.signature(network)
    if given != wanted:
        raise ParameterError(
            f"{family.path}: the model must lead from {_described(wanted[0])}, the images, to "
            f"{_described(wanted[1])}, a number for each class; this one leads from "
            f"{_described(given[0])} to {_described(given[1])}"
        )
    if (dtype := keras.backend.standardize_dtype(network.outputs[0].dtype)) != "float32":
        raise ParameterError(
            f"{family.path}: the logits must be float32, not {dtype}; give the last layer "
            'dtype="float32"'
        )
    last = network.outputs[0]._keras_history.operation
    name = getattr(getattr(last, "activation", last), "__name__", type(last).__name__).lower()
    if name in ("softmax", "sigmoid"):
        raise ParameterError(
            f"{family.path}: the logits must be without {name}: training and evaluation apply a "
            "softmax themselves; give the last layer no activation"
        )
    if network.losses:
        raise ParameterError(
            f"{family.path}: a layer adds a loss of its own, such as a regularizer, which training "
            "does not know; set train.optimizer.weight_decay"
        )
    try:
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(network)))
        permitted.examine(config)
        architecture.build(config)
    except Exception as error:
        raise ParameterError(
            f"{family.path}: the model cannot be saved and loaded: {_reason(error)}"
        ) from None


def _is_functional(network: Any) -> bool:
    return bool(getattr(network, "inputs", None)) and bool(getattr(network, "outputs", None))


def _described(shape: Any) -> str:
    if isinstance(shape, list):
        return f"{len(shape)} tensors"
    return "(" + ", ".join("n" if side is None else str(side) for side in shape) + ")"


def _line(error: Exception, file: str | None) -> str:
    """Return the last line of a family's file in an error's traceback; empty if it has none."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if frame.filename == file]
    return f", line {own[-1]}" if own else ""


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
