"""Reading pickled arrays and tensors without running what a pickle may contain.

The estimates and labels of the field are npz files of pickled dictionaries, of NumPy arrays and
often of CUDA tensors. Unpickling runs whatever functions a file names; here it may name only the
few that rebuild arrays and tensors, and tensors come to the CPU.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from flowpose.errors import InputError, check


def read_pickled(path: Path | str, name: str) -> object:
    """The object that an npz holds under a name, as `np.savez(path, name=object)` stores it.

    Returns:
        Dictionaries, lists, numbers, strings, NumPy arrays and CPU tensors, nested.

    Raises:
        InputError: the file is no npz or has no such entry, or it names anything else to be
            run, which is not run.
    """
    check(Path(path).is_file(), path, "no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member.removesuffix(".npy") for member in archive.namelist()]
            check(name in members, path, f"expected an entry {name}, found {', '.join(members)}")
            with archive.open(f"{name}.npy") as stream:
                pickled = _read_object(stream, path, name)
                # To the end, where the checksum is.
                stream.read()
    except InputError:
        raise
    except Exception as error:
        # A damaged file or pickle may bring anything about.
        raise InputError(f"{path}: no npz file that can be read: {error!r}") from error
    return pickled.item() if isinstance(pickled, np.ndarray) else pickled


def _read_object(stream: IO[bytes] | io.BufferedIOBase, path: Path | str, name: str) -> object:
    """The one object of an array of objects, which is what NumPy wraps others in."""
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, _, dtype = read_header(stream)
    check(
        dtype.hasobject and shape == (),
        f"{path}: {name}",
        f"expected one pickled object, found an array of {dtype}, shape {shape}",
    )
    return _Unpickler(stream, path).load()


def _load_storage(data: bytes) -> object:
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _allowed() -> dict[tuple[str, str], Any]:
    """What a pickle of arrays and tensors names, by module and name."""
    reconstruct = np.zeros(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    frombuffer = np.zeros(1).__reduce_ex__(5)[0]
    names: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
        ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
        ("torch.storage", "_load_from_bytes"): _load_storage,
        ("torch", "Size"): torch.Size,
        ("_codecs", "encode"): _encode_latin1,
    }
    # NumPy 2 renamed the module that NumPy 1 pickles name.
    for core in ("core", "_core"):
        names[f"numpy.{core}.multiarray", "_reconstruct"] = reconstruct
        names[f"numpy.{core}.multiarray", "scalar"] = scalar
        names[f"numpy.{core}.numeric", "_frombuffer"] = frombuffer
    return names


def _encode_latin1(text: str, encoding: str) -> bytes:
    """How protocol 2 of pickle stores bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text encoded as {encoding}")
    return text.encode("latin1")


class _Unpickler(pickle.Unpickler):
    _ALLOWED = _allowed()

    def __init__(self, stream: IO[bytes] | io.BufferedIOBase, path: Path | str) -> None:
        super().__init__(stream)
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise InputError(
                f"{self._path}: refused: the file names {module}.{name}, which is no part of "
                "arrays or tensors and could run code (get the file from a source you trust)"
            ) from None
