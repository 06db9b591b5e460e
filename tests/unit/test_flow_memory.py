"""What the flow jobs ask for lies a little above what is counted and was measured."""

import os
import sys
from pathlib import Path

import h5py
import pytest
import torch
from torch.nn.functional import smooth_l1_loss
from torchvision.models.optical_flow import raft_large, raft_small

import flow_memory
from flow_memory import flow_job_mb, inference_bytes, machine_mb, step_bytes

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from counting import counted

from flowpose.raft.inference import estimate_flow

BUILDERS = {"raft_large": raft_large, "raft_small": raft_small}
FLOW = {
    "model": "raft_large",
    "updates": 20,
    "precision": "exact",
    "low_memory": False,
    "frozen_encoders": False,
    "gradient_updates": None,
    "pairs_per_step": 1,
    "person_margin": None,
}
SMALL = {"model": "raft_small"}
FAST, LOW, FROZEN = {"precision": "fast"}, {"low_memory": True}, {"frozen_encoders": True}
PAPER = (1002, 1000)


def counted_bytes(size, flow, *, reference=False, training=True):
    """Of a training step or of a pair's flow, as benchmarks/counting.py counts them."""
    with counted() as counts:
        model = BUILDERS[flow["model"]]().eval()
        for encoder in (model.feature_encoder, model.context_encoder):
            encoder.requires_grad_(not flow["frozen_encoders"])
        padded = [-(-side // 8) * 8 for side in size]
        images = torch.empty(flow["pairs_per_step"] + 1, 3, *padded)
        counts.reset()
        with torch.set_grad_enabled(training):
            computed = estimate_flow(
                model.train(reference),
                images,
                updates=flow["updates"],
                precision=flow["precision"],
                low_memory=flow["low_memory"],
                gradient_updates=flow["gradient_updates"],
                reference=reference,
            )
        if training:
            smooth_l1_loss(computed, torch.zeros_like(computed)).backward()
    return counts.peak_bytes


@pytest.mark.parametrize(
    ("size", "change"),
    [
        (PAPER, {}),
        (PAPER, {"updates": 4, **LOW, **FAST}),
        (PAPER, {"updates": 4, **SMALL, **LOW}),
        ((512, 512), {"updates": 4, **FAST}),
        ((512, 512), {"updates": 4, **LOW}),
        ((512, 512), {"updates": 4, "gradient_updates": 3, **FROZEN}),
        ((512, 512), {"updates": 4, **SMALL, **FAST, **FROZEN}),
        ((512, 512), {"updates": 4, **SMALL, **LOW, **FAST}),
        ((224, 224), {"updates": 12}),
        ((224, 224), {"updates": 4, "pairs_per_step": 4}),
        ((224, 224), {"updates": 4, **FAST, **LOW, **FROZEN}),
        ((224, 224), {"updates": 4, **SMALL, **LOW, **FAST, **FROZEN}),
        ((224, 300), {"updates": 4, **SMALL, **FAST}),
    ],
)
def test_a_step_asks_for_more_than_its_tensors_and_less_than_twice_them(size, change):
    flow = FLOW | change
    count = counted_bytes(size, flow)
    assert 1.03 * count < step_bytes(size, flow) < 1.95 * count


@pytest.mark.parametrize(("size", "change"), [(PAPER, {}), ((224, 224), {}), ((512, 512), SMALL)])
def test_so_does_a_step_of_the_reference(size, change):
    flow = FLOW | {"updates": 4} | change
    count = counted_bytes(size, flow, reference=True)
    assert 1.03 * count < step_bytes(size, flow, reference=True) < 1.95 * count


@pytest.mark.parametrize(
    ("size", "change"),
    [(PAPER, {}), ((512, 512), {}), ((512, 512), SMALL), ((224, 224), {}), ((224, 224), FAST)],
)
def test_so_does_a_pairs_flow(size, change):
    flow = FLOW | {"updates": 2} | change
    count = counted_bytes(size, flow, training=False)
    assert 1.03 * count < inference_bytes(size, flow) < 1.95 * count


@pytest.fixture
def frames(tmp_path):
    """Makes a file of frames of a size, with nothing in them."""

    def make(*size):
        with h5py.File(tmp_path / "frames.h5", "w") as h5:
            h5.create_dataset("frames", (3, *size, 3), "uint8", chunks=(1, 8, 8, 3))
        return str(tmp_path / "frames.h5")

    return make


CPU = {"finetuned": True, "reference": False, "gpu": False}


@pytest.mark.parametrize(
    ("size", "change", "measured_mb"),
    [
        # docs/performance.md; of a process with its libraries and weights, some 500 MB more.
        (PAPER, {}, 10_600),
        (PAPER, LOW, 5200 + 500),
        ((512, 512), {}, 2400 + 500),
        ((512, 512), FAST, 1400 + 500),
        ((512, 512), LOW, 1600 + 500),
        ((512, 512), FAST | LOW, 1100 + 500),
    ],
)
def test_a_job_asks_for_what_it_was_measured_to_hold(frames, size, change, measured_mb):
    asked = flow_job_mb(frames(*size), FLOW | change, **CPU)
    assert measured_mb < asked < 1.6 * measured_mb


def test_the_precision_that_is_chosen_later_is_exact_on_a_cpu(frames):
    path = frames(512, 512)
    asked = [flow_job_mb(path, FLOW | {"precision": p}, **CPU) for p in ("auto", "exact", "fast")]
    assert asked[0] == asked[1] > asked[2]


def test_a_job_on_a_gpu_asks_for_the_same_whatever_its_frames(frames):
    path = frames(*PAPER)
    assert flow_job_mb(path, FLOW, **CPU | {"gpu": True}) == 8000


def test_flow_alone_takes_less_than_finetuning(frames):
    path = frames(*PAPER)
    assert (
        flow_job_mb(path, FLOW, **CPU | {"finetuned": False}) < flow_job_mb(path, FLOW, **CPU) / 2
    )


def test_frames_on_another_machine_are_taken_to_be_as_large_as_human36m_s(frames):
    known = flow_job_mb(frames(*PAPER), FLOW, **CPU)
    assert flow_job_mb(None, FLOW, **CPU) == pytest.approx(known, rel=0.02)


def test_frames_that_change_are_looked_at_again(frames):
    small = flow_job_mb(frames(128, 128), FLOW, **CPU)
    path = frames(512, 512)
    os.utime(path, (1, 1))
    assert flow_job_mb(path, FLOW, **CPU) > small


def test_what_has_no_frames_asks_for_the_least(frames, tmp_path):
    least = flow_job_mb(frames(128, 128), FLOW, **CPU)
    (tmp_path / "damaged.h5").write_bytes(b"no HDF5")
    h5py.File(tmp_path / "failed.h5", "w").close()
    for name in ("damaged.h5", "failed.h5"):
        assert flow_job_mb(str(tmp_path / name), FLOW, **CPU) == least
    with pytest.raises(FileNotFoundError) as error:
        flow_job_mb(str(tmp_path / "missing.h5"), FLOW, **CPU)
    # By this Snakemake knows that what is not there yet is one of the rule's inputs.
    assert error.value.filename == str(tmp_path / "missing.h5")


@pytest.mark.parametrize(("limit", "share"), [(None, 1), ("max\n", 1), ("1000000000\n", 0)])
def test_a_container_has_what_it_may_hold(monkeypatch, tmp_path, limit, share):
    file = tmp_path / "memory.max"
    if limit:
        file.write_text(limit)
    monkeypatch.setattr(flow_memory, "_CONTAINER_LIMIT", file)
    installed = int(Path("/proc/meminfo").read_text().split()[1]) * 1024 // 1_000_000
    assert machine_mb() == pytest.approx(installed if share else 1000, abs=1)
