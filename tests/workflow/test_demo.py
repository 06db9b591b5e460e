"""The demo as a user runs it, but for one of its cameras and part of its clip; real weights."""

import numpy as np
import pandas as pd
import pytest
import yaml
from toy import ONE_THREAD, Project, copy_sources

from flowpose.flow.field_file import open_flows
from flowpose.pose.keypoint_file import read_keypoints
from flowpose.pose.pose_file import read_pose
from flowpose.refinement.energy import PoseEnergy, PoseWeights
from flowpose.refinement.refine import PoseOptions, refine_pose
from flowpose.refinement.variables import pack

IMPROVED = ["mpjpe_mm", "pa_mpjpe_mm", "accel_mm", "epe_px"]


def flow_terms(folder):
    """How far the refined pose is from moving as the flow does, and one refined without flow.

    All errors get better without flow, too, as the refinement smooths.
    """
    estimate, refined = (read_pose(folder / f"pose_{cycle}.h5") for cycle in (0, 1))
    keypoints = read_keypoints(folder / "keypoints.h5")
    with open_flows(folder / "flow_1.h5") as flows:
        inputs = (estimate, keypoints.joints_2d, keypoints.weights(0), flows)
        options = PoseOptions(weights=PoseWeights(flow=0))
        without = refine_pose(*inputs, options=options).pose
        energy = PoseEnergy(*inputs, weights=PoseWeights())
        states = (energy.state(pack(pose, np.float32)) for pose in (refined, without))
        return [energy.terms(state)["flow"].sum() for state in states]


@pytest.mark.slow
def test_demo_gets_better(tmp_path):
    copy_sources(tmp_path / "project")
    demo = Project(tmp_path / "project", configfile=None)
    path = demo.folder / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    del config["sequences"]["cam01"]
    # A third of the arithmetic.
    config["frames"] |= {"first": 30, "width": 224}
    path.write_text(yaml.safe_dump(config))
    run = demo.snakemake(*ONE_THREAD)
    assert run.ok, run.text
    table = pd.read_csv(demo.folder / "results" / "table.csv")
    errors = table.set_index(["sequence", "cycle"])[IMPROVED]
    assert set(table["sequence"]) == {"cam04", "mean"}
    for cycle in (1, 2):
        better = errors.loc["cam04", cycle] < errors.loc["cam04", 0]
        assert better.all(), f"cycle {cycle}: {errors.loc['cam04']}"
    with_flow, without = flow_terms(demo.folder / "results" / "demo" / "cam04")
    assert with_flow < 0.8 * without
    assert "Nothing to be done" in demo.snakemake(*ONE_THREAD).text
