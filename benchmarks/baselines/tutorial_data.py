"""The tutorial's way from Kaggle's archive to arrays, in one process: RAW WORK.

``7z x``, ``imread`` of whatever ``glob`` finds, division by the maximum, one-hot labels by pandas,
scikit-learn's split, and NPZ. Labels do not belong to the images here, as in the tutorial: it takes
them by row, the images in the file system's order.
"""
# ruff: noqa: PD011, PTH207, S607

import glob
import subprocess
import sys

import cv2
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

raw, work = sys.argv[1:]
subprocess.run(
    ["7z", "x", "-y", f"-o{work}", f"{raw}/train.7z"], stdout=subprocess.DEVNULL, check=True
)
x = np.array([cv2.imread(path) for path in glob.glob(f"{work}/train/*.png")])
x = x.astype("float32") / x.max()
y = pd.get_dummies(pd.read_csv(f"{raw}/trainLabels.csv")["label"]).values
np.savez(f"{work}/data.npz", *train_test_split(x, y, test_size=0.2, random_state=42))
