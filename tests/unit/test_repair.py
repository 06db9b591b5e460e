"""Faults of known place, put into estimates of a doll that sways its limbs and turns."""

import numpy as np
import pytest

from flowpose.evaluation.pose_scores import used_detections
from flowpose.pose.keypoint_file import Keypoints
from flowpose.pose.person_size import person_height
from flowpose.pose.pose_file import Pose, read_pose, read_repairs, write_pose
from flowpose.pose.skeletons import ARMS, LEGS, METRO_14, MIRRORED
from flowpose.pose.weak_perspective import Crop
from flowpose.refinement.carrying import carry
from flowpose.refinement.repair import repair
from flowpose.storage import stage_files

T, SIDE = 24, 96
NOBODY = np.zeros((T, 2), bool)


def scene(body, seed):
    """Its estimate, its detections, and flow that follows its joints; all with errors."""
    rng = np.random.default_rng(seed)
    joints = np.tile(body, (T, 1, 1))
    time = np.arange(T) / 10
    swing = np.sin(2 * np.pi * rng.uniform(0.5, 1) * time + rng.uniform(0, 6))
    swing *= rng.uniform(0.1, 0.3)
    for joint, share in ((0, 1), (1, 0.5), (5, -1), (4, -0.5), (6, -1), (7, -0.5), (11, 1)):
        joints[:, joint, 2] += share * swing
        joints[:, joint, 0] += 0.3 * share * swing
    yaw = rng.uniform(0, 6) + rng.uniform(-0.5, 0.5) * time
    cos, sin, zero = np.cos(yaw), np.sin(yaw), 0 * yaw
    turn = np.array([[cos, zero, sin], [zero, zero + 1, zero], [-sin, zero, cos]])
    joints = np.einsum("abt,tjb->tja", turn, joints)
    camera = np.tile([0.8, 0, 0], (T, 1))
    camera[:, 1] = 0.1 * np.sin(time)
    true = Pose(joints, camera, Crop.whole_image(T, SIDE, SIDE))
    pixels = true.project().astype(float)
    height = person_height(pixels)
    place = np.moveaxis(np.mgrid[:SIDE, :SIDE], 0, -1)[..., ::-1]
    flow = np.zeros((T - 1, SIDE, SIDE, 2), np.float32)
    for t in range(T - 1):
        distance = np.linalg.norm(place[:, :, None] - pixels[t], axis=-1)
        motion = (pixels[t + 1] - pixels[t])[distance.argmin(-1)]
        flow[t] = np.where(distance.min(-1)[..., None] < 0.06 * height, motion, 0)
        flow[t] += 0.015 * height * rng.standard_normal(2)
    detections = pixels + 0.012 * height * rng.standard_normal(pixels.shape)
    estimate = joints + 0.03 * rng.standard_normal((1, 14, 3))
    estimate += 0.02 * rng.standard_normal(joints.shape)
    return Pose(estimate, camera, true.crop), detections, flow, height


def exchanged(points, legs_arms):
    points = points.copy()
    for part, frames in zip((LEGS, ARMS), legs_arms.T, strict=True):
        joints = list(part)
        points[np.ix_(frames, joints)] = points[frames][:, np.array(MIRRORED)[joints]]
    return points


def repaired(pose, detections, flow, weights=None):
    weights = np.ones((T, 14)) if weights is None else weights
    return repair(pose, detections, weights, flow)


@pytest.mark.parametrize("seed", range(40))
def test_a_sequence_without_faults_is_left_as_it_is(body, seed):
    pose, detections, flow, _ = scene(body, seed)
    after, seen, weights, repairs = repaired(pose, detections, flow)
    assert not repairs.repaired.any()
    assert not repairs.masked.any()
    assert repairs.summary() == []
    np.testing.assert_array_equal(after.joints_3d, pose.joints_3d)
    np.testing.assert_array_equal(after.camera, pose.camera)
    np.testing.assert_array_equal(seen, detections)
    assert weights.min() == 1


