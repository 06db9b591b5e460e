"""The real workflow from inputs to table, and what it says of itself."""

import json
import os
import re
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
from toy import ROOT

from flowpose.evaluation.sequence_scores import METRICS
from flowpose.storage.stage_files import set_text, text
from flowpose.version import __version__

STAGES = [
    "frames",
    "truth",
    "keypoints",
    "pose_0",
    "flow_0",
    "flow_1",
    "pose_1",
    "flow_2",
    "pose_scores",
    "flow_scores_0",
    "flow_scores_2",
]
DENSE = ["epe_person_px", "epe_border_px", "epe_background_px", "epe_everywhere_px"]
# No sequence of the project has a true flow, and all have a truth in space.
NAMES = [metric.name for metric in METRICS if metric.name not in DENSE and not metric.spare]
# What is known without a truth.
PLAUSIBLE = ["pose_detections_px", "bone_sd_mm", "pose_accel_m_s2", "pose_jerk_m_s3"]
AGREEMENT = ["pose_flow_px", "pose_flow_height_percent"]


# Of each stage some that are the config's, in the sequence "Walking 1".
FLOW = {"model": "raft_small", "updates": 2, "reference": False}
ESTIMATES = {
    "pose_reader": "flowpose.readers.metro",
    "pose": {"file": "inputs/metro.npz"},
    "keypoints": {"file": "inputs/dcpose.json"},
}
ABSENT = ("count", "width", "start", "end", "rate", "max_side")
PARAMETERS = {
    "frames": {
        "video": "inputs/Walking 1.60457274.avi",
        "used": {"first": 0, "step": 2} | dict.fromkeys(ABSENT),
    },
    "truth": {"truth": {"file": "inputs/truth.npz", "camera": "left"}},
    "keypoints": ESTIMATES,
    "pose_0": ESTIMATES,
    "flow_0": FLOW | {"weights": "inputs/raft.pth"},
    "flow_1": FLOW | {"passes": 1},
    "pose_1": {"steps": 20, "solver": "gauss_newton", "min_confidence": 0},
    "flow_2": FLOW | {"passes": 1},
    "pose_scores": {"cycles": 2, "min_confidence": 0},
    "flow_scores_0": {"reference": False},
    "flow_scores_2": {"reference": False},
}


def test_table(finished):
    table = pd.read_csv(finished.folder / "results" / "table.csv")
    assert list(table.columns) == ["dataset", "sequence", "cycle", "n_frames", "n_scored", *NAMES]
    assert list(table["sequence"]) == ["Walking 1"] * 3 + ["right"] * 3 + ["mean"] * 3
    assert list(table["cycle"]) == [0, 1, 2] * 3
    for counts in ("n_frames", "n_scored"):
        assert list(table[counts]) == [5] * 6 + [10] * 3
    assert np.isfinite(table[NAMES].to_numpy()).all()
    mean = table.set_index(["sequence", "cycle"])["mpjpe_mm"]
    np.testing.assert_allclose(mean["mean"], (mean["Walking 1"] + mean["right"]) / 2, rtol=1e-5)
    readable = (finished.folder / "results" / "table.md").read_text()
    assert "| Walking 1" in readable and "PA-MPJPE (mm)" in readable


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_explains_itself(finished, stage):
    with h5py.File(finished.folder / "results" / "toy" / "Walking 1" / f"{stage}.h5") as h5:
        assert text(h5, "flowpose_version") == __version__
        assert len(text(h5, "code")) == 12
        parameters = json.loads(text(h5, "parameters"))
        assert parameters | PARAMETERS[stage] == parameters
        digests = json.loads(text(h5, "inputs")).values()
        assert digests and all(len(digest) == 64 for digest in digests)
        items = []
        h5.visititems(lambda _, item: items.append(item))
        datasets = [item for item in items if isinstance(item, h5py.Dataset)]
        assert datasets
        for item in datasets:
            assert len(text(item, "axes").split()) == item.ndim, item.name
            assert item.fletcher32 and item.shuffle and item.compression == "gzip", item.name
            assert item.ndim < 3 or item.chunks[0] == 1, item.name


def test_without_a_truth_there_are_poses_flows_and_pictures(project):
    """The truth is known only between the frames that are used."""
    project.keep_only("right")
    path = project.folder / "inputs" / "truth.npz"
    arrays = dict(np.load(path))
    arrays["joints_world_mm"][::2] = np.nan
    np.savez(path, **arrays)
    run = project.snakemake(target="all")
    assert run.ok, run.text
    assert "Warning" not in run.text
    table = pd.read_csv(project.folder / "results" / "table.csv")
    counts = ["dataset", "sequence", "cycle", "n_frames", "n_scored"]
    assert list(table.columns) == [*counts, *PLAUSIBLE, *AGREEMENT]
    assert set(table["n_scored"]) == {0} and set(table["n_frames"]) == {5}


