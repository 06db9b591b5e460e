"""What runs again after which change: that, and nothing else."""

import os
import shutil
import time

import numpy as np
import pytest

TABLES = {"table": 1, "all_tables": 1}
# What an estimate of one sequence has to do with.
OF_ONE_ESTIMATE = {
    "estimates": 1,
    "flow_finetuned": 2,
    "pose_refined": 2,
    "pose_scores": 1,
    # That of the unadapted flow, too: it is compared with the estimate.
    "flow_scores": 3,
    **TABLES,
}
ALL_SCORES = {"pose_scores": 2, "flow_scores": 6, **TABLES}
# Those of the flow before any finetuning stay.
LATER_SCORES = {"pose_scores": 2, "flow_scores": 4, **TABLES}
ALL_FLOWS = {"flow_initial": 2, "flow_finetuned": 4, "pose_refined": 4, **ALL_SCORES}
# The refinement of poses, with which a cycle begins.
ALL_POSES = {"flow_finetuned": 4, "pose_refined": 4, **LATER_SCORES}
LAST_CYCLE = {
    "pose_refined": 2,
    "flow_finetuned": 2,
    "pose_scores": 2,
    "flow_scores": 2,
    **TABLES,
}
LIBRARY = "workflow/scripts/flowpose"


def set_key(project, path: str, value) -> None:
    config = project.config
    *parents, key = path.split(".")
    node = config
    for parent in parents:
        node = node.setdefault(parent, {})
    node[key] = value
    project.write_config(config)


@pytest.mark.parametrize(
    ("key", "value", "jobs"),
    [
        ("pose.weights.flow", 0.02, ALL_POSES),
        # Another parameter of the rule has this value already.
        ("pose.confidence", False, ALL_POSES),
        (
            "flow.learning_rate",
            2e-5,
            {"flow_finetuned": 4, "pose_refined": 2, **LATER_SCORES},
        ),
        ("flow.updates", 3, ALL_FLOWS),
        # What is scored is then made from other files, and cycle 2 is cycle 1.
        ("flow.adaptation", "none", {"pose_scores": 2, "flow_scores": 2, **TABLES}),
        ("cycles", 3, LAST_CYCLE),
        ("allow_missing", True, TABLES),
    ],
)
def test_changed_key(project, key, value, jobs):
    set_key(project, key, value)
    assert project.planned() == jobs


# What is edited, and what that re-runs.
EDITS = [
    (
        "refinement/variables.py",
        "_DISTANCE_EPS = 1e-6",
        "_DISTANCE_EPS = 1e-7",
        ALL_POSES,
    ),
    (
        "evaluation/pose_metrics.py",
        "_PCK_MM = 150",
        "_PCK_MM = 100",
        {"pose_scores": 2, **TABLES},
    ),
    (
        "evaluation/flow_metrics.py",
        "REFERENCE_JOINTS = 32",
        "REFERENCE_JOINTS = 17",
        {"flow_scores": 6, **TABLES},
    ),
    ("evaluation/sequence_table.py", '"frames that are used"', '"frames used"', TABLES),
    (
        "adaptation/target.py",
        "POINTS_PER_BONE = 22",
        "POINTS_PER_BONE = 23",
        {"flow_finetuned": 4, "pose_refined": 2, **LATER_SCORES},
    ),
    (
        "datasets/multiview.py",
        "_M_PER_MM = 1e-3",
        "_M_PER_MM = 2e-3",
        {"truth": 2, **ALL_SCORES},
    ),
    # A reader and its skeleton: the sequence that it reads.
    (
        "readers/mediapipe.py",
        'head=("l_ear", "r_ear")',
        'head=("l_eye", "r_eye")',
        OF_ONE_ESTIMATE,
    ),
    (
        "readers/metro.py",
        "return values.reshape(shape)",
        "return 1.1 * values.reshape(shape)",
        OF_ONE_ESTIMATE,
    ),
    ("readers/dcpose.py", '"dcpose_17"', '"posetrack_17"', OF_ONE_ESTIMATE),
    ("datasets/human36m/actions.py", '"Photo"', '"Picture"', TABLES),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "jobs"), EDITS, ids=[file.rpartition("/")[2] for file, *_ in EDITS]
)
def test_edited_code(project, file, old, new, jobs):
    project.edit(f"{LIBRARY}/{file}", old, new)
    assert project.planned() == jobs


def test_edits_that_change_no_result(project):
    """Each would show in the plan: all in one, and with them those that are taken back."""
    for file, old, new in (
        # Comments and docstrings.
        ("refinement/variables.py", "_DISTANCE_EPS = 1e-6", "_DISTANCE_EPS = 1e-6  # as torch"),
        ("evaluation/pose_metrics.py", '"""Metrics of poses', '"""The metrics of poses'),
        # What only the picture shows, which is no part of the table.
        ("pictures/part.py", "_MARGIN = 1.35", "_MARGIN = 1.5"),
        # A reader and a kind of truth that no sequence uses.
        ("readers/openpose.py", '"body_25"', '"body25"'),
        ("datasets/unlabelled.py", '"no truth"', '"none"'),
        # The registry, and what computes nothing.
        ("../formats.py", "METRO: its npz", "METRO's npz"),
        ("errors.py", ": {problem}", " has {problem}"),
        ("version.py", '__version__ = "', '__version__ = "1'),
        ("../jobs.py", "_LOG_INTERVAL = 15", "_LOG_INTERVAL = 16"),
    ):
        project.edit(f"{LIBRARY}/{file}", old, new)
    for file, old, new, _ in EDITS:
        project.edit(f"{LIBRARY}/{file}", old, new)
        project.edit(f"{LIBRARY}/{file}", new, old)
    set_key(project, "device", "auto")
    # The order of keys.
    truth = project.config["sequences"]["right"]["truth"]
    set_key(project, "sequences.right.truth", dict(reversed(truth.items())))
    assert project.planned() == {}


