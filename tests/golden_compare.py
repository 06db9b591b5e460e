"""What the comparisons with the reference share: tolerances, differences, its way of counting."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from flowpose.adaptation.target import draw_skeleton
from flowpose.datasets.human36m.h36m_skeletons import H36M_32
from flowpose.evaluation.flow_metrics import reference_end_point_error
from flowpose.evaluation.pose_metrics import joint_errors
from flowpose.pose.skeletons import METRO_14, convert

# What is allowed, and why: tests/golden/README.md.
EXACT = 1e-9
PROJECTION_PX = 3e-5
RAFT_PX = 1e-5
FLOW_PX = {1: 2e-3, 2: 1.5e-2}
EPE_RELATIVE = 3e-5
EARLY_STEPS = 60
LOSS_EARLY, LOSS_LATE = 1e-6, 3e-5
POSE_M, POSE_M_OTHER_STOP, STOP_APART = 1e-5, 3e-4, 12
BONE_M = 1e-6
GREY_LEVELS = 2
LABEL_M, LABEL_PX = 3e-6, 1e-3
GRADIENT_RELATIVE = 1e-3
STATISTICS = 1e-6
# On a GPU, of what RAFT has a part in.
CUDA_FACTOR = 10
CPU = torch.device("cpu")
STEP, FIRST = 5, 1
PELVIS = 11


@dataclass(frozen=True)
class Row:
    """A quantity compared: its largest difference and what is allowed."""

    name: str
    difference: float
    tolerance: float

    @property
    def ok(self) -> bool:
        return self.difference <= self.tolerance

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "FAIL"
        return f"{self.name:52} {self.difference:9.2e} {self.tolerance:9.2e}  {verdict}"


def absolute(name: str, ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> Row:
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape:
        return Row(f"{name} shape {ours.shape} for {theirs.shape}", np.inf, tolerance)
    difference = np.abs(ours - theirs).max(initial=0.0)
    return Row(name, np.inf if np.isnan(difference) else float(difference), tolerance)


def relative(name: str, ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> Row:
    scale = np.abs(np.asarray(theirs, np.float64))
    scale = np.where(scale == 0, 1, scale)
    return absolute(name, np.asarray(ours) / scale, np.asarray(theirs) / scale, tolerance)


def compare_refined(refined, loss, joints, camera, prefix: str = "") -> Iterator[Row]:
    """Loss curve and result of a refinement, allowing it to stop some steps apart."""
    n = min(len(refined.loss), len(loss))
    apart = abs(len(refined.loss) - len(loss))
    early = slice(0, min(n, EARLY_STEPS))
    yield Row(f"{prefix}steps to the stop, apart", apart, STOP_APART)
    yield relative(
        f"{prefix}loss, first {EARLY_STEPS} steps",
        refined.loss[early],
        loss[early],
        LOSS_EARLY if not prefix else LOSS_LATE,
    )
    yield relative(f"{prefix}loss", refined.loss[:n], loss[:n], LOSS_LATE)
    tolerance = POSE_M if not apart else POSE_M_OTHER_STOP
    yield absolute(f"{prefix}X_optim (m)", refined.pose.joints_3d, joints[:, 0], tolerance)
    yield absolute(f"{prefix}camera_optim", refined.pose.camera, camera.reshape(-1, 3), tolerance)


def targets(flow: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    return np.stack(
        [
            draw_skeleton(pixels[t], pixels[t + 1], field.shape[:2], radius=15, reference=True)
            .over(torch.tensor(field))
            .numpy()
            for t, field in enumerate(flow)
        ]
    )


def subsampled(labels: np.ndarray, n: int) -> np.ndarray:
    """Labels of the frames used, zero beyond their end (docs/reference.md, B15)."""
    used = labels[FIRST::STEP][:n].astype(np.float64)
    return np.concatenate([used, np.zeros((n - len(used), *used.shape[1:]))])


def epe_sums(flow: np.ndarray, labels: np.ndarray) -> list[float]:
    return [
        reference_end_point_error(flow[t], labels[t], labels[t + 1], reference=True)
        for t in range(len(flow))
    ]


def mpjpe(joints: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Error of each frame that has a label and a pose, mm."""
    # In float32, as in the reference, labels metres from the camera would lose digits otherwise.
    truth = truth - truth[:, PELVIS, None]
    labels = convert(truth, H36M_32, METRO_14)[FIRST::STEP][: len(joints)]
    joints = joints[: len(labels)]
    present = labels.any((1, 2)) & joints.any((1, 2))
    return joint_errors(joints, labels)[present].mean(1)
