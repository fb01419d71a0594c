"""Predictions of images as they are published, compared with those of the shards."""

import numpy as np
import pytest

from networks import cnn
from pipeline.core import paths
from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.decode.decoders import DECODERS
from pipeline.evaluate.predict import predict
from pipeline.extract.archive import ArchiveExtract
from pipeline.extract.extractors import EXTRACTORS
from pipeline.extract.kind import kind_of
from pipeline.images.convert import Convert
from pipeline.models import saved
from pipeline.predict import classify, inputs
from pipeline.predict.adapt import Adapter
from pipeline.shards.index import Index, Statistics
from pipeline.split.splitters import split
from pipeline.subsets import split as split_file
from pipeline.subsets.images import Dataset
from tests.support.builders import CLASSES, encode

pytestmark = pytest.mark.usefixtures("tensorflow")


@pytest.fixture
def trained(project):
    """Decode and split the project's datasets, save a model of each run; return the parameters."""
    project.set("defaults.evaluate.threads", 2)  # as all tests have them
    params = Params.read()
    for run, shape in (("tiny_idx", (8, 8, 1)), ("tiny_png", (8, 8, 3))):
        kind = kind_of(params, run)
        extractor, decoder = EXTRACTORS[kind], DECODERS[kind]
        raw, extracted, shards = paths.raw(run), paths.extracted(run), paths.shards(run)
        extract = params.section(extractor.params, "datasets", run, "extract")
        extractor.extract(raw, extract, extracted)
        decode = params.section(decoder.params, "datasets", run, "decode")
        decoder.decode(extracted, decode, shards)
        split_file.write(paths.split(run), split(params, run, shards, Index.read(shards)))
        ones = Statistics((1.0,) * shape[2], (1.0,) * shape[2])
        model = cnn.Params(filters=(2,), dense=(3,), standardize=True)
        saved.save(saved.Model(cnn.build(model, shape, 3, ones, seed=1), CLASSES), paths.model(run))
    return params


def predicted(run, *arguments, **changes):
    """Return the outcomes by name."""
    params = Params.read()
    loaded = classify.read(run, params)
    how = classify.setting(run, loaded, params)._replace(**changes)
    sources = inputs.find(arguments, how.limits)
    outcomes = [one for batch in classify.predict(loaded, sources, how) for one in batch]
    return {outcome.name: outcome for outcome in outcomes}


@pytest.mark.parametrize("views", [{}, {"flip_horizontal": True, "shift": 1}])
@pytest.mark.parametrize(
    ("run", "file", "name"),
    [
        ("tiny_png", "train.7z", "data/raw/tiny_png/train.7z:train/{}.png"),
        ("tiny_idx", "t10k-images-idx3-ubyte.gz", "data/raw/tiny_idx/t10k-images-idx3-ubyte.gz:{}"),
    ],
)
def test_published_images_are_predicted_as_evaluate_predicts_them(
    project, trained, run, file, name, views
):
    project.set("defaults.evaluate.views", views)
    loaded = saved.load_model(run)
    (images,) = Dataset.read(run).images("test")
    how = classify.setting(run, loaded, Params.read())
    expected = predict(loaded, images, 8, how.evaluate.views)
    found = predicted(run, f"data/raw/{run}/{file}")
    for id_, label, row in zip(
        *expected[:1], expected.predicted, expected.probabilities, strict=True
    ):
        outcome = found[name.format(id_.removeprefix("test-"))]
        np.testing.assert_allclose(outcome.probabilities, row, rtol=1e-5)
        assert outcome.probabilities.argmax() == label
        assert outcome.changes == ()
    assert len(found) == {"tiny_png": 30, "tiny_idx": 12}[run]


