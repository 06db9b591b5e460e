"""Metrics of 3D poses. Frames and joints that are not valid count nowhere.

A metric is a function here and an entry in POSE_METRICS. Poses are compared relative to the middle
of their hips, in millimetres.
"""

import numpy as np
from jaxtyping import Bool, Float

from flowpose.evaluation.metric import PoseMetric
from flowpose.pose.skeletons import HIPS

_MM_PER_M = 1000.0
# Fewer points than this fit any rotation.
_MIN_ALIGNED_JOINTS = 3
_PCK_MM = 150


def root_relative(joints: Float[np.ndarray, "*T J 3"]) -> Float[np.ndarray, "*T J 3"]:
    """METRO_14 joints relative to the middle of the hips."""
    return joints - joints[..., HIPS, :].mean(-2, keepdims=True)


def joint_errors(
    predicted: Float[np.ndarray, "T 14 3"], true: Float[np.ndarray, "T 14 3"]
) -> Float[np.ndarray, "T 14"]:
    """Distance of each joint from the truth, both root-relative, mm: its mean is MPJPE."""
    return _distance_mm(root_relative(predicted), root_relative(true))


def scaled_joint_errors(
    predicted: Float[np.ndarray, "T J 3"],
    true: Float[np.ndarray, "T J 3"],
    valid: Bool[np.ndarray, "T J"],
) -> Float[np.ndarray, "T J"]:
    """Distances after the best scale a frame, mm: their mean is N-MPJPE.

    Scale s minimises sum |s x - y|^2 over valid joints (Rhodin et al., CVPR 2018). A pose that is
    a point keeps its scale.
    """
    x, y = root_relative(predicted), root_relative(true)
    weight = valid[..., None]
    norm = (np.where(weight, x, 0) ** 2).sum((1, 2))
    dot = np.where(weight, x * y, 0).sum((1, 2))
    scale = np.divide(dot, norm, out=np.ones_like(dot), where=norm > 0)
    return _distance_mm(scale[:, None, None] * x, y)


def aligned_joint_errors(
    predicted: Float[np.ndarray, "T J 3"],
    true: Float[np.ndarray, "T J 3"],
    valid: Bool[np.ndarray, "T J"],
) -> Float[np.ndarray, "T J"]:
    """Distances after the best similarity transform a frame, mm: their mean is PA-MPJPE.

    Rotation without reflection, scale and translation by Umeyama (1991), over valid joints. Poses
    that are flat, straight or a point have several best rotations, of equal error; one is taken.
    """
    weight = valid[..., None].astype(np.float64)
    count = np.maximum(weight.sum(1, keepdims=True), 1)

    def centred(points: np.ndarray) -> np.ndarray:
        points = np.where(weight > 0, points, 0).astype(np.float64)
        return (points - points.sum(1, keepdims=True) / count) * weight

    x, y = centred(predicted), centred(true)
    u, singular, vt = np.linalg.svd(np.einsum("tji,tjk->tik", x, y))
    sign = np.ones_like(singular)
    sign[:, -1] = np.where(np.linalg.det(u @ vt) < 0, -1, 1)
    rotation = (u * sign[:, None]) @ vt
    norm = (x**2).sum((1, 2))
    scale = np.divide((singular * sign).sum(1), norm, out=np.zeros_like(norm), where=norm > 0)
    return _distance_mm(scale[:, None, None] * (x @ rotation), y)


def acceleration_errors(
    predicted: Float[np.ndarray, "T 14 3"], true: Float[np.ndarray, "T 14 3"]
) -> Float[np.ndarray, "T-2 14"]:
    """Distance between second differences of root-relative joints, mm per frame squared."""

    def acceleration(joints: np.ndarray) -> np.ndarray:
        return np.diff(root_relative(joints), n=2, axis=0)

    return _distance_mm(acceleration(predicted), acceleration(true))


def correct_joints(
    predicted: Float[np.ndarray, "T 14 3"], true: Float[np.ndarray, "T 14 3"]
) -> Float[np.ndarray, "T 14"]:
    """100 for each joint within 150 mm of the truth, both root-relative, else 0: its mean is PCK.

    As Mehta et al. (3DV 2017) count.
    """
    return np.where(joint_errors(predicted, true) <= _PCK_MM, 100.0, 0.0)


def rooted(known: Bool[np.ndarray, "T 14"]) -> Bool[np.ndarray, "T 14"]:
    """Which of the known joints are in a frame whose hips are known."""
    return known & known[:, HIPS].all(-1, keepdims=True)


def alignable(known: Bool[np.ndarray, "T 14"]) -> Bool[np.ndarray, "T 14"]:
    """Which of the known joints are in a frame with enough of them to align."""
    return known & (known.sum(1, keepdims=True) >= _MIN_ALIGNED_JOINTS)


def consecutive(
    valid: Bool[np.ndarray, "T J"], n: int
) -> Bool[np.ndarray, "{max(len(valid)-n+1,0)} J"]:
    """Which joints are valid in n frames in a row."""
    length = max(len(valid) - n + 1, 0)
    return np.all([valid[i : i + length] for i in range(n)], axis=0)


def _distance_mm(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _MM_PER_M * np.linalg.norm(a.astype(np.float64) - b.astype(np.float64), axis=-1)


# In the order of the table's columns.
POSE_METRICS = (
    PoseMetric(
        name="mpjpe_mm",
        title="MPJPE",
        unit="mm",
        summary="mean distance of the joints from the truth, relative to the middle of the hips",
        span=1,
        pictured=True,
        counts=rooted,
        values=lambda predicted, true, _: joint_errors(predicted, true),
    ),
    PoseMetric(
        name="pa_mpjpe_mm",
        title="PA-MPJPE",
        unit="mm",
        summary="MPJPE after the best rotation, translation and scale of each frame",
        span=1,
        counts=alignable,
        values=aligned_joint_errors,
    ),
    PoseMetric(
        name="n_mpjpe_mm",
        title="N-MPJPE",
        unit="mm",
        summary="MPJPE after the best scale of each frame",
        span=1,
        counts=rooted,
        values=scaled_joint_errors,
    ),
    PoseMetric(
        name="accel_mm",
        title="Acceleration error",
        unit="mm/frame²",
        summary="mean distance of the joints' accelerations from the true ones, mm per frame²",
        span=3,
        pictured=True,
        counts=lambda known: consecutive(rooted(known), 3),
        values=lambda predicted, true, _: acceleration_errors(predicted, true),
    ),
    PoseMetric(
        name="pck_150_percent",
        title="PCK at 150 mm",
        unit="%",
        better="higher",
        summary="percentage of the joints within 150 mm of the truth, relative to the middle of "
        "the hips",
        span=1,
        counts=rooted,
        values=lambda predicted, true, _: correct_joints(predicted, true),
    ),
)
