import gzip
import hashlib
import json
import resource
import threading

import pytest
from web import cut, page, status

from flowpose.download import transfer as module
from flowpose.download.partial_files import FetchError, RefusedError
from flowpose.download.transfer import transfer

CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PATH = "/some folder/weights 1.pth"


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 1000)


@pytest.fixture
def server(server):
    server.files[PATH] = CONTENT
    return server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new" / "weights.pth"


def fetch(server, target, **settings):
    transfer(server.url("/some%20folder/weights%201.pth"), target, **settings)


def break_off(server, target, after):
    """Leave a part of the file, as a killed job does."""
    server.faults[PATH] = [cut(after), *[cut(0)] * 3]
    with pytest.raises(FetchError, match=rf"broke off after {after} bytes.*is kept"):
        fetch(server, target)
    assert not target.exists()
    server.requests.clear()


def test_a_file_comes_whole_and_alone(server, target, tmp_path, files_under):
    fetch(server, target, digest=DIGEST)
    assert target.read_bytes() == CONTENT
    assert files_under(tmp_path) == ["new/weights.pth"]
    assert server.requests == [(PATH, None)]


def test_the_beginning_of_a_digest_is_enough(server, target):
    fetch(server, target, digest=DIGEST[:8])
    assert target.read_bytes() == CONTENT


def test_a_transfer_that_breaks_off_goes_on_where_it_was(server, target):
    server.faults[PATH] = [cut(4000), cut(3000)]
    fetch(server, target, digest=DIGEST)
    assert target.read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, "bytes=4000-", "bytes=7000-"]


def test_tries_that_come_further_do_not_count(server, target):
    server.faults[PATH] = [cut(1000)] * 10
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 11


def test_what_has_come_is_completed_the_next_time(server, target, files_under):
    break_off(server, target, 6000)
    assert files_under(target.parent) == [".weights.pth.part", ".weights.pth.part.json"]
    fetch(server, target, digest=DIGEST)
    assert target.read_bytes() == CONTENT
    assert server.requests == [(PATH, "bytes=6000-")]
    assert files_under(target.parent) == ["weights.pth"]


def test_a_server_that_sends_no_parts_starts_again(server, target):
    break_off(server, target, 6000)
    server.ranges = False
    fetch(server, target, digest=DIGEST)
    assert target.read_bytes() == CONTENT


def test_a_server_that_sends_less_than_is_asked_is_asked_for_the_rest(server, target):
    def thousand(handler, content):
        begin = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {begin}-{begin + 999}/{len(content)}")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(content[begin : begin + 1000])

    break_off(server, target, 6000)
    server.faults[PATH] = [thousand, thousand]
    fetch(server, target, digest=DIGEST)
    assert [asked for _, asked in server.requests] == [f"bytes={n}000-" for n in (6, 7, 8)]


def test_a_file_that_has_changed_meanwhile_starts_again(server, target):
    break_off(server, target, 6000)
    server.files[PATH] = CONTENT[::-1]
    fetch(server, target)
    assert target.read_bytes() == CONTENT[::-1]


def test_without_marks_of_versions_the_size_must_be_the_same(server, target):
    server.etags = False
    break_off(server, target, 6000)
    server.files[PATH] = CONTENT[::-1] + b"more"
    fetch(server, target)
    assert target.read_bytes() == CONTENT[::-1] + b"more"


def test_without_marks_of_versions_a_transfer_goes_on_too(server, target):
    server.etags = False
    break_off(server, target, 6000)
    fetch(server, target, digest=DIGEST)
    assert server.requests == [(PATH, "bytes=6000-")]
    assert target.read_bytes() == CONTENT


def test_a_part_of_unknown_version_starts_again(server, target):
    break_off(server, target, 6000)
    (target.parent / ".weights.pth.part.json").write_text("{")
    fetch(server, target)
    assert server.requests == [(PATH, None)]
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_whole_is_not_fetched_again(server, target):
    break_off(server, target, 6000)
    (target.parent / ".weights.pth.part").write_bytes(CONTENT)
    fetch(server, target, digest=DIGEST)
    assert (target.read_bytes(), server.requests) == (CONTENT, [])


def test_a_part_that_is_too_long_starts_again(server, target):
    break_off(server, target, 6000)
    (target.parent / ".weights.pth.part").write_bytes(CONTENT + b"more")
    fetch(server, target, digest=DIGEST)
    assert target.read_bytes() == CONTENT


