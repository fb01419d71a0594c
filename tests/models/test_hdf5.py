import h5py
import numpy as np
import pytest

from pipeline.models import hdf5

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def outside(path):
    """A file that an array could refer to."""
    path.with_name("outside").write_bytes(bytes(1024))
    return str(path.with_name("outside"))


def external(file, path):
    file.create_dataset("a/x", (2,), "f4", external=[(outside(path), 0, 8)])


def virtual(file, path):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource(outside(path), "x", (2,))
    file.create_virtual_dataset("a/x", layout)


def soft(file, _):
    file["a/x"] = h5py.SoftLink("/values")


def dangling(file, _):
    file["a/x"] = h5py.SoftLink("/nowhere")


def elsewhere(file, path):
    file["a/x"] = h5py.ExternalLink(outside(path), "/x")


def cycle(file, _):
    file.create_group("a")["x"] = file


def twice(file, _):
    file["a/x"] = file["values"]


def deep(file, _):
    file["/".join("a" * (hdf5.DEEPEST + 2))] = VALUES


def named_type(file, _):
    file["a/x"] = np.dtype("f4")


def unwritten(file, _):
    file.create_dataset("a/x", (3,), "f4")


def huge(file, _):
    file.create_dataset("a/x", (1 << 40, 1 << 10), "f4")


def compressed(file, _):
    file.create_dataset("a/x", data=VALUES, compression="gzip")


def in_chunks(file, _):
    file.create_dataset("a/x", (1 << 30,), "f4", chunks=(1 << 20,))


def void(file, _):
    file["a/x"] = h5py.Empty("f4")


def of_type(dtype):
    def write(file, _):
        file.create_dataset("a/x", data=np.zeros(2).astype(dtype))

    return write


def texts(file, _):
    file["a/x"] = ["text"]


def reference(file, _):
    file.create_dataset("a/x", data=[file.ref], dtype=h5py.ref_dtype)


def vectors(file, _):
    file.create_dataset("a/x", (1,), h5py.vlen_dtype(np.float32))[0] = [1, 2]


def of_24_bits(file, _):
    kind = h5py.h5t.STD_I32LE.copy()
    kind.set_precision(24)
    h5py.h5d.create(file.create_group("a").id, b"x", kind, h5py.h5s.create_simple((2,)))


def opaque(file, _):
    file["a/x"] = np.zeros(2, "V2")


@pytest.mark.parametrize(
    ("write", "fault"),
    [
        *[(write, "whose values are elsewhere") for write in (external, virtual)],
        *[(link, "has a link, a/x,") for link in (soft, dangling, elsewhere)],
        (cycle, "has a/x in two places"),
        (twice, "has a/x in two places"),
        (deep, r"has groups \d+ deep"),
        (named_type, "neither a group nor an array"),
        (unwritten, "of 3 values that it lacks"),
        (huge, "of 1,125,899,906,842,624 values that it lacks"),
        (compressed, "in pieces or compressed"),
        (in_chunks, "in pieces or compressed"),
        (void, "without values"),
        (of_type("complex64"), "of type complex64, not numbers"),
        (of_type("bool"), "of type bool, not numbers"),
        (of_type("S3"), "of type bytes24, not numbers"),
        (of_type("longdouble"), "of type float128, not numbers"),
        *[(write, "of type object, not numbers") for write in (texts, reference, vectors)],
        (of_24_bits, "of type int32, not numbers"),
        (opaque, "of type void16, not numbers"),
    ],
)
def test_what_is_no_plain_tree_of_numbers_is_refused(tmp_path, write, fault):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["values"] = VALUES
        write(file, path)
    with path.open("rb") as content, pytest.raises(hdf5.UnreadableError, match=fault):
        hdf5.tree(content)


def test_arrays_lie_where_the_file_says(tmp_path):
    kinds = "float16", "float32", "float64", "int64", "uint8", ">f4"
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        for kind in kinds:
            file[f"group/{kind}"] = VALUES.astype(kind)
        file["scalar"], file["none"] = np.float32(3), np.zeros((0, 4))
    with path.open("rb") as content:
        arrays = hdf5.tree(content).arrays
        for kind in kinds:
            array = arrays[f"group/{kind}"]
            assert (array.shape, array.dtype) == ((2, 3), np.dtype(kind).str)
            found = np.memmap(path, array.dtype, "r", array.start, array.shape)
            np.testing.assert_array_equal(found, VALUES.astype(kind), strict=True)
        assert arrays["scalar"].shape == ()
        assert np.memmap(path, "f4", "r", arrays["scalar"].start, 1) == 3
        assert arrays["none"].shape == (0, 4)
        assert hdf5.read(content) == hdf5.tree(content)


def test_a_file_on_which_hdf5_runs_without_an_end_is_damaged(tmp_path, monkeypatch):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["name"] * 3
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    content[heap + 24 : heap + 32] = (2**64 - 16).to_bytes(8, "little")  # an object's length
    path.write_bytes(content)
    monkeypatch.setattr(hdf5, "SECONDS", 1)
    with (
        path.open("rb") as file,
        pytest.raises(hdf5.UnreadableError, match=r"is damaged \(HDF5 fails on it\)"),
    ):
        hdf5.read(file)


def test_attributes_are_texts_of_the_size_of_names(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "MOST_TEXTS", 3)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["none"] = np.zeros(0)
        file.attrs["one"] = "conv2d"
        file.attrs["fixed"] = np.array([b"a", b"\xc3\xa9"])
        file.attrs["variable"] = ["a", "é"]
        file.attrs["many"] = ["a"] * 4
        file.attrs["numbers"] = [1, 2]
        file.attrs["long"] = "x" * (hdf5.LONGEST_TEXT + 1)
        file.attrs.create("large", np.array([b"x"] * 3, "S20000"))
        monkeypatch.setattr(hdf5, "LARGEST_TEXTS", 20_000)
        assert hdf5.texts(file, "missing") is None
        assert hdf5.texts(file, "none") == ()
        assert hdf5.texts(file, "one") == ("conv2d",)
        assert hdf5.texts(file, "fixed") == hdf5.texts(file, "variable") == ("a", "é")
        for name, fault in [
            *[(name, "too large for names") for name in ("many", "large")],
            ("numbers", "that is not text"),
            ("long", "of 1,001 characters"),
        ]:
            with pytest.raises(hdf5.UnreadableError, match=fault):
                hdf5.texts(file, name)


def test_a_file_of_many_objects_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "MOST_OBJECTS", 10)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for n in range(11):
            file[f"a/{n}"] = n
    with (
        (tmp_path / "x.h5").open("rb") as content,
        pytest.raises(hdf5.UnreadableError, match="more than 10 groups and arrays"),
    ):
        hdf5.tree(content)


def test_a_file_is_read_again_once_it_has_changed(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(hdf5, "_read", lambda file: asked.append(file) or hdf5.tree(file))
    path = tmp_path / "a.h5"
    for name, reads in ("x", 1), ("y", 2):
        with h5py.File(path, "a") as file:
            file[name] = VALUES
        for _ in range(2):
            with path.open("rb") as file:
                found = hdf5.read(file)
        assert name in found.arrays
        assert len(asked) == reads
