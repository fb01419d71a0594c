import pipeline.shards.shard
from pipeline.core import libraries
from pipeline.execution import environment


def test_a_process_does_not_differ_from_itself():
    mine = environment.current()
    assert {"Python", *libraries.TRACKED, "pipeline.shards.shard"} < set(mine)
    assert "pipeline.__main__" not in mine
    assert environment.differences(mine) == ""


def test_what_differs_is_named(monkeypatch):
    mine = dict(environment.current())
    mine |= {
        "numpy": "1.0",
        "Python": "2.7.18",
        "pipeline.shards.shard": "0",
        "pipeline.nothing": "1",
    }
    found = environment.differences(mine)
    assert f"numpy is {libraries.installed('numpy')}, not 1.0" in found
    assert "Python is 3." in found
    assert "pipeline.shards.shard is of other code" in found
    assert "pipeline.nothing is of other code" in found


def test_code_is_what_was_loaded_not_what_came_later(tmp_path, monkeypatch):
    (tmp_path / "momentary.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    before = environment.describe(["momentary"])
    (tmp_path / "momentary.py").write_text("# changed")
    assert environment.describe(["momentary"]) == before
    assert pipeline.shards.shard.__name__ in environment.current()
