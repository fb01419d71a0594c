import contextlib
import io

import pytest

from pipeline import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def terminal():
    """Standard error as a terminal, as long as this is entered."""
    return contextlib.redirect_stderr(Terminal())


def test_nothing_is_shown_where_there_is_no_terminal(capsys):
    with progress.bar("extract", 3, "B") as bar:
        bar.update(3)
    assert list(progress.bar("decode", 2, "shards", iter("ab"))) == ["a", "b"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("total", "unit", "expected"), [(7, "images", "/7 "), (2_000_000, "B", "/2.00M ")]
)
def test_a_terminal_shows_a_bar_and_is_left_clean(total, unit, expected):
    with terminal() as stream:
        with progress.bar("download", total, unit) as bar:
            bar.update(total)
            bar.refresh()
            shown = stream.getvalue()
        assert "download: 100%" in shown
        assert expected in shown
        assert not stream.getvalue().split("\r")[-2].strip()


def test_items_pass_through_a_bar():
    with terminal() as stream:
        assert list(progress.bar("decode", 2, "shards", iter("ab"))) == ["a", "b"]
    assert "decode: " in stream.getvalue()


def test_a_line_goes_to_standard_output(capsys):
    with terminal(), progress.bar("train", 1, "images"):
        progress.say("epoch 1: accuracy 0.5")
    assert capsys.readouterr().out.strip("\r") == "epoch 1: accuracy 0.5\n"
