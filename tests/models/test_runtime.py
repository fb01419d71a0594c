import importlib
import json
import os
import subprocess
import sys

import pytest

from pipeline.core.errors import ParameterError
from pipeline.models import runtime
from tests.support.builders import ROOT

SCRIPT = """
from pipeline.models import runtime
runtime.configure(seed=3, threads=1)
import tensorflow as tf
assert tf.config.threading.get_intra_op_parallelism_threads() == 1
tf.zeros(1)
runtime.configure(seed=3, threads=1)  # again, after use
first = float(tf.random.uniform(()))
runtime.configure(seed=3, threads=1)
assert float(tf.random.uniform(())) == first
assert runtime.strategy().num_replicas_in_sync == 1
try:
    tf.random.Generator.from_non_deterministic_state()
except RuntimeError:  # what op determinism refuses
    print("deterministic")
"""


def run(script, **environment):
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_configured_runtime_is_seeded_deterministic_and_quiet():
    done = run(SCRIPT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "deterministic\n"
    assert done.stderr == ""


@pytest.mark.slow
def test_keras_comes_without_libraries_that_nothing_here_needs_of_it():
    script = (
        "import sys\nfrom pipeline.models import runtime\nruntime.configure(seed=0, threads=1)\n"
        "assert not set(runtime.NEEDLESS) & set(sys.modules)\n"
        "import matplotlib, pandas, sklearn.metrics\n"
        "print(sklearn.metrics.accuracy_score([1], [1]))"
    )
    done = run(script)
    assert done.stdout == "1.0\n", done.stderr


def test_what_is_imported_already_is_not_hidden():
    with runtime._hidden(["json", "antigravity"]):
        assert sys.modules["json"] is json
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("antigravity")
    assert "antigravity" not in sys.modules


def test_what_was_held_back_is_shown_with_an_exception():
    script = (
        "import os\nfrom pipeline.models import runtime\n"
        "with runtime._quiet():\n    os.write(2, b'notice')\n    raise ValueError('broken')"
    )
    done = run(script)
    assert done.returncode == 1
    assert "notice" in done.stderr
    assert "ValueError: broken" in done.stderr
    assert "notice" in run(script.replace("raise", "pass #"), TF_CPP_MIN_LOG_LEVEL="0").stderr
    assert run(script.replace("raise", "pass #")).stderr == ""
    assert "notice" not in run(script.replace("ValueError", "SystemExit")).stderr


@pytest.mark.slow
def test_neither_environment_nor_keras_json_has_a_say(tmp_path):
    """Each of these changes a trained weight, or the backend, if it is not kept out."""
    steering = {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
        "NVIDIA_TF32_OVERRIDE": "1",
    }
    user = {"floatx": "float16", "image_data_format": "channels_first", "backend": "jax"}
    (tmp_path / "keras.json").write_text(json.dumps(user | {"epsilon": 0.5}))
    script = (
        "import os\nfrom pipeline.models import runtime\nruntime.configure(seed=0, threads=2)\n"
        "runtime.configure(seed=1, threads=2)\n"
        "import keras\nprint(keras.backend.backend(), keras.config.floatx(), "
        "keras.config.image_data_format(), keras.config.epsilon())\n"
        f"print({set(steering)!r} & set(os.environ), os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    )
    done = run(script, **steering, KERAS_HOME=str(tmp_path), KERAS_BACKEND="torch")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"ignored, for results must not depend on it: {', '.join(sorted(steering))}",
        "tensorflow float32 channels_last 1e-07",
        "set() 2",
    ]
    assert run(script).stdout.startswith("tensorflow")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernels", "recorded"),
    [("eigen", "Eigen"), ("onednn", "oneDNN"), ("onednn-sse41", "oneDNN up to sse41")],
)
def test_kernels_of_another_type_of_machine(kernels, recorded):
    script = (
        "from pipeline.models import runtime\nfrom pipeline.train import machine_type\n"
        "runtime.configure(seed=0, threads=2)\nruntime.configure(seed=0, threads=2)\n"
        "print(machine_type.here().kernels)"
    )
    done = run(script, PIPELINE_KERNELS=kernels, TF_ENABLE_ONEDNN_OPTS="x")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "ignored, for results must not depend on it: TF_ENABLE_ONEDNN_OPTS",
        recorded,
    ]


def test_unknown_kernels_are_refused(monkeypatch):
    monkeypatch.setenv("PIPELINE_KERNELS", "mkl")
    with pytest.raises(ParameterError, match="PIPELINE_KERNELS is mkl; it takes eigen, onednn"):
        runtime.configure(seed=0, threads=2)
