"""The HDF5 files that pass between stages: written whole or not at all, checked when read.

A file explains itself: every dataset carries its axes and unit, the root carries the version, the
parameters and the digests of code and inputs that made it. One chunk a frame, shuffled,
compressed with gzip and guarded by checksums, so that any HDF5 reader opens it.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path

import h5py
import numpy as np

from flowpose.errors import InputError, check
from flowpose.storage.provenance import Provenance
from flowpose.storage.whole_files import damage_named, opened_for_hdf5, replacing
from flowpose.version import __version__

_FAILED = "failed"
GZIP_LEVEL = 4


@contextmanager
def create(path: Path | str, provenance: Provenance) -> Iterator[h5py.File]:
    """A new stage file to fill, which appears at `path` once it is complete."""
    # Since this version of the format, HDF5 guards its own structures with checksums too.
    with (
        replacing(path) as temporary,
        opened_for_hdf5(temporary) as stream,
        h5py.File(stream, "w", libver="v110") as h5,
    ):
        set_text(h5, "flowpose_version", __version__)
        for name, value in asdict(provenance).items():
            set_text(
                h5, name, value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            )
        yield h5


def read_provenance(h5: h5py.File) -> Provenance:
    """What made an open stage file."""
    texts = {field.name: text(h5, field.name) for field in fields(Provenance)}
    plain = ("stage", "code")
    return Provenance.from_json(
        {name: value if name in plain else json.loads(value) for name, value in texts.items()}
    )


def write_failure(path: Path | str, provenance: Provenance, message: str) -> None:
    """A stage file that says only why it could not be made; reading it raises that message."""
    with create(path, provenance) as h5:
        set_text(h5, _FAILED, message)


def failure(path: Path | str) -> str | None:
    """Why a stage file could not be made, or None if it was."""
    try:
        with opened(path):
            return None
    except StageError as error:
        return str(error)


class StageError(InputError):
    """The file of a stage that failed, or whose input did."""


@contextmanager
def opened(path: Path | str) -> Iterator[h5py.File]:
    """A stage file to read.

    Raises:
        InputError: the file is missing or damaged.
        StageError: it stands for a stage that failed.
    """
    check(Path(path).is_file(), path, "no such file", "run the workflow to make it")
    with damage_named(path):
        h5 = h5py.File(path, "r")
    with h5:
        if _FAILED in h5.attrs:
            raise StageError(text(h5, _FAILED))
        yield h5


def add(
    h5: h5py.Group,
    name: str,
    values: np.ndarray,
    *,
    axes: str,
    unit: str = "",
    joints: Sequence[str] = (),
) -> None:
    """Store an array with its axes' names (`"frame joint xy"`), unit and joints."""
    values = np.asarray(values)
    dataset = _dataset(h5, name, values.shape, values.dtype, axes, unit, joints)
    dataset[...] = values


def add_stream(
    h5: h5py.Group,
    name: str,
    shape: tuple[int | None, ...],
    dtype: str,
    *,
    axes: str,
    unit: str = "",
) -> h5py.Dataset:
    """An array to be filled frame by frame; where their number is None, it is empty and grows."""
    return _dataset(h5, name, shape, np.dtype(dtype), axes, unit, ())


def read(h5: h5py.Group, name: str, shape: tuple[int | None, ...] | None = None) -> np.ndarray:
    """A stored array, whose shape is checked where given (None: any length)."""
    where = f"{h5.file.filename}: {name}"
    check(name in h5, where, "no such dataset", "delete the file, and run the workflow again")
    dataset = h5[name]
    fits = shape is None or (
        len(shape) == dataset.ndim
        and all(want in (None, have) for want, have in zip(shape, dataset.shape, strict=True))
    )
    check(fits, where, f"expected shape {shape}, found {dataset.shape}")
    with damage_named(h5.file.filename):
        return np.asarray(dataset[()])


def text(item: h5py.Group | h5py.Dataset, name: str) -> str:
    """A text attribute of a stage file or of an array in it."""
    return item.attrs[name].decode()


def set_text(item: h5py.Group | h5py.Dataset, name: str, value: str) -> None:
    """Write a text attribute, which `text` reads."""
    # Of fixed length: HDF5 keeps strings of variable length where no checksum guards them.
    encoded = value.encode()
    dtype = h5py.string_dtype("utf-8", max(1, len(encoded)))
    item.attrs.create(name, np.array(encoded, dtype))


def joint_names(h5: h5py.Group, name: str) -> tuple[str, ...]:
    """The joints along the joint axis of a stored array."""
    return tuple(text(h5[name], "joints").split())


def _dataset(
    h5: h5py.Group,
    name: str,
    shape: tuple[int | None, ...],
    dtype: np.dtype,
    axes: str,
    unit: str,
    joints: Sequence[str],
) -> h5py.Dataset:
    names = axes.split()
    if len(names) != len(shape):
        raise ValueError(f"{name}: {len(names)} axes named for an array of shape {shape}")
    filters = {"compression": "gzip", "compression_opts": GZIP_LEVEL}
    filters |= {"shuffle": True, "fletcher32": True}
    chunks = (1, *shape[1:]) if len(shape) > 2 else shape
    start = tuple(n or 0 for n in shape)
    dataset = h5.create_dataset(
        name,
        start,
        dtype,
        maxshape=shape if None in shape else None,
        **(filters | {"chunks": chunks} if 0 not in shape and shape else {}),
    )
    set_text(dataset, "axes", axes)
    set_text(dataset, "unit", unit)
    if joints:
        set_text(dataset, "joints", " ".join(joints))
    return dataset
