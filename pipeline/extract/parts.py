"""Parts: Parquet files with the members of an extracted archive, as they are.

``part-00000.parquet`` and so on have the columns ``name`` (string) and ``bytes`` (binary), and rows
in the archive's order.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core import console, errors, files, limits
from pipeline.core.errors import DataError

SCHEMA = pa.schema([pa.field("name", pa.string(), False), pa.field("bytes", pa.binary(), False)])
REMEDY = "remove its folder and run dvc repro"
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
    with _opened(part) as file:
        for batch in file.iter_batches(batch_size=rows):
            if batch["name"].null_count or batch["bytes"].null_count:
                raise ValueError("it has a member without name or content")
            yield batch["name"].to_pylist(), batch["bytes"].to_pylist()


def names(part: Path) -> pa.StringArray:
    """Return the names of a part's members, in the archive's order."""
    with limits.memory(part), _opened(part) as file:
        found = file.read(columns=["name"])["name"].combine_chunks()
        found.validate(full=True)
        if found.type != pa.string() or found.null_count:
            raise ValueError("it has a member without a name")
        return found


@contextmanager
def _opened(part: Path) -> Iterator[pq.ParquetFile]:
    """Open a part, which is as ``write`` writes it; what is wrong with it is raised as DataError.

    Its pages are as they stand in the file, so that none of them grows.
    """
    with (
        errors.one_line(part, REMEDY),
        pq.ParquetFile(files.existing(part, "extract")) as file,
    ):
        groups = map(file.metadata.row_group, range(file.num_row_groups))
        if sum(group.total_byte_size for group in groups) > part.stat().st_size:
            raise ValueError("it is compressed")
        yield file


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
