"""RAFT's correlation pyramid, whose gradients are added up in one place.

By itself autograd would fill a gradient as large as the pyramid for every lookup, and add it to the
others'. Here a lookup's gradient is added at the few cells it has read, and goes on to the features
once, after the last lookup's.
"""

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import avg_pool2d, pad
from torchvision.models.optical_flow._utils import grid_sample


class CorrelationPyramid:
    """How alike every cell of one frame is to every cell of the next, at several resolutions.

    The numbers are those of torchvision's CorrBlock, and so are the gradients, to rounding. They
    can be repeated to the last digit: no cell is added to twice by one lookup.
    """

    def __init__(
        self,
        features1: Float[Tensor, "b c h w"],
        features2: Float[Tensor, "b c h w"],
        *,
        levels: int,
        radius: int,
    ) -> None:
        """Correlate the features of two frames.

        Args:
            levels: how many, each of half the resolution of the one before.
            radius: of the window that a lookup reads, cells of the level.
        """
        self._radius = radius
        rows, columns = features1.shape[2:]
        sizes = [(rows >> level, columns >> level) for level in range(levels)]
        self._gradient = _Gradient(sizes)
        # Stands for the volumes in autograd's graph; every lookup hangs on it.
        self._handle, self._volumes = _Correlate.apply(features1, features2, self._gradient)

    def look_up(self, coords: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b n h w"]:
        """The correlations around where each cell is thought to have gone, level after level.

        Args:
            coords: x, y in cells of the second frame; no gradient goes to them.
        """
        return _LookUp.apply(
            self._handle, self._volumes, coords.detach(), self._radius, self._gradient
        )


class _Gradient:
    """What adds up, lookup after lookup, as the gradient of all levels side by side."""

    def __init__(self, sizes: list[tuple[int, int]]) -> None:
        self.sizes = sizes
        self._sum: Tensor | None = None

    def add(self, cells: Int64[Tensor, "bhw n"], gradient: Float[Tensor, "bhw n"]) -> None:
        """Add a lookup's at the cells it has read."""
        if self._sum is None:
            n_cells = sum(rows * columns for rows, columns in self.sizes)
            self._sum = gradient.new_zeros(len(gradient), n_cells)
        self._sum.scatter_add_(1, cells, gradient)

    def take(self) -> Float[Tensor, "bhw hw"]:
        """Of the finest level, with what the others pass on to it; the sum starts anew."""
        total, self._sum = self._sum, None
        assert total is not None, "autograd comes here after the lookups"
        parts = total.split([rows * columns for rows, columns in self.sizes], 1)
        levels = [part.unflatten(1, size) for part, size in zip(parts, self.sizes, strict=True)]
        for fine, coarse in reversed(list(pairwise(levels))):
            rows, columns = coarse.shape[1:]
            pooled = fine[:, : 2 * rows, : 2 * columns].unflatten(2, (columns, 2))
            pooled.unflatten(1, (rows, 2)).add_(coarse[:, :, None, :, None], alpha=1 / 4)
        return parts[0]


class _Correlate(torch.autograd.Function):
    """From features to volumes; back, from the sum of the lookups' gradients to features."""

    @staticmethod
    def forward(
        ctx: Any, features1: Tensor, features2: Tensor, gradient: _Gradient
    ) -> tuple[Float[Tensor, ""], list[Float[Tensor, "bhw 1 _ _"]]]:
        ctx.gradient = gradient
        ctx.save_for_backward(features1, features2)
        volume = features1.flatten(2).transpose(1, 2) @ features2.flatten(2)
        volume /= _root(features1.shape[1])
        volumes = [volume.view(-1, 1, *features1.shape[2:])]
        for _ in gradient.sizes[1:]:
            volumes.append(avg_pool2d(volumes[-1], 2))
        return features1.new_zeros(()), volumes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor, __: None) -> tuple[Tensor, Tensor, None]:
        features1, features2 = ctx.saved_tensors
        gradient = ctx.gradient.take().unflatten(0, (len(features1), -1))
        to_features1 = features2.flatten(2) @ gradient.transpose(1, 2)
        to_features2 = features1.flatten(2) @ gradient
        for total in (to_features1, to_features2):
            total /= _root(features1.shape[1])
        return to_features1.view_as(features1), to_features2.view_as(features2), None


