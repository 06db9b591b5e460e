"""Manifests: which files belong to a folder and their SHA-256, as `sha256sum --check` reads it."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from flowpose.errors import FlowposeError, check
from flowpose.storage.whole_files import replacing, sha256

NAME = "MANIFEST.sha256"
# Of a single folder of what was fetched, once it is taken out.
FOLDER_MANIFEST = "FOLDER.sha256"

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def read_manifest(path: Path) -> dict[str, str]:
    """SHA-256 by name, `/` between folders.

    Raises:
        InputError: a line is no line of a manifest, or its name leads out of the folder.
    """
    digests = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = _LINE.fullmatch(line)
        where = f"{path}: line {number}"
        check(match is not None, where, f"expected a SHA-256 and a name, found {line!r}")
        assert match is not None
        digests[check_name(match[2], where)] = match[1]
    return digests


def write_manifest(path: Path, digests: Mapping[str, str]) -> None:
    """Write what `read_manifest` reads."""
    with replacing(path) as temporary:
        temporary.write_text("".join(f"{digests[name]}  {name}\n" for name in sorted(digests)))


def check_folder(manifest: Path) -> None:
    """Refuse a folder that is no longer as the manifest in it says.

    Raises:
        FlowposeError: a file is missing or has changed.
    """
    for name, digest in read_manifest(manifest).items():
        check_whole(manifest.parent / name, digest, f"delete {manifest}, and run the same again")


def check_whole(path: Path, digest: str, remedy: str) -> None:
    """Refuse a file that is missing, or no longer what came."""
    if not path.is_file() or sha256(path) != digest:
        raise FlowposeError(f"{path}: missing, or not as it came ({remedy})")


def check_name(name: str, where: object) -> str:
    """A file's name inside a folder, refused if it leads out of it or is not fit for a manifest.

    Raises:
        InputError: it is refused.
    """
    parts = name.split("/")
    fit = name.isprintable() and "\\" not in name and not PurePosixPath(name).is_absolute()
    check(
        fit and not any(part in ("", ".", "..") for part in parts) and name != NAME,
        where,
        f"the name {name!r} is not allowed for a file",
    )
    return name
