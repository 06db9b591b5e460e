"""Pickles are read without running what they name."""

import io
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from flowpose.errors import InputError
from flowpose.storage.safe_pickle import _Unpickler, read_pickled


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


class Calls:
    """Pickles as a call of a function, and what is then given to its result."""

    def __init__(self, function, *arguments, state=None) -> None:
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.call


RECONSTRUCT, SCALAR = np.zeros(0).__reduce__()[0], np.float64(0).__reduce__()[0]
EMPTY = (np.ndarray, (0,), b"b")
FLOAT, OBJECT = np.dtype("f8"), np.dtype("O")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        # Bytes as pointers to objects.
        (Calls(np.ndarray, (1,), OBJECT, b"\x01" * 8), "a call of object"),
        (Calls(RECONSTRUCT, *EMPTY, state=(1, (1,), OBJECT, False, b"\x01" * 8)), "does not fill"),
        (Calls(SCALAR, OBJECT, b"\x01" * 8), "a number of dtype"),
        # More than there is.
        (Calls(RECONSTRUCT, *EMPTY, state=(1, (9,), FLOAT, False, b"\x01" * 8)), "does not fill"),
        (Calls(RECONSTRUCT, *EMPTY, state=(1, (-1,), FLOAT, False, b"")), "does not fill"),
        (Calls(RECONSTRUCT, *EMPTY, state=(1, (1 << 62, 4), FLOAT, False, b"")), "does not fill"),
        (Calls(SCALAR, FLOAT, b"\x01"), "does not fill"),
        # Others than NumPy's arrays, records, and what would change NumPy's own dtypes.
        (Calls(RECONSTRUCT, dict, (0,), b"b"), "builtins.dict"),
        (np.zeros(2, "i4,f8"), "a dtype of 'V12'"),
        (np.zeros(2, "M8[s]"), "a dtype of 'M8'"),
        (Calls(np.dtype, "O", state=(3, "|", None, None, None, 8, 8, 0, {})), None),
        (Calls(np.dtype, "f8", state=(3, "|", None, None, None, -1, -1, 0)), "a dtype with"),
        (Calls(np.dtype, "f8", state=(3, "<", None, ("x",), {}, 8, 8, 0)), "a dtype with"),
    ],
)
def test_what_would_reach_beyond_an_array_is_refused(tmp_path, value, message):
    before = np.dtype("O").flags, np.dtype("f8").byteorder
    save(tmp_path / "evil.npz", value)
    if message is None:
        # Its flags are not taken from the file.
        assert read_pickled(tmp_path / "evil.npz", "results").flags == before[0]
    else:
        with pytest.raises(InputError, match=f"evil.npz: .*{message}"):
            read_pickled(tmp_path / "evil.npz", "results")
    assert (np.dtype("O").flags, np.dtype("f8").byteorder) == before


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path):
    tensor = torch.arange(4.0)
    rebuild, (storage, *_) = tensor.__reduce_ex__(2)
    for size, stride, offset in (((5,), (1,), 0), ((2, 2), (2, 2), 0), ((1,), (1,), 4)):
        save(tmp_path / "evil.npz", Calls(rebuild, storage, offset, size, stride, False, {}))
        with pytest.raises(InputError, match="a tensor larger than its storage"):
            read_pickled(tmp_path / "evil.npz", "results")
    save(tmp_path / "evil.npz", Calls(rebuild, storage, -1, (1,), (1,), False, {}))
    with pytest.raises(InputError, match="a tensor of size"):
        read_pickled(tmp_path / "evil.npz", "results")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.array([True, False]),
        np.array([None, [1], "x"], object),
        np.zeros((0, 3), np.float32),
        np.array(1.5),
    ],
    ids=repr,
)
def test_arrays_of_every_protocol_come_back(array, protocol):
    stream = io.BytesIO(pickle.dumps({"a": array, "b": [array]}, protocol))
    usual = pickle.loads(stream.getvalue())["a"]
    read = _Unpickler(stream, "a.npz").load()
    assert read["a"].dtype == usual.dtype and read["b"][0] is read["a"]
    np.testing.assert_array_equal(read["a"], array)


FUZZ = Path(__file__).with_name("fuzz_pickles.py")


def test_no_pickle_crashes_calls_or_opens_anything():
    """10,000 mutated pickles and made-up streams of opcodes, in a process of their own."""
    done = subprocess.run(
        [sys.executable, FUZZ, "10000"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert re.fullmatch(r"10000 tried, \d+ read\n", done.stdout)
    assert int(done.stdout.split()[2]) > 100, "hardly any was good enough to be read"
