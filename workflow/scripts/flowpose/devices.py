"""Where to compute, and how to make it repeatable."""

from collections.abc import Iterator
from contextlib import contextmanager
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


def prepare(threads: int, seed: int = 0, *, fast: bool = False) -> None:
    """Compute on so many threads, in full float32, and so that it can be repeated.

    The same input gives the same result on the same machine with the same number of threads.

    Args:
        fast: a GPU may round the factors of matrix products in float32 to 10 bits, and choose its
            algorithms by trial: its results can then be repeated only to rounding.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = fast
    torch.backends.cudnn.deterministic = not fast
    torch.backends.cudnn.allow_tf32 = fast
    torch.backends.cuda.matmul.allow_tf32 = fast


@contextmanager
def memory_shortage_explained() -> Iterator[None]:
    """Turn a GPU's lack of memory into an error that says what can be done.

    Raises:
        FlowposeError: PyTorch ran out of the GPU's memory.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise FlowposeError(
            f"the GPU's memory is too small: {str(error).splitlines()[0]} "
            "(set flow.low_memory to true; if it is, lower frames.width or crop the sequence)"
        ) from error
