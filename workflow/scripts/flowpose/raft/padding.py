"""Frames as RAFT wants them: padded, channels first, on the device it runs on; and back."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from flowpose.runtime.streams import Stream

# RAFT works at an eighth of the image, and its correlation pyramid needs 16 x 16 there.
_STRIDE = 8
_MIN_SIDE = 128


@dataclass(frozen=True)
class Window:
    """A part of an image whose sides RAFT takes as they are."""

    rows: slice
    columns: slice

    @classmethod
    def around(
        cls, points: Float[np.ndarray, "n 2"], margin: float, height: int, width: int
    ) -> "Window | None":
        """What of an image of a size holds points (x, y) and a margin around them, px.

        It is a little larger where its sides must be, and does not reach out of the image. None if
        the image is too small to have such a part.
        """
        if min(height, width) < _MIN_SIDE:
            return None

        def span(values: Float[np.ndarray, "n"], side: int) -> slice:
            low = np.clip(np.floor(values.min() - margin), 0, side - 1)
            high = np.clip(np.ceil(values.max() + margin) + 1, 1, side)
            wanted = max(_MIN_SIDE, -(-int(high - low) // _STRIDE) * _STRIDE)
            length = min(wanted, side // _STRIDE * _STRIDE)
            start = int(np.clip((low + high - length) // 2, 0, side - length))
            return slice(start, start + length)

        return cls(span(points[:, 1], height), span(points[:, 0], width))


@dataclass(frozen=True)
class Padding:
    """Pixels that are added to an image, copies of its border, and cut off its flow."""

    left: int
    right: int
    above: int
    below: int

    @classmethod
    def of(cls, height: int, width: int) -> "Padding":
        """What RAFT needs for images of a size; the odd pixel goes right and below."""

        def split(side: int) -> tuple[int, int]:
            extra = max(_MIN_SIDE - side, -side % _STRIDE)
            return extra // 2, extra - extra // 2

        return cls(*split(width), *split(height))

    @classmethod
    def none(cls) -> "Padding":
        """That of an image whose sides RAFT takes as they are."""
        return cls(0, 0, 0, 0)

    def add(self, frame: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
        """A padded frame."""
        pads = (self.above, self.below), (self.left, self.right), (0, 0)
        return np.pad(frame, pads, mode="edge")

    def part(self, images: Shaped[Tensor, "*b h w"], window: Window) -> Shaped[Tensor, "*b r c"]:
        """A part of padded images, given by its place in the image without padding."""
        rows, columns = window.rows, window.columns
        above, left = self.above, self.left
        return images[
            ..., above + rows.start : above + rows.stop, left + columns.start : left + columns.stop
        ]

    def cut(self, flow: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 H W"]:
        """The flow without its padding."""
        height, width = flow.shape[-2:]
        return flow[..., self.above : height - self.below, self.left : width - self.right]


class PaddedFrames:
    """Frames padded on a device, as bytes, each read when it is asked for."""

    def __init__(self, frames: Stream[UInt8[np.ndarray, "H W 3"]], device: torch.device) -> None:
        self._frames, self._device = frames, device
        self.padding = Padding.of(*frames[0].shape[:2])

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, t: int) -> UInt8[Tensor, "3 h w"]:
        return upload(self.padding.add(self._frames[t]), self._device).permute(2, 0, 1)


def upload(array: Shaped[np.ndarray, "*n"], device: torch.device) -> Shaped[Tensor, "*n"]:
    """An array on a device; nothing waits until a GPU has it."""
    tensor = torch.as_tensor(array)
    if device.type == "cuda":
        pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        # Not by torch, whose threads would start in the background: see `read_ahead`.
        np.copyto(pinned.numpy(), array)
        tensor = pinned
    return tensor.to(device, non_blocking=True)


def downloaded(tensors: Iterable[Shaped[Tensor, "*n"]]) -> Iterator[Shaped[np.ndarray, "*n"]]:
    """Arrays of what a device computes, in order.

    Before it waits for one that a GPU computes it has the next one begun, so that the GPU has work
    while an array comes and is used.
    """
    coming: Callable[[], np.ndarray] | None = None
    for tensor in tensors:
        if tensor.device.type != "cuda":
            yield tensor.numpy()
            continue
        ready, coming = coming, _download(tensor)
        if ready is not None:
            yield ready()
    if coming is not None:
        yield coming()


def _download(tensor: Shaped[Tensor, "*n"]) -> Callable[[], Shaped[np.ndarray, "*n"]]:
    """Begin to copy from a GPU; what is returned waits for the copy's end."""
    # Only into memory that is pinned does nothing wait. Later work on the stream comes after it.
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    pinned.copy_(tensor, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record(torch.cuda.current_stream(tensor.device))

    def wait() -> Shaped[np.ndarray, "*n"]:
        arrived.synchronize()
        return pinned.numpy()

    return wait


def as_images(frames: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Frames as numbers from -1 to 1."""
    return 2 * (frames.float() / 255.0) - 1.0
