import hashlib
import string
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpose.download.manifest import check_name, read_manifest, write_manifest
from flowpose.errors import InputError

DIGEST = hashlib.sha256(b"content").hexdigest()
PARTS = st.text(string.ascii_letters + string.digits + " .é_-", min_size=1).filter(
    lambda part: part not in (".", "..")
)
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@given(st.dictionaries(NAMES, st.just(DIGEST)))
def test_what_is_written_is_read(tmp_path_factory, digests):
    path = tmp_path_factory.mktemp("manifest") / "MANIFEST.sha256"
    write_manifest(path, digests)
    assert read_manifest(path) == digests


def test_what_sha256sum_writes_is_read(tmp_path):
    (tmp_path / "a b").write_bytes(b"content")
    for mode in ("--text", "--binary"):
        done = subprocess.run(
            ["sha256sum", mode, "a b"], cwd=tmp_path, capture_output=True, check=True
        )
        (tmp_path / "MANIFEST.sha256").write_bytes(done.stdout)
        assert read_manifest(tmp_path / "MANIFEST.sha256") == {"a b": DIGEST}
    write_manifest(tmp_path / "ours", {"a b": DIGEST})
    assert (tmp_path / "ours").read_text() == f"{DIGEST}  a b\n"


@pytest.mark.parametrize(
    "name",
    ["../evil", "/evil", "a/../../evil", "a//b", "./a", "", "a\\b", "a\nb", "MANIFEST.sha256"],
)
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(InputError, match=r"somewhere: the name .* is not allowed for a file"):
        check_name(name, "somewhere")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("no digest  name", "expected a SHA-256 and a name, found 'no digest  name'"),
        (f"{DIGEST}  ../evil", "the name '../evil' is not allowed"),
    ],
)
def test_a_line_that_is_not_right_is_named(tmp_path, line, problem):
    path = tmp_path / "MANIFEST.sha256"
    path.write_text(f"{DIGEST}  fine\n{line}\n")
    with pytest.raises(InputError, match=f"MANIFEST.sha256: line 2: {problem}"):
        read_manifest(path)
