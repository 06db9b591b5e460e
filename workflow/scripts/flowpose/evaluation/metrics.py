"""Errors of poses and flows. Frames and joints that are not valid count nowhere.

Poses are compared relative to the middle of their hips, in millimetres.
"""

import numpy as np
from jaxtyping import Bool, Float

from flowpose.pose.skeletons import HIPS

_MM_PER_M = 1000.0
# The number of joints the reference divides its end-point error by, whatever their number.
REFERENCE_JOINTS = 32


def root_relative(joints: Float[np.ndarray, "*T 14 3"]) -> Float[np.ndarray, "*T 14 3"]:
    """METRO_14 joints relative to the middle of the hips."""
    return joints - joints[..., HIPS, :].mean(-2, keepdims=True)


def joint_errors(
    predicted: Float[np.ndarray, "T 14 3"], true: Float[np.ndarray, "T 14 3"]
) -> Float[np.ndarray, "T 14"]:
    """Distance of each joint from the truth, both root-relative, mm: its mean is MPJPE."""
    return _distance_mm(root_relative(predicted), root_relative(true))


def scaled_joint_errors(
    predicted: Float[np.ndarray, "T 14 3"],
    true: Float[np.ndarray, "T 14 3"],
    valid: Bool[np.ndarray, "T 14"],
) -> Float[np.ndarray, "T 14"]:
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
    predicted: Float[np.ndarray, "T 14 3"],
    true: Float[np.ndarray, "T 14 3"],
    valid: Bool[np.ndarray, "T 14"],
) -> Float[np.ndarray, "T 14"]:
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


def consecutive(valid: Bool[np.ndarray, "T J"], n: int) -> Bool[np.ndarray, "T-n+1 J"]:
    """Which joints are valid in n frames in a row."""
    length = max(len(valid) - n + 1, 0)
    return np.all([valid[i : i + length] for i in range(n)], axis=0)


def masked_mean(values: Float[np.ndarray, "..."], valid: Bool[np.ndarray, "..."]) -> float:
    """The mean over valid entries; NaN if there is none."""
    return float(values[valid].mean()) if valid.any() else float("nan")


def reference_end_point_error(
    flow: Float[np.ndarray, "H W 2"],
    points: Float[np.ndarray, "J 2"],
    next_points: Float[np.ndarray, "J 2"],
    *,
    reference: bool = False,
) -> float:
    """The reference's sum of end-point errors of one flow field, px; NaN if no joint counts.

    As docs/reference.md, 9, says, flow is read at the nearest pixel, and of several joints on a
    pixel only the last counts. To compare with the reference's numbers divide a sequence's sum by
    REFERENCE_JOINTS times pairs.

    Args:
        points: x, y of joints in the first frame, px; not finite: no label.
        next_points: the same in the second frame.
        reference: let negative coordinates count from the far border instead of leaving them out.

    Raises:
        IndexError: in reference mode, a joint lies outside the image on the right or below, or
            further out on the left or above than the image is large.
    """
    height, width = flow.shape[:2]
    seen = np.isfinite(points).all(-1) & np.isfinite(next_points).all(-1)
    pixels: dict[tuple[int, int], np.ndarray] = {}
    for joint in np.flatnonzero(seen):
        column, row = (round(float(coordinate)) for coordinate in points[joint])
        inside = 0 <= row < height and 0 <= column < width
        if not inside and not reference:
            continue
        if not inside and not (-height <= row < height and -width <= column < width):
            raise IndexError(f"joint {joint} at ({column}, {row}) outside {width} x {height} px")
        pixels[row % height, column % width] = next_points[joint] - points[joint]
    if not pixels:
        return float("nan")
    return float(sum(np.hypot(*(motion - flow[pixel])) for pixel, motion in pixels.items()))


def _distance_mm(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _MM_PER_M * np.linalg.norm(a.astype(np.float64) - b.astype(np.float64), axis=-1)
