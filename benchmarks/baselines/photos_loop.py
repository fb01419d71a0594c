"""The plain way from a folder of photographs to arrays, in one process: FOLDER FILE SIDE.

A loop of ``imread``, a crop to the middle square, ``resize``, and ``savez_compressed``.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

folder, file, side = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
classes = sorted(path.name for path in folder.iterdir())
x, y = [], []
for number, name in enumerate(classes):
    for path in sorted((folder / name).iterdir()):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        least = min(image.shape[:2])
        top, left = (image.shape[0] - least) // 2, (image.shape[1] - least) // 2
        square = image[top : top + least, left : left + least]
        x.append(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA))
        y.append(number)
np.savez_compressed(file, x=np.array(x), y=np.eye(len(classes))[y])
