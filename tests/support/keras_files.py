"""Networks, and their weights in the layouts in which Keras writes files."""

from pathlib import Path

import h5py


def backbone(name="backbone"):
    """A network with a model within it, attention, and arrays that are not trained."""
    import keras

    layers = keras.layers
    stem = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, name="first"),
            layers.BatchNormalization(name="norm"),
        ],
        name="stem",
    )
    image = keras.Input((8, 8, 1))
    x = stem(image)
    x = layers.Conv2D(4, 3, use_bias=False, name="second")(x)
    x = layers.Conv2D(4, 3, padding="same", name="third")(x)
    x = layers.Reshape((16, 4))(x)
    x = layers.MultiHeadAttention(2, 2, name="attention")(x, x)
    x = layers.Normalization(name="scale")(x)
    return keras.Model(image, layers.GlobalAveragePooling1D()(x), name=name)


def classifier(classes=3, inner=backbone, shape=(8, 8, 1)):
    """A network whose layers are a model and a head."""
    import keras

    image = keras.Input(shape)
    x = keras.layers.Dropout(0.5)(inner()(image))
    return keras.Model(image, keras.layers.Dense(classes, name="logits")(x), name="classifier")


def randomize(network, seed=0):
    """Set all weights to values of their own, and return the network."""
    import numpy as np

    random = np.random.default_rng(seed)
    network.set_weights([random.random(w.shape).astype(w.dtype) for w in network.get_weights()])
    return network


def save(network, path: Path) -> Path:
    """Write a network's weights in the layout that the name stands for.

    ``published.h5`` is the layout of the files that Keras's applications download; any other
    ``.h5`` is a whole model, unless it is ``.weights.h5``.
    """
    from keras.src.legacy.saving import legacy_h5_format

    if path.name == "published.h5":
        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, network)
    elif path.name.endswith(".weights.h5"):
        network.save_weights(path)
    else:
        network.save(path)
    return path


def forget_names(path: Path) -> Path:
    """Remove the layers' names from a ``.weights.h5`` file, as older versions of Keras wrote it."""
    with h5py.File(path, "r+") as file:

        def forget(_, found):
            found.attrs.pop("name", None)

        file.visititems(forget)
    return path