def test_a_wrong_digest_is_refused_and_the_file_deleted(server, target, tmp_path, files_under):
    wrong = "0" * 64
    with pytest.raises(RefusedError, match=f"expected SHA-256 {wrong}, the download has {DIGEST}"):
        fetch(server, target, digest=wrong)
    assert files_under(tmp_path) == []


def test_a_file_that_was_there_outlives_a_failure(server, target):
    target.parent.mkdir()
    target.write_text("old")
    with pytest.raises(RefusedError, match="expected SHA-256 0000"):
        fetch(server, target, digest="0" * 64)
    assert target.read_text() == "old"


def test_a_web_page_in_place_of_the_file_is_refused(server, target, tmp_path):
    server.faults[PATH] = [page("<html>Sign in</html>")]
    with pytest.raises(RefusedError, match=r"weights%201.pth: a web page came instead of the file"):
        fetch(server, target)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_refused_at_once(server, target, tmp_path):
    with pytest.raises(RefusedError, match=r"/none: the server answers 404 Not Found"):
        transfer(server.url("/none"), target)
    assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_busy_is_asked_again(server, target):
    server.faults[PATH] = [status(503), status(429)]
    fetch(server, target)
    assert target.read_bytes() == CONTENT


def test_a_server_that_stays_busy_is_named(server, target, tmp_path):
    server.faults[PATH] = [status(503)] * 4
    with pytest.raises(FetchError, match=r"1.pth: the server answers 503 .*fetch again later"):
        fetch(server, target)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_falls_silent_is_asked_again(server, target, monkeypatch):
    monkeypatch.setattr(module, "_TIMEOUT_S", (5, 0.1))
    over = threading.Event()
    server.faults[PATH] = [lambda *_: over.wait(5)]
    fetch(server, target)
    over.set()
    assert target.read_bytes() == CONTENT


def test_no_network_is_one_clear_error_and_leaves_nothing(no_network, target, tmp_path):
    with pytest.raises(FetchError) as error:
        transfer("https://example.org/weights.pth", target)
    assert str(error.value) == (
        "https://example.org/weights.pth: example.org cannot be reached: [Errno 101]"
        " Network is unreachable (check the network and the proxy, or fetch on a machine that has"
        " one)"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_compressed_answer_is_not_taken_for_the_file(server, target):
    """Some servers compress whatever is asked; lengths and ranges are then not the file's."""
    packed = gzip.compress(CONTENT)

    def compressed(handler, _, at_most=None):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        handler.wfile.write(packed[:at_most])

    server.faults[PATH] = [lambda *of: compressed(*of, len(packed) // 2), compressed]
    fetch(server, target, digest=DIGEST)
    assert target.read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, None]


def test_a_full_disk_is_named_and_what_has_come_is_kept(server, target):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(FetchError, match=r"weights.pth: cannot be written: File too large"):
            fetch(server, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    fetch(server, target, digest=DIGEST)
    assert [asked for _, asked in server.requests] == [None, "bytes=5000-"]


def test_progress_knows_how_much_there_is(server, target):
    seen = []

    def bar(pieces):
        seen.append(len(pieces))
        return pieces

    break_off(server, target, 6000)
    fetch(server, target, bar=bar)
    assert seen == [5]


def test_a_file_of_this_machine_is_copied(target, tmp_path):
    (tmp_path / "my weights.pth").write_bytes(CONTENT)
    transfer((tmp_path / "my weights.pth").as_uri(), target, digest=DIGEST)
    assert target.read_bytes() == CONTENT


def test_a_file_that_is_not_on_this_machine_is_named(target, tmp_path):
    with pytest.raises(RefusedError, match=r"file:///.*none: no such file"):
        transfer((tmp_path / "none").as_uri(), target)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_none_is_refused(target):
    with pytest.raises(RefusedError, match="http:///none: Invalid URL"):
        transfer("http:///none", target)


def test_the_note_beside_a_part_says_which_version_it_is_of(server, target):
    break_off(server, target, 6000)
    note = json.loads((target.parent / ".weights.pth.part.json").read_text())
    assert note == {"size": len(CONTENT), "validator": f'"{DIGEST}"'}
