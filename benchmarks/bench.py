"""Time flowpose beside the reference's way of computing; writes and prints results/bench.csv.

Each ratio is measured in turns (A B A B ...) in one process, so that a machine whose speed drifts
does not favour either; medians are reported.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from bench_files import file_rows  # noqa: E402
from bench_flow import flow_rows  # noqa: E402
from bench_workflow import workflow_rows  # noqa: E402
from measure import in_turns, row  # noqa: E402
from reference_pose import refine_frame_by_frame  # noqa: E402

from flowpose.camera import Crop  # noqa: E402
from flowpose.pose import Pose  # noqa: E402
from flowpose.refine import PoseOptions, refine_pose  # noqa: E402

LENGTHS = (50, 200, 500)
SIDE = 256
OUR_STEPS, THEIR_STEPS = 100, 2


def pose_step(n_frames: int) -> dict[str, object]:
    """A step of the pose refinement on one core."""
    rng = np.random.default_rng(0)
    crop = Crop.whole_image(n_frames, SIDE, SIDE)
    joints = rng.uniform(-0.5, 0.5, (14, 3)) + rng.normal(0, 0.01, (n_frames, 14, 3))
    pose = Pose(joints.astype(np.float32), np.tile(np.float32([0.8, 0, 0]), (n_frames, 1)), crop)
    keypoints = pose.project().astype(np.float64) + rng.normal(0, 2, (n_frames, 14, 2))
    weights = np.ones((n_frames, 14))
    flow = rng.normal(0, 2, (n_frames - 1, SIDE, SIDE, 2)).astype(np.float32)
    tensor = torch.as_tensor(flow)
    options = PoseOptions(steps=OUR_STEPS, stop_patience=0)
    ours, theirs = in_turns(
        lambda: refine_pose(pose, keypoints, weights, tensor, options=options),
        lambda: refine_frame_by_frame(pose, keypoints, weights, flow, THEIR_STEPS),
    )
    value, baseline = 1000 * ours / OUR_STEPS, 1000 * theirs / THEIR_STEPS
    return row(f"pose step, {n_frames} frames", value, "ms", baseline)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", type=torch.device, default="cpu", help="of RAFT: cpu or cuda")
    device = parser.parse_args().device
    torch.set_num_threads(1)
    rows = [pose_step(n) for n in LENGTHS]
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    rows += [*flow_rows(device), *file_rows(), *workflow_rows()]
    table = pd.DataFrame(rows)
    path = ROOT / "results" / "bench.csv"
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format="%.4g"))


if __name__ == "__main__":
    main()
