"""Where optical flow takes points over one or more frames."""

import numpy as np
from jaxtyping import Float

from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import sample_flow
from flowpose.runtime.streams import Stream


def carry(
    flow: Stream[Float[np.ndarray, "H W 2"]], points: Float[np.ndarray, "T 14 2"], steps: int
) -> Float[np.ndarray, "{steps} T 14 2"]:
    """Where each frame's points are after one frame, two frames, and so on, by the flow.

    Fields are read once, one after the other.

    Args:
        flow: from each frame to the next, px.
        points: px; NaN where unknown.
        steps: over how many frames.

    Returns:
        px; NaN where the point is unknown, left the image, or the sequence ends.
    """
    n = len(points)
    carried = np.full((steps, *points.shape), np.nan)
    for t in range(n - 1):
        starts = [t - step for step in range(min(steps, t + 1))]
        now = np.stack([points[t], *(carried[t - s - 1, s] for s in starts[1:])])
        flat = now.reshape(1, -1, 2)
        motion, inside = sample_flow(FlowPatches([flow[t]], flat, margin=1), flat)
        moved = np.where(inside[..., None], flat + motion, np.nan).reshape(now.shape)
        for step, s in enumerate(starts):
            carried[step, s] = moved[step]
    return carried
