import subprocess
import sys

from pipeline.train import multi_worker
from tests.support import graph
from tests.support.builders import ROOT


def test_all_code_that_trains_is_compared():
    script = (
        "import sys, stages.train; print(*(name for name in sys.modules if 'pipeline' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    compared = {*done.stdout.split(), *multi_worker.LATER}
    needed = {
        path.removesuffix(".py").replace("/", ".") for path in graph.modules("stages/train.py")
    }
    assert needed - {"stages.train", "pipeline.__init__"} <= compared
