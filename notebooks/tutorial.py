# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Convolutional networks, on the pipeline's shards
#
# The way of the tutorial "Convolutional Neural Networks with TensorFlow" through its data: what a
# tensor is, what an image is to a network, training, overfitting, and its cure. It uses the demo
# `demo_idx`, 5,000 images of Fashion-MNIST that this repository carries, and Keras as it is
# today. All of it takes a minute or two.
#
# The pipeline prepares the data and trains its own run of the same network, unless both are
# there:

# %%
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
while not Path("dvc.yaml").exists():  # notebooks start in their own folder
    os.chdir("..")
programs = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
_ = subprocess.run(["dvc", "repro", "-q", "train@demo_idx"], env=os.environ | programs, check=True)

# %% [markdown]
# ## Tensors
#
# A tensor is an array with a rank (how many axes), a shape (how long each is) and a type. The
# shards hold images as tensors of rank 3, height, width, channels, with values from 0 to 1:

# %%
import matplotlib.pyplot as plt
import numpy as np

import pipeline

pipeline.configure(seed=0, threads=2)  # as the pipeline's stages: the same numbers again
import keras

dataset = pipeline.Dataset.read("demo_idx")
classes = dataset.index.classes
image = dataset.take(np.array([0]))[0]
print("an image:", image.ndim, image.shape, image.dtype, image.min(), image.max())

# %% [markdown]
# A batch of images is one of rank 4. Their labels are numbers, or one-hot: a vector for each,
# with a 1 at the label's place.

# %%
rows = dataset.split.rows("train")
images, labels = dataset.take(rows), dataset.labels()[rows]
one_hot = np.eye(len(classes), dtype=np.float32)[labels]
print("images:", images.ndim, images.shape)
print("labels:", labels.ndim, labels.shape, labels[:3], [classes[label] for label in labels[:3]])
print("one-hot:", one_hot.ndim, one_hot.shape, one_hot[0])

# %% [markdown]
# Ten of each class:

# %%
_, axes = plt.subplots(len(classes), 10, figsize=(8, 8))
for label, row in enumerate(axes):
    for axis, place in zip(row, np.flatnonzero(labels == label)[:10], strict=True):
        axis.imshow(images[place, :, :, 0], cmap="gray")
        axis.set(xticks=[], yticks=[])
    row[0].set_ylabel(classes[label], rotation=0, ha="right", va="center")
plt.show()

# %% [markdown]
# ## An image is a matrix
#
# To the network there is no coat and no shirt, only numbers. Here is a part of the first image,
# 14 by 14 pixels, with what stands in each:

# %%
part = images[0, 7:21, 7:21, 0]
plt.figure(figsize=(8, 8))
plt.imshow(part, cmap="gray", vmin=0, vmax=1)
for (y, x), value in np.ndenumerate(part):
    plt.text(x, y, f"{value:.2f}", ha="center", va="center", size=8, color=plt.cm.gray(value < 0.5))
plt.axis("off")
plt.show()

# %% [markdown]
# ## The network
#
# Three convolutions, each of which looks for small patterns in what the one before found, and
# halves the picture. Two dense layers then weigh what was found. These are the tutorial's,
# 356,234 numbers to learn.


# %%
def network(dropout=0.0, augmentation=()):
    return keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            *augmentation,
            *(
                layer
                for filters in (32, 64, 128)
                for layer in (
                    keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
                    keras.layers.MaxPooling2D(2, padding="same"),
                    keras.layers.Dropout(dropout),
                )
            ),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(len(classes)),
        ]
    )


network().summary()
assert network().count_params() == 356_234

# %% [markdown]
# ## Overfitting
#
# With few images a network soon learns them by heart. We train with 300 of them, and look after
# each epoch at the validation subset, whose images it never trains on. The test subset stays for
# the end.

# %%
FEW, EPOCHS = 300, 30
held_out = dataset.split.rows("validation")
validation = dataset.take(held_out), dataset.labels()[held_out]


def trained(model):
    model.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    few = images[:FEW], labels[:FEW]
    return model.fit(
        *few, batch_size=25, epochs=EPOCHS, validation_data=validation, verbose=0
    ).history


