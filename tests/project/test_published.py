"""State of published files: ids and classes as decode has them, and classes that are new."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.core.params import Params
from pipeline.decode.decoders import DECODERS
from pipeline.project import published
from pipeline.shards import index as shard_index
from pipeline.shards.index import Index
from tests.support import builders
from tests.support.builders import CLASSES


def read(names, classes, tmp_path, **decode):
    contents = [
        builders.encode(builders.pixels([0], (8, 8, 3), seed=n)[0]) for n in range(len(names))
    ]
    builders.write_archive(tmp_path / "raw/a.zip", list(zip(names, contents, strict=True)))
    dataset = {
        "kind": "archive",
        "extract": {"archive": "a.zip"},
        "decode": {"classes": classes, "shape": [8, 8, 3], **decode},
    }
    params = Params({"datasets": {"a": dataset}})
    return published.read(tmp_path / "raw", params, "a", tmp_path / "extracted")


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        (["cat/1.png", "dog/1.png", "fox/1.png"], {}, ["cat", "dog", "fox"]),
        (["x/train/cat/1.png", "x/test/fox/1.png"], {}, ["cat", "fox"]),
        (["cat/train/1.png", "fox/test/1.png"], {}, ["cat", "fox"]),
        (["cat/siamese/1.png", "cat/1.png", "fox/red/1.png"], {}, ["cat", "cat", "fox"]),
        (["cat/a/1.png", "cat/b/2.png"], {"classes_at": -1}, ["a", "b"]),
        (["x/cat_raw/1.png", "x/fox_raw/1.png"], {"classes_at": "x/{class}_raw/*"}, ["cat", "fox"]),
    ],
)
def test_new_folders_are_classes_where_the_others_are(tmp_path, names, options, expected):
    found = read(names, ["cat", "dog"], tmp_path, **options)
    assert [found.state[name].name for name in names] == expected


@pytest.mark.parametrize("lost", ["1.png", "test/1.png", "validation/x/1.png"])
def test_an_image_without_a_class_is_named(tmp_path, lost):
    with pytest.raises(DataError, match=f"1 images are in no folder of a class: {lost}"):
        read(["cat/1.png", "dog/1.png", lost], ["cat", "dog"], tmp_path)


@pytest.mark.parametrize("dataset", ["tiny_png", "tiny_idx"])
def test_ids_classes_and_pixels_are_those_of_the_shards(project, dataset):
    """The reference is what the stages extract and decode."""
    params, raw = Params.read(), Path("data/raw") / dataset
    found = published.read(raw, params, dataset, Path("extracted"))
    decoder = DECODERS[params.value("datasets", dataset, "kind")]
    decoding = params.section(decoder.params, "datasets", dataset, "decode")
    decoder.decode(Path("extracted"), decoding, Path("shards"))
    index = Index.read(Path("shards"))
    columns = [
        shard_index.column(Path("shards"), index, name).to_pylist() for name in ("id", "label")
    ]
    assert {id_: image.name for id_, image in found.state.items()} == {
        id_: CLASSES[label] for id_, label in zip(*columns, strict=True)
    }
    decoded = dict(found.decoded(columns[0][:20]))
    images = shard_index.take(Path("shards"), index, range(20))
    for row, id_ in enumerate(columns[0][:20]):
        np.testing.assert_array_equal(decoded[id_], images[row])
