"""The curves of a sequence: which there are, of what joint, at which frame."""

from dataclasses import replace

import numpy as np
import pytest
from page_content import EPE, TIME, N, content_of, without_pose_after

from flowpose.pictures.frame_curves import frame_curves
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth

WRIST, HIP = METRO_14.index["l_wrist"], METRO_14.index["r_hip"]
AGREEMENT_AND_MOTION = ["Pose from flow", "Pose from detections", "Acceleration", "Motion"]


@pytest.fixture
def curves(tmp_path, provenance):
    """The curves of a pose and its truth, by title."""

    def run(joints, true, change=lambda content: content, **more):
        content = change(content_of(tmp_path, joints, true, provenance, **more))
        found = frame_curves(content.scores, content.poses, content.truth)
        return {of.title: of for of in found}

    return run


def test_with_a_truth_there_are_errors_before_and_after(curves, walk):
    found = curves(walk, walk)
    errors = ["MPJPE", "2D error", "Acceleration error", "Motion error", "EPE"]
    assert list(found) == [*errors, *AGREEMENT_AND_MOTION]
    assert all(list(found[title].values) == ["before", "after"] for title in errors)
    # Before, joint j is j + 1 cm off, and the middle of hips 2 and 3 by 3.5 cm.
    expected = np.abs(10 * np.arange(1, 15) - 35.0)
    mpjpe = found["MPJPE"].values
    np.testing.assert_allclose(mpjpe["before"][:, :14], np.tile(expected, (N, 1)), atol=1e-4)
    np.testing.assert_allclose(mpjpe["before"][:, 14], expected.mean(), atol=1e-4)
    np.testing.assert_allclose(mpjpe["after"], 0, atol=1e-4)
    # 100 px a metre.
    error_2d = found["2D error"].values["before"]
    np.testing.assert_allclose(error_2d[:, :14], np.tile(np.arange(1.0, 15), (N, 1)), atol=1e-3)


def test_values_of_two_frames_stand_at_the_first_those_of_three_in_the_middle(curves, walk):
    found = curves(walk, walk)
    epe = found["EPE"].values
    np.testing.assert_allclose(epe["before"][:-1, :14], EPE)
    np.testing.assert_allclose(epe["after"][:-1, 14], EPE.mean(1) / 2)
    assert np.isnan(epe["before"][-1]).all()
    known = np.isfinite(found["Acceleration error"].values["after"]).all(-1)
    assert known.tolist() == [False, True, True, True, True, False]


def test_motion_and_acceleration_are_those_of_the_joints(curves, body):
    """One wrist flies off by t² / 2 times 2 m/s² beside a body that goes 0.1 m in a frame."""
    joints = np.tile(body, (N, 1, 1)) + np.arange(N)[:, None, None] * [0.1, 0, 0]
    true = joints.copy()
    true[:, WRIST, 1] += 2 * TIME**2 / 2
    found = curves(joints, true)
    motion = found["Motion"].values
    assert list(motion) == ["before", "after", "truth"]
    np.testing.assert_allclose(motion["after"][:-1], 10, atol=1e-3)
    np.testing.assert_allclose(motion["truth"][:-1, HIP], 10, atol=1e-3)
    down = np.diff(2 * TIME**2 / 2) * 100
    np.testing.assert_allclose(motion["truth"][:-1, WRIST], np.hypot(10, down), atol=1e-3)
    acceleration = found["Acceleration"].values
    assert list(acceleration) == ["before", "after", "truth"]
    np.testing.assert_allclose(acceleration["truth"][1:-1, WRIST], 2, atol=1e-6)
    np.testing.assert_allclose(acceleration["truth"][1:-1, 14], 2 / 14, atol=1e-6)
    np.testing.assert_allclose(acceleration["after"][1:-1], 0, atol=1e-4)


def test_without_a_truth_no_curve_is_an_error_or_the_truths(curves, walk):
    found = curves(walk, np.full_like(walk, np.nan))
    assert list(found) == AGREEMENT_AND_MOTION
    assert all(list(of.values) == ["before", "after"] for of in found.values())


def test_where_a_joint_is_not_known_its_curve_has_a_gap(curves, walk):
    true = walk.copy()
    true[2, WRIST] = np.nan
    true[4] = np.nan
    found = curves(walk, true)
    unknown = np.isnan(found["MPJPE"].values["before"])
    assert np.argwhere(unknown[:, WRIST]).ravel().tolist() == [2, 4]
    assert np.argwhere(unknown[:, -1]).ravel().tolist() == [4]
    gaps = np.isnan(found["Motion"].values["truth"][:, WRIST])
    assert np.argwhere(gaps).ravel().tolist() == [1, 2, 3, 4, 5]


def test_a_frame_that_was_interpolated_has_no_values(curves, walk):
    found = curves(walk, walk, missing=(3,))
    for title, frames in (("MPJPE", [3]), ("Motion", [2, 3, 5]), ("Acceleration", [0, 2, 3, 4, 5])):
        unknown = np.isnan(found[title].values["after"]).all(-1)
        assert np.flatnonzero(unknown).tolist() == frames, title


def test_a_pose_that_was_not_refined_has_no_after(curves, walk):
    found = curves(walk, walk, without_pose_after)
    assert list(found["MPJPE"].values) == ["before"]
    assert list(found["Motion"].values) == ["before", "truth"]
    assert list(found["EPE"].values) == ["before", "after"]


def test_joints_of_the_truth_are_found_by_name(curves, walk):
    """Of three, METRO_14 has two; the mean is over all three."""

    def of_three(content):
        joints_2d = content.truth.joints_2d[:, [WRIST, 0, HIP]]
        truth = Truth(walk, joints_2d, ("l_wrist", "nose", "r_hip"), TIME)
        flows = [
            {
                name: replace(of, values=of.values[:, :3], valid=of.valid[:, :3])
                if name == "epe_px"
                else of
                for name, of in flow.items()
            }
            for flow in content.scores.flows
        ]
        return replace(content, truth=truth, scores=replace(content.scores, flows=flows))

    epe = curves(walk, walk, of_three)["EPE"].values["before"][:-1]
    np.testing.assert_allclose(epe[:, WRIST], EPE[:, 0])
    np.testing.assert_allclose(epe[:, HIP], EPE[:, 2])
    np.testing.assert_allclose(epe[:, -1], EPE[:, :3].mean(1))
    assert np.isnan(np.delete(epe[:, :14], [WRIST, HIP], axis=1)).all()
