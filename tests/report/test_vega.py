import hashlib
import os
import subprocess
import sys

import pytest

from pipeline.report import html as report_html
from tests.support.builders import ROOT


def test_the_bundle_is_the_same_in_another_process():
    script = "import hashlib; from pipeline.report import vega; print(vega.bundle())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
    )
    other = hashlib.sha256(done.stdout.rstrip(b"\n")).hexdigest()
    assert hashlib.sha256(report_html.bundle().encode().rstrip(b"\n")).hexdigest() == other


def test_the_bundle_can_stand_in_a_page():
    script = report_html.bundle().lower()
    assert "window.vegaembed=" in script
    for markup in ("</script", "<script", "<!--"):
        assert markup not in script
    assert len(script) < 1_200_000


@pytest.mark.parametrize("end", ["</script>", "a = '</SCRIPT x'"])
def test_a_script_that_would_end_its_element_is_refused(end):
    with pytest.raises(ValueError, match="end tag"):
        report_html.safe(end)
