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

from flowpose.adaptation.finetuning import FlowOptions, finetune
from flowpose.raft.checkpoint import place_raft
from flowpose.raft.inference import estimate_flows
from flowpose.runtime.devices import prepare

SIDES = (256, 512)
N_PAIRS = 2
PRECISIONS = ("exact", "fast")
LOW_MEMORY = tuple(f"{precision}, low memory" for precision in PRECISIONS)


def flow_rows(device: torch.device) -> Iterator[dict[str, object]]:
    for side in SIDES:
        yield from step_rows((side, side), device)
        yield from inference_rows((side, side), device)
        yield from memory_rows((side, side), device)


def step_rows(size: tuple[int, int], device: torch.device) -> Iterator[dict[str, object]]:
    """A training step beside the reference's."""
    n_steps = 1 if device.type == "cpu" else 10
    ways = ("reference", *PRECISIONS)
    reference, *ours = in_turns(*(steps(how, size, device, n_steps) for how in ways))
    for precision, value in zip(PRECISIONS, ours, strict=True):
        name = f"training step, {label(size)}, {precision}"
        yield row(name, 1000 * value / n_steps, "ms", 1000 * reference / n_steps)


def inference_rows(size: tuple[int, int], device: torch.device) -> Iterator[dict[str, object]]:
    """A pair's flow beside the reference's."""
    frames = moving_frames(size, N_PAIRS + 1)

    def ours(precision: str) -> Callable[[], object]:
        model = network(precision, device)
        return configured(
            precision,
            lambda: list(estimate_flows(model, frames, updates=UPDATES, precision=precision)),
        )

    model = network("reference", device)
    theirs = configured("reference", lambda: flows_pair_by_pair(model, frames))
    reference, *times = in_turns(theirs, *(ours(precision) for precision in PRECISIONS))
    for precision, value in zip(PRECISIONS, times, strict=True):
        name = f"flow of a pair, {label(size)}, {precision}"
        yield row(name, 1000 * value / N_PAIRS, "ms", 1000 * reference / N_PAIRS)


def memory_rows(size: tuple[int, int], device: torch.device) -> Iterator[dict[str, object]]:
    """What a training step takes beyond the weights, beside the reference's step."""
    baseline = peak_mb("reference", size, device)
    for how in (*PRECISIONS, *LOW_MEMORY):
        yield row(
            f"memory of a training step, {label(size)}, {how}",
            peak_mb(how, size, device),
            "MB",
            baseline,
        )


def steps(
    how: str, size: tuple[int, int], device: torch.device, n_steps: int = 1
) -> Callable[[], object]:
    """Training steps, in the reference's way or ours."""
    frames, model = moving_frames(size, n_steps + 1), network(how, device)
    targets = np.zeros((n_steps, *size, 2), np.float32)
    if how == "reference":
        return configured(how, lambda: finetune_step_by_step(model, frames, targets))
    precision, _, memory = how.partition(", ")
    options = FlowOptions(UPDATES, passes=1, precision=precision, low_memory=memory == "low memory")
    return configured(precision, lambda: finetune(model, frames, targets, options=options))


def configured(how: str, run: Callable[[], object]) -> Callable[[], object]:
    """With PyTorch's settings as a job has them; the reference has PyTorch's own."""

    def run_so() -> object:
        prepare(torch.get_num_threads(), fast=how == "fast")
        if how == "reference":
            torch.backends.cudnn.deterministic = False
            torch.backends.cudnn.allow_tf32 = True
        return run()

    return run_so


def network(how: str, device: torch.device) -> RAFT:
    """Random weights: speed does not depend on them."""
    torch.manual_seed(0)
    precision = "fast" if how.startswith("fast") else "exact"
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
        run = steps(how, size, device)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_cpu_peak_mb, (how, size))


def _cpu_peak_mb(how: str, size: tuple[int, int]) -> float:
    # A small step first, for what is allocated once and for all.
    steps(how, (128, 128), torch.device("cpu"))()
    run = steps(how, size, torch.device("cpu"))
    before = memory_mb("VmRSS")
    run()
    return memory_mb("VmHWM") - before


def memory_mb(which: str) -> float:
    """Of this process, as Linux counts it: what it has (VmRSS), the most it had (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"^{which}:\s+(\d+) kB", status, re.MULTILINE)[1]) / 1000


def label(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
