"""RAFT's networks and their weights."""

import re
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torchvision.models.optical_flow import RAFT, raft_large, raft_small

from flowpose.errors import InputError, check
from flowpose.runtime.devices import Precision
from flowpose.storage.whole_files import check_zip, replacing

Size = Literal["raft_large", "raft_small"]
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
