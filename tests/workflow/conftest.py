"""The toy project, finished once and copied for every test that changes it."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from filelock import FileLock
from toy import CONFIG, ROOT, Project, new_project, write_inputs

# A shell has it ignored by what it starts in the background, as the tests may be.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Project:
    """A project whose table and pictures have been made, by one worker for all.

    Others copy it at any time: copy it before changing it, or running anything in it.
    """
    session = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        session = session.parent
    project = Project(session / "finished")
    with FileLock(session / "finished.lock"):
        if not project.folder.exists():
            finish(tmp_path_factory.mktemp("finished") / "project").rename(project.folder)
    return project


def finish(folder: Path) -> Path:
    """Make the toy project's table and pictures in a new folder."""
    project = new_project(folder, CONFIG)
    write_inputs(folder / "inputs")
    run = project.snakemake(target="all")
    assert run.ok, run.text
    return folder


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, to be changed."""
    return finished.copy(tmp_path / "project")


@pytest.fixture
def rsync(monkeypatch) -> None:
    """What the storage plugin for folders calls, installed or not."""
    if not shutil.which("rsync"):
        path = [os.environ["PATH"], str(ROOT / "tests" / "pods")]
        monkeypatch.setenv("PATH", os.pathsep.join(path))
