"""Joints relative to their root, the middle of the hips, and which of them count."""

import numpy as np
from jaxtyping import Bool, Float

from flowpose.pose.skeletons import HIPS


def root_relative(joints: Float[np.ndarray, "*T J 3"]) -> Float[np.ndarray, "*T J 3"]:
    """METRO_14 joints relative to the middle of the hips."""
    return joints - joints[..., HIPS, :].mean(-2, keepdims=True)


def rooted(known: Bool[np.ndarray, "T 14"]) -> Bool[np.ndarray, "T 14"]:
    """Which of the known joints are in a frame whose hips are known."""
    return known & known[:, HIPS].all(-1, keepdims=True)


def consecutive(
    valid: Bool[np.ndarray, "T J"], n: int
) -> Bool[np.ndarray, "{max(len(valid)-n+1,0)} J"]:
    """Which joints are valid in n frames in a row."""
    length = max(len(valid) - n + 1, 0)
    return np.all([valid[i : i + length] for i in range(n)], axis=0)
