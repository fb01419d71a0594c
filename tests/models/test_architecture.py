"""Models of strangers: each ends in one line, and nothing of theirs is run."""

import json
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.core.errors import DataError, PipelineError
from pipeline.models import architecture, saved, weights
from pipeline.models.hdf5 import UnreadableError
from pipeline.report import first_layer
from tests.support.builders import ROOT
from tests.support.hostile import models

pytestmark = pytest.mark.usefixtures("tensorflow")

LONGEST = 600
"""Characters of a line."""
QUICK = ("architecture: ", "class: ")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return models.good(tmp_path_factory.mktemp("good") / "model")


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / "model")


def test_the_model_that_they_change_is_a_good_one(folder):
    assert saved.load_model(folder).classes == ("ankle boot", "bag", "coat")
    assert first_layer.read(folder) is None  # for its stride


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name.startswith(QUICK) else pytest.mark.slow)
        for name in models.MODELS
    ],
)
def test_a_hostile_model_is_one_line(folder, monkeypatch, name):
    monkeypatch.chdir(folder.parent)
    put, ends = models.MODELS[name]
    put(folder)
    with pytest.raises(PipelineError) as caught:
        saved.load_model(folder)
    line = str(caught.value)
    assert re.search(ends, line), line
    assert line.isprintable()
    assert len(line) < LONGEST
    for read in (first_layer.read, _all_weights):  # each reads what it needs of it
        with suppress(PipelineError):
            read(folder)
    assert not (folder.parent / "pwned").exists()


def _all_weights(folder):
    with weights.opened(folder) as stored:
        for layer in stored.layers:
            for array in layer.arrays:
                array.read()


def test_weights_get_memory_once_the_file_has_as_many(folder):
    config = architecture.read(folder).keras
    network = architecture.build(config, 1 << 20)
    assert all(not value.any() for value in network.get_weights())
    most = sum(value.size for value in network.get_weights()) - 1
    with pytest.raises(UnreadableError, match=r"weights, far more than model\.weights\.h5"):
        architecture.build(config, most)
    assert saved.load_model(folder)  # the next is none the worse


def test_outputs_are_limited(folder, monkeypatch):
    monkeypatch.setattr(architecture, "LARGEST_OUTPUT", 63)
    with pytest.raises(DataError, match="makes 64 values of an image, above 63"):
        saved.load_model(folder)


def test_few_images_are_shown_at_once_to_a_network_of_large_outputs(folder, monkeypatch):
    model = saved.load_model(folder)
    assert model.most_images == saved.MOST_VALUES // 64
    monkeypatch.setattr(saved, "MOST_VALUES", 63)
    assert model.most_images == 1


LOADERS = {
    "h5py": {"pipeline/models/hdf5.py"},
    "deserialize_keras_object|model_from_json|model_from_config": {
        "pipeline/models/architecture.py"
    },
    r"\.load_weights\(": {"pipeline/models/saved.py", "pipeline/models/transfer.py"},
    r"(?<!saved)\.load_model\(|saving\.load": set(),
    r"saved_model\.load": {"pipeline/predict/export.py"},  # what it wrote itself
    r"import (pickle|marshal|joblib|dill)|pickle\.load": set(),
}
"""Ways to load a model, and the files that may use them: KerasFile's content is of the project."""


def test_there_is_one_loader():
    paths = [
        path for top in ("pipeline", "stages", "networks") for path in ROOT.glob(f"{top}/**/*.py")
    ]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}
    for pattern, allowed in LOADERS.items():
        code = re.compile(rf"^(?!\s*(#|\"h5py\",)).*({pattern})", re.MULTILINE)
        found = {path for path, text in texts.items() if code.search(_code(text))}
        assert found == allowed, pattern


def _code(text):
    """Return a module without its texts of several lines and lists of libraries."""
    return re.sub(r'""".*?"""|"h5py"', "", text, flags=re.DOTALL)


@pytest.mark.slow
def test_hostile_models_take_little_memory_and_time(good, tmp_path):
    said = subprocess.run(
        [sys.executable, "-m", __name__, str(good)],
        cwd=ROOT,
        env=None,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    measured = json.loads(said.splitlines()[-1])
    assert measured["memory"] < 1_000_000_000
    assert {name: s for name, s in measured["seconds"].items() if s > 30} == {}


def _measure(good):
    """Print the most bytes that this process had, and the seconds that each model took."""
    import tempfile
    import time

    from pipeline.core import stage
    from pipeline.models import runtime

    runtime.configure(seed=0, threads=2)
    seconds = {}
    for name, (put, _) in models.MODELS.items():
        with tempfile.TemporaryDirectory() as work:
            folder = shutil.copytree(good, Path(work, "model"))
            put(folder)
            started = time.process_time()
            try:
                saved.load_model(folder)
            except PipelineError:
                seconds[name] = time.process_time() - started
    print(json.dumps({"memory": stage.peak_memory(), "seconds": seconds}))


if __name__ == "__main__":
    _measure(Path(sys.argv[1]))
