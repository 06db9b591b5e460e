import hashlib
import os
import zipfile

import pytest

from flowpose.download.manifest import FOLDER_MANIFEST, read_manifest, write_manifest
from flowpose.download.members import take_folder, take_member
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


def of_archive(archive):
    """The folder of a download that is one archive."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    write_manifest(archive.parent / "MANIFEST.sha256", {archive.name: digest})
    return archive.parent


@pytest.fixture
def fetched(tmp_path, archive):
    """A download of two files, one of them an archive."""
    (archive.parent / "S9").mkdir()
    (archive.parent / "S9" / "Walking 1.npz").write_bytes(b"walking")
    names = ["S9/Walking 1.npz", "package.whl"]
    digests = {
        name: hashlib.sha256((archive.parent / name).read_bytes()).hexdigest() for name in names
    }
    write_manifest(archive.parent / "MANIFEST.sha256", digests)
    return archive.parent


def test_a_file_is_taken_as_it_came(tmp_path, fetched):
    source = fetched / "S9" / "Walking 1.npz"
    os.utime(source, (0, 0))
    take_member(tmp_path / "out" / "S9" / "a.npz", fetched, "S9/Walking 1.npz")
    assert (tmp_path / "out" / "S9" / "a.npz").read_bytes() == b"walking"
    assert (tmp_path / "out" / "S9" / "a.npz").stat().st_mtime > 0
    assert (tmp_path / "out" / "S9" / "a.npz").samefile(source)


def test_an_archive_may_be_taken_as_a_file(tmp_path, fetched):
    take_member(tmp_path / "out.whl", fetched, "package.whl")
    assert (tmp_path / "out.whl").samefile(fetched / "package.whl")


@pytest.mark.parametrize("left", [True, False])
def test_a_file_is_copied_where_links_cannot_be(tmp_path, fetched, monkeypatch, left):
    """Also if a killed job has left one."""

    def fail(*_):
        raise PermissionError

    source = fetched / "S9" / "Walking 1.npz"
    if left:
        (tmp_path / ".a.npz.part").hardlink_to(source)
    monkeypatch.setattr(os, "link", fail)
    take_member(tmp_path / "a.npz", fetched, "S9/Walking 1.npz")
    assert (tmp_path / "a.npz").read_bytes() == b"walking"
    assert not (tmp_path / "a.npz").samefile(source)


def test_a_file_is_taken_out_of_an_archive_that_came(tmp_path, fetched):
    take_member(tmp_path / "raft.pth", fetched, "package/weights.pth")
    assert (tmp_path / "raft.pth").read_bytes() == b"weights" * 100


def test_a_file_that_has_been_damaged_since_it_came_is_refused(tmp_path, fetched):
    (fetched / "S9" / "Walking 1.npz").write_bytes(b"walkimg")
    with pytest.raises(InputError, match=r"S9/Walking 1.npz: missing, or not as it came"):
        take_member(tmp_path / "out", fetched, "S9/Walking 1.npz")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_nowhere_is_named_with_those_like_it(tmp_path, fetched):
    message = r"archives: has no file weights.pth; .*'package/weights.pth'"
    with pytest.raises(InputError, match=message):
        take_member(tmp_path / "out", fetched, "weights.pth")


def test_a_member_is_written_to_the_path_given(tmp_path, archive, files_under):
    take_member(tmp_path / "new" / "raft.pth", of_archive(archive), "package/weights.pth")
    assert (tmp_path / "new" / "raft.pth").read_bytes() == b"weights" * 100
    assert files_under(tmp_path) == [
        "archives/MANIFEST.sha256",
        "archives/package.whl",
        "new/raft.pth",
    ]


@pytest.mark.parametrize(("member", "content"), [("../evil", b"evil"), ("/absolute", b"absolute")])
def test_where_the_archive_wants_a_member_does_not_matter(
    tmp_path, archive, files_under, member, content
):
    take_member(tmp_path / "a" / "b" / "out", of_archive(archive), member)
    assert (tmp_path / "a" / "b" / "out").read_bytes() == content
    assert files_under(tmp_path) == ["a/b/out", "archives/MANIFEST.sha256", "archives/package.whl"]


def test_a_member_that_is_not_there_is_named_and_leaves_nothing(tmp_path, archive, files_under):
    (tmp_path / "out").write_text("old")
    with pytest.raises(InputError, match=r"archives: has no file package/none.pth; it has 3"):
        take_member(tmp_path / "out", of_archive(archive), "package/none.pth")
    assert (tmp_path / "out").read_text() == "old"
    assert files_under(tmp_path) == ["archives/MANIFEST.sha256", "archives/package.whl", "out"]


def test_a_file_that_is_no_archive_is_named_and_leaves_nothing(tmp_path, files_under):
    (tmp_path / "package.whl").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"package.whl: no zip archive"):
        take_member(tmp_path / "out", of_archive(tmp_path / "package.whl"), "a")
    assert files_under(tmp_path) == ["MANIFEST.sha256", "package.whl"]


def test_a_damaged_member_is_noticed_and_leaves_nothing(tmp_path, files_under):
    with zipfile.ZipFile(tmp_path / "package.whl", "w") as contents:
        contents.writestr("a", b"x" * 1000)
    content = bytearray((tmp_path / "package.whl").read_bytes())
    content[500] ^= 1
    (tmp_path / "package.whl").write_bytes(content)
    with pytest.raises(InputError, match=r"package.whl: .*CRC"):
        take_member(tmp_path / "out", of_archive(tmp_path / "package.whl"), "a")
    assert files_under(tmp_path) == ["MANIFEST.sha256", "package.whl"]


@pytest.mark.parametrize(
    ("folder", "content"),
    [("S9", {"Walking 1.npz": b"walking"}), ("package", {"weights.pth": b"weights" * 100})],
    ids=["as it came", "out of an archive"],
)
def test_a_folder_is_taken_as_it_came_or_out_of_an_archive(tmp_path, fetched, folder, content):
    manifest = tmp_path / "out" / folder / FOLDER_MANIFEST
    take_folder(manifest, fetched, folder)
    assert {name: (manifest.parent / name).read_bytes() for name in content} == content
    assert read_manifest(manifest) == {
        name: hashlib.sha256(data).hexdigest() for name, data in content.items()
    }
    assert len(list(manifest.parent.iterdir())) == len(content) + 1


def test_all_of_a_download_is_a_folder_too(tmp_path, archive):
    """A zip archive of files without a folder: they are unpacked."""
    with zipfile.ZipFile(archive, "w") as contents:
        contents.mkdir("deep")
        for name in ("1.json", "deep/2.json"):
            contents.writestr(name, name)
    take_folder(tmp_path / "out" / FOLDER_MANIFEST, of_archive(archive), "")
    names = ["1.json", "deep/2.json"]
    assert sorted(read_manifest(tmp_path / "out" / FOLDER_MANIFEST)) == names
    assert [(tmp_path / "out" / name).read_text() for name in names] == names


def test_a_folder_that_is_not_there_is_named(tmp_path, fetched):
    with pytest.raises(InputError, match=r"has no folder S8; it has 3, such as \['S9'"):
        take_folder(tmp_path / "S8" / FOLDER_MANIFEST, fetched, "S8")


def test_a_name_that_leads_out_of_a_folder_is_refused(tmp_path, fetched, archive):
    with zipfile.ZipFile(archive, "a") as contents:
        contents.writestr("package/../../evil", b"evil")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    write_manifest(fetched / "MANIFEST.sha256", {"package.whl": digest})
    with pytest.raises(InputError, match=r"the name '\.\./\.\./evil' is not allowed"):
        take_folder(tmp_path / "out" / "package" / FOLDER_MANIFEST, fetched, "package")
    assert not (tmp_path / "evil").exists()
