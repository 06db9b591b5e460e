"""Public folders of Google Drive: which files they have, and the way to each of them."""

from pathlib import Path

import gdown
from gdown.download import get_url_from_gdrive_confirmation

from flowpose.download.manifest import check_name
from flowpose.download.partial_files import RefusedError
from flowpose.download.transfer import Bar, retried, transfer
from flowpose.errors import check

_TIMEOUT_S = 60


def folder_url(folder_id: str) -> str:
    """The address of a folder in a browser."""
    return f"https://drive.google.com/drive/folders/{folder_id}"


def list_folder(folder_id: str) -> dict[str, str]:
    """The ids of all files in a folder and its subfolders, by name, `/` between folders.

    Raises:
        FetchError: there is no network, or Drive does not show the folder.
        InputError: two files have the same name, or one that is not allowed.
    """
    url = folder_url(folder_id)
    remedy = f"open {url} in a browser; if it shows the files, download them by hand"
    try:
        files = retried(url, lambda: _listed(folder_id))
    except gdown.exceptions.DownloadError as error:
        raise RefusedError(f"{url}: {error} ({remedy})") from error
    check(len(files) > 0, url, "no files are shown", remedy)
    ids: dict[str, str] = {}
    for file in files:
        name = check_name(file.path, url)
        check(name not in ids, url, f"there are two files {name}", remedy)
        ids[name] = file.id
    return ids


def fetch_drive_file(file_id: str, path: Path, digest: str | None, bar: Bar) -> None:
    """Bring one file of Google Drive, past the page that warns of large ones.

    Raises:
        RefusedError: Drive does not hand it out (now), and what to do instead.
        FetchError: as `transfer`.
    """
    try:
        transfer(
            f"https://drive.google.com/uc?export=download&id={file_id}",
            path,
            digest=digest,
            page=_behind_page,
            bar=bar,
        )
    except RefusedError as error:
        raise RefusedError(
            f"{path.name}: {error} (by hand: download "
            f"https://drive.google.com/file/d/{file_id}/view in a browser, where a signed-in user "
            f"can do more, save it as {path}, and fetch again; or wait a day)"
        ) from error


def _listed(folder_id: str) -> list:
    return gdown.download_folder(
        id=folder_id, skip_download=True, quiet=True, use_cookies=False, timeout=_TIMEOUT_S
    )


def _behind_page(_: str, html: str) -> str:
    """The file's own URL in the page that Drive sends instead: a warning, or a refusal."""
    try:
        return get_url_from_gdrive_confirmation(html)
    except gdown.exceptions.FileURLRetrievalError as error:
        raise RefusedError(f"Google Drive sends a page instead of the file: {error}") from error
