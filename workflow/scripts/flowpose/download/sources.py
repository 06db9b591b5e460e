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
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

import gdown
import requests

from flowpose.download.manifest import NAME, check_name, read_manifest, write_manifest
from flowpose.errors import FlowposeError, check
from flowpose.storage.whole_files import replacing, sha256

# To connect, and between two pieces of what comes.
_TIMEOUT_S = (20, 60)
# How often a broken transfer is taken up again, where it broke off if the server can do that.
_RETRIES = 5
# Folders of what is coming; a killed job leaves one.
_COMING = ".coming-"

# Called with the bytes that have come of a file, and with all it has if that is known.
Progress = Callable[[int, int | None], None]
# Writes a file, given its address, to a path alone in its folder.
Bring = Callable[[str, Path], object]


class FetchError(FlowposeError):
    """Something that cannot be fetched now."""


class RefusedError(FetchError):
    """The other side answers, but not with the file that is wanted."""


def fetch_wheel(folder: Path, *, requirement: str, wheel: str, digest: str) -> None:
    """Fetch a package of the Python registry with pip, without what it depends on.

    Args:
        folder: where to keep it.
        requirement: package and exact version, `name==version`.
        wheel: the name of its file.
        digest: its SHA-256.

    Raises:
        FetchError: pip cannot download it, or brings another file.
    """
    _fetch(folder, {wheel: digest}, {wheel: requirement}, _pip_download)


def fetch_url(folder: Path, url: str, *, digest: str | None, progress: Progress) -> None:
    """Fetch a file, or if the URL ends in a slash, a folder.

    A folder at http or https must have a manifest; of one at file, all files are taken if not.

    Raises:
        FetchError: it cannot be reached, is not there, or is not what came the first time.
        InputError: a name leads out of the folder.
    """
    if not url.endswith("/"):
        name = check_name(unquote(urlsplit(url).path).rpartition("/")[2], url)
        _fetch_file(folder, name, url, digest, progress)
    elif not _is_whole(folder):
        digests = _list_url(url, progress)
        urls = {name: url + quote(name) for name in digests}
        _fetch(folder, _known(folder) or digests, urls, partial(_download, progress))


def fetch_drive(folder: Path, folder_id: str, *, progress: Progress) -> None:
    """Fetch a public folder of Google Drive with its subfolders; raises as `fetch_url`."""
    if not _is_whole(folder):
        urls = _list_drive(folder_id)
        wanted = _known(folder) or dict.fromkeys(urls)
        _fetch(folder, wanted, urls, partial(_download, progress))


def fetch_torchvision(folder: Path, weights: str, *, progress: Progress) -> None:
    """Fetch weights of torchvision's, as `Raft_Large_Weights.C_T_V1`; raises as `fetch_url`."""
    # Not above: it takes seconds, and other downloads do without.
    from torchvision.models import get_weight

    try:
        url = get_weight(weights).url
    except (ValueError, KeyError, AttributeError) as error:
        raise RefusedError(f"{weights}: no weights of torchvision's: {error}") from error
    # The name ends in the beginning of the SHA-256.
    beginning = re.search(r"-([0-9a-f]{8,})\.", url)
    _fetch_file(folder, url.rpartition("/")[2], url, beginning and beginning[1], progress)


def _fetch_file(folder: Path, name: str, url: str, digest: str | None, progress: Progress) -> None:
    # What is stated counts more than what came the first time.
    wanted = {name: digest or _known(folder).get(name)}
    _fetch(folder, wanted, {name: url}, partial(_download, progress))


def _fetch(
    folder: Path, wanted: Mapping[str, str | None], addresses: Mapping[str, str], bring: Bring
) -> None:
    """Bring what is missing or damaged, and write the manifest.

    Args:
        folder: where to keep it.
        wanted: by name, the SHA-256 of a file, or the beginning of that, if known.
        addresses: by name, where files come from.
        bring: brings one.
    """
    for left in folder.rglob(f"{_COMING}*"):
        shutil.rmtree(left)
    found, failures = {}, []
    for name, digest in wanted.items():
        path = folder / name
        try:
            if not _is_there(path, digest):
                if name not in addresses:
                    raise RefusedError("missing or damaged, and no longer at its source")
                logging.info("fetching %s", path)
                _bring(path, digest, partial(bring, addresses[name]))
            found[name] = sha256(path)
        except RefusedError as error:
            failures.append(f"{path}: {error}")
    if failures:
        raise FetchError(
            f"{len(failures)} of {len(wanted)} files did not come; the others are kept (what you "
            "can get in another way, save at its path, and fetch again):\n" + "\n".join(failures)
        )
    write_manifest(folder / NAME, found)


