"""The HDF5 files that pass between stages: written whole or not at all, checked when read.

A file explains itself: every dataset carries its axes and unit, the root carries the version, the
parameters and the digests of code and inputs that made it. One chunk a frame, shuffled,
compressed with gzip and guarded by checksums, so that any HDF5 reader opens it.
"""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from errno import EDQUOT, ENOSPC
from pathlib import Path

import h5py
import numpy as np

from flowpose import __version__
from flowpose.errors import FlowposeError, InputError, check

_FAILED = "failed"
GZIP_LEVEL = 4
# Bytes: less than that free, a write that failed did so for want of room.
_ALMOST_NOTHING = 100_000


@dataclass(frozen=True)
class Provenance:
    """What made a file.

    Attributes:
        stage: name of the step.
        parameters: the settings it ran with.
        threads: how many it ran on; results differ in their last digits by that.
        code: digest of its code.
        inputs: SHA-256 of each input file, by path.
    """

    stage: str
    parameters: Mapping[str, object]
    threads: int
    code: str
    inputs: Mapping[str, str]


def sha256(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A path to write to in place of `path`, which it replaces once all is written and on disk.

    If the body fails, `path` is left as it was and what was written is removed.

    Raises:
        FlowposeError: the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name, so that what a killed job left is overwritten by the next.
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except Exception as error:
        free = shutil.disk_usage(path.parent).free
        # HDF5 and PyTorch do not tell a full disk from other failures to write.
        if free < _ALMOST_NOTHING or getattr(error, "errno", None) in (ENOSPC, EDQUOT):
            raise FlowposeError(
                f"{path}: the disk is full ({free} bytes free): "
                "make room, or set results to a folder elsewhere, then run the same again"
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def check_zip(path: Path | str) -> None:
    """Compare the content of a zip archive, as PyTorch writes them, with its checksums.

    PyTorch itself does not: it loads weights with flipped bytes.

    Raises:
        InputError: the archive is damaged.
    """
    if zipfile.is_zipfile(path):
        with damage_named(path), zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        check(damaged is None, path, f"damaged: {damaged}", "delete it, and make or fetch it again")


class _PatientFile(io.FileIO):
    """Takes what a full disk refuses and remembers the error: HDF5 may crash when a write fails."""

    error: OSError | None = None

    def write(self, data: bytes | memoryview, /) -> int:  # type: ignore[override]
        left = memoryview(data).cast("B")
        while left and self.error is None:
            try:
                left = left[super().write(left) :]
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes


@contextmanager
def _whole(path: Path) -> Iterator[io.FileIO]:
    """A file for HDF5 to write; raises at the end if not all could be written."""
    with _PatientFile(path, "w+") as stream:
        yield stream
        if stream.error:
            raise stream.error


@contextmanager
def create(path: Path | str, provenance: Provenance) -> Iterator[h5py.File]:
    """A new stage file to fill, which appears at `path` once it is complete."""
    # Since this version of the format, HDF5 guards its own structures with checksums too.
    with (
        replacing(path) as temporary,
        _whole(temporary) as stream,
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
    return Provenance(
        stage=texts["stage"],
        parameters=json.loads(texts["parameters"]),
        threads=json.loads(texts["threads"]),
        code=texts["code"],
        inputs=json.loads(texts["inputs"]),
    )


def write_record(path: Path | str, provenance: Provenance, outputs: Iterable[Path | str]) -> None:
    """Write down what made files that have no place for it themselves, and their digests."""
    digests = {str(output): sha256(output) for output in outputs}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(provenance) | {"outputs": digests}, indent=1))


def read_record(path: Path | str, output: Path | str) -> Provenance:
    """What made a file that is not HDF5.

    Raises:
        InputError: there is no record of it, or the file is not as it was written.
    """
    check(Path(path).is_file(), path, f"no such file: nothing tells how {output} was made")
    with damage_named(path):
        record = json.loads(Path(path).read_text())
        digest = record.pop("outputs")[str(output)]
    check(sha256(output) == digest, output, "its content is not what was written")
    return Provenance(**record)


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


@contextmanager
def damage_named(path: Path | str) -> Iterator[None]:
    """Turn HDF5's errors at data that do not match their checksum into one that names the file."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: damaged: {error} (delete it, and run the workflow to make it again)"
        ) from error


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
    h5: h5py.Group, name: str, shape: tuple[int, ...], dtype: str, *, axes: str, unit: str = ""
) -> h5py.Dataset:
    """An array to be filled frame by frame."""
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
        return dataset[()]


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
    shape: tuple[int, ...],
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
    dataset = h5.create_dataset(
        name, shape, dtype, **(filters | {"chunks": chunks} if 0 not in shape and shape else {})
    )
    set_text(dataset, "axes", axes)
    set_text(dataset, "unit", unit)
    if joints:
        set_text(dataset, "joints", " ".join(joints))
    return dataset
