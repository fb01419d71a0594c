import csv

import numpy as np
import pyarrow as pa
import pytest

from networks import cnn
from pipeline.core.errors import DataError, ParameterError, TrainingError
from pipeline.evaluate.predict import predict
from pipeline.models import families, saved
from pipeline.models.families import Network
from pipeline.models.history import EarlyStopping, write_history
from pipeline.models.start import Start
from pipeline.models.transfer import transfer
from pipeline.shards import shard
from pipeline.shards.columns import Rows
from pipeline.shards.index import Index, ShardFile
from pipeline.subsets.images import Dataset
from pipeline.subsets.split import Split
from pipeline.train import fit
from pipeline.train.optimizers import Adam, Sgd
from pipeline.train.params import Augmentation, FineTuning, TrainParams
from pipeline.train.schedules import Exponential
from tests.support.builders import CLASSES, pixels

pytestmark = pytest.mark.usefixtures("tensorflow")

SHAPE = (8, 8, 1)
MODEL = cnn.Params(filters=(2,), dense=(4,))


def dataset(folder, subsets):
    """Return a dataset of images that are easily told apart, in the given subsets."""
    n = len(subsets)
    labels = np.arange(n, dtype=np.int32) % 3
    ids, numbers = [str(i) for i in range(n)], np.arange(n, dtype=np.int32)
    groups = [
        Rows(ids[part], numbers[part], labels[part], pixels(labels, SHAPE)[part])
        for part in (slice(start, start + 5) for start in range(0, n, 5))
    ]
    shard.write(folder / "part-00000.parquet", groups, CLASSES, SHAPE)
    index = Index(
        format="parquet",
        shape=SHAPE,
        classes=CLASSES,
        divisor=255,
        rows=n,
        files=(ShardFile(name="part-00000.parquet", rows=n, bytes=1, sha256="00" * 32),),
        quarantined=(),
        content_sha256="11" * 32,
    )
    split_ids = pa.chunked_array([pa.array(ids)])
    return Dataset(folder, index, Split(split_ids, np.asarray(subsets, np.int8)))


@pytest.fixture
def tiny(tmp_path):
    """16 images for training, 3 for validation, 5 for the test."""
    return dataset(tmp_path, [0] * 16 + [1] * 3 + [2] * 5)


def train(data, tmp_path, model=MODEL, start=None, **params):
    done = fit.train(
        data,
        Network(families.family("cnn"), model, start),
        TrainParams(**{"epochs": 2, "batch_size": 4} | params),
        logs=tmp_path / "logs",
        checkpoint=tmp_path / "checkpoint.npz",
    )
    return done.model, done.history


def weights(model):
    return b"".join(np.asarray(variable).tobytes() for variable in model.network.variables)


@pytest.mark.slow
def test_a_model_holds_keras_own_normalization_with_what_it_learned(tiny, tmp_path):
    model = cnn.Params(filters=(2,), dense=(), batch_normalization=True)
    (trained, _), (again, _) = (train(tiny, tmp_path / name, model) for name in "ab")
    layer = trained.network.get_layer("normalization_1")
    assert type(layer).__module__.startswith("keras.")
    assert np.asarray(layer.moving_mean).any()
    assert weights(trained) == weights(again)


def test_history_has_a_row_an_epoch(tiny, tmp_path):
    model, history = train(tiny, tmp_path, track_test=True)
    assert model.classes == CLASSES
    assert [row["epoch"] for row in history] == [1, 2]
    assert list(history[0]) == [
        "epoch",
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "learning_rate",
        "test_loss",
        "test_accuracy",
    ]
    test = tiny.images("test")[0]
    predictions = predict(model, test, 5)
    accuracy = np.mean(predictions.predicted == predictions.labels)
    assert history[-1]["test_accuracy"] == pytest.approx(accuracy)
    path = tmp_path / "new" / "history.csv"
    write_history(path, history)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["test_loss"]) for row in rows] == [row["test_loss"] for row in history]


