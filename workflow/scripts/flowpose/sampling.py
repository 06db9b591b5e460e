"""Reading a flow field at points between pixel centres."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def _corners(flow: Tensor, x: Tensor, y: Tensor, frame: Tensor) -> tuple[Tensor, ...]:
    """Flow at the four pixels around each point (top left, top right, bottom left, right)."""
    height, width = flow.shape[1:3]
    x0, x1 = (i.clamp(0, width - 1) for i in (x, x + 1))
    y0, y1 = (i.clamp(0, height - 1) for i in (y, y + 1))
    return flow[frame, y0, x0], flow[frame, y0, x1], flow[frame, y1, x0], flow[frame, y1, x1]


def sample_flow(
    flow: Float[Tensor, "T H W 2"], points: Float[Tensor, "T J 2"]
) -> tuple[Float[Tensor, "T J 2"], Bool[Tensor, "T J"]]:
    """Bilinear flow at points, and which points lie on the image.

    Args:
        flow: a field a frame, px.
        points: x, y in px; pixel centres are at whole numbers.

    Returns:
        The flow (that of the nearest border where a point is outside; 0 where it is not finite),
        and a mask that is true for points between the outermost pixel centres.
    """
    height, width = flow.shape[1:3]
    limit = points.new_tensor([width - 1, height - 1])
    inside = ((points >= 0) & (points <= limit)).all(-1)
    known = points.isfinite().all(-1, keepdim=True)
    points = torch.nan_to_num(points).clamp(min=points.new_zeros(2), max=limit)
    corner = points.floor()
    right, down = (points - corner).unsqueeze(-2).unbind(-1)
    x, y = corner.long().unbind(-1)
    frame = torch.arange(len(flow), device=flow.device)[:, None]
    a, b, c, d = _corners(flow, x, y, frame)
    top, bottom = a + (b - a) * right, c + (d - c) * right
    return torch.where(known, top + (bottom - top) * down, 0), inside


def sample_flow_reference(
    flow: Float[Tensor, "T H W 2"], points: Float[Tensor, "T J 2"]
) -> Float[Tensor, "T J 2"]:
    """The reference's lookup, quirks included (docs/reference.md, 5), in float64.

    Indices are clipped before the weights are formed, so a point on the last row or column, or
    outside, gets 0. A point whose coordinates are both whole numbers below the width and height
    reads that pixel, and negative ones count from the far border.

    Raises:
        IndexError: a whole-number point lies further out than the image is large.
    """
    height, width = flow.shape[1:3]
    px, py = points.double().unbind(-1)
    x, y = px.floor(), py.floor()
    frame = torch.arange(len(flow), device=flow.device)[:, None]
    x0, x1 = (i.clamp(0, width - 1) for i in (x, x + 1))
    y0, y1 = (i.clamp(0, height - 1) for i in (y, y + 1))
    a, b, c, d = (i.double() for i in _corners(flow, x.long(), y.long(), frame))
    left, right = (x1 - px)[..., None], (px - x0)[..., None]
    up, down = (y1 - py)[..., None], (py - y0)[..., None]
    value = a * (left * up) + b * (right * up) + c * (left * down) + d * (right * down)

    whole = (x == px) & (y == py) & (px < width) & (py < height)
    if whole.any():
        pixel = flow[frame.expand_as(x)[whole], y[whole].long(), x[whole].long()]
        value = value.masked_scatter(whole[..., None], pixel.double())
    return value
