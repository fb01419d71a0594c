"""Datasets and runs of a file, added to ``params.yaml``."""

from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline import schema
from pipeline.core import files
from pipeline.core.errors import ParameterError, first_few
from pipeline.core.params import Params, Section, read_yaml
from pipeline.new_dataset import yaml_edit

SECTIONS = ("datasets", "runs")


class Addition(Section):
    """The top level of such a file: what stands in ``params.yaml`` under the same keys."""

    datasets: dict[str, Any] = Field(default_factory=dict)
    runs: dict[str, Any] = Field(default_factory=dict)


def add(path: Path) -> Addition:
    """Add the datasets and runs of a file to ``params.yaml``, below those that are there.

    Returns
    -------
    Addition
        What was added.

    Raises
    ------
    ParameterError
        If the file has other keys, a name is there already, or the parameters would not be valid.
    """
    params = Params.read()
    new = Params(read_yaml(path), path).section(Addition)
    text = files.read_text(params.path)  # with its line ends
    for section in SECTIONS:
        entries = getattr(new, section)
        if known := [name for name in entries if name in params.value(section)]:
            raise ParameterError(
                f"{params.path}: {first_few([f'{section}.{name}' for name in known])} is there "
                f"already; change what is there, or the name in {path}"
            )
        for name, entry in entries.items():
            text = yaml_edit.append(text, section, {name: entry}, blank=section == "datasets")
    schema.check_params(Params(yaml_edit.value(text), params.path))
    files.write_text(params.path, text)
    return new
