"""YAML 1.2, read as DVC reads it, so that both see the same values."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent

from pipeline.core.errors import ParameterError


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    ParameterError
        If the file is missing, is not YAML, is not a mapping or has aliases: ``dvc exp run -S``
        loses or expands them, and a few of them can stand for gigabytes.
    """
    # Pure, for libyaml, by which DVC reads, crashes on what is nested too deeply.
    yaml = YAML(typ="safe", pure=True)
    try:
        text = path.read_text(encoding="utf-8")
        if "*" in text:
            for event in yaml.parse(text):
                if isinstance(event, AliasEvent):
                    raise ParameterError(
                        f"{path} has an alias in line {event.start_mark.line + 1}, "
                        f"*{event.anchor}; write out what it stands for"
                    )
        value = yaml.load(text)
    except FileNotFoundError:
        raise ParameterError(
            f"{path} is missing; run this in the folder of dvc.yaml (the project's root)"
        ) from None
    except RecursionError:
        raise ParameterError(f"{path} is nested too deeply") from None
    except (YAMLError, ValueError) as error:  # ValueError: no UTF-8, or a 13th month
        raise ParameterError(f"{path} is not valid YAML: {_reason(error)}") from None
    if not isinstance(value, dict):
        raise ParameterError(f"{path} must hold a mapping of names to values")
    return value


def _reason(error: Exception) -> str:
    """What is wrong, and where, on one line."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if not mark or not problem:
        return " ".join(str(error).split())
    context = getattr(error, "context", None)
    within = f" ({context})" if context else ""
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}{within}"
