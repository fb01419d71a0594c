from pathlib import Path

import pytest

from pipeline.core import files, paths
from tests.support.study import RUN, evaluate, write

STUDY = {
    "datasets": {"shoes": {}, "hats": {}},
    "defaults": {"model": {}, "train": {"seed": 0}, "evaluate": {}},
    "transfer": {"dpi": 50, "titles": {"hats": "A copy of hats"}},
    "runs": {
        "hats": RUN | {"dataset": "hats"},
        "shoes": RUN,
        **{
            f"shoes_{count}_{start}_{seed}": RUN
            | {"weights": weights, "train": {"images_per_class": count, "seed": seed}}
            for count in (50, 10)
            for start, weights in (("fresh", "data/weights/none"), ("tuned", "data/models/hats"))
            for seed in (0, 1)
        },
    },
}
START = {
    "transferred": {
        "path": "data/models/hats",
        "by": "name",
        "taken": [{"name": "convolution_2", "source": "convolution_2", "values": 300}],
        "fresh": [{"name": "convolution_1", "values": 27, "reason": "3x3x1 in the file"}],
        "left": [],
    },
    "phases": [{"first": 1, "last": 2, "weights": 327}],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A study in ``study/``, all of whose runs are evaluated but two."""
    monkeypatch.chdir(tmp_path)
    Path("study").mkdir()
    write(STUDY)
    for number, run in enumerate(STUDY["runs"]):
        if run not in ("hats", "shoes_50_tuned_1"):
            evaluate(f"study/{run}", number)
            files.write_json(paths.model(f"study/{run}") / "start.json", START)
    return "study"
