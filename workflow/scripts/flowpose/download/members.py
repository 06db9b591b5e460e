"""Files and folders out of a download: as they came, or out of an archive that came."""

import difflib
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from flowpose.download.manifest import NAME, check_name, check_whole, read_manifest, write_manifest
from flowpose.errors import InputError
from flowpose.storage.whole_files import replacing, sha256

_ARCHIVES = (".zip", ".whl")
_AGAIN = "fetch it again, with --forcerun fetch_download"


def take_member(path: Path, fetched: Path, member: str) -> None:
    """Put one file of what was fetched to `path`.

    Args:
        path: where to put it, wherever an archive says it belongs.
        fetched: the folder of what came, with its manifest.
        member: the file's name in that folder, or in an archive there.

    Raises:
        FlowposeError: there is no such file, or it is damaged.
    """
    with _files(fetched) as files:
        if member not in files:
            raise InputError(f"{fetched}: has no file {member}; {_those_like(member, files)}")
        _put(path, files[member])


def take_folder(manifest: Path, fetched: Path, folder: str) -> None:
    """Put all files in one folder of what was fetched beside a manifest of them.

    Args:
        manifest: where to write it; the files come beside it.
        fetched: the folder of what came, with its manifest.
        folder: its name in that folder, or in an archive there; empty: all that came, archives
            unpacked.

    Raises:
        FlowposeError: there is no such folder, one of its files leads out of it or is damaged.
    """
    prefix = f"{folder}/" if folder else ""
    with _files(fetched) as files:
        taken = {
            check_name(name.removeprefix(prefix), fetched): name
            for name in files
            if name.startswith(prefix) and not name.endswith(_ARCHIVES)
        }
        if not taken:
            folders = {name.rpartition("/")[0] for name in files} - {""}
            raise InputError(f"{fetched}: has no folder {folder}; {_those_like(folder, folders)}")
        for inside, name in taken.items():
            _put(manifest.parent / inside, files[name])
    write_manifest(manifest, {name: sha256(manifest.parent / name) for name in taken})


@contextmanager
def _files(fetched: Path) -> Iterator[Mapping[str, Callable[[], IO[bytes]]]]:
    """All files that came, and all in the archives among them: by name, what opens each."""
    digests = read_manifest(fetched / NAME)
    files: dict[str, Callable[[], IO[bytes]]] = {
        name: partial(_open_whole, fetched / name, digest) for name, digest in digests.items()
    }
    with ExitStack() as stack:
        for path in (fetched / name for name in digests if name.endswith(_ARCHIVES)):
            try:
                archive = stack.enter_context(zipfile.ZipFile(path))
            except (OSError, zipfile.BadZipFile) as error:
                raise InputError(f"{path}: no zip archive: {error} ({_AGAIN})") from error
            for item in archive.infolist():
                if not item.is_dir():
                    files.setdefault(item.filename, partial(archive.open, item))
        yield files


def _open_whole(path: Path, digest: str) -> IO[bytes]:
    check_whole(path, digest, _AGAIN)
    return path.open("rb")


def _put(path: Path, opened: Callable[[], IO[bytes]]) -> None:
    try:
        with opened() as source, replacing(path) as whole, whole.open("wb") as target:
            shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: its archive is damaged: {error} ({_AGAIN})") from error


def _those_like(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.3)
    return f"it has {len(list(names))}, such as {close}"
