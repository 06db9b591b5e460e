"""The baseline of the benchmarks computes what the reference does, or its ratios mean nothing."""

import copy
import sys
from pathlib import Path

import golden_check
import numpy as np
import torch
from torchvision.models.optical_flow import raft_small

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import reference_flow  # noqa: E402
from bench_flow import moving_frames  # noqa: E402
from reference_pose import refine_frame_by_frame  # noqa: E402

from flowpose.finetune import FlowOptions, finetune  # noqa: E402


def test_baseline_gives_the_golden_losses():
    case = golden_check.Case(ROOT / "tests" / "golden" / "pose_s0_60.npz")
    keypoints = case.keypoints
    losses = refine_frame_by_frame(
        case.pose, keypoints.joints_2d, keypoints.weights(0), case["flow"], steps=10
    )
    np.testing.assert_allclose(losses, case["loss"][:10], rtol=1e-6)


def test_flow_baseline_takes_the_steps_that_we_take(monkeypatch):
    monkeypatch.setattr(reference_flow, "UPDATES", 3)
    torch.manual_seed(0)
    model = raft_small().eval()
    frames, targets = moving_frames((128, 128), 3), np.zeros((2, 128, 128, 2), np.float32)
    options = FlowOptions(3, passes=1)
    ours = finetune(copy.deepcopy(model), frames, targets, options=options)
    theirs = reference_flow.finetune_step_by_step(model, frames, targets)
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-3)
