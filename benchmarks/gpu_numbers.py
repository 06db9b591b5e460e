"""Whether a GPU computes what a CPU does: versions, unit tests, golden numbers, two runs."""

import copy
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, takewhile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
import torchvision
from checks import ROOT, Check, missing_for_demo
from golden_check import check_all
from golden_compare import CPU
from random_raft import write_random_raft
from torch.nn.functional import smooth_l1_loss
from torchvision.models.optical_flow import RAFT, raft_small

from flowpose.adaptation.finetuning import FlowOptions, finetune
from flowpose.raft.checkpoint import load_raft, place_raft
from flowpose.raft.inference import estimate_flow, estimate_flows
from flowpose.raft.padding import as_images
from flowpose.runtime.devices import prepare

# Files of tests/unit with tests that can run on a GPU.
TESTS = ("correlation", "finetuning", "padding", "pairs", "passes_done", "raft", "target")
QUICK_TESTS = ("correlation", "padding", "pairs", "target")
PACKAGES = ("snakemake", "av", "cv2", "h5py", "numcodecs", "hypothesis", "pytest")
GOLDEN = ROOT / "tests" / "golden"
UPDATES = 20
# Largest distance of a flow from the CPU's, px: tests/golden/README.md.
FLOW_PX = 1e-4
# Of gradients from the CPU's, by norm: likewise.
GRADIENT = 1e-2
# What tests/unit/test_raft.py allows bfloat16.
FAST_FLOW, FAST_COSINE = 0.02, 0.999


def device_and_versions(device: torch.device) -> Iterator[Check]:
    """What is checked, and what other parts will lack."""
    pinned = dict(re.findall(r"^(torch|torchvision)==([\d.]+)", requirements(), re.MULTILINE))
    for package in (torch, torchvision):
        wanted = pinned[package.__name__]
        found = package.__version__
        yield Check(package.__name__, found, f"{wanted} is what is tested elsewhere")
    yield Check("Python, CPU cores", f"{sys.version.split()[0]}, {len(os.sched_getaffinity(0))}")
    if device.type == "cuda":
        gpu = torch.cuda.get_device_properties(0)
        yield Check("GPU", f"{gpu.name}, {gpu.total_memory / 2**30:.1f} GiB, driver {driver()}")
        versions = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
        yield Check("libraries", versions)
        capability = torch.cuda.get_device_capability()
        number = ".".join(map(str, capability))
        yield Check("compute capability", number, "8.0 or more for fast", capability >= (8, 0))
        yield Check("GPUs that PyTorch sees", str(torch.cuda.device_count()))
    lacking = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    yield Check("packages that are missing", ", ".join(lacking) or "none", "none")
    files = ", ".join(str(path.relative_to(ROOT)) for path in missing_for_demo())
    hint = "none (snakemake --cores 1 fetch; or lay them there by hand)"
    yield Check("files that the part demo lacks", files or "none", hint)


def requirements() -> str:
    return (ROOT / "envs" / "requirements.in").read_text()


def driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "not known"


