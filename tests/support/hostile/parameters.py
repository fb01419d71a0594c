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
            (
                "a class with a terminal's escape",
                _param("datasets.tiny_png.decode.classes", [*CLASSES, "\x1b]0;x\x07"]),
                "must be text on one line, without the control character U.001B",
            ),
            (
                "classes without end",
                _param("datasets.tiny_png.decode.classes", [f"c{n}" for n in range(60_000)]),
                "has more than 50,000 values",
            ),
            (
                "a shape of millions of pixels",
                _param("datasets.tiny_png.decode.shape", [4000, 4000, 3]),
                "must have at most 1,048,576 pixels",
            ),
            (
                "a batch of 2^63",
                _param("defaults.train.batch_size", 2**63),
                "must be less than or equal to 65536",
            ),
            (
                "a network that no memory holds",
                _param("defaults.model.filters", [4096] * 100),
                "weights, above",
            ),
            (
                "a network without end",
                _param("defaults.model.convolutions", 10**9),
                "must be less than or equal to 500",
            ),
            (
                "a pattern that tries all lengths",
                _param("datasets.tiny_png.decode.classes_at", "*a" * 10_000 + "{class}"),
                "must have at most 1000 characters",
            ),
            (
                "a name that is a command",
                _param("runs", {"x; touch PWNED; #": {"dataset": "tiny_png"}}),
                "must match pattern",
            ),
            (
                "faults without end",
                _param("runs.tiny_png.model", {f"k{n}": 1 for n in range(5000)}),
                "and 4,990 more faults",
            ),
            (
                "a value of megabytes",
                _param("runs.tiny_png.train", {"precision": "x" * 1_000_000}),
                "runs.tiny_png.train.precision: must be",
            ),
            (
                "a number of thousands of digits",
                _text("a: " + "9" * 100_000),
                "is not valid YAML",
            ),
            ("YAML of megabytes", _text("a: " + "x" * 2_000_000), "has more than 1,048,576 bytes"),
            ("YAML with an anchor twice", _text("a: &a 1\nb: &a 2"), "duplicate anchor"),
            ("YAML of one key twice", _text("a: 1\na: 2"), "duplicate key"),
            ("YAML of no number", _param("defaults.train.label_smoothing", float("nan")), "finite"),
        )
    },
}
