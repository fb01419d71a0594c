import pytest

from pipeline.core.errors import TrainingError

pytestmark = pytest.mark.usefixtures("tensorflow")


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    from pipeline.train.tensorboard import TensorBoard

    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(
        TrainingError, match=r"logs/mine: TensorBoard's events cannot be written \("
    ):
        TensorBoard(tmp_path / "logs" / "mine").write_epoch(1, {"epoch": 1, "train_loss": 0.5})
