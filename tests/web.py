"""A web server on this machine that does what servers do to downloads."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

Fault = Callable[["Handler", bytes], None]


class Server(ThreadingHTTPServer):
    """Serves `files`; settings are changed by tests as they go.

    Attributes:
        files: content by path, the query included.
        faults: by path, what to do instead, once each, in order.
        ranges: whether it can send part of a file.
        etags: whether it marks versions of files.
        requests: path and range of all that was asked.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.ranges = self.etags = True
        self.requests: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    """Answers of the server; those in the first group are faults for `Server.faults`."""

    server: Server

    def do_GET(self) -> None:
        path = unquote(self.path)
        self.server.requests.append((path, self.headers.get("Range")))
        content = self.server.files.get(path)
        if faults := self.server.faults.get(path):
            faults.pop(0)(self, content)
        elif content is None:
            self.send_error(404)
        else:
            self.send_file(content)

    def send_file(self, content: bytes, at_most: int | None = None) -> None:
        """A file or the part of it that is asked; the connection may break off early."""
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        begin = self._begin(etag) if self.server.ranges else 0
        if begin >= len(content) > 0:
            self.send_response(416)
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        if self.server.etags:
            self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content) - begin))
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        self.wfile.write(content[begin : None if at_most is None else begin + at_most])

    def _begin(self, etag: str) -> int:
        asked = self.headers.get("Range")
        changed = self.headers.get("If-Range", etag) != etag
        return 0 if asked is None or changed else int(asked.removeprefix("bytes=").rstrip("-"))

    def send_page(self, html: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(html.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


def cut(after: int) -> Fault:
    """The connection breaks off after so many bytes."""
    return lambda handler, content: handler.send_file(content, after)


def status(code: int) -> Fault:
    return lambda handler, _: handler.send_error(code)


def page(html: str) -> Fault:
    return lambda handler, _: handler.send_page(html)


def redirect(url: str) -> Fault:
    def answer(handler: Handler, _: bytes) -> None:
        handler.send_response(303)
        handler.send_header("Location", url)
        handler.end_headers()

    return answer


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
