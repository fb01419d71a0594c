import pytest


@pytest.fixture
def out(tmp_path):
    """Return the path of the output, in a folder of its own."""
    (tmp_path / "extracted").mkdir()
    return tmp_path / "extracted" / "tiny"
