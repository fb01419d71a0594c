"""A new run with the parameters of another one."""

from pipeline import schema
from pipeline.core import files
from pipeline.core.errors import ParameterError
from pipeline.core.params import Params, is_name, like_name
from pipeline.new_dataset import yaml_edit


def add(name: str, like: str) -> str:
    """Add a run to ``params.yaml``; return its lines.

    Raises
    ------
    ParameterError
        If the name cannot be used or is there, or there is no run called ``like``.
    """
    params = Params.read()
    if not is_name(name):
        raise ParameterError(
            f"{name!r} cannot be a run's name; take small letters, digits and _: "
            f"{like_name(name, 'my_run')}"
        )
    run = params.value("runs", like)
    if name in params.value("runs"):
        raise ParameterError(f"{params.path}: runs.{name} is there already; choose another name")
    text = files.read_text(params.path)  # with its line ends
    text = yaml_edit.append(text, "runs", {name: run}, blank=False)
    schema.check_params(Params(yaml_edit.value(text), params.path))
    files.write_text(params.path, text)
    return yaml_edit.dump({"runs": {name: run}}).rstrip()
