"""Files that are written whole or not at all, and damage that is noticed."""

import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any

from flowpose.errors import FlowposeError, InputError, check

# Bytes: less than that free, a write that failed did so for want of room.
_ALMOST_NOTHING = 100_000


def sha256(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's content, or of the names and contents of a folder's files."""
    if Path(path).is_dir():
        # Snakemake keeps a file of its own in folders, a hidden one.
        names = sorted(file.name for file in Path(path).glob("[!.]*"))
        listing = "".join(f"{sha256(Path(path) / name)}  {name}\n" for name in names)
        return hashlib.sha256(listing.encode()).hexdigest()
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
        with _full_disk_named(path):
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path | str) -> Iterator[Path]:
    """An empty folder to fill in place of that at `path`, which it replaces once all is written.

    Raises:
        FlowposeError: the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        with _full_disk_named(path):
            yield temporary
            shutil.rmtree(path, ignore_errors=True)
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _full_disk_named(path: Path) -> Iterator[None]:
    """Turn a failure to write for want of room into an error that says so."""
    try:
        yield
    except Exception as error:
        free = shutil.disk_usage(path.parent).free
        # HDF5 and PyTorch do not tell a full disk from other failures to write.
        if free < _ALMOST_NOTHING or getattr(error, "errno", None) in (ENOSPC, EDQUOT):
            raise FlowposeError(
                f"{path}: the disk is full ({free} bytes free): "
                "make room, or set results to a folder elsewhere, then run the same again"
            ) from error
        raise


class _PatientFile(io.FileIO):
    """Takes what a full disk refuses and remembers the error: HDF5 may crash when a write fails."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        left = memoryview(data).cast("B")
        while left and self.error is None:
            try:
                left = left[super().write(left) :]
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes


@contextmanager
def opened_for_hdf5(path: Path) -> Iterator[io.FileIO]:
    """A file for HDF5 to write; raises at the end if not all could be written."""
    with _PatientFile(path, "w+") as stream:
        yield stream
        if stream.error:
            raise stream.error


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, where its file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


@contextmanager
def damage_named(path: Path | str) -> Iterator[None]:
    """Turn errors at data that are not what was written into one that names the file.

    Raises:
        InputError: the file is damaged.
        FlowposeError: the machine does not let it be read.
    """
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, zipfile.BadZipFile) as error:
        # HDF5 does not tell damage from a disk that fails.
        check_readable(path)
        raise InputError(
            f"{path}: damaged: {error} (delete it, and run the workflow to make it again)"
        ) from error


def check_readable(path: Path | str) -> None:
    """Read a file, if there is one, to the end.

    Raises:
        FlowposeError: the machine does not let it be read.
    """
    try:
        sha256(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise FlowposeError(
            f"{path}: cannot be read: {error.strerror} (look to its disk and permissions)"
        ) from error
