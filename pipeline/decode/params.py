"""Parameters of ``decode``, by kind of dataset."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from pipeline.core.errors import first_few, printable
from pipeline.core.params import Section, Text
from pipeline.images import decode
from pipeline.images.convert import Convert
from pipeline.images.resize import Resize
from pipeline.labels.folders import Place, finder
from pipeline.labels.table import LabelColumns
from pipeline.shards import index, shard
from pipeline.shards.columns import Shape

MAX_PIXELS = 1 << 20
"""Of an image's shape, height times width: 12 MB as RGB in float32, 1.6 GB for a batch of 128."""
MOST = 2**31 - 1
ClassName = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(printable)
]


class Decode(Section):
    """``datasets.<name>.decode`` of every kind."""

    classes: Annotated[tuple[ClassName, ...], Field(min_length=2, max_length=index.MAX_CLASSES)]
    """Names of the classes, in the order of their labels."""
    format: shard.Format = "parquet"
    """Of the shards: ``parquet``, which is compressed, or ``npz``, NumPy's."""

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        repeated = [name for name, times in Counter(classes).items() if times > 1]
        if repeated:
            raise ValueError(f"must be distinct, repeated: {first_few(repeated)}")
        return classes


class IdxDecode(Decode):
    """``datasets.<name>.decode`` of kind ``idx``."""

    shard_rows: Annotated[int, Field(gt=0, le=10_000_000)] = 10_000
    """Images in one shard."""
    transpose: bool = False
    """Exchange rows and columns of each image, as EMNIST's files want it."""
    label_column: Annotated[int, Field(ge=0, le=MOST)] | None = None
    """Where each image has several numbers, as in QMNIST's files: the position of its label, from
    0."""
    label_values: tuple[Annotated[int, Field(ge=0, le=MOST)], ...] | None = None
    """The number that stands for each class in the files; null: 0, 1, 2 …"""

    @model_validator(mode="after")
    def _a_value_for_each_class(self) -> "IdxDecode":
        values = self.label_values
        if values is None:
            return self
        if len(values) != len(self.classes):
            raise ValueError(
                f"label_values has {len(values)} numbers for {len(self.classes)} classes"
            )
        if len(set(values)) < len(values):
            raise ValueError("label_values has a number twice")
        return self


class ArchiveDecode(Decode):
    """``datasets.<name>.decode`` of the kinds with parts, of which each becomes one shard."""

    shape: index.ImageShape
    """Height, width and channels that every image must have, or is converted to."""
    resize: Resize | None = None
    """How an image of another size is resized to the shape; null: it is a bad image."""
    max_pixels: Annotated[int, Field(gt=0, le=1 << 30)] = decode.MAX_PIXELS
    """With ``resize``, an image that declares more, width times height, is a bad image."""
    bits: Literal[8, 16] = 8
    """Depth that every image must have, in bits a channel."""
    convert: Convert | None = None
    """Conversions of images that are not plain, RGB or grey of this depth; null: such an image is a
    bad one, and Exif's orientation is not looked at."""
    on_bad_image: Literal["fail", "quarantine"] = "fail"
    """Action over an image that cannot be decoded or has a palette, alpha, or another size or
    depth: end with an error, or leave it out and list it in ``index.json``."""
    labels: LabelColumns = LabelColumns()
    """Columns of the table of labels; without a table, images are labelled by their folders."""
    classes_at: Annotated[int, Field(ge=-100, le=100)] | Text | None = None
    """Without a table, the folder that is an image's class: its number from the outermost, 1, or
    from the innermost, -1; or a pattern of paths with ``{class}``. Null: the innermost that has a
    class's name."""

    @field_validator("shape")
    @classmethod
    def _fits(cls, shape: Shape) -> Shape:
        if shape[0] * shape[1] > MAX_PIXELS:
            raise ValueError(f"must have at most {MAX_PIXELS:,} pixels, height times width")
        return shape

    @field_validator("classes_at")
    @classmethod
    def _place(cls, place: Place | None) -> Place | None:
        if place is not None:
            finder(place)
        return place
