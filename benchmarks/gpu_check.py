"""Check flowpose on a GPU, part by part; writes results/gpu-check.md.

    python benchmarks/gpu_check.py [--device cuda] [--only PART ...] [--again]

Each part is a process of its own with a time limit, so that none takes the others along. What it
finds is kept in results/gpu-check/, for the same code, versions and device: the same command goes
on with the parts that are missing. Exits with 1 if a check fails or a part does not end. With
`--device cpu` it tries itself: small sizes, and only what makes sense without a GPU.
"""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torchvision
from checks import ROOT, Check, LeftOutError

for folder in ("workflow/scripts", "tests", "tests/golden", "tests/workflow"):
    sys.path.insert(0, str(ROOT / folder))

import gpu_numbers  # noqa: E402
import gpu_resources  # noqa: E402
import gpu_runs  # noqa: E402
import gpu_speed  # noqa: E402

RESULTS = ROOT / "results"
# In the order of what is learnt for the time they take. Seconds are limits; a CPU may take longer.
PARTS: Mapping[str, tuple[Callable[[torch.device], Iterator[Check]], int]] = {
    "device": (gpu_numbers.device_and_versions, 60),
    "tests": (gpu_numbers.unit_tests, 180),
    "numbers": (gpu_numbers.flow_and_gradient, 90),
    "repeats": (gpu_numbers.two_runs, 90),
    "memory": (gpu_resources.memory, 90),
    "shortage": (gpu_resources.shortage, 60),
    "waits": (gpu_resources.waits, 60),
    "leases": (gpu_resources.leases, 60),
    "speed": (gpu_speed.papers_size, 150),
    "busy": (gpu_speed.busy, 60),
    "golden": (gpu_numbers.golden, 180),
    "workflow": (gpu_runs.toy, 180),
    "demo": (gpu_runs.demo, 300),
    "bench": (gpu_speed.bench, 150),
}
# Of what a result depends on.
SOURCES = ("benchmarks", "config", "tests", "workflow", "Snakefile")
SUFFIXES = {"", ".py", ".smk", ".yaml", ".npz"}
CPU_LIMITS = 10
WHOLE = "whole"
# What stands in the place of the checks of a part that this machine lacks something for.
LEFT_OUT = "left out"
# The part that asks for what may change between two calls: files, packages, the driver.
CHANGING = "device"


@dataclass(frozen=True)
class Report:
    """What a part has found.

    Attributes:
        part: its name.
        ended: WHOLE; else how it ended before its end.
        seconds: it took.
        checks: as many as it came to.
    """

    part: str
    ended: str
    seconds: float
    checks: list[Check]

    @property
    def ok(self) -> bool:
        return self.ended == WHOLE and all(check.ok is not False for check in self.checks)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--only", choices=PARTS, nargs="+", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--again", action="store_true", help="also parts that are finished")
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("gpu-check needs a GPU, and PyTorch sees none here (does nvidia-smi see one?)")
        return 1
    device = torch.device(arguments.device)
    if arguments.rows:
        write_rows(arguments.only[0], device, arguments.rows)
        return 0
    made = made_with(device)
    folder = RESULTS / "gpu-check" / made
    folder.mkdir(parents=True, exist_ok=True)
    for part in arguments.only or PARTS:
        file = folder / f"{part}.json"
        if arguments.again or part == CHANGING or not is_finished(file):
            print(f"{part} ...", end=" ", flush=True)
            command = [sys.executable, __file__, "--device", device.type, "--only", part, "--rows"]
            limit = PARTS[part][1] * (CPU_LIMITS if device.type == "cpu" else 1)
            report = watched(part, command, limit, folder)
            file.write_text(json.dumps(asdict(report), indent=1))
            print(f"{'ok' if report.ok else 'NOT OK'}, {report.seconds:.0f} s", flush=True)
        # After each part, as the time with a GPU may be over any moment.
        reports = [
            read(folder / f"{name}.json") for name in PARTS if (folder / f"{name}.json").is_file()
        ]
        text = table(reports, made_line(made))
        (RESULTS / "gpu-check.md").write_text(text)
    print(text)
    return 0 if all(report.ok for report in reports) else 1


