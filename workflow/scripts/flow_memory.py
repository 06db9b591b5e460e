"""How much memory flow jobs ask for, so that no more run at a time than a machine holds.

On a CPU a job holds the tensors of a training step, or of a pair's flow, and what PyTorch and the
CPU's libraries need besides. The tensors were counted, operation by operation
(`benchmarks/counting.py`), and follow the area of the frames and its square.
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import h5py


class _Tensors(NamedTuple):
    """Bytes of the tensors of a training step.

    A cell is 8 x 8 px of a frame, and RAFT correlates every one with every one.

    Attributes:
        cell: a cell.
        frozen_cell: the same, if the encoders are frozen.
        update: a cell and an update that the gradient goes through.
        correlation: a pair of cells.
    """

    cell: int
    frozen_cell: int
    update: int
    correlation: float


# By model, precision (or reference), and whether memory is to be low.
_STEPS = {
    ("raft_large", "reference", False): _Tensors(185_000, 185_000, 19_300, 18.3),
    ("raft_large", "exact", False): _Tensors(220_000, 12_000, 13_600, 6.3),
    ("raft_large", "exact", True): _Tensors(134_000, 49_000, 1_820, 3.3),
    ("raft_large", "fast", False): _Tensors(106_000, 4_000, 6_800, 6.7),
    ("raft_large", "fast", True): _Tensors(45_000, 8_000, 1_560, 5.7),
    ("raft_small", "reference", False): _Tensors(85_000, 85_000, 7_800, 18.0),
    ("raft_small", "exact", False): _Tensors(103_000, 10_000, 5_310, 5.0),
    ("raft_small", "exact", True): _Tensors(53_000, 22_000, 1_180, 3.8),
    ("raft_small", "fast", False): _Tensors(49_000, 2_000, 2_680, 5.5),
    ("raft_small", "fast", True): _Tensors(17_000, 5_000, 980, 5.3),
}
# Bytes of the tensors of a pair's flow: a cell, by model and precision; and a pair of cells.
_INFERENCE_CELL = {
    ("raft_large", "exact"): 36_000,
    ("raft_large", "fast"): 18_000,
    ("raft_small", "exact"): 15_000,
    ("raft_small", "fast"): 9_000,
}
_INFERENCE_CORRELATION = 5.9
# Of all gradients.
_WEIGHTS = {"raft_large": 21_000_000, "raft_small": 4_000_000}
# Counts lie up to 5 % above what these give.
_MARGIN = 1.1
_CELL_PX, _MIN_SIDE_PX = 8, 128
# Of Human3.6M.
_USUAL_SIDE_PX = 1000
# MB of a process with its libraries, weights and Adam's state, and MB a cell of buffers of the
# CPU's libraries: what jobs were measured to hold at 512x512 and 1000x1002, and a little more.
_PROCESS_MB, _BUFFERS_MB = 1200, 0.1
# MB of a job whose tensors are on a GPU: a guess.
_GPU_JOB_MB = 8000
# Where Linux says how much a container, or all of a cluster's job, may hold.
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


def flow_job_mb(
    frames: str | None, flow: Mapping[str, Any], *, finetuned: bool, reference: bool, gpu: bool
) -> int:
    """MB of memory that a flow job may hold.

    Args:
        frames: the file of its frames; None: somewhere else, and then taken to be of a usual size.
        flow: the config's keys of RAFT and its finetuning. `person_margin` lowers nothing, as a
            person may fill a frame.
        finetuned: whether it finetunes, or only estimates flow.
        reference: compute as the reference does.
        gpu: whether it has a GPU.

    Raises:
        FileNotFoundError: there are no frames yet.
    """
    if gpu:
        return _GPU_JOB_MB
    size = _USUAL_SIDE_PX, _USUAL_SIDE_PX
    if frames is not None:
        # Not by a Path: Snakemake looks for the name in this error among the inputs, texts.
        modified = os.stat(frames).st_mtime_ns  # noqa: PTH116
        size = _frame_size(frames, modified)
    tensors = (
        step_bytes(size, flow, reference=reference) if finetuned else inference_bytes(size, flow)
    )
    return round(_PROCESS_MB + _BUFFERS_MB * _cells(size) + tensors / 1e6)


def step_bytes(size: tuple[int, int], flow: Mapping[str, Any], *, reference: bool = False) -> float:
    """Bytes that the tensors of a training step take on a CPU, or a little more.

    Args:
        size: height and width of the frames, px.
        flow: see `flow_job_mb`.
    """
    way = ("reference", False) if reference else (_precision(flow), flow["low_memory"])
    tensors = _STEPS[flow["model"], *way]
    with_gradient = min(flow["updates"], flow["gradient_updates"] or flow["updates"])
    a_cell = tensors.frozen_cell if flow["frozen_encoders"] else tensors.cell
    a_cell += tensors.update * with_gradient + tensors.correlation * _cells(size)
    a_pair = a_cell * _cells(size)
    return _MARGIN * (_WEIGHTS[flow["model"]] + flow["pairs_per_step"] * a_pair)


def inference_bytes(size: tuple[int, int], flow: Mapping[str, Any]) -> float:
    """Bytes that the tensors of a pair's flow take on a CPU, or a little more."""
    a_cell = _INFERENCE_CELL[flow["model"], _precision(flow)]
    return _MARGIN * (a_cell + _INFERENCE_CORRELATION * _cells(size)) * _cells(size)


def machine_mb() -> int:
    """MB of memory of this machine, or of the container that this runs in."""
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _CONTAINER_LIMIT.read_text().strip() if _CONTAINER_LIMIT.is_file() else "max"
    return min(installed, int(limit) if limit.isdecimal() else installed) // 1_000_000


def _precision(flow: Mapping[str, Any]) -> str:
    """On a CPU, where `auto` is exact."""
    return "fast" if flow["precision"] == "fast" else "exact"


def _cells(size: tuple[int, int]) -> int:
    height, width = (-(-max(side, _MIN_SIDE_PX) // _CELL_PX) for side in size)
    return height * width


@lru_cache(4096)
def _frame_size(frames: str, modified: int) -> tuple[int, int]:
    """Height and width of the frames in a file; of one that has none, the least there are."""
    try:
        with h5py.File(frames, "r") as h5:
            _, height, width, _ = h5["frames"].shape
    except (OSError, KeyError, ValueError):
        # It is damaged, or says only why there are no frames: its job will say so.
        return _MIN_SIDE_PX, _MIN_SIDE_PX
    return height, width
