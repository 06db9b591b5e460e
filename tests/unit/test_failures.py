import pytest

from failures import failure_in, failure_line, failures_text


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
    assert failures_text([("frames", str(log("a", failure_line("frames a: damaged"))))]) == (
        "frames a: damaged"
    )


def test_all_jobs_are_told_of_in_order(log):
    jobs = [(name, str(log(name, failure_line(f"frames {name}: no")))) for name in "ba"]
    jobs.append(("truth", str(log("c", "frames, 1 threads"))))
    head, *lines = failures_text(jobs).splitlines()
    assert head == "3 jobs failed:"
    assert lines[:2] == ["frames a: no", "frames b: no"]
    assert lines[2].startswith("truth: ") and "c.log does not say why" in lines[2]
