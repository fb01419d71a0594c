import contextlib
import io
import os
import re
import subprocess
import sys

import pytest

from pipeline.core import console
from pipeline.core.errors import ParameterError
from tests.support.builders import ROOT


class Terminal(io.StringIO):
    def isatty(self):
        return True


def terminal():
    """Standard error as a terminal, as long as this is entered."""
    return contextlib.redirect_stderr(Terminal())


def test_short_work_shows_nothing_where_there_is_no_terminal(capsys):
    with console.bar("extract", 3, "B") as bar:
        bar.update(3)
    assert list(console.bar("decode", 2, "shards", iter("ab"))) == ["a", "b"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("total", "unit", "expected"), [(7, "images", "/7 "), (2_000_000, "B", "/2.00M ")]
)
def test_a_terminal_shows_a_bar_and_is_left_clean(total, unit, expected):
    with terminal() as stream:
        with console.bar("download", total, unit) as bar:
            bar.update(total)
            bar.refresh()
            shown = stream.getvalue()
        assert "download: 100%" in shown
        assert expected in shown
        assert not stream.getvalue().split("\r")[-2].strip()


def test_items_pass_through_a_bar():
    with terminal() as stream:
        assert list(console.bar("decode", 2, "shards", iter("ab"))) == ["a", "b"]
    assert "decode: " in stream.getvalue()


def test_a_line_goes_to_standard_output(capsys):
    with terminal(), console.bar("train", 1, "images"):
        console.say("epoch 1: accuracy 0.5")
    assert capsys.readouterr().out.strip("\r") == "epoch 1: accuracy 0.5\n"


def run(script, redirections="", **environment):
    """Run a script that says something, its streams redirected by the shell."""
    script = f"import sys\nfrom pipeline.core import progress\nprogress.mend_streams()\n{script}"
    return subprocess.run(
        ["/bin/sh", "-c", f'"$1" -c "$2" {redirections}', "sh", sys.executable, script],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_reader_that_is_gone_ends_nothing():
    done = run('[progress.say("a" * 9999) for n in range(99)]\nprint("on", file=sys.stderr)', "| :")
    assert done.stderr == "on\n"


def test_closed_streams_are_opened_before_a_file_gets_their_numbers(tmp_path):
    script = (
        f"file = open({str(tmp_path / 'a')!r}, 'wb')\n"
        "progress.say('said')\nprint('said', file=sys.stderr)\nlist(progress.bar('b', items=[1]))\n"
        "sys.exit(file.fileno())"
    )
    done = run(script, "<&- >&- 2>&-")
    assert (done.returncode > 2, (tmp_path / "a").read_bytes()) == (True, b"")


def test_a_full_disk_behind_standard_output_is_told():
    done = run('progress.say("said")', ">/dev/full")
    assert done.returncode == 1
    assert "No space left on device: 'standard output'" in done.stderr


def test_a_terminal_without_a_character_gets_its_number():
    done = run('progress.say("cafe\\u0301")', PYTHONIOENCODING="ascii")
    assert (done.stdout, done.stderr) == ("cafe\\u0301\n", "")


WORK = """
import time
progress.SECONDS = dict.fromkeys(progress.SECONDS, 0.2)
with progress.bar("decode", 8, "images") as bar:
    for _ in range(8):
        time.sleep(0.1)
        bar.update(1)
progress.say("done")
progress.detail("more")
progress.note("beside")
progress.warn("wrong")
progress.show("result")
"""


@pytest.mark.parametrize(
    ("log", "out", "err"),
    [
        ("", ["done", "result"], ["beside", "wrong"]),
        ("verbose", ["done", "more", "result"], ["beside", "wrong"]),
        ("quiet", ["result"], ["wrong"]),
    ],
)
def test_how_much_is_told(log, out, err):
    done = run(WORK, PIPELINE_LOG=log)
    assert done.stdout.splitlines() == out
    lines = done.stderr.splitlines()
    assert lines[-len(err) :] == err
    shown = lines[: -len(err)]
    assert bool(shown) is (log != "quiet")
    for line in shown:  # plain ones, for there is no terminal
        assert re.fullmatch(r"decode: +\d+% \d/8 \[.*images/s\]", line), line


def test_an_unknown_amount_is_refused(monkeypatch):
    monkeypatch.setenv("PIPELINE_LOG", "loud")
    with pytest.raises(ParameterError, match="must be one of quiet, normal, verbose, got 'loud'"):
        console.bar("decode")
