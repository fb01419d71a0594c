"""Hugging Face's way from a folder of photographs to arrays in Parquet: FOLDER OUT SIDE.

``imagefolder``, a ``map`` that crops and resizes by Pillow, ``to_parquet``.
"""

import sys
from typing import Any

import datasets
import numpy as np
from PIL import ImageOps

folder, out, side = sys.argv[1], sys.argv[2], int(sys.argv[3])
datasets.disable_progress_bars()
data = datasets.load_dataset(
    "imagefolder", data_dir=folder, split="train", cache_dir=f"{out}-cache"
)


def decoded(row: dict[str, Any]) -> dict[str, Any]:
    """The row's pixels in place of its image."""
    return {"pixels": np.asarray(ImageOps.fit(row["image"].convert("RGB"), (side, side)))}


data.map(decoded, remove_columns=["image"], num_proc=2, writer_batch_size=200).to_parquet(out)
