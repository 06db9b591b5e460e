import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.storage.plain_npz import camera_index, field, read_npz


def test_arrays_come_back(tmp_path, rng):
    points = rng.normal(size=(2, 3))
    np.savez(tmp_path / "a.npz", points=points, cameras=["left", "right"])
    data = read_npz(tmp_path / "a.npz")
    np.testing.assert_array_equal(field(data, "a.npz", "points"), points)
    assert camera_index(data, "a.npz", "right") == 1


def test_a_missing_file_array_or_camera_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.npz: no such file"):
        read_npz(tmp_path / "none.npz")
    data = {"cameras": np.array(["left"]), "R": np.eye(3)}
    with pytest.raises(InputError, match=r"a.npz: expected an array K, found cameras, R"):
        field(data, "a.npz", "K")
    with pytest.raises(InputError, match=r"a.npz: expected camera right, found left"):
        camera_index(data, "a.npz", "right")


@pytest.mark.parametrize("content", [b"", b"no npz", b"PK\x03\x04 no npz"])
def test_a_file_of_something_else_is_named(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"a.npz: no npz file of plain arrays"):
        read_npz(tmp_path / "a.npz")


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"a.npy: no npz file of plain arrays"):
        read_npz(tmp_path / "a.npy")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_file_is_named(tmp_path, save, rng):
    path = tmp_path / "a.npz"
    save(path, points=rng.integers(0, 9, (30, 30)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a.npz: no npz file of plain arrays"):
        read_npz(path)


def test_python_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", results=np.array({"a": 1}, dtype=object))
    with pytest.raises(InputError, match=r"a.npz: no npz file of plain arrays"):
        read_npz(tmp_path / "a.npz")
