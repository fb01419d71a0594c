"""``architecture.json``: a network's layers as Keras writes them, its classes, its images' shape.

A network is built without memory for its weights at first, which they get once their number is
known to be that of the file.
"""

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PositiveInt, StringConstraints, ValidationError, field_validator

from pipeline.core.params import Section
from pipeline.models import permitted, weights_file
from pipeline.models.hdf5 import UnreadableError, named_faults
from pipeline.models.weights_file import WEIGHTS

if TYPE_CHECKING:
    import keras

LARGEST_OUTPUT = 1 << 25
"""Values of a layer's output for one image: 128 MiB."""
ClassName = Annotated[str, StringConstraints(min_length=1, max_length=permitted.LONGEST_TEXT)]
Side = Annotated[int, Field(gt=0, le=1 << 16)]


class Architecture(Section):
    """The content of ``architecture.json``."""

    classes: Annotated[tuple[ClassName, ...], Field(min_length=1, max_length=1 << 20)]
    shape: tuple[Side, Side, Annotated[int, Field(ge=1, le=3)]]
    """Height, width and channels of the images."""
    parameters: PositiveInt
    """Number of the weights that Keras counts."""
    keras: dict[str, Any]
    """The network's configuration, in Keras's form."""
    weights_sha256: Annotated[str | None, StringConstraints(pattern=r"\A[0-9a-f]{64}\z")] = None
    """SHA-256 of the file of weights; None in models of versions before 0.2.0."""

    @field_validator("classes")
    @classmethod
    def _names(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) < len(classes):
            raise ValueError("has a class twice")
        if any("\ud800" <= c <= "\udfff" or c in "\0\r\n" for name in classes for c in name):
            raise ValueError("has a name that is not one line of text")
        return classes


def read(folder: Path) -> Architecture:
    """Read and examine the architecture of the model in ``folder``.

    Raises
    ------
    DataError
        If it is missing or damaged, or names a class that is not permitted.
    """
    value = weights_file.configuration(folder)
    try:
        found = Architecture.model_validate(value, strict=False)
        permitted.examine(found.keras)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise weights_file.unreadable(folder, f"{place}: {fault['msg']}") from None
    except UnreadableError as error:
        raise weights_file.unreadable(folder, str(error)) from None
    return found


def build(config: Mapping[str, Any], most: int | None = None) -> "keras.Model":
    """Build a network by a configuration that was examined; all its weights are 0.

    Parameters
    ----------
    most : int, optional
        Values that its weights may have; they get memory only if they have no more.

    Raises
    ------
    UnreadableError
        If Keras cannot build it, or it is larger.
    """
    import keras

    with named_faults():
        try:
            with keras.StatelessScope(initialize_variables=False):
                network = keras.saving.deserialize_keras_object(deepcopy(config), safe_mode=True)
                _measure(network, most)
            for variable in network.weights:
                # Others could take minutes, such as that of orthogonal matrices.
                variable._initializer = keras.initializers.Zeros()
            with keras.StatelessScope():
                pass  # at its end, Keras makes the variables that were declared above
        except BaseException:
            keras.utils.clear_session()  # else it would make them the next time
            raise
    return network


def signature(network: Any) -> tuple[Any, Any]:
    """Return the shapes of input and output; lists of them where there are several."""
    shapes = []
    for tensors in (network.inputs, network.outputs):
        each = [tuple(tensor.shape) for tensor in tensors]
        shapes.append(each[0] if len(each) == 1 else each)
    return shapes[0], shapes[1]


def largest_output(network: Any) -> int:
    """Return the number of values that a layer makes of an image at most."""
    return max(math.prod(side or 1 for side in shape) for shape in _outputs(network))


def _measure(network: Any, most: int | None) -> None:
    """Raise UnreadableError if a network, whose weights are only declared, takes too much."""
    import keras

    if not isinstance(network, keras.Model):
        raise UnreadableError(f"is a {type(network).__name__}, not a network")
    if not getattr(network, "inputs", None) or not getattr(network, "outputs", None):
        raise UnreadableError("is a network without inputs or outputs")
    declared = sum(math.prod(variable.shape) for variable in network.weights)
    if most is not None and declared > most:
        raise UnreadableError(f"has {declared:,} weights, far more than {WEIGHTS}")
    if (values := largest_output(network)) > LARGEST_OUTPUT:
        raise UnreadableError(f"makes {values:,} values of an image, above {LARGEST_OUTPUT:,}")


def _outputs(network: Any) -> Iterator[tuple[int | None, ...]]:
    """Yield the shapes of the outputs of all layers, those of models within it too."""
    import keras

    graph = getattr(network, "_functional", None) or network
    for operation in graph.operations:
        for node in operation._inbound_nodes:
            yield from (tuple(tensor.shape) for tensor in node.output_tensors)
        if isinstance(operation, keras.Model):
            yield from _outputs(operation)
