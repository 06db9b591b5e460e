"""Pickles are read without running what they name."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from flowpose.errors import InputError
from flowpose.storage.safe_pickle import read_pickled


class Command:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def save(path, value):
    wrapped = np.empty((), object)
    wrapped[()] = value
    np.savez(path, results=wrapped)


def test_arrays_tensors_and_what_holds_them_come_back(tmp_path):
    value = {0: [np.arange(6.0).reshape(2, 3), {"scale": np.float64(0.5), "size": 224}], "s": "x"}
    value[1] = torch.arange(4, dtype=torch.float32).reshape(2, 2)[:, 1]
    save(tmp_path / "good.npz", value)
    read = read_pickled(tmp_path / "good.npz", "results")
    np.testing.assert_array_equal(read[0][0], value[0][0])
    assert read[0][1] == {"scale": 0.5, "size": 224}
    assert torch.equal(read[1], torch.tensor([1.0, 3.0])) and read["s"] == "x"


def test_a_command_is_refused_and_not_run(tmp_path):
    save(tmp_path / "evil.npz", {0: Command(tmp_path / "ran")})
    with pytest.raises(InputError, match=r"evil.npz: refused: the file names \w+\.system"):
        read_pickled(tmp_path / "evil.npz", "results")
    assert not (tmp_path / "ran").exists()


def test_a_command_inside_a_tensor_is_refused_and_not_run(tmp_path):
    """Tensors hold an archive of their own, which is no way around."""
    torch.save(Command(tmp_path / "ran"), tmp_path / "inner", _use_new_zipfile_serialization=False)
    data = (tmp_path / "inner").read_bytes()

    class Storage:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (data,)

    save(tmp_path / "evil.npz", Storage())
    with pytest.raises(InputError, match=r"evil\.npz"):
        read_pickled(tmp_path / "evil.npz", "results")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no npz file"), (b"PK\x03\x04 cut short", "no npz file"), (None, "no such file")],
)
def test_what_is_no_npz_is_named(tmp_path, content, message):
    path = tmp_path / "bad.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=rf"bad\.npz: {message}"):
        read_pickled(path, "results")


def test_a_missing_entry_and_a_plain_array_are_named(tmp_path):
    np.savez(tmp_path / "plain.npz", other=np.zeros(3))
    with pytest.raises(InputError, match=r"plain\.npz: expected an entry results"):
        read_pickled(tmp_path / "plain.npz", "results")
    with pytest.raises(InputError, match=r"plain\.npz: other: expected one pickled object"):
        read_pickled(tmp_path / "plain.npz", "other")
