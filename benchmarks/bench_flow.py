"""RAFT's finetuning and inference: seconds and memory, exact and fast."""

import multiprocessing
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from measure import in_turns, row
from reference_flow import UPDATES, finetune_step_by_step, flows_pair_by_pair
from torchvision.models.optical_flow import RAFT, raft_large

from flowpose.finetune import FlowOptions, finetune
from flowpose.flow import estimate_flows
from flowpose.raft import place_raft

SIDES = (256, 512)
N_PAIRS = 2
# A training step at 1000 x 1002, in the reference's way: docs/performance.md.
LARGE = (1008, 1000)
LARGE_GFLOP = 6540
LARGE_GB = {"exact": 120, "fast": 60}
LARGE_FLOOR_MS = {"exact": 54, "fast": 8.3}
PRECISIONS = ("exact", "fast")


def flow_rows(device: torch.device) -> Iterator[dict[str, object]]:
    for side in SIDES:
        yield from step_rows((side, side), device)
        yield from inference_rows((side, side), device)
        yield from memory_rows((side, side), device)
    if device.type == "cuda":
        yield from large_rows(device)


def step_rows(size: tuple[int, int], device: torch.device) -> Iterator[dict[str, object]]:
    """A training step beside the reference's."""
    reference, *ours = in_turns(*(step(how, size, device) for how in ("reference", *PRECISIONS)))
    for precision, value in zip(PRECISIONS, ours, strict=True):
        yield row(
            f"training step, {label(size)}, {precision}", 1000 * value, "ms", 1000 * reference
        )


def inference_rows(size: tuple[int, int], device: torch.device) -> Iterator[dict[str, object]]:
    """A pair's flow beside the reference's."""
    frames = moving_frames(size, N_PAIRS + 1)

    def ours(precision: str) -> Callable[[], object]:
        model = network(precision, device)
        return lambda: list(estimate_flows(model, frames, updates=UPDATES, precision=precision))

    model = network("reference", device)
    reference, *times = in_turns(
        lambda: flows_pair_by_pair(model, frames), *(ours(precision) for precision in PRECISIONS)
    )
    for precision, value in zip(PRECISIONS, times, strict=True):
        name = f"flow of a pair, {label(size)}, {precision}"
        yield row(name, 1000 * value / N_PAIRS, "ms", 1000 * reference / N_PAIRS)


def memory_rows(size: tuple[int, int], device: torch.device) -> Iterator[dict[str, object]]:
    """What a training step takes beyond the weights, beside the reference's step."""
    baseline = peak_mb("reference", size, device)
    for how in (*PRECISIONS, "exact, low memory"):
        yield row(
            f"memory of a training step, {label(size)}, {how}",
            peak_mb(how, size, device),
            "MB",
            baseline,
        )


def large_rows(device: torch.device) -> Iterator[dict[str, object]]:
    """A training step of the paper's size, and how near it is to what the GPU can do."""
    for line, precision in zip(step_rows(LARGE, device), PRECISIONS, strict=True):
        yield line
        ms = line["value"]
        yield row(f"{line['name']}: arithmetic", LARGE_GFLOP / ms, "TFLOP/s")
        yield row(f"{line['name']}: traffic", 1000 * LARGE_GB[precision] / ms, "GB/s")
        yield row(f"{line['name']}: of the floor", 100 * LARGE_FLOOR_MS[precision] / ms, "%")


def step(how: str, size: tuple[int, int], device: torch.device) -> Callable[[], object]:
    """A training step, in the reference's way or ours."""
    frames, model = moving_frames(size, 2), network(how, device)
    target = np.zeros((1, *size, 2), np.float32)

    def run() -> None:
        if how == "reference":
            finetune_step_by_step(model, frames, target)
        else:
            precision, _, memory = how.partition(", ")
            options = FlowOptions(
                UPDATES, passes=1, precision=precision, low_memory=memory == "low memory"
            )
            finetune(model, frames, target, options=options)

    return run


def network(how: str, device: torch.device) -> RAFT:
    """Random weights: speed does not depend on them."""
    torch.manual_seed(0)
    precision = "fast" if how == "fast" else "exact"
    return place_raft(raft_large().eval(), device, precision=precision)


def moving_frames(size: tuple[int, int], n: int) -> np.ndarray:
    """A smooth texture that moves by 3 px a frame."""
    noise = np.random.default_rng(0).uniform(0, 255, (size[0], size[1] + 3 * n, 3))
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    frames = [texture[:, 3 * t : 3 * t + size[1]] for t in range(n)]
    return np.stack(frames).astype(np.uint8)


def peak_mb(how: str, size: tuple[int, int], device: torch.device) -> float:
    """The most memory that a step takes; of the CPU's, in a process of its own."""
    if device.type == "cuda":
        run = step(how, size, device)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_cpu_peak_mb, (how, size))


def _cpu_peak_mb(how: str, size: tuple[int, int]) -> float:
    # A small step first, for what is allocated once and for all.
    step(how, (128, 128), torch.device("cpu"))()
    run = step(how, size, torch.device("cpu"))
    before = _memory_mb("VmRSS")
    run()
    return _memory_mb("VmHWM") - before


def _memory_mb(which: str) -> float:
    """Of this process, as Linux counts it: what it has (VmRSS), the most it had (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"^{which}:\s+(\d+) kB", status, re.MULTILINE)[1]) / 1000


def label(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
