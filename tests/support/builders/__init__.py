"""Tiny inputs in the real formats: images, archives, tables, datasets and a project folder.

All are made from seeds, without a clock: the same call gives the same bytes.
"""

from tests.support.builders.archives import (
    Member,
    write_7z,
    write_archive,
    write_tar,
    write_windows_zip,
    write_zip,
)
from tests.support.builders.datasets import (
    CLASSES,
    IDX_FILES,
    archive_dataset,
    balanced,
    idx_dataset,
    labels_csv,
    parquet_file,
)
from tests.support.builders.images import Pixels, encode, palette_png, pixels, png
from tests.support.builders.project import ROOT, Project, params, until
from tests.support.builders.subsets import in_memory, shard_images

__all__ = [
    "CLASSES",
    "IDX_FILES",
    "ROOT",
    "Member",
    "Pixels",
    "Project",
    "archive_dataset",
    "balanced",
    "encode",
    "idx_dataset",
    "in_memory",
    "labels_csv",
    "palette_png",
    "params",
    "parquet_file",
    "pixels",
    "png",
    "shard_images",
    "until",
    "write_7z",
    "write_archive",
    "write_tar",
    "write_windows_zip",
    "write_zip",
]
