"""Parts: the members of an extracted archive, as they are, in a few Parquet files.

``part-00000.parquet`` and so on hold (``name`` string, ``bytes`` binary), in the archive's order.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core import console
from pipeline.core.errors import DataError

SCHEMA = pa.schema([pa.field("name", pa.string(), False), pa.field("bytes", pa.binary(), False)])
ROW_GROUP_BYTES = 16 << 20
"""A row group is closed when it holds this many bytes: they bound the writer's memory."""


def paths(folder: Path) -> list[Path]:
    """The Parquet parts of an extracted archive, in order.

    Raises
    ------
    DataError
        If there are none.
    """
    found = sorted(folder.glob("part-*.parquet"))
    if not found:
        raise DataError(f"{folder} has no part-*.parquet; run the extract stage (dvc repro)")
    return found


def read(part: Path, rows: int) -> Iterator[tuple[list[str], list[bytes]]]:
    """Yield (names, contents) of up to ``rows`` members at a time."""
    with pq.ParquetFile(part) as file:
        for batch in file.iter_batches(batch_size=rows):
            yield batch["name"].to_pylist(), batch["bytes"].to_pylist()


def names(part: Path) -> pa.StringArray:
    """The names of a part's members, in the archive's order."""
    return pq.read_table(part, columns=["name"])["name"].combine_chunks()


def write(members: Iterable[tuple[str, bytes]], folder: Path, part_rows: int) -> tuple[int, int]:
    """Write members to parts of ``part_rows`` rows; return how many members and bytes."""
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
