"""Reading pickled arrays and tensors without running what a pickle may contain.

The estimates and labels of the field are npz files of pickled dictionaries, of NumPy arrays and
often of CUDA tensors. Unpickling calls whatever a file names, with whatever it gives it. Here it
may name only the few functions that rebuild arrays and tensors, and what it gives them is checked:
NumPy itself would make pointers of any bytes. Tensors come to the CPU. PyTorch
takes seconds to import: only a file that has tensors does it.
"""

import io
import math
import pickle
import re
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any, ClassVar, NoReturn

import numpy as np

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


def _refuse(what: str) -> NoReturn:
    raise pickle.UnpicklingError(f"refused: {what}")


# Stands for NumPy's class of arrays, which only `_empty_array` takes.
_NDARRAY = object()
# Booleans, numbers, text and objects; neither records nor dates.
_PLAIN_DTYPE = re.compile(r"[<>|=]?([?biufcSUO]\d{0,6}|[BhHIlLqQedgFDG])")


def _dtype(spec: Any, *_: Any) -> np.dtype:
    """A copy of a plain dtype: what a pickle says of it further must not change NumPy's own."""
    if not isinstance(spec, str) or not _PLAIN_DTYPE.fullmatch(spec):
        _refuse(f"a dtype of {spec!r}")
    return np.dtype(spec, copy=True)


def _empty_array(kind: Any, *_: Any) -> np.ndarray:
    """What a pickle then fills (see `_fill`)."""
    if kind is not _NDARRAY:
        _refuse(f"an array of class {kind!r}")
    return np.empty(0, "b")


def _fill(array: Any, state: Any) -> None:
    """Give an array its shape, dtype and content, if these fit each other."""
    match state:
        case (int(), tuple() as shape, np.dtype() as dtype, fortran, raw) if array.size == 0:
            _check_content(shape, dtype, raw)
            array.__setstate__((1, shape, dtype, bool(fortran), raw))
        case _:
            _refuse("an array without shape, dtype and content, or filled twice")


def _check_content(shape: tuple, dtype: np.dtype, raw: Any) -> None:
    whole = all(type(side) is int and side >= 0 for side in shape) and len(shape) <= _MOST_AXES
    count = math.prod(shape) if whole else -1
    if dtype.hasobject:
        fits = isinstance(raw, list) and len(raw) == count
    else:
        fits = isinstance(raw, bytes | bytearray) and len(raw) == count * dtype.itemsize
    if not whole or not fits:
        _refuse(f"an array of shape {shape!r} and {dtype!r} that its content does not fill")


def _order_bytes(dtype: Any, state: Any) -> None:
    """Give a dtype its byte order; of the rest of its state, flags among it, it keeps its own."""
    version, own, *rest = dtype.__reduce__()[2]
    orders = "|" if own == "|" else "<>="
    match state:
        case (_, str() as order, None, None, None, *_) if order in orders and len(order) == 1:
            dtype.__setstate__((version, order, *rest))
        case _:
            _refuse(f"a dtype with {state!r}")


def _scalar(dtype: Any, raw: Any = None) -> object:
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        _refuse(f"a number of {dtype!r}")
    _check_content((), dtype, raw)
    return _NUMPY_SCALAR(dtype, raw)


def _array_of_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(dtype, np.dtype) or dtype.hasobject or not isinstance(shape, tuple):
        _refuse(f"an array of {dtype!r}, shape {shape!r}")
    _check_content(shape, dtype, raw)
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if order == "F" else "C")


def _load_storage(data: Any) -> object:
    if not isinstance(data, bytes):
        _refuse("a tensor's storage that is no bytes")
    import torch

    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> object:
    """A tensor of a storage that holds all of it; whether it wants gradients is of no interest."""
    import torch

    if not isinstance(storage, torch.storage.TypedStorage) or not isinstance(size, tuple):
        _refuse("a tensor without storage or size")
    whole = isinstance(stride, tuple) and len(size) == len(stride) <= _MOST_AXES
    if not whole or not all(type(n) is int and n >= 0 for n in (offset, *size, *stride)):
        _refuse(f"a tensor of size {size!r} and stride {stride!r}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and last >= storage._size():
        _refuse("a tensor larger than its storage")
    return torch._utils._rebuild_tensor(storage, offset, size, stride)


def _size(sides: Any) -> tuple:
    """A tensor's size, which is a tuple to all that may follow."""
    if not isinstance(sides, tuple):
        _refuse(f"a size of {sides!r}")
    return sides


def _encode_latin1(text: Any, encoding: Any) -> bytes:
    """How protocol 2 of pickle stores bytes."""
    if not isinstance(text, str) or encoding != "latin1":
        _refuse(f"text encoded as {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """How protocol 2 of pickle stores none."""
    return b""


# NumPy has no limit of its own that is lower, and PyTorch needs none as high.
_MOST_AXES = 32
_NUMPY_SCALAR: Any = np.float64(0).__reduce__()[0]
# What a pickle of arrays and tensors names, by module and name.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _dtype,
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.storage", "_load_from_bytes"): _load_storage,
    ("torch", "Size"): _size,
    ("_codecs", "encode"): _encode_latin1,
    ("__builtin__", "bytes"): _no_bytes,
}
# NumPy 2 renamed the module that NumPy 1 pickles name.
for _core in ("core", "_core"):
    _ALLOWED[f"numpy.{_core}.multiarray", "_reconstruct"] = _empty_array
    _ALLOWED[f"numpy.{_core}.multiarray", "scalar"] = _scalar
    _ALLOWED[f"numpy.{_core}.numeric", "_frombuffer"] = _array_of_buffer


_INSTANCES = (pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX)


class _Unpickler(pickle._Unpickler):
    """In Python, as the one in C fills memory for a few bytes of a bad pickle."""

    stack: list

    def __init__(self, stream: IO[bytes] | io.BufferedIOBase, path: Path | str) -> None:
        super().__init__(stream)
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise InputError(
                f"{self._path}: refused: the file names {module}.{name}, which is no part of "
                "arrays or tensors and could run code (get the file from a source you trust)"
            ) from None

    def load_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        if not any(function is allowed for allowed in _ALLOWED.values() if callable(allowed)):
            _refuse(f"a call of {type(function).__name__}")
        self.stack[-1] = function(*arguments)

    def load_build(self) -> None:
        state, built = self.stack.pop(), self.stack[-1]
        if isinstance(built, np.ndarray):
            _fill(built, state)
        elif isinstance(built, np.dtype):
            _order_bytes(built, state)
        elif not (isinstance(built, OrderedDict) and not state):
            _refuse(f"a state of {type(built).__name__}")

    def load_instance(self) -> None:
        _refuse("an object of a class")

    dispatch: ClassVar[dict] = dict(pickle._Unpickler.dispatch) | {
        pickle.REDUCE[0]: load_reduce,
        pickle.BUILD[0]: load_build,
        **dict.fromkeys((c[0] for c in _INSTANCES), load_instance),
    }
