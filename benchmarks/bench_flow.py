"""RAFT's finetuning and inference: seconds and memory, exact and fast."""

import multiprocessing
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from counting import Counts, counted
from measure import in_turns, row, seconds
from reference_flow import UPDATES, finetune_step_by_step, flow_between, flows_pair_by_pair
from torch.nn.functional import smooth_l1_loss
from torchvision.models.optical_flow import RAFT, raft_large

from flowpose.devices import prepare
from flowpose.finetune import FlowOptions, finetune
from flowpose.flow import estimate_flow, estimate_flows
from flowpose.raft import place_raft

SIDES = (256, 512)
N_PAIRS = 2
# Frames of Human3.6M, padded.
LARGE = (1008, 1000)
PRECISIONS = ("exact", "fast")
LOW_MEMORY = tuple(f"{precision}, low memory" for precision in PRECISIONS)


def flow_rows(device: torch.device) -> Iterator[dict[str, object]]:
    for side in SIDES:
        yield from step_rows((side, side), device)
        yield from inference_rows((side, side), device)
        yield from memory_rows((side, side), device)
    yield from counted_rows(LARGE)
    if device.type == "cuda":
        yield from large_rows(device)


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


def counted_rows(size: tuple[int, int]) -> Iterator[dict[str, object]]:
    """What a training step takes of any machine, without one: see `counting`."""
    baseline = counted_step("reference", size)
    for how in (*PRECISIONS, *LOW_MEMORY):
        counts, name = counted_step(how, size), f"training step, {label(size)}, {how}"
        yield row(f"{name}: arithmetic", counts.flops / 1e9, "GFLOP", baseline.flops / 1e9)
        yield row(
            f"{name}: traffic", counts.traffic_bytes / 1e9, "GB", baseline.traffic_bytes / 1e9
        )
        yield row(f"{name}: tensors", counts.peak_bytes / 1e9, "GB", baseline.peak_bytes / 1e9)
        yield row(f"{name}: operations", counts.operations, "", baseline.operations)


def counted_step(how: str, size: tuple[int, int]) -> Counts:
    """Counts of a step's passes forward and backward, without the optimiser's."""
    precision, _, memory = how.partition(", ")
    with counted() as counts:
        model, images = raft_large().eval(), torch.empty(2, 3, *size)
        counts.reset()
        if how == "reference":
            flow = flow_between(model, images)
        else:
            low_memory = memory == "low memory"
            flow = estimate_flow(
                model, images, updates=UPDATES, precision=precision, low_memory=low_memory
            )
        smooth_l1_loss(flow, torch.zeros_like(flow)).backward()
    return counts


def large_rows(device: torch.device) -> Iterator[dict[str, object]]:
    """A training step of the paper's size, and how near it is to what the GPU can do."""
    bandwidth = copied_bytes_a_second(device)
    for line, precision in zip(step_rows(LARGE, device), PRECISIONS, strict=True):
        yield line
        name, duration, counts = line["name"], line["value"] / 1000, counted_step(precision, LARGE)
        peak = multiplied_flops_a_second(device, precision)
        floor = max(counts.flops / peak, counts.traffic_bytes / bandwidth)
        reached = counts.flops / duration, counts.traffic_bytes / duration
        yield row(f"{name}: arithmetic reached", reached[0] / 1e12, "TFLOP/s", peak / 1e12)
        yield row(f"{name}: traffic reached", reached[1] / 1e9, "GB/s", bandwidth / 1e9)
        yield row(f"{name}: floor", 1000 * floor, "ms")
        yield row(f"{name}: share of the floor", 100 * floor / duration, "%")


def multiplied_flops_a_second(device: torch.device, precision: str, side: int = 8192) -> float:
    """What a large matrix product reaches in a precision."""
    prepare(torch.get_num_threads(), fast=precision == "fast")
    factor = torch.ones(side, side, device=device)
    factor = factor.bfloat16() if precision == "fast" else factor
    return 2 * side**3 / quickest(lambda: factor @ factor, device)


def copied_bytes_a_second(device: torch.device, n_bytes: int = 2**30) -> float:
    """What copying reads and writes."""
    source = torch.ones(n_bytes, dtype=torch.uint8, device=device)
    return 2 * n_bytes / quickest(source.clone, device)


def quickest(run: Callable[[], object], device: torch.device) -> float:
    """Fewest seconds of some runs, each to its end."""

    def to_its_end() -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    to_its_end()
    return min(seconds(to_its_end) for _ in range(10))


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
    before = _memory_mb("VmRSS")
    run()
    return _memory_mb("VmHWM") - before


def _memory_mb(which: str) -> float:
    """Of this process, as Linux counts it: what it has (VmRSS), the most it had (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"^{which}:\s+(\d+) kB", status, re.MULTILINE)[1]) / 1000


def label(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
