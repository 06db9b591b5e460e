"""RAFT optical flow on torchvision's modules, with one upsampling, at the end."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.optical_flow import RAFT, raft_large, raft_small
from torchvision.models.optical_flow._utils import make_coords_grid, upsample_flow

from flowpose.errors import InputError, check
from flowpose.files import check_zip, replacing
from flowpose.streams import Stream

Size = Literal["raft_large", "raft_small"]
_BUILDERS = {"raft_large": raft_large, "raft_small": raft_small}

# RAFT works at an eighth of the image, and its correlation pyramid needs 16 x 16 there.
_STRIDE = 8
_MIN_SIDE = 128

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


def save_raft(model: RAFT, path: Path | str) -> None:
    """Write a checkpoint that `load_raft` reads."""
    with replacing(path) as temporary:
        torch.save({name: value.cpu() for name, value in model.state_dict().items()}, temporary)


def _read_state(path: Path) -> dict[str, Tensor]:
    check(path.is_file(), path, "no such file", "set flow.weights to a checkpoint of RAFT")
    check_zip(path)
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
    image1: Float[Tensor, "1 3 H W"],
    image2: Float[Tensor, "1 3 H W"],
    *,
    updates: int,
) -> Float[Tensor, "1 2 H W"]:
    """Flow from one image to the other, differentiable in the model's parameters.

    Args:
        image1: RGB, -1 to 1 (see `as_image`).
        image2: the same, later.
        updates: number of recurrent updates; the paper uses 20.

    Returns:
        Displacements x, y in px.
    """
    height, width = image1.shape[-2:]
    image1, image2 = _pad(image1), _pad(image2)
    features = model.feature_encoder(torch.cat([image1, image2]))
    model.corr_block.build_pyramid(*features.chunk(2))
    hidden_size = model.update_block.hidden_state_size
    context = model.context_encoder(image1)
    hidden, context = context[:, :hidden_size].tanh(), context[:, hidden_size:].relu()
    origin = make_coords_grid(1, *features.shape[-2:], device=features.device)
    coords = origin
    for _ in range(updates):
        coords = coords.detach()
        correlation = model.corr_block.index_pyramid(centroids_coords=coords)
        hidden, delta = model.update_block(hidden, context, correlation, coords - origin)
        coords = coords + delta
    mask = None if model.mask_predictor is None else model.mask_predictor(hidden)
    flow = upsample_flow(coords - origin, up_mask=mask)
    left, top = (pad[0] for pad in _padding(height, width))
    return flow[..., top : top + height, left : left + width]


def estimate_flows(
    model: RAFT,
    frames: Stream[UInt8[np.ndarray, "H W 3"]],
    *,
    updates: int,
    batch_norm_batch: bool = False,
) -> Iterator[Float[np.ndarray, "H W 2"]]:
    """Flow of each frame to the next, in px, one at a time.

    Args:
        batch_norm_batch: normalise by each pair's own statistics, and let BatchNorm's stored ones
            follow them, as the reference does before it finetunes (docs/reference.md, B9).
    """
    device = next(model.parameters()).device
    image = as_image(frames[0], device)
    for t in range(1, len(frames)):
        image, previous = as_image(frames[t], device), image
        with torch.no_grad(), batch_norm_training(model, batch_norm_batch):
            flow = estimate_flow(model, previous, image, updates=updates)
        yield flow[0].permute(1, 2, 0).cpu().numpy()


def as_image(frame: UInt8[np.ndarray, "H W 3"], device: torch.device) -> Float[Tensor, "1 3 H W"]:
    """A decoded frame as RAFT wants it: RGB from -1 to 1, channels first."""
    image = torch.as_tensor(frame, device=device).permute(2, 0, 1)[None].float()
    return 2 * (image / 255.0) - 1.0


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


def _padding(height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels to add left and right, above and below; the odd one goes right and below."""

    def split(side: int) -> tuple[int, int]:
        extra = max(_MIN_SIDE - side, -side % _STRIDE)
        return extra // 2, extra - extra // 2

    return split(width), split(height)


def _pad(image: Float[Tensor, "1 3 H W"]) -> Float[Tensor, "1 3 h w"]:
    horizontal, vertical = _padding(*image.shape[-2:])
    return functional.pad(image, (*horizontal, *vertical), mode="replicate")