def write_rows(part: str, device: torch.device, path: Path) -> None:
    """Make a part's checks here, and write each as soon as it is known."""
    with path.open("w") as stream:
        try:
            for check in PARTS[part][0](device):
                print(check, flush=True)
                print(json.dumps(check), file=stream, flush=True)
        except LeftOutError as missing:
            print(json.dumps(Check(LEFT_OUT, str(missing))), file=stream)


def watched(part: str, command: list[str], limit: float, folder: Path) -> Report:
    """Run a part in a process of its own, to its end or its limit."""
    rows, log = folder / f"{part}.rows", folder / f"{part}.log"
    rows.unlink(missing_ok=True)
    start = time.monotonic()
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*command, str(rows)],
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            # What it starts ends with it.
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
            ended = WHOLE if code == 0 else f"ended with {code}: {last_line(log)}"
        except subprocess.TimeoutExpired:
            ended = f"stopped at its limit of {limit:g} s: {last_line(log)}"
        finally:
            end_group(process)
    lines = rows.read_text().splitlines() if rows.is_file() else []
    checks = [Check(*json.loads(line)) for line in lines if line.endswith("]")]
    return Report(part, ended, time.monotonic() - start, checks)


def end_group(process: subprocess.Popen) -> None:
    """End a process and all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:300] if said else "it said nothing"


def read(file: Path) -> Report:
    found = json.loads(file.read_text())
    return Report(**found | {"checks": [Check(*check) for check in found["checks"]]})


def is_finished(file: Path) -> bool:
    """Whether a part came to its end, be it with what is not ok, and lacked nothing for it."""
    if not file.is_file():
        return False
    report = read(file)
    return report.ended == WHOLE and all(check.what != LEFT_OUT for check in report.checks)


def made_with(device: torch.device) -> str:
    """A name for the code, the versions and the device."""
    digest = hashlib.sha256(f"{torch.__version__} {torchvision.__version__}".encode())
    for path in source_files():
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    return f"{name.replace(' ', '-')}-{digest.hexdigest()[:12]}"


def source_files() -> Iterable[Path]:
    for source in SOURCES:
        root = ROOT / source
        paths = sorted(root.rglob("*")) if root.is_dir() else [root]
        yield from (path for path in paths if path.is_file() and path.suffix in SUFFIXES)


def made_line(made: str) -> str:
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    try:
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "not known"
    day = time.strftime("%Y-%m-%d")
    return f"{made}, PyTorch {torch.__version__}, commit {commit}, {day}"


def table(reports: Sequence[Report], made: str) -> str:
    """The table in Markdown: a row a check; parts that did not end say so in theirs."""
    lines = ["# flowpose on a GPU", "", made, ""]
    if made.startswith("cpu-"):
        lines += ["**No GPU: a rehearsal on a CPU. Nothing here was measured on one.**", ""]
    lines += ["| part | check | measured | expected | |", "|---|---|---|---|---|"]
    for report in reports:
        for check in report.checks:
            verdict = {True: "ok", False: "**not ok**", None: ""}[check.ok]
            lines.append(line(report.part, check.what, check.measured, check.expected, verdict))
        if report.ended != WHOLE:
            lines.append(line(report.part, "to its end", report.ended, WHOLE, "**not ok**"))
    n_checks = sum(check.ok is not None for report in reports for check in report.checks)
    failed = sum(check.ok is False for report in reports for check in report.checks)
    broken = [report.part for report in reports if report.ended != WHOLE]
    missing = [part for part in PARTS if part not in {report.part for report in reports}]
    seconds = sum(report.seconds for report in reports)
    lines += ["", f"{n_checks} checks, {failed} not ok; {seconds:.0f} s."]
    for said, parts in (("Did not end", broken), ("Not run yet", missing)):
        lines += ["", f"{said}: {', '.join(parts)}."] if parts else []
    return "\n".join(lines) + "\n"


def line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in cells)} |"


if __name__ == "__main__":
    sys.exit(main())
