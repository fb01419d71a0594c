"""The device's work over time, as CUPTI records it for TensorFlow's profiler."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FOLDER = tempfile.TemporaryDirectory(prefix="gpu-trace-")
PLANE = "/device:GPU:0"


def start() -> None:
    """Begin to record."""
    import tensorflow as tf

    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=1, device_tracer_level=1)
    tf.profiler.experimental.start(FOLDER.name, options)


def stop() -> float | None:
    """End the record; return the share of it in which the GPU worked, None if there was none."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    tf.profiler.experimental.stop()
    space = xplane_pb2.XSpace()
    for path in Path(FOLDER.name).rglob("*.xplane.pb"):
        space.MergeFromString(path.read_bytes())
    return busy(space)


def busy(space: Any) -> float | None:
    """Return the share of a trace in which the GPU worked, in [0, 1]; None without a GPU.

    Parameters
    ----------
    space : XSpace
        Its lines are the GPU's streams. Work on several streams at once counts once.
    """
    planes = [plane for plane in space.planes if plane.name == PLANE]
    spans = [
        (line.timestamp_ns * 1000 + event.offset_ps, event.duration_ps)
        for plane in planes
        for line in plane.lines
        if line.name.startswith("Stream")
        for event in line.events
    ]
    if not spans:
        return None
    begin, end = min(at for at, _ in spans), max(at + long for at, long in spans)
    return float(covered(spans) / (end - begin))


def covered(spans: Iterable[tuple[int, int]]) -> int:
    """Return the length of the union of spans, each a beginning and a length.

    Examples
    --------
    >>> covered([(0, 10), (5, 10), (30, 5)])
    20
    """
    total, reached = 0, -1
    for at, long in sorted(spans):
        end = at + long
        total += max(0, end - max(at, reached))
        reached = max(reached, end)
    return total
