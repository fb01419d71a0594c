import numpy as np
import pytest

from networks import cnn
from pipeline.core import errors
from pipeline.evaluate.predict import predict
from pipeline.evaluate.tta import Views
from pipeline.models import saved
from pipeline.models.saved import Model
from pipeline.shards.index import Statistics
from tests.support.builders import CLASSES, in_memory, pixels

pytestmark = pytest.mark.usefixtures("tensorflow")

PIXELS = pixels(np.arange(7) % 3, (8, 8, 1))
IMAGES = in_memory(PIXELS, np.arange(7, dtype=np.int32) % 3)


@pytest.fixture
def trained():
    """Return a model with its first weights."""
    params = cnn.Params(filters=(2,), dense=(3,), dropout=0.5)
    return Model(cnn.build(params, (8, 8, 1), 3, Statistics((0.5,), (0.25,))), CLASSES)


def test_predictions_are_of_all_images_in_order(trained):
    predictions = predict(trained, IMAGES, 3)
    assert predictions.ids == IMAGES.ids
    assert (predictions.labels == IMAGES.labels).all()
    alone = [trained.probabilities((PIXELS[n : n + 1] / 255).astype(np.float32)) for n in range(7)]
    np.testing.assert_allclose(predictions.probabilities, np.concatenate(alone), rtol=1e-5)
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, rtol=1e-6)
    assert (predictions.predicted == predictions.probabilities.argmax(axis=1)).all()


def test_probabilities_are_means_over_the_views(trained):
    plain = predict(trained, IMAGES, 3)
    mirrored = predict(trained, in_memory(PIXELS[:, :, ::-1], IMAGES.labels), 3)
    found = predict(trained, IMAGES, 3, Views(flip_horizontal=True))
    mean = (plain.probabilities + mirrored.probabilities) / 2
    np.testing.assert_allclose(found.probabilities, mean, rtol=1e-5)
    assert (found.predicted == found.probabilities.argmax(axis=1)).all()


def test_batch_size_changes_no_more_than_rounding(trained):
    one, all_ = predict(trained, IMAGES, 1), predict(trained, IMAGES, 100)
    np.testing.assert_allclose(one.probabilities, all_.probabilities, rtol=1e-5)


@pytest.mark.parametrize(("most", "sizes"), [(1, [1] * 7), (4, [3, 3, 1]), (2, [2, 2, 2, 1])])
def test_fewer_images_are_shown_at_once_to_a_network_of_large_outputs(
    trained, monkeypatch, most, sizes
):
    shown = []
    compute = Model.probabilities
    monkeypatch.setattr(saved, "MOST_VALUES", most * 128)  # values of its largest output
    monkeypatch.setattr(
        Model, "probabilities", lambda *given: shown.append(len(given[1])) or compute(*given)
    )
    predict(trained, IMAGES, 3)
    assert shown == sizes


def test_an_error_of_memory_names_the_parameter(trained, monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(Model, "probabilities", full)
    with pytest.raises(MemoryError) as caught:
        predict(trained, IMAGES, 3)
    assert "(evaluate.batch_size)" in errors.explain(caught.value)
