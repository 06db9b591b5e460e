"""The workflow itself with `device: cuda`, beside the same on a CPU."""

import importlib.util
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
import yaml
from checks import (
    DEMO_VIDEO,
    DEMO_WEIGHTS,
    ROOT,
    Check,
    LeftOutError,
    missing_for_demo,
    percent,
)
from toy import CONFIG, Project, copy_sources, write_inputs

# Percent that an error may be away from the CPU's: of RAFT as loaded; of RAFT finetuned, which
# amplifies rounding (one thread instead of two moved the demo's EPE by 0.4 %); of the pose.
LOADED = {"exact": 0.05, "fast": 0.5}
FINETUNED, POSE = 1.0, 0.5
VIEW, AGAIN = "cam04", "cam04_again"


def toy(device: torch.device) -> Iterator[Check]:
    """The tests' own project, whose two flow jobs ask for one GPU at a time by its lease."""
    needs_snakemake()
    with tempfile.TemporaryDirectory() as folder:
        projects = {kind: Project(Path(folder) / kind) for kind in ("cpu", "gpu")}
        for kind, project in projects.items():
            copy_sources(project.folder)
            write_inputs(project.folder / "inputs")
            # Of a model whose gradients have an order on a GPU the demo tells.
            flow = CONFIG["flow"] | {"precision": "exact"}
            own = device.type if kind == "gpu" else "cpu"
            project.write_config(CONFIG | {"device": own, "flow": flow})
        # As if there were a GPU for each of the two sequences.
        tables = {
            kind: finished(project, "--resources", "gpu=2") for kind, project in projects.items()
        }
        yield from compared("toy", tables["gpu"], tables["cpu"], LOADED["exact"])
        logs = sorted((projects["gpu"].folder / "results").rglob("logs/flow_*.log"))
        waited = sum("waiting for one of" in log.read_text() for log in logs)
        named = sum("on GPU" in log.read_text() for log in logs)
        if device.type == "cuda":
            found = f"{named} of {len(logs)} logs name their GPU, {waited} waited for it"
            yield Check("leases of the flow jobs", found, "all name it", named == len(logs) > 0)


def demo(device: torch.device) -> Iterator[Check]:
    """One view of the demo, in each precision and in `mode: reference`."""
    needs_snakemake()
    if missing := missing_for_demo():
        raise LeftOutError(f"{missing[0].relative_to(ROOT)} is not there (see the part device)")
    ways = {
        "exact": {"flow": {"precision": "exact"}},
        "fast": {"flow": {"precision": "fast"}},
        "reference": {"mode": "reference"},
    }
    if device.type == "cpu":
        ways = {"exact": {"cycles": 1, "flow": {"precision": "exact", "updates": 2, "passes": 1}}}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as beside:
        baselines: dict[str, Future] = {
            name: beside.submit(finished, view(folder, f"cpu-{name}", "cpu", change))
            for name, change in ways.items()
            if name != "fast"
        }
        for name, change in ways.items():
            start = time.monotonic()
            # Twice the same, to see whether it is; at once, to see whether one waits.
            twice = (VIEW, AGAIN) if name == "exact" else (VIEW,)
            project = view(folder, f"gpu-{name}", device.type, change, twice)
            found = finished(project, "--resources", "gpu=2")
            seconds = time.monotonic() - start
            yield Check(f"demo, {name}: {len(twice)} x {VIEW}", f"{seconds:.0f} s")
            if name == "exact":
                yield the_same(project.folder / "results" / "demo")
            baseline = baselines.get(name, baselines["exact"]).result()
            loaded = LOADED["fast" if name == "fast" else "exact"]
            of_view = found[found["sequence"] == VIEW]
            yield from compared(f"demo, {name}", of_view, baseline, loaded)


def view(
    folder: str,
    name: str,
    device: str,
    change: Mapping,
    sequences: tuple[str, ...] = (VIEW,),
) -> Project:
    """A project of the demo's view, with its downloads as files of the user's."""
    project = Project(Path(folder) / name, configfile=None)
    copy_sources(project.folder)
    inputs = project.folder / "inputs"
    inputs.mkdir()
    for path in (DEMO_VIDEO, DEMO_WEIGHTS):
        (inputs / path.name).symlink_to(path)
    file = project.folder / "config" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    sequence = config["sequences"][VIEW] | {"video": f"inputs/{DEMO_VIDEO.name}"}
    flow = config["flow"] | {"weights": f"inputs/{DEMO_WEIGHTS.name}"} | change.get("flow", {})
    # A third of the demo's arithmetic: a CPU computes beside the GPU.
    frames = config["frames"] | {"width": 224}
    config |= {**change, "device": device, "frames": frames, "flow": flow, "downloads": {}}
    file.write_text(yaml.safe_dump(config | {"sequences": dict.fromkeys(sequences, sequence)}))
    return project


def finished(project: Project, *arguments: str) -> pd.DataFrame:
    """The table of a project that is run to its end."""
    run = project.snakemake("--cores", "8", *arguments)
    if not run.ok:
        raise RuntimeError(f"{project.folder.name}: {run.text[-3000:]}")
    table = pd.read_csv(project.folder / "results" / "table.csv")
    return table[table["sequence"] != "mean"]


def compared(
    name: str, table: pd.DataFrame, baseline: pd.DataFrame, loaded: float
) -> Iterator[Check]:
    """Errors of every cycle, means over the sequences, beside the CPU's."""
    means, wanted = (
        found.groupby("cycle")[["epe_px", "mpjpe_mm"]].mean() for found in (table, baseline)
    )
    for cycle, ours in means.iterrows():
        theirs, allowed = wanted.loc[cycle], FINETUNED if cycle else loaded
        what = f"{name}: EPE of cycle {cycle}"
        yield percent(ours["epe_px"], theirs["epe_px"], "px", allowed, what)
        what = f"{name}: MPJPE of cycle {cycle}"
        yield percent(ours["mpjpe_mm"], theirs["mpjpe_mm"], "mm", POSE, what)


def the_same(folder: Path) -> Check:
    """Whether two sequences of the same video have the same last flow."""
    last = sorted(path.name for path in (folder / VIEW).glob("flow_?.h5"))[-1]
    flows = []
    for sequence in (VIEW, AGAIN):
        with h5py.File(folder / sequence / last) as h5:
            flows.append(h5["flow"][:])
    same = np.array_equal(*flows)
    found = "the same" if same else f"{np.mean(flows[0] != flows[1]):.2%} of the numbers differ"
    return Check(f"{last} of two runs", found, "the same to the last digit", same)


def needs_snakemake() -> None:
    if importlib.util.find_spec("snakemake") is None:
        raise LeftOutError("snakemake is not installed here")