def test_second_run_does_nothing(project):
    assert "Nothing to be done" in project.snakemake().text


def test_figures_and_report(project):
    picture = project.folder / "results" / "toy" / "Walking 1" / "figure.png"
    names = ("figure", "joints", "errors", "losses")
    for name in names:
        assert picture.with_name(f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert picture.with_name(f"{name}.pdf").read_bytes().startswith(b"%PDF")
    report = project.snakemake("--report", "results/report.zip", target="all")
    assert report.ok, report.text
    with zipfile.ZipFile(project.folder / "results" / "report.zip") as archive:
        inside = archive.namelist()
        page = archive.read("report/report.html").decode()
    assert sum(name.endswith(".png") for name in inside) == 2 * len(names) + 1
    for words in ("flowpose on toy", "raft_small", "What it ran on", "Walking 1", "error maps"):
        assert words in page
    # The page of what ran: all of the config, the versions, and how long each job took.
    overview = (project.folder / "results" / "toy" / "overview.html").read_text()
    for words in ("stop_patience: 10", f"flowpose {__version__}", "<td>torch</td>", "cycle 2"):
        assert words in overview
    _, _, times = overview.partition("<h2>Jobs</h2>")
    jobs = re.findall(r"<td>right</td><td>(\w+)</td><td>([\d.]+)</td><td>(\d+)</td>", times)
    assert {"frames", "flow_1", "pose_2", "pose_scores"} <= {job for job, *_ in jobs}
    assert all(int(mb) > 30 for *_, mb in jobs)
    assert {job: float(seconds) for job, seconds, _ in jobs}["flow_1"] > 0
    # Of the fonts of a PDF a log has nothing.
    log = project.folder / "results" / "logs" / "toy" / "joints_figure.log"
    assert len(log.read_text().splitlines()) == 3
    tex = (project.folder / "results" / "toy" / "summary.tex").read_text()
    assert rf"\caption{{toy (toy.yaml), flowpose {__version__}, 2 sequences" in tex


def test_a_report_before_its_pictures_says_what_to_run(project):
    (project.folder / "results" / "toy" / "right" / "losses.png").unlink()
    project.write_config(project.config | {"exports": ["pose.csv", "page.html"]})
    run = project.snakemake("--report", "results/report.zip", target="all")
    assert not run.ok
    missing = "There is no results/toy/right/losses.png and 2 others yet, which the report shows"
    assert missing in run.text
    assert "Type the same without --report first" in run.text
    project.keep_only("right")
    run = project.snakemake("--report", "results/report.zip", target="all")
    assert not run.ok
    assert "There is no results/toy/right/losses.png and 1 other yet" in run.text


def test_a_sequence_computed_in_two_precisions_is_told(project):
    """As happens where some nodes of a cluster have other GPUs."""
    folder = project.folder / "results" / "toy" / "right"
    with h5py.File(folder / "flow_0.h5", "r+") as h5:
        own = text(h5, "precision")
        other = {"fast": "exact", "exact": "fast"}[own]
        set_text(h5, "precision", other)
    run = project.snakemake(target="results/toy/right/flow_1.h5")
    # The pose is refined against it, too.
    assert run.ok and run.jobs() == {"pose_refined": 1, "flow_finetuned": 1}
    assert f"finetunes in {own} precision where" in run.text
    assert f"flow_0.h5 is in {other}: they ran on different devices" in run.text
    assert "different devices" in (folder / "logs" / "flow_1.log").read_text()


def test_the_example_of_the_documents_runs(project):
    """docs/results.md: its Python, on the results of this project."""
    text = (ROOT / "docs" / "results.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (project.folder / "example.py").write_text(code.replace("demo/cam04", "toy/right"))
    environment = os.environ | {"MPLBACKEND": "agg"}
    subprocess.run([sys.executable, "example.py"], cwd=project.folder, env=environment, check=True)
    assert (project.folder / "mpjpe.png").read_bytes().startswith(b"\x89PNG")


def test_the_documents_name_what_the_files_hold(finished):
    """docs/results.md has a row for every dataset."""
    table = (ROOT / "docs" / "results.md").read_text()
    metrics = {metric.name for metric in METRICS}
    folder = finished.folder / "results" / "toy" / "right"
    paths = sorted(folder.glob("*.h5"))
    assert {path.stem for path in paths} >= set(STAGES)
    for path in paths:
        with h5py.File(path) as h5:
            names: list[str] = []
            h5.visit(names.append)
        named = {name.rpartition("/")[2] for name in names if not name.startswith("pose_")}
        for name in named - metrics - {f"valid_{metric}" for metric in metrics}:
            assert f"`{name}`" in table, f"{path.name}: {name}"
        stage = re.sub(r"\d+", "k", path.stem) + path.suffix
        assert f"`{stage}`" in table
