"""The baseline of the benchmarks computes what the reference does, or its ratios mean nothing."""

import sys
from pathlib import Path

import golden_check
import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from reference_pose import refine_frame_by_frame  # noqa: E402


def test_baseline_gives_the_golden_losses():
    case = golden_check.Case(ROOT / "tests" / "golden" / "pose_s0_60.npz")
    keypoints = case.keypoints
    losses = refine_frame_by_frame(
        case.pose, keypoints.joints_2d, keypoints.weights(0), case["flow"], steps=10
    )
    np.testing.assert_allclose(losses, case["loss"][:10], rtol=1e-6)
