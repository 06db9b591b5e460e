"""A web server for the tests of downloads, which can stand for all of the web."""

from urllib.parse import urlsplit

import pytest
import requests
from web import serving

from flowpose.download import transfer


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(transfer, "_WAITS_S", (0, 0, 0))
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as server:
        yield server


@pytest.fixture
def web(server, monkeypatch):
    """The server in the place of every other: it finds their files under their host's name."""
    send = requests.adapters.HTTPAdapter.send

    def send_here(adapter, request, **settings):
        parts = urlsplit(request.url)
        if parts.scheme == "https":
            query = f"?{parts.query}" if parts.query else ""
            request.url = server.url(f"/{parts.netloc}{parts.path}{query}")
        return send(adapter, request, **settings)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_here)
    return server


@pytest.fixture
def no_network(monkeypatch):
    """Every connection is refused, at once."""

    def refuse(*_, **__):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(transfer, "_WAITS_S", (0, 0, 0))
    monkeypatch.setattr("urllib3.connection.connection.create_connection", refuse)


@pytest.fixture
def files_under():
    def files(folder):
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    return files
