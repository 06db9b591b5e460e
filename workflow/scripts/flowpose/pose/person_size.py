"""How large a person is in the picture."""

import numpy as np
from jaxtyping import Float

# The paper's people have some 500 px; its weights and radii in px are meant for them.
PAPER_HEIGHT_PX = 500.0


def person_height(joints: Float[np.ndarray, "T K 2"]) -> float:
    """The height of a sequence's person, px: the longer side of the box around a frame's joints.

    That of the median frame, so that a person who stoops now and then has the height of one who
    stands. Left and right, up and down are alike. Joints that are not known (NaN) do not count. NaN
    if none is known, or all are one point.
    """
    known = [frame[np.isfinite(frame).all(-1)] for frame in joints]
    sides = [np.ptp(points, axis=0).max() for points in known if len(points)]
    height = float(np.median(sides)) if sides else 0.0
    return height if height > 0 else float("nan")
