"""Variants of the toy project: what is run, what they share, and the table of them."""

import json

import h5py
import numpy as np
import pandas as pd

from ablation import ablation
from flowpose.adaptation.fusing import fused_flows
from flowpose.adaptation.target import body_target
from flowpose.evaluation.ablation_table import MAIN_METRICS
from flowpose.flow.field_file import open_flows
from flowpose.pose.pose_file import read_pose
from flowpose.refinement.smoothing import gaussian_smoothed
from flowpose.storage.stage_files import text
from sharing import made_from, maker, settings

SMOOTHED = {"flow.adaptation": "none", "cycles": 1, "pose.solver": "gaussian", "pose.repair": False}
ABLATION = {
    "standard": False,
    "each": {"flow.adaptation": ["finetune", "fuse", "none"]},
    "named": {"only smoothed": SMOOTHED},
}
COMPARED = {"ablation_table": 1, "ablation_figure": 1, "ablation": 1}
# Frames a second of those used.
FPS = 25.0


def test_the_usual_rows_finetune_no_more_than_they_need(project):
    project.write_config(project.config | {"ablation": {"standard": True}})
    planned = project.planned(target="ablation")
    stages = {"frames": 2, "truth": 2, "estimates": 2, "flow_initial": 2, "flow_finetuned": 10}
    # A sequence: one of reference mode, one of fused flow, two that are smoothed, nine parts.
    poses = {"pose_refined": 26, "pose_scores": 28}
    # One of each, whose pose or flow is another.
    flows = {"flow_fused": 4, "flow_scores": 2 * 17}
    assert planned == stages | poses | flows | COMPARED


def check_sharing(config, folder):
    """What `sharing` says of stages is what their files say they were made of."""
    configs, _ = ablation(config)
    found = set()
    for variant, its in configs.items():
        for path in (folder / variant / "right").glob("*.h5"):
            stage = path.stem
            if stage in ("moment", "keypoints"):
                continue
            rule = maker(stage, its)
            found.add(rule)
            with h5py.File(path) as h5:
                assert text(h5, "stage") == rule
                parameters = json.loads(text(h5, "parameters"))
                inputs = [
                    name for name in json.loads(text(h5, "inputs")) if name.startswith("results/")
                ]
            known = settings(rule, its)
            assert parameters | known == parameters, path
            # The others are the sequence's, or say whether files are there.
            others = {"found", "listing", "video", "fps", "crop", "truth", "reader"}
            others |= {"crop_modules", "keypoints_listing"}
            others |= {"pose", "pose_reader", "keypoints", "keypoint_reader"}
            assert set(parameters) - set(known) <= others, path
            expected = {name for name in made_from(stage, its) if name != "true_flow"}
            # Of flows that are not adapted, the first; of poses refined against it, also.
            stems = {name.rpartition("/")[2].partition(".")[0] for name in inputs}
            if its["flow"]["adaptation"] == "none":
                expected = {"flow_0" if name.startswith("flow_") else name for name in expected}
                expected = {"pose_1" if name == "pose_2" else name for name in expected}
            assert stems == expected, path
    assert found == {
        *("frames", "truth", "estimates", "flow_initial", "flow_finetuned", "flow_fused"),
        *("pose_refined", "pose_scores", "flow_scores"),
    }


