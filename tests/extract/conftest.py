import pytest

from tests.support import parquet


@pytest.fixture
def out(tmp_path):
    """Return the path of the output, in a folder of its own."""
    (tmp_path / "extracted").mkdir()
    return tmp_path / "extracted" / "tiny"


@pytest.fixture
def without_a_process(monkeypatch):
    """Read Parquet files in this process, which is quick."""
    monkeypatch.setattr("pipeline.core.limits.streaming", parquet.streaming)
