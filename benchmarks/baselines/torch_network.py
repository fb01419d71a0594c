"""The tutorial's network in PyTorch, an epoch of it: FOLDER VALIDATION COUNT PRECISION.

FOLDER holds Fashion-MNIST's IDX files, unzipped, as ``train-images.idx`` and ``train-labels.idx``;
the first VALIDATION images are left out, and COUNT are trained on, 128 at a time, in the format
that PyTorch recommends for convolutions on CPUs (``channels_last``). PRECISION is float32, or
bfloat16 by autocast. Prints JSON.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

BATCH, CLASSES, WARM_UP = 128, 10, 10

folder, validation, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rows = slice(validation, validation + count)
images = np.fromfile(f"{folder}/train-images.idx", np.uint8, offset=16).reshape(-1, 1, 28, 28)
labels = np.fromfile(f"{folder}/train-labels.idx", np.uint8, offset=8)
train_x = torch.from_numpy(images[rows].astype("float32") / 255)
train_y = torch.from_numpy(labels[rows].astype("int64"))

torch.manual_seed(0)
network = nn.Sequential(
    *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
    *(nn.Flatten(), nn.Linear(4 * 4 * 128, 128), nn.ReLU(), nn.Linear(128, CLASSES)),
).to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
cost = nn.CrossEntropyLoss()
autocast = torch.autocast("cpu", torch.bfloat16, enabled=sys.argv[4] == "bfloat16")


def step(batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Train on a batch; return its cost and accuracy."""
    here = slice(batch * BATCH, min((batch + 1) * BATCH, len(train_x)))
    x, y = train_x[here].contiguous(memory_format=torch.channels_last), train_y[here]
    optimizer.zero_grad()
    with autocast:
        logits = network(x)
        loss = cost(logits, y)
    loss.backward()
    optimizer.step()
    return loss.detach(), (logits.argmax(1) == y).float().mean()


steps = len(train_x) // BATCH
for batch in range(min(WARM_UP, steps)):
    step(batch)
started = time.perf_counter()
for batch in range(steps):
    loss, share = step(batch)
seconds = time.perf_counter() - started
print(json.dumps({"seconds": seconds, "loss": float(loss), "accuracy": float(share)}))
