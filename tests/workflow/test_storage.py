"""Without a disk that machines share: what jobs read and write goes through a storage plugin."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from toy import CONFIG, ONE_THREAD, ROOT, TABLE, Project, new_project, stored_in

PODS = ROOT / "tests" / "pods"
SEQUENCE = "Walking 1"
FIRST = ("frames", "truth", "estimates")
LAST = ("flow_initial", "pose_refined", "flow_finetuned", "pose_scores", "flow_scores")


def stored(folder: Path, **config: object) -> Project:
    """A project of one sequence and cycle without inputs: they are in a bucket beside it."""
    sequences = {SEQUENCE: CONFIG["sequences"][SEQUENCE]}
    return new_project(folder, {**CONFIG, "cycles": 1, "sequences": sequences, **config})


def options(bucket: Path) -> list[str]:
    return [word for key, value in stored_in(bucket).items() for word in (f"--{key}", value)]


@pytest.fixture
def pods(rsync, tmp_path, monkeypatch) -> Path:
    """Where jobs have their folders; they find what runs them as in an image."""
    folder = tmp_path / "pods"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(PODS))
    path = [str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    return folder


@pytest.mark.slow
def test_pods_that_share_a_bucket_give_the_table_of_one_machine(finished, pods, tmp_path):
    project, bucket = stored(tmp_path / "project"), tmp_path / "bucket"
    shutil.copytree(finished.folder / "inputs", bucket / "inputs")
    # Snakemake sends what Git knows of.
    subprocess.run(["git", "init", "--quiet"], cwd=project.folder, check=True)
    subprocess.run(["git", "add", "."], cwd=project.folder, check=True)
    # In a process of its own, which finds the executor.
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/toy.yaml"]
    command += [*options(bucket), "--executor", "pods", "--jobs", "2", *ONE_THREAD]
    command += ["--seconds-between-status-checks", "1"]
    command += ["--groups", *(f"{rule}=first" for rule in FIRST)]
    command += [*(f"{rule}=last" for rule in LAST), "--", TABLE]
    run = subprocess.run(
        command, cwd=project.folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(list(pods.glob("pod-*/workflow"))) == 2
    tables = [pd.read_csv(folder / "results" / "table.csv") for folder in (bucket, finished.folder)]
    here, there = (table[table.sequence.eq(SEQUENCE) & table.cycle.lt(2)] for table in tables)
    pd.testing.assert_frame_equal(here, there, check_exact=True)
    assert not (project.folder / "results").exists()


def test_paths_that_are_none_of_the_bucket_are_refused_before_anything_runs(tmp_path):
    flow = CONFIG["flow"] | {"weights": "/raft.pth"}
    project, bucket = stored(tmp_path / "project", flow=flow), tmp_path / "bucket"
    run = project.snakemake(*options(bucket), "--dry-run")
    wrong = f"flow.weights: /raft.pth: with a default storage, paths are relative to {bucket}"
    assert not run.ok and wrong in run.text
