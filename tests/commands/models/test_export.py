"""Exporting a model."""

import pytest


@pytest.mark.slow
def test_export_writes_where_it_is_told(here, project):
    assert here("export", "tiny_png")[1].startswith("data/exports/tiny_png: a SavedModel of ")
    assert here("export", "tiny_png", "served/1")[0] == 0
    for folder in ("data/exports/tiny_png", "served/1"):
        assert (project.folder / folder / "saved_model.pb").exists()
