"""The log of a job: of two processes with the same job, one waits."""

import errno
import fcntl
import multiprocessing

import pytest

from job_log import exclusive


@pytest.fixture
def log(tmp_path):
    return tmp_path / "frames.log"


def hold(log, held, end):
    with exclusive(log) as stream:
        stream.write("of the first")
        stream.flush()
        held.set()
        end.wait(60)


def follow(log, done):
    with exclusive(log) as stream:
        stream.write("of the second")
    done.set()


@pytest.mark.parametrize("ends", ["by itself", "killed"])
def test_a_job_waits_for_one_that_an_earlier_run_has_left(log, capfd, ends):
    context = multiprocessing.get_context("fork")
    held, end, done = context.Event(), context.Event(), context.Event()
    first = context.Process(target=hold, args=(log, held, end))
    first.start()
    assert held.wait(60)
    second = context.Process(target=follow, args=(log, done))
    second.start()
    assert not done.wait(1)
    assert log.read_text() == "of the first"
    assert f"{log}: the same job of an earlier run is still at work" in capfd.readouterr().err
    first.kill() if ends == "killed" else end.set()
    second.join(60)
    assert log.read_text() == "of the second"
    assert list(log.parent.iterdir()) == [log]


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_job_goes_on_where_a_file_system_has_no_locks(log, monkeypatch, error):
    def refuse(*_):
        raise OSError(error, "no locks")

    log.write_text("of an earlier run")
    monkeypatch.setattr(fcntl, "flock", refuse)
    with exclusive(log) as stream:
        stream.write("new")
    assert log.read_text() == "new"
    assert list(log.parent.iterdir()) == [log]
