"""Hostile parameters, which ``check`` reads."""

from collections.abc import Callable
from typing import Any

from tests.support.builders import CLASSES, Project
from tests.support.hostile.corpus import Input

LINK_CLASS = '<img src=x onerror="alert(1)">'


def _param(key: str, value: Any) -> Callable[[Project], None]:
    return lambda project: project.set(key, value)


def _text(text: str) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        (project.folder / "params.yaml").write_text(text)

    return put


INPUTS: dict[str, Input] = {
    **{
        name: Input("check", "", put, ends)
        for name, put, ends in (
            ("YAML nested deeply", _text("a: " + "[" * 100_000), "is nested too deeply"),
            (
                "YAML of a billion laughs",
                _text("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]"),
                "has an alias",
            ),
            ("YAML that makes objects", _text("!!python/object/apply:os.system [ls]"), "not valid"),
            (
                "a run that leads elsewhere",
                _param("runs", {"../../x": {"dataset": "tiny_png"}}),
                "runs",
            ),
            (
                "a file that leads elsewhere",
                _param("datasets.tiny_png.extract.archive", "../../../etc/passwd"),
                "datasets.tiny_png.extract.archive",
            ),
            (
                "a class of HTML",
                _param("datasets.tiny_png.decode.classes", [*CLASSES, LINK_CLASS]),
                None,
            ),
        )
    },
}
