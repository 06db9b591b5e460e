"""RAFT's optical flow on torchvision's modules, with one upsampling, at the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torchvision.models.optical_flow import RAFT
from torchvision.models.optical_flow._utils import make_coords_grid, upsample_flow

from flowpose.raft.correlation import CorrelationPyramid
from flowpose.raft.padding import PaddedFrames, as_images, downloaded
from flowpose.raft.recurrence import Updates
from flowpose.runtime.devices import Precision
from flowpose.runtime.streams import Stream, read_ahead

Outputs = TypeVar("Outputs")


def estimate_flow(
    model: RAFT,
    images: Float[Tensor, "n 3 h w"],
    *,
    updates: int,
    precision: Precision = "exact",
    low_memory: bool = False,
    gradient_updates: int | None = None,
    reference: bool = False,
) -> Float[Tensor, "n-1 2 h w"]:
    """Flow from each image to the next, differentiable in the model's parameters.

    Args:
        images: RGB from -1 to 1, padded (see `flowpose.raft.padding`).
        updates: number of recurrent updates; the paper uses 20.
        precision: `fast` has the networks in bfloat16; correlations and flow stay as they are.
        low_memory: compute the features and each update a second time for their gradient, rather
            than keep all that it needs.
        gradient_updates: let the gradient flow through so many last updates; None: through all.
        reference: compute as torchvision does, operation by operation, whatever the above say.
            Finetuning amplifies rounding, so that other orders give other last digits.

    Returns:
        Displacements x, y in px.
    """
    if reference:
        return _torchvision_flow(model, images, updates)
    encoder = _recomputed(model.feature_encoder) if low_memory else model.feature_encoder
    with _in_precision(precision, images.device):
        features = encoder(images)
    return _flow_between(
        model,
        features[:-1],
        features[1:],
        images[:-1],
        updates=updates,
        precision=precision,
        low_memory=low_memory,
        gradient_updates=gradient_updates,
    )


def estimate_flows(
    model: RAFT,
    frames: Stream[UInt8[np.ndarray, "H W 3"]],
    *,
    updates: int,
    precision: Precision = "exact",
    batch_norm_batch: bool = False,
) -> Iterator[Float[np.ndarray, "H W 2"]]:
    """Flow of each frame to the next, in px, one at a time.

    The features of a frame are computed once, for the pair it ends and the pair it starts.

    Args:
        precision: see `estimate_flow`.
        batch_norm_batch: normalise by each pair's own statistics, and let BatchNorm's stored ones
            follow them, as the reference does before it finetunes (docs/reference.md, B9).
    """
    padded = PaddedFrames(frames, next(model.parameters()).device)

    @torch.no_grad()
    def encode(
        frame: UInt8[Tensor, "3 h w"],
    ) -> tuple[Float[Tensor, "1 3 h w"], Float[Tensor, "1 c _ _"] | None]:
        image = as_images(frame[None])
        with _in_precision(precision, image.device):
            return image, None if batch_norm_batch else model.feature_encoder(image)

    def on_the_device() -> Iterator[Float[Tensor, "H W 2"]]:
        ahead = read_ahead(padded.__getitem__, range(len(frames)))
        for (image, features1), (next_image, features2) in pairwise(map(encode, ahead)):
            with torch.no_grad(), batch_norm_training(model, batch_norm_batch):
                if features1 is None or features2 is None:
                    flow = _torchvision_flow(model, torch.cat([image, next_image]), updates)
                else:
                    flow = _flow_between(
                        model, features1, features2, image, updates=updates, precision=precision
                    )
            yield padded.padding.cut(flow)[0].permute(1, 2, 0)

    yield from downloaded(on_the_device())


def _torchvision_flow(
    model: RAFT, images: Float[Tensor, "n 3 h w"], updates: int
) -> Float[Tensor, "n-1 2 h w"]:
    """Flow by the operations of torchvision's RAFT; only the last update's is upsampled."""
    features = model.feature_encoder(images)
    model.corr_block.build_pyramid(features[:-1], features[1:])
    context = model.context_encoder(images[:-1])
    hidden_size = model.update_block.hidden_state_size
    hidden, context = context[:, :hidden_size].tanh(), context[:, hidden_size:].relu()
    origin = make_coords_grid(len(context), *context.shape[-2:], context.device)
    coords = origin
    for _ in range(updates):
        coords = coords.detach()
        correlation = model.corr_block.index_pyramid(centroids_coords=coords)
        hidden, delta = model.update_block(hidden, context, correlation, coords - origin)
        coords = coords + delta
    mask = None if model.mask_predictor is None else model.mask_predictor(hidden)
    return upsample_flow(coords - origin, up_mask=mask)


def _flow_between(
    model: RAFT,
    features1: Float[Tensor, "b c _ _"],
    features2: Float[Tensor, "b c _ _"],
    images1: Float[Tensor, "b 3 h w"],
    *,
    updates: int,
    precision: Precision,
    low_memory: bool = False,
    gradient_updates: int | None = None,
) -> Float[Tensor, "b 2 h w"]:
    """Flow from images whose features are known, in the precision of the images."""
    dtype, block = images1.dtype, model.update_block
    pyramid = CorrelationPyramid(
        features1.to(dtype),
        features2.to(dtype),
        levels=model.corr_block.num_levels,
        radius=model.corr_block.radius,
    )
    batch, _, rows, columns = features1.shape
    origin = make_coords_grid(batch, rows, columns, images1.device).to(dtype)
    with _in_precision(precision, images1.device):
        context = model.context_encoder(images1)
        hidden = context[:, : block.hidden_state_size].tanh()
        update = Updates(block, context[:, block.hidden_state_size :].relu())

        def step(
            hidden: Float[Tensor, "b k r c"],
            coords: Float[Tensor, "b 2 r c"],
            seen: Float[Tensor, "b n r c"],
        ) -> tuple[Float[Tensor, "b k r c"], Float[Tensor, "b 2 r c"]]:
            hidden, delta = update(hidden, seen, coords - origin)
            return hidden, coords + delta

        state = hidden, origin
        fixed = 0 if gradient_updates is None else max(0, updates - gradient_updates)
        # Weights cast here have no gradient: they must not be kept for the updates that need it.
        with torch.no_grad(), _in_precision(precision, images1.device, cache=False):
            state = _repeat(step, fixed, pyramid, *state)
        step = _recomputed(step) if low_memory else step
        hidden, coords = _repeat(step, updates - fixed, pyramid, *state)
        mask = None if model.mask_predictor is None else model.mask_predictor(hidden).to(dtype)
    return upsample_flow(coords - origin, up_mask=mask)


def _repeat(
    step: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    times: int,
    pyramid: CorrelationPyramid,
    hidden: Float[Tensor, "b k _ _"],
    coords: Float[Tensor, "b 2 _ _"],
) -> tuple[Float[Tensor, "b k _ _"], Float[Tensor, "b 2 _ _"]]:
    """Hidden state and coordinates after some updates; no gradient goes along the coordinates."""
    for _ in range(times):
        coords = coords.detach()
        hidden, coords = step(hidden, coords, pyramid.look_up(coords))
    return hidden, coords


def _recomputed(step: Callable[..., Outputs]) -> Callable[..., Outputs]:
    """The same step, computed anew for its gradient."""

    def run(*inputs: Tensor) -> Outputs:
        return checkpoint(step, *inputs, use_reentrant=False, preserve_rng_state=False)

    return run


def _in_precision(
    precision: Precision, device: torch.device, *, cache: bool = True
) -> torch.autocast:
    """Where networks compute in a precision; their parameters stay in float32."""
    fast = {"exact": False, "fast": True}[precision]
    return torch.autocast(device.type, torch.bfloat16, enabled=fast, cache_enabled=cache)


@contextmanager
def batch_norm_training(model: nn.Module, training: bool) -> Iterator[None]:
    """Let BatchNorm use and update batch statistics (True) or keep its stored ones (False).

    No other layer of RAFT behaves differently in training.
    """
    model.train(training)
    try:
        yield
    finally:
        model.eval()