def test_variants_share_what_they_make_alike_and_are_compared(project):
    project.keep_only("right")
    config = project.config | {"ablation": ABLATION}
    project.write_config(config)
    run = project.snakemake(target="ablation")
    assert run.ok, run.text
    assert run.jobs() == COMPARED | {
        "flow_fused": 2,
        # The second of fused flow, which is refined against it; the smoothed one.
        "pose_refined": 2,
        "pose_scores": 3,
        # Of fused flow the second; of flow that is not adapted, with two poses.
        "flow_scores": 3,
    }
    folder = project.folder / "results" / "toy"
    fused, smoothed = (
        folder / "ablation" / name / "right" for name in ("flow.adaptation-fuse", "only-smoothed")
    )
    files = {str(path.relative_to(folder / "ablation")) for path in folder.glob("ablation/*/*/*.*")}
    assert files == {
        *(f"flow.adaptation-fuse/right/flow_{k}.h5" for k in (1, 2)),
        "flow.adaptation-fuse/right/flow_scores_2.h5",
        "flow.adaptation-fuse/right/pose_2.h5",
        "flow.adaptation-fuse/right/pose_scores.h5",
        *(f"flow.adaptation-none/right/{name}.h5" for name in ("pose_scores", "flow_scores_1")),
        *(f"only-smoothed/right/{name}.h5" for name in ("pose_1", "pose_scores", "flow_scores_1")),
    }
    estimate = read_pose(folder / "right" / "pose_0.h5")
    np.testing.assert_allclose(
        read_pose(smoothed / "pose_1.h5").joints_3d, gaussian_smoothed(estimate, FPS).joints_3d
    )
    refined = read_pose(folder / "right" / "pose_1.h5")
    with (
        open_flows(folder / "right" / "flow_0.h5") as flows,
        open_flows(fused / "flow_1.h5") as found,
        h5py.File(fused / "flow_1.h5") as h5,
    ):
        target = body_target(refined, flows[0].shape[:2])
        for t, flow in enumerate(fused_flows(flows, target.drawing)):
            np.testing.assert_allclose(found[t], flow, atol=1 / 256 + 1e-6)
        assert "loss" not in h5 and found.precision == flows.precision
    with h5py.File(smoothed / "pose_1.h5") as h5:
        assert "loss" not in h5

    table = pd.read_csv(folder / "ablation.csv").set_index("variant")
    own = pd.read_csv(folder / "table.csv").set_index(["sequence", "cycle"]).loc["right"]
    by_way = [f"flow.adaptation: {way}" for way in ("finetune", "fuse", "none")]
    assert list(table.index) == ["as estimated", "as configured", *by_way, "only smoothed"]
    # The truth is known: none of those that take none is there.
    assert not [of.name for of in MAIN_METRICS if of.instead_of and of.name in table]
    for metric in (of.name for of in MAIN_METRICS if not of.instead_of):
        ours, before, after = (table[metric], own.loc[0, metric], own.loc[2, metric])
        np.testing.assert_allclose(ours["as estimated"], before, rtol=1e-5)
        np.testing.assert_allclose(ours[["as configured", by_way[0]]], after, rtol=1e-5)
        difference = table[f"{metric}_difference"]
        np.testing.assert_allclose(difference["as configured"], after - before, atol=2e-3)
        assert difference[by_way[0]] == 0
    # Without an adaptation the flow of the last cycle is that of the first.
    assert table.loc[by_way[2], "epe_px"] == table.loc["as estimated", "epe_px"]
    assert table.loc["only smoothed", "mpjpe_mm"] != table.loc["as estimated", "mpjpe_mm"]
    assert set(table["compared_with"].dropna()) == {"as estimated", "as configured"}

    check_sharing(config, folder)
    assert project.planned(target="ablation") == {}
    verified = project.snakemake(target="verify").text
    for name in ("ablation.tex", "ablation.pdf", "ablation/only-smoothed/right/pose_1.h5"):
        assert f"current  results/toy/{name}" in verified, name
    # What is of all sequences, which nobody asked for, is of both.
    stale = {line.split()[1] for line in verified.splitlines() if line.startswith("stale")}
    of_all = {
        *(f"results/{name}table.{kind}:" for name in ("", "toy/") for kind in ("csv", "md")),
        *(f"results/toy/summary.{kind}:" for kind in ("csv", "md", "tex")),
        *(f"results/toy/joints.{kind}:" for kind in ("png", "pdf")),
        "results/toy/overview.html:",
    }
    assert stale == of_all and "missing" not in verified, verified

    # A row that comes to what is there already, of another variant.
    config["ablation"]["named"]["only smoothed"] = {"cycles": 2}
    project.write_config(config)
    assert project.planned(target="ablation") == COMPARED
