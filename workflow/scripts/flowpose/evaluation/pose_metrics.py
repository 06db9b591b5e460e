"""Metrics of poses. Frames and joints that are not valid count nowhere.

A metric is a function here and an entry in POSE_METRICS; docs/metrics.md defines each. In space,
poses are compared relative to the middle of their hips. Those that take no truth are in
`truthless_metrics`.
"""

import numpy as np
from jaxtyping import Bool, Float

from flowpose.evaluation.metric import PoseMetric
from flowpose.evaluation.roots import consecutive, root_relative, rooted
from flowpose.evaluation.truthless_metrics import TRUTHLESS_METRICS
from flowpose.pose.person_size import person_height

_MM_PER_M = 1000.0
# Fewer points than this fit any rotation.
_MIN_ALIGNED_JOINTS = 3
_PCK_MM = 150
# Thresholds of AUC: 0, 5, ..., 150 mm.
_AUC_STEP_MM = 5
# How far off a joint in the picture may be, of the person's height.
_PCK_2D = 0.1


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


def correct_shares(
    predicted: Float[np.ndarray, "T 14 3"], true: Float[np.ndarray, "T 14 3"]
) -> Float[np.ndarray, "T 14"]:
    """For which percentage of thresholds 0, 5, ..., 150 mm a joint is correct: its mean is AUC.

    The mean over thresholds of PCK there, as Mehta et al. (3DV 2017) approximate the area under the
    curve.
    """
    errors = joint_errors(predicted, true)
    thresholds = np.arange(0, _PCK_MM + _AUC_STEP_MM, _AUC_STEP_MM)
    return 100.0 * (errors[..., None] <= thresholds).mean(-1)


def motion_errors(
    predicted: Float[np.ndarray, "T 14 2"], true: Float[np.ndarray, "T 14 2"]
) -> Float[np.ndarray, "T-1 14"]:
    """Distance of each joint's motion in the picture from the true one, px.

    What the end-point error of a flow would be that moves joints as the pose does.
    """
    return np.linalg.norm(np.diff(predicted.astype(np.float64) - true, axis=0), axis=-1)


def errors_2d(
    predicted: Float[np.ndarray, "T 14 2"], true: Float[np.ndarray, "T 14 2"]
) -> Float[np.ndarray, "T 14"]:
    """Distance of each projected joint from the true one in the picture, px."""
    return np.linalg.norm(predicted.astype(np.float64) - true, axis=-1)


def correct_joints_2d(
    predicted: Float[np.ndarray, "T 14 2"], true: Float[np.ndarray, "T 14 2"]
) -> Float[np.ndarray, "T 14"]:
    """100 for each joint within a tenth of the person's height of the true one, else 0.

    The mean is PCK as Yang and Ramanan (PAMI 2013) define it for whole bodies, whose measure is the
    longer side of the box around a frame's joints; here it is the sequence's (`person_height`).
    """
    return np.where(errors_2d(predicted, true) <= _PCK_2D * person_height(true), 100.0, 0.0)


def alignable(known: Bool[np.ndarray, "T 14"]) -> Bool[np.ndarray, "T 14"]:
    """Which of the known joints are in a frame with enough of them to align."""
    return known & (known.sum(1, keepdims=True) >= _MIN_ALIGNED_JOINTS)


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
        counts=lambda of: rooted(of.known),
        values=lambda of, _: joint_errors(of.predicted, of.true),
    ),
    PoseMetric(
        name="pa_mpjpe_mm",
        title="PA-MPJPE",
        unit="mm",
        summary="MPJPE after the best rotation, translation and scale of each frame",
        span=1,
        counts=lambda of: alignable(of.known),
        values=lambda of, valid: aligned_joint_errors(of.predicted, of.true, valid),
    ),
    PoseMetric(
        name="n_mpjpe_mm",
        title="N-MPJPE",
        unit="mm",
        summary="MPJPE after the best scale of each frame",
        span=1,
        counts=lambda of: rooted(of.known),
        values=lambda of, valid: scaled_joint_errors(of.predicted, of.true, valid),
    ),
    PoseMetric(
        name="accel_mm",
        title="Acceleration error",
        unit="mm/frame²",
        summary="mean distance of the joints' accelerations from the true ones, mm per frame²",
        span=3,
        pictured=True,
        counts=lambda of: consecutive(rooted(of.known), 3),
        values=lambda of, _: acceleration_errors(of.predicted, of.true),
    ),
    PoseMetric(
        name="accel_m_s2",
        title="Acceleration error",
        unit="m/s²",
        digits=2,
        summary="the same in m/s², by which videos of different frame rates compare",
        span=3,
        counts=lambda of: consecutive(rooted(of.known), 3) & (of.fps > 0),
        values=lambda of, _: acceleration_errors(of.predicted, of.true) * of.fps**2 / _MM_PER_M,
    ),
    PoseMetric(
        name="pck_150_percent",
        title="PCK at 150 mm",
        unit="%",
        better="higher",
        summary="percentage of the joints within 150 mm of the truth, relative to the middle of "
        "the hips",
        span=1,
        counts=lambda of: rooted(of.known),
        values=lambda of, _: correct_joints(of.predicted, of.true),
    ),
    PoseMetric(
        name="auc_150_percent",
        title="AUC to 150 mm",
        unit="%",
        better="higher",
        summary="mean of PCK at 0, 5, ..., 150 mm",
        span=1,
        counts=lambda of: rooted(of.known),
        values=lambda of, _: correct_shares(of.predicted, of.true),
    ),
    PoseMetric(
        name="motion_px",
        title="Motion error",
        unit="px",
        digits=3,
        summary="mean distance of the projected joints' motion from the true one, px: what EPE "
        "would be if the flow were the pose's own motion",
        span=2,
        counts=lambda of: consecutive(of.known_2d, 2),
        values=lambda of, _: motion_errors(of.predicted_2d, of.true_2d),
    ),
    PoseMetric(
        name="error_2d_px",
        title="2D error",
        unit="px",
        digits=2,
        summary="mean distance of the projected joints from the true ones in the picture, px",
        span=1,
        pictured=True,
        instead_of="mpjpe_mm",
        spare=True,
        counts=lambda of: of.known_2d,
        values=lambda of, _: errors_2d(of.predicted_2d, of.true_2d),
    ),
    PoseMetric(
        name="pck_2d_percent",
        title="2D PCK",
        unit="%",
        better="higher",
        summary="percentage of the joints within a tenth of the person's height of the true ones "
        "in the picture",
        span=1,
        instead_of="pck_150_percent",
        spare=True,
        counts=lambda of: of.known_2d & bool(person_height(of.true_2d) > 0),
        values=lambda of, _: correct_joints_2d(of.predicted_2d, of.true_2d),
    ),
    *TRUTHLESS_METRICS,
)
