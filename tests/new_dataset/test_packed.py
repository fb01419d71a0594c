"""Archives as users have them: other encodings of names, pieces, passwords, archives in others."""

import io
import json
import zipfile

import pytest

from pipeline.core.errors import DataError
from pipeline.extract.archive import ArchiveExtract
from pipeline.new_dataset import packed
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.detect import detect
from pipeline.new_dataset.packed import Packed
from tests.support import builders
from tests.support.archives import write

FLOWERS = ("玫瑰花图片", "向日葵", "郁金香", "蒲公英", "雏菊")


def images(classes=("cat", "dog")):
    return [
        (f"{name}/{n}.png", builders.encode(builders.pixels([k], (8, 8, 3), seed=n)[0]))
        for k, name in enumerate(classes)
        for n in range(3)
    ]


def test_backslashes(tmp_path):
    members = [(name.replace("/", "\\"), content) for name, content in images()]
    builders.write_windows_zip(tmp_path / "a.zip", members)
    assert detect(tmp_path, ["a.zip"], Choices()).images.classes == {"cat": 3, "dog": 3}


@pytest.mark.parametrize(
    ("encoding", "classes"),
    [("gb18030", FLOWERS), ("utf-8", ("é", "猫")), ("cp437", ("Kätzchen", "Hündchen"))],
)
def test_an_encoding_that_is_clear_is_proposed(tmp_path, encoding, classes):
    builders.write_windows_zip(tmp_path / "a.zip", images(classes), encoding)
    findings = detect(tmp_path, ["a.zip"], Choices())
    assert findings.classes == sorted(classes)
    assert findings.extract == {"archive": "a.zip", "names_encoding": encoding}
    assert ArchiveExtract.model_validate(findings.extract)
    assert f"they are read as {encoding}: " in findings.notes[0]


def test_an_encoding_that_is_not_clear_is_the_users(tmp_path):
    builders.write_windows_zip(tmp_path / "a.zip", images(["猫", "狗"]), "gbk")
    with pytest.raises(DataError, match=r"6 names are encoded; which .* gb18030: .*--names-encod"):
        detect(tmp_path, ["a.zip"], Choices())
    findings = detect(tmp_path, ["a.zip"], Choices(names_encoding="gbk"))
    assert findings.classes == ["狗", "猫"]
    assert findings.extract["names_encoding"] == "gbk"
    with pytest.raises(DataError, match="its name is no utf-8 text; say how its names are encoded"):
        detect(tmp_path, ["a.zip"], Choices(names_encoding="utf-8"))


@pytest.mark.parametrize("name", ["PETS.ZIP", "pets", "pets.tar.gz", "pets.bin"])
def test_another_suffix(tmp_path, name):
    builders.write_archive(tmp_path / "a.zip", images()).rename(tmp_path / name)
    findings = detect(tmp_path, [name], Choices())
    assert (findings.kind, findings.extract) == ("archive", {"archive": name})


def test_pieces(tmp_path):
    content = builders.write_archive(tmp_path / "a.7z", images()).read_bytes()
    names = [f"a.7z.00{number}" for number in range(1, 4)]
    third = len(content) // 3 + 1
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(content[number * third :][:third])
    findings = detect(tmp_path, names, Choices())
    assert findings.files == names
    assert findings.extract == {"archive": "a.7z.001"}


@pytest.mark.parametrize(
    ("names", "inside", "classes", "subsets"),
    [
        (["cat.zip", "dog.7z"], "{n}.png", ["cat", "dog"], None),
        (
            ["train.zip", "test.tar.gz"],
            "cat/{n}.png dog/{n}.png",
            ["cat", "dog"],
            {"test", "train"},
        ),
        (["part_1.zip", "part_2.zip"], "cat/{n}.png dog/{n}.png", ["cat", "dog"], None),
    ],
)
def test_several_archives_are_folders(tmp_path, names, inside, classes, subsets):
    for seed, name in enumerate(names):
        images = [
            (
                one.format(n=n),
                builders.encode(builders.pixels([0], (8, 8, 3), seed=100 * seed + n)[0]),
            )
            for n, one in enumerate(inside.split() * 4)
        ]
        builders.write_archive(tmp_path / name, images)
    findings = detect(tmp_path, names, Choices())
    assert findings.classes == classes
    assert findings.extract["archive"] == sorted(names, key=lambda name: (len(name), name))
    assert ArchiveExtract.model_validate_json(json.dumps(findings.extract))
    assert ("folders" in findings.split) is bool(subsets)


