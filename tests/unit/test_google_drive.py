"""Google Drive, played by a server of ours: gdown's own code reads its pages."""

import hashlib
import html
from urllib.parse import quote

import pytest
from web import cut, page, redirect

from flowpose.download import transfer
from flowpose.download.manifest import read_manifest
from flowpose.download.partial_files import FetchError, RefusedError
from flowpose.download.sources import fetch_drive
from flowpose.errors import InputError

ROOT = "1".ljust(33, "r")
FOLDERS = {"S9": "1".ljust(33, "a"), "S11": "1".ljust(33, "b")}
QUOTA = (
    '<html><title>Google Drive - Quota exceeded</title><p class="uc-error-caption">Sorry</p>\n'
    '<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.'
    "</p></html>"
)
N_FILES = 60
FIRST = "S9/Action 0 & 1.npz"


class Drive:
    """What is on the drive, and the pages that show it."""

    def __init__(self, web):
        self.web = web
        self.ids: dict[str, str] = {}
        for folder in FOLDERS:
            for n in range(N_FILES):
                self.add(f"{folder}/Action {n} & 1.npz", f"{folder} {n} ".encode() * 500)
        self.add("README.txt", b"read me")
        self.show()

    def add(self, name: str, content: bytes) -> None:
        file_id = f"f{len(self.ids):032d}"
        self.ids[name] = file_id
        self.web.files[self.path(name)] = content

    def path(self, name: str) -> str:
        """Where the server looks for a file, once gone through all redirections."""
        return f"/drive.usercontent.google.com/download?id={self.ids[name]}&export=download"

    def content(self, name: str) -> bytes:
        return self.web.files[self.path(name)]

    def show(self) -> None:
        """Pages of the folders, and redirections to the files, for any number of visits."""
        links = [
            f'<a href="https://drive.google.com/drive/folders/{folder_id}">{name}</a>'
            for name, folder_id in FOLDERS.items()
        ]
        self._show_folder(ROOT, "metro_estimates_h36m", "", links)
        for name, folder_id in FOLDERS.items():
            self._show_folder(folder_id, name, f"{name}/", [])
        for name, file_id in self.ids.items():
            asked = f"/drive.google.com/uc?export=download&id={file_id}"
            to = self.web.url(quote(self.path(name), safe="/?&="))
            self.web.files[asked] = b""
            self.web.faults[asked] = [redirect(to)] * 20

    def _show_folder(self, folder_id: str, title: str, prefix: str, links: list[str]) -> None:
        inside = [name for name in self.ids if name.rpartition("/")[0] + "/" == (prefix or "/")]
        links = links + [
            f'<a href="https://drive.google.com/file/d/{self.ids[name]}/view?usp=drive_web">'
            f"<div>{html.escape(name.removeprefix(prefix))}</div></a>"
            for name in inside
        ]
        text = f"<html><head><title>{title}</title></head><body>{''.join(links)}</body></html>"
        path = f"/drive.google.com/embeddedfolderview?id={folder_id}"
        self.web.files[path] = b""
        self.web.faults[path] = [page(text)] * 20


@pytest.fixture
def drive(web):
    return Drive(web)


def fetch(folder):
    fetch_drive(folder, ROOT, bar=iter)


def test_a_folder_comes_with_its_subfolders_of_more_than_fifty_files(drive, tmp_path, files_under):
    fetch(tmp_path)
    digests = read_manifest(tmp_path / "MANIFEST.sha256")
    assert set(digests) == set(drive.ids) and len(digests) == 2 * N_FILES + 1
    assert files_under(tmp_path) == sorted([*drive.ids, "MANIFEST.sha256"])
    for name, digest in digests.items():
        content = (tmp_path / name).read_bytes()
        assert content == drive.content(name)
        assert digest == hashlib.sha256(content).hexdigest()
    drive.web.requests.clear()
    fetch(tmp_path)
    assert drive.web.requests == []


@pytest.fixture
def small(drive):
    """A drive of a single file."""
    drive.ids = {FIRST: drive.ids[FIRST]}
    drive.show()
    return drive


