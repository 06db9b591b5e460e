"""The toy project, finished once and copied for every test that changes it."""

import signal

import pytest
from toy import CONFIG, Project, copy_sources, write_inputs

# A shell has it ignored by what it starts in the background, as the tests may be.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """A project whose table and pictures have been made; copy it before changing it."""
    folder = tmp_path_factory.mktemp("finished") / "project"
    copy_sources(folder)
    write_inputs(folder / "inputs")
    project = Project(folder)
    project.write_config(CONFIG)
    run = project.snakemake(target="all")
    assert run.ok, run.text
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, to be changed."""
    return finished.copy(tmp_path / "project")
