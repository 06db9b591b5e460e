"""The pipeline on a real SLURM of one node, under the profile for clusters as it is."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from toy import CONFIG, ONE_THREAD, ROOT, TABLE, Project, Run, new_project, stored_in, write_inputs

SLURM = ROOT / "tests" / "slurm"
PROFILE = ROOT / "profiles" / "slurm"
STATUS = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"]
TOY = ["--configfile", "config/toy.yaml", *ONE_THREAD, "--", TABLE]
GPUS = {"0", "1", "2", "3"}
pytestmark = pytest.mark.slow


class Submitted:
    """Snakemake in the background, its output in a file beside the folder it works in."""

    def __init__(self, folder: Path, *arguments: str, profile: Path = PROFILE) -> None:
        self.folder = folder
        self.output = folder.with_suffix(".log")
        self.process = subprocess.Popen(
            [
                sys.executable,
                SLURM / "impatient.py",
                "--workflow-profile",
                profile,
                *STATUS,
                *arguments,
            ],
            cwd=folder,
            stdout=self.output.open("w"),
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> "Submitted":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def text(self) -> str:
        return self.output.read_text()

    def end(self) -> Run:
        return Run(self.process.wait(300) == 0, self.text)


def jobs(comment: str) -> list[str]:
    """The ids of running jobs by what the executor says of them: `rule_NAME[_wildcards_VALUES]`."""
    command = ["squeue", "--noheader", "--states=running", "--format=%i %k"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10)
    running = (line.split(maxsplit=1) for line in done.stdout.splitlines())
    return [job for job, said in running if re.fullmatch(comment, said.strip())]


def wait(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 200
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


def profile_for_clusters() -> dict:
    return yaml.safe_load((PROFILE / "config.yaml").read_text())


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if "FLOWPOSE_SLURM" not in os.environ:
        pytest.skip("left out, as it installs SLURM and starts its daemons: make test-slurm")
    state = tmp_path_factory.mktemp("slurm")
    up = subprocess.run([SLURM / "up.sh", state], capture_output=True, text=True, timeout=300)
    if up.returncode:
        pytest.fail(f"no SLURM to test with: {up.stderr}")
    yield
    subprocess.run([SLURM / "down.sh", state], check=True, timeout=60)


@pytest.fixture(scope="module")
def hungry(slurm, tmp_path_factory) -> Iterator[Submitted]:
    """Jobs that take more than they asked for: beside the pipeline, as they need no cores."""
    folder = tmp_path_factory.mktemp("hungry") / "project"
    folder.mkdir()
    shutil.copy(SLURM / "Snakefile", folder)
    with Submitted(folder) as run:
        yield run


@pytest.fixture(scope="module")
def local(hungry, tmp_path_factory) -> Project:
    """One sequence of the toy project, in one cycle, without SLURM."""
    sequences = {"right": CONFIG["sequences"]["right"]}
    config = CONFIG | {"cycles": 1, "sequences": sequences}
    project = new_project(tmp_path_factory.mktemp("local") / "project", config)
    write_inputs(project.folder / "inputs")
    run = project.snakemake()
    assert run.ok, run.text
    return project


@pytest.fixture(scope="module")
def pipeline(hungry, local, tmp_path_factory) -> tuple[Project, Run, Run]:
    """The same from its inputs: cancelled in the middle of a finetuning, then resumed."""
    project = local.copy(tmp_path_factory.mktemp("pipeline") / "project")
    shutil.rmtree(project.folder / "results")
    shutil.rmtree(project.folder / ".snakemake")
    with Submitted(project.folder, *TOY) as run:
        wait((hungry.folder / "other_gpu").exists, "two jobs on GPUs")
        (job,) = jobs("rule_flow_finetuned")
        end_now = ["scontrol", "update", f"JobId={job}", "EndTime=now"]
        subprocess.run(end_now, check=True, timeout=10)
        wait(lambda: jobs("rule_flow_finetuned_.*"), "a finetuning to cancel")
        subprocess.run(["scancel", *jobs("rule_flow_finetuned_.*")[:1]], check=True, timeout=10)
        wait(lambda: "Trying to restart job" in run.text, "another try at it")
        run.process.send_signal(signal.SIGINT)
        cancelled = run.end()
    wait(lambda: not jobs(".*_wildcards_.*"), "the end of the other jobs")
    with Submitted(project.folder, *TOY) as run:
        return project, cancelled, run.end()


def test_cancelled_run_resumes_to_the_table_of_a_local_one(pipeline, local):
    project, cancelled, resumed = pipeline
    assert not cancelled.ok
    assert resumed.ok, resumed.text
    assert "frames" not in resumed.jobs()
    assert (project.folder / TABLE).read_bytes() == (local.folder / TABLE).read_bytes()


def test_stages_around_the_flows_share_a_job(pipeline):
    """Three stages of the sequence, in one job."""
    _, cancelled, _ = pipeline
    assert len(re.findall(r"submitted.*/group_prepare_", cancelled.text)) == 1
    for rule in ("frames", "truth", "estimates"):
        assert f"slurm_logs/rule_{rule}/" not in cancelled.text


def test_gpu_jobs_of_one_time_hold_different_gpus(hungry, pipeline):
    held = [(hungry.folder / file).read_text().strip() for file in ("gpu", "other_gpu")]
    assert set(held) < GPUS and held[0] != held[1]


def test_log_names_the_gpu(pipeline):
    project, _, _ = pipeline
    logs = [path.read_text() for path in project.folder.glob("results/toy/*/logs/flow_[0-9].log")]
    assert len(logs) == 2
    assert all(re.search(r"has set aside GPU [0-3]$", log, re.MULTILINE) for log in logs)


def test_second_attempt_has_more_memory_and_time(hungry, pipeline):
    run = hungry.end()
    assert run.ok, run.text
    assert run.text.count("Trying to restart job") == 2
    assert "SLURM status is: 'TIMEOUT'" in run.text
    profile = profile_for_clusters()
    default, flow = profile["default-resources"], profile["set-resources"]["flow_finetuned"]
    # The rule of this name that is tried here says nothing of memory.
    for file, resources in (("memory", default), ("time", default | flow)):
        asked = [eval(resources[key], {"attempt": 2}) for key in ("mem_mb", "runtime")]
        assert [int(n) for n in (hungry.folder / file).read_text().split()] == asked


def test_jobs_that_share_a_bucket_give_the_table_of_a_local_run(slurm, local, rsync, tmp_path):
    """Each with its copies in a folder of its own; grouped as docs/cluster.md says."""
    bucket, nodes = tmp_path / "bucket", tmp_path / "nodes"
    shutil.copytree(local.folder / "inputs", bucket / "inputs")
    project = new_project(tmp_path / "project", local.config)
    profile = profile_for_clusters() | stored_in(bucket)
    profile["shared-fs-usage"] = ["persistence", "software-deployment", "sources", "source-cache"]
    profile["remote-job-local-storage-prefix"] = f"{nodes}/$SLURM_JOB_ID"
    rules = ("flow_initial", "pose_refined", "flow_finetuned")
    profile["groups"] |= dict.fromkeys(rules, "flows")
    profile["set-resources"]["pose_refined"] = {"slurm_partition": "gpu"}
    profile["group-components"] = ["measure=3"]
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "config.yaml").write_text(yaml.safe_dump(profile))
    with Submitted(project.folder, *TOY, profile=tmp_path / "profile") as submitted:
        run = submitted.end()
    assert run.ok, run.text
    assert (bucket / TABLE).read_bytes() == (local.folder / TABLE).read_bytes()
    groups = re.findall(r"submitted with SLURM jobid \d+ \(log: .*/group_([a-z]+)_", run.text)
    assert groups == ["prepare", "flows", "measure"]
    ids = set(re.findall(r"submitted with SLURM jobid (\d+)", run.text))
    assert {folder.name for folder in nodes.iterdir()} == ids
    assert not [*project.folder.glob("results"), *project.folder.glob("inputs")]
