"""Finetuning RAFT on one video toward the motion of a pose (paper section 3.2)."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch.nn.functional import smooth_l1_loss
from torchvision.models.optical_flow import RAFT

from flowpose.raft import as_image, batch_norm_training, estimate_flow, estimate_flows
from flowpose.streams import Stream
from flowpose.target import draw_target


@dataclass(frozen=True)
class FlowOptions:
    """How RAFT is run and finetuned. The defaults are the paper's.

    Attributes:
        updates: recurrent updates of RAFT a frame pair.
        passes: over the sequence, one optimiser step a pair.
        learning_rate: of Adam, over all parameters.
    """

    updates: int = 20
    passes: int = 8
    learning_rate: float = 1e-5


def finetune(
    model: RAFT,
    frames: Stream[UInt8[np.ndarray, "H W 3"]],
    target: Callable[[int], Float[np.ndarray, "H W 2"]],
    *,
    options: FlowOptions,
    reference: bool = False,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Float[np.ndarray, "passes T-1"]:
    """Bring RAFT's flow closer to a target: pair after pair, pass after pass, one step each.

    The loss of a pair is the mean smooth L1 distance over all pixels and both components.

    Args:
        model: finetuned in place.
        target: the target of the pair of frames t and t + 1, px; float64 makes the loss float64.
        reference: let BatchNorm use and update batch statistics; by default they are frozen.
        progress: wraps the steps to show progress.

    Returns:
        The loss of every pair before its step, px.
    """
    device = next(model.parameters()).device
    adam = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
    n_pairs = len(frames) - 1
    losses = np.zeros((options.passes, n_pairs))
    with batch_norm_training(model, reference):
        for step in progress(range(losses.size)):
            t = step % n_pairs
            adam.zero_grad()
            flow = estimate_flow(
                model,
                as_image(frames[t], device),
                as_image(frames[t + 1], device),
                updates=options.updates,
            )
            wanted = torch.as_tensor(target(t), device=device).permute(2, 0, 1)[None]
            loss = smooth_l1_loss(flow.to(wanted.dtype), wanted)
            loss.backward()
            adam.step()
            losses.flat[step] = loss.item()
    return losses


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

        return finetune(
            model, frames, target, options=options, reference=reference, progress=progress
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
