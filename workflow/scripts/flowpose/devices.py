"""Where to compute, and how to make it repeatable."""

from typing import Literal

import torch

from flowpose.errors import FlowposeError

Device = Literal["auto", "cpu", "cuda"]


def choose_device(device: Device) -> torch.device:
    """The device to compute on; `auto` is a GPU where there is one.

    Raises:
        FlowposeError: `cuda` is asked for and PyTorch sees no GPU.
    """
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise FlowposeError(
            "device: cuda is asked for, but PyTorch sees no GPU "
            "(set device to auto or cpu, or check the driver with nvidia-smi)"
        )
    return torch.device("cuda" if found and device != "cpu" else "cpu")


def prepare(threads: int, seed: int = 0) -> None:
    """Compute on so many threads, in full float32, and so that it can be repeated.

    The same input gives the same result on the same machine with the same number of threads. On a
    GPU the gradient of RAFT's correlation lookup adds in no fixed order: there results agree only
    to rounding.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
