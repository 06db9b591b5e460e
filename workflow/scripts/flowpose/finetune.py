"""Finetuning RAFT on one video toward the motion of a pose (paper section 3.2)."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss
from torchvision.models.optical_flow import RAFT

from flowpose.flow import batch_norm_training, estimate_flow, estimate_flows
from flowpose.images import PaddedFrames, Padding, Window, as_images, upload
from flowpose.raft import Precision
from flowpose.streams import Stream, read_ahead
from flowpose.target import draw_target


@dataclass(frozen=True)
class FlowOptions:
    """How RAFT is run and finetuned. The defaults are the paper's.

    Attributes:
        updates: recurrent updates of RAFT a frame pair.
        passes: over the sequence.
        learning_rate: of Adam, over all parameters.
        precision: of RAFT (see `flowpose.flow.estimate_flow`).
        low_memory: compute twice what would be large to keep; the result is the same.
        frozen_encoders: leave the networks that look at the images as they are.
        gradient_updates: let the gradient flow through so many last updates; None: through all.
        pairs_per_step: how many consecutive pairs share an optimiser step.
        person_margin: train on the part of the frames around the person and so many px of its
            surroundings, at full resolution; None: on all of them.
    """

    updates: int = 20
    passes: int = 8
    learning_rate: float = 1e-5
    precision: Precision = "exact"
    low_memory: bool = False
    frozen_encoders: bool = False
    gradient_updates: int | None = None
    pairs_per_step: int = 1
    person_margin: float | None = None


def finetune(
    model: RAFT,
    frames: Stream[UInt8[np.ndarray, "H W 3"]],
    target: Callable[[int], Float[np.ndarray, "H W 2"]],
    *,
    options: FlowOptions,
    window: Callable[[range], Window | None] = lambda _: None,
    reference: bool = False,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Float[np.ndarray, "passes T-1"]:
    """Bring RAFT's flow closer to a target: pair after pair, pass after pass.

    The loss of a pair is the mean smooth L1 distance over all pixels and both components.

    Args:
        model: finetuned in place.
        target: the target of the pair of frames t and t + 1, px; float64 makes the loss float64.
        window: the part of the frames to train on in a step of some pairs; None: all of them.
        reference: compute as the reference does, to the last digits: let BatchNorm use and update
            batch statistics, which are frozen by default, and take no shortcuts.
        progress: wraps the steps to show progress.

    Returns:
        The loss of every pair before its step, px.
    """
    device = next(model.parameters()).device
    padded = PaddedFrames(frames, device)
    # A GPU with room to spare keeps all frames, at 3 bytes a pixel; else a pair's are enough.
    roomy = device.type == "cuda" and not options.low_memory
    kept = lru_cache(None if roomy else options.pairs_per_step + 1)(padded.__getitem__)

    def read(pairs: range) -> tuple[list[Tensor], Tensor, Padding]:
        part = window(pairs)
        seen = [kept(t) for t in (*pairs, pairs.stop)]
        wanted = np.stack([target(t) for t in pairs])
        padding = padded.padding
        if part is not None:
            seen = [padding.part(frame, part) for frame in seen]
            wanted = wanted[:, part.rows, part.columns]
            padding = Padding.none()
        return seen, upload(wanted, device).permute(0, 3, 1, 2), padding

    n_pairs = len(frames) - 1
    starts = range(0, n_pairs, options.pairs_per_step)
    order = [range(t, min(t + options.pairs_per_step, n_pairs)) for t in starts] * options.passes
    losses = []
    steps = zip(progress(range(len(order))), read_ahead(read, order), strict=True)
    with _trained(model, options, reference) as parameters:
        adam = torch.optim.Adam(parameters, lr=options.learning_rate, fused=not reference)
        for _, (seen, wanted, padding) in steps:
            flow = estimate_flow(
                model,
                as_images(torch.stack(seen)),
                updates=options.updates,
                precision=options.precision,
                low_memory=options.low_memory,
                gradient_updates=options.gradient_updates,
                reference=reference,
            )
            flow = padding.cut(flow).to(wanted.dtype)
            loss = smooth_l1_loss(flow, wanted, reduction="none").mean((1, 2, 3))
            adam.zero_grad()
            loss.mean().backward()
            adam.step()
            losses.append(loss.detach())
    return torch.cat(losses).view(options.passes, n_pairs).cpu().double().numpy()


@contextmanager
def _trained(model: RAFT, options: FlowOptions, reference: bool) -> Iterator[list[nn.Parameter]]:
    """Has a model ready for finetuning; yields the parameters to change."""
    encoders = nn.ModuleList([model.feature_encoder, model.context_encoder])
    encoders.requires_grad_(not options.frozen_encoders)
    try:
        with batch_norm_training(model, reference):
            yield [parameter for parameter in model.parameters() if parameter.requires_grad]
    finally:
        encoders.requires_grad_(True)


def finetune_toward_pose(
    model: RAFT,
    frames: Stream[UInt8[np.ndarray, "H W 3"]],
    flows: Stream[Float[np.ndarray, "H W 2"]],
    joints: Float[np.ndarray, "T 14 2"],
    *,
    radius: int,
    options: FlowOptions,
    reference: bool = False,
    folder: Path | str | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Float[np.ndarray, "passes T-1"]:
    """Finetune RAFT toward its own flow with a pose's motion drawn over it.

    Args:
        model: finetuned in place.
        flows: the model's flow of each pair, px; not used in reference mode, which estimates it
            anew with BatchNorm in training (docs/reference.md, B9).
        joints: METRO_14 joints of the pose, px.
        radius: of the blocks drawn along the skeleton, px.
        folder: where the reference mode keeps its flows meanwhile, on disk.

    Returns:
        The loss of every pair before its step, px.
    """
    with tempfile.TemporaryFile(dir=folder) as spool:
        if reference:
            estimated = estimate_flows(
                model, frames, updates=options.updates, batch_norm_batch=True
            )
            flows = _spooled(progress(estimated), len(frames) - 1, spool)

        def target(t: int) -> Float[np.ndarray, "H W 2"]:
            return draw_target(
                flows[t], joints[t], joints[t + 1], radius=radius, reference=reference
            )

        def window(pairs: range) -> Window | None:
            if options.person_margin is None:
                return None
            points = joints[pairs.start : pairs.stop + 1].reshape(-1, 2)
            return Window.around(points, radius + options.person_margin, *frames[0].shape[:2])

        return finetune(
            model,
            frames,
            target,
            options=options,
            window=window,
            reference=reference,
            progress=progress,
        )


def _spooled(
    flows: Iterable[Float[np.ndarray, "H W 2"]], n: int, spool: IO[bytes]
) -> Float[np.ndarray, "n H W 2"]:
    """Fields kept in a file instead of memory: a sequence of large frames has gigabytes."""
    for t, flow in enumerate(flows):
        if t == 0:
            stored = np.memmap(spool, flow.dtype, "w+", shape=(n, *flow.shape))
        stored[t] = flow
    return stored
