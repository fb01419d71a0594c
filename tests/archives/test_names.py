"""Encodings of names that an archive does not say."""

import pytest

from pipeline.archives import names

FLOWERS = [
    f"{flower}/图{n}.jpg" for flower in ("玫瑰", "向日葵", "郁金香", "蒲公英") for n in range(5)
]
SOURCES = [f"pets\\{name}\\{n}.jpg" for name in ("ソース", "表") for n in range(9)]
"""Names that have the byte of a backslash within letters in Shift-JIS."""


@pytest.mark.parametrize(
    ("encoding", "texts"),
    [
        ("gb18030", FLOWERS),
        ("cp932", ["ねこ/画像1.png", "いぬ/写真2.png"]),
        ("cp932", SOURCES),
        ("cp437", ["Kätzchen/1.png", "Hündchen/2.png"]),
        ("cp949", ["고양이/1.png", "강아지/2.png"]),
        ("cp866", ["кошка/1.png", "собака/1.png"]),
        ("utf-8", ["Kätzchen/1.png", "猫/1.png"]),
    ],
)
def test_what_is_clear(encoding, texts):
    raw = [text.encode(encoding) for text in texts]
    (guess,) = names.guess(raw)
    assert [names.decoded(one, guess) for one in raw] == texts
    assert names.guess(name.replace(b"/", b"\\") for name in raw) == [encoding]


@pytest.mark.parametrize(
    ("encoding", "texts"),
    [
        ("gb18030", ["猫/图片1.png", "狗/照片2.png"]),
        ("cp932", ["犬/1.png", "猫/2.png"]),
        ("cp437", ["café/1.png"]),
    ],
)
def test_what_is_not_clear_has_several_readings(encoding, texts):
    raw = [text.encode(encoding) for text in texts]
    guesses = names.guess(raw)
    assert len(guesses) > 1
    assert encoding in guesses
    assert len({names.decoded(raw[0], guess) for guess in guesses}) == len(guesses)


def test_ascii_needs_none():
    assert names.guess([b"dog/1.png", b"cat\\2.png"]) == []
    assert names.guess([]) == []


def test_bytes_that_an_encoding_does_not_have_do_not_end_as_text():
    with pytest.raises(UnicodeEncodeError):
        names.decoded(b"a\xff\xff", "gb18030").encode()


@pytest.mark.parametrize("encoding", ["gbk", "shift-jis", "cp437", "utf-8"])
def test_encodings(encoding):
    assert names.known(encoding) == encoding


@pytest.mark.parametrize("encoding", ["", "GKB", "utf-16", "base64", "idna2", "a\0"])
def test_what_is_no_encoding_of_names(encoding):
    with pytest.raises(ValueError, match="must be an encoding that Python knows, such as gb18030"):
        names.known(encoding)
