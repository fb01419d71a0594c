"""Cluster: the machines that train a run together, as TensorFlow's ``TF_CONFIG`` names them."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params, Section

TF_CONFIG = "TF_CONFIG"

Address = Annotated[str, StringConstraints(pattern=r"^\S+:\d+$")]
"""``host:port``."""


class Machines(Section):
    """Addresses by kind; without a chief, the first worker is it."""

    chief: Annotated[tuple[Address, ...], Field(max_length=1)] = ()
    worker: tuple[Address, ...] = ()


class Task(Section):
    """Which of them this machine is."""

    type: Literal["chief", "worker"]
    index: Annotated[int, Field(ge=0)]


class Cluster(Section):
    """The machines, and which one this is."""

    cluster: Machines
    task: Task

    @model_validator(mode="after")
    def _is_among_them(self) -> "Cluster":
        there = len(getattr(self.cluster, self.task.type))
        if self.task.index >= there:
            raise ValueError(
                f"task is {self.task.type} {self.task.index}, but cluster has {there} of them"
            )
        return self

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Of all machines, the chief's first."""
        return self.cluster.chief + self.cluster.worker

    @property
    def rank(self) -> int:
        """Where this one is among the addresses."""
        return self.task.index + (len(self.cluster.chief) if self.task.type == "worker" else 0)

    @property
    def is_chief(self) -> bool:
        """Whether this machine writes what comes of the training."""
        return self.rank == 0


def read() -> Cluster | None:
    """The cluster in ``TF_CONFIG``; None without it, or where it names a single machine.

    Raises
    ------
    ParameterError
        If it is not JSON, or names machines or a task that cannot train together.
    """
    text = os.environ.get(TF_CONFIG, "")
    if not text:
        return None
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        raise ParameterError(f"{TF_CONFIG} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ParameterError(f"{TF_CONFIG} must be a mapping of cluster and task, got {text[:80]}")
    wanted = {key: value[key] for key in ("cluster", "task") if key in value}
    found = Params(value, Path(TF_CONFIG)).validate(Cluster, wanted, lambda _: "")
    return found if len(found.addresses) > 1 else None


def expect(*, chief: bool, run: str) -> None:
    """Refuse to start the chief's program on a worker, or a worker's on the chief.

    Raises
    ------
    ParameterError
        Saying what is to be started here.
    """
    found = read()
    if chief and found and not found.is_chief:
        raise ParameterError(
            f"{TF_CONFIG} makes this machine worker {found.addresses[found.rank]}; start here: "
            f"python -m pipeline worker {run} (dvc repro is for the chief, {found.addresses[0]})"
        )
    if not chief and (found is None or found.is_chief):
        raise ParameterError(
            f"{TF_CONFIG} makes this machine the chief; start dvc repro here"
            if found
            else f"{TF_CONFIG} names no other machine; set it as docs/scale.md says"
        )