def unit_tests(device: torch.device) -> Iterator[Check]:
    """Those that can run on the device."""
    names = TESTS if device.type == "cuda" else QUICK_TESTS
    files = [f"tests/unit/test_{name}.py" for name in names]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "tests.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *files]
        environment = os.environ | {"FLOWPOSE_DEVICE": device.type}
        subprocess.run(command, cwd=ROOT, env=environment, check=False)
        cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None]
    failed += [case for case in cases if case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    found = f"{len(cases)} tests, {skipped} skipped, {len(failed)} failed"
    yield Check(f"unit tests on {device.type}", found, "0 failed", bool(cases) and not failed)
    for case in failed:
        reason = next(child for child in case if child.tag in ("failure", "error"))
        yield Check(case.get("name"), reason.get("message", "")[:300], "passes", False)


def golden(device: torch.device) -> Iterator[Check]:
    """The reference's own numbers, of RAFT and of the whole method."""
    with tempfile.TemporaryDirectory() as folder:
        rows = check_all(GOLDEN, random_weights(folder), device)
        if device.type == "cpu":
            rows = takewhile(lambda row: row.name.startswith("raft_step"), rows)
        for case, quantities in groupby(rows, key=lambda row: row.name.split()[0]):
            found = list(quantities)
            failed = [row for row in found if not row.ok]
            nearest = max(found, key=lambda row: row.difference / row.tolerance)
            yield Check(
                f"{case}: {len(found)} quantities",
                f"{len(failed)} out of tolerance; nearest to it {nearest.name}: "
                f"{nearest.difference:.2g}",
                f"at most {nearest.tolerance:.2g}",
                not failed,
            )
            for row in failed[:20]:
                yield Check(row.name, f"{row.difference:.2g}", f"{row.tolerance:.2g}", False)


def random_weights(folder: str | Path) -> Path:
    path = Path(folder) / "raft-random.pth"
    write_random_raft(path)
    return path


def frames_of_golden() -> np.ndarray:
    with np.load(GOLDEN / "e2e_s0.npz") as case:
        return case["S9/Walking.60457274/frames_jpg"]


def flow_and_gradient(device: torch.device) -> Iterator[Check]:
    """A pair's flow and a step's gradient beside the CPU's in float32."""
    small = device.type == "cpu"
    frames, updates = frames_of_golden()[:2], 2 if small else UPDATES
    frames = frames[:, :128, :128] if small else frames
    with tempfile.TemporaryDirectory() as folder:
        model = load_raft(random_weights(folder), "raft_large")

    def computed(device: torch.device, **how: object) -> tuple[torch.Tensor, torch.Tensor]:
        fast = how.get("precision") == "fast"
        prepare(torch.get_num_threads(), fast=fast)
        placed = copy.deepcopy(model)
        placed = place_raft(placed, device, precision="fast" if fast else "exact")
        images = as_images(torch.as_tensor(frames, device=device).permute(0, 3, 1, 2))
        flow = estimate_flow(placed, images, updates=updates, **how)
        smooth_l1_loss(flow, torch.zeros_like(flow)).backward()
        gradients = [parameter.grad.flatten().cpu() for parameter in placed.parameters()]
        return flow.detach().cpu(), torch.cat(gradients)

    for name, how in (
        ("exact", {}),
        ("exact, low_memory", {"low_memory": True}),
        ("mode: reference", {"reference": True}),
    ):
        flow, gradient = computed(device, **how)
        wanted, wanted_gradient = computed(CPU, **how)
        apart = float((flow - wanted).abs().max())
        yield Check(f"flow, {name}", f"{apart:.2g} px apart", f"{FLOW_PX} px", apart <= FLOW_PX)
        apart = float((gradient - wanted_gradient).norm() / wanted_gradient.norm())
        yield Check(f"gradient, {name}", f"{apart:.2g} apart", f"{GRADIENT}", apart <= GRADIENT)
    flow, gradient = computed(device, precision="fast")
    wanted, wanted_gradient = computed(CPU)
    apart = float((flow - wanted).abs().mean() / wanted.abs().mean())
    yield Check("flow, fast", f"{apart:.2g} of its length apart", f"{FAST_FLOW}", apart < FAST_FLOW)
    cosine = float(torch.cosine_similarity(gradient, wanted_gradient, dim=0))
    what, expected = "gradient, fast: cosine of the angle to the CPU's", f"over {FAST_COSINE}"
    yield Check(what, f"{cosine:.5f}", expected, cosine > FAST_COSINE)


def two_runs(device: torch.device) -> Iterator[Check]:
    """The same finetuning twice, to the last digit."""
    small = device.type == "cpu"
    frames = frames_of_golden()[:3]
    frames = frames[:, :128, :128] if small else frames
    targets = np.random.default_rng(0).normal(0, 2, (2, *frames.shape[1:3], 2)).astype(np.float32)
    options = FlowOptions(updates=2 if small else 12, passes=2)
    with tempfile.TemporaryDirectory() as folder:
        large = load_raft(random_weights(folder), "raft_large")
    torch.manual_seed(0)
    little = raft_small().eval()
    for name, model, change, reference in (
        ("exact", large, {}, False),
        ("fast", large, {"precision": "fast"}, False),
        ("exact, low_memory", large, {"low_memory": True}, False),
        # These add in a changing order on a GPU: README.md, "How repeatable".
        ("mode: reference", large, {}, True),
        ("raft_small", little, {}, False),
    ):
        run = replace(options, **change)
        first, second = (
            finetuned_flow(model, device, frames, targets, run, reference) for _ in range(2)
        )
        apart = float(np.abs(first - second).max())
        same = np.array_equal(first, second)
        found = "the same to the last digit" if same else f"flow {apart:.2g} px apart"
        free = device.type == "cuda" and (reference or model is little)
        expected = "may differ" if free else "the same to the last digit"
        yield Check(f"finetuned twice, {name}", found, expected, None if free else same)


def finetuned_flow(
    model: RAFT,
    device: torch.device,
    frames: np.ndarray,
    targets: np.ndarray,
    options: FlowOptions,
    reference: bool,
) -> np.ndarray:
    precision = options.precision
    prepare(torch.get_num_threads(), fast=precision == "fast")
    placed = place_raft(copy.deepcopy(model), device, precision=precision)
    finetune(placed, frames, targets, options=options, reference=reference)
    flows = estimate_flows(placed, frames, updates=options.updates, precision=precision)
    return np.stack(list(flows))