def test_several_archives_with_one_table(tmp_path):
    for part in (1, 2):
        members = [(f"{part}{n}.png", content) for n, (_, content) in enumerate(images())]
        builders.write_archive(tmp_path / f"part_{part}.zip", members)
    rows = [f"{part}{n},{'cat' if n < 3 else 'dog'}" for part in (1, 2) for n in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(["image,label", *rows, ""]))
    names = ["part_1.zip", "part_2.zip"]
    findings = detect(tmp_path, names, Choices(labels=("t.csv",)))
    assert findings.images.classes == {"cat": 6, "dog": 6}
    assert findings.files == [*names, "t.csv"]
    assert findings.extract == {"archive": names, "labels": "t.csv"}


def test_an_archive_within_an_archive(tmp_path):
    inner = builders.write_archive(tmp_path / "pets.zip", images()).read_bytes()
    write(tmp_path / "a.tar", [("a/pets.zip", inner), ("a/readme", b"")])
    with pytest.raises(DataError, match=r"but a/pets\.zip: an archive within an archive; unpack"):
        detect(tmp_path, ["a.tar"], Choices())


def test_a_password(tmp_path):
    builders.write_7z(tmp_path / "a.7z", images(), password="secret")
    with pytest.raises(DataError, match="is encrypted, not a plain file; that takes a password"):
        detect(tmp_path, ["a.7z"], Choices())


def test_limits_that_are_too_low_are_raised_in_the_proposal(tmp_path, monkeypatch):
    low = {"max_bytes": 1000, "max_member_bytes": 100, "max_members": 3}
    for key, value in low.items():
        monkeypatch.setattr(ArchiveExtract.model_fields[key], "default", value)
    ArchiveExtract.model_rebuild(force=True)
    try:
        contents = [*images(), ("film.mp4", bytes(5000))]
        builders.write_archive(tmp_path / "a.zip", contents)
        lengths = [len(content) for _, content in contents]
        assert detect(tmp_path, ["a.zip"], Choices()).extract == {
            "archive": "a.zip",
            "members": "*.png",
            "max_bytes": sum(lengths),
            "max_member_bytes": max(lengths[:-1]),
            "max_members": 7,
        }
    finally:
        monkeypatch.undo()
        ArchiveExtract.model_rebuild(force=True)


def test_no_limit_is_advised_that_cannot_be_raised(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "LIMITS", packed.LIMITS._replace(member_bytes=10))
    builders.write_archive(tmp_path / "a.zip", images())
    with pytest.raises(DataError, match=r"is refused: it has .* bytes, above 10 ") as caught:
        detect(tmp_path, ["a.zip"], Choices())
    assert "params.yaml" not in str(caught.value)
    assert str(caught.value).endswith("pack the archive with less compression")


def test_all_suffixes_of_images_in_any_case(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("a.PNG", "b.Jpg", "c.webp", "d.txt", "png", "e.png.zip"):
            archive.writestr(name, name)
    (tmp_path / "a.zip").write_bytes(stream.getvalue())
    found = Packed(tmp_path, ["a.zip"])
    assert [name for name, _ in found.images()] == ["a.PNG", "b.Jpg", "c.webp"]
    assert found.others == {"d.txt": 5, "png": 3, "e.png.zip": 9}


def test_a_zip_of_a_version_to_come(tmp_path):
    builders.write_archive(tmp_path / "a.zip", images())
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.index(b"PK\1\2") + 6] = 220
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"zip file version 22\.0; pack it again"):
        detect(tmp_path, ["a.zip"], Choices())