@pytest.mark.parametrize("where", ["both", "detections", "pose"])
@pytest.mark.parametrize("parts", [(True, True), (True, False), (False, True)])
def test_exchanged_sides_are_found_and_put_right(body, where, parts):
    """Faults of three frames and of one."""
    found = total = wrong = 0
    for seed in range(8):
        pose, detections, flow, _ = scene(body, seed)
        fault = NOBODY.copy()
        fault[4 + seed : 7 + seed] = parts
        fault[15 + seed % 4] = parts
        by_seen = NOBODY if where == "pose" else fault
        by_pose = NOBODY if where == "detections" else fault
        bad = Pose(exchanged(pose.joints_3d, by_pose), pose.camera, pose.crop)
        after, seen, _, repairs = repaired(bad, exchanged(detections, by_seen), flow)
        for is_wrong, got in (
            (by_seen, repairs.detections_exchanged),
            (by_pose, repairs.pose_exchanged),
        ):
            found += (is_wrong & got).sum()
            wrong += (~is_wrong & got).sum()
            total += is_wrong.sum()
        if (repairs.pose_exchanged == by_pose).all():
            np.testing.assert_array_equal(after.joints_3d, pose.joints_3d)
        if (repairs.detections_exchanged == by_seen).all():
            np.testing.assert_array_equal(seen, detections)
    assert wrong <= 0.02 * total
    assert found >= 0.95 * total


@pytest.mark.parametrize("gap", [1, 2])
def test_sides_are_followed_past_frames_in_which_nobody_was_found(body, gap):
    """There the pose is interpolated, between one as it is and one exchanged, and says nothing.

    In some of these scenes limbs lie on one another there, and nothing tells them apart.
    """
    right = 0
    for seed in range(12):
        pose, detections, flow, _ = scene(body, seed)
        fault, missed = NOBODY.copy(), np.zeros(T, bool)
        missed[8 : 8 + gap] = fault[8 + gap : 10 + gap] = True
        joints = exchanged(pose.joints_3d, fault)
        for t in np.flatnonzero(missed):
            share = (t - 7) / (gap + 1)
            joints[t] = (1 - share) * joints[7] + share * joints[8 + gap]
        seen = np.where(missed[:, None, None], np.nan, exchanged(detections, fault))
        weights = np.where(missed, 0.0, 1.0)[:, None].repeat(14, 1)
        *_, repairs = repaired(Pose(joints, pose.camera, pose.crop), seen, flow, weights)
        found = np.stack([repairs.detections_exchanged, repairs.pose_exchanged])
        right += (found == fault)[:, ~missed].all()
    assert right >= 8


@pytest.mark.parametrize("parts", [(True, False), (False, True)])
def test_halves_of_a_body_belong_together(body, parts):
    """After so many frames in which nobody was found only the trunk tells, here of most frames."""
    for seed in range(12):
        pose, detections, flow, _ = scene(body, seed)
        fault, missed = NOBODY.copy(), np.zeros(T, bool)
        missed[7:11] = True
        fault[11:] = parts
        joints = exchanged(pose.joints_3d, fault)
        for t in np.flatnonzero(missed):
            joints[t] = (11 - t) / 5 * joints[6] + (t - 6) / 5 * joints[11]
        seen = np.where(missed[:, None, None], np.nan, exchanged(detections, fault))
        weights = np.where(missed, 0.0, 1.0)[:, None].repeat(14, 1)
        *_, repairs = repaired(Pose(joints, pose.camera, pose.crop), seen, flow, weights)
        for found in (repairs.detections_exchanged, repairs.pose_exchanged):
            # Of what is the same in both halves, nothing tells past the gap.
            differ = found[:, 0] != found[:, 1]
            np.testing.assert_array_equal(differ[~missed], fault.any(1)[~missed])


