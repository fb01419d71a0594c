import subprocess
import sys

from pipeline import peers
from tests.builders import ROOT
from tests.test_graph import closure


def test_all_code_that_trains_is_compared():
    script = (
        "import sys, stages.train; print(*(name for name in sys.modules if 'pipeline' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    compared = {*done.stdout.split(), *peers.LATER}
    needed = {
        path.removesuffix(".py").replace("/", ".") for path in closure(ROOT / "stages/train.py")
    }
    assert needed - {"stages.train", "pipeline.__init__"} <= compared
