import os
import subprocess
import sys
import threading

from pipeline.images.quiet import libraries
from tests.support.builders import ROOT

PROGRAM = """
import os, sys, threading
from pipeline.images.quiet import libraries
before = sys.stderr
for number in range(2):
    with libraries:
        os.write(2, b"libpng warning\\n")
        print("ours", number, file=sys.stderr)
        with libraries:
            os.write(2, b"Corrupt JPEG data\\n")
        os.write(2, b"another\\n")
    assert sys.stderr is before
    os.write(2, b"behind\\n")
print("the end", file=sys.stderr)
"""


def test_what_python_prints_is_seen_and_what_libraries_print_is_not():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines() == ["ours 0", "behind", "ours 1", "behind", "the end"]


def test_a_thread_knows_that_something_was_printed_since_it_last_asked():
    with libraries:
        libraries.may_have_spoken()
        assert not libraries.may_have_spoken()
        os.write(2, b"a warning\n")
        others = []
        thread = threading.Thread(target=lambda: others.append(libraries.may_have_spoken()))
        thread.start()
        thread.join()
        assert others == [True]
        assert libraries.may_have_spoken()
        assert not libraries.may_have_spoken()


def test_what_is_kept_does_not_grow_without_bound():
    with libraries:
        for _ in range(5):
            os.write(2, b"x" * (1 << 20))
            assert libraries.may_have_spoken()
        assert os.fstat(2).st_size < 3 << 20
