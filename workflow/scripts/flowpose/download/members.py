"""Files and folders out of a download: as they came, or out of an archive that came."""

import difflib
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from flowpose.download.manifest import NAME, check_name, read_manifest, write_manifest
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
    there = _members(fetched, digests)
    if member not in there:
        close = difflib.get_close_matches(member, there, n=3, cutoff=0.3)
        raise InputError(f"{fetched}: has no file {member}; it has {len(there)}, such as {close}")
    _put(path, fetched, member, there[member], digests)


def take_folder(manifest: Path, fetched: Path, folder: str) -> None:
    """Put all files in one folder of what was fetched beside a manifest of them.

    Args:
        manifest: where to write it; the files come beside it.
        fetched: the folder of what came, with its manifest.
        folder: its name in that folder, or in an archive there.

    Raises:
        InputError: there is no such folder, one of its files leads out of it or is damaged.
    """
    digests = read_manifest(fetched / NAME)
    there = _members(fetched, digests)
    prefix = f"{folder}/"
    names = [name for name in there if name.startswith(prefix) and not name.endswith("/")]
    if not names:
        folders = sorted({name.rpartition("/")[0] for name in there} - {""})
        close = difflib.get_close_matches(folder, folders, n=3, cutoff=0.3)
        raise InputError(
            f"{fetched}: has no folder {folder}; it has {len(folders)}, such as {close}"
        )
    taken = {}
    for name in names:
        inside = check_name(name.removeprefix(prefix), fetched)
        path = manifest.parent / inside
        _put(path, fetched, name, there[name], digests)
        taken[inside] = sha256(path)
    write_manifest(manifest, taken)


def _members(fetched: Path, digests: Mapping[str, str]) -> dict[str, Path | None]:
    """By name, all that was fetched; and what is in archives of it, with the archive."""
    there: dict[str, Path | None] = {}
    for archive in (fetched / name for name in digests if name.endswith(_ARCHIVES)):
        there |= {name: archive for name in _names(archive) if name not in there}
    return there | dict.fromkeys(digests)


def _put(
    path: Path, fetched: Path, member: str, archive: Path | None, digests: Mapping[str, str]
) -> None:
    """Put a file that came, or one out of an archive that came, to `path`."""
    if archive is None:
        _check_whole(fetched / member, digests[member])
        _link(path, fetched / member)
    else:
        unpack_member(path, archive, member)


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
