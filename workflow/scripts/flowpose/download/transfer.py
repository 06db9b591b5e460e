"""Bringing one file from a URL: resumed where it broke off, verified, there whole or not at all."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests

from flowpose.download.partial_files import FetchError, Part, RefusedError, Version, disk

_CHUNK = 2**20
# To connect, and between two pieces of what comes.
_TIMEOUT_S = (20, 60)
# Before another try; as many tries in a row may fail, and the first.
_WAITS_S = (1, 2, 4)
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_PARTIAL, _UNSATISFIABLE = 206, 416
_RANGE = re.compile(r"bytes (\d+)-\d+/")
# A page may lead to another that leads to the file.
_MAX_PAGES = 3

Bar = Callable[[Iterable[bytes]], Iterable[bytes]]
Page = Callable[[str, str], str]
T = TypeVar("T")


class _BrokenOffError(Exception):
    """Worth another try."""


def transfer(
    url: str,
    path: Path,
    *,
    digest: str | None = None,
    page: Page | None = None,
    bar: Bar = iter,
) -> None:
    """Bring the file at a URL to `path`.

    What has come is kept beside it in `.NAME.part` and completed the next time, unless the file has
    changed on the server meanwhile or the server cannot send part of one.

    Args:
        url: of http, https or file.
        path: where to put it.
        digest: its SHA-256, or the beginning of that, if known.
        page: finds the URL of the file in a web page that comes in its place, from the page's URL
            and text; by default such a page is refused.
        bar: shows progress; it is given the pieces (MiB) that come, and how many if that is known.

    Raises:
        FetchError: the server cannot be reached, or the disk is full; what has come is kept.
        RefusedError: there is no such file, or what comes is not it and was deleted.
    """
    part = Part(path)
    if urlsplit(url).scheme == "file":
        _copy(url, part)
    else:
        with requests.Session() as session:
            retried(url, lambda: _receive(session, url, part, page or _no_page, bar), part.size)
    part.finish(url, digest)


def retried(url: str, call: Callable[[], T], progress: Callable[[], int] = lambda: 0) -> T:
    """What a call that uses the network returns, tried again a few times if the network fails.

    Args:
        url: what it asks, for messages.
        call: what to do.
        progress: how far that has come; tries that came further than any before do not count.
    """
    waits, furthest = iter(_WAITS_S), progress()
    while True:
        try:
            return call()
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
            _BrokenOffError,
        ) as error:
            if progress() > furthest:
                waits, furthest = iter(_WAITS_S), progress()
            wait = next(waits, None)
            if wait is None:
                raise FetchError(_explain(url, error, progress())) from error
            time.sleep(wait)
        except requests.RequestException as error:
            raise RefusedError(f"{url}: {error}") from error


def _copy(url: str, part: Part) -> None:
    source = Path(url2pathname(urlsplit(url).path))
    if not source.is_file():
        raise RefusedError(f"{url}: no such file")
    with disk(part):
        part.restart(Version())
        shutil.copyfile(source, part.path)


def _receive(session: requests.Session, url: str, part: Part, page: Page, bar: Bar) -> None:
    """One try to bring what is missing of a file."""
    version = part.version()
    if part.is_whole():
        return
    if not any(vars(version).values()):
        part.drop()
    with _answer(session, url, part, page) as response, disk(part):
        begin, now = _begin(response), _version(response)
        if begin and (begin != part.size() or version.size not in (None, now.size)):
            part.drop()
            raise _BrokenOffError(f"the server sent another part than bytes {begin}-")
        if not begin:
            part.restart(now)
        with part.path.open("ab") as stream:
            stream.writelines(bar(_Pieces(response, now.size, begin)))
            os.fsync(stream.fileno())
    if now.size is not None and part.size() != now.size:
        raise _BrokenOffError(f"{part.size()} of {now.size} bytes came")


def _answer(session: requests.Session, url: str, part: Part, page: Page) -> requests.Response:
    """The server's answer with the file in it, after pages on the way to it."""
    for _ in range(_MAX_PAGES):
        headers = {"Accept-Encoding": "identity"}
        if part.size():
            headers["Range"] = f"bytes={part.size()}-"
            if validator := part.version().validator:
                headers["If-Range"] = validator
        response = session.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S)
        _refuse_status(response, part)
        if not _is_page(response, part.target):
            return response
        with response:
            url = page(url, response.text)
    raise RefusedError(f"{url}: only web pages come, no file")


def _refuse_status(response: requests.Response, part: Part) -> None:
    status = response.status_code
    if response.ok:
        return
    response.close()
    if status == _UNSATISFIABLE:
        part.drop()
        raise _BrokenOffError("the file is shorter than what has come of it")
    answer = f"the server answers {status} {response.reason}"
    if status in _BUSY:
        raise _BrokenOffError(answer)
    raise RefusedError(f"{response.url}: {answer}")


def _is_page(response: requests.Response, path: Path) -> bool:
    kind = response.headers.get("Content-Type", "")
    return kind.startswith("text/html") and path.suffix not in (".html", ".htm")


def _no_page(url: str, _: str) -> str:
    raise RefusedError(
        f"{url}: a web page came instead of the file (open it in a browser to see what it says)"
    )


def _begin(response: requests.Response) -> int:
    """Where in the file the answer begins."""
    match = _RANGE.match(response.headers.get("Content-Range", ""))
    return int(match[1]) if match and response.status_code == _PARTIAL else 0


def _version(response: requests.Response) -> Version:
    """Of a compressed answer nothing is known that holds for the file itself."""
    headers = response.headers
    if headers.get("Content-Encoding", "identity") != "identity":
        return Version()
    size = headers.get("Content-Length")
    if _begin(response):
        size = headers["Content-Range"].rpartition("/")[2]
    etag = headers.get("ETag", "W/")
    validator = headers.get("Last-Modified") if etag.startswith("W/") else etag
    return Version(int(size) if size and size.isdecimal() else None, validator)


@dataclass(frozen=True)
class _Pieces:
    """The pieces of an answer; their number is their length, as progress bars want it."""

    response: requests.Response
    size: int | None
    begin: int

    def __iter__(self) -> Iterator[bytes]:
        return self.response.iter_content(_CHUNK)

    def __len__(self) -> int:
        return -(-((self.size or self.begin) - self.begin) // _CHUNK)


def _explain(url: str, error: Exception, come: int) -> str:
    """Why the last of several tries failed, in the user's words."""
    reason: BaseException = error
    while inner := getattr(reason, "reason", None) or reason.__cause__ or reason.__context__:
        if not isinstance(inner, BaseException):
            break
        reason = inner
    if come:
        return f"{url}: broke off after {come} bytes: {reason} (what has come is kept: fetch again)"
    if isinstance(error, _BrokenOffError):
        return f"{url}: {reason} (fetch again later)"
    return (
        f"{url}: {urlsplit(url).netloc} cannot be reached: {reason} "
        "(check the network and the proxy, or fetch on a machine that has one)"
    )