def test_a_transfer_that_breaks_off_goes_on(small, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "_CHUNK", 100)
    small.web.faults[small.path(FIRST)] = [cut(1000)]
    fetch(tmp_path)
    assert (tmp_path / FIRST).read_bytes() == small.content(FIRST)
    assert small.web.requests[-1] == (small.path(FIRST), "bytes=1000-")


def test_the_warning_before_a_large_file_is_passed(small, tmp_path, monkeypatch):
    """Also when it comes again because the transfer broke off."""
    monkeypatch.setattr(transfer, "_CHUNK", 100)
    file_id = small.ids[FIRST]
    warning = (
        "<html><title>Google Drive - Virus scan warning</title>\n"
        '<form id="download-form" action="https://drive.usercontent.google.com/download" '
        f'method="get"><input type="hidden" name="id" value="{file_id}">'
        '<input type="hidden" name="export" value="download">'
        '<input type="hidden" name="confirm" value="t"></form></html>'
    )
    confirmed = f"{small.path(FIRST)}&confirm=t"
    small.web.files[confirmed] = small.content(FIRST)
    small.web.faults |= {small.path(FIRST): [page(warning)] * 2, confirmed: [cut(1000)]}
    fetch(tmp_path)
    assert (tmp_path / FIRST).read_bytes() == small.content(FIRST)
    assert small.web.requests[-1] == (confirmed, "bytes=1000-")


def test_a_quota_that_is_used_up_is_explained_with_the_way_out(drive, tmp_path, files_under):
    drive.web.faults[drive.path(FIRST)] = [page(QUOTA)]
    with pytest.raises(FetchError) as error:
        fetch(tmp_path)
    text = str(error.value)
    assert text.startswith(f"1 of {2 * N_FILES + 1} files did not come, the others are kept:\n")
    assert "Too many users have viewed or downloaded this file recently." in text
    assert f"by hand: download https://drive.google.com/file/d/{drive.ids[FIRST]}/view" in text
    assert f"save it as {tmp_path / FIRST}" in text
    assert files_under(tmp_path) == sorted(set(drive.ids) - {FIRST})
    (tmp_path / FIRST).write_bytes(b"by hand")
    fetch(tmp_path)
    by_hand = hashlib.sha256(b"by hand").hexdigest()
    assert read_manifest(tmp_path / "MANIFEST.sha256")[FIRST] == by_hand


def test_a_page_that_never_ends_in_a_file_is_refused(small, tmp_path):
    loop = f'<a href="/uc?export=download&amp;id={small.ids[FIRST]}">download anyway</a>'
    small.web.faults[small.path(FIRST)] = [page(loop)] * 20
    here = f"/docs.google.com/uc?export=download&id={small.ids[FIRST]}"
    small.web.faults[here] = [page(loop)] * 20
    with pytest.raises(FetchError, match="only web pages come, no file"):
        fetch(tmp_path)


def test_a_folder_that_is_not_public_is_named(web, tmp_path):
    asked = f"/drive.google.com/embeddedfolderview?id={ROOT}"
    web.faults[asked] = [page("<html><title>Sign in</title></html>")]
    with pytest.raises(InputError, match=rf"folders/{ROOT}: no files are shown \(open https://"):
        fetch(tmp_path)
    with pytest.raises(RefusedError, match=r"folders/1r+: .*status code 404.*in a browser"):
        fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_files_of_one_name_are_refused(small, tmp_path):
    path = f"/drive.google.com/embeddedfolderview?id={FOLDERS['S9']}"
    link = '<a href="https://drive.google.com/file/d/{}/view">a.npz</a>'
    text = f"<title>S9</title>{link.format('x' * 33)}{link.format('y' * 33)}"
    small.web.faults[path] = [page(text)]
    with pytest.raises(InputError, match=r"there are two files S9/a.npz"):
        fetch(tmp_path)


def test_no_network_is_one_error_and_leaves_nothing(no_network, tmp_path):
    with pytest.raises(
        FetchError, match=r"drive.google.com cannot be reached: .*Network is unreac"
    ):
        fetch(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
