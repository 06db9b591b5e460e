"""What a picture says of scores; how it looks is to be looked at."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.metric import Scores
from flowpose.evaluation.pictured import PICTURED
from flowpose.evaluation.score_files import add_scores
from flowpose.evaluation.sequence_scores import read_sequence_scores
from flowpose.flow.true_flow_file import TrueField
from flowpose.pictures.moment import Moment, pair_to_show
from flowpose.pictures.moment_file import read_moment, write_moment
from flowpose.pictures.sequence_figure import _draw_scores
from flowpose.storage import stage_files


@pytest.fixture
def drawn(score_files):
    """Draws the curves of poses and flows of these means; the panels."""

    def run(poses, flows):
        axes = Figure().subplots(1, len(PICTURED))
        scores = read_sequence_scores(score_files("walk", poses=poses, flows=flows, n_frames=12))
        _draw_scores(list(axes), scores, mark=3)
        return {metrics[0].name: panel for metrics, panel in zip(PICTURED, axes, strict=True)}

    return run


def legend(panel):
    return [text.get_text() for text in panel.get_legend().get_texts()]


def test_a_metric_that_is_pictured_has_a_curve_a_pose_or_flow(drawn):
    panels = drawn([40, 30], [4, 3, 2])
    assert list(panels) == ["epe_px", "mpjpe_mm", "accel_mm"]
    assert legend(panels["epe_px"]) == ["before: mean 4.000", "in between", "after: mean 2.000"]
    assert legend(panels["mpjpe_mm"]) == ["before: mean 40.0", "after: mean 30.0"]
    assert panels["accel_mm"].get_title(loc="center") == "Acceleration error"
    assert panels["accel_mm"].get_ylabel() == "mean over joints (mm/frame²)"


def test_a_pose_that_was_not_refined_is_the_one_before(drawn):
    assert legend(drawn([40], [4, 3])["mpjpe_mm"]) == ["before: mean 40.0"]


def test_a_value_of_three_frames_is_that_of_the_middle_one(drawn):
    first = {name: panel.lines[0].get_xdata()[0] for name, panel in drawn([40], [4]).items()}
    assert first == {"epe_px": 0, "mpjpe_mm": 0, "accel_mm": 1}


def test_where_nothing_is_known_the_panel_says_so(drawn):
    panels = drawn([np.nan, np.nan], [4, 3, 2])
    for name in ("mpjpe_mm", "accel_mm"):
        assert [text.get_text() for text in panels[name].texts] == ["not known"]
        assert panels[name].get_legend() is None and not panels[name].lines
    assert not panels["epe_px"].texts and len(legend(panels["epe_px"])) == 3


@pytest.mark.parametrize(
    ("in_picture", "expected"),
    [
        ({}, ["Pose from flow", "Pose from detections", "Acceleration"]),
        ({"error_2d_px": 5, "epe_px": 4}, ["EPE", "2D error", "Acceleration"]),
    ],
)
def test_where_an_error_is_not_known_the_panel_has_what_can_be_said_instead(
    drawn, in_picture, expected
):
    known = {"pose_detections_px": 9, "pose_accel_m_s2": 2, "bone_sd_mm": 1, **in_picture}
    panels = drawn([known, known], [{"pose_flow_px": 4, **in_picture}] * 2)
    assert [panel.get_title(loc="center") for panel in panels.values()] == expected
    assert legend(panels["epe_px"]) == ["before: mean 4.000", "after: mean 4.000"]
    assert panels["accel_mm"].get_ylabel() == "mean over joints (m/s²)"


def test_the_pair_that_changed_most_is_found(tmp_path, provenance):
    def scored(*values, names=("epe_px", "pose_flow_px")):
        path = tmp_path / f"{values}.h5"
        values = np.array(values, float)[:, None]
        known = Scores(values, np.isfinite(values), "px")
        unknown = Scores(np.full_like(values, np.nan), np.zeros_like(values, bool), "px")
        with stage_files.create(path, provenance) as h5:
            for metric in FLOW_METRICS:
                scores = known if metric.name in names else unknown
                add_scores(h5, metric.name, scores, ["Head"], axes=("pair", "joint"))
        return path

    assert pair_to_show(scored(1, 5, np.nan, 3), scored(2, 1, np.nan, 2)) == 1
    assert pair_to_show(scored(np.nan, np.nan), scored(np.nan, np.nan)) == 0
    # Without a truth, the one in which pose and flow came nearer to each other, or went apart.
    agreement = [scored(*of, names=("pose_flow_px",)) for of in ((1, 2, 5), (1, 3, 3))]
    assert pair_to_show(*agreement) == 2


def test_a_moment_is_read_as_it_was_written(tmp_path, provenance):
    rng = np.random.default_rng(0)
    points = {who: rng.normal(size=(14, 2)) for who in ("truth", "before", "after")}
    points["truth"][3] = np.nan
    moment = Moment(
        7,
        rng.integers(0, 255, (6, 8, 3), dtype=np.uint8),
        poses=points,
        motions=points,
        flows=tuple(rng.normal(size=(2, 6, 8, 2)).astype(np.float32)),
        true_flow=TrueField(
            rng.normal(size=(6, 8, 2)).astype(np.float32), rng.random((6, 8)) < 0.5
        ),
        losses={"flow_1": rng.random((3, 5)), "pose_1": rng.random(9)},
    )
    write_moment(tmp_path / "moment.h5", moment, provenance)
    read = read_moment(tmp_path / "moment.h5")
    assert read.pair == 7
    np.testing.assert_array_equal(read.picture, moment.picture)
    np.testing.assert_array_equal(read.flows, moment.flows)
    np.testing.assert_array_equal(read.true_flow.flow, moment.true_flow.flow)
    np.testing.assert_array_equal(read.true_flow.person, moment.true_flow.person)
    assert set(read.losses) == {"flow_1", "pose_1"}
    for stage in read.losses:
        np.testing.assert_array_equal(read.losses[stage], moment.losses[stage])
    for kind in ("poses", "motions"):
        assert set(getattr(read, kind)) == set(points)
        for who in points:
            np.testing.assert_array_equal(getattr(read, kind)[who], points[who])
