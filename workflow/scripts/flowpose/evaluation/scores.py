"""How far a sequence's poses and flows are from the truth, frame by frame and joint by joint."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Bool, Float

from flowpose.errors import InputError, check
from flowpose.evaluation.metrics import (
    REFERENCE_JOINTS,
    acceleration_errors,
    aligned_joint_errors,
    consecutive,
    joint_errors,
    masked_mean,
    reference_end_point_error,
    scaled_joint_errors,
)
from flowpose.flow.field_file import open_flows
from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import sample_flow
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import HIPS, METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.runtime.streams import Stream
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance

# The table's columns, in their order.
METRICS = ("mpjpe_mm", "pa_mpjpe_mm", "n_mpjpe_mm", "accel_mm", "epe_px", "epe_reference")

# Fewer points than this fit any rotation.
_MIN_ALIGNED_JOINTS = 3


@dataclass(frozen=True)
class Errors:
    """Errors of one kind and which of them count.

    Attributes:
        values: (frames, joints), the first frame that an error needs standing for it.
        valid: where there is an error at all.
        unit: of the values.
    """

    values: Float[np.ndarray, "n J"]
    valid: Bool[np.ndarray, "n J"]
    unit: str

    def mean(self) -> float:
        """Mean over what is valid."""
        return masked_mean(self.values, self.valid)


def pose_errors(
    joints: Float[np.ndarray, "T 14 3"], truth: Truth, estimated: Bool[np.ndarray, "T 14"]
) -> dict[str, Errors]:
    """MPJPE, N-MPJPE, PA-MPJPE and acceleration errors, by the names of the table's columns.

    Args:
        estimated: which joints the first estimate has: all cycles are averaged over the same.
    """
    known = np.isfinite(truth.joints_3d).all(-1) & estimated
    rooted = known & known[:, HIPS].all(-1, keepdims=True)
    alignable = known & (known.sum(1, keepdims=True) >= _MIN_ALIGNED_JOINTS)
    true = truth.joints_3d
    return {
        "mpjpe_mm": Errors(joint_errors(joints, true), rooted, "mm"),
        "pa_mpjpe_mm": Errors(aligned_joint_errors(joints, true, alignable), alignable, "mm"),
        "n_mpjpe_mm": Errors(scaled_joint_errors(joints, true, rooted), rooted, "mm"),
        "accel_mm": Errors(acceleration_errors(joints, true), consecutive(rooted, 3), "mm/frame^2"),
    }


def flow_errors(flows: Stream[Float[np.ndarray, "H W 2"]], truth: Truth) -> Errors:
    """End-point error at each joint: bilinear flow there against the joint's true motion.

    Joints that are off the image or unknown in either frame do not count.
    """
    points, motion = truth.joints_2d[:-1], np.diff(truth.joints_2d, axis=0)
    flow, inside = sample_flow(FlowPatches(flows, points, margin=0), points)
    values = np.linalg.norm(flow - motion, axis=-1)
    return Errors(values, inside & np.isfinite(values), "px")


def reference_flow_errors(
    flows: Stream[Float[np.ndarray, "H W 2"]], truth: Truth, *, reference: bool
) -> Float[np.ndarray, "T-1"]:
    """The reference's end-point error of each pair, px: its count of joints, its divisor."""
    points = truth.joints_2d
    try:
        sums = [
            reference_end_point_error(flows[t], points[t], points[t + 1], reference=reference)
            for t in range(len(flows))
        ]
    except IndexError as error:
        raise InputError(
            f"truth: {error}: the reference cannot count such a joint (use mode: default)"
        ) from error
    return np.array(sums) / REFERENCE_JOINTS


def write_metrics(
    path: Path | str,
    poses: Sequence[Pose],
    flows: Sequence[Path],
    truth: Truth,
    provenance: Provenance,
    *,
    reference: bool,
) -> None:
    """Write metrics.h5: a group a cycle, in it an array a metric with a mask of what counts.

    Args:
        poses: of each cycle; a cycle beyond the last has the last.
        flows: the flow_k.h5 of each cycle.
        reference: count the reference's end-point error as it does, borders included.
    """
    estimated = np.isfinite(poses[0].joints_3d).all(-1)
    estimated[list(poses[0].missing)] = False
    for pose in poses:
        check(
            pose.joints_3d.shape == truth.joints_3d.shape,
            path,
            f"poses of shape {pose.joints_3d.shape}, truth of {truth.joints_3d.shape}",
        )
    with stage_files.create(path, provenance) as h5:
        for cycle, flow_path in enumerate(flows):
            group = h5.create_group(f"cycle_{cycle}")
            joints = poses[min(cycle, len(poses) - 1)].joints_3d
            check(
                bool(np.isfinite(joints[estimated]).all()),
                path,
                f"the pose of cycle {cycle} lacks joints that the first estimate has",
            )
            for name, errors in pose_errors(joints, truth, estimated).items():
                _add_errors(group, name, errors, METRO_14.joints)
            with open_flows(flow_path) as fields:
                check(
                    len(fields) == len(truth.joints_2d) - 1,
                    flow_path,
                    f"{len(fields)} fields for {len(truth.joints_2d)} frames of the truth",
                )
                _add_errors(group, "epe_px", flow_errors(fields, truth), truth.names_2d)
                counted = reference_flow_errors(fields, truth, reference=reference)
            stage_files.add(group, "epe_reference", counted, axes="pair", unit="px")


def read_means(path: Path | str) -> list[dict[str, float]]:
    """The mean of every metric in each cycle of metrics.h5, and how many frames have a 3D truth."""
    return [
        {
            "n_frames": int(errors["mpjpe_mm"].valid.any(1).sum()),
            **{name: error.mean() for name, error in errors.items()},
        }
        for errors in read_errors(path)
    ]


def read_errors(path: Path | str) -> list[dict[str, Errors]]:
    """Every error of each cycle in metrics.h5, by metric."""
    with stage_files.opened(path) as h5:
        cycles = [h5[f"cycle_{cycle}"] for cycle in range(len(h5))]
        return [{name: _errors(group, name) for name in METRICS} for group in cycles]


def _errors(group: h5py.Group, name: str) -> Errors:
    values = stage_files.read(group, name)
    masked = f"valid_{name}" in group
    valid = stage_files.read(group, f"valid_{name}") if masked else np.isfinite(values)
    return Errors(values, valid, stage_files.text(group[name], "unit"))


def _add_errors(group: h5py.Group, name: str, errors: Errors, joints: Sequence[str]) -> None:
    axes = "frame joint"
    stage_files.add(group, name, errors.values, axes=axes, unit=errors.unit, joints=joints)
    stage_files.add(group, f"valid_{name}", errors.valid, axes=axes, joints=joints)
