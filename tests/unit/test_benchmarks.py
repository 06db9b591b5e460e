"""The baseline of the benchmarks computes what the reference does, or its ratios mean nothing."""

import copy
import sys
from pathlib import Path

import golden_check
import numpy as np
import pytest
import torch
from torchvision.models.optical_flow import raft_small

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import bench_flow  # noqa: E402
import bench_paper_size  # noqa: E402
import reference_flow  # noqa: E402
from bench_flow import moving_frames  # noqa: E402
from bench_paper_size import counted_step  # noqa: E402
from counting import counted  # noqa: E402
from reference_pose import refine_frame_by_frame  # noqa: E402

from flowpose.adaptation.finetuning import FlowOptions, finetune  # noqa: E402


def test_baseline_gives_the_golden_losses():
    case = golden_check.Case(ROOT / "tests" / "golden" / "pose_s0_60.npz")
    keypoints = case.keypoints
    losses = refine_frame_by_frame(
        case.pose, keypoints.joints_2d, keypoints.weights(0), case["flow"], steps=10
    )
    np.testing.assert_allclose(losses, case["loss"][:10], rtol=1e-6)


def test_flow_baseline_takes_the_steps_that_we_take(monkeypatch):
    monkeypatch.setattr(reference_flow, "UPDATES", 3)
    torch.manual_seed(0)
    model = raft_small().eval()
    frames, targets = moving_frames((128, 128), 3), np.zeros((2, 128, 128, 2), np.float32)
    options = FlowOptions(3, passes=1)
    ours = finetune(copy.deepcopy(model), frames, targets, options=options)
    theirs = reference_flow.finetune_step_by_step(model, frames, targets)
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-3)


def test_operations_are_counted():
    with counted() as counts:
        left, right = torch.empty(200, 300), torch.empty(300, 400)
        counts.reset()
        product = left @ right
        doubled = 2 * product.view(100, 800)
        del product, doubled
        torch.zeros(10)
    assert counts.flops == 2 * 200 * 300 * 400
    assert counts.operations == 3
    read_and_written = (200 * 300 + 300 * 400 + 200 * 400) + 2 * 200 * 400 + 10
    assert counts.traffic_bytes == 4 * read_and_written
    assert counts.peak_bytes == 4 * 2 * 200 * 400
    assert counts.live_bytes == 0


@pytest.fixture(scope="module")
def of_the_papers_size():
    ways = ("reference", "exact", "fast", "exact, low memory")
    return {how: counted_step(how) for how in ways}


def test_training_at_the_papers_size_fits_a_gpu(of_the_papers_size):
    """16 GB, or 8 with `low_memory`, and leaves room for cuDNN's buffers, by PyTorch's account."""
    assert 8e9 < of_the_papers_size["exact"].peak_bytes < 12e9
    assert of_the_papers_size["fast"].peak_bytes < 6e9
    assert of_the_papers_size["exact, low memory"].peak_bytes < 4e9


def test_training_takes_less_arithmetic_and_traffic_than_the_references(of_the_papers_size):
    counts = of_the_papers_size
    assert counts["reference"].flops == pytest.approx(6540e9, rel=0.02)
    assert counts["exact"].flops < 0.85 * counts["reference"].flops
    assert counts["exact"].traffic_bytes < 0.5 * counts["reference"].traffic_bytes
    assert counts["fast"].traffic_bytes < 0.35 * counts["reference"].traffic_bytes
    assert counts["exact"].operations < counts["reference"].operations


def test_a_gpu_is_compared_with_its_own_rates(monkeypatch):
    """Here the CPU stands for it."""
    for module in (bench_flow, bench_paper_size, reference_flow):
        monkeypatch.setattr(module, "UPDATES", 2)
    monkeypatch.setattr(bench_paper_size, "SIZE", (128, 128))
    monkeypatch.setattr(bench_paper_size, "PRODUCT_SIDE", 256)
    monkeypatch.setattr(bench_paper_size, "COPIED_BYTES", 2**20)
    rows = {row["name"]: row for row in bench_paper_size.timed_rows(torch.device("cpu"))}
    step = rows["training step, 128x128, exact"]["value"] / 1000
    counts = counted_step("exact")
    reached = rows["training step, 128x128, exact: arithmetic reached"]
    assert reached["value"] == pytest.approx(counts.flops / step / 1e12)
    floor = rows["training step, 128x128, exact: floor"]["value"] / 1000
    by_arithmetic = counts.flops / (reached["baseline"] * 1e12)
    traffic = rows["training step, 128x128, exact: traffic reached"]
    by_traffic = counts.traffic_bytes / (traffic["baseline"] * 1e9)
    assert floor == pytest.approx(max(by_arithmetic, by_traffic))
    share = rows["training step, 128x128, exact: share of the floor"]["value"]
    assert share == pytest.approx(100 * floor / step)
