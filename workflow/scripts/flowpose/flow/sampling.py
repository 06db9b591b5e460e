"""Reading a flow field at points between pixel centres."""

import numpy as np
from jaxtyping import Bool, Float

from flowpose.flow.patches import FlowPatches


def sample_flow(
    flow: FlowPatches, points: Float[np.ndarray, "T J 2"]
) -> tuple[Float[np.ndarray, "T J 2"], Bool[np.ndarray, "T J"]]:
    """Bilinear flow at points, and which points lie on the image.

    Args:
        flow: a field a frame, px.
        points: x, y in px; pixel centres are at whole numbers.

    Returns:
        The flow (that of the nearest border where a point is outside; 0 where it is not finite),
        and a mask that is true for points between the outermost pixel centres.
    """
    (a, b, c, d), right, down = _cells(flow, points)
    top, bottom = a + (b - a) * right, c + (d - c) * right
    value = top + (bottom - top) * down
    known = _both(np.isfinite(points))
    return np.where(known[..., None], value, 0), _inside(flow, points)


def flow_slope(
    flow: FlowPatches, points: Float[np.ndarray, "T J 2"]
) -> Float[np.ndarray, "T J 2 2"]:
    """How the bilinear flow (third axis) changes with a point's x, y (fourth axis).

    0 off the image. At pixel borders, where the slope jumps, it is that of the cell to the right
    and below.
    """
    (a, b, c, d), right, down = _cells(flow, points)
    along_x = (b - a) * (1 - down) + (d - c) * down
    along_y = (c - a) * (1 - right) + (d - b) * right
    slope = np.stack([along_x, along_y], -1)
    return slope * _inside(flow, points)[..., None, None]


def sample_flow_reference(
    flow: FlowPatches, points: Float[np.ndarray, "T J 2"]
) -> Float[np.ndarray, "T J 2"]:
    """The reference's lookup, quirks included (docs/reference.md, 5), in float64.

    Indices are clipped before the weights are formed, so a point on the last row or column, or
    outside, gets 0. A point whose coordinates are both whole numbers below the width and height
    reads that pixel, and negative ones count from the far border.

    Raises:
        IndexError: a whole-number point lies further out than the image is large.
    """
    size = np.array(flow.size)
    points = points.astype(np.float64)
    low = np.floor(points)
    first, second = np.clip(low, 0, size - 1), np.clip(low + 1, 0, size - 1)
    a, b, c, d = flow.corners(*np.moveaxis(np.clip(low, -1, size - 1).astype(np.intp), -1, 0))
    (left, up), (right, down) = (
        np.moveaxis(weight, -1, 0)[..., None] for weight in (second - points, points - first)
    )
    value = a * (left * up) + b * (right * up) + c * (left * down) + d * (right * down)

    whole = _both((low == points) & (points < size))
    if whole.any():
        pixel = np.where(whole[..., None], points, 0)
        if (pixel < -size).any():
            raise IndexError("a point lies further out than the image is large")
        pixel = pixel.astype(np.intp)
        value = np.where(
            whole[..., None], flow.corners(*np.moveaxis(pixel % size, -1, 0))[0], value
        )
    return value


def _inside(flow: FlowPatches, points: Float[np.ndarray, "T J 2"]) -> Bool[np.ndarray, "T J"]:
    limit = np.array(flow.size, points.dtype) - 1
    return _both((points >= 0) & (points <= limit))


def _both(xy: Bool[np.ndarray, "T J 2"]) -> Bool[np.ndarray, "T J"]:
    """What `all(-1)` is, and faster."""
    return xy[..., 0] & xy[..., 1]


def _cells(
    flow: FlowPatches, points: Float[np.ndarray, "T J 2"]
) -> tuple[
    tuple[Float[np.ndarray, "T J 2"], ...], Float[np.ndarray, "T J 1"], Float[np.ndarray, "T J 1"]
]:
    """The flow at the pixels around each point, and how far right and below of the first it is."""
    limit = np.array(flow.size, points.dtype) - 1
    points = np.clip(np.nan_to_num(points), 0, limit)
    corner = points.astype(np.intp)
    right, down = np.moveaxis(points - corner.astype(points.dtype), -1, 0)[..., None]
    return flow.corners(corner[..., 0], corner[..., 1]), right, down
