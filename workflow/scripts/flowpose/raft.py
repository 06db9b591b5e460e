"""RAFT optical flow on torchvision's modules, with one upsampling, at the end."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torchvision.models.optical_flow import RAFT, raft_large, raft_small
from torchvision.models.optical_flow._utils import make_coords_grid, upsample_flow

from flowpose.correlation import CorrelationPyramid
from flowpose.errors import InputError, check
from flowpose.files import replacing
from flowpose.images import PaddedFrames, as_images
from flowpose.recurrence import Updates
from flowpose.streams import Stream, read_ahead

Size = Literal["raft_large", "raft_small"]
Precision = Literal["exact", "fast"]
Outputs = TypeVar("Outputs")
_BUILDERS = {"raft_large": raft_large, "raft_small": raft_small}

# Names in princeton-vl's checkpoints -> names in torchvision's.
_RENAMES = [
    (r"^fnet\.", "feature_encoder."),
    (r"^cnet\.", "context_encoder."),
    (r"^(\w+_encoder)\.(conv|norm)1\.", r"\1.convnormrelu.\2."),
    (r"^(\w+_encoder)\.conv2\.", r"\1.conv."),
    (r"(layer\d\.\d)\.(conv|norm)(\d)\.", r"\1.convnormrelu\3.\2."),
    (r"convnormrelu(\d?)\.conv\.", r"convnormrelu\1.0."),
    (r"convnormrelu(\d?)\.norm\.", r"convnormrelu\1.1."),
    (r"^update_block\.encoder\.convc(\d)\.", r"update_block.motion_encoder.convcorr\1.0."),
    (r"^update_block\.encoder\.convf(\d)\.", r"update_block.motion_encoder.convflow\1.0."),
    (r"^update_block\.encoder\.conv\.", r"update_block.motion_encoder.conv.0."),
    (r"\.gru\.conv([zrq])(\d?)\.", r".recurrent_block.convgru\2.conv\1."),
    (r"convgru\.", "convgru1."),
    (r"^update_block\.mask\.0\.", "mask_predictor.convrelu.0."),
    (r"^update_block\.mask\.2\.", "mask_predictor.conv."),
]


def torchvision_key(key: str) -> str | None:
    """The name in torchvision's RAFT of an entry of a princeton-vl checkpoint.

    None for the entries that are there twice: the norm of a block's shortcut.
    """
    key = key.removeprefix("module.")
    if re.search(r"layer\d\.\d\.norm[34]\.", key):
        return None
    for pattern, replacement in _RENAMES:
        key = re.sub(pattern, replacement, key)
    return key


def load_raft(path: Path | str, size: Size) -> RAFT:
    """RAFT with the weights of a checkpoint of princeton-vl, torchvision or this project.

    Args:
        path: file written by `torch.save`; only tensors are read from it, no code is run.
        size: which of the two networks the weights are for.

    Returns:
        The network in float32 on the CPU, in evaluation mode.

    Raises:
        InputError: the file is missing, is no RAFT checkpoint, is one of the other size, or
            holds values that are not finite.
    """
    state = _read_state(Path(path))
    model = _BUILDERS[size]()
    expected = {name: value.shape for name, value in model.state_dict().items()}
    found = {name: value.shape for name, value in state.items()}
    if found != expected:
        for other, build in _BUILDERS.items():
            if other != size and found.keys() == build().state_dict().keys():
                raise InputError(
                    f"{path}: expected weights of {size}, found those of {other} "
                    f"(set flow.model to {other}, or flow.weights to another file)"
                )
        raise InputError(
            f"{path}: no RAFT checkpoint: {len(found.items() & expected.items())} of the "
            f"{len(expected)} tensors of {size} are there (set flow.weights to a file of RAFT)"
        )
    check(
        all(bool(torch.isfinite(value).all()) for value in state.values()),
        path,
        "weights that are not finite",
        "the file is damaged or from a training that diverged",
    )
    model.load_state_dict(state)
    return model.eval()


def place_raft(model: RAFT, device: torch.device, *, precision: Precision) -> RAFT:
    """The network on a device, its weights laid out for a precision."""
    layout = torch.channels_last if precision == "fast" else torch.contiguous_format
    return model.to(device, memory_format=layout)


def save_raft(model: RAFT, path: Path | str) -> None:
    """Write a checkpoint that `load_raft` reads."""
    with replacing(path) as temporary:
        torch.save(
            {name: value.cpu().contiguous() for name, value in model.state_dict().items()},
            temporary,
        )


def _read_state(path: Path) -> dict[str, Tensor]:
    check(path.is_file(), path, "no such file", "set flow.weights to a checkpoint of RAFT")
    try:
        raw = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for what is not its file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: no RAFT checkpoint that can be read: {reason}") from error
    if not isinstance(raw, dict) or not all(isinstance(v, Tensor) for v in raw.values()):
        raise InputError(f"{path}: no RAFT checkpoint: not a dictionary of tensors")
    if any(key.removeprefix("module.").startswith("fnet.") for key in raw):
        return {
            new: value for key, value in raw.items() if (new := torchvision_key(key)) is not None
        }
    return raw


def estimate_flow(
    model: RAFT,
    images: Float[Tensor, "n 3 h w"],
    *,
    updates: int,
    precision: Precision = "exact",
    low_memory: bool = False,
    gradient_updates: int | None = None,
) -> Float[Tensor, "n-1 2 h w"]:
    """Flow from each image to the next, differentiable in the model's parameters.

    Args:
        images: RGB from -1 to 1, padded (see `flowpose.images`).
        updates: number of recurrent updates; the paper uses 20.
        precision: `fast` has the networks in bfloat16; correlations and flow stay as they are.
        low_memory: compute the features and each update a second time for their gradient, rather
            than keep all that it needs.
        gradient_updates: let the gradient flow through so many last updates; None: through all.

    Returns:
        Displacements x, y in px.
    """
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
    def encode(frame: UInt8[Tensor, "3 h w"]) -> tuple[Tensor, Tensor]:
        image = as_images(frame[None])
        with _in_precision(precision, image.device):
            return image, model.feature_encoder(image)

    ahead = read_ahead(padded.__getitem__, range(len(frames)))
    for (image, features1), (_, features2) in pairwise(map(encode, ahead)):
        with torch.no_grad(), batch_norm_training(model, batch_norm_batch):
            flow = _flow_between(
                model, features1, features2, image, updates=updates, precision=precision
            )
        yield padded.padding.cut(flow)[0].permute(1, 2, 0).cpu().numpy()


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

        def step(hidden: Tensor, coords: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
            hidden, delta = update(hidden, seen, coords - origin)
            return hidden, coords + delta

        run = _recomputed(step) if low_memory else step
        coords = origin
        fixed = 0 if gradient_updates is None else max(0, updates - gradient_updates)
        # Weights cast here have no gradient: they must not be kept for the updates that need it.
        with torch.no_grad(), _in_precision(precision, images1.device, cache=False):
            for _ in range(fixed):
                hidden, coords = step(hidden, coords, pyramid.look_up(coords))
        for _ in range(updates - fixed):
            coords = coords.detach()
            hidden, coords = run(hidden, coords, pyramid.look_up(coords))
        mask = None if model.mask_predictor is None else model.mask_predictor(hidden).to(dtype)
    return upsample_flow(coords - origin, up_mask=mask)


def _recomputed(step: Callable[..., Outputs]) -> Callable[..., Outputs]:
    """The same step, computed anew for its gradient."""

    def run(*inputs: Tensor) -> Outputs:
        return checkpoint(step, *inputs, use_reentrant=False, preserve_rng_state=False)

    return run


def _in_precision(
    precision: Precision, device: torch.device, *, cache: bool = True
) -> torch.autocast:
    """Where networks compute in a precision; their parameters stay in float32."""
    fast = precision == "fast"
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
