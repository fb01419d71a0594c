"""Parts: Parquet files with the members of an extracted archive, as they are.

``part-00000.parquet`` and so on have the columns ``name`` (string) and ``bytes`` (binary), and rows
in the archive's order.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core import console, files
from pipeline.core.errors import DataError

SCHEMA = pa.schema([pa.field("name", pa.string(), False), pa.field("bytes", pa.binary(), False)])
ROW_GROUP_BYTES = 16 << 20
"""Bytes at which a row group is closed, which bounds the writer's memory."""


def paths(folder: Path) -> list[Path]:
    """Return the paths of an extracted archive's parts, in order.

    Raises
    ------
    DataError
        If there are none.
    """
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise DataError(f"{folder} has no part-*.parquet; run the extract stage (dvc repro)")
    return parts


def read(part: Path, rows: int) -> Iterator[tuple[list[str], list[bytes]]]:
    """Yield (names, contents) of up to ``rows`` members at a time."""
    with pq.ParquetFile(files.existing(part, "extract")) as file:
        for batch in file.iter_batches(batch_size=rows):
            yield batch["name"].to_pylist(), batch["bytes"].to_pylist()


def names(part: Path) -> pa.StringArray:
    """Return the names of a part's members, in the archive's order."""
    table = pq.read_table(files.existing(part, "extract"), columns=["name"])
    return table["name"].combine_chunks()


def write(members: Iterable[tuple[str, bytes]], folder: Path, part_rows: int) -> tuple[int, int]:
    """Write members to parts of ``part_rows`` rows; return the numbers of members and bytes."""
    rows = total = 0
    writer: pq.ParquetWriter | None = None
    group: list[tuple[str, bytes]] = []
    group_bytes = 0

    def flush() -> None:
        nonlocal group_bytes
        if writer is not None and group:
            writer.write_table(pa.table(list(zip(*group, strict=True)), schema=SCHEMA))
            group.clear()
            group_bytes = 0

    with console.bar("extract", unit="B") as bar:
        try:
            for name, content in members:
                if rows % part_rows == 0:
                    flush()
                    if writer is not None:
                        writer.close()
                    # Encoded images neither compress nor repeat.
                    writer = pq.ParquetWriter(
                        folder / f"part-{rows // part_rows:05}.parquet",
                        SCHEMA,
                        compression="none",
                        use_dictionary=False,
                        write_statistics=False,
                    )
                group.append((name, content))
                group_bytes += len(content)
                rows += 1
                total += len(content)
                bar.update(len(content))
                bar.set_postfix_str(f"{rows:,} members", refresh=False)
                if group_bytes >= ROW_GROUP_BYTES:
                    flush()
            flush()
        finally:
            if writer is not None:
                writer.close()
    return rows, total
