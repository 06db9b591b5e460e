"""The machine's faults, for real: killed runs and jobs, full disks, two runs at once.

FAULTS sets how many runs are broken; `make faults` breaks twenty.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from toy import ONE_THREAD, TABLE

# The script of each stage, whose job is killed, and a file that is removed so that it runs.
STAGES = {
    "finetune_flow": "flow_2.h5",
    "refine_pose": "pose_1.h5",
    "score_poses": "pose_scores.h5",
    "score_flow": "flow_scores_1.h5",
    "estimate_flow": "flow_0.h5",
    "assemble_estimates": "pose_0.h5",
    "assemble_truth": "truth.h5",
    "extract_frames": "frames.h5",
    "make_table": "../table.csv",
}
MADE_WITH = {"finetune_flow": ["flow_2.pt"], "assemble_estimates": ["keypoints.h5"]}
ROUNDS = int(os.environ.get("FAULTS", "3"))
# A job takes seconds, most of them to start.
LONGEST_WAIT = 3.0


@contextlib.contextmanager
def started(project, *targets, options=()):
    """A run of the workflow in the background; killed at the end, if it still runs."""
    with (project.folder / "run.log").open("w") as log:
        run = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "config/toy.yaml"]
            + [*ONE_THREAD, *options, "--", *targets, TABLE],
            cwd=project.folder,
            stdout=log,
            stderr=log,
        )
        try:
            yield run
        finally:
            run.kill()
            run.wait()


def jobs(script: str, folder) -> list[psutil.Process]:
    """The processes that run a script in a project."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(
            word.startswith(f"{folder}/.snakemake/scripts/") and word.endswith(f".{script}.py")
            for word in process.info["cmdline"] or []
        )
    ]


