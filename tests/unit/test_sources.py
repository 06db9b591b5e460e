import hashlib
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import torchvision
from web import status

from flowpose.download.manifest import read_manifest
from flowpose.download.partial_files import FetchError, RefusedError
from flowpose.download.sources import fetch_torchvision, fetch_url, fetch_wheel
from flowpose.errors import FlowposeError, InputError

FILES = {
    "S9/Walking 1.60457274_results.npz": b"walking" * 100,
    "S9/Directions.54138969_results.npz": b"directions" * 100,
    "S11/Walking.npz": b"another" * 100,
}
DIGESTS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
MANIFEST = "".join(f"{digest}  {name}\n" for name, digest in DIGESTS.items())
WALKING = "S9/Walking 1.60457274_results.npz"


def content_of(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture
def mirror(server):
    """A folder on the web."""
    server.files |= {f"/metro/{name}": content for name, content in FILES.items()}
    server.files["/metro/MANIFEST.sha256"] = MANIFEST.encode()
    return server


def fetch(server, folder, path="/metro/", digest=None):
    fetch_url(folder, server.url(path), digest=digest, bar=iter)


def test_a_folder_comes_with_a_manifest_of_it(mirror, tmp_path, files_under):
    fetch(mirror, tmp_path)
    assert content_of(tmp_path) == FILES
    assert read_manifest(tmp_path / "MANIFEST.sha256") == DIGESTS
    assert files_under(tmp_path) == sorted([*FILES, "MANIFEST.sha256"])


def test_what_has_come_is_verified_without_asking_again(mirror, tmp_path):
    fetch(mirror, tmp_path)
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
    assert [path for path, _ in mirror.requests] == ["/metro/MANIFEST.sha256", f"/metro/{WALKING}"]


def test_a_file_that_has_changed_since_the_first_fetch_is_refused(mirror, tmp_path):
    fetch(mirror, tmp_path)
    (tmp_path / WALKING).unlink()
    mirror.files[f"/metro/{WALKING}"] = b"another"
    with pytest.raises(FetchError, match=rf"1 of 3 .*\n.*expected SHA-256 {DIGESTS[WALKING]}"):
        fetch(mirror, tmp_path)
    assert not (tmp_path / WALKING).exists()
    assert read_manifest(tmp_path / "MANIFEST.sha256") == DIGESTS


def test_a_file_that_is_gone_from_its_source_matters_only_if_it_is_missing(mirror, tmp_path):
    fetch(mirror, tmp_path)
    mirror.files["/metro/MANIFEST.sha256"] = MANIFEST.partition("\n")[2].encode()
    (tmp_path / "S11" / "Walking.npz").unlink()
    fetch(mirror, tmp_path)
    (tmp_path / WALKING).unlink()
    with pytest.raises(FetchError, match=rf"{WALKING}: it is missing .* no longer at its source"):
        fetch(mirror, tmp_path)


def test_one_file_that_does_not_come_does_not_stop_the_others(mirror, tmp_path, files_under):
    mirror.faults[f"/metro/{WALKING}"] = [status(403)]
    with pytest.raises(FetchError, match=r"1 of 3 files did not come, .*\n.*answers 403 Forbidden"):
        fetch(mirror, tmp_path)
    assert files_under(tmp_path) == sorted(set(FILES) - {WALKING})
    mirror.requests.clear()
    fetch(mirror, tmp_path)
    assert [path for path, _ in mirror.requests] == ["/metro/MANIFEST.sha256", f"/metro/{WALKING}"]
    assert content_of(tmp_path) == FILES


def test_a_server_that_cannot_be_reached_stops_all(mirror, tmp_path):
    mirror.faults[f"/metro/{WALKING}"] = [status(503)] * 4
    with pytest.raises(FetchError, match=r"the server answers 503"):
        fetch(mirror, tmp_path)
    assert len(mirror.requests) == 5


def test_no_network_is_one_error_and_leaves_nothing(no_network, tmp_path):
    with pytest.raises(FetchError, match=r"example.org cannot be reached"):
        fetch_url(tmp_path / "new", "https://example.org/metro/", digest=None, bar=iter)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_on_the_web_needs_a_manifest(mirror, tmp_path):
    del mirror.files["/metro/MANIFEST.sha256"]
    with pytest.raises(RefusedError, match=r"/metro/MANIFEST.sha256: the server answers 404"):
        fetch(mirror, tmp_path)


def test_a_manifest_that_leads_elsewhere_is_refused(mirror, tmp_path):
    mirror.files["/metro/MANIFEST.sha256"] = f"{'0' * 64}  ../evil\n".encode()
    with pytest.raises(InputError, match=r"the name '../evil' is not allowed"):
        fetch(mirror, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("manifest", [MANIFEST, None])
def test_a_folder_of_this_machine_is_copied(tmp_path, manifest):
    source = tmp_path / "my source"
    for name, content in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    if manifest:
        (source / "MANIFEST.sha256").write_text(manifest)
        (source / "not in the manifest").write_text("and not wanted")
    fetch_url(tmp_path / "new", source.as_uri() + "/", digest=None, bar=iter)
    assert content_of(tmp_path / "new") == FILES
    assert read_manifest(tmp_path / "new" / "MANIFEST.sha256") == DIGESTS


def test_a_folder_that_is_not_there_or_empty_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none/: no such folder"):
        fetch_url(tmp_path / "new", (tmp_path / "none").as_uri() + "/", digest=None, bar=iter)
    with pytest.raises(InputError, match="there are no files"):
        fetch_url(tmp_path / "new", tmp_path.as_uri() + "/", digest=None, bar=iter)


def test_a_file_that_was_put_there_by_hand_is_taken(mirror, tmp_path):
    (tmp_path / "S9").mkdir()
    (tmp_path / WALKING).write_bytes(FILES[WALKING])
    fetch(mirror, tmp_path)
    assert f"/metro/{WALKING}" not in dict(mirror.requests)
    assert read_manifest(tmp_path / "MANIFEST.sha256") == DIGESTS


def test_a_single_file_comes_under_its_own_name(mirror, tmp_path, files_under):
    path = "/metro/S9/Walking%201.60457274_results.npz?download=1"
    mirror.files[f"/metro/{WALKING}?download=1"] = b"one"
    fetch(mirror, tmp_path, path)
    assert files_under(tmp_path) == ["MANIFEST.sha256", "Walking 1.60457274_results.npz"]
    fetch(mirror, tmp_path, path)
    assert len(mirror.requests) == 1


def test_a_single_file_may_change_only_with_its_stated_digest(server, tmp_path):
    server.files["/a.zip"] = b"one"
    fetch(server, tmp_path, "/a.zip")
    server.files["/a.zip"] = b"two"
    (tmp_path / "a.zip").unlink()
    with pytest.raises(RefusedError, match=r"a.zip: expected SHA-256"):
        fetch(server, tmp_path, "/a.zip")
    stated = hashlib.sha256(b"two").hexdigest()
    fetch(server, tmp_path, "/a.zip", digest=stated)
    assert read_manifest(tmp_path / "MANIFEST.sha256") == {"a.zip": stated}


def test_a_stated_digest_replaces_a_file_of_another(server, tmp_path):
    server.files["/a.zip"] = b"one"
    fetch(server, tmp_path, "/a.zip")
    server.files["/a.zip"] = b"two"
    fetch(server, tmp_path, "/a.zip", digest=hashlib.sha256(b"two").hexdigest())
    assert (tmp_path / "a.zip").read_bytes() == b"two"


def test_weights_of_torchvision_must_have_the_digest_in_their_name(web, tmp_path):
    name = "raft_large_C_T_V1-22a6c225.pth"
    url = torchvision.models.get_weight("Raft_Large_Weights.C_T_V1").url
    web.files[f"/{url.removeprefix('https://')}"] = b"not the weights"
    with pytest.raises(RefusedError, match=rf"{name}: expected SHA-256 22a6c225, .* has [0-9a-f]+"):
        fetch_torchvision(tmp_path, "Raft_Large_Weights.C_T_V1", bar=iter)


def test_weights_of_torchvision_come_from_its_own_address(web, tmp_path, monkeypatch, files_under):
    name = f"raft-{hashlib.sha256(b'weights').hexdigest()[:8]}.pth"
    web.files[f"/example.org/models/{name}"] = b"weights"
    weights = SimpleNamespace(url=f"https://example.org/models/{name}")
    monkeypatch.setattr(torchvision.models, "get_weight", lambda _: weights)
    fetch_torchvision(tmp_path, "Raft_Large_Weights.C_T_V1", bar=iter)
    assert files_under(tmp_path) == ["MANIFEST.sha256", name]


def test_weights_that_torchvision_does_not_have_are_named(tmp_path):
    with pytest.raises(RefusedError, match=r"Raft_Large_Weights.NONE: no weights of torchvision's"):
        fetch_torchvision(tmp_path, "Raft_Large_Weights.NONE", bar=iter)


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


def fetch_package(folder):
    digest = hashlib.sha256(b"wheel").hexdigest()
    fetch_wheel(folder, requirement="package==1", wheel="package-1.whl", digest=digest)


def test_a_wheel_is_kept_with_its_manifest(tmp_path, pip, files_under):
    calls = []
    pip(lambda folder: calls.append((folder / "package-1.whl").write_bytes(b"wheel")))
    fetch_package(tmp_path / "new")
    fetch_package(tmp_path / "new")
    assert len(calls) == 1
    assert files_under(tmp_path) == ["new/MANIFEST.sha256", "new/package-1.whl"]
    assert (tmp_path / "new" / "package-1.whl").read_bytes() == b"wheel"


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
def test_a_wheel_that_is_not_the_one_expected_is_not_kept(
    tmp_path, pip, files_under, download, message
):
    pip(download)
    with pytest.raises(FlowposeError, match=message):
        fetch_package(tmp_path)
    assert files_under(tmp_path) == []
