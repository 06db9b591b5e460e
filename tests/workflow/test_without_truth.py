"""A data set of which nobody knows where the joints were: flows, poses, a table and pictures."""

import h5py
import numpy as np
import pandas as pd
import pytest

from flowpose.pose.skeletons import METRO_14

COUNTS = ["dataset", "sequence", "cycle", "n_frames", "n_scored"]
PLAUSIBLE = ["pose_detections_px", "bone_sd_mm", "pose_accel_m_s2", "pose_jerk_m_s3"]
AGREEMENT = ["pose_flow_px", "pose_flow_height_percent"]


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
    tables = {"table": 1, "all_tables": 1, "summary": 1, "overview": 1}
    pictures = {"moment": 2, "figure": 2, "joints_figure": 1, "all": 1}
    jobs = {"truth": 2, "pose_scores": 2, "flow_scores": 6, **tables, **pictures}
    assert run.jobs() == jobs
    table = pd.read_csv(project.folder / "results" / "table.csv")
    assert list(table.columns) == [*COUNTS, *PLAUSIBLE, *AGREEMENT]
    assert np.isfinite(table[[*PLAUSIBLE, *AGREEMENT]]).all(axis=None)
    # The refinement draws the pose to smoothness, stiff bones and the flow.
    cycles = table[table["sequence"] == "mean"].set_index("cycle")
    for name in ("bone_sd_mm", "pose_accel_m_s2", "pose_jerk_m_s3", "pose_flow_px"):
        assert cycles.loc[2, name] < cycles.loc[0, name], name
    assert list(table["n_frames"]) == [5] * 6 + [10] * 3
    assert (table["n_scored"] == 0).all()
    readable = (project.folder / "results" / "table.md").read_text()
    assert "MPJPE" not in readable and "nan" not in readable
    assert (project.folder / "results" / "toy" / "right" / "figure.png").read_bytes()[
        :4
    ] == b"\x89PNG"
    assert project.planned(target="all") == {}


def test_with_joints_marked_in_the_picture_errors_are_those_there(project):
    """The pose is (3, 4) px away from each of them, and moves as they do."""
    sequence = project.folder / "results" / "toy" / "right"
    with h5py.File(sequence / "frames.h5") as h5, h5py.File(sequence / "pose_2.h5") as pose:
        n, index, joints = int(h5.attrs["video_frames"]), h5["index"][:], pose["joints_2d"][:]
    marked = np.full((n, 14, 2), np.nan)
    marked[index] = joints + [3, 4]
    path = project.folder / "inputs" / "marked.npz"
    np.savez(path, joints=np.array(METRO_14.joints), joints_2d=marked)
    config = project.config
    truth = {"format": "annotated", "file": "inputs/marked.npz"}
    config["sequences"] = {"right": config["sequences"]["right"] | {"truth": truth}}
    project.write_config(config)
    run = project.snakemake()
    assert run.ok, run.text
    table = pd.read_csv(project.folder / "results" / "table.csv")
    flow = ["epe_px", "epe_height_percent", "epe_reference", "pose_flow_px"]
    errors = ["motion_px", "error_2d_px", "pck_2d_percent"]
    assert list(table.columns) == [*COUNTS, *errors, *PLAUSIBLE, *flow]
    last = table[table["sequence"] == "right"].iloc[-1]
    assert last["error_2d_px"] == pytest.approx(5, rel=1e-4)
    assert last["motion_px"] == pytest.approx(0, abs=1e-4)
