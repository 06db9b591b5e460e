"""RAFT's correlation pyramid, whose gradients are added up in one place.

By itself autograd would fill a gradient as large as the pyramid for every lookup, and add it to the
others'. Here a lookup's gradient is added at the few cells it has read, and goes on to the features
once, after the last lookup's.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import avg_pool2d, pad


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
        self._gradient = _Gradient(_Levels(features2, levels, radius))
        # Stands for the volumes in autograd's graph; every lookup hangs on it.
        self._handle, self._volumes = _Correlate.apply(features1, features2, self._gradient)

    def look_up(self, coords: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b n h w"]:
        """The correlations around where each cell is thought to have gone, level after level.

        Args:
            coords: x, y in cells of the second frame; no gradient goes to them.
        """
        return _LookUp.apply(self._handle, self._volumes, coords.detach(), self._gradient)


class _Levels:
    """Where the cells of all levels are, and the windows in them.

    Attributes:
        sizes: rows and columns of each level.
        size: the same as columns and rows, on the device.
        start: the first cell of each level where their cells are side by side.
        scale: cells of the finest level in one of each, along an axis.
        window: x, y of a window's cells from its middle. x runs along the first axis.
    """

    def __init__(self, features: Float[Tensor, "b c h w"], levels: int, radius: int) -> None:
        rows, columns = features.shape[2:]
        self.radius = radius
        self.sizes = [(rows >> level, columns >> level) for level in range(levels)]
        # Made on the device: copies to a GPU would wait for it.
        level = torch.arange(levels, device=features.device)
        whole = [torch.full_like(level, side) for side in (columns, rows)]
        self.size = torch.stack(whole, 1) >> level[:, None]
        self.scale = (2**level).to(features.dtype)
        n_cells = self.size.prod(1)
        self.start = n_cells.cumsum(0) - n_cells
        steps = torch.arange(-radius, radius + 1, device=features.device)
        window = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)
        self.window = window.to(features.dtype)


class _Gradient:
    """What adds up, lookup after lookup, as the gradient of all levels side by side."""

    def __init__(self, levels: _Levels) -> None:
        self.levels = levels
        self._sum: Tensor | None = None

    def add(self, cells: Int64[Tensor, "bhw n"], gradient: Float[Tensor, "bhw n"]) -> None:
        """Add a lookup's at the cells it has read."""
        if self._sum is None:
            n_cells = sum(rows * columns for rows, columns in self.levels.sizes)
            self._sum = gradient.new_zeros(len(gradient), n_cells)
        self._sum.scatter_add_(1, cells, gradient)

    def take(self) -> Float[Tensor, "bhw hw"]:
        """Of the finest level, with what the others pass on to it; the sum starts anew."""
        total, self._sum = self._sum, None
        assert total is not None, "autograd comes here after the lookups"
        sizes = self.levels.sizes
        parts = total.split([rows * columns for rows, columns in sizes], 1)
        levels = [part.unflatten(1, size) for part, size in zip(parts, sizes, strict=True)]
        for fine, coarse in reversed(list(pairwise(levels))):
            rows, columns = coarse.shape[1:]
            pooled = fine[:, : 2 * rows, : 2 * columns].unflatten(2, (columns, 2))
            pooled.unflatten(1, (rows, 2)).add_(coarse[:, :, None, :, None], alpha=1 / 4)
        return parts[0]