def show(**histories):
    _, axes = plt.subplots(1, 2, figsize=(10, 4))
    for axis, measure in zip(axes, ("loss", "accuracy"), strict=True):
        for number, (name, history) in enumerate(histories.items()):
            axis.plot(history[measure], f"C{number}--", label=f"{name}, training")
            axis.plot(history[f"val_{measure}"], f"C{number}", label=f"{name}, validation")
        axis.set(xlabel="epoch", title=measure)
        axis.legend()
    plt.show()


keras.utils.set_random_seed(0)
plain = trained(network())
show(plain=plain)

# %% [markdown]
# The training loss falls to nearly nothing. The validation loss falls, turns, and rises: the
# network grows certain of what it learned by heart, and is wrong with certainty.

# %%
loss = np.array(plain["val_loss"])
print(
    f"validation loss: {loss.min():.3f} after epoch {loss.argmin() + 1}, {loss[-1]:.3f} at the end"
)
for subset, measure in {"training": "accuracy", "validation": "val_accuracy"}.items():
    print(f"{subset} accuracy: {plain[measure][-1]:.3f}")
assert plain["accuracy"][-1] > plain["val_accuracy"][-1] + 0.1
assert loss[-1] > 1.1 * loss.min()

# %% [markdown]
# ## Its cure
#
# Dropout forgets some of the values in each step, so that no single one can be relied on.
# Augmentation shows each image a little moved, so that no image is ever seen twice. Both make
# training harder: accuracy grows more slowly, and more epochs pay. More images would help most.

# %%
keras.utils.set_random_seed(0)
dropout = trained(network(dropout=0.3))
keras.utils.set_random_seed(0)
moved = [keras.layers.RandomTranslation(0.08, 0.08), keras.layers.RandomFlip("horizontal")]
both = trained(network(dropout=0.3, augmentation=moved))
show(plain=plain, dropout=dropout, both=both)

# %%
for name, history in {"plain": plain, "dropout": dropout, "both": both}.items():
    print(
        f"{name:8} loss {history['val_loss'][-1]:.3f}, accuracy {history['val_accuracy'][-1]:.3f}"
    )
assert max(dropout["val_loss"][-1], both["val_loss"][-1]) < plain["val_loss"][-1]

# %% [markdown]
# In the pipeline both are parameters of a run, `model.dropout` and `train.augmentation`;
# `docs/results.md` has what each brings on the whole of Fashion-MNIST, over several seeds.
#
# ## The pipeline's own run
#
# It trained the same network with all 3,500 training images for ten epochs, and wrote down each
# one:

# %%
with Path("metrics/runs/demo_idx/history.csv").open() as file:
    history = np.genfromtxt(file, delimiter=",", names=True)
show(
    demo_idx={
        measure if subset == "train" else f"val_{measure}": history[f"{subset}_{measure}"]
        for measure in ("loss", "accuracy")
        for subset in ("train", "validation")
    }
)

# %% [markdown]
# Now the test subset, once, by the model that it kept:

# %%
model = pipeline.load_model(Path("data/models/demo_idx"))
(test,) = dataset.images("test")
predictions = pipeline.predict_images(model, test, batch_size=1000)
is_right = predictions.predicted == predictions.labels
print(f"test accuracy: {is_right.mean():.3f} of {len(is_right):,} images")
assert is_right.mean() > 0.7

# %% [markdown]
# Its most certain mistakes. `metrics/runs/demo_idx/report.html` has them all, once you ran `dvc
# repro report@demo_idx`.

# %%
wrong = np.flatnonzero(~is_right)
certainty = predictions.probabilities[wrong].max(axis=1)
worst = wrong[certainty.argsort()[::-1][:10]]
pixels = dataset.take(dataset.split.rows("test")[worst])
_, axes = plt.subplots(2, 5, figsize=(10, 5))
for axis, place, picture in zip(axes.flat, worst, pixels, strict=True):
    axis.imshow(picture[:, :, 0], cmap="gray")
    true, taken = (classes[number[place]] for number in (predictions.labels, predictions.predicted))
    axis.set_title(f"{true}\ntaken for {taken}", size=9)
    axis.axis("off")
plt.show()
