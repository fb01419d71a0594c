"""docs/reproducibility.md: the same bytes elsewhere on the same type of machine."""

import json
import os
import shutil

import pytest

from tests.support.repository import DATA_STAGES, DEMOS, Copy

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("repro")]

KERAS = {
    "floatx": "float16",
    "epsilon": 0.1,
    "backend": "jax",
    "image_data_format": "channels_first",
}
MATPLOTLIB = """
axes.facecolor: black
figure.dpi: 33
font.family: monospace
font.size: 20
image.cmap: jet
savefig.dpi: 44
savefig.facecolor: red
savefig.transparent: True
text.antialiased: False
"""


def outputs(copy):
    """Return the records of the demos' outputs in dvc.lock, by stage."""
    return {name: stage["outs"] for name, stage in copy.lock().items() if "@demo" in name}


@pytest.fixture
def elsewhere(tmp_path):
    """The environment of another user, with other settings wherever some could matter."""
    home = tmp_path / "home"
    (home / ".keras").mkdir(parents=True)
    (home / ".keras" / "keras.json").write_text(json.dumps(KERAS))
    (home / "matplotlibrc").write_text(MATPLOTLIB)
    return {
        "HOME": str(home),
        "USER": "another",
        "LOGNAME": "another",
        "MPLCONFIGDIR": str(home),
        "TZ": "Pacific/Kiritimati",  # 14 hours ahead
        "LC_ALL": "tr_TR.UTF-8",  # where it is not installed, this is C
        "PYTHONHASHSEED": "4242",
        "PYTHONOPTIMIZE": "1",
        "PIPELINE_WORKERS": "3",
        "OMP_NUM_THREADS": "1",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    }


def test_another_user_in_another_place_gets_the_same_bytes(tmp_path, elsewhere):
    """The bytes are the committed lock's or, on another type of machine, those of a plain run."""
    folder = tmp_path / "another place, ü"
    folder.mkdir()
    copy = Copy(folder)
    committed = outputs(copy)
    one_core = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] * bool(shutil.which("taskset"))
    umask = "sh", "-c", 'umask 077; exec "$@"', "sh"
    copy.call(*umask, *one_core, "dvc", "repro", "--force", *DEMOS, **elsewhere)
    made = outputs(copy)
    data = [name for name in committed if name.startswith(DATA_STAGES)]
    assert len(data) == 8
    assert [made[name] for name in data] == [committed[name] for name in data]
    assert len(made) == 14
    if {name: made[name] for name in committed} != committed:
        plain = tmp_path / "plain"
        plain.mkdir()
        copy = Copy(plain)
        copy.repro("--force", *DEMOS)
        assert made == outputs(copy)
