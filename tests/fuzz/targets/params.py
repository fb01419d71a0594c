"""``params.yaml``: as text, and all of its sections against the schema."""

import shutil
from pathlib import Path

from pipeline import schema
from pipeline.core import errors
from pipeline.core.params import Params
from tests.fuzz.target import Target
from tests.support.builders import ROOT

SMALL = """\
datasets:
  a:
    kind: parquet
    download: {files: [{name: a.parquet, sources: ["file:a.parquet"]}]}
    extract: {train: [a.parquet]}
    decode: {shape: [8, 8, 3], classes: [cat, "a dog"], classes_at: "*/{class}/?.png"}
    split: {test_fraction: 0.5}
defaults: {model: {}, train: {}, evaluate: {}, report: {}}
runs:
  a: {dataset: a, network: cnn, weights: data/weights/none, model: {filters: [2]}, train: {},
      evaluate: {}, report: {}}
"""


def read(content: bytes, folder: Path) -> None:
    """Check the file; whatever is wrong is said in one printable line."""
    path = folder / "params.yaml"
    path.write_bytes(content)
    try:
        schema.check_params(Params.read(path))
    except errors.PipelineError as error:
        line = errors.explain(error)
        assert line is not None
        assert line.isprintable()
        assert len(line) <= errors.LONGEST
        raise


def seed(folder: Path) -> None:
    """The project's own file, and a small one."""
    shutil.copy(ROOT / "params.yaml", folder / "project")
    (folder / "small").write_text(SMALL)


TARGETS = {"params": Target(read, seed)}