@pytest.mark.slow
def test_same_seed_same_bytes_other_seed_others(tiny, tmp_path):
    options = {"shuffle": True, "epochs": 1}
    results = [
        train(tiny, tmp_path / str(n), seed=seed, **options) for n, seed in enumerate((3, 3, 4))
    ]
    first, second, third = (weights(model) for model, _ in results)
    assert first == second != third
    assert results[0][1] == results[1][1]


PRECISIONS = ["float32", "float16"]  # float16 has a scale of the loss, which is a state too


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(
    tiny, tmp_path, monkeypatch, precision
):
    options = {
        "model": cnn.Params(filters=(2,), dense=(4,), dropout=0.5, batch_normalization=True),
        "epochs": 4,
        "shuffle": True,
        "precision": precision,
        "schedule": Exponential(name="exponential", rate=0.5),
        "optimizer": Adam(name="adam", average=0.9),
        "augmentation": Augmentation(flip_horizontal=True, shift=1, mixup=0.5),
        "label_smoothing": 0.1,
        "early_stopping": EarlyStopping(patience=4),
    }
    whole, history = train(tiny, tmp_path / "whole", **options)

    def interrupt(*arguments):
        if arguments[-1] == 3:
            raise KeyboardInterrupt
        return epoch_(*arguments)

    epoch_ = fit._epoch
    monkeypatch.setattr(fit, "_epoch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(tiny, tmp_path, **options)
    monkeypatch.undo()
    trained = []
    monkeypatch.setattr(fit, "_epoch", lambda *a: trained.append(a[-1]) or epoch_(*a))
    resumed, resumed_history = train(tiny, tmp_path, **options)
    assert trained == [3, 4]
    assert resumed_history == history
    assert weights(resumed) == weights(whole)
    # One that is complete has nothing left to train: its stage was killed while it wrote outputs.
    again, again_history = train(tiny, tmp_path, **options)
    assert trained == [3, 4]
    assert (weights(again), again_history) == (weights(whole), history)


@pytest.mark.slow
@pytest.mark.parametrize("change", ["parameters", "model", "data", "split"])
def test_a_checkpoint_of_something_else_is_not_used(tiny, tmp_path, monkeypatch, change, capsys):
    train(tiny, tmp_path, epochs=1)
    options = {"epochs": 1}
    if change == "parameters":
        options["batch_size"] = 3
    elif change == "model":
        options["model"] = cnn.Params(filters=(2,), dense=(4,), dropout=0.1)
    elif change == "data":
        tiny.index.__dict__["content_sha256"] = "22"
    else:
        tiny.split.subsets[0] = 1
    train(tiny, tmp_path, **options)
    assert "going on" not in capsys.readouterr().out


def test_without_a_validation_subset_its_columns_are_empty(tmp_path):
    _, history = train(dataset(tmp_path, [0] * 8 + [2] * 3), tmp_path, epochs=1)
    assert history[0]["validation_loss"] is None
    assert "test_loss" not in history[0]
    write_history(tmp_path / "history.csv", history)
    assert ",,," in (tmp_path / "history.csv").read_text().splitlines()[1]


def test_it_learns(tiny, tmp_path):
    optimizer = Adam(name="adam", learning_rate=0.02)
    model = cnn.Params(filters=(8,), dense=(16,))
    _, history = train(tiny, tmp_path, model, epochs=12, optimizer=optimizer)
    assert history[-1]["train_accuracy"] > 0.9
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_learning_rate_is_that_of_the_epochs_last_step(tiny, tmp_path):
    schedule = Exponential(name="exponential", rate=0.5)
    _, history = train(tiny, tmp_path, schedule=schedule)
    steps = 16 / 4
    for epoch, row in enumerate(history, 1):
        expected = 0.001 * 0.5 ** ((epoch * steps - 1) / steps)
        assert row["learning_rate"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("order", [{}, {"shuffle": True, "shuffle_buffer": 6}])
def test_images_on_disk_give_the_same_weights(tiny, tmp_path, monkeypatch, order):
    of_memory, history = train(tiny, tmp_path / "memory", **order)
    monkeypatch.setenv("PIPELINE_MEMORY", "0")
    of_disk, same = train(tiny, tmp_path / "disk", **order)
    assert history == same
    for ours, theirs in zip(of_memory.network.weights, of_disk.network.weights, strict=True):
        assert (np.asarray(ours) == np.asarray(theirs)).all()


def test_images_on_disk_are_not_shuffled_all_over(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PIPELINE_MEMORY", "0")
    with pytest.raises(ParameterError, match=r"set train\.shuffle_buffer to a number of images"):
        train(tiny, tmp_path, shuffle=True)


def test_early_stopping_takes_the_weights_of_the_best_epoch(tiny, tmp_path):
    optimizer = Adam(name="adam", learning_rate=0.5)  # it becomes worse soon
    stopping = EarlyStopping(monitor="validation_loss", patience=2)
    options = {"optimizer": optimizer, "epochs": 30, "early_stopping": stopping}
    model, history = train(tiny, tmp_path, **options)
    assert len(history) < 30
    best = stopping.best(history)
    assert len(history) == best + 3
    again, _ = train(tiny, tmp_path / "again", optimizer=optimizer, epochs=best + 1)
    assert weights(model) == weights(again)


@pytest.mark.slow
def test_balanced_classes_are_weighted_by_the_training_labels(tmp_path, monkeypatch):
    """The labels are 0, 1, 2, 0, 1, 2 …; the first eight rows are for training."""
    from pipeline.train import loop

    data = dataset(tmp_path, [0] * 8 + [1] * 3 + [2] * 4)
    given = []
    made = loop.Loop.__init__

    def init(self, *arguments, class_weights, **options):
        given.append(class_weights)
        made(self, *arguments, class_weights=class_weights, **options)

    monkeypatch.setattr(loop.Loop, "__init__", init)
    plain, _ = train(data, tmp_path)
    weighted, _ = train(data, tmp_path, class_weights="balanced")
    assert given[0] is None
    assert given[1].tolist() == [8 / 9, 8 / 9, 8 / 6]  # of 3, 3 and 2 images
    assert weights(plain) != weights(weighted)


def test_a_class_without_training_images_cannot_be_weighted(tmp_path):
    data = dataset(tmp_path, [0, 0, 2, 0, 0, 2])
    with pytest.raises(ParameterError, match="class 'emu' has no training image to weight"):
        train(data, tmp_path, batch_size=2, class_weights="balanced")


def test_validation_images_that_are_trained_on_measure_nothing(tiny, tmp_path):
    """As a dataset whose validation images are for training."""
    options = {"epochs": 2, "batch_size": 19}
    both, history = train(tiny, tmp_path / "both", with_validation=True, **options)
    (tmp_path / "moved").mkdir()
    moved = dataset(tmp_path / "moved", [0] * 19 + [2] * 5)
    other, expected = train(moved, tmp_path / "other", **options)
    assert history == expected
    assert [row["validation_accuracy"] for row in history] == [None, None]
    assert weights(both) == weights(other)
    with pytest.raises(ParameterError, match="with_validation needs a validation subset; see"):
        train(moved, tmp_path, with_validation=True)


@pytest.mark.parametrize("in_steps", [True, False])
def test_each_epoch_is_augmented_otherwise(tiny, tmp_path, monkeypatch, in_steps):
    from pipeline.train.augmentation.augmenter import Augmenter

    seen = set()

    def changed(self, epoch, step, pixels, labels):
        import tensorflow as tf

        tf.py_function(lambda number: seen.add(int(number)), [epoch], [])
        return pixels, labels

    monkeypatch.setattr(Augmenter, "__call__", changed)
    monkeypatch.setattr(
        "tensorflow.config.list_logical_devices", lambda _: [] if in_steps else ["GPU:0"]
    )
    train(tiny, tmp_path, epochs=3, augmentation=Augmentation(shift=1))
    assert seen == {1, 2, 3}


def test_early_stopping_needs_a_validation_subset(tmp_path):
    data = dataset(tmp_path, [0] * 8 + [2] * 3)
    with pytest.raises(ParameterError, match=r"early_stopping needs a validation subset"):
        train(data, tmp_path, early_stopping=EarlyStopping())


@pytest.mark.slow
def test_averaged_weights_are_measured_and_returned(tiny, tmp_path):
    optimizer = Adam(name="adam", average=0.9)
    model, history = train(tiny, tmp_path, optimizer=optimizer, track_test=True)
    test = tiny.images("test")[0]
    predictions = predict(model, test, 5)
    true = predictions.probabilities[np.arange(len(test.labels)), test.labels]
    assert history[-1]["test_loss"] == pytest.approx(-np.log(true).mean(), rel=1e-5)
    plain, _ = train(tiny, tmp_path / "plain")
    assert weights(plain) != weights(model)


@pytest.mark.parametrize(("most", "size"), [(1, 1), (7, 4), (fit.TEST_BATCH, fit.TEST_BATCH)])
def test_fewer_images_are_measured_at_once_where_outputs_are_large(
    tiny, tmp_path, monkeypatch, most, size
):
    from pipeline.train.loop import Loop, Means

    sizes = []
    monkeypatch.setattr(saved, "MOST_VALUES", most * 128)  # values of the network's largest output
    monkeypatch.setattr(Loop, "test", lambda _, images, size: sizes.append(size) or Means(1, 1))
    train(tiny, tmp_path, epochs=1, batch_size=4, track_test=True)
    assert sizes == [size, size]


def test_batch_larger_than_the_training_subset_is_refused(tiny, tmp_path):
    with pytest.raises(ParameterError, match=r"batch_size is 17, but there are only 16 training"):
        train(tiny, tmp_path, batch_size=17)


def test_infinite_loss_ends_the_training(tiny, tmp_path):
    optimizer = Sgd(name="sgd", learning_rate=1e30)
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) within .* of epoch [12]"):
        train(tiny, tmp_path, optimizer=optimizer, epochs=3)


def test_tensorboard_has_the_graph_and_the_metrics(tiny, tmp_path):
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (tmp_path / "logs").mkdir()
    earlier, other = "events.out.tfevents.1.earlier", "notes.txt"
    (tmp_path / "logs/train").mkdir()
    for name in (earlier, other, f"train/{earlier}", f"train/{other}"):
        (tmp_path / "logs" / name).write_text("")
    _, history = train(tiny, tmp_path)
    for folder in (tmp_path / "logs", tmp_path / "logs/train"):
        assert not (folder / earlier).exists()
        assert (folder / other).exists()
    events = EventAccumulator(str(tmp_path / "logs")).Reload()
    nodes = " ".join(node.name for node in events.Graph().node)
    for name in ("image", "convolution_1", "pooling_1", "logits"):  # the network, layer by layer
        assert name in nodes
    for folder, name, column in (
        ("train", "loss", "train_loss"),
        ("validation", "accuracy", "validation_accuracy"),  # over the other's of the same name
        (".", "learning_rate", "learning_rate"),
    ):
        events = EventAccumulator(str(tmp_path / "logs" / folder)).Reload()
        found = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(name)]
        assert found == pytest.approx([row[column] for row in history], rel=1e-6)


@pytest.fixture
def ancestor(tiny, tmp_path):
    """Folder of a trained model."""
    model, _ = train(tiny, tmp_path / "ancestor", epochs=1)
    saved.save(model, tmp_path / "model")
    return tmp_path / "model"


def layer(model, name):
    return [np.asarray(variable) for variable in model.network.get_layer(name).variables]


def test_frozen_layers_keep_the_weights_that_were_taken(tiny, tmp_path, ancestor):
    tuning = FineTuning(frozen_epochs=2)
    before = saved.load_model(ancestor)
    tuned, _ = train(tiny, tmp_path / "frozen", start=ancestor, fine_tuning=tuning)
    for name in ("convolution_1", "dense_1"):
        for own, taken in zip(layer(tuned, name), layer(before, name), strict=True):
            np.testing.assert_array_equal(own, taken)
    assert (layer(tuned, "logits")[0] != layer(before, "logits")[0]).any()
    free, _ = train(tiny, tmp_path / "free", start=ancestor)
    assert (layer(free, "dense_1")[0] != layer(before, "dense_1")[0]).any()


def test_what_was_taken_is_recorded_and_printed(tiny, tmp_path, ancestor, capsys):
    """A layer of another shape, such as a head of other classes, starts fresh."""
    done = fit.train(
        tiny,
        Network(families.family("cnn"), cnn.Params(filters=(2,), dense=(5,)), ancestor),
        TrainParams(epochs=2, batch_size=4, fine_tuning=FineTuning(frozen_epochs=1)),
        logs=tmp_path / "logs",
        checkpoint=tmp_path / "checkpoint.npz",
    )
    assert [one.name for one in done.start.transferred.taken] == ["convolution_1"]
    assert {one.name for one in done.start.transferred.fresh} == {"dense_1", "logits"}
    whole = done.model.network.count_params()
    assert [phase.weights for phase in done.start.phases] == [whole - 20, whole]
    out = capsys.readouterr().out
    assert f"epochs 1 to 1: {whole - 20:,} weights are trained" in out
    assert "convolution_1" not in out.partition("fresh:")[2].partition("epochs")[0]
    saved.save(done.model, tmp_path / "tuned", start=done.start)
    assert Start.read(tmp_path / "tuned") == done.start
    assert Start.read(ancestor) is None


@pytest.mark.slow
@pytest.mark.parametrize("stop", [2, 3, 4])
def test_fine_tuning_goes_on_in_the_phase_in_which_it_was_interrupted(
    tiny, tmp_path, ancestor, monkeypatch, stop
):
    options = {
        "start": ancestor,
        "epochs": 4,
        "shuffle": True,
        "optimizer": Adam(name="adam", average=0.9),
        "fine_tuning": FineTuning(frozen_epochs=2, learning_rate_factor=0.5),
    }
    whole, history = train(tiny, tmp_path / "whole", **options)

    def interrupt(*arguments):
        if arguments[-1] == stop:
            raise KeyboardInterrupt
        return epoch_(*arguments)

    epoch_ = fit._epoch
    monkeypatch.setattr(fit, "_epoch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(tiny, tmp_path, **options)
    monkeypatch.undo()
    resumed, resumed_history = train(tiny, tmp_path, **options)
    assert resumed_history == history
    assert weights(resumed) == weights(whole)


@pytest.mark.slow
def test_a_checkpoint_from_other_weights_is_not_used(tiny, tmp_path, ancestor, capsys):
    train(tiny, tmp_path, start=ancestor, epochs=1)
    train(tiny, tmp_path, start=ancestor, epochs=1)
    assert "going on" in capsys.readouterr().out
    other, _ = train(tiny, tmp_path / "other", epochs=1, seed=1)
    saved.save(other, ancestor)
    train(tiny, tmp_path, start=ancestor, epochs=1)
    assert "going on" not in capsys.readouterr().out


def test_a_head_for_other_classes_is_not_taken(ancestor):
    network = saved.load_model(ancestor).network
    assert not transfer(network, ancestor, CLASSES).fresh
    taken = transfer(network, ancestor, CLASSES[::-1])
    for others in (taken.fresh, taken.left):
        assert [(one.name, one.reason) for one in others] == [("logits", "for other classes")]


def test_fine_tuning_without_weights_is_refused(tiny, tmp_path):
    with pytest.raises(ParameterError, match="name them in weights, or set"):
        train(tiny, tmp_path, fine_tuning=FineTuning())


def test_weights_that_are_not_here_are_named(tiny, tmp_path):
    with pytest.raises(DataError, match="none is missing"):
        train(tiny, tmp_path, start=tmp_path / "none")