def test_plot_style(project):
    project.edit(f"{LIBRARY}/pictures/part.py", "_MARGIN = 1.35", "_MARGIN = 1.5")
    assert project.planned(target="all") == {"all": 1, "figure": 2}


def test_what_pictures_show_is_made_again_from_other_files_that_are_there(project):
    """As where a config's flow was not adapted for a while."""
    moment = "results/toy/right/moment.h5"
    set_key(project, "flow.adaptation", "none")
    run = project.snakemake("--touch", target=moment)
    assert run.ok, run.text
    set_key(project, "flow.adaptation", "finetune")
    assert project.planned(target=moment) == {"moment": 1}


def replace_array(path, name, change):
    arrays = dict(np.load(path))
    arrays[name] = change(arrays[name])
    np.savez(path, **arrays)


def test_replaced_truth_leaves_flows_and_poses_alone(project):
    replace_array(project.folder / "inputs" / "truth.npz", "joints_world_mm", lambda x: x + 1)
    assert project.planned() == {"truth": 2, **ALL_SCORES}


def test_replaced_estimates_leave_the_unadapted_flow_alone(project):
    replace_array(project.folder / "inputs" / "estimates.npz", "world_m", lambda x: x * 1.01)
    assert project.planned() == OF_ONE_ESTIMATE


def test_replaced_estimates_of_one_sequence(project):
    shutil.copy(project.folder / "inputs" / "estimates.npz", project.folder / "inputs" / "new.npz")
    replace_array(project.folder / "inputs" / "new.npz", "world_m", lambda x: x * 1.01)
    set_key(project, "sequences.right.estimates.file", "inputs/new.npz")
    assert project.planned() == OF_ONE_ESTIMATE


def test_touched_but_unchanged_files(project):
    later = time.time() + 10
    for file in (
        "inputs/right.avi",
        "results/toy/right/flow_1.h5",
        f"{LIBRARY}/refinement/energy.py",
    ):
        os.utime(project.folder / file, (later, later))
    assert project.planned() == {}


@pytest.mark.parametrize(
    ("key", "path", "made"),
    [
        ("sequences.right.video", "inputs/rihgt.avi", "frames.h5 was made from inputs/right.avi"),
        ("sequences.right.estimates.file", "inputs/estimate.npz", "pose_0.h5 was made from "),
        ("sequences.right.truth.file", "inputs/thruth.npz", "truth.h5 was made from "),
        ("flow.weights", "inputs/raft_2.pth", "flow_0.h5 was made from "),
    ],
)
@pytest.mark.parametrize("used_up", [False, True])
def test_a_mistyped_path_is_refused_where_there_are_results(project, key, path, made, used_up):
    """So nothing is lost, and be the right file gone as well."""
    if used_up:
        shutil.rmtree(project.folder / "inputs")
    set_key(project, key, path)
    run = project.snakemake("--dry-run")
    assert not run.ok
    assert f": {path}: no such file or folder; results/toy/" in run.text
    assert made in run.text


def test_another_video_is_read(project):
    shutil.copy(project.folder / "inputs" / "right.avi", project.folder / "inputs" / "other.avi")
    set_key(project, "sequences.right.video", "inputs/other.avi")
    assert project.planned()["frames"] == 1


def test_results_outlive_the_video_they_came_from(project):
    (project.folder / "inputs" / "right.avi").unlink()
    assert project.planned() == {}


STAGES = {
    "frames.h5": "frames",
    "flow_1.pt": "flow_finetuned",
    "pose_1.h5": "pose_refined",
    "pose_scores.h5": "pose_scores",
    "flow_scores_0.h5": "flow_scores",
}


@pytest.mark.parametrize("file", STAGES)
def test_removed_file(project, file):
    """It is made again when it is asked for."""
    path = f"results/toy/right/{file}"
    (project.folder / path).unlink()
    assert project.planned(target=path) == {STAGES[file]: 1}


def test_removed_files(project):
    """The table stays as it is without them."""
    for file in STAGES:
        (project.folder / "results" / "toy" / "right" / file).unlink()
    assert project.planned() == {}


def test_removed_file_that_is_needed_again(project):
    """Both its own stage and the changed one run, and what depends on them."""
    (project.folder / "results" / "toy" / "right" / "flow_0.h5").unlink()
    set_key(project, "sequences.right.truth.camera", "left")
    set_key(project, "flow.learning_rate", 2e-5)
    planned = project.planned()
    assert planned["truth"] == planned["flow_initial"] == 1


def test_added_sequence(project):
    config = project.config
    config["sequences"]["again"] = config["sequences"]["right"]
    project.write_config(config)
    planned = project.planned()
    assert planned.pop("table") == planned.pop("all_tables") == 1
    assert planned.pop("flow_finetuned") == 2
    assert planned.pop("flow_scores") == 3
    assert planned.pop("pose_refined") == 2
    stages = ("frames", "truth", "estimates", "flow_initial")
    assert planned == dict.fromkeys((*stages, "pose_scores"), 1)


def test_a_config_file_replaces_the_demo(project):
    """Whatever its name."""
    project.configfile = "config/toy {2}.yaml"
    (project.folder / "config" / "toy.yaml").rename(project.folder / project.configfile)
    run = project.snakemake("--dry-run", "--forceall")
    assert run.ok and "sequence=right" in run.text and "cam01" not in run.text
