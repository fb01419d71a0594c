import pytest

from pipeline.train.params import EarlyStopping


def history(*losses):
    return [{"validation_loss": loss, "validation_accuracy": 1 - loss} for loss in losses]


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_accuracy"])
@pytest.mark.parametrize(
    ("losses", "best", "over"),
    [
        ((0.5,), 0, False),
        ((0.5, 0.4, 0.45), 1, False),
        ((0.5, 0.4, 0.45, 0.4), 1, True),  # as good is not better
        ((0.5, 0.4, 0.45, 0.39), 3, False),
        ((0.1, 0.2, 0.3), 0, True),
    ],
)
def test_patience(monitor, losses, best, over):
    stopping = EarlyStopping(monitor=monitor, patience=2)
    assert stopping.best(history(*losses)) == best
    assert stopping.is_over(history(*losses)) == over


def test_nothing_is_over_before_it_began():
    assert not EarlyStopping().is_over([])
