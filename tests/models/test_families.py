import keras
import pytest

from networks import cnn
from pipeline.core.errors import ParameterError
from pipeline.models import families
from pipeline.shards.index import Statistics

pytestmark = pytest.mark.usefixtures("tensorflow")

STATISTICS = Statistics((0.5,), (0.25,))
HEAD = """
import keras
from pipeline.core.params import Section

class Params(Section):
    units: int = 2
"""
BUILD = "def build(params, shape, classes, statistics, *, seed, precision):\n"
GOOD = f"""{HEAD}
{BUILD}
    image = keras.Input(shape)
    x = keras.layers.Flatten()(image)
    x = keras.layers.Dense(params.units)(x)
    return keras.Model(image, keras.layers.Dense(classes)(x))
"""
OWN_LAYER = f"""{HEAD}
class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x

{BUILD}
    image = keras.Input(shape)
    x = keras.layers.Flatten()(Twice()(image))
    return keras.Model(image, keras.layers.Dense(classes)(x))
"""


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Write a network's file; return its family."""

    def write(text, name="mine"):
        (tmp_path / f"{name}.py").write_text(text)
        import networks

        monkeypatch.setattr(networks, "__path__", [str(tmp_path)])
        monkeypatch.delitem(__import__("sys").modules, f"networks.{name}", raising=False)
        return families.family(name)

    return write


def built(family, **params):
    return families.build(family, family.params(**params), (4, 4, 1), 3, STATISTICS)


def test_a_family_is_a_file_with_parameters_and_build(network):
    family = network(GOOD)
    assert family.path == "networks/mine.py"
    assert built(family, units=5).count_params() == 16 * 5 + 5 + 5 * 3 + 3
    assert families.family("cnn").params is cnn.Params


def test_bundled_families_are_known():
    assert {"application", "cnn", "residual"} <= set(families.known())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = (", "is no Python: SyntaxError: '(' was never closed (mine.py, line 1)"),
        ("x = 1\nraise RuntimeError('no')", "line 2: cannot be imported: RuntimeError: no"),
        ("import nothing_of_this_name", "cannot be imported: ModuleNotFoundError"),
        ("x = 1", "does not define Params, a class of its parameters"),
        ("class Params: ...", "does not define Params"),
        (HEAD, "does not define build"),
        (f"{HEAD}\ndef build(params): ...", "build must take params, shape, classes, statistics"),
        (f"from networks import cnn\n{GOOD}", "imports networks.cnn, and DVC would not see"),
        (f"from . import cnn\n{GOOD}", "imports networks"),
        (f"from pipeline.report import html\n{GOOD}", "imports pipeline.report.html"),
        (f"import stages.train\n{GOOD}", "imports stages.train"),
    ],
)
def test_a_file_that_is_no_family_is_refused(network, text, reason):
    with pytest.raises(ParameterError) as error:
        network(text)
    assert str(error.value).startswith("networks/mine.py")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_family_is_refused_with_those_that_there_are(network):
    with pytest.raises(ParameterError, match=r"no network .other.: networks/other\.py is missing"):
        families.family("other")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{HEAD}\n{BUILD}    raise ValueError('one\\ntwo')", "build raised ValueError: one two"),
        (
            f"{HEAD}\n{BUILD}    import keras\n    keras.layers.Dense(-1)",
            f"mine.py, line {len((HEAD + BUILD).splitlines()) + 3}: build raised ValueError",
        ),
        (f"{HEAD}\n{BUILD}    return 3", "build returned int, not a Keras model"),
        (OWN_LAYER, "is Twice, which is not Keras's own"),
        (
            GOOD.replace("keras.layers.Flatten()", "keras.layers.Lambda(lambda x: x[:, 0, :, 0])"),
            "is a Lambda layer, which holds code",
        ),
        (GOOD.replace("Dense(classes)", "Dense(7)"), "to (n, 3), a number for each class"),
        (GOOD.replace("Input(shape)", "Input((8, 8, 1))"), "lead from (n, 4, 4, 1), the images"),
        (
            GOOD.replace("Dense(classes)", "Dense(classes, dtype='bfloat16')"),
            "the logits must be float32, not bfloat16",
        ),
        (
            GOOD.replace("Dense(classes)", "Dense(classes, activation='softmax')"),
            "the logits must be without softmax",
        ),
        (
            GOOD.replace("keras.layers.Dense(classes)(x)", "keras.layers.Softmax()(x)").replace(
                "params.units", "classes"
            ),
            "the logits must be without softmax",
        ),
        (
            GOOD.replace("Dense(classes)(x)", "Activation('sigmoid')(x)").replace(
                "params.units", "classes"
            ),
            "the logits must be without sigmoid",
        ),
        (
            GOOD.replace("keras.layers.Dense(classes)(x)", "keras.ops.softmax(x)").replace(
                "params.units", "classes"
            ),
            "the logits must be without softmax",
        ),
        (
            GOOD.replace("Dense(classes)", "Dense(classes, kernel_regularizer='l2')"),
            "adds a loss of its own, such as a regularizer",
        ),
        (
            GOOD.replace("Model(image, ", "Model([image, keras.Input((2,))], "),
            "this one leads from 2 tensors",
        ),
    ],
)
def test_a_network_that_cannot_be_trained_or_saved_is_refused(network, text, reason):
    family = network(text)
    with pytest.raises(ParameterError) as error:
        built(family)
    assert str(error.value).startswith("networks/mine.py")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_fault_that_build_names_itself_is_kept():
    with pytest.raises(ParameterError, match="would leave no pixel"):
        built(families.family("cnn"), filters=(2, 2, 2, 2))


def test_a_network_is_keras_own(network):
    assert isinstance(built(network(GOOD)), keras.Model)
