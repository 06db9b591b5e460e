"""A training step at the size of the paper's frames: counted anywhere, timed on a GPU."""

from collections.abc import Callable, Iterator

import torch
from bench_flow import LOW_MEMORY, PRECISIONS, label, step_rows
from counting import Counts, counted
from measure import row, seconds
from reference_flow import UPDATES, flow_between
from torch.nn.functional import smooth_l1_loss
from torchvision.models.optical_flow import raft_large

from flowpose.raft.inference import estimate_flow
from flowpose.runtime.devices import prepare

# Frames of Human3.6M, padded.
SIZE = (1008, 1000)
# Large enough for a GPU to reach its rates.
PRODUCT_SIDE, COPIED_BYTES = 8192, 2**30


def paper_size_rows(device: torch.device) -> Iterator[dict[str, object]]:
    yield from counted_rows()
    if device.type == "cuda":
        yield from timed_rows(device)


def counted_rows() -> Iterator[dict[str, object]]:
    """What it takes of any machine."""
    baseline = counted_step("reference")
    for how in (*PRECISIONS, *LOW_MEMORY):
        counts, name = counted_step(how), f"training step, {label(SIZE)}, {how}"
        yield row(f"{name}: arithmetic", counts.flops / 1e9, "GFLOP", baseline.flops / 1e9)
        yield row(
            f"{name}: traffic", counts.traffic_bytes / 1e9, "GB", baseline.traffic_bytes / 1e9
        )
        yield row(f"{name}: tensors", counts.peak_bytes / 1e9, "GB", baseline.peak_bytes / 1e9)
        yield row(f"{name}: operations", counts.operations, "", baseline.operations)


def counted_step(how: str) -> Counts:
    """Of the passes forward and backward; weights and images in the common order."""
    precision, _, memory = how.partition(", ")
    with counted() as counts:
        model, images = raft_large().eval(), torch.empty(2, 3, *SIZE)
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


def timed_rows(device: torch.device) -> Iterator[dict[str, object]]:
    """How long it takes, and how near that is to what the GPU can do."""
    bandwidth = copied_bytes_a_second(device)
    for line, precision in zip(step_rows(SIZE, device), PRECISIONS, strict=True):
        yield line
        name, duration, counts = line["name"], line["value"] / 1000, counted_step(precision)
        peak = multiplied_flops_a_second(device, precision)
        floor = max(counts.flops / peak, counts.traffic_bytes / bandwidth)
        reached = counts.flops / duration, counts.traffic_bytes / duration
        yield row(f"{name}: arithmetic reached", reached[0] / 1e12, "TFLOP/s", peak / 1e12)
        yield row(f"{name}: traffic reached", reached[1] / 1e9, "GB/s", bandwidth / 1e9)
        yield row(f"{name}: floor", 1000 * floor, "ms")
        yield row(f"{name}: share of the floor", 100 * floor / duration, "%")


def multiplied_flops_a_second(device: torch.device, precision: str) -> float:
    """What a large matrix product reaches in a precision."""
    prepare(torch.get_num_threads(), fast=precision == "fast")
    # Not ones, whose product takes less power.
    factor = torch.rand(PRODUCT_SIDE, PRODUCT_SIDE, device=device)
    factor = factor.bfloat16() if precision == "fast" else factor
    return 2 * PRODUCT_SIDE**3 / quickest(lambda: factor @ factor, device)


def copied_bytes_a_second(device: torch.device) -> float:
    """What copying reads and writes."""
    source = torch.ones(COPIED_BYTES, dtype=torch.uint8, device=device)
    return 2 * COPIED_BYTES / quickest(source.clone, device)


def quickest(run: Callable[[], object], device: torch.device) -> float:
    """Fewest seconds of some runs, each to its end."""

    def to_its_end() -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    to_its_end()
    return min(seconds(to_its_end) for _ in range(10))
