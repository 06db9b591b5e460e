"""Human3.6M as published: a mini data set in its formats, through config/h36m.yaml."""

import json
import re
import shutil

import mini_human36m as mini
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from human36m_files import write_cdf
from torchvision.models.optical_flow import raft_small
from toy import ROOT, TABLE, Project, copy_sources

from flowpose.datasets.human36m.actions import canonical_action
from flowpose.storage.safe_pickle import read_pickled

NAMES = ("S9 Walking 1", "S9 TakingPhoto 1", "S11 Directions", "S11 TakingPhoto")
RECORDINGS = [r for r in mini.RECORDINGS if f"{r.subject} {r.action}" in NAMES]
LABELS = "results/h36m/labels"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """The data set and the config, with a small RAFT and small frames."""
    folder = tmp_path_factory.mktemp("human36m") / "project"
    copy_sources(folder)
    config = yaml.safe_load((ROOT / "config" / "h36m.yaml").read_text())
    config["human36m"]["raw"] = {subject: f"data/h36m/{subject}" for subject in ("S9", "S11")}
    config |= {"device": "cpu", "frames": {"width": 128}, "pose": {"steps": 50}}
    config["flow"] = {"model": "raft_small", "weights": "raft.pth", "updates": 2, "passes": 1}
    torch.manual_seed(0)
    torch.save(raft_small().state_dict(), folder / "raft.pth")
    project = Project(folder)
    project.write_config(config)
    return project


@pytest.fixture(scope="module")
def finished_errors(project) -> dict[str, float]:
    """METRO's errors as the data set was made with them, mm, by sequence; the table is made."""
    errors = mini.write_data_set(project.folder, recordings=RECORDINGS)
    run = project.snakemake()
    assert run.ok, run.text
    return {f"{r.subject} {canonical_action(r.action)}": error for r, error in errors.items()}


@pytest.fixture
def table(project, finished_errors) -> pd.DataFrame:
    return pd.read_csv(project.folder / TABLE).set_index(["sequence", "cycle"])


def test_table(project, finished_errors, table):
    """METRO's errors are those that it was made with; S11 Directions has no labels."""
    assert "labels are left out" in table.loc["S11 Directions"]["missing"].item()
    del finished_errors["S11 Directions"]
    for name, error in finished_errors.items():
        assert table.loc[(name, 0), "mpjpe_mm"] == pytest.approx(error, abs=0.01), name
    frames = table.xs(0, level="cycle")
    assert (frames["n_frames"].drop("mean") == 6).all()
    # METRO lacks a frame there.
    scored = frames["n_scored"]
    assert scored["S11 Photo"] == 5 and (scored.drop(["S11 Photo", "mean"]) == 6).all()
    assert table.loc[("S9 Photo 1", 0), ["subject", "action"]].tolist() == ["S9", "Photo 1"]
    mean = table.loc["mean"]
    assert mean.loc[2, "epe_px"] < mean.loc[0, "epe_px"]
    assert mean.loc[2, "accel_mm"] < mean.loc[0, "accel_mm"]


def test_results_are_current(project, finished_errors):
    run = project.snakemake(target="verify")
    assert run.ok, run.text
    # All but the pictures and what they show, which were not asked for.
    assert re.search(r"files: 54 current, 35 missing|files: 35 missing, 54 current", run.text), (
        run.text
    )


def test_actions(project, table):
    actions = pd.read_csv(project.folder / "results" / "h36m" / "by_action.csv")
    actions = actions.set_index(["metric", "when"])
    means = ["mean over frames", "mean over actions", "low", "high"]
    assert list(actions.columns) == ["Photo", "Walking", *means]
    for when, cycle in (("before", 0), ("after", 2)):
        found = actions.loc[("mpjpe_mm", when)]
        of = table.xs(cycle, level="cycle")[["mpjpe_mm", "n_scored"]].drop("mean")
        photo = of[of.index.str.contains("Photo")]
        pooled = np.average(photo["mpjpe_mm"], weights=photo["n_scored"])
        assert found["Photo"] == pytest.approx(pooled, rel=1e-4)
        overall = np.average(of["mpjpe_mm"], weights=of["n_scored"])
        assert found["mean over frames"] == pytest.approx(overall, rel=1e-4)
        assert found["mean over actions"] == pytest.approx(found.iloc[:2].mean(), rel=1e-4)
    folder = project.folder / "results" / "h36m"
    assert "mean over frames" in (folder / "by_action.tex").read_text()
    assert "| Photo" in (folder / "by_action.md").read_text().replace("  ", "")


def short_labels(labels_3d, labels_2d, action):
    labels_3d[action] = labels_3d[action][:10]
    labels_2d[action] = [view[:10] for view in labels_2d[action]]


def other_camera_order(_, labels_2d, action):
    labels_2d[action] = labels_2d[action][1:] + labels_2d[action][:1]


def missing_camera(_, labels_2d, action):
    labels_2d[action] = labels_2d[action][:3]


def empty_json(files):
    files["dcpose"].write_text("")


def json_of_another_sequence(files):
    info = json.loads(files["dcpose"].read_text())
    for entry in info["Info"]:
        entry["keypoints"] = [[x + 150, y, score] for x, y, score in entry["keypoints"]]
    files["dcpose"].write_text(json.dumps(info))


