"""How long Snakemake thinks before it starts, by the number of jobs."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from measure import row, seconds

ROOT = Path(__file__).parents[1]
# A sequence has 12 jobs, and there is the table.
N_SEQUENCES = (33, 333)
# The jobs of one sequence's poses and labels.
FEW = [f"results/bench/s0/{stage}.h5" for stage in ("pose_0", "truth", "keypoints")]


def workflow_rows() -> Iterator[dict[str, object]]:
    yield planning_row(1, FEW)
    for n in N_SEQUENCES:
        yield planning_row(n, ["results/table.csv"])


def planning_row(n_sequences: int, targets: list[str]) -> dict[str, object]:
    """A dry run of a config of so many sequences."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(yaml.safe_dump(config(n_sequences)))
        output = []
        time = seconds(lambda: output.append(dry_run(folder, path, targets)))
    n_jobs = re.search(r"^total +(\d+)", output[0], re.MULTILINE)[1]
    return row(f"snakemake --dry-run, {n_jobs} jobs", time, "s")


def dry_run(folder: str, path: Path, targets: list[str]) -> str:
    snakemake = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
    where = [
        "--snakefile",
        ROOT / "workflow" / "Snakefile",
        "--directory",
        folder,
        "--configfile",
        path,
    ]
    profile = ["--workflow-profile", ROOT / "profiles" / "default"]
    done = subprocess.run(
        [*snakemake, *where, *profile, "--", *targets], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout + done.stderr


def config(n_sequences: int) -> dict[str, object]:
    """Sequences of files that are not there: nothing but their names is looked at."""
    recording = {"file": "recording.npz", "camera": "camera"}
    sequence = {"video": "video.mp4", "estimates": recording, "truth": recording}
    return {
        "dataset": "bench",
        "sequences": {f"s{n}": sequence for n in range(n_sequences)},
        "flow": {"weights": "raft.pth"},
    }
