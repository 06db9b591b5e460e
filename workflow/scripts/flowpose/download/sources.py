"""Downloads: what they are made of, kept as it came with a manifest, verified at every fetch.

What comes of a download lies in a folder of its own, which from the first time on has a manifest
of SHA-256. What is there already and whole is not fetched again, also if somebody put it there by
hand before the first time.
"""

import logging
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from flowpose.download.google_drive import fetch_drive_file, list_folder
from flowpose.download.manifest import NAME, check_name, read_manifest, write_manifest
from flowpose.download.partial_files import FetchError, RefusedError, check_digest
from flowpose.download.transfer import Bar, transfer
from flowpose.errors import check
from flowpose.storage.whole_files import replacing, sha256


@dataclass(frozen=True)
class Remote:
    """A file that can be fetched.

    Attributes:
        get: brings it to a path, and refuses it if its SHA-256 does not begin as given.
        digest: its SHA-256, or the beginning of that, if known beforehand.
    """

    get: Callable[[Path, str | None], None]
    digest: str | None = None


def fetch_wheel(folder: Path, *, requirement: str, wheel: str, digest: str) -> None:
    """Fetch a package of the Python registry with pip, without what it depends on.

    Args:
        folder: where to keep it.
        requirement: package and exact version, `name==version`.
        wheel: the name of its file.
        digest: its SHA-256.
    """
    _fetch_file(folder, wheel, Remote(partial(_pip_download, requirement), digest))


def fetch_url(folder: Path, url: str, *, digest: str | None, bar: Bar) -> None:
    """Fetch a file, or if the URL ends in a slash, a folder.

    A folder at http or https must have a manifest; of one at file, all files are taken if not.
    """
    if url.endswith("/"):
        _fetch_tree(folder, lambda: _list_url(url, bar))
    else:
        name = check_name(unquote(urlsplit(url).path).rpartition("/")[2], url)
        _fetch_file(folder, name, _at(url, bar, digest))


def fetch_drive(folder: Path, folder_id: str, *, bar: Bar) -> None:
    """Fetch a public folder of Google Drive with its subfolders."""

    def listing() -> dict[str, Remote]:
        def remote(file_id: str) -> Remote:
            return Remote(lambda path, digest: fetch_drive_file(file_id, path, digest, bar))

        return {name: remote(file_id) for name, file_id in list_folder(folder_id).items()}

    _fetch_tree(folder, listing)


def fetch_torchvision(folder: Path, weights: str, *, bar: Bar) -> None:
    """Fetch weights of torchvision's, for example `Raft_Large_Weights.C_T_V1`."""
    # Not above: it takes seconds, and other downloads do without.
    from torchvision.models import get_weight

    try:
        url = get_weight(weights).url
    except (ValueError, KeyError, AttributeError) as error:
        raise RefusedError(f"{weights}: no weights of torchvision's: {error}") from error
    name = url.rpartition("/")[2]
    # The name ends in the beginning of the SHA-256.
    beginning = re.search(r"-([0-9a-f]{8,})\.", name)
    _fetch_file(folder, name, _at(url, bar, beginning and beginning[1]))


def _at(url: str, bar: Bar, digest: str | None = None) -> Remote:
    return Remote(lambda path, digest: transfer(url, path, digest=digest, bar=bar), digest)


def _fetch_file(folder: Path, name: str, remote: Remote) -> None:
    known = _known(folder)
    # What is stated counts more than what came the first time.
    digest = remote.digest or known.get(name)
    found = {name: _bring(folder / name, digest, remote)}
    if found != known:
        write_manifest(folder / NAME, found)


def _fetch_tree(folder: Path, listing: Callable[[], Mapping[str, Remote]]) -> None:
    """Fetch what is missing of a folder; `listing` asks for its files, if any is."""
    known = _known(folder)
    if known and all(_is_there(folder / name, digest) for name, digest in known.items()):
        return
    remotes = listing()
    wanted: Mapping[str, str | None] = known or {name: remotes[name].digest for name in remotes}
    found, failures = {}, []
    for name, digest in wanted.items():
        try:
            found[name] = _bring(folder / name, digest, remotes.get(name))
        except RefusedError as error:
            failures.append(str(error))
    if failures:
        raise FetchError(
            f"{len(failures)} of {len(wanted)} files did not come, the others are kept:\n"
            + "\n".join(failures)
        )
    write_manifest(folder / NAME, found)


def _bring(path: Path, digest: str | None, remote: Remote | None) -> str:
    """Make sure that a file is there and right; returns its SHA-256."""
    if not _is_there(path, digest):
        if remote is None:
            raise RefusedError(f"{path}: it is missing or damaged, and no longer at its source")
        logging.info("fetching %s", path)
        remote.get(path, digest)
    return sha256(path)


def _is_there(path: Path, digest: str | None) -> bool:
    return path.is_file() and sha256(path).startswith(digest or "")


def _known(folder: Path) -> dict[str, str]:
    return read_manifest(folder / NAME) if (folder / NAME).is_file() else {}


def _list_url(url: str, bar: Bar) -> dict[str, Remote]:
    """The files of a folder, by its manifest or by looking."""
    local = Path(url2pathname(urlsplit(url).path))
    if urlsplit(url).scheme == "file" and not (local / NAME).is_file():
        check(local.is_dir(), url, "no such folder")
        files = sorted(path for path in local.rglob("*") if path.is_file())
        names = [path.relative_to(local).as_posix() for path in files]
        check(bool(names), url, "there are no files")
        return {check_name(name, url): _at(url + quote(name), bar) for name in names}
    with tempfile.TemporaryDirectory() as temporary:
        manifest = Path(temporary) / NAME
        transfer(url + NAME, manifest)
        digests = read_manifest(manifest)
    return {name: _at(url + quote(name), bar, digest) for name, digest in digests.items()}


def _pip_download(requirement: str, path: Path, digest: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps"]
        options = ["--only-binary=:all:", "--disable-pip-version-check", "--dest", folder]
        done = subprocess.run(
            [*command, *options, requirement], stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise FetchError(
                f"{requirement}: pip cannot download it: {done.stderr.strip()} "
                "(check the network and pip's settings, and fetch again)"
            )
        found = sorted(file.name for file in Path(folder).iterdir())
        if found != [path.name]:
            raise RefusedError(f"{requirement}: expected the file {path.name}, pip brought {found}")
        check_digest(Path(folder) / path.name, digest, path.name)
        with replacing(path) as temporary:
            shutil.copyfile(Path(folder) / path.name, temporary)
