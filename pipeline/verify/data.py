"""Verification of datasets: published files, shards, split and data card."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from pipeline.core import files, paths
from pipeline.core.errors import first_few
from pipeline.core.params import Params
from pipeline.download.params import DownloadParams
from pipeline.shards import shard
from pipeline.shards.index import INDEX, Index, integers
from pipeline.split import quarantine
from pipeline.split.data_card import data_card
from pipeline.split.splitters import split
from pipeline.subsets.data_card import DataCard
from pipeline.subsets.images import Dataset
from pipeline.verify.difference import different


def raw_faults(params: Params, dataset: str) -> Iterator[str]:
    """Compare a dataset's published files with their pins in the parameters."""
    for file in params.section(DownloadParams, "datasets", dataset, "download").files:
        path = paths.raw(dataset) / file.name
        if not path.exists():
            yield f"{path} is missing; run dvc repro --force download@{dataset}"
        elif file.sha256 not in (None, files.sha256(path)):
            yield (
                f"{path}: its SHA-256 is not the one pinned in {params.path}; run "
                f"dvc repro --force download@{dataset}"
            )


def shard_faults(dataset: str) -> Iterator[str]:
    """Compare a dataset's shards with their index, and their images with their digests."""
    folder = paths.shards(dataset)
    index = Index.read(folder)
    expected = {INDEX, *(file.name for file in index.files)}
    surplus = sorted(path.name for path in folder.iterdir() if path.name not in expected)
    if surplus:
        yield f"{folder}: {first_few(surplus)} not in {INDEX}; decode again"
    content = hashlib.sha256()
    for file in index.files:
        path = folder / file.name
        if not path.exists():
            yield f"{path} is missing; run dvc repro"
            return
        if files.sha256(path) != file.sha256:
            yield f"{path}: its SHA-256 is not the one in {INDEX}; decode again"
            return
        if _digests(path, index) != shard.column(path, "sha256", pa.binary(32)).to_pylist():
            yield f"{path}: its images do not have the digests beside them; decode again"
        content.update(shard.identity(path))
    if content.hexdigest() != index.content_sha256:
        yield f"{folder}: content_sha256 in {INDEX} is not that of the rows; decode again"


def split_faults(params: Params, dataset: str) -> Iterator[str]:
    """Divide a dataset again, count it again, and compare with its split and its data card."""
    data = Dataset.read(dataset)  # refuses other ids than those of the shards
    section = params.value("datasets", dataset, "split")
    needs_table = any(section.get(key) is not None for key in ("column", "groups"))
    if not needs_table or paths.extracted(dataset).exists():
        computed = split(params, dataset, data.folder, data.index)
        if (computed.subsets != data.split.subsets).any():
            yield f"{paths.split(dataset)} is not what the parameters give; split again"
    path = paths.data_card(dataset)
    card = data_card(dataset, data.folder, data.index, data.split).model_dump(mode="json")
    if keys := different(card, DataCard.read(path).model_dump(mode="json")):
        yield f"{path}: {first_few(keys)} do not follow from shards and split; split again"
    path = paths.quarantined(dataset)
    if not path.exists() or files.read_text(path) != quarantine.text(data.index.quarantined):
        yield f"{path}: is not what {INDEX} says was left out; split again"


def _digests(path: Path, index: Index) -> list[bytes]:
    """Return the SHA-256 of each image of a shard, as it was decoded."""
    return [
        hashlib.sha256(image.astype(image.dtype.newbyteorder("<")).data).digest()
        for batch in shard.images(path, index.shape)
        for image in integers(batch, index.divisor)
    ]
