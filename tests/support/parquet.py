"""Reading of Parquet files without a process of its own, whose start takes longer than tests."""

import io
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import IO, Any

from pipeline.core.errors import DataError
from pipeline.core.limits import ChildError
from pipeline.extract import parquet, parquet_child


@contextmanager
def streaming(module: str, request: str, **_limits: Any) -> Iterator[IO[bytes]]:
    """Do what ``limits.streaming`` does with the program, but in this process and without limits.

    For files that are no stranger's: ``tests/extract/test_parquet.py`` tests the process itself.
    """
    assert module == parquet.CHILD
    asked = json.loads(request)
    del asked["folder"]
    out, said = io.BytesIO(), io.StringIO()
    fault = ""
    with redirect_stderr(said):
        try:
            getattr(parquet_child, asked.pop("do"))(out, **asked)
        except DataError as error:
            fault = f"{parquet_child.ERROR}{error}"
        finally:
            signal.alarm(0)
    out.seek(0)
    yield out
    if fault:
        failed = ChildError("ended with status 1")
        failed.said = said.getvalue() + fault
        raise failed
