import multiprocessing
import os
import stat
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from flowpose.errors import FlowposeError
from flowpose.runtime.devices import (
    compute_device,
    lease,
    memory_shortage_explained,
    precision_on,
    prepare,
)


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """Two GPUs, as far as PyTorch is asked."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda index: None)
    names = [SimpleNamespace(uuid="a"), SimpleNamespace(uuid="b")]
    monkeypatch.setattr(torch.cuda, "get_device_properties", names.__getitem__)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_every_job_gets_a_gpu_of_its_own(two_gpus, device):
    with compute_device(device) as first, compute_device(device) as second:
        assert {first, second} == {torch.device("cuda", 0), torch.device("cuda", 1)}
    with compute_device(device) as again:
        assert again == torch.device("cuda", 0)


def test_the_cpu_is_taken_when_asked_for(two_gpus):
    with compute_device("cpu") as device:
        assert device == torch.device("cpu")


def test_the_cpu_is_taken_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with compute_device("auto") as device:
        assert device == torch.device("cpu")


def test_a_gpu_that_is_asked_for_must_be_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = "device: cuda is asked for, but PyTorch sees no GPU"
    with pytest.raises(FlowposeError, match=message), compute_device("cuda"):
        pass


def work(folder, devices, events):
    with lease(devices, folder) as index:
        events.put(("start", index, time.monotonic()))
        time.sleep(0.3)
        events.put(("end", index, time.monotonic()))


@pytest.mark.parametrize("devices", [["a"], ["a", "b"]])
def test_jobs_queue_for_devices(tmp_path, devices):
    """Three jobs: all are done, and never do two hold the same device."""
    context = multiprocessing.get_context("fork")
    events = context.Queue()
    jobs = [context.Process(target=work, args=(tmp_path, devices, events)) for _ in range(3)]
    for job in jobs:
        job.start()
    seen = sorted((events.get(timeout=30) for _ in range(6)), key=lambda event: event[2])
    for job in jobs:
        job.join(timeout=30)
    assert {index for _, index, _ in seen} == set(range(len(devices)))
    held = set()
    for what, index, _ in seen:
        assert (index in held) == (what == "end")
        held ^= {index}


def test_a_killed_job_gives_its_device_back(tmp_path):
    context = multiprocessing.get_context("fork")
    events = context.Queue()
    job = context.Process(target=hold_for_ever, args=(tmp_path, events))
    job.start()
    assert events.get(timeout=30) == 0
    job.kill()
    job.join(timeout=30)
    with lease(["a"], tmp_path) as index:
        assert index == 0


def hold_for_ever(folder, events):
    with lease(["a"], folder) as index:
        events.put(index)
        time.sleep(600)


def test_leases_lie_in_a_folder_that_only_their_user_can_use(two_gpus, monkeypatch):
    monkeypatch.setattr(os, "umask", os.umask(0))
    with compute_device("auto"):
        (folder,) = Path(tempfile.gettempdir()).iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert str(os.getuid()) in folder.name


def test_a_lease_changes_nothing_in_a_file_that_is_there(tmp_path):
    (tmp_path / "a").write_text("kept")
    with lease(["a"], tmp_path):
        assert (tmp_path / "a").read_text() == "kept"


def linked(folder, monkeypatch):
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


def open_to_a_group(folder, monkeypatch):
    folder.mkdir()
    folder.chmod(0o770)


def of_somebody_else(folder, monkeypatch):
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)


def no_folder(folder, monkeypatch):
    folder.touch(mode=0o700)


@pytest.mark.parametrize("prepared", [linked, open_to_a_group, of_somebody_else, no_folder])
def test_a_folder_that_others_may_have_prepared_is_refused(tmp_path, monkeypatch, prepared):
    folder = tmp_path / "leases"
    prepared(folder, monkeypatch)
    message = f"{folder}: not a folder that only you can use"
    with pytest.raises(FlowposeError, match=message), lease(["a"], folder):
        pass
    assert not list(tmp_path.rglob("a"))


def test_a_lease_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "leases").mkdir(mode=0o700)
    (tmp_path / "leases" / "a").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="symbolic link"), lease(["a"], tmp_path / "leases"):
        pass
    assert not (tmp_path / "made").exists()


def test_a_gpu_that_is_too_small_is_told_what_helps():
    message = r"memory is too small: Tried to allocate 9 GiB \(set flow.low_memory to true"
    with pytest.raises(FlowposeError, match=message), memory_shortage_explained():
        raise torch.OutOfMemoryError("Tried to allocate 9 GiB\nand more")


@pytest.mark.parametrize("fast", [True, False])
def test_rounding_is_allowed_only_where_it_may_be_fast(fast):
    threads = torch.get_num_threads()
    prepare(threads, fast=fast)
    assert torch.backends.cuda.matmul.allow_tf32 == fast
    assert torch.backends.cudnn.allow_tf32 == fast
    prepare(threads)
    assert not torch.backends.cuda.matmul.allow_tf32


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [
        ("cpu", {"avx512_bf16": True, "amx_bf16": False}, "fast"),
        ("cpu", {"avx512_bf16": False, "amx_bf16": True}, "fast"),
        ("cpu", {"avx512_bf16": False, "amx_bf16": False}, "exact"),
        # What PyTorch says of other makes of CPU.
        ("cpu", {"architecture": "aarch64"}, "exact"),
        ("cuda", (7, 5), "exact"),
        ("cuda", (8, 0), "fast"),
        ("cuda", (9, 0), "fast"),
    ],
)
def test_a_device_that_can_be_fast_is(monkeypatch, device, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capability)
    assert precision_on(torch.device(device), "auto") == expected
    for wanted in ("exact", "fast"):
        assert precision_on(torch.device(device), wanted) == wanted
