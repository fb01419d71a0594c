"""Files of other runtimes, read by these, compared with the model that they came from."""

import json
import sys
import zipfile

import numpy as np
import pytest

from networks import cnn
from pipeline.core.errors import DataError, PipelineError
from pipeline.models import saved
from pipeline.predict import portable
from pipeline.shards.index import Statistics
from tests.support.builders import CLASSES

pytestmark = pytest.mark.usefixtures("tensorflow")

PARAMS = cnn.Params(
    filters=(2,), dense=(3,), batch_normalization=True, dropout=0.5, standardize=True
)
FORMS = list(portable.FORMATS)


@pytest.fixture(autouse=True)
def _as_a_user_has_it():
    """Leave converters their warnings, which Python hides from users."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def build(precision="float32"):
    built = cnn.build(PARAMS, (8, 10, 3), 3, Statistics((0.5,), (0.25,)), precision=precision)
    return saved.Model(built, CLASSES)


def put(path, form):
    """Write a file that is told as one of ours."""
    if form == "onnx":
        path.write_bytes(b"\x08\x08\x12\x0e" + portable.PRODUCER)
    else:
        with zipfile.ZipFile(path, "w") as inner:
            inner.writestr(portable.LABELS, "cat\n")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_onnx_predicts_as_the_model(tmp_path, precision):
    import onnx
    import onnxruntime

    trained, path = build(precision), tmp_path / "model.onnx"
    for _ in range(2):  # the second replaces the first
        done = portable.export(trained, "onnx", path)
    assert done.startswith(f"{path}: 0.0 MB, from images float32[n, 8, 10, 3] in [0, 1] to 3 ")
    assert list(tmp_path.iterdir()) == [path]
    metadata = {one.key: one.value for one in onnx.load(path).metadata_props}
    assert json.loads(metadata["classes"]) == list(CLASSES)
    session = onnxruntime.InferenceSession(path)
    assert [(one.name, one.shape) for one in session.get_inputs()] == [("images", ["n", 8, 10, 3])]
    images = np.random.default_rng(3).uniform(0, 1, (5, 8, 10, 3)).astype(np.float32)
    answer = session.run(["probabilities"], {"images": images})[0]
    atol = 1e-5 if precision == "float32" else 1e-2
    np.testing.assert_allclose(answer, trained.probabilities(images), atol=atol)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_litert_predicts_as_the_model(tmp_path, precision):
    from ai_edge_litert.interpreter import Interpreter

    trained, path = build(precision), tmp_path / "model.tflite"
    for _ in range(2):
        portable.export(trained, "litert", path)
    assert list(tmp_path.iterdir()) == [path]
    assert zipfile.ZipFile(path).read("labels.txt") == b"cat\ndog\nemu\n"
    run = Interpreter(str(path)).get_signature_runner("serving_default")
    images = np.random.default_rng(3).uniform(0, 1, (5, 8, 10, 3)).astype(np.float32)
    atol = 1e-5 if precision == "float32" else 1e-2
    answer = run(images=images)["probabilities"]
    np.testing.assert_allclose(answer, trained.probabilities(images), atol=atol)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wrong", [0.5, float("nan")])
def test_a_difference_is_an_error_and_leaves_the_file_that_was_there(
    tmp_path, monkeypatch, form, wrong
):
    trained, path = build(), tmp_path / "model"
    put(path, form)
    before = path.read_bytes()
    fake = portable.FORMATS[form]._replace(
        convert=lambda _: b"converted",
        read=lambda _: lambda images: trained.probabilities(images) + np.float32(wrong),
    )
    monkeypatch.setattr(portable, "FORMATS", {form: fake})
    with pytest.raises(DataError, match="not written, for its probabilities would differ by"):
        portable.export(trained, form, path)
    assert (list(tmp_path.iterdir()), path.read_bytes()) == ([path], before)


@pytest.mark.parametrize("form", FORMS)
def test_what_the_format_lacks_is_one_line(tmp_path, monkeypatch, form):
    def convert(_):
        raise RuntimeError("no such\noperation")

    fake = portable.FORMATS[form]._replace(convert=convert)
    monkeypatch.setattr(portable, "FORMATS", {form: fake})
    with pytest.raises(DataError, match=rf"cannot be written as {form} \(RuntimeError: no such\)"):
        portable.export(build(), form, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMS)
def test_without_the_extra_a_line_says_how_to_install_it(tmp_path, monkeypatch, form):
    monkeypatch.setitem(sys.modules, portable.FORMATS[form].needs[-1], None)
    with pytest.raises(PipelineError, match=rf"pip install '.\[{form}\]'$"):
        portable.export(build(), form, tmp_path / "model")


@pytest.mark.parametrize("form", FORMS)
def test_what_export_did_not_write_stays(tmp_path, form):
    path = portable.path_of("mine", form)
    assert portable.form_of(path) == form
    for name in ("letter", "folder", "link"):
        (tmp_path / name).mkdir() if name == "folder" else None
    (tmp_path / "letter").write_text("dear")
    put(tmp_path / "own", form)
    (tmp_path / "link").symlink_to(tmp_path / "own")
    for name in ("letter", "folder", "link"):
        with pytest.raises(DataError, match="is there, and export did not write it"):
            portable.refuse_foreign(tmp_path / name, form)
    portable.refuse_foreign(tmp_path / "own", form)
    portable.refuse_foreign(tmp_path / "nothing", form)
