"""How long Snakemake thinks before it starts, by the number of jobs, beside one with bare rules.

Of user time of the CPU, which other work on the machine changes little.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml
from measure import TURNS, row

ROOT = Path(__file__).parents[1]
BARE = ROOT / "benchmarks" / "bare.smk"
# A sequence without estimates has 15 jobs; there are those of the tables besides.
N_VIDEOS = (27, 267)
ARCHIVE = 2000
# A few jobs of one sequence. On a cluster each job, or group of them, waits for about as much.
FEW = [f"results/bench/s0/{stage}.h5" for stage in ("pose_0", "truth", "keypoints")]


class Plan(NamedTuple):
    """What a dry run has planned, and what it took."""

    n_jobs: int
    seconds: float
    megabytes: float


def workflow_rows() -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        few = plan(Path(folder), own_videos(ARCHIVE, Path(folder)), FEW)
        yield row(planned(f"one of {ARCHIVE} videos", few), few.seconds, "s")
    for n in N_VIDEOS:
        with tempfile.TemporaryDirectory() as folder:
            turns = [beside_bare(Path(folder), n) for _ in range(TURNS)]
        ours, bare = (statistics.median(each) for each in zip(*turns, strict=True))
        yield row(f"snakemake --dry-run, {n} videos, beside bare rules", ours, "s", bare)
    for kind, config in (("videos", own_videos), ("given inputs", given_files)):
        with tempfile.TemporaryDirectory() as folder:
            many = plan(Path(folder), config(ARCHIVE, Path(folder)))
        yield row(planned(kind, many), many.seconds, "s")
        yield row(f"{planned(kind, many)}: memory", many.megabytes, "MB")


def beside_bare(folder: Path, n_videos: int) -> tuple[float, float]:
    """Seconds of user time to plan videos, and as many jobs of bare rules.

    Raises:
        RuntimeError: the two do not plan the same number of jobs.
    """
    ours = plan(folder, own_videos(n_videos, folder))
    bare = plan(folder, {"n": n_videos}, snakefile=BARE)
    if ours.n_jobs != bare.n_jobs:
        raise RuntimeError(f"flowpose plans {ours.n_jobs} jobs, {BARE.name} {bare.n_jobs}")
    return ours.seconds, bare.seconds


def planned(what: str, found: Plan) -> str:
    return f"snakemake --dry-run, {what}, {found.n_jobs} jobs"


def plan(
    folder: Path,
    config: dict[str, object],
    targets: list[str] | None = None,
    snakefile: Path = ROOT / "Snakefile",
) -> Plan:
    """A dry run in a folder, in a process of its own."""
    configfile = folder / "config.yaml"
    configfile.write_text(yaml.safe_dump(config))
    snakemake = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
    where = ["--snakefile", snakefile, "--directory", folder, "--configfile", configfile]
    profile = ["--workflow-profile", ROOT / "profiles" / "default"]
    with (folder / "output.txt").open("w+") as output:
        process = subprocess.Popen(
            [*snakemake, *where, *profile, "--", *(targets or ["all"])],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(text)
    n_jobs = int(re.search(r"^total +(\d+)", text, re.MULTILINE)[1])
    return Plan(n_jobs, usage.ru_utime, usage.ru_maxrss * 1024 / 1e6)


def own_videos(n: int, folder: Path) -> dict[str, object]:
    """A table of videos, whose files are there, with nothing but their names in it."""
    there(folder, "raft.pth", *(f"videos/s{number}.mp4" for number in range(n)))
    rows = ["video", *(f"videos/s{number}.mp4" for number in range(n))]
    (folder / "table.tsv").write_text("\n".join(rows))
    return {"dataset": "bench", "sequences": "table.tsv", "flow": {"weights": "raft.pth"}}


def given_files(n: int, folder: Path) -> dict[str, object]:
    """Sequences with files of their own, as Human3.6M has them."""
    kinds = ("videos/s{}.mp4", "metro/s{}.npz", "dcpose/s{}.json")
    given = (kind.format(number) for kind in kinds for number in range(n))
    there(folder, "raft.pth", "labels_3d.npz", "labels_2d.npz", *given)
    sequences = {f"s{number}": given_sequence(number) for number in range(n)}
    return {"dataset": "bench", "sequences": sequences, "flow": {"weights": "raft.pth"}}


def given_sequence(number: int) -> dict[str, object]:
    named = {"subject": "S9", "action": f"Walking {number}", "camera": "60457274"}
    labels = {"format": "human36m", "file": "labels_3d.npz", "file_2d": "labels_2d.npz"}
    metro = {"format": "metro", "file": f"metro/s{number}.npz"}
    estimates = metro | {"keypoints": f"dcpose/s{number}.json"}
    return {"video": f"videos/s{number}.mp4", "estimates": estimates, "truth": labels | named}


def there(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
