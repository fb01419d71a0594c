"""Train a run under TensorFlow's profiler: RUN FOLDER, which takes the trace.

Prints JSON: seconds of the training steps' operations, by their types. Operations of the same time
each count.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from stages import train

STEPS = "while/body/"
"""In the names of operations of the training steps, which run in a loop within the graph."""

run, folder = sys.argv[1], Path(sys.argv[2])
options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2, python_tracer_level=0)
with tf.profiler.experimental.Profile(str(folder), options):
    train.work(run)
(path,) = folder.rglob("*.xplane.pb")
space = xplane_pb2.XSpace.FromString(path.read_bytes())
seconds: Counter[str] = Counter()
for plane in space.planes:
    for line in plane.lines:
        for event in line.events:
            name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
            if STEPS in name:
                seconds[kind] += event.duration_ps / 1e12
print(json.dumps(seconds))
