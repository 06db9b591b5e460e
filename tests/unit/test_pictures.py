"""What pictures of joints, losses, errors and actions show, as numbers."""

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from flowpose.evaluation.action_table import collect_by_action
from flowpose.evaluation.joint_table import collect_joints
from flowpose.evaluation.sequence_scores import METRICS, read_sequence_scores
from flowpose.flow.true_flow_file import TrueField
from flowpose.pictures.action_bars import draw_metric_by_action
from flowpose.pictures.drawing import STYLE, draw_title, key, save, thinned
from flowpose.pictures.error_maps import draw_error_maps, error_maps
from flowpose.pictures.joint_bars import draw_metric_of_joints
from flowpose.pictures.joint_curves import draw_joint, joint_metric
from flowpose.pictures.loss_curves import draw_energies, draw_flow_losses
from flowpose.pictures.moment import Moment
from flowpose.pictures.palette import COLOURS
from flowpose.pose.skeletons import METRO_14

BY_NAME = {metric.name: metric for metric in METRICS}


def bars(axes):
    """Heights by colour."""
    found = {}
    for bar in axes.patches:
        found.setdefault(to_hex(bar.get_facecolor()).upper(), []).append(bar.get_height())
    return [found[COLOURS[who]] for who in ("before", "after")]


@pytest.mark.parametrize("keys", [[], [key("before"), key("after")]])
def test_a_long_title_has_smaller_letters_and_meets_nothing(keys):
    sizes = {}
    for title in ("walk", "a name of many letters, " * 8):
        figure = Figure(figsize=(10, 4))
        with rc_context(STYLE):
            draw_title(figure, title, keys)
        (words,) = figure.texts
        sizes[title] = words.get_fontsize()
        end = figure.legends[0].get_window_extent().x0 if keys else figure.bbox.x1
        assert 0 < words.get_window_extent().x0 < words.get_window_extent().x1 < end
    assert words.get_window_extent().x1 > 0.9 * end
    assert sizes["walk"] == STYLE["figure.titlesize"] > sizes[title]


def test_a_joint_has_its_curves_before_and_after(score_files):
    files = score_files("walk", poses=[np.arange(10) + 1, 7, 3], flows=[1, 1, 1], n_scored=8)
    scores, axes = read_sequence_scores(files), Figure().subplots()
    metric = joint_metric(scores)
    draw_joint(axes, scores, metric, 4)
    before, after = axes.lines
    assert before.get_ydata()[:8].tolist() == list(range(1, 9))
    # Frames that do not count have no curve.
    assert np.isnan(before.get_ydata()[8:]).all()
    assert after.get_ydata()[:8].tolist() == [3] * 8
    assert axes.get_title(loc="right") == "mean 4.5 to 3.0 mm"


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ({"mpjpe_mm": 1, "error_2d_px": 2, "pose_accel_m_s2": 3}, "mpjpe_mm"),
        ({"error_2d_px": 2, "pose_accel_m_s2": 3}, "error_2d_px"),
        ({"pose_accel_m_s2": 3}, "pose_accel_m_s2"),
        ({}, None),
    ],
)
def test_of_joints_the_error_is_shown_or_else_the_motion(score_files, known, shown):
    metric = joint_metric(read_sequence_scores(score_files("walk", poses=[known], flows=[{}])))
    assert (metric and metric.name) == shown


def test_joints_have_bars_with_means_over_sequences(score_files, failed_files):
    scores = {
        "walk": score_files("walk", poses=[4, 3], flows=[8, 6]),
        "run": score_files("run", poses=[8, 5], flows=[4, 1], n_frames=30, n_scored=30),
        "fell": failed_files("fell", "no such video"),
    }
    table = collect_joints(scores)
    assert list(dict.fromkeys(table["metric"])) == ["epe_px", "mpjpe_mm", "accel_mm"]
    assert table["joint"].tolist() == list(METRO_14.joints) * 3
    axes = Figure().subplots()
    rows = table[table["metric"] == "mpjpe_mm"]
    draw_metric_of_joints(axes, BY_NAME["mpjpe_mm"], rows)
    assert bars(axes) == [[6] * 14, [4] * 14]
    assert axes.get_ylabel() == "mean (mm)"
    assert axes.get_xticklabels()[0].get_text() == "right ankle"
    segments = axes.collections[0].get_segments()
    assert segments[0][:, 1].tolist() == pytest.approx(rows[["before_low", "before_high"]].iloc[0])