def wait_for(condition, run, seconds: float = 120.0):
    """What a condition gives as soon as it holds; it must before the run ends."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert run.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    return found


def kill(victim: psutil.Process) -> None:
    # A job that has ended meanwhile needs no killing: that moment is tried, too.
    with contextlib.suppress(psutil.NoSuchProcess):
        victim.kill()


@pytest.fixture(scope="module")
def broken(finished, tmp_path_factory):
    """A project that is broken and mended again and again."""
    return finished.copy(tmp_path_factory.mktemp("broken") / "project")


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kill(broken, number):
    """kill -9 of snakemake or of a job at a random moment; then what README.md says to type."""
    rng = random.Random(number)
    results = broken.folder / "results"
    table = (results / "table.csv").read_bytes()
    script, file = list(STAGES.items())[number % len(STAGES)]
    whole_run = number % 2 == 0
    target = f"results/toy/right/{file}"
    (broken.folder / target).unlink()
    with started(broken, target) as run:
        job = wait_for(lambda: jobs(script, broken.folder), run)[0]
        time.sleep(rng.uniform(0, LONGEST_WAIT))
        kill(psutil.Process(run.pid) if whole_run else job)
        run.wait(timeout=120)
    if whole_run:
        unlocked = broken.snakemake("--unlock")
        assert unlocked.ok, unlocked.text
    again = broken.snakemake(target=[target, TABLE])
    assert again.ok, again.text
    assert (results / "table.csv").read_bytes() == table
    assert not list(results.rglob("*.part"))
    assert broken.planned(target=[target, TABLE]) == {}


@pytest.mark.parametrize("options", [[], ["--cache"]])
def test_an_interrupted_finetuning_goes_on(project, tmp_path, monkeypatch, options):
    """Its job is killed in the second pass; the files are those of a run that never was."""
    set_passes(project, 3)
    made = ("flow_1.h5", "flow_1.pt")
    whole = project.copy(tmp_path / "whole")
    for copy in (project, whole):
        # A cache of its own for each, in which no other finds anything.
        (copy.folder / "cache").mkdir()
        for name in made:
            (copy.folder / "results" / "toy" / "right" / name).unlink()
    target = "results/toy/right/flow_1.h5"
    folder = project.folder / "results" / "toy" / "right"
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(whole.folder / "cache"))
    run = whole.snakemake(*options, target=target)
    assert run.ok, run.text
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(project.folder / "cache"))
    checkpoint = folder / ".flow_1.checkpoint"
    with started(project, target, options=options) as run:
        wait_for(checkpoint.exists, run)
        # That of the other sequence, too.
        for job in jobs("finetune_flow", project.folder):
            kill(job)
        run.wait(timeout=120)
    assert checkpoint.exists() and not any((folder / name).exists() for name in made)
    again = project.snakemake(*options, target=target)
    assert again.ok, again.text
    message = "goes on after pass 1 of 3, where it was interrupted"
    assert f"flow_finetuned right 1: {message}" in again.text
    assert message in (folder / "logs" / "flow_1.log").read_text()
    for name in made:
        expected = whole.folder / "results" / "toy" / "right" / name
        assert (folder / name).read_bytes() == expected.read_bytes()
    assert not list(folder.glob("*.checkpoint*"))


def set_passes(project, passes):
    config = project.config
    config["flow"]["passes"] = passes
    project.write_config(config)


def test_two_runs_at_once_and_an_interrupted_one(project):
    table = (project.folder / "results" / "table.csv").read_bytes()
    target = "results/toy/right/pose_1.h5"
    (project.folder / target).unlink()
    with started(project, target) as run:
        wait_for(lambda: jobs("refine_pose", project.folder), run)
        second = project.snakemake()
        assert not second.ok
        assert "Directory cannot be locked" in second.text and "--unlock" in second.text
        run.send_signal(signal.SIGINT)
        run.wait(timeout=120)
    again = project.snakemake(target=[target, TABLE])
    assert again.ok, again.text
    assert (project.folder / "results" / "table.csv").read_bytes() == table


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 120 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_full_disk(project, small_disk):
    """No room for the file of any stage: each says so and leaves nothing, and goes on later."""
    config = project.config
    config["results"] = str(small_disk)
    # A sequence a stage, all the same, each finished but for the file of that stage; none for the
    # table, which needs all of them.
    stages = {stage: file for stage, file in STAGES.items() if stage != "make_table"}
    config["sequences"] = dict.fromkeys(stages, config["sequences"]["right"])
    project.write_config(config)
    made = project.folder / "results" / "toy" / "right"
    targets = []
    for stage, file in stages.items():
        # Logs that are written anew would make room.
        shutil.copytree(made, small_disk / "toy" / stage, ignore=shutil.ignore_patterns("logs"))
        target = small_disk / "toy" / stage / file
        # The other file of its stage, too: else removing that before it runs would make room.
        for output in (file, *MADE_WITH.get(stage, ())):
            target.with_name(output).unlink()
        targets.append(str(target))
    fill(small_disk)
    run = project.snakemake("--keep-going", target=targets)
    assert not run.ok
    assert "Traceback" not in run.text
    for target in targets:
        assert f"{target}: the disk is full" in run.text
        assert "make room, or set results to a folder elsewhere" in run.text
    assert not [path for path in small_disk.rglob("*") if path.suffix == ".part"]
    (small_disk / "filler").unlink()
    again = project.snakemake(target=targets)
    assert again.ok, again.text


def fill(disk) -> None:
    """Leave no room at all on a disk."""
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))


@pytest.fixture
def read_only_inputs(project):
    """The project's inputs as a file system that cannot be written to."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a folder")
    inputs = project.folder / "inputs"
    subprocess.run(["mount", "--bind", inputs, inputs], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", inputs], check=True)
    yield inputs
    subprocess.run(["umount", inputs], check=True)


def test_inputs_may_be_read_only(project, read_only_inputs):
    with pytest.raises(OSError, match="Read-only"):
        (read_only_inputs / "new").touch()
    made = ["frames.h5", "truth.h5", "keypoints.h5", "pose_0.h5", "flow_0.h5"]
    targets = [f"results/toy/right/{name}" for name in made]
    for target in targets:
        (project.folder / target).unlink()
    run = project.snakemake(target=targets)
    assert run.ok, run.text
    assert run.jobs() == dict.fromkeys(("frames", "truth", "estimates", "flow_initial"), 1)
