"""Jobs ask for the memory that they may hold, and together take no more than the machine has."""

import re
from datetime import datetime

import h5py
import pytest

from flow_memory import flow_job_mb

FINETUNED = [f"results/toy/{sequence}/flow_1.h5" for sequence in ("Walking 1", "right")]
SLURM = ["--workflow-profile", "profiles/slurm"]


def asked(project, finetuned=True):
    """What the flow jobs of the toy's sequences ask for."""
    flow = {"precision": "exact", "low_memory": False, "frozen_encoders": False}
    flow |= {"gradient_updates": None, "pairs_per_step": 1} | project.config["flow"]
    frames = str(project.folder / "results" / "toy" / "right" / "frames.h5")
    return flow_job_mb(frames, flow, finetuned=finetuned, reference=False, gpu=False)


def asked_by_rule(text):
    """What each job asks for that a run tells of, in MB."""
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", text, re.MULTILINE)
    return {rule: int(re.search(r"mem_mb=(\d+)", said)[1]) for rule, said in jobs}


@pytest.fixture
def machine(project):
    """Makes the project believe that it runs in a container with so many MB."""
    file = project.folder / "memory.max"
    project.edit("workflow/scripts/flow_memory.py", "/sys/fs/cgroup/memory.max", str(file))

    def has(mb):
        file.write_text(f"{mb * 1_000_000}\n")

    return has


def test_jobs_ask_for_what_they_may_hold(project):
    targets = [f"results/toy/right/{name}" for name in ("flow_0.h5", "flow_2.h5", "pose_1.h5")]
    for target in targets:
        (project.folder / target).unlink()
    run = project.snakemake("--dry-run", target=targets)
    assert run.ok, run.text
    assert asked_by_rule(run.text) == {
        "flow_initial": asked(project, finetuned=False),
        "flow_finetuned": asked(project),
        "pose_refined": 1000,
    }


@pytest.mark.parametrize(("jobs_that_fit", "side_by_side"), [(2, True), (1.5, False), (0.5, False)])
def test_as_many_jobs_run_as_the_machine_holds(project, machine, jobs_that_fit, side_by_side):
    """Nothing is typed for it; a job that is too large for the machine runs alone."""
    machine(int(jobs_that_fit * asked(project)) + 1)
    for target in FINETUNED:
        (project.folder / target).unlink()
    run = project.snakemake(target=FINETUNED)
    assert run.ok, run.text
    assert run.jobs() == {"flow_finetuned": 2}
    spans = sorted(span(project.folder / target) for target in FINETUNED)
    assert (spans[1][0] < spans[0][1]) == side_by_side
    for sequence in ("Walking 1", "right"):
        warning = (
            f"{sequence}: a flow job may need {asked(project)} MB of memory, all jobs together"
        )
        assert run.text.count(warning) == (jobs_that_fit < 1)


def span(flow):
    """When a job began and ended, by its log."""
    lines = (flow.parent / "logs" / "flow_1.log").read_text().splitlines()
    return [datetime.fromisoformat(line[:23].replace(",", ".")) for line in (lines[0], lines[-1])]


def test_what_the_user_says_counts_for_more(project, machine):
    machine(2)
    (project.folder / FINETUNED[1]).unlink()
    run = project.snakemake("--dry-run", "--resources", "mem_mb=50000", target=FINETUNED[1])
    assert run.ok, run.text
    assert asked_by_rule(run.text) == {"flow_finetuned": asked(project)}


def test_a_machine_that_submits_jobs_does_not_limit_them(project, machine):
    """A job of 4000x4000 px: on this machine, and from it to a cluster."""
    frames = project.folder / "results" / "toy" / "right" / "frames.h5"
    with h5py.File(frames, "r+") as h5:
        del h5["frames"]
        h5.create_dataset("frames", (5, 4000, 4000, 3), "uint8", chunks=(1, 100, 100, 3))
    machine(9000)
    assert asked(project) > 20_000
    again = ["--dry-run", "--forcerun", "flow_finetuned"]
    here, there = (
        project.snakemake(*again, *profile, target=FINETUNED[1]) for profile in ([], SLURM)
    )
    assert here.ok and there.ok, here.text + there.text
    assert asked_by_rule(here.text)["flow_finetuned"] == 9000
    assert asked_by_rule(there.text)["flow_finetuned"] == asked(project)
    assert "all jobs together have 9000 MB" in here.text
    assert "all jobs together" not in there.text
