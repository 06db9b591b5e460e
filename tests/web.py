"""A web server on this machine that does what servers do to downloads."""

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
        requests: path and range of all that was asked.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = unquote(self.path)
        self.server.requests.append((path, self.headers.get("Range")))
        content = self.server.files.get(path)
        if faults := self.server.faults.get(path):
            faults.pop(0)(self, content or b"")
        elif content is None:
            self.send_error(404)
        else:
            self.send_file(content)

    def send_file(self, content: bytes, at_most: int | None = None) -> None:
        """A file or what is asked of it; the connection may break off early."""
        begin = int(self.headers.get("Range", "0").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if begin else 200)
        self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Disposition", "attachment")
        self.end_headers()
        self.wfile.write(content[begin : None if at_most is None else begin + at_most])

    def log_message(self, *_: object) -> None:
        """Quiet."""


def cut(after: int) -> Fault:
    """The connection breaks off after so many bytes."""
    return lambda handler, content: handler.send_file(content, after)


def status(code: int) -> Fault:
    return lambda handler, _: handler.send_error(code)


def page(html: str) -> Fault:
    def answer(handler: Handler, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html; charset=utf-8")
        handler.end_headers()
        handler.wfile.write(html.encode())

    return answer


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
