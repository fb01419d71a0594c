"""The tutorial's network by its own graph code, an epoch of it: FOLDER VALIDATION COUNT.

FOLDER holds Fashion-MNIST's IDX files, unzipped, as ``train-images.idx`` and ``train-labels.idx``;
the first VALIDATION images are left out, and COUNT are trained on, 128 at a time. Each batch is fed
twice, to train and then to fetch cost and accuracy, as the tutorial does. Prints JSON.
"""

import json
import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf

BATCH, CLASSES, WARM_UP = 128, 10, 10

folder, validation, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rows = slice(validation, validation + count)
images = np.fromfile(f"{folder}/train-images.idx", np.uint8, offset=16).reshape(-1, 28, 28, 1)
labels = np.fromfile(f"{folder}/train-labels.idx", np.uint8, offset=8)
train_x = images[rows].astype("float32") / 255
train_y = np.eye(CLASSES, dtype="float32")[labels[rows]]

tf.disable_v2_behavior()
tf.set_random_seed(0)
glorot = tf.glorot_uniform_initializer()
x = tf.placeholder("float", [None, 28, 28, 1])
y = tf.placeholder("float", [None, CLASSES])
weights = {
    "wc1": tf.get_variable("W0", shape=(3, 3, 1, 32), initializer=glorot),
    "wc2": tf.get_variable("W1", shape=(3, 3, 32, 64), initializer=glorot),
    "wc3": tf.get_variable("W2", shape=(3, 3, 64, 128), initializer=glorot),
    "wd1": tf.get_variable("W3", shape=(4 * 4 * 128, 128), initializer=glorot),
    "out": tf.get_variable("W4", shape=(128, CLASSES), initializer=glorot),
}
biases = {
    "bc1": tf.get_variable("B0", shape=(32,), initializer=glorot),
    "bc2": tf.get_variable("B1", shape=(64,), initializer=glorot),
    "bc3": tf.get_variable("B2", shape=(128,), initializer=glorot),
    "bd1": tf.get_variable("B3", shape=(128,), initializer=glorot),
    "out": tf.get_variable("B4", shape=(CLASSES,), initializer=glorot),
}

layer = x
for number in "123":
    layer = tf.nn.conv2d(layer, weights[f"wc{number}"], strides=[1, 1, 1, 1], padding="SAME")
    layer = tf.nn.relu(tf.nn.bias_add(layer, biases[f"bc{number}"]))
    layer = tf.nn.max_pool(layer, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
layer = tf.reshape(layer, [-1, 4 * 4 * 128])
layer = tf.nn.relu(tf.add(tf.matmul(layer, weights["wd1"]), biases["bd1"]))
logits = tf.add(tf.matmul(layer, weights["out"]), biases["out"])

cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y))
optimizer = tf.train.AdamOptimizer(learning_rate=0.001).minimize(cost)
correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))

with tf.Session() as session:
    session.run(tf.global_variables_initializer())

    def step(batch: int) -> tuple[float, float]:
        """Train on a batch; return its cost and accuracy afterwards."""
        here = slice(batch * BATCH, min((batch + 1) * BATCH, len(train_x)))
        feed = {x: train_x[here], y: train_y[here]}
        session.run([optimizer], feed_dict=feed)
        found: tuple[float, float] = session.run([cost, accuracy], feed_dict=feed)
        return found

    steps = len(train_x) // BATCH
    for batch in range(min(WARM_UP, steps)):
        step(batch)
    started = time.perf_counter()
    for batch in range(steps):
        loss, share = step(batch)
    seconds = time.perf_counter() - started
print(json.dumps({"seconds": seconds, "loss": float(loss), "accuracy": float(share)}))