def test_order_is_that_of_the_inputs_and_faults_stop_nothing(project, trained):
    contents = [encode(image) for image, _ in list(project.png.values())[:20]]
    names = [f"{n:02}.png" for n in range(20)]
    for name, content in zip(names, contents, strict=True):
        (project.folder / name).write_bytes(content)
    (project.folder / "07.png").write_bytes(b"no image")
    (project.folder / "bad.zip").write_bytes(b"no archive")
    found = predicted("tiny_png", *names[:10], "bad.zip", "missing.png", *names[10:])
    assert list(found) == [*names[:10], "bad.zip", "", *names[10:]]
    faults = {name: outcome.error for name, outcome in found.items() if outcome.error}
    assert faults["07.png"] == "07.png cannot be decoded"
    assert faults["bad.zip"].startswith("bad.zip: truncated, damaged or no such archive")
    assert faults[""] == "missing.png: there is no such file or folder"
    assert len(faults) == 3
    one = predicted("tiny_png", "19.png")["19.png"]
    np.testing.assert_allclose(found["19.png"].probabilities, one.probabilities, rtol=1e-5)


def test_no_more_is_read_ahead_than_is_bounded(trained, monkeypatch):
    monkeypatch.setenv("PIPELINE_WORKERS", "2")
    taken = []

    def items():
        for n in range(10_000):
            taken.append(n)
            yield inputs.Item(str(n), lambda: np.zeros((8, 8), np.uint8))

    loaded = saved.load_model("tiny_idx")
    how = classify.setting("tiny_idx", loaded, Params.read())
    batches = classify.predict(loaded, [inputs.Source("all", None, items)], how)
    assert len(next(batches)) == 8
    assert len(taken) <= 8 + classify.GROUP * (4 * 2 + 2)
    batches.close()


def test_the_setting_is_the_runs(project, trained):
    project.set("datasets.tiny_png.extract.max_member_bytes", 1000)
    project.set("runs.tiny_png.evaluate", {"batch_size": 5})
    loaded = saved.load_model("tiny_png")
    how = classify.setting("tiny_png", loaded, Params.read())
    assert (how.limits.member_bytes, how.evaluate.batch_size, how.training) == (1000, 5, None)
    assert how.adapter == Adapter((8, 8, 3), 8, None, "stretch")
    changed = how.changed("pad", "white", invert=True, batch_size=7)
    assert changed.adapter == how.adapter._replace(resize="pad", background="white", invert=True)
    assert changed.evaluate.batch_size == 7
    assert how.changed(None, "black", invert=False, batch_size=None) == how
    project.set("datasets.tiny_png.decode.resize", "crop")
    how = classify.setting("tiny_png", loaded, Params.read())
    assert how.adapter == Adapter((8, 8, 3), 8, "crop")
    for resize in (None, "crop"):
        assert how.changed(resize, "black", invert=False, batch_size=None) == how
    changed = how.changed("pad", "black", invert=False, batch_size=None)
    assert changed.adapter == Adapter((8, 8, 3), 8, None, "pad")
    project.set("datasets.tiny_png.decode.convert", {"alpha": "white"})
    how = classify.setting("tiny_png", loaded, Params.read())
    assert how.adapter == Adapter((8, 8, 3), 8, "crop", convert=Convert(alpha="white"))
    for background in (None, "white"):
        found = how.changed(None, background, invert=False, batch_size=None)
        assert found.adapter.convert == Convert(alpha="white")
    changed = how.changed(None, "black", invert=False, batch_size=None)
    assert (changed.adapter.convert, changed.adapter.background) == (Convert(), "black")
    folder = classify.setting("data/models/tiny_png", loaded, None)
    assert (folder.adapter, folder.limits) == (Adapter((8, 8, 3)), classify.LIMITS)
    with pytest.raises(ParameterError, match=r"runs\.nothing is missing; runs has: tiny_idx"):
        classify.setting("nothing", loaded, Params.read())


def test_the_limits_without_a_run_are_the_defaults_of_extract():
    fields = ArchiveExtract.model_fields
    names = "max_bytes", "max_member_bytes", "max_members", "max_ratio"
    assert tuple(fields[name].default for name in names) == classify.LIMITS
