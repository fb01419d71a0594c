"""Parameters of ``split``, by kind of dataset."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.core.params import Section, Text

FIRST = 5000
"""Training images that the tutorial's loader (``read_data_sets``) sets aside for validation."""
TEST_FRACTION = 0.2
"""Fraction of the images that become the test set by default, where none was published."""

Fraction = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class IdxSplit(Section):
    """``datasets.<name>.split`` of kind ``idx``.

    The official test set is kept, if there is one. Validation is the first ``validation_count``
    training images (by default 5,000, as in the tutorial's loader), or a random
    ``validation_fraction`` of them.
    """

    test_fraction: Fraction | None = None
    """Fraction of the images, where there is no official test set; null means 0.2."""
    validation_count: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """First training images that are the validation subset; by default 5,000."""
    validation_fraction: Fraction | None = None
    """Share of the training images, drawn at random, that is the validation subset instead."""
    seed: Seed = 42
    """Seed of the random choice of fractions."""
    stratify: bool = False
    """Whether a fraction has the classes in the same proportions as the rest."""

    @model_validator(mode="after")
    def _one_way(self) -> "IdxSplit":
        if self.validation_count is not None and self.validation_fraction is not None:
            raise ValueError("takes validation_count or validation_fraction, not both")
        if self.stratify and self.validation_fraction is None and self.test_fraction is None:
            raise ValueError("stratify needs a validation_fraction or a test_fraction")
        return self


class ArchiveSplit(Section):
    """``datasets.<name>.split`` of the other kinds."""

    test_fraction: Fraction = TEST_FRACTION
    """Fraction of the images, where no test subset was published."""
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Fraction of the images without the test subset, where no validation subset was published;
    taken by a second ``train_test_split`` with the same seed."""
    seed: Seed = 42
    """``random_state`` of ``train_test_split``."""
    stratify: bool = False
    """Whether all subsets have the classes in the same proportions."""
    groups: Text | None = None
    """Column of the table of labels; images with the same value stay in one subset, and the
    fractions are fractions of the groups. An image with an empty value is a group of its own."""

    @model_validator(mode="after")
    def _fits(self) -> "ArchiveSplit":
        if self.groups is not None and self.stratify:
            raise ValueError("takes groups or stratify, not both")
        return self


class ParquetSplit(ArchiveSplit):
    """``datasets.<name>.split`` of kind ``parquet``."""

    column: Text | None = None
    """Column that names each image's subset (of the table of labels, or ``extract.columns``);
    where none does, Parquet files are each of one subset."""


class OwnSplit(ParquetSplit):
    """``datasets.<name>.split`` of kind ``archive``, which may be published in subsets."""

    folders: (
        bool | Annotated[dict[Text, Literal["train", "validation", "test"]], Field(max_length=1000)]
    ) = False
    """Whether an image's folder (``train/``, ``val/``, ``test/`` …) names its subset; or subsets by
    patterns of paths (``seg_a/*``), of which the first that an image matches counts."""

    @model_validator(mode="after")
    def _one_division(self) -> "OwnSplit":
        if self.column is not None and self.folders:
            raise ValueError("takes column or folders, not both")
        return self