class _LookUp(torch.autograd.Function):
    """Bilinear samples of every level in a window around each cell's coordinates."""

    @staticmethod
    def forward(
        ctx: Any,
        handle: Tensor,
        volumes: list[Tensor],
        coords: Tensor,
        radius: int,
        gradient: _Gradient,
    ) -> Float[Tensor, "b n h w"]:
        ctx.radius, ctx.gradient = radius, gradient
        ctx.save_for_backward(coords)
        batch, _, rows, columns = coords.shape
        steps = torch.arange(-radius, radius + 1, device=coords.device, dtype=coords.dtype)
        # The first coordinate of the window's steps is x, but they run along its first axis.
        window = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)
        centres = coords.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)
        samples = [
            grid_sample(volume, centres / 2**level + window, align_corners=True)
            for level, volume in enumerate(volumes)
        ]
        sampled = torch.stack(samples, 1).view(batch, rows, columns, -1)
        return sampled.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (coords,) = ctx.saved_tensors
        sizes, radius = ctx.gradient.sizes, ctx.radius
        side = 2 * radius + 1
        gradient = gradient.permute(0, 2, 3, 1).reshape(-1, len(sizes), side, side)
        centres = coords.permute(0, 2, 3, 1).reshape(-1, 1, 2)
        centres = centres / 2 ** torch.arange(len(sizes), device=coords.device)[:, None]
        corners = centres.floor()
        x, y = (centres - corners)[..., None, None].unbind(2)
        # Each sample is blended of four cells, the same way all over the window.
        gradient = pad(gradient * (1 - x), (0, 0, 0, 1)) + pad(gradient * x, (0, 0, 1, 0))
        gradient = pad(gradient * (1 - y), (0, 1)) + pad(gradient * y, (1, 0))
        cells, inside = _window_cells(corners, sizes, radius)
        gradient = gradient.masked_fill_(~inside, 0)
        ctx.gradient.add(cells.flatten(1), gradient.flatten(1))
        return coords.new_zeros(()), None, None, None, None


def _root(channels: int) -> float:
    """Rounded to float32, as torchvision has it whatever the precision of the features."""
    return torch.tensor(channels).sqrt().item()


def _window_cells(
    corners: Float[Tensor, "bhw levels 2"], sizes: list[tuple[int, int]], radius: int
) -> tuple[Int64[Tensor, "bhw levels _ _"], Bool[Tensor, "bhw levels _ _"]]:
    """Which cells of the levels side by side windows blend, x first, and which of them exist."""
    size = torch.tensor([(columns, rows) for rows, columns in sizes], device=corners.device)
    starts = [0]
    for rows, columns in sizes[:-1]:
        starts.append(starts[-1] + rows * columns)
    start = torch.tensor(starts, device=corners.device)
    # Beyond a margin, all of the window is outside, however far: that keeps the numbers whole.
    corners = torch.minimum(corners.nan_to_num(-1e6).clamp(min=-2 - radius), size + radius)
    steps = torch.arange(-radius, radius + 2, device=corners.device)
    axes = corners.long()[..., None] + steps
    last = size[..., None] - 1
    x, y = axes.clamp(min=0).minimum(last).unbind(-2)
    cells = start[:, None, None] + y[..., None, :] * size[:, :1, None] + x[..., :, None]
    inside_x, inside_y = ((axes >= 0) & (axes <= last)).unbind(-2)
    return cells, inside_x[..., :, None] & inside_y[..., None, :]
