"""Metrics of poses that take no truth. They tell whether a pose is plausible, not whether it errs.

What was not estimated counts nowhere. In space, joints are relative to the middle of the hips.
"""

import math

import numpy as np
from jaxtyping import Bool, Float

from flowpose.evaluation.metric import PoseComparison, PoseMetric
from flowpose.evaluation.roots import consecutive, root_relative, rooted
from flowpose.pose.skeletons import LENGTH_BONES

_MM_PER_M = 1000.0
_STARTS, _ENDS = np.array(LENGTH_BONES).T


def detection_distances(
    projected: Float[np.ndarray, "T 14 2"], detections: Float[np.ndarray, "T 14 2"]
) -> Float[np.ndarray, "T 14"]:
    """Distance of each projected joint from its detection, px."""
    return np.linalg.norm(projected.astype(np.float64) - detections, axis=-1)


def bone_deviations(
    joints: Float[np.ndarray, "T 14 3"], estimated: Bool[np.ndarray, "T 14"]
) -> Float[np.ndarray, "1 15"]:
    """Standard deviation over time of the length of each of LENGTH_BONES, mm; NaN: in no frame."""
    lengths = np.linalg.norm((joints[:, _STARTS] - joints[:, _ENDS]).astype(np.float64), axis=-1)
    known = np.ma.masked_array(_MM_PER_M * lengths, ~_known_bones(estimated))
    return np.ma.filled(known.std(0, keepdims=True), np.nan)


def varied_bones(estimated: Bool[np.ndarray, "T 14"]) -> Bool[np.ndarray, "1 15"]:
    """Which of LENGTH_BONES have both ends in two frames at least."""
    return _known_bones(estimated).sum(0, keepdims=True) > 1


def _known_bones(estimated: Bool[np.ndarray, "T 14"]) -> Bool[np.ndarray, "T 15"]:
    return estimated[:, _STARTS] & estimated[:, _ENDS]


def speeds_of_change(
    joints: Float[np.ndarray, "T 14 3"], time: Float[np.ndarray, "T"], order: int
) -> Float[np.ndarray, "n 14"]:
    """Length of the derivative of an order of root-relative joints by time, m/s^order.

    The order's factorial times the divided difference of order + 1 frames in a row, which need not
    be equally far apart in time. NaN where their times do not increase.
    """
    change = root_relative(joints.astype(np.float64))
    for k in range(1, order + 1):
        span = time[k:] - time[:-k]
        change = np.diff(change, axis=0) / np.where(span > 0, span, np.nan)[:, None, None]
    return math.factorial(order) * np.linalg.norm(change, axis=-1)


def _timed(of: PoseComparison, n: int) -> Bool[np.ndarray, "n 14"]:
    """Which joints were estimated, with their root, in n frames in a row whose times increase."""
    return consecutive(rooted(of.estimated), n) & bool((np.diff(of.time) > 0).all())


# In the order of the table's columns.
TRUTHLESS_METRICS = (
    PoseMetric(
        name="pose_detections_px",
        title="Pose from detections",
        unit="px",
        digits=2,
        summary="mean distance of the projected joints from their 2D detections, px",
        span=1,
        pictured=True,
        instead_of="mpjpe_mm",
        counts=lambda of: of.estimated & np.isfinite(of.detections).all(-1),
        values=lambda of, _: detection_distances(of.predicted_2d, of.detections),
    ),
    PoseMetric(
        name="bone_sd_mm",
        title="Bone variation",
        unit="mm",
        summary="standard deviation of the bones' lengths over time, mean over bones",
        span=None,
        instead_of="accel_mm",
        spare=True,
        of_bones=True,
        counts=lambda of: varied_bones(of.estimated),
        values=lambda of, _: bone_deviations(of.predicted, of.estimated),
    ),
    PoseMetric(
        name="pose_accel_m_s2",
        title="Acceleration",
        unit="m/s²",
        digits=2,
        summary="mean acceleration of the pose's own joints, relative to the middle of the hips",
        span=3,
        pictured=True,
        instead_of="accel_mm",
        spare=True,
        counts=lambda of: _timed(of, 3),
        values=lambda of, _: speeds_of_change(of.predicted, of.time, 2),
    ),
    PoseMetric(
        name="pose_jerk_m_s3",
        title="Jerk",
        unit="m/s³",
        summary="mean change of that acceleration in a second: how much the pose trembles",
        span=4,
        instead_of="accel_mm",
        spare=True,
        counts=lambda of: _timed(of, 4),
        values=lambda of, _: speeds_of_change(of.predicted, of.time, 3),
    ),
)