def test_of_two_consistent_labellings_the_one_of_most_frames_is_right(body):
    pose, detections, flow, _ = scene(body, 1)
    fault = NOBODY.copy()
    fault[:9] = True
    bad = Pose(exchanged(pose.joints_3d, fault), pose.camera, pose.crop)
    *_, repairs = repaired(bad, exchanged(detections, fault), flow)
    np.testing.assert_array_equal(repairs.detections_exchanged, fault)
    *_, repairs = repaired(
        Pose(exchanged(pose.joints_3d, ~fault), pose.camera, pose.crop),
        exchanged(detections, ~fault),
        flow,
    )
    np.testing.assert_array_equal(repairs.detections_exchanged, fault)


def test_detections_that_jump_are_left_out_and_no_others(body):
    jumps = found = wrong = 0
    for seed in range(10):
        pose, detections, flow, height = scene(body, seed)
        wrist, ankle = METRO_14.index["r_wrist"], METRO_14.index["l_ankle"]
        fault = np.zeros((T, 14), bool)
        fault[6, wrist] = fault[[14, 15], ankle] = True
        middle = np.array([SIDE / 2, SIDE / 2])
        for t, joint in np.argwhere(fault):
            way = middle - detections[t, joint]
            detections[t, joint] += 0.45 * height * way / np.linalg.norm(way)
        *_, weights, repairs = repaired(pose, detections, flow)
        np.testing.assert_array_equal(weights == 0, repairs.masked)
        jumps += fault.sum()
        found += (fault & repairs.masked).sum()
        wrong += (~fault & repairs.masked).sum()
    assert wrong == 0
    assert found >= 0.9 * jumps


def test_a_detection_that_is_lacking_is_no_fault(body):
    pose, detections, flow, _ = scene(body, 2)
    weights = np.ones((T, 14))
    weights[5:8, ::3] = weights[10] = weights[:, [2, 3, 12, 13]] = 0
    detections[weights == 0] = np.nan
    _, _, after, repairs = repaired(pose, detections, flow, weights)
    assert not repairs.repaired.any()
    assert not repairs.masked.any()
    np.testing.assert_array_equal(after, weights)


def test_points_are_carried_over_several_frames():
    flow = np.zeros((3, 20, 20, 2), np.float32)
    flow[0, 5, 5], flow[1, 5, 7], flow[2, 8, 7] = (2, 0), (0, 3), (1, 1)
    points = np.full((4, 14, 2), np.nan)
    points[0, 0], points[1, 1], points[2, 2] = (5, 5), (19, 19.5), (3, 3)
    one, two, three = carry(flow, points, 3)
    np.testing.assert_array_equal([one[0, 0], two[0, 0], three[0, 0]], [(7, 5), (7, 8), (8, 9)])
    assert np.isnan(one[1, 1]).all()  # off the image
    np.testing.assert_array_equal(one[2, 2], (3, 3))
    assert np.isnan(two[2, 2]).all()  # after the end
    assert np.isnan(one[3]).all()


def test_the_log_and_the_file_say_what_was_repaired(body, tmp_path, provenance):
    pose, detections, flow, _ = scene(body, 0)
    fault = NOBODY.copy()
    fault[7:9, 1] = True
    seen = exchanged(detections, fault)
    _, mended, weights, repairs = repaired(pose, seen, flow)
    assert repairs.summary() == ["detections: left and right arms exchanged in frames [7, 8]"]
    write_pose(tmp_path / "pose_1.h5", pose, provenance, repairs=repairs)
    with stage_files.opened(tmp_path / "pose_1.h5") as h5:
        assert np.flatnonzero(h5["repaired"]).tolist() == [7, 8]
        np.testing.assert_array_equal(h5["detections_exchanged"][:], fault)
        assert not h5["pose_exchanged"][:].any()
        assert h5["masked"].shape == (T, 14)
    assert len(read_pose(tmp_path / "pose_1.h5").camera) == T
    # By the file, scores compare poses with the detections that they were refined toward.
    used = used_detections(
        Keypoints(seen, np.ones((T, 14))), 0, read_repairs(tmp_path / "pose_1.h5")
    )
    np.testing.assert_array_equal(used, np.where(weights[..., None] > 0, mended, np.nan))
