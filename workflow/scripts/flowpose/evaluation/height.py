"""How tall a person is in the picture, whatever of them is known."""

import numpy as np
from jaxtyping import Float


def person_height(joints: Float[np.ndarray, "T K 2"]) -> float:
    """Height of a sequence's person in px; NaN if no joint is known, or all are one point.

    As of `block.person_height`: the longer side of the box around the joints of a frame, in the
    median over frames, so that a person who stoops now and then has the height of one who stands.
    """
    known = [frame[np.isfinite(frame).all(-1)] for frame in joints]
    sides = [np.ptp(points, axis=0).max() for points in known if len(points)]
    height = float(np.median(sides)) if sides else 0.0
    return height if height > 0 else float("nan")