def half_a_video(files):
    content = files["video"].read_bytes()
    files["video"].write_bytes(content[: len(content) // 2])


# By the action under which it is tried: what is spoilt and what is said of it.
BAD_LABELS = {
    "Eating": (short_labels, "Eating: labels of 10 frames, frame 26 of the video's 30 is used"),
    "Phoning": (other_camera_order, "in the place of camera 60457274 are those of 54138969"),
    "Posing": (missing_camera, "S9 Posing: expected labels of 4 cameras"),
}
BAD_FILES = {
    "Sitting": (empty_json, "result_Sitting.60457274.json: no result file of DCPose"),
    "Smoking": (json_of_another_sequence, "result_Smoking.60457274.json: detections lie 0."),
    "SittingDown": (half_a_video, "Videos/SittingDown.60457274.mp4: no video that can be opened"),
}


@pytest.fixture(scope="module")
def spoilt(project, finished_errors, tmp_path_factory):
    """The run of a project with a good sequence and many bad ones."""
    bad = project.copy(tmp_path_factory.mktemp("spoilt") / "project")
    config = bad.config
    del config["human36m"]["raw"]
    config["human36m"]["subjects"] = ["S9"]
    config["cycles"] = 1
    labels = [read_pickled(bad.folder / LABELS / f"data_{kind}.npz", key) for kind, key in KEYS]
    good = labels_of(bad)
    for name in [*BAD_LABELS, *BAD_FILES]:
        files = copied(bad.folder, good, name)
        for actions in labels:
            actions["S9"][name] = actions["S9"]["Walking 1"]
        if name in BAD_FILES:
            BAD_FILES[name][0](files)
        else:
            BAD_LABELS[name][0](labels[0]["S9"], labels[1]["S9"], name)
    for (kind, key), actions in zip(KEYS, labels, strict=True):
        np.savez(bad.folder / "data" / "h36m" / f"data_{kind}.npz", **{key: np.array(actions)})
    shutil.rmtree(bad.folder / "results")
    bad.write_config(config)
    return bad, bad.snakemake("--keep-going")


KEYS = (("3d_h36m", "positions_3d"), ("2d_h36m_gt", "positions_2d"))


def labels_of(bad: Project) -> dict:
    """The files of the good sequence; those of the others are removed."""
    h36m, stem = bad.folder / "data" / "h36m" / "S9" / "Videos", "Walking 1.60457274"
    for video in h36m.glob("*.mp4"):
        if video.stem != stem:
            video.unlink()
    return {
        "video": h36m / f"{stem}.mp4",
        "metro": bad.folder / "metro_estimates_h36m" / "S9" / f"{stem}_results.npz",
        "dcpose": bad.folder / "dcpose_estimates_h36m" / "S9" / f"result_{stem}.json",
    }


def copied(folder, good, action) -> dict:
    """The good sequence's files under another action's name."""
    files = {
        kind: path.with_name(path.name.replace("Walking 1", action)) for kind, path in good.items()
    }
    for kind, path in files.items():
        shutil.copy(good[kind], path)
    return files


@pytest.mark.parametrize("name", [*BAD_LABELS, *BAD_FILES])
def test_bad_input_is_named_and_the_others_go_on(spoilt, name):
    project, run = spoilt
    message = (BAD_LABELS | BAD_FILES)[name][1]
    assert run.text.count(message) == 1, run.text
    results = project.folder / "results" / "h36m"
    assert not list((results / f"S9 {name}").glob("flow_*"))
    assert (results / "S9 Walking 1" / "flow_scores_1.h5").is_file()
    assert not run.ok


def test_all_joints_are_projected_on_request(project, finished_errors, tmp_path):
    more = project.copy(tmp_path / "project")
    config = more.config
    config["human36m"]["joints_2d"] = 32
    more.write_config(config)
    run = more.snakemake(target=f"{LABELS}/data_2d_h36m_gt.npz")
    assert run.ok and run.jobs() == {"labels": 1}, run.text
    labels = read_pickled(more.folder / LABELS / "data_2d_h36m_gt.npz", "positions_2d")
    assert {view.shape for view in labels["S9"]["Walking 1"]} == {(30, 32, 2)}


def test_a_changed_raw_file_runs_again_what_is_made_from_it(project, finished_errors, tmp_path):
    changed = project.copy(tmp_path / "project")
    assert changed.planned() == {}
    folder = changed.folder / "data" / "h36m" / "S9" / "MyPoseFeatures" / "D3_Positions"
    shutil.copy(folder / "TakingPhoto 1.cdf", folder / "Walking 1.cdf")
    scores = {"pose_scores": 3, "flow_scores": 9}
    tables = {"table": 1, "all_tables": 1}
    assert changed.planned() == {"labels": 1, "truth": 3, **scores, **tables}


def test_a_bad_raw_file_is_named_and_its_action_left_out(project, finished_errors, tmp_path):
    spoilt = project.copy(tmp_path / "project")
    shutil.rmtree(spoilt.folder / LABELS)
    folder = spoilt.folder / "data" / "h36m" / "S9" / "MyPoseFeatures" / "D3_Positions"
    (folder / "Walking 1.cdf").unlink()
    write_cdf(folder / "Walking 1.cdf", np.ones((30, 64), np.float32))
    stages = [f"results/h36m/S9 {action}/truth.h5" for action in ("Walking 1", "Photo 1")]
    for stage in stages:
        (spoilt.folder / stage).unlink()
    run = spoilt.snakemake("--keep-going", target=stages)
    assert "Walking 1.cdf: expected 96 columns" in run.text
    assert "positions in the picture (D2_Positions)" in run.text
    assert "no labels of S9 Walking 1; found those of Photo 1" in run.text
    assert [(spoilt.folder / stage).is_file() for stage in stages] == [False, True]
