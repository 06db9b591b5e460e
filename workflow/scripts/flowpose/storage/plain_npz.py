"""Reading npz files of plain arrays."""

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from flowpose.errors import InputError, check

Arrays = dict[str, np.ndarray]


def read_npz(path: Path | str) -> Arrays:
    """All arrays of an npz; arrays of Python objects are refused, as they could run code."""
    check(Path(path).is_file(), path, "no such file")
    try:
        data = np.load(path, allow_pickle=False)
        if not isinstance(data, np.lib.npyio.NpzFile):
            raise ValueError("it is a single array")
        with data:
            return dict(data)
    except (ValueError, OSError, EOFError, BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: no npz file of plain arrays: {error}") from error


def field(data: Arrays, path: Path | str, name: str) -> np.ndarray:
    """An array of an npz."""
    check(name in data, path, f"expected an array {name}, found {', '.join(data)}")
    return data[name]


def names(data: Arrays, path: Path | str, name: str) -> tuple[str, ...]:
    """The texts of an array of an npz, also of one that holds them as bytes."""
    found = field(data, path, name).ravel().tolist()
    return tuple(
        text.decode(errors="replace") if isinstance(text, bytes) else str(text) for text in found
    )


def camera_index(data: Arrays, path: Path | str, camera: str) -> int:
    """Where a camera stands along the first axis of an npz's arrays."""
    cameras = [str(name) for name in field(data, path, "cameras")]
    check(camera in cameras, path, f"expected camera {camera}, found {', '.join(cameras)}")
    return cameras.index(camera)
