"""Where to compute, and how to make it repeatable."""

import logging
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import torch
from filelock import FileLock, Timeout

from flowpose.errors import FlowposeError

Device = Literal["auto", "cpu", "cuda"]
# In which RAFT computes: float32, or its networks in bfloat16.
Precision = Literal["exact", "fast"]

_SECONDS_BETWEEN_LOOKS = 0.5


@contextmanager
def compute_device(device: Device) -> Iterator[torch.device]:
    """The device to compute on; `auto` is a GPU where there is one.

    A GPU is given to one process at a time; another waits here until one is free. Which GPUs there
    are to choose from, CUDA_VISIBLE_DEVICES says, as a cluster sets it.

    Raises:
        FlowposeError: `cuda` is asked for and PyTorch sees no GPU.
    """
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise FlowposeError(
            "device: cuda is asked for, but PyTorch sees no GPU "
            "(set device to auto or cpu, or check the driver with nvidia-smi)"
        )
    if device == "cpu" or not found:
        yield torch.device("cpu")
        return
    count = torch.cuda.device_count()
    uuids = [str(torch.cuda.get_device_properties(index).uuid) for index in range(count)]
    with lease(uuids, _leases_of_user()) as index:
        torch.cuda.set_device(index)
        yield torch.device("cuda", index)


@contextmanager
def lease(devices: Sequence[str], folder: Path) -> Iterator[int]:
    """Index of a device that nobody else holds a lease of; waits until there is one.

    Leases are locked files, one a device, in a folder of this machine: they end with the process
    that holds them, however it ends.

    Raises:
        FlowposeError: others could have laid something in the folder.
    """
    _make_private(folder)
    # Without the lock files that others use where there are no locks: these outlive their process.
    locks = [FileLock(folder / name, fallback_to_soft=False) for name in devices]
    index = _first_acquired(locks)
    if index is None:
        logging.info("waiting for one of %d GPUs to be free", len(devices))
    while index is None:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        index = _first_acquired(locks)
    logging.info("on GPU %s", devices[index])
    try:
        yield index
    finally:
        locks[index].release()


def _leases_of_user() -> Path:
    return Path(tempfile.gettempdir()) / f"flowpose-gpus-{os.getuid()}"


def _make_private(folder: Path) -> None:
    """A folder that nobody else can write to or has prepared: its parent is open to all."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != os.getuid()
        or stat.S_IMODE(found.st_mode) & 0o077
    ):
        raise FlowposeError(
            f"{folder}: not a folder that only you can use, as leases of GPUs need; somebody else "
            "may have laid it there (remove it, or set TMPDIR to a folder of your own)"
        )


def _first_acquired(locks: Sequence[FileLock]) -> int | None:
    for index, lock in enumerate(locks):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        return index
    return None


def prepare(threads: int, seed: int = 0, *, fast: bool = False) -> None:
    """Compute on so many threads, in full float32, and so that it can be repeated.

    The same input gives the same result on the same machine with the same number of threads.

    Args:
        fast: a GPU may round the factors of matrix products in float32 to 10 bits.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = fast
    torch.backends.cuda.matmul.allow_tf32 = fast


def precision_on(device: torch.device, wanted: Precision | Literal["auto"]) -> Precision:
    """The precision to compute in; `auto` is fast on devices with units for bfloat16."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        # NVIDIA's have them since Ampere.
        has_units = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        can = torch.cpu.get_capabilities()
        has_units = can.get("avx512_bf16", False) or can.get("amx_bf16", False)
    return "fast" if has_units else "exact"


def device_name(device: torch.device) -> str:
    """What a file says of the device that has computed it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


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
