"""Lines and bars, with and without a terminal, and the levels that show them."""

import argparse
import contextlib
import io
import json
import logging
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
        console.info("epoch 1: accuracy 0.5")
    assert capsys.readouterr().out.strip("\r") == "epoch 1: accuracy 0.5\n"


def run(script, redirections="", **environment):
    """Run a script that says something, its streams redirected by the shell."""
    begin = "import sys\nfrom pipeline.core import console\nconsole.mend_streams()\n"
    script = f"{begin}console.set_level()\n{script}"
    return subprocess.run(
        ["/bin/sh", "-c", f'"$1" -c "$2" {redirections}', "sh", sys.executable, script],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_reader_that_is_gone_ends_nothing():
    done = run('[console.info("a" * 9999) for n in range(99)]\nprint("on", file=sys.stderr)', "| :")
    assert done.stderr == "on\n"


def test_closed_streams_are_opened_before_a_file_gets_their_numbers(tmp_path):
    script = (
        f"file = open({str(tmp_path / 'a')!r}, 'wb')\n"
        "console.info('said')\nprint('said', file=sys.stderr)\nlist(console.bar('b', items=[1]))\n"
        "sys.exit(file.fileno())"
    )
    done = run(script, "<&- >&- 2>&-")
    assert (done.returncode > 2, (tmp_path / "a").read_bytes()) == (True, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_standard_output_is_told(unbuffered):
    done = run('console.info("said")', ">/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert "No space left on device: 'standard output'" in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_terminal_without_a_character_gets_its_number():
    done = run('console.info("cafe\\u0301")', PYTHONIOENCODING="ascii")
    assert (done.stdout, done.stderr) == ("cafe\\u0301\n", "")


WORK = """
import time
console.SECONDS = dict.fromkeys(console.SECONDS, 0.2)
with console.bar("decode", 8, "images") as bar:
    for _ in range(8):
        time.sleep(0.1)
        bar.update(1)
console.info("done")
console.debug("more")
console.note("beside")
console.warning("wrong")
console.result("result")
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


@pytest.fixture
def level():
    """Set the level as it was after the test."""
    before = console.LOGGER.level
    yield console.set_level
    console.LOGGER.setLevel(before)


def test_an_option_goes_before_the_environment(level, monkeypatch, capsys):
    parser = argparse.ArgumentParser()
    console.add_options(parser)
    monkeypatch.setenv("PIPELINE_LOG", "quiet")
    level(parser.parse_args([]).log)
    console.info("not shown")
    level(parser.parse_args(["--verbose"]).log)
    console.debug("100 % shown")
    assert capsys.readouterr() == ("100 % shown\n", "")


def test_an_unknown_level_is_refused(level, monkeypatch):
    monkeypatch.setenv("PIPELINE_LOG", "loud")
    with pytest.raises(ParameterError, match="must be one of quiet, normal, verbose, got 'loud'"):
        level()


def test_lines_are_records_that_a_program_of_ones_own_can_take(level, capsys):
    level("normal")
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    console.LOGGER.addHandler(handler)
    try:
        console.note("beside")
    finally:
        console.LOGGER.removeHandler(handler)
    assert [(record.name, record.getMessage()) for record in records] == [("pipeline", "beside")]
    assert capsys.readouterr().err == "beside\n"


def test_a_terminal_obeys_nothing_that_is_printed(capsys):
    console.result("a\x1b]0;t\x07\u202eb\x9bc\rd\tü 👨‍👩‍👧\ne")
    console.note("x\x1b[31m")
    assert capsys.readouterr() == (
        "a\\u001b]0;t\\u0007\\u202eb\\u009bc\\u000dd\tü 👨‍👩‍👧\ne\n",
        "x\\u001b[31m\n",
    )


def test_json_means_the_same_after_it_was_printed(capsys):
    value = {"a\x9b": ["\u2028\x1b\u202e", "\x7f"]}
    console.result(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(capsys.readouterr().out) == value


def test_a_bars_label_is_short_text():
    with terminal(), console.bar("a\x1b[2J" + "b" * 1000) as bar:
        assert bar.desc.startswith("a?[2Jbbb")
        assert len(bar.desc) < 70


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("</script><script>alert(1)</script>", "‹/script>‹script>alert(1)‹/script>"),
        ("<!--", "‹!--"),
        ("=cmd|x", "'=cmd|x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("a\x1b[31m\nb", "a\\u001b[31m\nb"),
        *(
            (name, name)
            for name in ("<5 years", "a < b", "C++", "R&D", "👨‍👩‍👧 ü", "__proto__", "a=b")
        ),
    ],
)
def test_a_cell_is_text_to_spreadsheets_and_pages(text, expected):
    assert console.cell(text) == expected
