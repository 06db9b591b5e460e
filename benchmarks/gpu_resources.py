"""What a GPU's memory, its queue and its lease are like under a finetuning."""

import gc
import logging
import multiprocessing
import tempfile
import time
import traceback
from collections.abc import Iterator
from multiprocessing.queues import Queue
from pathlib import Path

import numpy as np
import torch
from bench_flow import LOW_MEMORY, PRECISIONS, memory_mb, moving_frames, network, peak_mb, steps
from bench_paper_size import SIZE
from checks import Check, LeftOutError

from flow_memory import flow_job_mb
from flowpose.adaptation.finetuning import FlowOptions, finetune
from flowpose.errors import FlowposeError
from flowpose.runtime.devices import compute_device, lease, memory_shortage_explained, prepare

NEEDS_GPU = "it needs a GPU"
# GB that a training step at 1000x1002 may take.
MEMORY_GB = {"exact": 12, "fast": 8} | dict.fromkeys(LOW_MEMORY, 6)
# One at which exact does not fit and low_memory does, bytes.
SHORT_OF_MEMORY = 6_000_000_000
SECONDS_HELD = 1.5


def memory(device: torch.device) -> Iterator[Check]:
    """The most that a training step at the paper's size takes."""
    if device.type == "cpu":
        raise LeftOutError(NEEDS_GPU)
    for how in ("reference", *PRECISIONS, *LOW_MEMORY):
        torch.cuda.empty_cache()
        allocated = peak_mb(how, SIZE, device) / 1000
        reserved = torch.cuda.max_memory_reserved() / 1e9
        limit = MEMORY_GB.get(how)
        yield Check(
            f"memory of a training step, 1000x1002, {how}",
            f"{allocated:.2f} GB allocated beyond weights, {reserved:.2f} GB reserved in all",
            f"under {limit} GB" if limit else "",
            allocated < limit if limit else None,
        )
    held = memory_mb("VmHWM")
    asked = flow_job_mb("", {}, finetuned=True, reference=False, gpu=True)
    what, expected = (
        "the CPU's memory, at most",
        f"under {asked} MB, what a job with a GPU asks for",
    )
    yield Check(what, f"{held:.0f} MB", expected, held < asked)


def shortage(device: torch.device) -> Iterator[Check]:
    """A GPU that is too small is explained, and what the message names helps."""
    if device.type == "cpu":
        raise LeftOutError(NEEDS_GPU)
    limit = f"with {SHORT_OF_MEMORY / 1e9:g} GB"
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction(SHORT_OF_MEMORY / total)
    message = run_short(device)
    explained = "flow.low_memory to true" in message
    yield Check(f"exact at 1000x1002 {limit}", message, "an error that names low_memory", explained)
    gc.collect()
    torch.cuda.empty_cache()
    steps("exact, low memory", SIZE, device)()
    reserved = torch.cuda.max_memory_reserved() / 1e9
    yield Check(f"the same with low_memory {limit}", f"fits: {reserved:.2f} GB", "fits", True)


def run_short(device: torch.device) -> str:
    """The message of a step that does not fit; its tensors are gone with the error."""
    try:
        with memory_shortage_explained():
            steps("exact", SIZE, device)()
    except FlowposeError as error:
        return str(error)
    return "no error: it fits"


def waits(device: torch.device) -> Iterator[Check]:
    """Nothing in a training step waits for the GPU, be it one that reads or one that has read."""
    if device.type == "cpu":
        raise LeftOutError(NEEDS_GPU)
    frames, targets = moving_frames((256, 256), 4), np.zeros((3, 256, 256, 2), np.float32)
    for how in (*PRECISIONS, *LOW_MEMORY):
        precision, _, low = how.partition(", ")
        prepare(torch.get_num_threads(), fast=precision == "fast")
        options = FlowOptions(updates=4, passes=3, precision=precision, low_memory=bool(low))
        found = "nothing waits"
        try:
            finetune(network(how, device), frames, targets, options=options, progress=no_waiting)
        except RuntimeError as error:
            own = [
                frame
                for frame in traceback.extract_tb(error.__traceback__)
                if "flowpose" in frame.filename
            ]
            where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "not known"
            found = f"{where}: {str(error).splitlines()[0]}"
        finally:
            torch.cuda.set_sync_debug_mode("default")
        yield Check(f"training steps, {how}", found, "nothing waits", found == "nothing waits")


def no_waiting(order: range) -> Iterator[int]:
    """Makes an error of what waits for the GPU, after the first two steps."""
    for step in order:
        if step == 2:
            torch.cuda.set_sync_debug_mode("error")
        yield step
    torch.cuda.set_sync_debug_mode("default")


def leases(device: torch.device) -> Iterator[Check]:
    """One job more than there are GPUs: never do two hold the same."""
    n_jobs = 1 + (torch.cuda.device_count() if device.type == "cuda" else 1)
    context = multiprocessing.get_context("spawn")
    events = context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        arguments = device.type, Path(folder), events
        jobs = [context.Process(target=hold, args=arguments) for _ in range(n_jobs)]
        for job in jobs:
            job.start()
        held = [events.get() for _ in jobs]
        for job in jobs:
            job.join()
    shared = [
        (a, b)
        for i, a in enumerate(held)
        for b in held[:i]
        if a[0] == b[0] and a[1] < b[2] and b[1] < a[2]
    ]
    waited = sum(said > 0 for *_, said in held)
    found = f"{len(shared)} overlaps, {waited} waited"
    expected = "0 overlaps, 1 waited"
    yield Check(f"{n_jobs} jobs for {n_jobs - 1} device(s)", found, expected, found == expected)


def hold(kind: str, folder: Path, events: Queue) -> None:
    """A job that has a device for a while: which, from when to when, and whether it waited."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # In the rehearsal the lease alone stands for a GPU.
    held = compute_device("cuda") if kind == "cuda" else lease(["cpu"], folder)
    with held as device:
        start = time.monotonic()
        one = torch.ones(1000, 1000, device=kind)
        total = float((one @ one).sum())
        time.sleep(SECONDS_HELD)
        end = time.monotonic()
    assert total == 1000.0**3
    waited = sum(line.startswith("waiting for one of") for line in said)
    events.put((str(device), start, end, waited))