class _Correlate(torch.autograd.Function):
    """From features to volumes; back, from the sum of the lookups' gradients to features."""

    @staticmethod
    def forward(
        ctx: Any,
        features1: Float[Tensor, "b c h w"],
        features2: Float[Tensor, "b c h w"],
        gradient: _Gradient,
    ) -> tuple[Float[Tensor, ""], list[Float[Tensor, "bhw 1 _ _"]]]:
        ctx.gradient = gradient
        ctx.save_for_backward(features1, features2)
        volume = features1.flatten(2).transpose(1, 2) @ features2.flatten(2)
        volume /= _root(features1.shape[1])
        volumes = [volume.view(-1, 1, *features1.shape[2:])]
        for _ in gradient.levels.sizes[1:]:
            volumes.append(avg_pool2d(volumes[-1], 2))
        return features1.new_zeros(()), volumes

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, _: Tensor | None, __: None
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"], None]:
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
        handle: Float[Tensor, ""],
        volumes: list[Float[Tensor, "bhw 1 _ _"]],
        coords: Float[Tensor, "b 2 h w"],
        gradient: _Gradient,
    ) -> Float[Tensor, "b n h w"]:
        ctx.gradient = gradient
        ctx.save_for_backward(coords)
        levels = gradient.levels
        batch, _, rows, columns = coords.shape
        centres = coords.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2).contiguous()
        places = torch.addcdiv(levels.window, centres, levels.scale.view(-1, 1, 1, 1, 1))
        # From -1 to 1 across a level, as grid_sample wants them: 2 places / last - 1.
        last = (levels.size - 1).to(places.dtype).view(-1, 1, 1, 1, 2)
        places = torch.addcdiv(places.new_full((), -1), places, last, value=2)
        # What grid_sample would choose, but on a GPU, where its choice is cuDNN's and takes no more
        # than 65,535 windows: bilinear, zero outside, corners aligned.
        samples = [
            torch.grid_sampler_2d(volume, grid, 0, 0, True)
            for volume, grid in zip(volumes, places, strict=True)
        ]
        sampled = torch.stack(samples, 1).view(batch, rows, columns, -1)
        return sampled.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, gradient: Float[Tensor, "b n h w"]
    ) -> tuple[Float[Tensor, ""], None, None, None]:
        (coords,) = ctx.saved_tensors
        levels = ctx.gradient.levels
        side = 2 * levels.radius + 1
        gradient = gradient.permute(0, 2, 3, 1).reshape(-1, len(levels.sizes), side, side)
        centres = coords.permute(0, 2, 3, 1).reshape(-1, 1, 2).contiguous()
        centres = centres / levels.scale[:, None]
        corners = centres.floor()
        x, y = (centres - corners)[..., None, None].unbind(2)
        # Each sample is blended of four cells, the same way all over the window.
        gradient = pad(gradient, (1, 1, 1, 1))
        gradient = gradient[..., 1:, :].lerp(gradient[..., :-1, :], x)
        gradient = gradient[..., 1:].lerp(gradient[..., :-1], y)
        cells, inside = _window_cells(corners, levels)
        gradient = gradient.masked_fill_(~inside, 0)
        ctx.gradient.add(cells.flatten(1), gradient.flatten(1))
        return coords.new_zeros(()), None, None, None


def _root(channels: int) -> float:
    """Rounded to float32, as torchvision has it whatever the precision of the features."""
    return float(np.sqrt(np.float32(channels)))


def _window_cells(
    corners: Float[Tensor, "bhw levels 2"], levels: _Levels
) -> tuple[Int64[Tensor, "bhw levels _ _"], Bool[Tensor, "bhw levels _ _"]]:
    """Which cells of the levels side by side windows blend, x first, and which of them exist."""
    radius, size = levels.radius, levels.size
    # Beyond a margin, all of the window is outside, however far: that keeps the numbers whole.
    corners = torch.minimum(corners.nan_to_num(-1e6).clamp(min=-2 - radius), size + radius)
    steps = torch.arange(-radius, radius + 2, device=corners.device)
    axes = corners.long()[..., None] + steps
    last = size[..., None] - 1
    x, y = axes.clamp(min=0).minimum(last).unbind(-2)
    row_starts = levels.start[:, None] + y * size[:, :1]
    cells = row_starts[..., None, :] + x[..., :, None]
    inside_x, inside_y = ((axes >= 0) & (axes <= last)).unbind(-2)
    return cells, inside_x[..., :, None] & inside_y[..., None, :]
