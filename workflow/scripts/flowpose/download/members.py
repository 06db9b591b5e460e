"""Files and folders out of a download: as they came, or out of an archive that came."""

import difflib
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
    with _Fetched.opened(fetched) as there:
        if member not in there.digests and member not in there.archives:
            close = difflib.get_close_matches(member, there.names, n=3, cutoff=0.3)
            raise InputError(
                f"{fetched}: has no file {member}; it has {len(there.names)}, such as {close}"
            )
        there.put(path, member)


def take_folder(manifest: Path, fetched: Path, folder: str) -> None:
    """Put all files in one folder of what was fetched beside a manifest of them.

    Args:
        manifest: where to write it; the files come beside it.
        fetched: the folder of what came, with its manifest.
        folder: its name in that folder, or in an archive there; empty: all that came, archives
            unpacked.

    Raises:
        InputError: there is no such folder, one of its files leads out of it or is damaged.
    """
    with _Fetched.opened(fetched) as there:
        prefix = f"{folder}/" if folder else ""
        names = [name for name in there.names if name.startswith(prefix)]
        if not names:
            folders = sorted({name.rpartition("/")[0] for name in there.names} - {""})
            close = difflib.get_close_matches(folder, folders, n=3, cutoff=0.3)
            raise InputError(
                f"{fetched}: has no folder {folder}; it has {len(folders)}, such as {close}"
            )
        taken = {}
        for name in names:
            inside = check_name(name.removeprefix(prefix), fetched)
            there.put(manifest.parent / inside, name)
            taken[inside] = sha256(manifest.parent / inside)
    write_manifest(manifest, taken)


@dataclass(frozen=True)
class _Fetched:
    """What has come of a download, its archives open.

    Attributes:
        folder: where it is.
        digests: SHA-256 of the files that came, by name.
        archives: by the name of a file in an archive that came, that archive.
    """

    folder: Path
    digests: Mapping[str, str]
    archives: Mapping[str, zipfile.ZipFile]

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator["_Fetched"]:
        """What has come to a folder.

        Raises:
            InputError: an archive is none.
        """
        digests = read_manifest(folder / NAME)
        archives: dict[str, zipfile.ZipFile] = {}
        with ExitStack() as stack:
            for path in (folder / name for name in digests if name.endswith(_ARCHIVES)):
                try:
                    archive = stack.enter_context(zipfile.ZipFile(path))
                except zipfile.BadZipFile as error:
                    raise InputError(f"{path}: no zip archive: {error}") from error
                files = (item.filename for item in archive.infolist() if not item.is_dir())
                archives = dict.fromkeys(files, archive) | archives
            yield cls(folder, digests, archives)

    @property
    def names(self) -> list[str]:
        """Of all files: what came as it came, but archives, and what is in these."""
        plain = [name for name in self.digests if not name.endswith(_ARCHIVES)]
        return [*plain, *(name for name in self.archives if name not in self.digests)]

    def put(self, path: Path, name: str) -> None:
        """Put a file of these to `path`, wherever an archive says it belongs.

        Raises:
            InputError: it is damaged.
        """
        if name in self.digests:
            _check_whole(self.folder / name, self.digests[name])
            _link(path, self.folder / name)
        else:
            _unpack(path, self.archives[name], name)


def _unpack(path: Path, archive: zipfile.ZipFile, member: str) -> None:
    try:
        with (
            archive.open(member) as source,
            replacing(path) as temporary,
            temporary.open("wb") as target,
        ):
            shutil.copyfileobj(source, target)
    except zipfile.BadZipFile as error:
        raise InputError(f"{archive.filename}: damaged: {error}") from error


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
