"""Finetuning RAFT on one video toward the motion of a pose (paper section 3.2)."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import nn
from torch.nn.functional import smooth_l1_loss
from torchvision.models.optical_flow import RAFT

from flowpose.adaptation.pairs import TrainingPairs
from flowpose.adaptation.passes_done import PassesDone
from flowpose.adaptation.target import Drawing, Target
from flowpose.raft.inference import batch_norm_training, estimate_flow, estimate_flows
from flowpose.raft.padding import Window
from flowpose.runtime.devices import Precision
from flowpose.runtime.streams import Stream


@dataclass(frozen=True)
class FlowOptions:
    """How RAFT is run and finetuned. The defaults are the paper's.

    Attributes:
        updates: recurrent updates of RAFT a frame pair.
        passes: over the sequence.
        learning_rate: of Adam, over all parameters.
        learning_rate_decay: let it fall linearly from there to nearly 0 at the last step.
        knee: where the loss of a residual goes from quadratic to linear, px.
        precision: of RAFT (see `flowpose.raft.inference.estimate_flow`).
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
    learning_rate_decay: bool = False
    knee: float = 1.0
    precision: Precision = "exact"
    low_memory: bool = False
    frozen_encoders: bool = False
    gradient_updates: int | None = None
    pairs_per_step: int = 1
    person_margin: float | None = None


def finetune(
    model: RAFT,
    frames: Stream[UInt8[np.ndarray, "H W 3"]],
    targets: Stream[Float[np.ndarray, "H W 2"]],
    *,
    options: FlowOptions,
    drawing: Callable[[int], Drawing] | None = None,
    window: Callable[[range], Window | None] | None = None,
    reference: bool = False,
    start: PassesDone | None = None,
    save: Callable[[PassesDone], None] | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Float[np.ndarray, "{options.passes} {len(frames)-1}"]:
    """Bring RAFT's flow closer to a target: pair after pair, pass after pass.

    The loss of a pair is the mean over all pixels and both components of the smooth L1 distance
    (`FlowOptions.knee`).

    Args:
        model: finetuned in place.
        targets: what the flow from each frame to the next should be, px.
        drawing: what to draw over a pair's target.
        window: the part of the frames to train on in a step of some pairs; None: all of them.
        reference: compute as the reference does, to the last digits: let BatchNorm use and update
            batch statistics, which are frozen by default, and take no shortcuts.
        start: go on from there; the result is that of a finetuning which never stopped.
        save: is called after every pass with what has been done; it must not keep the tensors,
            which the next step changes.
        progress: wraps the steps to show progress.

    Returns:
        The loss of every pair before its step, px.
    """
    device = next(model.parameters()).device
    pairs = TrainingPairs(
        frames, targets, device, drawing=drawing, window=window, keep=not options.low_memory
    )
    n_pairs = len(frames) - 1
    starts = range(0, n_pairs, options.pairs_per_step)
    steps = [range(t, min(t + options.pairs_per_step, n_pairs)) for t in starts]
    n_steps = options.passes * len(steps)
    done = len(start.losses) * len(steps) if start else 0
    order = (steps * options.passes)[done:]
    losses = []
    with _trained(model, options, reference) as parameters:
        adam = torch.optim.Adam(parameters, lr=options.learning_rate, fused=not reference)
        if start is not None:
            model.load_state_dict(start.weights)
            adam.load_state_dict(dict(start.adam))
            losses.append(start.losses.to(device).flatten())
        for step, batch in zip(progress(range(len(order))), pairs.batches(order), strict=True):
            if options.learning_rate_decay:
                rate = options.learning_rate * (1 - (done + step) / n_steps)
                adam.param_groups[0]["lr"] = rate
            flow = estimate_flow(
                model,
                batch.images,
                updates=options.updates,
                precision=options.precision,
                low_memory=options.low_memory,
                gradient_updates=options.gradient_updates,
                reference=reference,
            )
            flow = batch.padding.cut(flow).to(batch.targets.dtype)
            loss = smooth_l1_loss(flow, batch.targets, reduction="none", beta=options.knee)
            loss = loss.mean((1, 2, 3))
            adam.zero_grad()
            loss.mean().backward()
            adam.step()
            losses.append(loss.detach())
            if save is not None and (step + 1) % len(steps) == 0:
                so_far = torch.cat(losses).view(-1, n_pairs)
                save(PassesDone(model.state_dict(), adam.state_dict(), so_far))
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
    target: Target,
    *,
    options: FlowOptions,
    reference: bool = False,
    folder: Path | str | None = None,
    start: PassesDone | None = None,
    save: Callable[[PassesDone], None] | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Float[np.ndarray, "{options.passes} {len(frames)-1}"]:
    """Finetune RAFT toward its own flow with a pose's motion drawn over it.

    Args:
        model: finetuned in place. As it was before the first pass, wherever it is to go on from.
        flows: the model's flow of each pair, px; not used in reference mode, which estimates it
            anew with BatchNorm in training (docs/reference.md, B9).
        target: what the pose draws over it.
        folder: where the reference mode keeps its flows meanwhile, on disk.
        start, save: see `finetune`.

    Returns:
        The loss of every pair before its step, px.
    """
    with tempfile.TemporaryFile(dir=folder) as spool:
        if reference:
            estimated = estimate_flows(
                model, frames, updates=options.updates, batch_norm_batch=True
            )
            flows = _spooled(progress(estimated), len(frames) - 1, spool)

        def window(pairs: range) -> Window | None:
            if options.person_margin is None:
                return None
            points = target.joints[pairs.start : pairs.stop + 1].reshape(-1, 2)
            # Frames that the estimator lacks have none.
            points = points[np.isfinite(points).all(-1)]
            if not len(points):
                return None
            margin = target.reach + options.person_margin
            return Window.around(points, margin, *frames[0].shape[:2])

        return finetune(
            model,
            frames,
            flows,
            options=options,
            drawing=target.drawing,
            window=window,
            reference=reference,
            start=start,
            save=save,
            progress=progress,
        )


def _spooled(
    flows: Iterable[Float[np.ndarray, "H W 2"]], n: int, spool: IO[bytes]
) -> Float[np.ndarray, "{n} H W 2"]:
    """Fields kept in a file instead of memory: a sequence of large frames has gigabytes."""
    for t, flow in enumerate(flows):
        if t == 0:
            stored = np.memmap(spool, flow.dtype, "w+", shape=(n, *flow.shape))
        stored[t] = flow
    return stored