def _bring(path: Path, digest: str | None, bring: Callable[[Path], object]) -> None:
    with replacing(path) as whole, TemporaryDirectory(prefix=_COMING, dir=path.parent) as folder:
        came = Path(folder, path.name)
        bring(came)
        found = sha256(came)
        if not found.startswith(digest or ""):
            raise RefusedError(
                f"expected SHA-256 {digest}, the download has {found} (if that happens again, its "
                "source has changed: to take what that has now, state its SHA-256, or delete all "
                "that has come of this download, with its manifest)"
            )
        # A copy: what libraries write, nobody else may read.
        shutil.copyfile(came, whole)


def _is_there(path: Path, digest: str | None) -> bool:
    return path.is_file() and sha256(path).startswith(digest or "")


def _is_whole(folder: Path) -> bool:
    known = _known(folder)
    return bool(known) and all(_is_there(folder / name, known[name]) for name in known)


def _known(folder: Path) -> dict[str, str]:
    return read_manifest(folder / NAME) if (folder / NAME).is_file() else {}


def _list_url(url: str, progress: Progress) -> Mapping[str, str | None]:
    """The files of a folder, by its manifest or by looking, with their SHA-256 if known."""
    local = _local(url)
    if local and not (local / NAME).is_file():
        files = sorted(path for path in local.rglob("*") if path.is_file())
        check(bool(files), url, "no such folder, or no files in it")
        return {check_name(path.relative_to(local).as_posix(), url): None for path in files}
    with TemporaryDirectory() as temporary:
        _download(progress, url + NAME, Path(temporary, NAME))
        return read_manifest(Path(temporary, NAME))


def _list_drive(folder_id: str) -> dict[str, str]:
    """The addresses of the files in a folder of Google Drive and its subfolders, by name."""
    url = f"https://drive.google.com/drive/folders/{folder_id}"
    remedy = f"open {url} in a browser; if it shows the files, download them by hand"
    try:
        files: list[Any] = gdown.download_folder(
            id=folder_id, skip_download=True, quiet=True, use_cookies=False, timeout=_TIMEOUT_S
        )
    except (gdown.exceptions.DownloadError, requests.RequestException) as error:
        raise FetchError(f"{url}: {error} (check the network, and {remedy})") from error
    urls = {check_name(f.path, url): f"https://drive.google.com/uc?id={f.id}" for f in files}
    check(len(files) > 0, url, "no files are shown", remedy)
    check(len(urls) == len(files), url, "several files have the same name", remedy)
    return urls


def _local(url: str) -> Path | None:
    """The path that a URL of this machine stands for."""
    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _download(progress: Progress, url: str, path: Path) -> None:
    """Bring a file of http, https (also out of Google Drive) or this machine.

    Raises:
        FetchError: the server cannot be reached.
        RefusedError: it does not hand out such a file, or not now.
    """
    if local := _local(url):
        if not local.is_file():
            raise RefusedError(f"{url}: no such file")
        shutil.copyfile(local, path)
        return
    try:
        gdown.download(
            url,
            str(path),
            quiet=True,
            use_cookies=False,
            progress=progress,
            timeout=_TIMEOUT_S,
            retries=_RETRIES,
        )
    except gdown.exceptions.FileURLRetrievalError as error:
        # Google's reason is among lines of advice.
        raise RefusedError(f"{' '.join(str(error).split())} (or wait a day)") from error
    except (requests.HTTPError, requests.exceptions.InvalidURL) as error:
        raise RefusedError(str(error)) from error
    except (gdown.exceptions.DownloadError, requests.RequestException) as error:
        raise FetchError(
            f"{url}: {error} (check the network and the proxy, or fetch on a machine that has one)"
        ) from error
    with path.open("rb") as stream:
        is_page = stream.read(100).lstrip().lower().startswith((b"<!doctype html", b"<html"))
    if is_page and path.suffix not in (".html", ".htm"):
        raise RefusedError(f"{url} sends a web page instead: open it in a browser to read it")


def _pip_download(requirement: str, path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    options = ["--disable-pip-version-check", "--dest", str(path.parent), requirement]
    done = subprocess.run([*command, *options], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise FetchError(
            f"{requirement}: pip cannot download it: {done.stderr.strip()} "
            "(check the network and pip's settings, and fetch again)"
        )
    found = sorted(file.name for file in path.parent.iterdir())
    if found != [path.name]:
        raise RefusedError(f"{requirement}: expected the file {path.name}, pip brought {found}")
