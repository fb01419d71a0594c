"""The command line as a whole."""

import re


def test_help_names_every_command_and_is_what_stands_alone(call):
    done = call("--help")
    assert done.returncode == 0
    for command in ("check", "summary", "resolve-lock"):
        assert re.search(rf"^  {command}\s+[A-Z]", done.stdout, re.M)
    alone = call()
    assert (alone.returncode, alone.stdout) == (0, done.stdout)


def test_unknown_command_is_refused(call):
    done = call("chek")
    assert done.returncode == 2
    assert "invalid choice: 'chek'" in done.stderr
    assert "did you mean check?" in done.stderr
