"""A data set of which nobody knows where the joints were: flows, poses, a table and pictures."""

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory):
    """The toy project without its truth, from the poses on."""
    project = finished.copy(tmp_path_factory.mktemp("untrue") / "project")
    config = project.config
    for sequence in config["sequences"].values():
        del sequence["truth"]
    project.write_config(config)
    return project


def test_only_what_needs_the_truth_runs_again_and_nothing_is_made_up(project):
    run = project.snakemake(target="all")
    assert run.ok, run.text
    tables = {"table": 1, "all_tables": 1}
    pictures = {"moment": 2, "figure": 2, "all": 1}
    jobs = {"truth": 2, "pose_scores": 2, "flow_scores": 6, **tables, **pictures}
    assert run.jobs() == jobs
    table = pd.read_csv(project.folder / "results" / "table.csv")
    assert list(table.columns) == ["dataset", "sequence", "cycle", "n_frames", "n_scored"]
    assert list(table["n_frames"]) == [5] * 6 + [10] * 3
    assert (table["n_scored"] == 0).all()
    readable = (project.folder / "results" / "table.md").read_text()
    assert "MPJPE" not in readable and "nan" not in readable
    assert (project.folder / "results" / "toy" / "right" / "figure.png").read_bytes()[
        :4
    ] == b"\x89PNG"
    assert project.planned(target="all") == {}
