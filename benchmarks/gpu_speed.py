"""How fast a GPU finetunes and estimates flow, and how much of the time it is at work."""

from collections.abc import Iterable, Iterator

import bench_flow
import bench_paper_size
import reference_flow
import torch
from bench_flow import PRECISIONS, flow_rows, inference_rows, step_rows, steps
from bench_paper_size import SIZE, timed_rows
from checks import Check, LeftOutError
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

# Of a training step at 1000x1002: times faster than the reference's way, and ms on an H200.
FASTER, STEP_MS = 5, 30
BUSY_PERCENT = 98
N_STEPS = 10


def papers_size(device: torch.device) -> Iterator[Check]:
    """A training step and a pair's flow at 1000x1002, in turns with the reference's way."""
    size = SIZE
    if device.type == "cpu":
        size = (128, 128)
        for module in (bench_flow, bench_paper_size, reference_flow):
            module.UPDATES = 2
        bench_paper_size.SIZE, bench_paper_size.PRODUCT_SIDE = size, 256
        bench_paper_size.COPIED_BYTES = 2**20
    for row in timed_rows(device):
        is_step = row["name"].endswith("fast") and device.type == "cuda"
        yield compared(row, FASTER, STEP_MS) if is_step else informed(row)
    for row in inference_rows(size, device):
        yield informed(row)


def bench(device: torch.device) -> Iterator[Check]:
    """What of `make bench` runs on the device, at smaller sizes."""
    if device.type == "cpu":
        yield from map(informed, step_rows((128, 128), device))
        return
    yield from map(informed, flow_rows(device))


def informed(row: dict[str, object]) -> Check:
    value, baseline = row["value"], row["baseline"]
    measured = f"{value:.4g} {row['unit']}"
    if row["ratio"] is not None and row["unit"] in ("ms", "MB", "GB"):
        measured += f", the reference's way {baseline:.4g} ({row['ratio']:.2f} times)"
    elif baseline is not None:
        measured += f" of {baseline:.4g} that the device reaches"
    return Check(row["name"], measured)


def compared(row: dict[str, object], faster: float, most_ms: float) -> Check:
    """A time against what it should be."""
    expected = f"{faster} times faster; at most {most_ms} ms on an H200"
    ok = row["ratio"] >= faster
    if "H200" in torch.cuda.get_device_name():
        ok = ok and row["value"] <= most_ms
    return informed(row)._replace(expected=expected, ok=bool(ok))


def busy(device: torch.device) -> Iterator[Check]:
    """How much of the time the GPU is at work, and how many kernels a step has."""
    if device.type == "cpu":
        raise LeftOutError("it needs a GPU")
    for how in PRECISIONS:
        run = steps(how, SIZE, device, N_STEPS)
        run()
        with profile(activities=[ProfilerActivity.CUDA]) as profiled:
            run()
            torch.cuda.synchronize()
        events = [event for event in profiled.events() if event.device_type == DeviceType.CUDA]
        share = 100 * busy_share((event.time_range.start, event.time_range.end) for event in events)
        expected = f"{BUSY_PERCENT} % or more"
        yield Check(
            f"the GPU is at work, {N_STEPS} steps at 1000x1002, {how}",
            f"{share:.1f} %",
            expected,
            share >= BUSY_PERCENT,
        )
        yield Check(f"kernels and copies a step, {how}", f"{len(events) / N_STEPS:.0f}")
        longest: dict[str, float] = {}
        for event in events:
            lasted = event.time_range.end - event.time_range.start
            longest[event.name] = longest.get(event.name, 0) + lasted / 1000 / N_STEPS
        for name in sorted(longest, key=longest.__getitem__)[:-6:-1]:
            yield Check(f"of which, {how}", f"{longest[name]:.2f} ms a step: {name[:80]}")


def busy_share(intervals: Iterable[tuple[float, float]]) -> float:
    """How much of the time from the first start to the last end is covered."""
    ordered = sorted(intervals)
    if not ordered:
        return 0.0
    begin, covered, until = ordered[0][0], 0.0, ordered[0][0]
    for start, end in ordered:
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return covered / (until - begin)
