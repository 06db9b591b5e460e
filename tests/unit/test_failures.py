import pytest

from failures import DONE, discard_stubs, failure_in, failure_line, failures_text
from flowpose.storage.stage_files import create, write_failure


@pytest.fixture
def log(tmp_path):
    """Writes a log as a job does."""

    def write(name, *lines):
        path = tmp_path / f"{name}.log"
        path.write_text("".join(f"2026-01-02 03:04:05,678 {line}\n" for line in lines))
        return path

    return write


def test_the_last_words_are_found(log):
    message = "frames right: no such video:\nright.avi (set video)"
    path = log("frames", "frames, 1 threads: ['frames.h5']", failure_line(message))
    assert failure_in(path) == message


def test_a_job_that_ended_well_or_was_killed_has_none(log, tmp_path):
    assert failure_in(log("frames", "the video failed: retrying", "done")) == ""
    assert failure_in(tmp_path / "none.log") == ""


def test_one_job_needs_no_head(log):
    assert failures_text([[("frames", str(log("a", failure_line("frames a: damaged"))))]]) == (
        "frames a: damaged"
    )


def test_all_jobs_are_told_of_in_order(log):
    jobs = [[(name, str(log(name, failure_line(f"frames {name}: no"))))] for name in "ba"]
    jobs.append([("truth", str(log("c", "frames, 1 threads")))])
    head, *lines = failures_text(jobs).splitlines()
    assert head == "3 jobs failed:"
    assert lines[:2] == ["frames a: no", "frames b: no"]
    assert lines[2].startswith("truth: ") and "c.log does not say why" in lines[2]


@pytest.fixture
def group(log, tmp_path):
    """Members of a group: one that ended well, one that ends as given, one that never began."""

    def members(*ending):
        return [
            ("frames", str(log("frames", "frames, 1 threads", DONE))),
            ("truth", str(log("truth", "truth, 1 threads", *ending))),
            ("estimates", str(tmp_path / "estimates.log")),
        ]

    return members


def test_of_a_group_only_what_failed_is_told(group):
    assert failures_text([group(failure_line("truth a: no camera"))]) == "truth a: no camera"


def test_of_a_group_that_was_killed_those_are_told_that_did_not_end(group):
    truth, estimates = (log for _, log in group()[1:])
    text = failures_text([group()])
    assert text.startswith(f"truth, estimates: {truth}, {estimates} do not say why (")
    assert "frames" not in text


@pytest.fixture
def results(tmp_path, provenance):
    """Two jobs' files: of one that failed, with a picture, and of one that was made."""
    stub, picture, weights, made = (
        tmp_path / name for name in ("stub.h5", "stub.png", "stub.pt", "made.h5")
    )
    write_failure(stub, provenance, "a.avi: no such video")
    picture.write_bytes(b"says why")
    weights.touch()
    with create(made, provenance):
        pass
    return [[str(stub), str(picture), str(weights)], [str(made), str(tmp_path / "none.h5")]]


def test_what_stands_for_a_failure_goes_but_for_its_picture(results, tmp_path, files_under):
    stub, _, weights = results[0]
    reasons, unreadable = discard_stubs([([], outputs) for outputs in results])
    assert reasons == dict.fromkeys((stub, weights), "a.avi: no such video")
    assert unreadable == []
    assert files_under(tmp_path) == ["made.h5", "stub.png"]


def test_a_damaged_file_is_named_and_keeps_nothing_else_from_going(results, tmp_path, files_under):
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"not HDF5")
    jobs = [([], outputs) for outputs in ([str(damaged)], *results)]
    reasons, (message,) = discard_stubs(jobs)
    assert message.startswith(f"{damaged}: damaged: ") and "(delete it, and" in message
    assert len(reasons) == 2
    assert files_under(tmp_path) == ["damaged.h5", "made.h5", "stub.png"]


def test_exports_that_are_empty_go_with_what_they_were_to_be_made_from(results, tmp_path):
    """An export made well stays; of one whose input was no stub nothing more is known."""
    stub = results[0][0]
    empty, folder, made, other = (tmp_path / name for name in ("a.csv", "flo", "b.csv", "c.csv"))
    empty.touch()
    other.touch()
    folder.mkdir()
    (folder / ".snakemake_timestamp").touch()
    made.write_text("x")
    exports = [([stub], [str(path)]) for path in (empty, folder, made)] + [([], [str(other)])]
    reasons, _ = discard_stubs([*(([], outputs) for outputs in results), *exports])
    assert reasons[str(empty)] == reasons[str(folder)] == reasons[stub]
    assert reasons[str(other)] == "it could not be made"
    assert made.exists() and not (empty.exists() or folder.exists() or other.exists())
