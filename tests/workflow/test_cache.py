"""Flows and poses from another clone's cache: the same ones, and none that are stale."""

from pathlib import Path

import pytest
from toy import CONFIG, Project, copy_sources

SHARED = ("flow_0.h5", "flow_1.h5", "flow_1.pt", "pose_1.h5")


@pytest.fixture
def clone(finished, tmp_path, monkeypatch):
    """Makes clones of the project without results, that share a cache."""
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path / "cache"))

    def make(name: str) -> Project:
        project = Project(tmp_path / name)
        copy_sources(project.folder)
        (project.folder / "inputs").symlink_to(finished.folder / "inputs")
        project.write_config(CONFIG)
        return project

    return make


def run(project) -> dict[str, Path]:
    """Make a sequence's first cycle; where each file that may be shared really lies."""
    folder = project.folder / "results" / "toy" / "right"
    done = project.snakemake("--cache", target="results/toy/right/flow_1.h5")
    assert done.ok, done.text
    return {name: (folder / name).resolve() for name in SHARED}


def test_clones_share_flows_and_poses(clone):
    first, second, edited = clone("first"), clone("second"), clone("edited")
    made = run(first)
    times = {path: path.stat().st_mtime_ns for path in made.values()}
    assert run(second) == made
    assert {path: path.stat().st_mtime_ns for path in made.values()} == times
    # What depends on edited code is made anew; what lies before it is shared still.
    edited.edit(
        "workflow/scripts/flowpose/adaptation/target.py",
        "POINTS_PER_BONE = 22",
        "POINTS_PER_BONE = 12",
    )
    remade = run(edited)
    for file in ("flow_1.h5", "flow_1.pt"):
        assert remade.pop(file) != made.pop(file)
    assert remade == made