def test_without_truth_joints_have_what_can_be_said(score_files):
    known = {"pose_detections_px": 4, "pose_accel_m_s2": 1}
    table = collect_joints(
        {"walk": score_files("walk", poses=[known], flows=[{"pose_flow_px": 2}])}
    )
    assert list(dict.fromkeys(table["metric"])) == [
        *("pose_flow_px", "pose_detections_px", "pose_accel_m_s2")
    ]
    assert collect_joints({"walk": score_files("none", poses=[{}], flows=[{}])}).empty


def test_actions_have_bars_and_the_mean_over_them_its_interval(score_files):
    scores = {
        "walk": score_files("walk", poses=[np.arange(10.0), 2], flows=[1, 1]),
        "sit": score_files("sit", poses=[8, 4], flows=[1, 1], n_frames=30, n_scored=30),
    }
    table = collect_by_action(scores, {"walk": "Walking", "sit": "Sitting"}, ["Sitting", "Walking"])
    rows, axes = table[table["metric"] == "mpjpe_mm"], Figure().subplots()
    draw_metric_by_action(axes, BY_NAME["mpjpe_mm"], rows)
    assert bars(axes) == [[8, 4.5, (8 * 30 + 4.5 * 10) / 40, 6.25], [4, 2, 3.5, 3]]
    known = [s for s in axes.collections[0].get_segments() if len(s)]
    assert len(known) == 1 and known[0][0, 1] < 6.25 < known[0][1, 1]


def test_a_long_curve_has_means_over_frames_that_are_known():
    frames, values = np.arange(1, 1001), np.arange(1000.0)
    values[[0, 1, 2]], values[4:8] = np.nan, np.nan
    at, means = thinned(frames, values)
    assert len(at) == 250 and at[:3].tolist() == [2.5, 6.5, 10.5]
    np.testing.assert_array_equal(means[:3], [3, np.nan, 9.5])
    same = thinned(frames[:250], values[:250])
    np.testing.assert_array_equal(same[1], values[:250])


def test_losses_are_those_of_passes_and_steps():
    flow, pose = Figure().subplots(1, 2)
    draw_flow_losses(flow, {1: np.array([[1.0, 3.0], [1.0, 1.0]]), 2: np.array([[0.5, 0.5]])})
    curves = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in flow.lines]
    assert curves == [([1, 2], [2, 1]), ([3], [0.5])]
    draw_energies(pose, {1: np.array([9.0, 4.0, 3.5])})
    assert pose.lines[0].get_ydata().tolist() == [9, 4, 3.5]
    assert pose.get_legend().get_texts()[0].get_text() == "cycle 1: 9.000 to 3.500"
    empty = Figure().subplots()
    draw_flow_losses(empty, {})
    assert [text.get_text() for text in empty.texts] == ["the flow was not finetuned"]


def moment(true_flow):
    flows = np.zeros((2, 4, 5, 2), np.float32)
    flows[0, ..., 0], flows[1, ..., 1] = 3, 4
    points = {"truth": np.zeros((14, 2))}
    return Moment(0, np.zeros((4, 5, 3), np.uint8), points, points, tuple(flows), true_flow)


def test_error_maps_are_of_the_true_flow_or_else_of_the_change(tmp_path):
    true = np.zeros((4, 5, 2), np.float32)
    true[0, 0] = np.nan
    person = np.zeros((4, 5), bool)
    person[2] = True
    known = moment(TrueField(true, person))
    maps = error_maps(known)
    for name, value in (("before", 3), ("after", 4), ("difference", 1)):
        assert np.isnan(maps[name][0, 0]) and (maps[name].ravel()[1:] == value).all()
    unknown = error_maps(moment(None))
    assert list(unknown) == ["change"] and (unknown["change"] == 5).all()
    draw_error_maps(known, tmp_path / "a.png", tmp_path / "a.pdf", title="walk")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_picture_is_the_same_file(tmp_path):
    for name in ("a", "b"):
        figure = Figure(figsize=(1, 1))
        figure.subplots().plot([1, 2])
        save(figure, tmp_path / f"{name}.pdf", tmp_path / f"{name}.png")
    for kind in ("pdf", "png"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
