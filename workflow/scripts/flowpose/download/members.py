"""Single files out of a download: as they came, or out of an archive that came."""

import difflib
import os
import shutil
import zipfile
from pathlib import Path

from flowpose.download.manifest import NAME, read_manifest
from flowpose.errors import InputError, check
from flowpose.storage.whole_files import replacing, sha256

_ARCHIVES = (".zip", ".whl")


def take_member(path: Path, fetched: Path, member: str) -> None:
    """Put one file of what was fetched to `path`.

    Args:
        path: where to put it.
        fetched: the folder of what came, with its manifest.
        member: the file's name in that folder, or in an archive there.

    Raises:
        InputError: there is no such file, or it is damaged.
    """
    digests = read_manifest(fetched / NAME)
    if member in digests:
        _check_whole(fetched / member, digests[member])
        _link(path, fetched / member)
        return
    names = list(digests)
    for archive in (fetched / name for name in digests if name.endswith(_ARCHIVES)):
        inside = _names(archive)
        if member in inside:
            unpack_member(path, archive, member)
            return
        names += inside
    close = difflib.get_close_matches(member, names, n=3, cutoff=0.3)
    raise InputError(f"{fetched}: has no file {member}; it has {len(names)}, such as {close}")


def unpack_member(path: Path, archive: Path, member: str) -> None:
    """Write one file of a zip archive to `path`, wherever the archive says it belongs.

    Raises:
        InputError: the archive is none, is damaged, or has no such file.
    """
    try:
        with (
            zipfile.ZipFile(archive) as contents,
            contents.open(member) as source,
            replacing(path) as temporary,
            temporary.open("wb") as target,
        ):
            shutil.copyfileobj(source, target)
    except KeyError as error:
        raise InputError(f"{archive}: has no file {member}") from error
    except zipfile.BadZipFile as error:
        raise InputError(f"{archive}: no zip archive: {error}") from error


def _names(archive: Path) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as contents:
            return contents.namelist()
    except zipfile.BadZipFile as error:
        raise InputError(f"{archive}: no zip archive: {error}") from error


def _check_whole(path: Path, digest: str) -> None:
    check(
        path.is_file() and sha256(path) == digest,
        path,
        "missing, or not as it came",
        "fetch this download again",
    )


def _link(path: Path, source: Path) -> None:
    """The same file at another place; a copy where the disk cannot do that."""
    with replacing(path) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
        # A file that is newer than what it is made from, as build tools want it.
        os.utime(temporary)
