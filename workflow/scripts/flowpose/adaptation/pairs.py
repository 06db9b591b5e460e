"""The pairs of frames that RAFT is finetuned on, with their targets, on the device it runs on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from flowpose.adaptation.target import Drawing
from flowpose.raft.padding import PaddedFrames, Padding, Window, as_images, upload
from flowpose.runtime.streams import Stream, read_ahead

# Of a GPU's free memory, what a sequence may take; a training step needs most of the rest.
_SHARE_KEPT = 1 / 8


@dataclass(frozen=True)
class Batch:
    """Consecutive pairs for one step.

    Attributes:
        images: RGB from -1 to 1, padded.
        targets: the flow wanted from each image to the next, px.
        padding: of the images; the targets have none.
    """

    images: Float[Tensor, "n 3 h w"]
    targets: Float[Tensor, "n-1 2 H W"]
    padding: Padding


class TrainingPairs:
    """A sequence's pairs. A GPU with room keeps what was read of them; else it is read again."""

    def __init__(
        self,
        frames: Stream[UInt8[np.ndarray, "H W 3"]],
        targets: Stream[Float[np.ndarray, "H W 2"]],
        device: torch.device,
        *,
        drawing: Callable[[int], Drawing] | None = None,
        window: Callable[[range], Window | None] | None = None,
        keep: bool = True,
    ) -> None:
        """Prepare to read.

        Args:
            targets: a pair's each, px.
            drawing: what to draw over the target of a pair.
            window: the part of the frames to look at in a step of some pairs; None: all of them.
            keep: whether to keep anything at all.
        """
        self._drawing, self._window = drawing, window
        self._padded = PaddedFrames(frames, device)
        height, width = frames[0].shape[:2]
        # Three colours in bytes, two components in float32.
        n_bytes = height * width * (3 * len(frames) + 2 * 4 * len(targets))
        self._frame: Callable[[int], Tensor]
        self._target: Callable[[int], Tensor]
        if keep and _has_room(device, n_bytes):
            self._frame = _Kept(self._padded.__getitem__, len(frames))
            self._target = _Kept(lambda t: upload(targets[t], device), len(targets))
        else:
            # The frame that the last pair ended with stays for the one it starts.
            self._frame = lru_cache(2)(self._padded.__getitem__)
            self._target = lambda t: upload(targets[t], device)

    def batches(self, order: Iterable[range]) -> Iterator[Batch]:
        """The pairs of each range; the next ones are read while some are worked on."""
        for pairs, frames, targets, drawings in read_ahead(self._read, order):
            # Here rather than in the background: see `read_ahead`.
            drawn = [
                target if drawing is None else drawing.over(target)
                for target, drawing in zip(targets, drawings, strict=True)
            ]
            images, wanted = torch.stack(frames), torch.stack(drawn).permute(0, 3, 1, 2)
            window = self._window(pairs) if self._window is not None else None
            padding = self._padded.padding
            if window is not None:
                images = padding.part(images, window)
                wanted, padding = Padding.none().part(wanted, window), Padding.none()
            yield Batch(as_images(images), wanted, padding)

    def _read(
        self, pairs: range
    ) -> tuple[
        range,
        list[UInt8[Tensor, "3 h w"]],
        list[Float[Tensor, "H W 2"]],
        list[Drawing | None],
    ]:
        return (
            pairs,
            [self._frame(t) for t in (*pairs, pairs.stop)],
            [self._target(t) for t in pairs],
            [self._drawing(t) if self._drawing is not None else None for t in pairs],
        )


class _Kept:
    """Tensors of one shape, each read once, side by side from the start.

    One by one between what a step needs, they would leave holes in a GPU's memory.
    """

    def __init__(self, read: Callable[[int], Tensor], n: int) -> None:
        self._read, self._known = read, {0}
        first = read(0)
        self._all = first.new_empty((n, *first.shape))
        self._all[0] = first

    def __call__(self, t: int) -> Tensor:
        if t not in self._known:
            self._all[t] = self._read(t)
            self._known.add(t)
        return self._all[t]


def _has_room(device: torch.device, n_bytes: int) -> bool:
    """Whether a GPU can keep so much all the time."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes < _SHARE_KEPT * free
