"""Detections of single joints that jump to another place for a frame or two.

The shortest path through a joint's detections finds them: from one to the next, or over some that
are left out, it costs how far flow is from taking the one to the other.
"""

import numpy as np
from jaxtyping import Bool, Float

# So many frames in a row are left out at most.
MOST_FRAMES = 2
# Distances count in person heights, up to this.
_FARTHEST = 0.35
# What leaving out a frame costs, and each further one: a jump there and back must be longer.
_ONE, _FURTHER = 0.35, 0.15


def jumped(
    detections: Float[np.ndarray, "T 14 2"],
    carried: Float[np.ndarray, "steps T 14 2"],
    height: float,
) -> Bool[np.ndarray, "T 14"]:
    """Which detections are not where flow says that the joint went, while those around them are.

    The first and the last detection are never left out: nothing tells which end of a jump is
    wrong.

    Args:
        detections: px; NaN where there is none.
        carried: where flow takes each detection after one frame, two and so on, up to MOST_FRAMES
            + 1, px; NaN where unknown.
        height: of the person, px.
    """
    n, n_joints = detections.shape[:2]
    total = np.zeros((n, n_joints))
    came_from = np.full((n, n_joints), -1)
    for t in range(1, n):
        gaps = range(1, min(t, len(carried)) + 1)
        paths = np.stack(
            [total[t - g] + _cost(detections[t], carried[g - 1, t - g], g, height) for g in gaps]
        )
        best = paths.argmin(0)
        came_from[t] = t - 1 - best
        total[t] = paths.min(0)
    left_out = np.ones((n, n_joints), bool)
    joints, at = np.arange(n_joints), np.full(n_joints, n - 1)
    while (at >= 0).any():
        there = at >= 0
        left_out[at[there], joints[there]] = False
        at = np.where(there, came_from[at, joints], -1)
    return left_out


def _cost(
    detection: Float[np.ndarray, "14 2"],
    carried: Float[np.ndarray, "14 2"],
    gap: int,
    height: float,
) -> Float[np.ndarray, "14"]:
    """Of going on at a detection from the one `gap` frames before; where unknown, only over 1."""
    off = np.linalg.norm(detection - carried, axis=-1) / height
    price = _ONE + _FURTHER * (gap - 2) if gap > 1 else 0.0
    unknown = 0.0 if gap == 1 else np.inf
    return np.where(np.isfinite(off), np.minimum(off, _FARTHEST) + price, unknown)
