"""`mode: reference`, from the authors' file formats to the table, against their own numbers."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from golden.random_raft import write_random_raft
from toy import ROOT, TABLE, Project, copy_sources

GOLDEN = ROOT / "tests" / "golden"
CASE = "S9/Walking.60457274/"
# The count of the reference: joints by pairs of frames.
COUNTED = 32 * 7
CONFIG = {
    "dataset": "golden",
    "mode": "reference",
    "device": "cpu",
    "human36m": {
        "folder": "ws_s0/data/h36m",
        "labels_3d": "ws_s0/data/data_3d_h36m.npz",
        "labels_2d": "ws_s0/data/h36m/data_2d_h36m_gt.npz",
        "metro": "ws_s0/metro_estimates_h36m",
        "dcpose": "ws_s0/dcpose_estimates_h36m",
        "subjects": ["S9"],
    },
    "flow": {"weights": "raft-random.pth", "passes": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The project after the whole run on the reference's inputs."""
    project = Project(tmp_path_factory.mktemp("reference") / "project")
    copy_sources(project.folder)
    (project.folder / "ws_s0").symlink_to(GOLDEN / "ws_s0")
    write_random_raft(project.folder / "raft-random.pth")
    project.write_config(CONFIG)
    run = project.snakemake()
    assert run.ok, run.text
    return project.folder


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN / "e2e_s0.npz")


@pytest.mark.slow
def test_errors_of_every_cycle(folder, golden):
    table = pd.read_csv(folder / TABLE).set_index(["sequence", "cycle"]).loc["S9 Walking"]
    for cycle in range(3):
        expected = golden[f"{CASE}epe_sum_cycle{cycle}"] / COUNTED
        assert table.loc[cycle, "epe_reference"] == pytest.approx(expected, rel=3e-5), cycle
    before, after = (golden[f"{CASE}mpjpe_{name}"].mean() for name in ("orig", "optim"))
    assert table.loc[0, "mpjpe_mm"] == pytest.approx(before, rel=1e-5)
    # The refinement may stop some steps apart.
    assert table.loc[2, "mpjpe_mm"] == pytest.approx(after, abs=0.3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "name", "tolerance"),
    [
        ("flow_0", "flow0/infer1_mode0", 1e-5),
        ("flow_1", "flow0/infer3_mode0", 2e-3),
        ("flow_2", "flow1/infer2_mode0", 1.5e-2),
    ],
)
def test_flow_of_every_cycle(folder, golden, stage, name, tolerance):
    with h5py.File(folder / "results" / "golden" / "S9 Walking" / f"{stage}.h5") as h5:
        flow = h5["flow"][:, :: int(golden["flow_stride"]), :: int(golden["flow_stride"])]
    np.testing.assert_allclose(flow, golden[CASE + name], rtol=0, atol=tolerance)
